"""At a kink there is no slope but two, and any number between them is a subgradient: relu at 0 may say 0, 1 or a half.

For a sum over several kinks that is no longer so: where their weights have both signs, the right answer may lie outside
the two slopes of the sum. So each element of the output is looked at by itself, and where even one element adds up
several kinks (the loss of a network), every operation is judged at its own inputs.

Source: F. H. Clarke, "Optimization and Nonsmooth Analysis" (1983), chapter 2.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_ko.arrays import Array
from tinygrad_ko.check.line import Line
from tinygrad_ko.check.report import Projection, Verdict
from tinygrad_ko.check.slope import EPS, Slope
from tinygrad_ko.check.subject import Pull

MOST = 64  # elements of the output that are looked at by themselves


class Remembered(Line):
    """A line whose changes are computed once for all cotangents."""

    def __init__(self, line: Line, c: Array, known: dict[float, Array]) -> None:
        super().__init__(line.subject, line.here, c, line.d)
        self.known = known

    def change(self, s: float) -> Array:
        if s not in self.known:
            self.known[s] = super().change(s)
        return self.known[s]


def subgradient(line: Line, seen: Projection, pull: Pull, source: Any) -> Projection:
    """The verdict on a projection that met a kink (or a jump, where the slopes are those beside it)."""
    known: dict[float, Array] = {}
    shape = line.here.shape

    def answer(verdict: Verdict, slope: Slope, value: float, size: float) -> Projection:
        return replace(seen, verdict=verdict, slope=slope, analytic=value, size=size)

    kinked, smooth = split(Remembered(line, line.c, known).change, line.far, line.here)
    for k in kinked:
        c = np.zeros(shape)
        c.flat[k] = 1.0
        one = Remembered(line, c, known)
        (value, size), slope = one.analytic(pull), one.slope()
        if not np.isfinite(slope.claim):
            return answer("undecided", slope, value, size)
        ends = sorted([slope.left.value, slope.right.value]) if slope.left and slope.right else [slope.value] * 2
        tolerance = 2 * slope.claim + 64 * EPS * size
        if not ends[0] - tolerance <= value <= ends[1] + tolerance:
            return answer("mismatch", slope, value, size)
    rest = Remembered(line, np.where(smooth, source.standard_normal(shape), 0.0), known)
    (value, size), slope = rest.analytic(pull), rest.slope()
    if not abs(value - slope.value) <= 2 * slope.claim + 64 * EPS * size:
        return answer("mismatch", slope, value, size)
    return replace(seen, verdict="subgradient")


def split(change: Callable[[float], Array], far: float, here: Array) -> tuple[list[int], Array]:
    """Which elements of the output have a kink (the sharpest few of them), and a mask of those that have none.

    Over a step so short, only a kink or a jump leaves a gap between the slopes to both sides.
    """
    h = far * 2.0**-22
    right, left = change(h), -change(-h)
    blur = 1e-4 * (np.abs(right) + np.abs(left)) + 64 * EPS * np.abs(here)
    gap = np.abs(right - left)
    sharp = np.flatnonzero(gap > blur)
    return [int(k) for k in sharp[np.argsort(-np.ravel(gap)[sharp])][:MOST]], gap <= blur
