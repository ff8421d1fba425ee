"""Chapter 4: numerical differentiation."""

from math import cos, exp, sin
from typing import Any

import numpy as np

from tinygrad_ko.course.answers import at_line, real_numbers, result_of
from tinygrad_ko.course.checker import Wrong, exercise
from tinygrad_ko.course.judging import require_tests, require_values


def _central(f: Any, x: Any) -> Any:
    return (f(x + 1e-4) - f(x - 1e-4)) / 2e-4


@exercise("4-1")
def _one_variable(numerical_diff: Any) -> None:
    for f, slope, name in (
        (sin, cos, "sin"),
        (exp, exp, "exp"),
        (lambda x: 0.01 * x**2 + 0.1 * x, lambda x: 0.02 * x + 0.1, "0.01x² + 0.1x"),
    ):
        for x in (-1.0, 0.5, 2.0, 5.0):
            found, truth = float(real_numbers(result_of(numerical_diff, f, x), numerical_diff, shape=())), slope(x)
            if not abs(found - truth) <= 1e-6 * max(1.0, abs(truth)):
                cause = _cause(found, f, x)
                raise Wrong(
                    f"f(x) = {name}, x = {x}\n  미분: {truth:.8g}, 답: {found:.8g}{cause}{at_line(numerical_diff)}"
                )


def _cause(found: float, f: Any, x: float) -> str:
    h = 1e-4
    known = {
        (f(x + h) - f(x)) / h: "전방 차분입니다. f(x + h)와 f(x - h)를 쓰는 중심 차분으로 바꾸십시오.",
        (f(x) - f(x - h)) / h: "후방 차분입니다. f(x + h)와 f(x - h)를 쓰는 중심 차분으로 바꾸십시오.",
        (f(x + h) - f(x - h)) / 2: "2h가 아니라 2로 나누었습니다.",
        (f(x + h) - f(x - h)) / 2 * h: "2h로 나누지 않고 2로 나눈 뒤 h를 곱했습니다. 괄호를 확인하십시오: / (2 * h)",
        (f(x + h) - f(x - h)) / h: "2h가 아니라 h로 나누었습니다.",
        (f(h) - f(x)) / h: "f(x + h)가 아니라 f(h)를 계산했습니다.",
        (f(x - h) - f(x + h)) / (2 * h): "부호가 반대입니다. f(x + h)에서 f(x - h)를 빼십시오.",
    }
    for value, cause in known.items():
        if abs(found - value) <= 1e-9 * max(abs(value), 1e-12):
            return f"\n  원인: {cause}"
    return "\n  원인: h가 너무 작아 x + h가 x와 같아졌습니다." if found == 0 else ""


@exercise("4-2")
def _of_any_shape(numerical_gradient: Any) -> None:
    def quadratic(x: Any) -> Any:
        return np.sum(np.asarray(x) ** 2) + np.ravel(x)[0] * np.ravel(x)[-1]

    def curved(x: Any) -> Any:
        return np.sum(np.exp(x))

    def slopes(f: Any, x: Any) -> Any:
        x = np.array(x, float)
        if f is curved:
            return np.exp(x)
        g = 2 * x
        g.flat[0] += x.flat[-1]
        g.flat[-1] += x.flat[0]
        return g

    require_values(
        numerical_gradient,
        slopes,
        (quadratic, np.array([3.0, 4.0])),
        (curved, np.array([0.5, -1.0])),
        (quadratic, np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.5]])),
        rtol=1e-6,
    )
    for kind, cure in (
        ("int64", "x + h를 정수 배열에 담으면 소수점 아래가 버려집니다"),
        ("float32", "float32에서는 반올림 오차가 결과의 셋째 자리까지 올라옵니다"),
    ):
        x = np.array([3, 4], kind)
        found = real_numbers(
            result_of(numerical_gradient, lambda x: quadratic(x) / 4, x), numerical_gradient, shape=(2,)
        )
        if not np.allclose(found, [2.5, 2.75], rtol=1e-6):
            raise Wrong(
                f"자료형이 {kind}인 배열 [3, 4]\n  기울기: [2.5, 2.75], 답: {found}\n"
                f"  원인: {cure}. 먼저 float64 사본을 만드십시오: np.array(x, dtype=float){at_line(numerical_gradient)}"
            )


@exercise("4-3")
def _step(best_h: Any) -> str:
    for name, eps in (("float64", 2.0**-52), ("float32", 2.0**-23)):
        found, best = float(real_numbers(result_of(best_h, eps), best_h, shape=())), eps ** (1 / 3)
        if not best / 8 < found < best * 8:
            side = " 너무 작아 반올림 오차가 큽니다." if found < best else " 너무 커서 절단 오차가 큽니다."
            raise Wrong(
                f"{name}(eps = {eps:.2g})에서 h = {found:.2g}:{side if found > 0 else ''} "
                f"두 오차 eps/h와 h²이 같아지는 h를 구하십시오.{at_line(best_h)}"
            )
    return "h는 eps의 세제곱근 정도일 때 가장 좋습니다. float64에서는 6e-06 정도입니다."


def _wrong_gradients() -> dict[str, Any]:
    """Implementations with the mistakes that one finds in notebooks."""

    def made(change: Any, copy: bool = True) -> Any:
        def gradient(f: Any, x: Any) -> Any:
            x, h = (np.array(x, float) if copy else x), 1e-4
            grad = np.zeros_like(x)
            for i in range(x.size):
                change(f, x, grad, i, h)
            return grad

        return gradient

    def moved(f: Any, x: Any, i: int, by: float) -> Any:
        before = x.flat[i]
        x.flat[i] = before + by
        y = f(x)
        x.flat[i] = before
        return y

    def put(formula: Any) -> Any:
        def change(f: Any, x: Any, grad: Any, i: int, h: float) -> None:
            grad.flat[i] = formula(moved(f, x, i, h), moved(f, x, i, -h), f(x), h)

        return change

    def unrestored(f: Any, x: Any, grad: Any, i: int, h: float) -> None:
        x.flat[i] += h
        above = f(x)
        x.flat[i] -= 2 * h
        grad.flat[i] = (above - f(x)) / (2 * h)  # and x stays moved by -h

    def first_row(f: Any, x: Any, grad: Any, i: int, h: float) -> None:
        if i < len(x):
            put(lambda a, b, c, h: (a - b) / (2 * h))(f, x, grad, i, h)

    central = put(lambda above, below, here, h: (above - below) / (2 * h))
    return {
        "올바른 구현": made(central),
        "괄호를 빠뜨려 h로 나누지 않고 곱한 것: / 2*h": made(
            put(lambda above, below, here, h: (above - below) / 2 * h)
        ),
        "2h가 아니라 h로 나눈 것": made(put(lambda above, below, here, h: (above - below) / h)),
        "부호가 반대인 것": made(put(lambda above, below, here, h: (below - above) / (2 * h))),
        "전방 차분": made(put(lambda above, below, here, h: (above - here) / h)),
        "언제나 0을 반환하는 것": made(put(lambda above, below, here, h: 0.0)),
        "절댓값을 반환하는 것": made(put(lambda above, below, here, h: abs(above - below) / (2 * h))),
        "x를 되돌려 놓지 않는 것": made(unrestored, copy=False),
        "정수 배열에서 소수점 아래를 버리는 것": made(central, copy=False),
        "2차원 배열의 첫 행만 계산하는 것": made(first_row),
    }


@exercise("4-4")
def _a_test(test: Any) -> str:
    wrong = _wrong_gradients()
    return require_tests(test, wrong.pop("올바른 구현"), wrong, "구현")
