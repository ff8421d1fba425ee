"""Chapter 1: from the perceptron to the network of three layers."""

from typing import Any

import numpy as np

from tinygrad_ko.course.checker import Wrong, exercise
from tinygrad_ko.course.judging import answered, require_values
from tinygrad_ko.nn import ThreeLayerNet

_PAIRS = [(0, 0), (0, 1), (1, 0), (1, 1)]


@exercise("1-1")
def _nand(w1: Any, w2: Any, b: Any) -> None:
    for x1, x2 in _PAIRS:
        found, wanted = int(w1 * x1 + w2 * x2 + b > 0), int(not (x1 and x2))
        if found != wanted:
            raise Wrong(
                f"입력 ({x1}, {x2})에서 {wanted}이 나와야 합니다. 답: w1·{x1} + w2·{x2} + b = {w1 * x1 + w2 * x2 + b:g}, 출력 {found}"
            )


@exercise("1-2")
def _xor(xor: Any) -> None:
    for x1, x2 in _PAIRS:
        found = answered(xor(x1, x2))
        if int(found) != (x1 ^ x2):
            raise Wrong(f"입력 ({x1}, {x2})의 올바른 출력: {x1 ^ x2}, 답: {int(found)}")


@exercise("1-3")
def _sigmoid(sigmoid: Any) -> None:
    def reference(x: Any) -> Any:
        return np.where(x > 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))

    require_values(sigmoid, reference, (np.array([0.0, 2.0, -2.0]),), (np.array([[1.0, -1.0], [30.0, -30.0]]),))


@exercise("1-4")
def _forward(forward: Any) -> None:
    net = ThreeLayerNet()

    def reference(params: Any, x: Any) -> Any:
        return net.predict(x)

    require_values(
        forward,
        reference,
        (net.params, np.array([1.0, 0.5])),
        (net.params, np.array([[1.0, 0.5], [0.0, 0.0], [-1.0, 2.0]])),
    )
