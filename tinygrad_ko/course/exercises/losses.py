"""Chapter 3: losses."""

from typing import Any

import numpy as np

from tinygrad_ko.course.answers import result_of
from tinygrad_ko.course.checker import exercise
from tinygrad_ko.course.judging import require_derivative, require_values

_Y = np.array([[0.1, 0.6, 0.3], [0.7, 0.2, 0.1]])
_T = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


def _squares(y: Any, t: Any) -> Any:
    return 0.5 * np.sum((y - t) ** 2)


def _entropy(y: Any, t: Any) -> Any:
    """Of labels or one-hot rows, of one sample or a batch."""
    y, t = np.atleast_2d(y), np.asarray(t)
    labels = t if t.ndim < y.ndim and t.size == len(y) and t.dtype.kind in "iu" else np.atleast_2d(t).argmax(axis=1)
    return -np.mean(np.log(y[np.arange(len(y)), labels] + 1e-7))


@exercise("3-1")
def _sum_of_squares(sum_squares_error: Any) -> None:
    require_values(sum_squares_error, _squares, (np.array([0.1, 0.05, 0.6]), np.array([0, 0, 1])), (_Y[0], _T[0]))


@exercise("3-2")
def _cross_entropy(cross_entropy_error: Any) -> None:
    require_values(
        cross_entropy_error,
        _entropy,
        (_Y, _T),
        (_Y, np.array([1, 2])),
        (_Y[0], _T[0]),
        (_Y[0], 1),
        (np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0, 0])),
    )


@exercise("3-3")
def _slope_of_squares(backward: Any) -> None:
    require_derivative(
        lambda y: _squares(y, _T), lambda dout, y: result_of(backward, dout, y, _T), _Y, written=backward
    )


@exercise("3-4")
def _slope_of_entropy(backward: Any) -> None:
    """With its 1e-7: leaving it out is an error of a millionth, and is seen."""
    t = 0.8 * _T + 0.2 / 3  # no entry is 0
    require_derivative(
        lambda y: -np.sum(t * np.log(y + 1e-7)) / len(y),
        lambda dout, y: result_of(backward, dout, y, t),
        _Y,
        written=backward,
    )
