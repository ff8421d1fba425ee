"""Chapter 13: what a picture and a compiled step say."""

from typing import Any

import numpy as np

from tinygrad_ko.course.answers import real_numbers
from tinygrad_ko.course.checker import Wrong, exercise
from tinygrad_ko.course.judging import require_derivative


@exercise("13-1")
def _kept(bytes_kept: Any) -> None:
    """What sigmoid(x @ W + b) keeps, for x of (100, 64) and W of (64, 50): its inputs of the product, and the output."""
    wanted = 8 * (100 * 64 + 64 * 50)
    sigmoid = 8 * 2 * 100 * 50
    found = float(real_numbers(bytes_kept, shape=()))
    if found == wanted:
        return
    causes: dict[float, str] = {
        wanted // 8: "원소의 개수입니다. 배정밀도에서는 숫자 하나가 8바이트입니다.",
        wanted + 8 * 50: "편향은 저장하지 않습니다. 편향의 미분에는 편향의 값이 필요하지 않습니다.",
        wanted + sigmoid: "sigmoid가 저장하는 값까지 더했습니다. affine만 세십시오.",
    }
    which = "9장의 Affine에서 backward가 쓰는 값을 찾아보십시오. x, W, b의 기울기를 구하는 데 각각 무엇이 필요합니까?"
    raise Wrong(causes.get(found, which))


@exercise("13-2")
def _largest(gradient: Any) -> None:
    """Of max(x) for different numbers: 1 at the largest."""
    for x in ([0.5, 3.0, -1.0], [-2.0, -0.5, -1.0, -0.1]):
        require_derivative(lambda x: np.max(x), gradient, x)


@exercise("13-3")
def _written(backward: Any) -> None:
    """The backward of mean((x @ W)²), written as a page of NumPy."""
    require_derivative(
        lambda x, W: np.mean((x @ W) ** 2), backward, [[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]], [[0.3, -0.2], [1.0, 0.4]]
    )
