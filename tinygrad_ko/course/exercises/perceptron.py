"""Chapter 1: from the perceptron to the network of three layers."""

from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_ko.course.answers import at_line, real_numbers, result_of
from tinygrad_ko.course.checker import Wrong, exercise
from tinygrad_ko.course.judging import require_values

_PAIRS = [(0, 0), (0, 1), (1, 0), (1, 1)]


@exercise("1-1")
def _nand(w1: Any, w2: Any, b: Any) -> None:
    w1, w2, b = (float(real_numbers(answer, shape=())) for answer in (w1, w2, b))
    for x1, x2 in _PAIRS:
        found, wanted = int(w1 * x1 + w2 * x2 + b > 0), int(not (x1 and x2))
        if found != wanted:
            raise Wrong(
                f"입력 ({x1}, {x2})에서 {wanted}이 나와야 합니다. 답: w1·{x1} + w2·{x2} + b = {w1 * x1 + w2 * x2 + b:g}, 출력 {found}"
            )


@exercise("1-2")
def _xor(xor: Any) -> None:
    for x1, x2 in _PAIRS:
        found = real_numbers(result_of(xor, x1, x2), xor, shape=())
        if found != (x1 ^ x2):
            raise Wrong(f"입력 ({x1}, {x2})의 올바른 출력: {x1 ^ x2}, 답: {found}{at_line(xor)}")


@exercise("1-3")
def _sigmoid(sigmoid: Any) -> None:
    require_values(sigmoid, _logistic, (np.array([0.0, 2.0, -1.0]),), (np.array([[1.0, -1.0], [30.0, -30.0]]),))


def _logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


@exercise("1-4")
def _forward(forward: Any) -> None:
    def reference(params: Any, x: Any) -> Any:
        z = _logistic(x @ params["W1"] + params["b1"])
        return _logistic(z @ params["W2"] + params["b2"]) @ params["W3"] + params["b3"]

    rng, sizes = np.random.default_rng(0), (2, 3, 2, 2)
    params = {f"W{i}": rng.normal(size=shape) for i, shape in enumerate(pairwise(sizes), start=1)}
    params |= {f"b{i}": rng.normal(size=n) for i, n in enumerate(sizes[1:], start=1)}
    batch = np.array([[1.0, 0.5], [0.0, 0.0], [-1.0, 2.0]])
    require_values(forward, reference, (params, batch[0]), (params, batch))
