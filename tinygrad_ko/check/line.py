"""A straight line through the point: along it, and seen through a cotangent, f is a function of one number.

What the formulas say of its slope and what is measured of it are the two numbers that a gradient check compares.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.report import Projection, Verdict
from tinygrad_ko.check.slope import EPS, LEAST, Side, Slope, measured, reach, scales, tolerance
from tinygrad_ko.check.subject import Pull, Subject

CLOSE = 1e-6  # a difference this small is looked at twice before it is called wrong


class Line:
    """s -> <c, f(x + s d) - f(x)>, for directions d of some arguments of a subject."""

    def __init__(self, subject: Subject, here: Array, c: Array, d: dict[int, Array]) -> None:
        self.subject, self.here, self.c, self.d = subject, here, c, d
        self.far = min(reach(subject.arrays[i], d[i]) for i in d)  # where the first number has moved by its scale
        self.values = float(np.sum(np.abs(c * here)))

    def change(self, s: float) -> Array:
        """f(x + s d) - f(x)."""
        return self.subject.value(self.subject.moved(s, self.d)) - self.here

    def __call__(self, s: float) -> float:
        return float(np.sum(self.c * self.change(s)))

    def slope(self, stretch: float = 1.0, hurried: bool = False, side: Side = "both") -> Slope:
        """The slope at 0 as it is measured, with steps `stretch` times as long as the inputs suggest."""
        return measured(self, 0.0, self.far * stretch, self.values, self.subject.eps, side, hurried)

    def analytic(self, pull: Pull, factor: float = 1.0) -> tuple[float, float]:
        """The slope as the formulas give it, and the sum of its absolute terms; by way of `factor` times the cotangent."""
        c = self.c if factor == 1 else factor * self.c
        gradients = dict(zip(self.subject.wanted, pull(c), strict=True))
        terms = [gradients[i] * self.d[i] / factor for i in self.d]
        return float(sum(np.sum(t) for t in terms)), float(sum(np.sum(np.abs(t)) for t in terms))


def random_line(
    subject: Subject, group: list[int], here: Array, c: Array, source: Any, every_its_own: bool = False
) -> Line:
    """A line in a random direction of some arguments, every number moving in proportion to its size, but not much less than
    the largest; with `every_its_own` in proportion to its own size alone.
    """
    d = {}
    for i in group:
        x = subject.arrays[i]
        own = np.where(x == 0, scales(x), np.abs(x))
        d[i] = np.nan_to_num(source.standard_normal(x.shape) * (own if every_its_own else scales(x)))
    return Line(subject, here, c, d)


def projection(line: Line, pull: Pull, order: int, label: str, hurried: bool) -> Projection:
    """Compare what the formulas say of a line with what is measured of it."""
    analytic, size = line.analytic(pull)

    def seen(slope: Slope) -> Projection:
        return Projection(
            order, label, analytic, size, slope, verdict(analytic, size, line.values, slope, line.subject.eps)
        )

    if hurried:
        found = seen(line.slope(hurried=True))
        if found.verdict == "agrees" and found.slope.kind == "smooth":
            return found
    found = seen(line.slope())
    step = line.far * max(float(np.max(np.abs(x), initial=0.0)) for x in line.d.values())
    if found.verdict == "undecided" and 1e-100 < step < LEAST / 8:  # f may hardly move over the size of tiny inputs
        wide = seen(line.slope(LEAST / step))
        found = wide if wide.verdict == "agrees" else found
    if found.verdict == "mismatch" and found.difference <= CLOSE * max(size, line.values):
        # Ask both sides again in other words, and add to the claim what their own answers differ by.
        doubts = [abs(line.slope(stretch).value - found.slope.value) for stretch in (0.35, 0.6)]
        doubts += [abs(line.analytic(pull, factor)[0] - analytic) for factor in (1.1, 1.3, 1.7)]
        found = seen(replace(found.slope, claim=found.slope.claim + 4 * max(doubts)))
    return found


def verdict(analytic: float, size: float, values: float, slope: Slope, eps: float = EPS) -> Verdict:
    """What one projection says. `size` is the sum of the absolute terms of the analytic value, `values` that of what f
    returned.

    An oracle that cannot see must not say yes: its tolerance has to be below a thousandth of what it looks at. A slope
    of zero has no thousandth: it passes if it was measured to the last bits of f and either the formulas give exactly
    zero or f is seen to bend there, so that its slope could have been seen as well.
    """
    allowed = tolerance(slope.claim, size, eps)
    zero = 64 * EPS * max(1.0, values)
    if not np.isfinite(slope.claim):
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
