"""Gradients that are too long are cut back, between `backward()` and `step()`: all of them or, if anything goes wrong, none."""

from collections.abc import Iterable
from math import isfinite, sqrt

import numpy as np

from tinygrad_ko.arrays.library import Array, new_array
from tinygrad_ko.engine.backprop import put
from tinygrad_ko.errors import explain
from tinygrad_ko.optim.parameters import leaves, with_gradients
from tinygrad_ko.tensor.tensor import Tensor


def clip_grad_norm(parameters: Iterable[Tensor], max_norm: float) -> float:
    """Shorten the gradients of all parameters together if they are longer than max_norm. Returns their length before.

    The length is the Euclidean norm of all gradients as one long vector. Each is multiplied by max_norm / length, so
    the direction stays; the shortened gradients are new arrays of the same dtypes. `max_norm=inf` only measures.
    Source: Pascanu, Mikolov and Bengio (2013).

    Raises RuntimeError if no parameter has a gradient, or one holds NaN or infinity; ValueError unless max_norm is
    above 0; and what an optimizer raises for things that are no parameters. Then no gradient is changed.

    >>> w = Tensor([3.0, 4.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> clip_grad_norm([w], max_norm=5.0)
    10.0
    >>> w.grad
    array([3., 4.])
    """
    above_0("max_norm", max_norm)
    tensors, gradients = found("clip_grad_norm", parameters)
    unit = largest("clip_grad_norm", tensors, gradients)
    if unit == 0:
        return 0.0
    # Squares of large numbers are infinite and squares of small ones 0: so lengths are measured in units of the largest.
    squares = [np.sum(np.square(g / unit, dtype=np.float64)) for g in gradients]
    length = sqrt(sum(map(float, squares)))
    if length > max_norm / unit:
        put([p.node for p in tensors], [new_array(g / unit * float(max_norm / length), copy=False) for g in gradients])
    return unit * length


def clip_grad_value(parameters: Iterable[Tensor], limit: float) -> None:
    """Limit every number in the gradients to [-limit, limit]. That turns them; `clip_grad_norm` keeps their direction.

    Raises what `clip_grad_norm` raises, and then no gradient is changed.

    >>> w = Tensor([3.0, -0.25], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> clip_grad_value([w], 1.0)
    >>> w.grad
    array([ 1. , -0.5])
    """
    above_0("limit", limit)
    tensors, gradients = found("clip_grad_value", parameters)
    largest("clip_grad_value", tensors, gradients)
    put([p.node for p in tensors], [new_array(np.clip(g, -float(limit), float(limit)), copy=False) for g in gradients])


def found(name: str, parameters: Iterable[Tensor]) -> tuple[list[Tensor], list[Array]]:
    """The parameters that have a gradient, and their gradients."""
    given = leaves(parameters)
    tensors = [given[i] for i in with_gradients(given, name)]
    return tensors, [g for p in tensors if (g := p.grad) is not None]


def largest(name: str, tensors: list[Tensor], gradients: list[Array]) -> float:
    """The largest size of a number in the gradients. Raises RuntimeError if it is not finite, for NaN cannot be cut."""
    sizes = [float(np.max(np.abs(g), initial=0.0)) for g in gradients]
    for p, size in zip(tensors, sizes, strict=True):
        if not isfinite(size):
            which = f"shape {p.shape}" + (f" ({p.name})" if p.name else "")
            raise explain(
                RuntimeError(
                    f"{name}: the gradient of the parameter of {which} holds NaN or infinity; tg.check_gradient says which op made it"
                ),
                f"{name}: 다음 매개변수의 기울기에 NaN이나 무한대가 있습니다: {which}. "
                "tg.check_gradient로 어느 연산에서 생겼는지 찾을 수 있습니다.",
            )
    return max(sizes)


def above_0(name: str, value: float) -> None:
    """Refuse a limit that is not above 0; it may be infinite."""
    if not value > 0:
        raise explain(
            ValueError(f"{name} must be above 0, not {value}"), f"{name}: 0보다 커야 합니다. 받은 값: {value}"
        )
