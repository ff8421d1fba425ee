"""Kinks: there f has several slopes, and any number between them is a subgradient (relu at 0 may say 0, 1 or a half).

Which slopes those are is seen beside the kink: the gradients at points very near, where f is smooth, and all that lies between them, are
the generalized gradient (Clarke). So a tie of three has three of them, though along any one line it shows at most two. Each element of
the output is compared by itself, for in a sum with weights of both signs the right answer may lie elsewhere; and of a function made of
several operations each is checked at its own inputs. Several kinks may cancel: then f has a gradient, and the sum of the subgradients
need not be it.

Source: F. H. Clarke, "Optimization and Nonsmooth Analysis" (1983), chapter 2.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.functions.function import CheckedFunction, Primal
from tinygrad_ko.check.functions.line import Line, indicator, random_line
from tinygrad_ko.check.reports.report import Projection
from tinygrad_ko.check.slopes.slope import EPS, OUTSIDE, scales
from tinygrad_ko.check.verdicts.comparison import compare_slopes

_MOST = 64  # elements of the output that are compared by themselves
_WAYPOINTS, _BEND = (
    65,
    0.5,
)  # steps to a point nearby, and the most of the way that f may go beside a straight line in one of them
_SPLITS = 6  # pairs of directions, to see whether slopes add up
_NEAR = 2.0**-30  # how near the points beside a kink are, in units of the inputs
_POINTS = 256  # the most of them
_DIRECTIONS = 24  # along which a gradient must lie between those nearby
_OUTSIDE = 2  # of them that may lie outside, for not all gradients nearby are seen
_DRIFT = 1e-7  # by so much of its size a gradient may change over that distance


def compare_subgradient(line: Line, found: Projection, rng: Any) -> Projection:
    """The verdict on a projection at a kink, at a tie, or at a jump (where the slopes are those beside it)."""
    kinked, smooth = _split_by_kinks(line, rng)
    points = _Nearby(line, rng)
    for k in kinked:
        e = indicator(line.f.y.shape, k)
        if not points.surround(e):
            value, size = Line(line.f, e, line.d).analytic()
            slope = Line(line.f, e, line.d).slope()
            return replace(found, verdict="mismatch", slope=slope, analytic=value, size=size)
    if smooth.any():
        rest = compare_slopes(Line(line.f, np.where(smooth, rng.standard_normal(smooth.shape), 0.0), line.d))
        if rest.verdict not in ("agrees", "subgradient") and rest.slope.kind not in ("kink", "jump"):
            return replace(rest, argument=found.argument)
    return replace(found, verdict="subgradient")


class _Nearby:
    """Gradients at points so near that only a kink at the point itself lies between them and it."""

    def __init__(self, line: Line, rng: Any) -> None:
        self.f, self.wrt, self.rng = line.f, list(line.d), rng
        self.made: list[Primal] = []
        steps = np.concatenate([np.ravel(scales(self.f.point[i])) for i in self.wrt])
        self.directions = steps * rng.standard_normal((_DIRECTIONS, steps.size))

    def points(self) -> Any:
        """The points, made as they are needed. First where the formula's own choice among ties would be the only one: if it pays the
        k-th output to some input, move the inputs by k times that. Then anywhere.
        """
        yield from self.made
        f, rng = self.f, self.rng
        if not self.made:
            c = np.arange(1.0, f.y.size + 1).reshape(f.y.shape)
            own = {i: g * scales(f.point[i]) / (np.max(np.abs(g), initial=0) or 1) for i, g in f.gradients(c).items()}
            spread = {i: np.linspace(-1.0, 1.0, f.point[i].size) for i in own}  # evenly, so that no tie is left
            noise = {i: 1e-4 * scales(f.point[i]) * rng.permutation(spread[i]).reshape(f.point[i].shape) for i in own}
            for sign in (1, -1):
                yield self.at({i: sign * own[i] + noise[i] for i in own})
                yield self.at({i: sign * own[i] - noise[i] for i in own})  # between the two lies the choice itself
        while len(self.made) < _POINTS:
            yield self.at({i: scales(x) * rng.standard_normal(x.shape) for i in self.wrt for x in [f.point[i]]})

    def at(self, directions: dict[int, Array]) -> Primal:
        self.made.append(self.f.primal.moved(_NEAR, directions))
        return self.made[-1]

    def surround(self, c: Array) -> bool:
        """Whether the gradient at the point, for a cotangent, lies between those nearby."""
        here = self.along(self.f, c)
        low, high, size = np.full_like(here, np.inf), np.full_like(here, -np.inf), np.abs(here)
        for n, point in enumerate(self.points()):
            with suppress(*OUTSIDE):
                slopes = self.along(point, c)
                low, high, size = np.fmin(low, slopes), np.fmax(high, slopes), np.fmax(size, np.abs(slopes))
            outside = np.count_nonzero((here < low - _DRIFT * size) | (here > high + _DRIFT * size))
            if (outside == 0 and n >= 3) or (outside <= _OUTSIDE and n >= _POINTS // 4):
                return True
        return False

    def along(self, f: Any, c: Array) -> Array:
        """The slopes of f along the directions, by its gradients for a cotangent: those of one element have few numbers that are not 0."""
        gradients = f.gradients(c)
        row = np.concatenate([np.ravel(gradients[i]) for i in self.wrt])
        some = np.flatnonzero(row)
        return self.directions[:, some] @ row[some]


def _split_by_kinks(line: Line, rng: Any) -> tuple[list[int], Array]:
    """The elements of the output that have a kink (the sharpest few of them), and a mask of those that have none: their slopes to both
    sides are the same, and those along two directions add up to that along their sum.
    """
    h, y = line.scale * 2.0**-22, line.f.y  # so short that only a kink or a jump leaves a gap
    right, left = line.change(h), -line.change(-h)
    gap, blur = np.abs(right - left), 1e-6 * (np.abs(right) + np.abs(left)) + 64 * EPS * np.abs(y)
    for _ in range(_SPLITS):
        other = random_line(line.f, line.d, line.c, rng)
        both = Line(line.f, line.c, {i: line.d[i] + other.d[i] for i in line.d})
        beside, diagonal = other.change(h), both.change(h)
        gap = np.maximum(gap, np.abs(diagonal - right - beside))
        blur += 1e-6 * (np.abs(beside) + np.abs(diagonal))
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


def is_continuous(f: CheckedFunction, other: CheckedFunction) -> bool:
    """Whether f has no jump on the way to another point: none of its outputs moves mostly within one of many short steps."""
    way = {i: other.point[i] - f.point[i] for i in range(len(f.point)) if i in f.wrt}
    try:
        values = np.array([f.value(f.along(s, way)) for s in np.linspace(0.0, 1.0, _WAYPOINTS)])
    except OUTSIDE:
        return False
    bend, span = np.abs(np.diff(values, 2, axis=0)), np.ptp(values, axis=0)
    return bool(np.all(bend <= _BEND * span + 64 * EPS * np.abs(f.y)))


def is_right_beside(line: Line, found: Projection, rng: Any) -> bool:
    """Whether the formulas, that are off at the point, are not at points very near."""
    f = line.f
    sizes = {i: scales(f.point[i]) for i in line.d}
    near = [f.primal.moved(_NEAR, {i: x * rng.standard_normal(x.shape) for i, x in sizes.items()}) for _ in range(2)]
    slopes = [Line(other, line.c, line.d).analytic()[0] for other in near]
    return all(abs(slope - found.slope.value) < 0.1 * found.difference for slope in slopes)


def kinks_or_apart(p: Projection, rule: tuple[str, str]) -> tuple[str, str]:
    """Why a function whose operations are not seen is undecided where it is differentiable, and its derivative is right all around."""
    return (
        f"f is smooth here, with the slope {p.slope.value:.6g} along a random direction of {p.argument!r}; {rule[0]} says"
        f" {p.analytic:.6g}, and is right beside these inputs. Either kinks of f's parts cancel here, which is no mistake (choose other"
        " inputs, or write f without them), or the derivative treats these very inputs apart, wrongly",
        f"이 점에서 함수는 매끄럽고, {p.argument!r}의 무작위 방향에서 기울기는 {p.slope.value:.6g}입니다. {rule[1]}의 값은"
        f" {p.analytic:.6g}이며, 조금 떨어진 곳에서는 일치합니다. 함수 안의 꺾인 점들이 상쇄되었다면 틀린 것이 아니므로 다른 입력으로"
        " 확인하거나 꺾인 점이 없는 식으로 바꾸십시오. 그렇지 않다면 이 입력만 따로 처리하는 코드가 틀렸습니다.",
    )


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
