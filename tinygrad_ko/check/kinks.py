"""Kinks: there the slopes of the two sides differ, and any number between them is a subgradient (relu at 0 may say 0, 1 or a half).

For a sum over kinks with weights of both signs the right answer may lie outside the two slopes of the sum. Therefore each element of
the output is compared by itself, and of a function made of several operations each is checked at its own inputs. And several kinks
may cancel: then f has a gradient, and the sum of the subgradients need not be it.

Source: F. H. Clarke, "Optimization and Nonsmooth Analysis" (1983), chapter 2.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from operator import methodcaller
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.line import Line, indicator, random_line
from tinygrad_ko.check.report import Projection, Verdict
from tinygrad_ko.check.slope import EPS, measure_slope, tolerance

_MOST = 64  # elements of the output that are compared by themselves
_SPLITS = 6  # directions that are split, to see whether slopes add up


def compare_subgradient(line: Line, found: Projection, rng: Any) -> Projection:
    """The verdict on a projection at a kink (or at a jump, where the slopes are those beside it)."""
    change, y, eps = cache(line.change), line.f.y, line.f.eps

    def between(c: Array, weigh: Callable[[Array], float]) -> Projection:
        """Whether the analytic slope of the output, weighted by c, lies between the numerical slopes of its two sides."""
        weighted = Line(line.f, c, line.d)
        value, size = weighted.analytic()
        slope = measure_slope(lambda s: weigh(change(s)), 0.0, line.scale, weighted.size, eps)
        ends = sorted([slope.left.value, slope.right.value]) if slope.left and slope.right else [slope.value] * 2
        near = tolerance(slope.error, size, eps)
        verdict: Verdict = "subgradient" if ends[0] - near <= value <= ends[1] + near else "mismatch"
        verdict = verdict if np.isfinite(slope.error) else "undecided"
        return replace(found, verdict=verdict, slope=slope, analytic=value, size=size)

    kinked, smooth = _split_by_kinks(change, line.scale, y)
    for k in kinked:
        one = between(indicator(y.shape, k), methodcaller("item", k))
        if one.verdict != "subgradient":
            return one
    c = np.where(smooth, rng.standard_normal(y.shape), 0.0)
    rest = between(c, lambda y: float(np.sum(c * y)))
    return rest if rest.verdict != "subgradient" else replace(found, verdict="subgradient")


def _split_by_kinks(change: Callable[[float], Array], scale: float, y: Array) -> tuple[list[int], Array]:
    """The elements of the output that have a kink (the sharpest few of them), and a mask of those that have none."""
    h = scale * 2.0**-22  # so short that only a kink or a jump leaves a gap between the slopes to both sides
    right, left = change(h), -change(-h)
    blur = 1e-6 * (np.abs(right) + np.abs(left)) + 64 * EPS * np.abs(y)
    gap = np.abs(right - left)
    sharp = np.flatnonzero(gap > blur)
    return [int(k) for k in sharp[np.argsort(-np.ravel(gap)[sharp])][:_MOST]], gap <= blur


def is_differentiable(line: Line, rng: Any) -> bool:
    """Whether slopes to both sides are equal and add up, as a gradient's do (not those of the median of numbers that tie)."""
    f, c = line.f, line.c
    for turn in range(_SPLITS):
        d, other = (random_line(f, line.d, c, rng).d for _ in range(2))
        if turn % 2 == 0:  # every other number, so that some kinks are in one part alone
            other = {i: np.where(np.arange(i, i + x.size).reshape(x.shape) % 2, x, 0.0) for i, x in d.items()}
        parts = [other, {i: x - other[i] for i, x in d.items()}]
        right, *halves = (Line(f, c, part).slope(side="right") for part in (d, *parts))
        if not abs(right.value - halves[0].value - halves[1].value) <= 2 * sum(s.error for s in (right, *halves)):
            return False
        left = Line(f, c, d).slope(side="left")
        if not abs(right.value - left.value) <= 2 * (right.error + left.error):
            return False
    return True


def kinks_cancel(p: Projection, kinked: list[str]) -> tuple[str, str]:
    """Why a projection is undecided where f is differentiable, but its operations are not."""
    which = ", ".join(kinked) or "where or if"
    return (
        f"kinks of {which} cancel here: along a random direction of {p.argument!r} the slope is {p.slope.value:.6g}, but the formulas"
        f" add up subgradients, to {p.analytic:.6g}; choose other inputs, or write f without the kinks: x * x for abs(x) ** 2,"
        " tg.sum(x * x) for the square of a norm, tg.var(x) for that of tg.std(x)",
        "여러 꺾인 점이 상쇄되어 함수는 매끄럽지만, 역전파는 연산마다 정해 둔 기울기를 더하므로 값이 다릅니다"
        f"(연산: {which.replace(' or ', ', ')}). {p.argument!r}의 무작위 방향에서 실제 기울기는 {p.slope.value:.6g}, 공식의 합은"
        f" {p.analytic:.6g}입니다. 다른 입력으로 확인하거나 꺾인 점이 없는 식으로 바꾸십시오. abs(x) ** 2는 x * x로, 노름의 제곱은"
        " tg.sum(x * x)로, tg.std(x)의 제곱은 tg.var(x)로 씁니다.",
    )
