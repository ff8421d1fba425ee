"""Numerical differentiation with an error estimate: Richardson extrapolation over a ladder of step sizes.

A difference quotient has two errors: the truncation error of a long step, and the round-off error of a short one. Neither is
known in advance, so the *ladder* measures at many steps, each a quarter of the last, and estimates both from the measurements:

- **Extrapolation.** The error of (f(x+h) - f(x-h)) / 2h is a h^2 + b h^4 + ...: two rungs combine to an estimate without
  the h^2 term, three to one without the h^4 term, and so on.
- **Disagreement.** The error of such an estimate is its distance from the two it was combined from, plus the round-off of its rungs.
- **Noise.** Rungs that are finer still show how noisy f is: far more than its last bit, if something cancelled
  inside. What they show is added; the estimate for which this sum is smallest is the answer.

Where the slopes to the left and to the right do not agree, the gap between them tells the kind of the point: it shrinks with h
where f is smooth, stays at a kink, and grows at a jump.

Sources: L. F. Richardson, Phil. Trans. R. Soc. A 210 (1911), for the extrapolation; W. Romberg, Kgl. Norske Vid. Selsk. Forh.
28 (1955), for the tableau; C. J. F. Ridders, Adv. Eng. Software 4 (1982), for disagreement as the error. The estimates of round-off
and noise are this package's own; tests/check/test_calibration.py measures how often the error estimate covers the error.
"""

import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf, isfinite, log2, log10, nan
from typing import Any, Literal, NamedTuple

import numpy as np

from tinygrad_ko.arrays.library import Array

EPS = float(np.finfo(np.float64).eps)
_TINY = 1e-200  # of its scale a coordinate moves at least by so much, or the inverse might be infinite
SMALLEST_SCALE = 0.01  # of a coordinate that is 0
# What f raises beside the inputs says only that its domain ends there; RuntimeError is PyTorch's and SciPy's, LookupError that of tables.
OUTSIDE = (ValueError, ArithmeticError, AssertionError, RuntimeError, LookupError)
_RUNGS, _COLUMNS = 16, 6  # the most steps of a ladder, and the most rungs that combine to one estimate
_FINER = 3  # rungs below the best one, to show the noise

Kind = Literal["smooth", "kink", "jump", "flat", "saturated", "noisy", "staircase", "not finite"]
Side = Literal["both", "left", "right"]
Function = Callable[[float], float]


class HasError:
    """A numerical derivative with an error estimate, `error`."""

    error: float

    @property
    def claim(self) -> float:
        """The former name of `error`."""
        warnings.warn(
            "`.claim` is now `.error`, the error estimate of a numerical derivative\n"
            "`.claim`의 이름이 `.error`(수치 미분의 오차 추정값)로 바뀌었습니다. `.error`를 쓰십시오.",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.error


@dataclass(frozen=True)
class Slope(HasError):
    """A numerical derivative, its error estimate, and what the function looks like there.

    `kind` is

    - `smooth`: the slopes to both sides agree
    - `kink`: they do not; `left` and `right` hold them, `value` is their mean
    - `jump`: the values to both sides do not agree; `left` and `right` are the slopes beside the jump
    - `flat`: f has one value at all steps, so the slope is 0 as far as float64 can show
    - `saturated`: f changes by no more than its last bits
    - `noisy`: values that should nearly agree do not (random numbers, single precision, an inner iteration)
    - `staircase`: f is flat at nearly all points, and moves in steps (something rounds inside); `value` is its mean slope
    - `not finite`: too few steps have a finite value; `value` is NaN and `error` infinite
    """

    value: float
    error: float
    kind: Kind
    evaluations: int
    left: "Slope | None" = None
    right: "Slope | None" = None

    def __str__(self) -> str:
        sides = f", left {self.left.value:.6g}, right {self.right.value:.6g}" if self.left and self.right else ""
        digits = 12
        if self.value and 0 < self.error < inf:
            digits = min(12, max(1, round(log10(abs(self.value) / self.error)) + 1))
        return f"{self.value:.{digits}g} +- {self.error:.1g} ({self.kind}{sides}; {self.evaluations} evaluations)"

    __repr__ = __str__


def precision(value: Any) -> float:
    """The machine epsilon of what a function returned."""
    dtype = getattr(value, "dtype", None)
    return EPS if dtype is None or dtype == np.float64 or dtype.kind != "f" else float(np.finfo(dtype).eps)


def tolerance(error: float, size: float, eps: float = EPS) -> float:
    """The difference allowed: twice the error estimate, and the round-off of an analytic slope whose absolute terms sum to `size`."""
    return 2 * error + 64 * eps * size


def scales(x: Array) -> Array:
    """The scale on which each coordinate of x is moved: its own size, at least a hundredth of the largest."""
    largest = np.max(np.abs(x), initial=0.0)
    return np.maximum(np.abs(x), SMALLEST_SCALE * (largest or 1.0))


def scale_along(x: Array, direction: Array) -> float:
    """The distance along a direction at which the first coordinate of x has moved by its scale."""
    share = float(np.max(np.abs(direction) / scales(x), initial=0.0))
    return 1 / max(share, _TINY) if share else 1.0


def measure_slope(
    f: Function,
    x: float,
    scale: float,
    size: float,
    eps: float,
    side: Side = "both",
    quick: bool = False,
    stretch: float = 1.0,
) -> Slope:
    """The slope of f at x. `scale` is the distance over which f may bend; the first steps are an eighth of it, or `stretch` times that.
    `size` is the size of the numbers that f is computed from (f itself is small where they cancel), and `eps` their relative precision.
    """
    at = _Sampler(f, x, scale, size, eps)
    at.reach *= stretch
    if quick and side == "both":
        return _two_step_slope(at)
    if side != "both":
        return _one_sided(at, side)
    ladder = _climb(at, lambda h: (-h, h), 2, whole=False)
    if _kind_by_gap(at, ladder):  # a kink, perhaps only seen at long steps: measure the steps that were left out
        ladder = _climb(at, lambda h: (-h, h), 2, whole=True)
    kind = _kind_by_gap(at, ladder) or _kind_by_growth(ladder)
    if kind is None:
        return _slope(at, ladder)
    if kind == "not finite":
        return at.not_finite()
    left, right = _one_sided(at, "left"), _one_sided(at, "right")
    error = max(left.error, right.error)
    if not isfinite(error):
        return at.not_finite()
    if "noisy" in (left.kind, right.kind):
        return replace(_slope(at, ladder), kind="noisy", error=max(error, _best(ladder).error))
    return Slope((left.value + right.value) / 2, error, kind, at.count, left, right)


def _two_step_slope(at: "_Sampler") -> Slope:
    """Central differences with h and 2h, which differ by three times the error of the better one."""
    h = 2.0 ** round(log2(1e-4 * at.reach))
    better, worse = at.quotient(-h, h), at.quotient(-2 * h, 2 * h)
    # Two more values, much nearer to x, show the noise.
    near = [at(at.x + t) - at.middle - t * better.value for t in (-h / 512, h / 512)] if better else []
    if better is None or worse is None or not all(map(isfinite, near)):
        return at.not_finite()
    noise = 4 * max(map(abs, near)) / h
    error = 2 / 3 * abs(worse.value - better.value) + better.noise + noise
    gap, wider = at.gap(h), at.gap(2 * h) / 2  # where f is smooth they are the same
    kinked = abs(gap) > 1.5 * abs(wider) and abs(gap) > 8 * error
    return Slope(better.value, error, "kink" if kinked else "smooth", at.count)


def brief_slope(f: Function, scale: float, size: float, eps: float) -> Slope:
    """The slope at 0 from three steps, extrapolated twice, in nine evaluations where the ladder takes about fifteen. Its error estimate is
    large, and the ladder must be asked, where f is not smooth over that distance.
    """
    at = _Sampler(f, 0.0, scale, size, eps)
    h = 2.0 ** round(log2(5e-5 * scale))
    fine, middle, coarse = (at.quotient(-k * h, k * h) for k in (1, 2, 4))
    if fine is None or middle is None or coarse is None:
        return at.not_finite()
    once, before = fine.value + (fine.value - middle.value) / 3, middle.value + (middle.value - coarse.value) / 3
    value = once + (once - before) / 15
    # Two more values, much nearer, show the noise: what is left of them without the slope and the curvature.
    t = h / 512
    right, left, bend = at(t) - at.middle, at(-t) - at.middle, (at(h) + at(-h) - 2 * at.middle) / 2
    noise = 4 * max(abs((right - left) / 2 - t * value), abs((right + left) / 2 - bend / 512**2)) / h
    error = abs(value - once) + 2 * fine.noise + noise
    return Slope(value, error, "smooth", at.count) if isfinite(error) else at.not_finite()


def _one_sided(at: "_Sampler", side: Side) -> Slope:
    """The slope of the branch to one side of x, from values on that side alone and not from f(x)."""
    before = at.count
    ladder = _climb(at, (lambda h: (h, 2 * h)) if side == "right" else (lambda h: (-2 * h, -h)), 1, whole=True)
    return replace(_slope(at, ladder), evaluations=at.count - before)


class _Sampler:
    """The values of a function near one point, each computed once; NaN where it is no finite number."""

    def __init__(self, f: Function, x: float, scale: float, size: float, eps: float) -> None:
        self.f, self.x, self.eps, self.count = f, x, eps, 0
        self.scale = self.reach = scale  # the size of what is moved, and the distance over which f is looked at
        self.known: dict[float, float] = {}
        self.outside: tuple[type[Exception], ...] = ()  # an error at x itself is for the caller to see
        self.middle = self(x)
        self.outside = OUTSIDE
        self.size = max(size, abs(self.middle)) if isfinite(self.middle) else size

    def __call__(self, x: float) -> float:
        if x not in self.known:
            self.count += 1
            value = nan
            with np.errstate(all="ignore"), suppress(*self.outside):
                value = self.f(x)
            self.known[x] = value if isfinite(value) else nan
        return self.known[x]

    def quotient(self, a: float, b: float) -> "_Estimate | None":
        """(f(x+b) - f(x+a)) / (b - a) over the distance that the rounded numbers have; None if that is not finite."""
        low, high = self.x + a, self.x + b
        at_low, at_high = self(low), self(high)
        width, rise = high - low, at_high - at_low
        if not (width > 0 and isfinite(rise)):
            return None
        values = max(abs(at_low), abs(at_high), self.size)
        if at_low == at_high == self.middle:  # f may be a staircase of last bits, as log(1 + x) is near 0
            values = max(values, 1.0)
        moved = max(abs(at_low - self.middle), abs(at_high - self.middle)) if isfinite(self.middle) else abs(rise)
        argument = self.scale * (moved / max(abs(a), abs(b)))  # the rounding of x + h, as it reaches f
        return _Estimate(rise / width, inf, 4 * (self.eps * values + EPS * argument) / width, width)

    def largest_change(self) -> float:
        return max((abs(value - self.middle) for value in self.known.values() if isfinite(value)), default=0.0)

    def gap(self, h: float) -> float:
        """The slope over a step to the right, less that over a step to the left."""
        return (self(self.x + h) - 2 * self.middle + self(self.x - h)) / h

    def not_finite(self) -> Slope:
        return Slope(nan, inf, "not finite", self.count)


class _Estimate(NamedTuple):
    """A difference quotient, or what several were extrapolated to, with the width of the finest step."""

    value: float
    error: float
    noise: float  # the part of the error that is no truncation
    width: float


# The Romberg tableau: for each rung its quotient, and what it combines to with those above it.
_Ladder = list[list[_Estimate]]
_NO_ESTIMATE = _Estimate(nan, inf, inf, 0.0)


def _best(ladder: _Ladder) -> _Estimate:
    """The estimate with the smallest error, once the noise that the finer rungs show is added to it."""
    best = _NO_ESTIMATE
    # Some finer rungs must be left to show it: without them, two that agree by chance would pass for exact.
    candidates = ((min(row, key=lambda e: e.error), k) for k, row in enumerate(ladder[:-_FINER]))
    for estimate, k in sorted(candidates, key=lambda c: c[0].error):
        if not estimate.error < best.error:
            break
        seen = [min([abs(e.value - estimate.value) for e in row]) * row[0].width for row in ladder[k + 1 :]]
        noise = 3 * max(seen) / estimate.width
        if estimate.error + noise < best.error:
            best = estimate._replace(error=estimate.error + noise, noise=noise)
    return best


def _slope(at: _Sampler, ladder: _Ladder) -> Slope:
    best = _best(ladder)
    if not isfinite(best.error):
        return at.not_finite()
    change = at.largest_change()
    if change == 0:
        return Slope(0.0, 4 * at.eps * max(1.0, at.size) / ladder[0][0].width, "flat", at.count)
    kind: Kind = "smooth"
    if best.error > 1e-3 * abs(best.value):
        if change <= 16 * at.eps * at.size:
            kind = "saturated"
        elif best.noise * best.width > 1e-5 * change:
            kind = "noisy"
    return Slope(best.value, best.error, kind, at.count)


def _climb(at: _Sampler, ends: Callable[[float], tuple[float, float]], power: int, whole: bool) -> _Ladder:
    """Measure the rungs of a ladder, whose error has powers of h^power: 2 for central differences, 1 for one-sided ones."""
    ladder, above, best, idle = _Ladder(), list[_Estimate](), _NO_ESTIMATE, 0
    first = 2.0 ** round(log2(at.reach / 8))
    for k in range(_RUNGS):
        rung = at.quotient(*ends(first * 4.0**-k))
        if rung is None:
            above = []
            continue
        row, idle = [rung], idle + 1
        for j, coarse in enumerate(above[: _COLUMNS - 1]):
            fine, weight = row[j], 4.0 ** (power * (j + 1))
            value = fine.value + (fine.value - coarse.value) / (weight - 1)
            noise = (weight * fine.noise + coarse.noise) / (weight - 1)
            error = max(abs(value - fine.value), abs(value - coarse.value)) + noise
            row.append(_Estimate(value, error, noise, rung.width))
            if error < best.error:
                best, idle = row[-1], 0
        ladder.append(row)
        above = row
        # Unless told to measure all: three rungs have brought nothing better, and only round-off is left to gain.
        if idle >= _FINER and not whole and best.error <= 30 * best.noise:
            break
    return ladder


def _kind_by_gap(at: _Sampler, ladder: _Ladder) -> Kind | None:
    """Kink or jump, by how the gap between the two sides changes over two rungs; None for neither."""
    best = _best(ladder)
    if not isfinite(best.error) or not isfinite(at.middle):
        return None
    blur = 4 * best.error * best.width + 8 * at.eps * at.size
    steps = [row[0].width / 2 for row in ladder]
    # The finest at which a gap would exceed the noise decide: steps shorter than the distance to a kink do not see it.
    for wide, narrow in reversed(list(zip(steps, steps[2:], strict=False))):
        coarse, fine = abs(at.gap(wide)), abs(at.gap(narrow))
        if coarse > 8 * blur / narrow:
            return "jump" if fine > 4 * coarse else "kink" if fine > coarse / 4 else None
    return None


def _kind_by_growth(ladder: _Ladder) -> Kind | None:
    """A jump, over which each quotient is 4 times the last, or a vertical tangent, at which they grow steadily, but by less."""
    last = [abs(row[0].value) for row in ladder[-5:]]
    if len(ladder) < _RUNGS or min(last) == 0:
        return None
    ratios = [fine / coarse for coarse, fine in pairwise(last)]
    if min(ratios) < 1.25 or max(ratios) > 1.1 * min(ratios):
        return None
    return "jump" if min(ratios) > 3.6 else "not finite"
