"""What a wrong gradient looks like: the mistakes that people make have ratios and patterns that can be recognised."""

from math import isclose, isfinite
from typing import Any

import numpy as np

from tinygrad_ko.arrays import Array
from tinygrad_ko.check.slope import Slope


def suggestion(
    analytic: float, slope: Slope, formula: Array, true: Array | None, out: tuple[int, ...]
) -> tuple[str, str]:
    """In English and Korean: what the ratio of the wrong entry suggests and, if the whole gradient was measured (`true`),
    its pattern; empty where nothing is recognised.
    """
    if slope.left and slope.right:
        return (
            f"this is a kink: the slope is {slope.left.value:.6g} to the left and {slope.right.value:.6g} to the right",
            "이 점에서는 왼쪽과 오른쪽의 기울기가 다릅니다. 공식의 값은 두 기울기 사이에 있어야 합니다.",
        )
    if not isfinite(analytic):
        return (
            "the formula gives no finite number where the function has a slope",
            "함수의 기울기는 유한한데 공식은 유한한 값을 주지 않습니다.",
        )
    if true is not None and (found := pattern(formula, true)):
        return found
    if analytic == 0:
        return (
            "the formula gives 0: a term is missing, or it masks too much",
            "공식의 값이 0입니다. 빠진 항이나 지나친 마스크가 없는지 보십시오.",
        )
    if abs(slope.value) <= slope.claim:
        return (
            "the true slope is 0: the formula has a term too many, or a mask is missing",
            "실제 기울기는 0입니다. 불필요한 항이 있거나 마스크가 빠졌습니다.",
        )
    ratio = analytic / slope.value
    lengths = {n: f"an axis of length {n}" for n in (*formula.shape, *out)} | {
        int(np.prod(s)): f"{name} has {int(np.prod(s))} elements"
        for s, name in ((formula.shape, "the argument"), (out, "the output"))
    }
    for n, what in lengths.items():
        if n > 1 and close(ratio, n):
            return (
                f"the ratio is {n} ({what}): a sum where a mean is meant?",
                f"비율이 {n}입니다. 평균을 내야 할 곳에서 합을 구하지 않았는지 보십시오.",
            )
        if n > 1 and close(ratio, 1 / n):
            return (
                f"the ratio is 1/{n} ({what}): a mean where a sum is meant?",
                f"비율이 1/{n}입니다. 합을 구해야 할 곳에서 평균을 내지 않았는지 보십시오.",
            )
    if close(ratio, -1):
        return "the ratio is -1: a sign", "비율이 -1입니다. 부호를 확인하십시오."
    if abs(ratio - 1) < 0.01:
        return (
            f"off by {abs(ratio - 1):.1e} of its size: a constant (an epsilon) that stands in the forward or in the formula only?",
            "아주 조금 다릅니다. 순전파와 공식 중 한쪽에만 있는 작은 상수가 없는지 보십시오.",
        )
    for factor in (2.0, 0.5, 3.0, 1 / 3, 4.0, 0.25):
        if close(abs(ratio), factor):
            sign = " and a sign" if ratio < 0 else ""
            return (
                f"the ratio is {ratio:.6g}: a constant factor{sign}",
                f"비율이 {ratio:.6g}입니다. 상수배를 확인하십시오.",
            )
    return "", ""


def pattern(formula: Array, true: Array) -> tuple[str, str] | None:
    """What the whole gradient shows that one entry does not."""
    a, b = formula, true
    if not (np.isfinite(a).all() and np.isfinite(b).all()) or a.size < 2:
        return None
    if alike(a, b * (np.sum(a * b) / (np.sum(b * b) or 1))):
        return None  # one ratio everywhere
    if a.ndim >= 2 and a.shape[-1] == a.shape[-2] and alike(a.swapaxes(-1, -2), b):
        return "it is the transpose of the true gradient", "올바른 기울기의 전치입니다. 축의 순서를 확인하십시오."
    if alike(np.sort(a, axis=None), np.sort(b, axis=None)):
        return (
            "it has the numbers of the true gradient in another order: an axis, a transpose or an index",
            "올바른 기울기와 값은 같지만 순서가 다릅니다. 축이나 전치, 인덱스를 확인하십시오.",
        )
    wrong = np.abs(a - b) > 1e-6 * np.max(np.abs(b))
    n = int(wrong.sum())
    if 0 < n <= a.size // 2:
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        return (
            f"{n} of {a.size} entries are wrong, the first at {list(first)}: a mask, an index or an edge",
            f"{a.size}개 가운데 {n}개만 다릅니다. 마스크나 인덱스, 가장자리를 확인하십시오.",
        )
    difference = a - b
    if a.size > 2 and alike(difference, np.full(a.shape, difference.flat[0])):
        return (
            "it is off by the same number everywhere: a term is missing or too many",
            "어디서나 같은 수만큼 다릅니다. 빠지거나 더해진 항이 있습니다.",
        )
    return None


def alike(a: Any, b: Any) -> bool:
    """Whether two arrays are the same, as far as differences of f can show."""
    return bool(np.allclose(a, b, rtol=1e-7, atol=1e-9 * float(np.max(np.abs(b), initial=0))))


def close(ratio: float, to: float) -> bool:
    """Whether a ratio is this number, as far as differences of f can show."""
    return isclose(ratio, to, rel_tol=1e-6)
