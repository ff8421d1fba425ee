"""How far two computations of the same program may be apart: as far as rounding every value at random moves the result.

Source: D. S. Parker, "Monte Carlo arithmetic" (1997).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tests.fuzz.differentiating import largest
from tests.fuzz.programs import Program
from tinygrad_ko import op
from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.slopes.slope import scales

Rng = Any
Differentiate = Callable[[Callable[..., Any], Any, Array], list[Array]]
LOOKS = (
    (6, 4),
    (60, 16),
)  # how often, and by how many units; a second, closer look before anything is said to be wrong


@op(x=lambda g, rng, eps, least: rounded(g, rng, eps, least))
def rounded_both_ways(x: Array, *, rng: Rng, eps: float, least: float) -> Array:
    """x and, on the way back, its gradient, rounded at random."""
    return rounded(x, rng, eps, least)


def rounded(x: Any, rng: Rng, eps: float, least: float) -> Any:
    """x, off by up to eps of itself and `least` more."""
    return x * (1 + eps * rng.uniform(-1, 1, x.shape)) + least * rng.uniform(-1, 1, x.shape)


def agree(
    found: list[Array],
    program: Program,
    differentiate: Differentiate,
    arrays: Any,
    c: Array,
    info: Any,
    rng: Rng,
    how: str,
) -> None:
    """Assert that what was found in a precision is what float64 gives, within what rounding every value may do.

    Those are the value, the gradients and perhaps the second derivatives, as `differentiate` gives them.
    """
    eps, least = float(info.eps), float(info.smallest_subnormal)
    true = differentiate(program, arrays, c)
    size = float(np.sum(np.abs(c * true[0])))
    floor: list[Any] = [eps * largest([true[0]])]
    for i, t in enumerate(true[1:]):  # a gradient may be off by what moves the value by its last bits
        order, x = 1 + i // len(arrays), arrays[i % len(arrays)]
        floor.append(eps * (largest([t]) + size / scales(x) ** order))
    for trials, units in LOOKS:
        after = partial(rounded_both_ways, rng=rng, eps=units * eps, least=units * least)
        others = [differentiate(partial(program, after=after), arrays, c) for _ in range(trials)]
        off = [np.max([np.abs(other[i] - t) for other in others], axis=0) for i, t in enumerate(true)]
        off = [8 * (np.where(np.isfinite(o), o, np.inf) + f + least) for o, f in zip(off, floor, strict=True)]
        near = [(np.abs(y - t) <= o) | ~np.isfinite(t + o) for y, t, o in zip(found, true, off, strict=True)]
        if all(map(np.all, near)):
            return
    i = [bool(np.all(n)) for n in near].index(False)
    order, x = divmod(i - 1, len(arrays))
    what = "the value" if i == 0 else f"the {'second ' * order}derivative in x{x}"
    raise AssertionError(f"{how} {what} is\n{found[i]}, not\n{true[i]}; rounding explains no more than\n{off[i]}")
