"""Chapter 6: networks that learn by numerical differentiation."""

from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_ko.course.answers import at_line, real_numbers, result_of
from tinygrad_ko.course.checker import Wrong, exercise
from tinygrad_ko.course.judging import require_gradient


def _softmax_of(a: Any) -> Any:
    e = np.exp(a - np.max(a, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


@exercise("6-1")
def _count(parameters: Any) -> None:
    for sizes, wanted in (((784, 100, 10), 79_510), ((64, 50, 10), 3_760), ((2, 3, 2, 2), 23)):
        found = float(real_numbers(result_of(parameters, sizes), parameters, shape=()))
        if found != wanted:
            weights = sum(n * m for n, m in pairwise(sizes))
            cause = " 편향을 세지 않았습니다." if found == weights else ""
            raise Wrong(
                f"층의 크기가 {sizes}인 신경망의 매개변수: {wanted:,}개, 답: {found:,.12g}개.{cause}{at_line(parameters)}"
            )


@exercise("6-2")
def _evaluations(evaluations: Any) -> None:
    for parameters in (79_510, 3_760):
        wanted, found = (
            2 * parameters,
            float(real_numbers(result_of(evaluations, parameters, 100), evaluations, shape=())),
        )
        if found != wanted:
            cause = (
                " 배치는 한 번의 순전파로 함께 계산합니다."
                if found in (wanted * 100, wanted * 50)
                else " 중심 차분은 숫자 하나에 두 번 계산합니다."
                if found * 2 == wanted
                else ""
            )
            raise Wrong(
                f"매개변수가 {parameters:,}개, 배치가 100일 때 순전파: {wanted:,}번, 답: {found:,.12g}번.{cause}"
                f"{at_line(evaluations)}"
            )


@exercise("6-3")
def _simple_net(gradient: Any) -> None:
    """Of the loss of SimpleNet with respect to W, in a formula."""
    t = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])

    def loss(x: Any, W: Any) -> Any:
        return -np.sum(t * np.log(_softmax_of(x @ W))) / len(x)

    x, W = np.array([[0.6, 0.9], [-0.3, 1.2]]), np.array([[0.47, 1.0, 0.85], [0.86, 0.04, 0.69]])
    require_gradient(lambda W: loss(x, W), lambda W: result_of(gradient, x, W, t), W, written=gradient)
