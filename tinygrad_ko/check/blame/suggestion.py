"""Recognises common mistakes in a wrong gradient by its ratio to the numerical one and by its pattern."""

from fractions import Fraction
from math import isclose, isfinite
from typing import Any, NamedTuple

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.slopes.slope import Slope

_Text = tuple[str, str]  # in English and in Korean


class WrongEntry(NamedTuple):
    """One entry of a gradient, d out[k] / d x[j], by the formulas and measured."""

    j: tuple[int, ...]
    k: tuple[int, ...]
    x: Array
    out: Array
    analytic: float
    slope: Slope


def suggest(entry: WrongEntry, formula: Array | None, true: Array | None) -> _Text:
    """What an entry suggests and, where the whole gradient was measured (`true`), its pattern; empty for nothing."""
    slope, analytic = entry.slope, entry.analytic
    if slope.left and slope.right:
        left, right = f"{slope.left.value:.6g}", f"{slope.right.value:.6g}"
        return (
            f"this is a kink: the slope is {left} to the left and {right} to the right",
            f"이 점은 꺾인 점입니다. 왼쪽 기울기는 {left}, 오른쪽 기울기는 {right}이고, 공식의 값은 두 기울기 사이에 있어야 합니다.",
        )
    furthest = float(np.max(np.abs(entry.x), initial=0))
    if isfinite(slope.value) and not (isfinite(analytic) and analytic) and furthest and not 1e-150 < furthest < 1e150:
        return (
            f"the inputs are as large as {furthest:.1g}: something overflows or vanishes in the formula, such as their squares",
            f"입력의 크기가 {furthest:.1g}입니다. 공식 안에서 제곱 등의 값이 오버플로되거나 0이 됩니다.",
        )
    if not isfinite(analytic):
        return (
            "the formula gives no finite number where the function has a slope",
            "함수의 기울기는 유한한데 공식의 값이 NaN이나 무한대입니다.",
        )
    if not isfinite(slope.value):
        return "", ""
    if formula is not None and true is not None and (few := _wrong_entries(formula, true)):
        return few
    unseen = abs(slope.value) <= slope.error
    if not unseen and analytic and (off := abs(analytic / slope.value - 1)) < 0.01:
        return (
            f"off by {off:.1e} of its size: a constant (an epsilon) that stands in the forward or in the formula only? If the forward is"
            " not exact (it stops at a tolerance), say how much: rtol=",
            f"값이 아주 조금 다릅니다(상대 오차 {off:.1e}). 순전파와 공식 중 한쪽에만 작은 상수(예: 1e-7)가 있지 않은지 확인하십시오."
            " 순전파가 정확하지 않다면(허용 오차에서 멈추는 계산) 그 정도를 rtol=로 지정하십시오.",
        )
    if formula is not None and true is not None and (found := _from_pattern(formula, true)):
        return found
    if entry.x.shape == entry.out.shape and entry.j != entry.k:  # elementwise, so that the indices can be compared
        axes = [i for i, (a, b) in enumerate(zip(entry.j, entry.k, strict=True)) if a != b]
        where, axis = (axes[0], f"axis {axes[0]}") if len(axes) == 1 else (axes, f"axes {axes}")
        if unseen:
            return (
                f"the output does not mix positions along {axis}, but the formula does: a sum over the wrong axis?",
                f"축 {where}: 출력은 이 축을 따라 값을 섞지 않는데 공식은 섞습니다. 합을 구하는 축이 맞는지 확인하십시오.",
            )
        if analytic == 0:
            return (
                f"the output mixes positions along {axis}, but the formula does not: is a sum over that axis missing?",
                f"축 {where}: 출력은 이 축을 따라 값을 섞는데 공식은 섞지 않습니다. 이 축을 따라 더하는 항이 빠지지 않았는지 확인하십시오.",
            )
    if analytic == 0:
        return (
            "the formula gives 0: a term is missing, or it masks too much",
            "공식의 값이 0입니다. 빠뜨린 항이 없는지, 마스크가 필요 없는 곳까지 가리지 않는지 확인하십시오.",
        )
    if unseen:
        return (
            "the true slope is 0: the formula has a term too many, or a mask is missing; a straight-through estimator is named by"
            " tg.check.meant_as",
            "실제 기울기는 0입니다. 불필요한 항이 있거나 마스크를 빠뜨렸을 수 있습니다. 의도한 straight-through estimator라면"
            " tg.check.meant_as로 지정하십시오.",
        )
    return _from_ratio(entry, analytic / slope.value)


def _from_ratio(entry: WrongEntry, ratio: float) -> _Text:
    if _is_close(ratio, -1):
        return "the ratio is -1: a sign", "비율이 -1이므로 부호가 반대인 것 같습니다."
    x, out = entry.x, entry.out
    lengths = dict.fromkeys(x.shape, ("argument", "입력의 한 축에 놓인")) | {x.size: ("argument", "입력의")}
    lengths |= dict.fromkeys(out.shape, ("output", "출력의 한 축에 놓인")) | {out.size: ("output", "출력의")}
    for n, (which, korean) in lengths.items():
        if n > 1 and (_is_close(ratio, n) or _is_close(ratio, 1 / n)):
            sum_for_mean = _is_close(ratio, n)
            shown = f"{n}" if sum_for_mean else f"1/{n}"
            meant = "a sum where a mean is meant" if sum_for_mean else "a mean where a sum is meant"
            mistake = "평균을 내야 할 곳에서 합을 구하지" if sum_for_mean else "합을 구해야 할 곳에서 평균을 내지"
            factor, constant = ("a constant factor, or ", ", 곱한 상수가 맞는지") if n <= 4 else ("", "")
            return (
                f"the ratio is {shown}: {factor}{meant} ({n} elements of the {which})?",
                f"비율이 {shown}입니다. {mistake} 않았는지({korean} 원소 {n}개){constant} 확인하십시오.",
            )
    simple = Fraction(ratio).limit_denominator(12)
    if _is_close(ratio, float(simple)) and simple:
        return (
            f"the ratio is {simple}: a constant factor{' and a sign' if ratio < 0 else ''}",
            f"비율이 {simple}입니다. 빠뜨렸거나 잘못 곱한 상수{'와 부호를' if ratio < 0 else '가 없는지'} 확인하십시오.",
        )
    a, y = float(x[entry.j]), float(out[entry.k])
    factors = {"x": a, "out": y, "(1 - out)": 1 - y, "(1 - out * out)": 1 - y * y, "x * x": a * a}
    for name, value in factors.items():
        for sign, signed in (("", ratio), ("-", -ratio)) if value else ():
            if _is_close(signed, 1 / value):
                return (
                    f"the ratio is {sign}1 / {name}: is a factor {name} missing?",
                    f"비율이 {sign}1 / {name}입니다. 공식에서 이 값을 곱하지 않은 것 같습니다: {name}",
                )
            if _is_close(signed, value):
                return (
                    f"the ratio is {sign}{name}: is a factor {name} too many?",
                    f"비율이 {sign}{name}입니다. 공식에 이 값을 한 번 더 곱한 것 같습니다: {name}",
                )
    if x.ndim >= 2 and x.shape[-1] == x.shape[-2]:
        return (
            "check with sides of different lengths: a forgotten transpose then shows in the shapes",
            "가로와 세로의 길이가 다른 배열로 확인하십시오. 전치를 빠뜨렸다면 형상에서 드러납니다.",
        )
    return "", ""


def _from_pattern(a: Array, b: Array) -> _Text | None:
    """What the whole gradient shows that one entry does not: `a` by the formulas, `b` measured."""
    if not (np.isfinite(a).all() and np.isfinite(b).all()) or a.size < 2:
        return None
    if _all_close(a, b * (np.sum(a * b) / (np.sum(b * b) or 1))):
        return None  # one ratio everywhere
    if a.ndim >= 2 and a.shape[-1] == a.shape[-2] and _all_close(a.swapaxes(-1, -2), b):
        return (
            "it is the transpose of the true gradient",
            "올바른 기울기를 전치한 값입니다. 전치(.T)나 축의 순서를 확인하십시오.",
        )
    if _all_close(np.sort(a, axis=None), np.sort(b, axis=None)):
        return (
            "it has the numbers of the true gradient in another order: an axis, a transpose or an index",
            "올바른 기울기와 값은 같지만 순서가 다릅니다. 축, 전치, 인덱스를 확인하십시오.",
        )
    if few := _wrong_entries(a, b, 1e-3):
        return few
    if a.size > 2 and _all_close(a - b, np.full(a.shape, (a - b).flat[0])):
        return (
            "it is off by the same number everywhere: a term is missing or too many",
            "모든 원소가 같은 값만큼 다릅니다. 빠뜨렸거나 불필요하게 더한 항이 없는지 확인하십시오.",
        )
    return None


def _wrong_entries(a: Array, b: Array, least: float = 1e-9) -> _Text | None:
    """That at most half of the entries are wrong, by at least a part of the largest."""
    wrong = np.abs(a - b) > least * np.max(np.abs(b), initial=0)
    n = int(wrong.sum())
    if not 0 < n <= a.size // 2 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None
    transposed = a.ndim >= 2 and a.shape[-1] == a.shape[-2] and _all_close(a.swapaxes(-1, -2), b)
    if transposed or _all_close(np.sort(a, axis=None), np.sort(b, axis=None)):
        return None
    first, sign = [int(i) for i in np.argwhere(wrong)[0]], _all_close(a[wrong], -b[wrong])
    cause, korean = ("a sign", "부호를") if sign else ("a mask, an index or an edge", "마스크, 인덱스, 경계 처리를")
    return (
        f"{n} of {a.size} entries are wrong, the first at {first}: {cause}",
        f"원소 {a.size}개 중 {n}개만 틀립니다. 처음 틀린 위치: {first}. {korean} 확인하십시오.",
    )


# Equal, as far as differences of f can show.
def _all_close(a: Any, b: Any) -> bool:
    return bool(np.allclose(a, b, rtol=1e-7, atol=1e-9 * float(np.max(np.abs(b), initial=0))))


def _is_close(ratio: float, to: float) -> bool:
    return isclose(ratio, to, rel_tol=1e-6)
