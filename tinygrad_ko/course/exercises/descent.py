"""Chapter 5: gradients, and the way down."""

from typing import Any

import numpy as np

from tinygrad_ko.course.answers import at_line, real_numbers, result_of
from tinygrad_ko.course.checker import Wrong, exercise
from tinygrad_ko.course.judging import require_gradient, require_values


@exercise("5-1")
def _gradient(gradient: Any) -> None:
    """Of (x0 - 1)² + 10 (x1 - x0²)²."""

    def valley(x: Any) -> Any:
        return (x[0] - 1) ** 2 + 10 * (x[1] - x[0] ** 2) ** 2

    require_gradient(valley, gradient, [0.5, -1.2])


@exercise("5-2")
def _descent(gradient_descent: Any) -> None:
    def bowl(x: Any) -> Any:
        return 2 * x

    def valley(x: Any) -> Any:
        return np.array([0.2, 6.0]) * x

    def reference(gradient: Any, x: Any, lr: float, steps: int) -> Any:
        for _ in range(steps):
            x = x - lr * gradient(x)
        return x

    require_values(
        gradient_descent,
        reference,
        (bowl, np.array([-3.0, 4.0]), 0.1, 3),
        (valley, np.array([-3.0, 4.0]), 0.05, 2),
    )
    found = result_of(gradient_descent, bowl, np.array([-3, 4]), 0.1, 1)
    if not np.allclose(real_numbers(found, gradient_descent, shape=(2,)), [-2.4, 3.2]):
        raise Wrong(
            f"정수 배열 [-3, 4]에서 시작하여 한 걸음\n  올바른 값: [-2.4, 3.2], 답: {found}\n"
            "  원인: 정수 배열에는 소수를 담을 수 없습니다. 시작할 때 np.array(x, dtype=float)로 사본을 만드십시오."
            f"{at_line(gradient_descent)}"
        )


@exercise("5-3")
def _limit(largest_rate: Any) -> str:
    for a in (1.0, 0.5, 20.0):
        found = float(real_numbers(result_of(largest_rate, a), largest_rate, shape=()))
        if not np.isclose(found, 1 / a):
            step = 1 - 2 * a * found
            raise Wrong(
                f"f(x) = {a:g}x²의 경계가 아닙니다(학습률 {found:g}). 한 걸음마다 x에 곱해지는 값이 1 - 2·{a:g}·{found:g} = {step:g}입니다."
                f"{at_line(largest_rate)}"
            )
    return "한 걸음마다 x에 1 - 2a·lr이 곱해지므로, 그 절댓값이 1보다 작은 0 < lr < 1/a에서만 수렴합니다."


@exercise("5-4")
def _momentum(momentum_step: Any) -> None:
    """v = momentum * v - lr * grad; x = x + v."""

    def reference(x: Any, v: Any, grad: Any, lr: float, momentum: float) -> Any:
        v = momentum * v - lr * grad
        return np.stack([x + v, v])

    x, grad = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    require_values(
        momentum_step,
        reference,
        (x, np.zeros(2), grad, 0.1, 0.9),
        (x, np.array([0.2, 0.3]), grad, 0.1, 0.9),
        (x, np.array([0.2, 0.3]), grad, 0.25, 0.5),
    )
