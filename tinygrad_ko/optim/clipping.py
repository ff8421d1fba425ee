"""Gradient clipping, between `backward()` and `step()`: of all gradients or, if anything goes wrong, of none."""

from collections.abc import Iterable
from math import isfinite, sqrt

import numpy as np

from tinygrad_ko.arrays.library import Array, new_array
from tinygrad_ko.engine.backprop import put
from tinygrad_ko.engine.graph import Node
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
    nodes, gradients, largest = _finite_gradients("clip_grad_norm", parameters)
    if largest == 0:
        return 0.0
    # Squares of large numbers are infinite and squares of small ones 0: so lengths are measured in units of the largest.
    squares = [np.sum(np.square(g / largest, dtype=np.float64)) for g in gradients]
    length = sqrt(sum(map(float, squares)))
    if length > max_norm / largest:
        put(nodes, [new_array(g / largest * float(max_norm / length), copy=False) for g in gradients])
    return largest * length


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
    nodes, gradients, _ = _finite_gradients("clip_grad_value", parameters)
    put(nodes, [new_array(np.clip(g, -float(limit), float(limit)), copy=False) for g in gradients])


def _finite_gradients(call: str, parameters: Iterable[Tensor]) -> tuple[list[Node | None], list[Array], float]:
    """The leaves that have a gradient, their gradients, and the largest magnitude in these: NaN cannot be clipped."""
    due, largest = with_gradients(leaves(parameters), call), 0.0
    for _, p, g in due:
        largest = max(largest, size := float(np.max(np.abs(g), initial=0.0)))
        if not isfinite(size):
            which = f"shape {p.shape}" + (f" ({p.name})" if p.name else "")
            raise explain(
                RuntimeError(
                    f"{call}: the gradient of the parameter of {which} holds NaN or infinity; tg.check_gradient says which op made it"
                ),
                f"{call}: 다음 매개변수의 기울기에 NaN이나 무한대가 있습니다: {which}. "
                "tg.check_gradient로 어느 연산에서 생겼는지 찾을 수 있습니다.",
            )
    return [p.node for _, p, _ in due], [g for _, _, g in due], largest
