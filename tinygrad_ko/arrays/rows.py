"""Sums along short rows. NumPy starts anew with each, which takes it longer than the adding; a product with ones does it in BLAS."""

from contextlib import nullcontext
from functools import cache
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import FLOAT32, FLOATS, NUMPYS, Array, quiet

_SHORT = 128  # numbers: NumPy adds up longer rows by halves, which is more exact


def row_sums(xp: Any, x: Array, axis: Any) -> Array:
    """xp.sum(x, axis=axis, keepdims=True), over short rows in a fifth to a third of the time."""
    return _products_with_ones(x) if _has_short_rows(x, axis) else xp.sum(x, axis=axis, keepdims=True)


def row_means(xp: Any, x: Array, axis: Any) -> Array:
    """xp.mean(x, axis=axis, keepdims=True), likewise."""
    return _products_with_ones(x) / x.shape[-1] if _has_short_rows(x, axis) else xp.mean(x, axis=axis, keepdims=True)


def _has_short_rows(x: Array, axis: Any) -> bool:
    """Whether an axis is the last of an array of NumPy's, with a few numbers that lie side by side."""
    if type(x) not in NUMPYS or x.ndim < 2 or axis not in (-1, x.ndim - 1):
        return False
    return 1 < x.shape[-1] <= _SHORT and x.flags.c_contiguous and x.dtype in FLOATS


def _products_with_ones(x: Array) -> Array:
    return weighted_row_sums(x, _ones(x.shape[-1], x.dtype))


def weighted_row_sums(x: Any, weights: Any) -> Any:
    """x @ weights[:, None] of x (..., n) and weights (n,): (..., 1)."""
    # Of float32 rows of 5, OpenBLAS 0.3.31 computes along with them what it finds in memory, and NumPy may complain about that: an invalid
    # value where there is none.
    if type(x) in NUMPYS and type(weights) in NUMPYS:
        rows = x.reshape(-1, len(weights))
        with quiet(invalid="ignore") if len(weights) == 5 and x.dtype == FLOAT32 else nullcontext():
            return np.dot(rows, weights).reshape(*x.shape[:-1], 1)
    return x @ weights[:, None]


@cache
def _ones(n: int, dtype: Any) -> Array:
    """Of at most _SHORT numbers, so not many are kept. To make them took a quarter of the time of 100 sums of 10 numbers."""
    ones = np.ones(n, dtype)
    ones.setflags(write=False)
    return ones
