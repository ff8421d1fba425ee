"""Functions that are not computed exactly: staircases, where something rounds inside, and iterations that stop at a tolerance.

Their derivative is not the slope of what they stand for. A staircase is flat almost everywhere; an iteration jumps where it takes one
turn more. Seen from afar both have a mean slope, and that is what a formula for the exact function gives. So such a gradient is
undecided, unless `rtol` says how exactly the function is computed.
"""

from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.functions.line import Line, random_line
from tinygrad_ko.check.reports.report import Projection
from tinygrad_ko.check.slopes.slope import EPS, Slope

LAST_BITS = 4 * EPS  # steps so high are those of numbers near 1 from which f is computed, as what saturates is
_POINTS, _DEGREE = 65, 7  # values that are fitted, and the degree of the polynomial
_LEVELS, _ORDER = 6, 8  # how often a jump is looked at more closely, and the order of the differences in which it shows
_CENTRAL = 35  # the greatest of these differences, of a jump of 1
_ALONE = 16  # so many times as large as what is beside it a jump must be
_LARGEST = 0.01  # of the size of f: a jump that is greater is meant
_AMPLIFIED = 1000  # a gradient may be off by so many times as much as the function


def is_staircase(line: Line, speed: float) -> bool:
    """Whether f is flat at nearly all points, though over a distance it moves; `speed` is a slope that it may have."""
    reach = line.scale / 8
    speed = speed or abs(line(reach) - line(-reach)) / reach
    if not 0 < speed < np.inf or line.f.eps > EPS or not _is_still(line, 0.0, speed):
        return False
    places = reach * np.sort(np.cos(np.arange(16)))
    values = _values(line, places)
    if (
        not np.isfinite(values).all() or len(np.unique(values)) < 4
    ):  # so few levels are jumps, each with a slope beside it
        return False
    speed = np.median(np.abs(np.diff(values) / np.diff(places))) or np.ptp(values) / np.ptp(places)
    return sum(_is_still(line, s, speed) for s in places) >= 12


def _is_still(line: Line, s: float, speed: float) -> bool:
    """Whether f stays as it is where by its speed it would move by a hundred times its last bit, over a billionth of the inputs at least:
    finer steps are noise, and where f saturates its last bits are those of 1.
    """
    step = max(100 * EPS * (line.size + abs(line(s))) / speed, 1e-9 * line.scale)
    return step < 1e-6 * line.scale and abs(line(s + step) - line(s)) <= 2 * EPS * line.size


def step_height(line: Line) -> float:
    """The height of the step of a staircase that is nearest to the point, in numbers of the output."""

    def moved(s: float) -> bool:
        return bool(np.any(line.change(s)))

    high = 1e-15 * line.scale
    while not moved(high) and high < line.scale:
        high *= 2
    low = 0.0
    for _ in range(45):
        middle = (low + high) / 2
        low, high = (low, middle) if moved(middle) else (middle, high)
    return float(np.max(np.abs(line.change(high)), initial=0))


def mean_slope(line: Line) -> Slope:
    """The slope at 0 of a polynomial through the values of f from afar, with its standard error, three times."""
    t = np.cos(np.pi * (np.arange(_POINTS) + 0.5) / _POINTS)
    best = Slope(np.nan, np.inf, "not finite", 0)
    basis = np.polynomial.chebyshev.chebvander(t, _DEGREE)
    at_zero = np.polynomial.chebyshev.chebvander(np.array([1e-4, -1e-4]), _DEGREE)
    weights = ((at_zero[0] - at_zero[1]) / 2e-4) @ np.linalg.pinv(basis)
    for reach in (line.scale / 4, line.scale / 16):
        values = _values(line, reach * t)
        if np.isfinite(values).all():
            off = values - basis @ np.linalg.lstsq(basis, values, rcond=None)[0]
            deviation = np.sqrt(np.sum(off * off) / (_POINTS - _DEGREE - 1)) + EPS * line.size
            error = float(3 * deviation * np.linalg.norm(weights) / reach)
            if error < best.error:
                best = Slope(float(weights @ values) / reach, error, "smooth", 2 * _POINTS)
    return best


def _jump_height(line: Line, rng: Any) -> float:
    """The height of a jump of f near the point, relative to its size; 0 if none is seen in three directions, or if f jumps by as much as
    it is large, as `sign` does.
    """
    size = float(np.max(np.abs(line.f.y), initial=0))
    lines = [line, *(random_line(line.f, line.d, line.c, rng) for _ in range(2))]
    for reach, through in [(reach, through) for reach in (0.3, 0.1, 0.03) for through in lines]:
        if (places := _jump(through, through.scale * reach)) is not None:
            across = np.diff([through.change(s) for s in places], _ORDER, axis=0)
            height = float(np.max(np.abs(across), initial=0)) / _CENTRAL
            if height <= _LARGEST * size:
                return height / size
    return 0.0


def _jump(line: Line, reach: float) -> Array | None:
    """Places around a jump of f: there its differences of high order do not fall with the distance between values."""
    middle, seen, places, differences = 0.0, list[float](), np.zeros(1), np.zeros(1)
    for _ in range(_LEVELS):
        places = middle + reach * np.linspace(-1, 1, _POINTS)
        values = np.nan_to_num(_values(line, places), posinf=0, neginf=0)
        differences = np.abs(np.diff(values, _ORDER))
        k = int(np.argmax(differences))
        seen.append(float(differences[k]) / _CENTRAL)
        if seen[-1] <= 64 * EPS * max(line.size, float(np.max(np.abs(values)))):
            return None
        middle, reach = places[k + _ORDER // 2], reach * 6 / (_POINTS // 2)
    stays = all(
        0.5 < finer / coarser < 2 for coarser, finer in pairwise(seen[-3:])
    )  # at a kink they fall, at a pole they grow
    alone = differences[k] > _ALONE * np.median(differences)  # last bits are everywhere
    return places[k : k + _ORDER + 1] if stays and alone else None


def _values(line: Line, places: Array) -> Array:
    return np.array([line(s) for s in places])


def why_inexact(line: Line, found: Projection, rng: Any) -> tuple[str, str] | None:
    """Why a gradient that is off by a little is not called wrong: f jumps, by about as much as would explain it."""
    off = found.difference / found.reference
    if not off <= 0.1:
        return None
    height = _jump_height(line, rng)
    if not off / _AMPLIFIED <= height <= 1e5 * off:  # along some directions nearly all of it cancels
        return None
    bound, (rule, rule_korean) = _rounded_up(off), line.f.computed_by
    return (
        f"f is not computed exactly: it jumps by {height:.1g} of its size near the inputs, as an iteration that stops at a tolerance"
        f" does, and its slope is that of {rule} to {off:.1g} only:"
        f" let it iterate to a smaller tolerance, or say how exactly f is computed: rtol={bound}",
        f"함수가 정확히 계산되지 않습니다. 입력 근처에서 함수값이 그 크기의 {height:.1g}배만큼 뜁니다(허용 오차에서 멈추는 반복 계산 등)."
        f" {rule_korean}의 값과 기울기의 상대 차이는 {off:.1g}입니다. "
        f"허용 오차를 줄여 더 반복하거나, 의도한 오차라면 rtol={bound}처럼 지정하십시오.",
    )


def why_staircase(line: Line, found: Projection) -> tuple[str, str]:
    """What a staircase looks like, beside the slope by the formulas."""
    height, mean, (rule, rule_korean) = step_height(line), found.slope, line.f.computed_by
    shown = max(abs(found.analytic), abs(mean.value))
    if 2 * mean.error > 0.3 * shown:
        which, korean = "too coarse to be compared with that", "정확히 비교하기 어렵습니다"
    elif found.difference <= 2 * mean.error + 0.01 * shown:
        which, korean = "that", "일치합니다"
    else:
        which, korean = "not that", "일치하지 않습니다"
    inside = "something rounds inside (float32, float16, a quantisation, a bisection)"
    inside_korean = "함수 안에서 값을 반올림하고 있습니다(float32, float16, 양자화, 이분법 등)"
    if height <= LAST_BITS:
        inside = "the last bits of a number near 1, from which it is computed"
        inside_korean = "1에 가까운 수의 마지막 비트만 변합니다"
    return (
        f"f is a staircase with steps of {height:.3g}: {inside}. Its mean"
        f" slope {mean.value:.6g} +- {mean.error:.1g} is {which} of {rule}, {found.analytic:.6g}; compute in float64, or say"
        " how exactly f is computed: rtol=",
        f"함수가 높이 {height:.3g}인 계단 모양입니다. {inside_korean}."
        f" 평균 기울기는 {mean.value:.6g} +- {mean.error:.1g}이고 {rule_korean}의 값 {found.analytic:.6g}과 {korean}. float64로 계산하거나,"
        " 함수의 상대 오차를 rtol=로 지정하십시오.",
    )


def _rounded_up(off: float) -> str:
    return f"{10.0 ** np.ceil(np.log10(max(off, 1e-300)) + 0.3):.0e}".replace("e-0", "e-")
