"""The error function: where its numbers come from, how many digits they give, and what holds at the ends."""

from functools import cache
from math import inf, isnan, nan

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import tinygrad_ko as tg
from tests.ops.ulps import worst
from tinygrad_ko.arrays.library import quick
from tinygrad_ko.ops import error_function
from tinygrad_ko.ops.error_function import (
    _SINGLE_ABOVE,
    _SINGLE_BELOW,
    _SINGLE_BENT,
    _TAIL,
    gaussian,
    normal_cdf,
)


def scaled(y):
    """exp(y * y) * erfc(y)."""
    if y < 30:
        return mpmath.exp(y * y) * mpmath.erfc(y)
    terms, k = [mpf(1)], 1  # its asymptotic series
    while abs(terms[-1]) > mpf(10) ** -50:
        terms.append(-terms[-1] * (2 * k - 1) / (2 * y * y))
        k += 1
    return mpmath.fsum(terms) / (y * mpmath.sqrt(mpmath.pi))


@cache
def interpolated(count):
    """The coefficients of the polynomial through (1 + 2 y) exp(y * y) erfc(y) at the Chebyshev points of t."""
    angles = [mpmath.pi * (j + mpf(1) / 2) / count for j in range(count)]
    heights = [4 * (1 + mpmath.cos(a)) / (1 - mpmath.cos(a)) for a in angles]
    values = [(1 + 2 * y) * scaled(y) for y in heights]
    powers = [[mpf(1)], [mpf(0), mpf(1)]]  # of the Chebyshev polynomials
    while len(powers) < count:
        doubled = [mpf(0), *(2 * c for c in powers[-1])]
        powers.append([c - (powers[-2][i] if i < len(powers[-2]) else 0) for i, c in enumerate(doubled)])
    total = [mpf(0)] * count
    for k, polynomial in enumerate(powers):
        weight = (
            mpmath.fsum(v * mpmath.cos(k * a) for v, a in zip(values, angles, strict=True)) * (2 if k else 1) / count
        )
        for i, c in enumerate(polynomial):
            total[i] += weight * c
    return total


def test_the_coefficients_are_those_of_the_interpolation():
    with mpmath.workdps(50):
        assert [float(c) for c in interpolated(25)] == list(_TAIL)


def polynomial(coefficients, x):
    return mpmath.fsum(c * mpf(x) ** k for k, c in enumerate(coefficients))


def test_the_approximations_for_float32_are_as_near_as_they_say():
    with mpmath.workdps(30):
        for y in np.linspace(0, 9.2, 93).tolist():
            steepness = mpmath.sqrt(mpmath.pi) * y + polynomial(_SINGLE_ABOVE, y) / polynomial(_SINGLE_BELOW, y)
            assert abs(1 / steepness / scaled(mpf(y)) - 1) < 4.3e-8, y
        for x in np.linspace(0.05, 4.1, 82).tolist():
            assert abs(mpmath.tanh(x * polynomial(_SINGLE_BENT, x * x)) / mpmath.erf(x) - 1) < 2e-8, x
        assert abs(polynomial(_SINGLE_BENT, 0) * mpmath.sqrt(mpmath.pi) / 2 - 1) < 2e-8


def dense(dtype, low, high):
    x = np.random.default_rng(0).uniform(low, high, 400)
    return np.concatenate([x, np.linspace(low, high, 101), 0.5 + x * 1e-3]).astype(dtype)


@pytest.mark.parametrize(("dtype", "end"), [(np.float64, 27), (np.float32, 10)])
@pytest.mark.parametrize(
    ("f", "true", "most"),
    [
        (tg.erf, mpmath.erf, 4),
        (tg.erfc, mpmath.erfc, 6),
        (normal_cdf, mpmath.ncdf, 6),
        (lambda x: gaussian(x, rate=1), lambda x: mpmath.exp(-x * x), 4),
        (lambda x: gaussian(x, rate=0.5), lambda x: mpmath.exp(-x * x / 2), 4),
    ],
    ids=["erf", "erfc", "normal_cdf", "gaussian", "gaussian of half"],
)
def test_values_are_off_by_a_few_units_in_the_last_place(f, true, most, dtype, end):
    points = dense(dtype, -end, end)
    error, at = worst(f(points), points, true)
    print(f"off by at most {error:.1f} units, at {at:.4g}")
    assert error <= most, at


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_ends(dtype):
    x = np.array([-inf, -1e30, 0, 1e30, inf], dtype)
    assert tg.erf(x).tolist() == [-1, -1, 0, 1, 1]
    assert tg.erfc(x).tolist() == [2, 2, 1, 0, 0]
    assert normal_cdf(x).tolist() == [0, 0, 0.5, 1, 1]
    assert gaussian(x, rate=1).tolist() == [0, 0, 1, 0, 0]
    assert str(tg.erf(np.array(-0.0))) == "-0.0"
    for f in (tg.erf, tg.erfc, normal_cdf):
        assert isnan(f(np.array([nan], dtype))[0])


def test_numbers_lists_and_integers():
    for x in (1, 1.0, [1, 1], np.array([[1]]), np.array([1], np.uint8)):
        assert np.ravel(tg.erf(x))[0] == pytest.approx(0.8427007929497149, rel=1e-15)
        assert np.shape(tg.erf(x)) == np.shape(x)


@pytest.mark.parametrize(
    ("name", "i", "f", "true", "dtype"),
    [
        ("_TAIL", 24, tg.erfc, mpmath.erfc, np.float64),
        ("_SINGLE_ABOVE", 3, tg.erfc, mpmath.erfc, np.float32),
        ("_SINGLE_BELOW", 4, tg.erfc, mpmath.erfc, np.float32),
        ("_SINGLE_BENT", 3, tg.erf, mpmath.erf, np.float32),
    ],
)
def test_a_wrong_coefficient_is_noticed(name, i, f, true, dtype, monkeypatch: pytest.MonkeyPatch):
    right = getattr(error_function, name)
    monkeypatch.setattr(error_function, name, (*right[:i], right[i] * 1.01, *right[i + 1 :]))
    points = dense(dtype, -9, 9)
    assert worst(f(points), points, true)[0] > 6


def test_the_density_comes_with_the_probability():
    for dtype, most in ((np.float64, 5), (np.float32, 5)):
        points = dense(dtype, -10, 10)
        cdf, density = error_function.normal_cdf_and_density(quick, points)
        np.testing.assert_array_equal(cdf, normal_cdf(points))
        assert worst(density, points, mpmath.npdf)[0] <= most


def test_erf_rises_in_float32_too():
    x = np.sort(np.random.default_rng(0).uniform(-5, 5, 20_000).astype(np.float32))
    y = tg.erf(x)
    assert np.all(np.diff(y) >= 0)
    assert np.all(np.abs(y) <= 1)
    np.testing.assert_array_equal(tg.erf(-x), -y)
