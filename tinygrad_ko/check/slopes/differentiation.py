"""Numerical derivatives of any function of numbers or arrays, with an error estimate; no Tensor is needed."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.arrays.operands import operand
from tinygrad_ko.check.slopes.captured import is_plain_number, require_argument_used
from tinygrad_ko.check.slopes.numerical import BY_ARGUMENT, one_number
from tinygrad_ko.check.slopes.slope import SMALLEST_SCALE, Side, Slope, measure_slope, precision, scale_along
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.inputs import require_one_of


def derivative(f: Callable[[float], Any], x: float, *, side: Side = "both", quick: bool = False) -> Slope:
    """The derivative of a function of one number at x, with an error estimate.

    f takes and returns one number (float64). With `side="right"` only steps above x are taken, with `side="left"` only
    those below; at a kink both sides are measured by themselves. `quick=True` takes six evaluations where the ladder
    takes about fifteen, for a relative error of about 1e-9 instead of 1e-13; it is for `side="both"`.

    Raises TypeError or ValueError if f does not return one number, and whatever f raises at x itself; at a step beside x a
    ValueError, ArithmeticError, AssertionError, RuntimeError or LookupError says only that the domain ends there. ValueError
    too if the derivative is 0 because f reads x itself, an array of one number, and not its argument.

    >>> import math
    >>> d = derivative(math.exp, 1.0)
    >>> abs(d.value - math.e) <= d.error < 1e-10
    True
    >>> d = derivative(abs, 0.0)
    >>> d.kind, d.left.value, d.right.value
    ('kink', -1.0, 1.0)
    """
    _require_side(side, quick)
    if np.ndim(x) > 0:
        shape = np.shape(x)
        raise explain(
            ValueError(f"derivative: x must be one number, not shape {shape}: see directional_derivative for arrays"),
            f"derivative: x는 수 하나여야 합니다. 받은 형상: {shape}. 배열에는 directional_derivative를 쓰십시오.",
        )
    at = float(x)
    with np.errstate(all="ignore"):
        eps = precision(f(at))
    slope = measure_slope(lambda s: one_number(f(s)), at, max(abs(at), SMALLEST_SCALE), 0.0, eps, side, quick)
    if slope.value == 0 and not is_plain_number(x):
        require_argument_used("derivative", f, x, np.float64(at), True, BY_ARGUMENT)
    return slope


def directional_derivative(
    f: Callable[[Array], Any],
    x: Any,
    direction: Any,
    *,
    cotangent: Any = None,
    side: Side = "both",
    quick: bool = False,
) -> Slope:
    """The derivative of s -> f(x + s * direction) at s = 0: one projection of the gradient, for the price of one number.

    `x` is a float64 array of any shape (others are converted), `direction` has its shape. Where f returns an array,
    `cotangent`, in its shape, says with which weights its elements are summed. `side` and `quick` are as for
    `derivative`. f is any function of an array, which it must leave as it is.

    Raises ValueError if a shape does not fit, or if the derivative is 0 because f reads x itself and not its argument, a copy;
    TypeError if x does not hold real numbers. Where f does both, only its argument counts: x itself is a constant.

    >>> x = np.array([3.0, 4.0])
    >>> d = directional_derivative(lambda x: np.sqrt(np.sum(x * x)), x, [1.0, 0.0])
    >>> abs(d.value - 0.6) <= d.error < 1e-11
    True
    """
    _require_side(side, quick)
    given = x
    x, direction = (np.array(operand(v, "directional_derivative"), dtype=np.float64) for v in (x, direction))
    if x.shape != direction.shape:
        raise explain(
            ValueError(f"directional_derivative: x has shape {x.shape}, but direction has shape {direction.shape}"),
            f"x의 형상은 {x.shape}인데 direction의 형상은 {direction.shape}입니다. 두 형상이 같아야 합니다.",
        )
    with np.errstate(all="ignore"):
        returned = f(x.copy())
    y = np.asarray(returned, dtype=np.float64)
    weights = np.ones(()) if cotangent is None and y.size == 1 else np.asarray(cotangent, dtype=np.float64)
    if (cotangent is None and y.size != 1) or weights.shape not in (y.shape, ()):
        raise explain(
            ValueError(f"directional_derivative: f returned shape {y.shape}: pass a cotangent of that shape"),
            f"f의 반환값은 형상이 {y.shape}인 배열입니다. 같은 형상의 cotangent(출력마다 곱할 가중치)를 넘기십시오.",
        )

    def along(s: float) -> float:
        return float(np.sum(weights * (np.asarray(f(x + s * direction)) - y)))

    size = float(np.sum(np.abs(weights * y)))
    slope = measure_slope(along, 0.0, scale_along(x, direction), size, precision(returned), side, quick)
    if slope.value == 0 and x.size:
        require_argument_used("directional_derivative", f, given, x, True, BY_ARGUMENT)
    return slope


def _require_side(side: Side, quick: bool) -> None:
    require_one_of(["both"] if quick else ["both", "left", "right"], side, f"quick={quick}", "side")
