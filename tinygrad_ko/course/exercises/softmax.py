"""Chapter 2: softmax."""

from typing import Any

import numpy as np

from tinygrad_ko.course.answers import result_of
from tinygrad_ko.course.checker import exercise
from tinygrad_ko.course.judging import require_derivative, require_values


def _softmax(a: Any) -> Any:
    e = np.exp(a - np.max(a, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


@exercise("2-1")
def _of_one(softmax: Any) -> None:
    require_values(
        softmax,
        _softmax,
        (np.array([0.3, 2.9, 4.0]),),
        (np.array([1010.0, 1000.0, 990.0]),),
        (np.array([-1000.0, -1001.0]),),
        (np.array([3000.0, 0.0, 10.0]),),
    )


@exercise("2-2")
def _of_a_batch(softmax: Any) -> None:
    stack = np.random.default_rng(0).normal(size=(2, 3, 4))
    require_values(
        softmax, _softmax, (np.array([0.3, 2.9, 4.0]),), (np.array([[1.0, 2.0, 3.0], [1000.0, 0.0, 1000.0]]),), (stack,)
    )


@exercise("2-3")
def _logsumexp(logsumexp: Any) -> None:
    def reference(a: Any) -> Any:
        return np.max(a) + np.log(np.sum(np.exp(a - np.max(a))))

    require_values(
        logsumexp,
        reference,
        (np.array([0.3, 2.9, 4.0]),),
        (np.array([1000.0, 1000.0]),),
        (np.array([-800.0, -801.0, -802.0]),),
    )


@exercise("2-4")
def _backward(softmax_backward: Any) -> None:
    require_derivative(
        _softmax,
        lambda dout, a: result_of(softmax_backward, dout, _softmax(a)),
        [[0.3, 2.9, 4.0], [1.0, -1.0, 0.5]],
        written=softmax_backward,
        names=("a",),
    )
