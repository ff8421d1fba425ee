"""Exponentials and logarithms."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.domains import Row, elementwise_call, positive, real
from tinygrad_ko.ops import exponential


def above_minus_one(rng, size):
    """-0.9 to 3."""
    return rng.uniform(-0.9, 3, size)


ROWS: dict[Callable[..., Any], Row] = {
    exponential.exp2: Row(elementwise_call(real), np.exp2),
    exponential.expm1: Row(elementwise_call(real), np.expm1),
    exponential.log1p: Row(elementwise_call(above_minus_one), np.log1p),
    exponential.log2: Row(elementwise_call(positive), np.log2),
    exponential.log10: Row(elementwise_call(positive), np.log10),
    exponential.logaddexp: Row(elementwise_call(real, real), np.logaddexp),
    exponential.gap: Row(elementwise_call(real, real), np.subtract),
}
