"""At a kink there is no slope but two, and any number between them is a subgradient: relu at 0 may say 0, 1 or a half.

For a sum over several kinks that is no longer so: where their weights have both signs, the right answer may lie outside
the two slopes of the sum. So each element of the output is looked at by itself. (Even one element may add up several, as
the loss of a network does: of a function made of several operations the judge asks each at its own inputs.)

Source: F. H. Clarke, "Optimization and Nonsmooth Analysis" (1983), chapter 2.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from tinygrad_ko.arrays import Array
from tinygrad_ko.check.line import Line
from tinygrad_ko.check.report import Projection, Verdict
from tinygrad_ko.check.slope import EPS, measured, tolerance
from tinygrad_ko.check.subject import Pull

MOST = 64  # elements of the output that are looked at by themselves


def subgradient(line: Line, seen: Projection, pull: Pull, source: Any) -> Projection:
    """The verdict on a projection that met a kink (or a jump, where the slopes are those beside it)."""
    known: dict[float, Array] = {}
    here, eps = line.here, line.subject.eps

    def change(s: float) -> Array:
        if s not in known:
            known[s] = line.change(s)
        return known[s]

    def element(k: int, s: float) -> float:
        return float(change(s).flat[k])

    def between(c: Array, f: Callable[[float], float]) -> Projection:
        """Whether the formulas' slope of f, which sees the output through c, lies between those of its two sides."""
        seen_by_c = Line(line.subject, here, c, line.d)
        value, size = seen_by_c.analytic(pull)
        slope = measured(f, 0.0, line.far, seen_by_c.values, eps)
        ends = sorted([slope.left.value, slope.right.value]) if slope.left and slope.right else [slope.value] * 2
        near = tolerance(slope.claim, size, eps)
        verdict: Verdict = "subgradient" if ends[0] - near <= value <= ends[1] + near else "mismatch"
        verdict = verdict if np.isfinite(slope.claim) else "undecided"
        return replace(seen, verdict=verdict, slope=slope, analytic=value, size=size)

    kinked, smooth = split(change, line.far, here)
    for k in kinked:
        c = np.zeros(here.shape)
        c.flat[k] = 1.0
        found = between(c, partial(element, k))
        if found.verdict != "subgradient":
            return found
    c = np.where(smooth, source.standard_normal(here.shape), 0.0)
    rest = between(c, lambda s: float(np.sum(c * change(s))))
    return rest if rest.verdict != "subgradient" else replace(seen, verdict="subgradient")


def split(change: Callable[[float], Array], far: float, here: Array) -> tuple[list[int], Array]:
    """Which elements of the output have a kink (the sharpest few of them), and a mask of those that have none.

    Over a step so short, only a kink or a jump leaves a gap between the slopes to both sides.
    """
    h = far * 2.0**-22
    right, left = change(h), -change(-h)
    blur = 1e-6 * (np.abs(right) + np.abs(left)) + 64 * EPS * np.abs(here)
    gap = np.abs(right - left)
    sharp = np.flatnonzero(gap > blur)
    return [int(k) for k in sharp[np.argsort(-np.ravel(gap)[sharp])][:MOST]], gap <= blur
