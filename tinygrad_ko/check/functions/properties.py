"""Properties of any vector-Jacobian product: deterministic, linear in the cotangent, nearly the same in float32."""

from typing import Any, NamedTuple

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.functions.function import CheckedFunction, Primal
from tinygrad_ko.check.functions.vjp import FunctionWithVjp
from tinygrad_ko.check.slopes.slope import OUTSIDE, scales


class BrokenProperty(NamedTuple):
    """A property that the gradient of an argument does not have, in words."""

    argument: str
    text: str
    korean: str
    cure: str = ""


_PROPERTIES = (  # a factor of the cotangent, and what is wrong if the gradient is not scaled by it, to the last bit
    (1.0, "is another gradient at the second call", "같은 점에서 기울기를 두 번 구했더니 값이 서로 다릅니다."),
    (
        0.0,
        "is not zero for a zero cotangent",
        "출력 쪽에서 온 기울기 g가 0인데도 기울기가 0이 아닙니다."
        " 역전파 함수의 인수 순서가 바뀌지 않았는지, g와 곱하지 않은 항이 없는지 확인하십시오.",
    ),
    (
        -2.0,
        "is not linear in the cotangent",
        "출력 쪽에서 온 기울기 g가 -2배가 되어도 기울기는 -2배가 되지 않습니다. 공식은 g에 대해 선형이어야 합니다."
        " 역전파 함수의 인수 순서가 바뀌지 않았는지 확인하십시오. 기울기를 일부러 자른 것이라면 tg.check.meant_as로 지정하십시오.",
    ),
)

_CURES = {  # by the factor of the cotangent
    0.0: "are the arguments of the backward in another order, or is a term not multiplied by the cotangent?",
    -2.0: "are the arguments of the backward in another order, or is it clipped? Say what is meant with tg.check.meant_as",
}


def is_deterministic(f: CheckedFunction) -> bool:
    """Whether f gives the same value when it is called again."""
    again = f.value(f.point)
    near = 64 * f.eps * np.max(np.abs(f.y), initial=0)
    return again.shape == f.y.shape and bool(np.all(np.abs(again - f.y) <= near))


_REMEMBERS = (  # of a function that is called elsewhere between two calls of its vjp
    "is another gradient after f was called at other inputs, or at the second call: does it use what an earlier call left behind?",
    "f를 다른 입력으로 호출한 뒤, 또는 두 번째로 구할 때 기울기가 달라집니다. 이전 호출에서 남긴 값을 쓰지 않는지 확인하십시오.",
)
_OF_A_JVP = (  # the same of a Jacobian-vector product, which is linear in the tangent
    "같은 점, 같은 접선 벡터(tangent)로 jvp를 두 번 구했더니 값이 서로 다릅니다.",
    "접선 벡터(tangent)가 0인데도 jvp가 0이 아닙니다. 접선 벡터와 곱하지 않은 항이 없는지 확인하십시오.",
    "접선 벡터(tangent)가 -2배가 되어도 jvp는 -2배가 되지 않습니다. jvp는 접선 벡터에 대해 선형이어야 합니다.",
)


def find_broken_property(f: CheckedFunction, c: Array, every: bool = True) -> BrokenProperty | None:
    """The first property that the gradients for a cotangent do not have. The last implies the others, but for a formula that treats a
    zero by itself; with `every` they are all tried.
    """
    linear, properties = f.linear(c), list(zip(_PROPERTIES, _OF_A_JVP, strict=True))[0 if every else -1 :]
    multiples = [linear(factor) for (factor, *_), _ in properties]
    gradients = linear(1.0)  # last, for these are what is measured next
    if not all(np.isfinite(np.sum(g)) or np.isfinite(g).all() for g in gradients.values()):
        return None  # the projection names the cause
    for ((factor, text, korean), of_a_jvp), multiple in zip(properties, multiples, strict=True):
        for i, scaled in multiple.items():
            expected = factor * gradients[i]
            if np.array_equal(scaled, expected):
                continue
            near = 1e-12 * np.max(np.abs(expected), initial=0) + 8 * np.finfo(float).tiny
            if np.any(np.abs(scaled - expected) > near):
                if factor == 1 and isinstance(f, FunctionWithVjp) and not f.forward_mode:
                    text, korean = _REMEMBERS
                if f.forward_mode:
                    text, korean = (
                        text.replace("cotangent", "tangent").replace("gradient", "jvp"),
                        of_a_jvp,
                    )
                cure = "" if f.forward_mode else _CURES.get(factor, "")
                return BrokenProperty(f.labels[i], text, korean, cure) if every else find_broken_property(f, c)
    return None


def compare_in(f: Primal, c: Array, dtype: Any) -> tuple[tuple[str, str] | None, list[str]]:
    """Compare the gradient in float32 or float16 with that in float64, at inputs that both can hold: what is wrong, and remarks."""
    name, largest = np.dtype(dtype).name, float(np.finfo(dtype).max)
    single = [x.astype(dtype) if i in f.floating else x for i, x in enumerate(f.point)]
    double = [x.astype(np.float64) if i in f.floating else x for i, x in enumerate(single)]
    if not all(np.isfinite(single[i]).all() for i in f.floating):
        return None, [f"not checked in {name}: the inputs are beyond its range"]
    c = c.astype(dtype)
    try:
        low, vjp_low = f.vjp(single)
    except Exception as error:
        return None, [f"not checked in {name}: {type(error).__name__}: {error}"]
    high, vjp_high = f.vjp(double)
    if low.dtype != dtype or not np.isfinite(high).all():
        return None, []  # it is float64 throughout, or not finite there either
    if not np.isfinite(low).all():
        return None, [f"not checked in {name}: the result is not finite there (beyond its range)"]
    values = float(np.sum(np.abs(c * high)))
    forward = float(np.sum(np.abs(c * (low - high)))) / values if values else 0.0
    if forward > 0.1:
        return None, [f"not checked in {name}: the result itself is off by {forward:.1g} of its size there"]
    worst, remarks = 0.0, list[str]()
    rounded = None  # the gradients in float64 where the inputs are rounded otherwise
    for i, low_g, high_g in zip(f.wrt, vjp_low(c), vjp_high(c.astype(np.float64)), strict=True):
        most = float(np.max(np.abs(high_g), initial=0))
        if not most <= largest:
            if np.isfinite(most):
                remarks.append(f"in {name} the gradient of {f.labels[i]} is beyond the range: it is {most:.1g}")
            continue
        if np.isnan(low_g).any() and not np.isnan(high_g).any():
            return (
                f"the gradient of {f.labels[i]!r} in {name} is NaN where the result is finite; in float64 it is up to {most:.1g}",
                f"인수 {f.labels[i]!r}의 기울기가 {name}에서만 NaN입니다. 함수값은 유한합니다. float64에서 가장 큰 값: {most:.1g}",
            ), remarks
        d = scales(double[i])
        size = float(np.sum(np.abs(high_g * d))) + values
        off = float(np.sum(np.abs(low_g - high_g) * d)) / size if size else 0.0
        if not off <= 1e-2 + 10 * forward:  # a hundredth of its size or of that of f, and ten times as much as f is off
            rounded = rounded or _gradients_beside(f, double, c, dtype)
            spread = sum(float(np.sum(np.abs(g[i] - high_g) * d)) for g in rounded) / size
            if not off > 10 * spread:
                remarks.append(
                    f"in {name} the gradient of {f.labels[i]} depends on how the inputs are rounded: off by {off:.1g}"
                )
                continue
            return (
                f"the gradient of {f.labels[i]!r} in {name} is far from that in float64",
                f"인수 {f.labels[i]!r}의 기울기가 {name}에서는 float64와 크게 다릅니다. 공식에 너무 작거나 큰 상수가 없는지 확인하십시오.",
            ), remarks
        if most and not np.any(low_g):
            remarks.append(f"in {name} the gradient of {f.labels[i]} is 0; in float64 it is up to {most:.1g}")
            continue
        worst = max(worst, off)
    return None, [*remarks, f"{name} agrees to {worst:.1e}"] if worst else remarks


def _gradients_beside(f: Primal, point: list[Any], c: Array, dtype: Any) -> list[dict[int, Array]]:
    """The gradients in float64 at two points whose inputs are off by last bits of a dtype, all up or by turns; NaN outside the domain."""
    found, last = [], 2 * float(np.finfo(dtype).eps)
    for turns in (1, 2):
        signs = {i: np.where(np.arange(point[i].size) % turns, -last, last).reshape(point[i].shape) for i in f.floating}
        try:
            _, vjp = f.vjp([x * (1 + signs[i]) if i in signs else x for i, x in enumerate(point)])
            found.append(dict(zip(f.wrt, vjp(c.astype(np.float64)), strict=True)))
        except OUTSIDE:
            found.append(dict.fromkeys(f.wrt, np.array(np.nan)))
    return found
