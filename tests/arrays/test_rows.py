"""Sums and means of rows are NumPy's, whichever way they are added up."""

from math import fsum

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_ko.arrays.library import namespace, quick
from tinygrad_ko.arrays.rows import row_means, row_sums, weighted_row_sums

SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6)
DTYPES = st.sampled_from(["float32", "float64", ">f8", "int64"])


@given(SHAPES, DTYPES, st.booleans(), st.integers(0, 99), st.data())
def test_of_whole_numbers_they_are_exact(shape, dtype, turned, seed, data):
    x = np.random.default_rng(seed).integers(-9, 9, shape).astype(dtype)
    x = x.T if turned else x
    axis = data.draw(st.none() | st.integers(-x.ndim, x.ndim - 1) | st.just((0, -1) if x.ndim > 1 else (0,)))
    for found, expected in ((row_sums, np.sum), (row_means, np.mean)):
        got, like = found(quick, x, axis), expected(x, axis=axis, keepdims=True)
        np.testing.assert_array_equal(got, like)
        assert got.dtype == like.dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [2, 65, 128])
def test_few_digits_are_lost(dtype, n):
    x = np.random.default_rng(n).random((100, n), dtype)
    exact = [[fsum(row)] for row in x]
    np.testing.assert_allclose(row_sums(quick, x, -1), exact, rtol=2 * np.finfo(dtype).eps)


def test_long_rows_are_left_to_numpy():
    x = np.random.default_rng(0).random((3, 10_000), np.float32)
    np.testing.assert_array_equal(row_sums(quick, x, -1), x.sum(axis=-1, keepdims=True))


def test_what_is_infinite_or_nan_stays_so():
    x = np.array([[np.inf, 1.0], [-np.inf, 1.0], [np.nan, 1.0], [1e308, 1e308]])
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(row_sums(quick, x, 1), [[np.inf], [-np.inf], [np.nan], [np.inf]])


def test_what_is_in_memory_beside_the_numbers_makes_no_complaint():
    """OpenBLAS 0.3.31 reads it (AVX-512, float32, 5 columns): here it is a signaling NaN, from a product of numbers that lie apart."""
    apart = np.full((300, 2), 0x7FA00000, np.uint32).view(np.float32)[:, 0]
    for m in (2, 7, 30, 130):
        with np.errstate(invalid="ignore"):
            np.ones((3, 300), np.float32) @ apart
        with np.errstate(all="raise"):
            np.testing.assert_array_equal(row_sums(quick, np.ones((m, 5), np.float32), -1), np.full((m, 1), 5))
            np.testing.assert_array_equal(weighted_row_sums(np.ones((m, 5), "f4"), np.arange(5, dtype="f4"))[:, 0], 10)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 4, 3), (0, 3)])
@pytest.mark.parametrize("convert", [np.asarray, array_api_strict.asarray])
def test_each_number_of_a_row_has_its_own_weight(shape, convert):
    x, weights = np.arange(np.prod(shape), dtype=float).reshape(shape), np.array([1.0, 10.0, 100.0])
    expected = (x * weights).sum(axis=-1, keepdims=True)
    np.testing.assert_array_equal(np.asarray(weighted_row_sums(convert(x), convert(weights))), expected)


def test_of_no_rows_there_are_none_and_other_libraries_have_their_own():
    assert row_sums(quick, np.zeros((0, 3)), -1).shape == (0, 1)
    x = array_api_strict.asarray([[1.0, 2.0], [3.0, 5.0]])
    assert np.asarray(row_sums(namespace(x), x, -1)).tolist() == [[3], [8]]
    assert np.asarray(row_means(namespace(x), x, -1)).tolist() == [[1.5], [4]]
