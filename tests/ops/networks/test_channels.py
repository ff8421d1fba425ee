"""Sums over channels: the same numbers however they lie in memory, and no less exact than NumPy's."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_ko.ops.networks.channels import RUN, channel_dots, channel_sums

LAYOUTS = {  # the axes of (batch, n, height, width) in the order of their strides
    "batch first": (0, 1, 2, 3),
    "batch last": (1, 2, 3, 0),
    "channels last": (0, 2, 3, 1),
}


def laid_out(x, order):
    """The same array, with its axes in another order in memory."""
    return np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))


@given(
    st.sampled_from([*LAYOUTS]),
    st.sampled_from([*LAYOUTS]),
    st.sampled_from([np.float32, np.float64]),
    st.integers(1, 5),
    st.sampled_from([1, 2, 3, 700, RUN, RUN + 1, 2 * RUN + 3]),
    st.integers(0, 99),
)
@settings(max_examples=50)
def test_the_layout_makes_no_difference(one, other, dtype, n, batch, seed):
    rng = np.random.default_rng(seed)
    x, y = (rng.normal(size=(batch, n, 1, 2)).astype(dtype) for _ in range(2))
    sums, dots = (v.astype(float).sum(axis=(0, 2, 3)) for v in (x, x.astype(float) * y))
    x, y = laid_out(x, LAYOUTS[one]), laid_out(y, LAYOUTS[other])
    limits = 4 * np.finfo(dtype).eps * np.sum(np.abs(x), axis=(0, 2, 3), dtype=float)
    assert np.all(np.abs(channel_sums(x) - sums) <= limits)
    assert np.all(np.abs(channel_dots(x, y) - dots) <= limits * np.max(np.abs(y)))
    assert channel_sums(x).dtype == channel_dots(x, y).dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(100, 3, 24, 24), (1024, 8)])
def test_errors_are_not_larger_than_those_of_numpy(dtype, shape):
    """Of many numbers of one sign, where errors add up."""
    x = np.random.default_rng(0).uniform(0.5, 1.5, shape).astype(dtype)
    x = laid_out(x, (1, 2, 3, 0)) if len(shape) == 4 else x
    axes = (0, 2, 3)[: len(shape) - 1]

    def error(found, exact):
        return max(abs(float(f) / math.fsum(e.ravel().tolist()) - 1) for f, e in zip(found, exact, strict=True))

    exact = np.moveaxis(x.astype(float), 1, 0)
    least = np.finfo(dtype).eps
    assert error(channel_sums(x), exact) <= max(least, error(x.sum(axis=axes), exact))
    if dtype == np.float32:  # so that the products are exact
        assert error(channel_dots(x, x), exact**2) <= max(2 * least, error((x * x).sum(axis=axes), exact**2))


@pytest.mark.parametrize("n", [1, 8, 100, 1024, 3000])
@pytest.mark.parametrize("samples", [1, 7, 12, 1024])
def test_rows_of_any_length(samples, n):
    """Some rows of a matrix are joined to one: no number is lost, and none meets one of another channel."""
    x, y = np.random.default_rng(0).integers(-9, 9, (2, samples, n)).astype(float)
    np.testing.assert_array_equal(channel_dots(x, y), (x * y).sum(axis=0), strict=True)


def test_short_runs_of_a_matrix():
    """Joined rows make short sums: a quarter of the error of adding one row after the other, of numbers of one sign."""
    x = np.random.default_rng(0).uniform(0.5, 1.5, (8192, 8)).astype(np.float32)
    exact = (x.astype(float) ** 2).sum(axis=0)
    found, by_rows = channel_dots(x, x), np.einsum("ij,ij->j", x, x)
    assert np.max(np.abs(found - exact)) < 0.25 * np.max(np.abs(by_rows - exact))


@pytest.mark.parametrize("order", LAYOUTS.values(), ids=[*LAYOUTS])
def test_what_is_not_finite_stays_in_its_channel(order):
    x = np.ones((2 * RUN, 4, 1, 1), np.float32)
    x[5, 1], x[7, 2], x[8, 3], x[-1, 3] = np.inf, np.nan, np.inf, -np.inf
    x = laid_out(x, order)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(channel_sums(x), [2 * RUN, np.inf, np.nan, np.nan])
        np.testing.assert_array_equal(channel_dots(x, x), [2 * RUN, np.inf, np.nan, np.inf])


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 3, 2, 2), (2, 3, 0, 2), (2, 0, 3, 2)])
def test_of_nothing_the_sum_is_0(shape):
    x = np.ones(shape)
    np.testing.assert_array_equal(channel_sums(x), np.zeros(shape[1]))
    np.testing.assert_array_equal(channel_dots(x, x), np.zeros(shape[1]))


def test_other_byte_orders_and_dtypes():
    x = np.arange(12.0).reshape(4, 3)
    for other in (x.astype(">f8"), x.astype(int), x.astype(np.float16), x.astype(np.longdouble)):
        np.testing.assert_array_equal(channel_sums(other), [18, 22, 26])
        np.testing.assert_array_equal(channel_dots(other, x.astype(np.float32)), [126, 166, 214])
