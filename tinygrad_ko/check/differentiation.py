"""Numerical derivatives of any function of numbers or arrays, each with a claim of how far it is off. No Tensor in sight."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.arrays.operands import operand
from tinygrad_ko.check.elsewhere import hold_to_its_argument, is_number
from tinygrad_ko.check.numerical import BY_ARGUMENT, one_number
from tinygrad_ko.check.slope import LEAST, Side, Slope, measured, precision, reach
from tinygrad_ko.errors import explain


def derivative(f: Callable[[float], Any], x: float, *, side: Side = "both", quick: bool = False) -> Slope:
    """The derivative of a function of one number at x, with a claim of how far it is off.

    f takes and returns one number (float64). With `side="right"` only steps above x are taken, with `side="left"` only
    those below; at a kink both sides are measured by themselves. `quick=True` takes six evaluations where the ladder
    takes about fifteen, for a relative error of about 1e-9 instead of 1e-13; it is for `side="both"`.

    Raises TypeError or ValueError if f does not return one number, and whatever f raises at x itself; a ValueError or
    ArithmeticError at a step beside x says only that the domain ends there. ValueError too if the derivative is 0 because f reads
    x itself, an array of one number, and not its argument.

    >>> import math
    >>> d = derivative(math.exp, 1.0)
    >>> abs(d.value - math.e) <= d.claim < 1e-10
    True
    >>> d = derivative(abs, 0.0)
    >>> d.kind, d.left.value, d.right.value
    ('kink', -1.0, 1.0)
    """
    sensible(side, quick)
    if np.ndim(x) > 0:
        raise explain(
            ValueError(
                f"derivative: x must be one number, not shape {np.shape(x)}: see directional_derivative for arrays"
            ),
            f"x는 수 하나여야 합니다. 받은 형상: {np.shape(x)}. 배열에는 directional_derivative를 쓰십시오.",
        )
    here = float(x)
    with np.errstate(all="ignore"):
        eps = precision(f(here))
    slope = measured(lambda s: one_number(f(s)), here, max(abs(here), LEAST), 0.0, eps, side, quick)
    if slope.value == 0 and not is_number(x):
        hold_to_its_argument("derivative", f, x, np.float64(here), True, BY_ARGUMENT)
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
    `derivative`. Nothing here knows of Tensors: f is any function of an array, which it must leave as it is.

    Raises ValueError if a shape does not fit, or if the derivative is 0 because f reads x itself and not its argument, a copy;
    TypeError if x does not hold real numbers. Where f does both, only its argument counts: x itself is a constant.

    >>> x = np.array([3.0, 4.0])
    >>> d = directional_derivative(lambda x: np.sqrt(np.sum(x * x)), x, [1.0, 0.0])
    >>> abs(d.value - 0.6) <= d.claim < 1e-11
    True
    """
    sensible(side, quick)
    given = x
    x, direction = (np.array(operand(v, "directional_derivative"), dtype=np.float64) for v in (x, direction))
    if x.shape != direction.shape:
        raise explain(
            ValueError(f"directional_derivative: x has shape {x.shape}, but direction has shape {direction.shape}"),
            f"x의 형상은 {x.shape}인데 direction의 형상은 {direction.shape}입니다. 두 형상이 같아야 합니다.",
        )
    with np.errstate(all="ignore"):
        returned = f(x.copy())
    here = np.asarray(returned, dtype=np.float64)
    weights = np.ones(()) if cotangent is None and here.size == 1 else np.asarray(cotangent, dtype=np.float64)
    if (cotangent is None and here.size != 1) or weights.shape not in (here.shape, ()):
        raise explain(
            ValueError(f"directional_derivative: f returned shape {here.shape}: pass a cotangent of that shape"),
            f"f의 반환값은 형상이 {here.shape}인 배열입니다. 같은 형상의 cotangent(출력마다 곱할 가중치)를 넘기십시오.",
        )

    def along(s: float) -> float:
        return float(np.sum(weights * (np.asarray(f(x + s * direction)) - here)))

    size = float(np.sum(np.abs(weights * here)))
    slope = measured(along, 0.0, reach(x, direction), size, precision(returned), side, quick)
    if slope.value == 0 and x.size:
        hold_to_its_argument("directional_derivative", f, given, x, True, BY_ARGUMENT)
    return slope


def sensible(side: Side, quick: bool) -> None:
    """Refuse a side that there is not, and one that there is not for two steps."""
    if side not in ("both", "left", "right") or (quick and side != "both"):
        raise explain(
            ValueError(f"side must be 'both', 'left' or 'right', and 'both' with quick=True; not {side!r}"),
            f"side에는 'both', 'left', 'right' 중 하나를 넘겨야 하고, quick=True이면 'both'만 쓸 수 있습니다. 받은 값: {side!r}",
        )
