"""Gradient clipping, between `backward()` and `step()`: of all gradients or, if anything goes wrong, of none."""

from collections.abc import Iterable
from math import isfinite, sqrt
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array, new_array
from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.engine.backprop import put
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.inputs import require_above_0
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
    require_above_0(max_norm=max_norm, finite=False)
    due = with_gradients(leaves(parameters), "clip_grad_norm")
    length, *shortened = _shortened([*map(_described, due)], float(max_norm), *[g for _, _, g in due])
    put([p.node for _, p, _ in due], shortened)
    return length


def clip_grad_value(parameters: Iterable[Tensor], limit: float) -> None:
    """Limit every number in the gradients to [-limit, limit]. That turns them; `clip_grad_norm` keeps their direction.

    Raises what `clip_grad_norm` raises, and then no gradient is changed.

    >>> w = Tensor([3.0, -0.25], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> clip_grad_value([w], 1.0)
    >>> w.grad
    array([ 1. , -0.5])
    """
    require_above_0(limit=limit, finite=False)
    due = with_gradients(leaves(parameters), "clip_grad_value")
    put([p.node for _, p, _ in due], _limited([*map(_described, due)], float(limit), *[g for _, _, g in due]))


@opaque
def _shortened(names: list[str], max_norm: float, *gradients: Array) -> list[Any]:
    """The length of all gradients together, and new gradients, shortened to max_norm."""
    largest = _largest("clip_grad_norm", names, gradients)
    if largest == 0:
        return [0.0, *map(new_array, gradients)]
    # Squares of large numbers are infinite and squares of small ones 0: so lengths are measured in units of the largest.
    squares = [np.sum(np.square(g / largest, dtype=np.float64)) for g in gradients]
    length = sqrt(sum(map(float, squares)))
    if length > max_norm / largest:
        return [largest * length, *[new_array(g / largest * float(max_norm / length), copy=False) for g in gradients]]
    return [largest * length, *map(new_array, gradients)]


@opaque
def _limited(names: list[str], limit: float, *gradients: Array) -> list[Array]:
    """New gradients, with every number in [-limit, limit]."""
    _largest("clip_grad_value", names, gradients)
    return [new_array(np.clip(g, -limit, limit), copy=False) for g in gradients]


def _largest(call: str, names: list[str], gradients: Iterable[Array]) -> float:
    """The largest magnitude in the gradients: NaN cannot be clipped."""
    largest = 0.0
    for which, g in zip(names, gradients, strict=True):
        largest = max(largest, size := float(np.max(np.abs(g), initial=0.0)))
        if not isfinite(size):
            raise explain(
                RuntimeError(
                    f"{call}: the gradient of the parameter of {which} holds NaN or infinity; tg.check_gradient says which op made it"
                ),
                f"{call}: 다음 매개변수의 기울기에 NaN이나 무한대가 있습니다: {which}. "
                "tg.check_gradient로 어느 연산에서 생겼는지 찾을 수 있습니다.",
            )
    return largest


def _described(due: tuple[int, Tensor, Array]) -> str:
    """A parameter with a gradient, for a message."""
    p = due[1]
    return f"shape {p.shape}" + (f" ({p.name})" if p.name else "")
