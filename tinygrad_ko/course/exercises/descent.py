"""Chapter 5: gradients, and the way down."""

from typing import Any

import numpy as np

from tinygrad_ko.course.checker import Wrong, exercise
from tinygrad_ko.course.judging import answered, require_derivative, require_values


@exercise("5-1")
def _gradient(gradient: Any) -> None:
    """Of (x0 - 1)² + 10 (x1 - x0²)²."""

    def valley(x: Any) -> Any:
        return (x[0] - 1) ** 2 + 10 * (x[1] - x[0] ** 2) ** 2

    require_derivative(valley, lambda dout, x: dout * np.asarray(answered(gradient(x))), [0.5, -1.2], written=gradient)


@exercise("5-2")
def _descent(gradient_descent: Any) -> None:
    start = np.array([-3.0, 4.0])
    bowl = lambda x: 2 * x
    require_values(
        lambda x: gradient_descent(bowl, x, 0.1, 3), lambda x: x * 0.8**3, (start,), written=gradient_descent
    )
    found = np.asarray(answered(gradient_descent(bowl, np.array([-3, 4]), 0.1, 1)))
    if not np.allclose(found, [-2.4, 3.2]):
        raise Wrong(
            f"정수 배열 [-3, 4]에서 시작하여 한 걸음\n  올바른 값: [-2.4, 3.2], 답: {found}\n"
            "  원인: 정수 배열에는 소수를 담을 수 없습니다. 시작할 때 np.array(x, dtype=float)로 사본을 만드십시오."
        )


@exercise("5-3")
def _limit(largest_rate: Any) -> str:
    for a in (1.0, 0.5, 20.0):
        found = float(answered(largest_rate(a)))
        if not np.isclose(found, 1 / a):
            step = 1 - 2 * a * found
            raise Wrong(
                f"f(x) = {a:g}x²의 경계가 아닙니다(학습률 {found:g}). 한 걸음마다 x에 곱해지는 값이 1 - 2·{a:g}·{found:g} = {step:g}입니다."
            )
    return "한 걸음마다 x에 1 - 2a·lr이 곱해지므로, 그 절댓값이 1보다 작은 0 < lr < 1/a에서만 수렴합니다."


@exercise("5-4")
def _momentum(momentum_step: Any) -> None:
    """v = momentum * v - lr * grad; x = x + v."""

    def reference(x: Any, v: Any, grad: Any) -> Any:
        v = 0.9 * v - 0.1 * grad
        return np.stack([x + v, v])

    require_values(
        lambda x, v, grad: np.stack(answered(momentum_step(x, v, grad, 0.1, 0.9))),
        reference,
        (np.array([1.0, 2.0]), np.zeros(2), np.array([0.5, -1.0])),
        (np.array([1.0, 2.0]), np.array([0.2, 0.3]), np.array([0.5, -1.0])),
        written=momentum_step,
    )
