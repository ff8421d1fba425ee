"""The verdict on one projection: the slope by the formulas beside the numerical slope, which is measured again in other ways where it
cannot decide.
"""

from dataclasses import replace

import numpy as np

from tinygrad_ko.check.functions.line import Line
from tinygrad_ko.check.reports.report import Projection, Verdict
from tinygrad_ko.check.slopes.slope import EPS, SMALLEST_SCALE, Slope
from tinygrad_ko.check.verdicts.steps import LAST_BITS, is_staircase, mean_slope, step_height

_SMALL = 1e-5  # the finest steps of the ladder see the last bits of 1 in a function that is so small
_UNSEEN = 1e-3  # a worse resolution is none
_CLEAR = 0.01  # a relative difference from the mean slope that is no error of that
_NEAR, _SEEN = 2.0**-20, 1e-4  # very short steps, and the resolution with which a slope is seen well by them
_CLOSE = 1e-6  # a relative difference so small is measured again before it is a mismatch
_FINE, _BRIEF = (
    1e-6,
    1e-7,
)  # the resolution, relative to what is compared, with which one is content; that of a brief measurement


def compare_slopes(line: Line, first: Projection | None = None, stretch: float = 1.0) -> Projection:
    """The analytic slope along a line beside the numerical one, measured with steps `stretch` times as long as usual; what was found
    `first`, from fewer evaluations, if that is good enough.
    """
    f, (analytic, size) = line.f, line.analytic()
    if first and first.verdict == "agrees":
        return first
    found = _compared(line, line.slope(stretch))
    if found.slope.kind == "not finite" and stretch == 1:  # f ends nearby
        found = _compared(line, line.slope(_NEAR))
    if is_staircase(line, max(abs(found.slope.value), abs(analytic))):
        return _on_staircase(line, _compared(line, replace(mean_slope(line), kind="staircase")))
    step = line.scale * max(float(np.max(np.abs(x), initial=0.0)) for x in line.d.values())
    if found.resolution > _FINE and 1e-100 < step < SMALLEST_SCALE / 8:
        # f may hardly change over the size of tiny inputs
        wide = _compared(line, line.slope(SMALLEST_SCALE / step))
        if (
            wide.verdict in ("agrees", "mismatch")
            and wide.resolution < found.resolution
            and wide.slope.kind == "smooth"
        ):
            found = wide
    if found.verdict == "mismatch" and found.difference <= _CLOSE * max(size, line.size):
        # Compute both again in other ways, and add to the error estimate what the results differ by.
        shorter = [(s, Line(f, line.c, {i: s * d for i, d in line.d.items()}, line.scale)) for s in (0.35, 0.6)]
        doubts = [abs(other.slope(stretch).value / s - found.slope.value) for s, other in shorter]
        doubts += [abs(line.analytic(factor)[0] - analytic) for factor in (1.1, 1.3, 1.7)]
        found = _compared(line, replace(found.slope, error=found.slope.error + 4 * max(doubts)))
    if found.verdict != "agrees" and line.size < _SMALL:
        found = _from_afar(line, found)
    if found.verdict != "agrees" and _is_nothing(line) and (slope := _constant(line)):
        found = replace(found, slope=slope, verdict="agrees")
    if f.rtol and found.verdict != "agrees":
        found = _compared(line, mean_slope(line))
    return found


def compare_from_near(line: Line) -> Projection:
    """The same from steps of a millionth, for a function that bends over a tiny part of the size of its inputs, as sin(x) does at 1e8 and
    arccosh near 1. Undecided unless it agrees, or the slope is seen well.
    """
    near = Line(line.f, line.c, line.d, line.scale * _NEAR)
    found = _compared(line, line.slope(_NEAR))
    seen = found.slope.kind == "smooth" and (found.verdict == "agrees" or found.resolution <= _SEEN)
    if not seen or is_staircase(near, max(abs(found.slope.value), abs(found.analytic))):
        return replace(found, verdict="undecided")
    return found


def compare_briefly(line: Line, quick: bool) -> Projection:
    """The same from seven evaluations (`quick`) or nine. It agrees if the measurement is seen to be good; a `mismatch` is clear, though
    not for certain.
    """
    if not quick and line.f.eps > EPS:
        return _compared(line, Slope(np.nan, np.inf, "not finite", 0))
    found = _compared(line, line.slope(quick=True) if quick else line.brief_slope())
    smooth = found.slope.kind == "smooth"
    if found.verdict == "agrees" and not (smooth and found.resolution <= (_FINE if quick else _BRIEF)):
        found = replace(found, verdict="undecided")
    if found.verdict == "mismatch" and not (
        smooth and found.difference > max(1e-3 * found.reference, 10 * found.tolerance)
    ):
        found = replace(found, verdict="undecided")
    return found


def _compared(line: Line, slope: Slope) -> Projection:
    f, (analytic, size) = line.f, line.analytic()
    found = Projection(f.order, line.label, analytic, size, slope, "undecided", f.rtol, f.eps)
    return replace(found, verdict=_verdict(found, line.size))


def _on_staircase(line: Line, found: Projection) -> Projection:
    """Its slope is 0, which nobody means who writes another formula: then the mean slope counts, if f may be so inexact (`rtol`), or if
    its steps are the last bits of 1.
    """
    if found.size == 0:
        return replace(found, slope=Slope(0.0, 0.0, "staircase", found.slope.evaluations), verdict="agrees")
    clear = found.verdict == "agrees" or found.difference > max(_CLEAR * found.reference, 10 * found.tolerance)
    if line.f.rtol or (clear and step_height(line) <= LAST_BITS):
        return found
    return replace(found, verdict="undecided")


def _from_afar(line: Line, found: Projection) -> Projection:
    """What the mean slope of a small f says where the ladder does not agree. If they differ, f moves in steps of the last bits of 1, as
    what saturates does; then it is no mismatch.
    """
    mean = _compared(line, mean_slope(line))
    apart = abs(mean.slope.value - found.slope.value) > mean.slope.error + found.slope.error
    says = mean.verdict == "agrees" or (found.verdict == "mismatch" and apart)
    return mean if says and mean.resolution <= _UNSEEN else found


def _is_nothing(line: Line) -> bool:
    """Whether the slope by the formulas is so small that it may be the rounding of 0. Of large numbers it then changes as rounding does."""
    analytic, size = line.analytic()
    if size <= _zero(0.0):
        return True
    again = [abs(line.analytic(factor)[0] - analytic) for factor in (1.1, 1.3, 1.7)]
    return size <= _zero(line.size) and max(again) > 1e-3 * size


def _constant(line: Line) -> Slope | None:
    """The slope 0 if f stays the same, but for its last bits, from a tenth of the size of the inputs to a hundred times that."""
    shares = (0.1, 0.5, 2.0, 100.0)
    most = np.max(np.abs([line(sign * share * line.scale) for share in shares for sign in (1, -1)]))
    return Slope(0.0, float(most) / line.scale, "flat", 2 * len(shares)) if most <= 1e-12 * line.size else None


def _zero(values: float) -> float:
    return 64 * EPS * max(1.0, values)


def _verdict(p: Projection, values: float) -> Verdict:
    """The verdict on one projection; `values` is the sum of the absolute terms of what f returned.

    A measurement that cannot see an error must not accept: its tolerance has to be below a thousandth of what is compared. A
    slope of 0 passes if it was measured to the last bits of f, and the formulas give exactly 0 or f is seen to bend.
    """
    slope, allowed = p.slope, p.tolerance
    if not np.isfinite(slope.error):
        return "undecided"
    if not np.isfinite(p.analytic):
        return "undecided" if slope.kind == "jump" else "mismatch"  # beside a jump f has slopes, at it none
    if not p.difference <= allowed:
        unseen = slope.kind == "noisy" or (slope.kind in ("flat", "saturated") and p.size <= _zero(values))
        return "undecided" if unseen else "mismatch"
    if p.resolution <= max(_UNSEEN, 10 * p.rtol):
        return "agrees"
    resolved = p.size == 0 or (slope.kind == "smooth" and p.size <= _zero(values))
    return "agrees" if resolved and allowed <= 1e-9 * max(1.0, values) else "undecided"
