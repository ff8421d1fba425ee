"""Why a gradient is undecided: what the slope looks like that could not be measured."""

import numpy as np

from tinygrad_ko.check.blame.diagnosis import first_nonfinite, where_f_raised
from tinygrad_ko.check.functions.line import Line
from tinygrad_ko.check.reports.report import Projection
from tinygrad_ko.check.slopes.slope import EPS
from tinygrad_ko.check.verdicts.steps import why_staircase

_UNDECIDED = {  # why a projection is undecided, by the kind of its slope
    "single": (
        "it computes in single precision, too coarse {along}: slope {slope}; let it compute in float64",
        "float32로 계산하여 {along} 수치 미분의 오차가 너무 큽니다. 측정값: {slope}. 함수 안에서 float64로 계산하십시오.",
    ),
    "kink": (
        "kinks add up {along}, and not every operation can be judged at its own inputs; choose other inputs",
        "{along} 여러 꺾인 점이 겹쳐 있어 연산마다 따로 판단해야 하지만, 판단할 수 없는 연산이 있습니다. 다른 입력으로 확인하십시오.",
    ),
    "noisy": (
        "its values are too noisy {along}: slope {slope}; look for random numbers, float32, or an iteration that stops early",
        "함수값에 잡음이 커서 {along} 기울기를 잴 수 없습니다. 측정값: {slope}. 난수, float32, 덜 수렴한 반복 계산이 없는지 확인하십시오.",
    ),
    "flat": (
        "it changes by no more than its last bits {along}, but by {rule} it is {analytic}; choose other inputs, or"
        " leave that argument out with wrt= if its gradient is 0",
        "{along} 함수값이 거의 변하지 않아 기울기를 잴 수 없는데 {rule}의 값은 {analytic}입니다. 다른 입력으로 확인하거나, 기울기가"
        " 0인 인수라면 wrt로 그 인수를 빼십시오.",
    ),
    "smooth": (
        "the slope cannot be measured well enough {along}: {slope}, by {rule} {analytic}",
        "{along} 수치 미분의 오차가 커서 비교할 수 없습니다. 측정값: {slope}, {rule}의 값: {analytic}. 다른 입력으로 확인하십시오.",
    ),
}
_UNDECIDED |= {"jump": _UNDECIDED["kink"], "saturated": _UNDECIDED["flat"]}


def why_undecided(p: Projection, line: Line) -> tuple[str, str]:
    """The reason in words, in both languages."""
    slope, kind = p.slope, p.slope.kind
    if kind == "not finite" or not np.isfinite(p.analytic):
        return first_nonfinite(line.f, line.c)
    if 2 * line.f.progress.outside > line.f.progress.count:
        return where_f_raised(line.f)
    if kind == "staircase":
        return why_staircase(line, p)
    english, korean = _UNDECIDED["single" if line.f.eps > EPS else kind]
    along = f"along a random direction of {p.argument!r}", f"{p.argument!r}의 무작위 방향에서"
    shown, rule = {"slope": slope, "analytic": f"{p.analytic:.6g}"}, line.f.computed_by
    return english.format(along=along[0], rule=rule[0], **shown), korean.format(along=along[1], rule=rule[1], **shown)
