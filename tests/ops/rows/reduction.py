"""Many numbers into one."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.domains import SOLID, Row, apart, reduced
from tinygrad_ko.ops import reduction

SCALAR: Any = (
    ((np.array(2.0),), {"axis": 0, "keepdims": False}),
)  # NumPy's ufuncs take axis 0 of an array that has none


def log_sum_exp(x, axis, keepdims=False):
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


ROWS: dict[Callable[..., Any], Row] = {
    reduction.sum: Row(reduced(), np.sum, SCALAR),
    reduction.mean: Row(reduced(shapes=SOLID), np.mean, (((np.zeros((0, 0)),), {"axis": 0, "keepdims": False}),)),
    reduction.max: Row(reduced(apart, SOLID), np.max, SCALAR),
    reduction.min: Row(reduced(apart, SOLID), np.min, SCALAR),
    reduction.logsumexp: Row(reduced(shapes=SOLID), log_sum_exp, SCALAR),
}

EMPTY = "the count is 0 only where the gradient has no entries"

EQUIVALENT: dict[str, dict[str, str]] = {
    "mean": {
        "mean.x: wrong constant: stretch(g * (1 / (count(x_shape, axis) or 2)), x_shape, axis)": EMPTY,
        "mean.x: one branch alone: in reduced: return {i % len(shape) for i in axes}": "the forward refuses such an axis",
    },
}
