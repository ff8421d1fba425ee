"""The restriction of a function to a line through the point, weighted by a cotangent: a function of one number.

Its slope by the formulas and its numerical slope are the two numbers that a gradient check compares.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.functions.function import CheckedFunction
from tinygrad_ko.check.slopes.slope import OUTSIDE, Side, Slope, brief_slope, measure_slope, scale_along, scales
from tinygrad_ko.errors import explain

_ENDLESS = (
    "If it does not end there, as an iteration outside of its domain, limit its turns, or let it raise ValueError there",
    "정의역 밖에서 끝나지 않는 반복 계산이라면 반복 횟수를 제한하거나, 그 점에서 ValueError를 내도록 하십시오.",
)


class Line:
    """s -> <c, f(x + s d) - f(x)>, for a cotangent c and directions d of some arguments of f."""

    def __init__(self, f: CheckedFunction, c: Array, d: dict[int, Array], scale: float | None = None) -> None:
        self.f, self.c, self.d = f, c, d
        self.label = f.labels[next(iter(d))] if len(d) == 1 else "all together"
        self.scale = scale or min(scale_along(f.point[i], d[i]) for i in d)
        self.size = float(np.sum(np.abs(c * f.y)))

    def change(self, s: float) -> Array:
        """By how much f changes over a distance; NaN outside its domain."""
        try:
            return self.f.value(self.f.along(s, self.d)) - self.f.y
        except OUTSIDE as error:
            self.f.progress.note(error)
            return np.full_like(self.f.y, np.nan)
        except KeyboardInterrupt as error:
            far = s / self.scale
            error.add_note(f"{self.f.name} was called {far:.2g} of the inputs' size beside them. {_ENDLESS[0]}")
            explain(
                error,
                f"{self.f.name}: 입력에서 그 크기의 {far:.2g}배만큼 떨어진 점을 계산하고 있었습니다. {_ENDLESS[1]}",
            )
            raise

    def __call__(self, s: float) -> float:
        return float((self.c * self.change(s)).sum()) if s else 0.0

    def slope(self, stretch: float = 1.0, quick: bool = False, side: Side = "both") -> Slope:
        """The numerical slope at 0, with steps `stretch` times as long as the inputs suggest."""
        return measure_slope(self, 0.0, self.scale, self.size, self.f.eps, side, quick, stretch)

    def brief_slope(self) -> Slope:
        """The same from fewer evaluations, where f is smooth."""
        return brief_slope(self, self.scale, self.size, self.f.eps)

    def analytic(self, factor: float = 1.0) -> tuple[float, float]:
        """The slope by the formulas, and the sum of its absolute terms; computed from `factor` times the cotangent."""
        terms = [t / factor for t in self.f.slope_terms(self.c if factor == 1 else factor * self.c, self.d)]
        return float(sum(np.sum(t) for t in terms)), float(sum(np.sum(np.abs(t)) for t in terms))


def random_line(f: CheckedFunction, group: Iterable[int], c: Array, rng: Any, relative: bool = False) -> Line:
    """A line in a random direction: each number moves in proportion to its scale, or (`relative`) to its own size."""
    d, furthest = {}, 0.0
    for i in group:
        x, r = f.point[i], rng.standard_normal(f.point[i].shape)
        sizes = scales(x)
        own = np.where(x == 0, sizes, np.abs(x)) if relative else sizes
        d[i] = step = r * own
        if not np.isfinite(np.sum(step)):
            d[i] = np.nan_to_num(step)
        furthest = max(furthest, float(np.max(np.abs(r if own is sizes else d[i] / sizes), initial=0.0)))
    return Line(f, c, d, 1 / (furthest or 1.0))


def indicator(shape: tuple[int, ...], index: Any) -> Array:
    """1 at an index, 0 elsewhere; the index is a tuple, or one or more positions in the flattened array."""
    array = np.zeros(shape)
    (array if isinstance(index, tuple) else array.reshape(-1))[index] = 1.0
    return array
