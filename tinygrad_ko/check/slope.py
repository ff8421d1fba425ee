"""How steep is a function at a point, and how far can that answer be off?

A difference quotient has two errors: a long step misses what bends, a short step drowns in round-off. Neither is known
in advance, so the *ladder* measures at many steps, each a quarter of the last, and lets the measurements judge each other:

- **Extrapolation.** The error of (f(x+h) - f(x-h)) / 2h is a h^2 + b h^4 + ...: two rungs combine to one number without
  the h^2 term, three to one without the h^4 term, and so on.
- **Disagreement.** Such a number is as good as the two it came from agree, plus the round-off that its rungs carry.
- **Noise.** A rung too fine to be good still tells how noisy f is: far more than its last bit, if something cancelled
  inside. What the finer rungs show is added; the number for which all this together is smallest is the answer.

Where the slopes to the left and to the right do not meet, the gap between them tells what the point is: it shrinks with h
where f is smooth, stays at a kink, and grows at a jump.

Sources: L. F. Richardson, Phil. Trans. R. Soc. A 210 (1911), for the extrapolation; W. Romberg, Kgl. Norske Vid. Selsk. Forh.
28 (1955), for the tableau; C. J. F. Ridders, Adv. Eng. Software 4 (1982), for disagreement as the error. The round-off and the
noise are this package's own; tests/check/test_calibration.py measures how often the claim holds.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import inf, isfinite, log2, log10, nan
from typing import Any, Literal

import numpy as np

from tinygrad_ko.arrays.library import Array

EPS = float(np.finfo(np.float64).eps)
RUNGS, COLUMNS = 16, 6  # how far the ladder goes down, and how many rungs combine to one number at most
WITNESSES = 3  # rungs below the best one
LEAST = 0.01  # the scale of a coordinate that is 0

Kind = Literal["smooth", "kink", "jump", "flat", "saturated", "noisy", "not finite"]
Side = Literal["both", "left", "right"]
Function = Callable[[float], float]


@dataclass(frozen=True)
class Slope:
    """A derivative, how far it can be off, and what the function looks like there.

    `kind` is

    - `smooth`: the slopes to both sides agree
    - `kink`: they do not; `left` and `right` hold them, `value` is their mean
    - `jump`: the values to both sides do not meet; `left` and `right` are the slopes beside the jump
    - `flat`: f has one value at all steps, so the slope is 0 as far as float64 can show
    - `saturated`: f changes by no more than its last bits
    - `noisy`: values that should nearly agree do not (random numbers, single precision, an inner iteration)
    - `not finite`: too few steps have a finite value; `value` is NaN and `claim` infinite
    """

    value: float
    claim: float
    kind: Kind
    evaluations: int
    left: "Slope | None" = None
    right: "Slope | None" = None

    def __str__(self) -> str:
        sides = f", left {self.left.value:.6g}, right {self.right.value:.6g}" if self.left and self.right else ""
        known = 12
        if self.value and 0 < self.claim < inf:
            known = min(12, max(1, round(log10(abs(self.value) / self.claim)) + 1))  # digits
        return f"{self.value:.{known}g} +- {self.claim:.1g} ({self.kind}{sides}; {self.evaluations} evaluations)"

    __repr__ = __str__


def precision(value: Any) -> float:
    """The relative distance of the numbers around what a function returned: that of its dtype."""
    dtype = getattr(value, "dtype", None)
    return float(np.finfo(dtype).eps) if dtype is not None and dtype.kind == "f" else EPS


def tolerance(claim: float, size: float, eps: float = EPS) -> float:
    """How far a measured slope and one from the formulas may be apart: twice the claim, and the round-off of the terms that
    the latter was added up from.
    """
    return 2 * claim + 64 * eps * size


def scales(x: Array) -> Array:
    """How far each coordinate of x may be moved: over its own size, and not less than a hundredth of the largest."""
    largest = np.max(np.abs(x), initial=0.0)
    return np.maximum(np.abs(x), LEAST * (largest or 1.0))


def reach(x: Array, direction: Array) -> float:
    """How far one can go from x until the first coordinate has moved by its scale."""
    return 1 / (float(np.max(np.abs(direction) / scales(x), initial=0.0)) or 1.0)


def measured(
    f: Function,
    x: float,
    scale: float,
    size: float = 0.0,
    eps: float = EPS,
    side: Side = "both",
    hurried: bool = False,
) -> Slope:
    """The slope of f at x. `scale` is the distance over which f may bend; the first steps are an eighth of it. `size`
    is how large the numbers are that f is computed from, where f itself is small because they cancel, and `eps` how exact.
    """
    at = Sampler(f, x, scale, size, eps)
    if hurried and side == "both":
        return two_steps(at)
    if side != "both":
        return beside(at, side)
    climb = climbed(at, lambda h: (-h, h), 2, patient=False)
    if gap_shape(at, climb):  # a kink, perhaps only seen from afar: look again with the steps that were left out
        climb = climbed(at, lambda h: (-h, h), 2, patient=True)
    shape = gap_shape(at, climb) or growth_shape(climb)
    if shape is None:
        return climb.slope(at)
    if shape == "not finite":
        return Slope(nan, inf, "not finite", at.count)
    left, right = beside(at, "left"), beside(at, "right")
    claim = max(left.claim, right.claim)
    if not isfinite(claim):
        return Slope(nan, inf, "not finite", at.count)
    if "noisy" in (left.kind, right.kind):
        return replace(climb.slope(at), kind="noisy", claim=max(claim, climb.answer()[1]))
    return Slope((left.value + right.value) / 2, claim, shape, at.count, left, right)


def two_steps(at: "Sampler") -> Slope:
    """Central differences with h and 2h: they differ by three times the error of the better one, to leading order.
    Two more values, much nearer to x, show the noise.
    """
    h = 2.0 ** round(log2(1e-4 * at.scale))
    better, worse = at.quotient(-h, h), at.quotient(-2 * h, 2 * h)
    near = [at(at.x + t) - at.middle - t * better.value for t in (-h / 512, h / 512)] if better else []
    if better is None or worse is None or not all(map(isfinite, near)):
        return Slope(nan, inf, "not finite", at.count)
    noise = 4 * max(map(abs, near)) / h
    claim = 2 / 3 * abs(worse.value - better.value) + better.roundoff + noise
    gap, wider = at.gap(h), at.gap(2 * h) / 2  # where f is smooth they are the same
    kinked = abs(gap) > 1.5 * abs(wider) and abs(gap) > 8 * claim
    return Slope(better.value, claim, "kink" if kinked else "smooth", at.count)


def beside(at: "Sampler", side: Side) -> Slope:
    """The slope of the branch to one side of x, from values on that side alone and not from f(x)."""
    before = at.count
    climb = climbed(at, (lambda h: (h, 2 * h)) if side == "right" else (lambda h: (-2 * h, -h)), 1, True)
    slope = climb.slope(at)
    return Slope(slope.value, slope.claim, slope.kind, at.count - before)


class Sampler:
    """A function near one point. Each value is computed once; what is no finite number is NaN."""

    def __init__(self, f: Function, x: float, scale: float, size: float, eps: float) -> None:
        self.f, self.x, self.scale, self.eps, self.count = f, x, scale, eps, 0
        self.known: dict[float, float] = {}
        self.outside: tuple[type[Exception], ...] = ()  # an error at x itself is for the caller to see
        self.middle = self(x)
        self.outside = (ValueError, ArithmeticError)  # beside it: the end of the domain
        self.size = max(size, abs(self.middle)) if isfinite(self.middle) else size

    def __call__(self, x: float) -> float:
        if x not in self.known:
            self.count += 1
            value = nan
            with np.errstate(all="ignore"), suppress(*self.outside):
                value = self.f(x)
            self.known[x] = value if isfinite(value) else nan
        return self.known[x]

    def quotient(self, a: float, b: float) -> "Quotient | None":
        """(f(x+b) - f(x+a)) / (b - a) over the distance that the two numbers really have; None if that is not finite."""
        low, high = self.x + a, self.x + b
        width, rise = high - low, self(high) - self(low)
        if not (width > 0 and isfinite(rise)):
            return None
        values = max(abs(self(low)), abs(self(high)), self.size)
        if self(low) == self(high) == self.middle:  # f may be a staircase of last bits, as log(1 + x) is near 0
            values = max(values, 1.0)
        moved = max(abs(self(low) - self.middle), abs(self(high) - self.middle)) if isfinite(self.middle) else abs(rise)
        argument = self.scale * moved / max(abs(a), abs(b))  # x + h was rounded, and f hands that on
        return Quotient(rise / width, width, 4 * (self.eps * values + EPS * argument) / width)

    def moved(self) -> float:
        """How far its values are from that at x, at most."""
        return max((abs(value - self.middle) for value in self.known.values() if isfinite(value)), default=0.0)

    def gap(self, h: float) -> float:
        """The slope over a step to the right, less that over a step to the left."""
        return (self(self.x + h) - 2 * self.middle + self(self.x - h)) / h


@dataclass(frozen=True)
class Quotient:
    """One difference quotient, the distance it was taken over, and the round-off in it."""

    value: float
    width: float
    roundoff: float


@dataclass(frozen=True)
class Number:
    """What some rungs combine to, how far it may be off, and the part of that which is round-off."""

    value: float
    error: float
    roundoff: float


@dataclass
class Climb:
    """What a ladder has measured: its rungs, and for each the numbers that it and those above it combine to."""

    rungs: list[Quotient] = field(default_factory=list)
    numbers: list[list[Number]] = field(default_factory=list)

    def answer(self) -> tuple[float, float, float, float]:
        """The number with the smallest claim, that claim, the part of it that is noise, and the width of its rung.

        Three finer rungs must be left to tell of the noise: without them, two that agree by chance would pass for exact.
        """
        best = nan, inf, inf, 0.0
        candidates = ((min(row, key=lambda n: n.error), k) for k, row in enumerate(self.numbers[:-WITNESSES]))
        for number, k in sorted(candidates, key=lambda c: c[0].error):
            if not number.error < best[1]:
                break
            width = self.rungs[k].width
            finer = zip(self.rungs[k + 1 :], self.numbers[k + 1 :], strict=True)
            seen = [min([abs(n.value - number.value) for n in row]) * rung.width for rung, row in finer]
            noise = 3 * max(seen) / width
            if number.error + noise < best[1]:
                best = number.value, number.error + noise, noise, width
        return best

    def slope(self, at: Sampler) -> Slope:
        """The result, with the kind of what is neither a kink nor a jump."""
        value, claim, noise, width = self.answer()
        if not isfinite(claim):
            return Slope(nan, inf, "not finite", at.count)
        moved = at.moved()
        if moved == 0:
            return Slope(0.0, 4 * at.eps * max(1.0, at.size) / self.rungs[0].width, "flat", at.count)
        kind: Kind = "smooth"
        if claim > 1e-3 * abs(value):
            if moved <= 16 * at.eps * at.size:
                kind = "saturated"
            elif noise * width > 1e-5 * moved:
                kind = "noisy"
        return Slope(value, claim, kind, at.count)


def climbed(at: Sampler, ends: Callable[[float], tuple[float, float]], power: int, patient: bool) -> Climb:
    """Go down the ladder, to its end if `patient`; else stop when three rungs have brought nothing better and nothing but
    round-off is left to gain.

    The error of a rung has powers of h^power: 2 for central differences, 1 for those to one side.
    """
    climb, above, best, idle = Climb(), list[Number](), Number(nan, inf, inf), 0
    first = 2.0 ** round(log2(at.scale / 8))
    for k in range(RUNGS):
        rung = at.quotient(*ends(first * 4.0**-k))
        if rung is None:
            above = []
            continue
        row, idle = [Number(rung.value, inf, rung.roundoff)], idle + 1
        for j, coarse in enumerate(above[: COLUMNS - 1]):
            fine, weight = row[j], 4.0 ** (power * (j + 1))
            value = fine.value + (fine.value - coarse.value) / (weight - 1)
            roundoff = (weight * fine.roundoff + coarse.roundoff) / (weight - 1)
            error = max(abs(value - fine.value), abs(value - coarse.value)) + roundoff
            row.append(Number(value, error, roundoff))
            if error < best.error:
                best, idle = row[-1], 0
        climb.rungs.append(rung)
        climb.numbers.append(row)
        above = row
        if idle >= WITNESSES and not patient and best.error <= 30 * best.roundoff:
            break
    return climb


def gap_shape(at: Sampler, climb: Climb) -> Kind | None:
    """Kink or jump, by how the gap between the two sides changes over two rungs; None for neither.

    The finest rungs decide at which such a gap would stand out of the noise: steps shorter than the distance to a kink do
    not see it.
    """
    _, claim, _, width = climb.answer()
    if not isfinite(claim) or not isfinite(at.middle):
        return None
    blur = 4 * claim * width + 8 * at.eps * at.size
    steps = [rung.width / 2 for rung in climb.rungs]
    for wide, narrow in reversed(list(zip(steps, steps[2:], strict=False))):
        coarse, fine = abs(at.gap(wide)), abs(at.gap(narrow))
        if coarse > 8 * blur / narrow:
            return "jump" if fine > 4 * coarse else "kink" if fine > coarse / 4 else None
    return None


def growth_shape(climb: Climb) -> Kind | None:
    """A jump or a vertical tangent, where the quotients never settle: over a jump each is 4 times the last, at a vertical
    tangent they grow steadily, but by less.
    """
    last = [abs(rung.value) for rung in climb.rungs[-5:]]
    if len(climb.rungs) < RUNGS or min(last) == 0:
        return None
    ratios = [fine / coarse for coarse, fine in pairwise(last)]
    if min(ratios) < 1.25 or max(ratios) > 1.1 * min(ratios):
        return None
    return "jump" if min(ratios) > 3.6 else "not finite"
