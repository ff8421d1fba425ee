"""What is computed for many numbers at once is what NumPy computes for each, to the last bit, or nearer to the true value."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_ko.arrays import faster
from tinygrad_ko.arrays.library import quick

SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1.5, 1e-42, -1e-42, 3e38, -3e38)
VALUES: dict[str, Callable[..., Any]] = {
    "usual": lambda rng, n: 3 * rng.standard_normal(n),
    "whole": lambda rng, n: rng.integers(-50, 50, n),
    "tenths": lambda rng, n: 0.1 * rng.integers(-10_000, 10_000, n),
    "wide": lambda rng, n: rng.standard_normal(n) * 10.0 ** rng.uniform(-9, 9, n),
    "special": lambda rng, n: rng.choice(SPECIAL, n),
    "infinite": lambda rng, n: rng.choice((np.inf, -np.inf), n),
}
LIKE_NUMPY: dict[str, Callable[..., Any]] = {
    "remainder": np.remainder,
    "floor_divide": np.floor_divide,
    "cumulative_sum": np.cumulative_sum,
    "cumulative_prod": np.cumulative_prod,
}
N = 20_000


def same_bits(got, expected):
    got, expected = np.ascontiguousarray(got), np.ascontiguousarray(expected)
    integer = np.int32 if expected.dtype.itemsize == 4 else np.int64
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    numbers = ~(np.isnan(got) & np.isnan(expected))
    np.testing.assert_array_equal(got.view(integer)[numbers], expected.view(integer)[numbers])


def complaints(function, *arguments):
    """Of what kinds a function warns."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*arguments)
    return {str(warning.message).partition(" encountered")[0] for warning in caught}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["remainder", "floor_divide"])
@pytest.mark.parametrize("kind_a", VALUES)
@pytest.mark.parametrize("kind_b", VALUES)
def test_quotients_are_numpys_to_the_last_bit(name, kind_a, kind_b, dtype):
    rng = np.random.default_rng(0)
    a, b = (VALUES[kind](rng, N).astype(dtype) for kind in (kind_a, kind_b))
    with np.errstate(all="ignore"):
        same_bits(getattr(faster, name)(a, b), LIKE_NUMPY[name](a, b))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["remainder", "floor_divide"])
def test_a_quotient_that_is_rounded_up_to_a_whole_number_is_none(name, dtype):
    """The numbers next below the multiples of b."""
    rng = np.random.default_rng(0)
    b = rng.uniform(0.5, 3, N).astype(dtype)
    a = np.nextafter(rng.integers(1, 500, N).astype(dtype) * b, dtype(-np.inf))
    for x, y in ((a, b), (-a, b), (a, -b), (np.nextafter(a, dtype(np.inf)), b)):
        same_bits(getattr(faster, name)(x, y), LIKE_NUMPY[name](x, y))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["remainder", "floor_divide"])
@pytest.mark.parametrize(
    ("a", "b"),
    [
        (lambda x: x, lambda x: 7.3),
        (lambda x: x, lambda x: 3),
        (lambda x: 5.5, lambda x: x),
        (lambda x: x, lambda x: x[:1]),
        (lambda x: x[:, :1], lambda x: x[1]),
        (lambda x: x.T, lambda x: x.T[::-1]),
        (lambda x: x[::2], lambda x: x[1::2]),
        (lambda x: x[:0], lambda x: x[:0]),
        (lambda x: x[:2, :2], lambda x: x[2:4, :2]),
        (lambda x: x.astype(">f4"), lambda x: 0.3),
        (lambda x: x.astype(np.float32), lambda x: x.astype(np.float64)),
        (lambda x: x.astype(int), lambda x: 3),
        (lambda x: x, lambda x: np.float64(3.3)),
    ],
)
def test_quotients_of_any_arrays(name, a, b, dtype):
    x = 1 + 10 * np.random.default_rng(0).random((100, 200)).astype(dtype)
    x.flags.writeable = False
    same_bits(getattr(faster, name)(a(x), b(x)), LIKE_NUMPY[name](a(x), b(x)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["remainder", "floor_divide"])
def test_numpys_warnings_are_given(name, dtype):
    for a, b in ((1, 0), (0, 0), (np.inf, 1), (1, 2), (3e38, 1e-42)):
        x, y = np.full(N, a, dtype), np.full(N, b, dtype)
        assert complaints(getattr(faster, name), x, y) == complaints(LIKE_NUMPY[name], x, y)


def test_hypot_of_float32_is_rounded_once():
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(N, np.float32) * np.float32(10.0) ** rng.integers(-30, 30) for _ in range(2))
    got, true = quick.hypot(a, b), np.hypot(a.astype(np.float64), b.astype(np.float64))
    assert np.all(np.abs(got - true) <= 0.501 * np.spacing(got))
    a[:4], b[:4] = (np.inf, -np.inf, np.nan, 3e38), (np.nan, 1, 1, 3e38)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(quick.hypot(a, b)[:4], np.hypot(a, b)[:4])


def test_logaddexp_of_float32_is_rounded_once():
    """Also where it is almost 0, and the two parts of the sum are almost opposite."""
    rng = np.random.default_rng(0)
    a = np.concatenate([rng.uniform(-100, 100, N), rng.standard_normal(N), -np.log(2) + 1e-3 * rng.standard_normal(N)])
    a, b = a.astype(np.float32), rng.permutation(a).astype(np.float32)
    wide_a, wide_b = a.astype(np.longdouble), b.astype(np.longdouble)
    true = np.maximum(wide_a, wide_b) + np.log1p(np.exp(-np.abs(wide_a - wide_b)))
    assert np.all(np.abs(quick.logaddexp(a, b) - true) <= 0.501 * np.spacing(np.abs(true).astype(np.float32)) + 1e-15)


def test_logaddexp_of_float64():
    rng = np.random.default_rng(0)
    a, b = (10 * rng.standard_normal(N) for _ in range(2))
    np.testing.assert_allclose(quick.logaddexp(a, b), np.logaddexp(a, b), rtol=4e-16, atol=4e-16)
    a, b = (rng.choice(SPECIAL, N) for _ in range(2))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(quick.logaddexp(a, b), np.logaddexp(a, b), rtol=4e-16)
    assert complaints(quick.logaddexp, a, b) == complaints(np.logaddexp, a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
@pytest.mark.parametrize(
    "shape",
    [
        (2500, 7),
        (7, 2500),
        (4, 9, 300),
        (3000, 2, 3),
        (5000,),
        (1030, 150),
        (0, 5000),
        (5000, 0),
        (3, 4),
        (2500, 3, 1),
        (5000, 1, 1),
    ],
)
def test_running_sums_are_numpys_to_the_last_bit(name, shape, dtype):
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    if x.size:
        x.reshape(-1)[:: x.size // 11 + 1] = np.inf
    before = x.copy()
    for view in (x, x[..., ::-1], x.swapaxes(0, -1)):
        for axis in range(-x.ndim, x.ndim):
            for initial in (False, True):
                with np.errstate(all="ignore"):
                    given = {"axis": axis, "include_initial": initial}
                    same_bits(getattr(quick, name)(view, **given), LIKE_NUMPY[name](view, **given))
    same_bits(x, before)
    assert (
        getattr(quick, name)(np.ones((5000, 2), np.uint8), axis=1).dtype == LIKE_NUMPY[name](np.ones(2, np.uint8)).dtype
    )
