"""The restriction of a function to a line through the point, weighted by a cotangent: a function of one number.

Its slope by the formulas and its numerical slope are the two numbers that a gradient check compares.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.function import CheckedFunction
from tinygrad_ko.check.report import Projection, Verdict
from tinygrad_ko.check.slope import EPS, SMALLEST_SCALE, Side, Slope, measure_slope, scale_along, scales, tolerance

_CLOSE = 1e-6  # a relative difference so small is measured again before it is a mismatch


class Line:
    """s -> <c, f(x + s d) - f(x)>, for a cotangent c and directions d of some arguments of f."""

    def __init__(self, f: CheckedFunction, c: Array, d: dict[int, Array]) -> None:
        self.f, self.c, self.d = f, c, d
        self.label = f.labels[next(iter(d))] if len(d) == 1 else "all together"
        self.scale = min(scale_along(f.point[i], d[i]) for i in d)
        self.size = float(np.sum(np.abs(c * f.y)))

    def change(self, s: float) -> Array:
        return self.f.value(self.f.along(s, self.d)) - self.f.y

    def __call__(self, s: float) -> float:
        return float(np.sum(self.c * self.change(s)))

    def slope(self, stretch: float = 1.0, quick: bool = False, side: Side = "both") -> Slope:
        """The numerical slope at 0, with steps `stretch` times as long as the inputs suggest."""
        return measure_slope(self, 0.0, self.scale * stretch, self.size, self.f.eps, side, quick)

    def analytic(self, factor: float = 1.0) -> tuple[float, float]:
        """The slope by the formulas, and the sum of its absolute terms; computed from `factor` times the cotangent."""
        terms = [t / factor for t in self.f.slope_terms(self.c if factor == 1 else factor * self.c, self.d)]
        return float(sum(np.sum(t) for t in terms)), float(sum(np.sum(np.abs(t)) for t in terms))


def random_line(f: CheckedFunction, group: Iterable[int], c: Array, rng: Any, relative: bool = False) -> Line:
    """A line in a random direction: each number moves in proportion to its scale, or (`relative`) to its own size."""
    d = {}
    for i in group:
        x = f.point[i]
        own = np.where(x == 0, scales(x), np.abs(x))
        d[i] = np.nan_to_num(rng.standard_normal(x.shape) * (own if relative else scales(x)))
    return Line(f, c, d)


def indicator(shape: tuple[int, ...], index: Any) -> Array:
    """1 at an index, 0 elsewhere; the index is a tuple, or one or more positions in the flattened array."""
    array = np.zeros(shape)
    (array if isinstance(index, tuple) else array.reshape(-1))[index] = 1.0
    return array


def compare_slopes(line: Line, quick: bool = False) -> Projection:
    """The analytic slope along a line beside the numerical one."""
    f, (analytic, size) = line.f, line.analytic()

    def compared(slope: Slope) -> Projection:
        return Projection(f.order, line.label, analytic, size, slope, _verdict(analytic, size, line.size, slope, f.eps))

    if quick:
        found = compared(line.slope(quick=True))
        if found.verdict == "agrees" and found.slope.kind == "smooth":
            return found
    found = compared(line.slope())
    step = line.scale * max(float(np.max(np.abs(x), initial=0.0)) for x in line.d.values())
    if found.verdict == "undecided" and 1e-100 < step < SMALLEST_SCALE / 8:
        # f may hardly change over the size of tiny inputs
        wide = compared(line.slope(SMALLEST_SCALE / step))
        found = wide if wide.verdict == "agrees" else found
    if found.verdict == "mismatch" and found.difference <= _CLOSE * max(size, line.size):
        # Compute both again in other ways, and add to the error estimate what the results differ by.
        doubts = [abs(line.slope(stretch).value - found.slope.value) for stretch in (0.35, 0.6)]
        doubts += [abs(line.analytic(factor)[0] - analytic) for factor in (1.1, 1.3, 1.7)]
        found = compared(replace(found.slope, error=found.slope.error + 4 * max(doubts)))
    return found


def _verdict(analytic: float, size: float, values: float, slope: Slope, eps: float) -> Verdict:
    """The verdict on one projection. `size` and `values` are sums of absolute terms: of the analytic slope, of what f returned.

    A measurement that cannot see an error must not accept: its tolerance has to be below a thousandth of what is compared. A
    slope of 0 passes if it was measured to the last bits of f, and the formulas give exactly 0 or f is seen to bend.
    """
    allowed = tolerance(slope.error, size, eps)
    zero = 64 * EPS * max(1.0, values)
    if not np.isfinite(slope.error):
        return "undecided"
    if not np.isfinite(analytic):
        return "mismatch"
    if not abs(analytic - slope.value) <= allowed:
        unseen = slope.kind == "noisy" or (slope.kind in ("flat", "saturated") and size <= zero)
        return "undecided" if unseen else "mismatch"
    if allowed <= 1e-3 * max(size, abs(slope.value)):
        return "agrees"
    resolved = size == 0 or (slope.kind == "smooth" and size <= zero)
    return "agrees" if resolved and allowed <= 1e-9 * max(1.0, values) else "undecided"
