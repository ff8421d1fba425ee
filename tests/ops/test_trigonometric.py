"""Angles: conventions, the ends of where they are defined, and sinc at every order."""

from math import inf, isnan, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.slopes import derivatives, slopes


def test_slopes_are_infinite_at_the_ends():
    with np.errstate(divide="ignore"):
        assert slopes(tg.asin, [-1.0, 1.0]) == [[inf, inf]]
        assert slopes(tg.acos, [-1.0, 1.0]) == [[-inf, -inf]]


def test_second_derivatives_are_infinite_at_the_ends_too():
    with np.errstate(divide="ignore"):
        for x in (-1.0, 1.0):
            assert derivatives(tg.asin, x, 2)[2] == x * inf
            assert derivatives(tg.acos, x, 2)[2] == -x * inf


@pytest.mark.parametrize("x", [1e308, -1.7e308])
def test_sinc_is_flat_as_far_out_as_numbers_go(x):
    with np.errstate(over="ignore"):  # pi * x
        assert abs(slopes(tg.sinc, [x])[0][0]) < 1e-307


def test_the_origin_has_no_angle_to_differentiate():
    with np.errstate(invalid="ignore"):
        (a,), (b,) = slopes(tg.atan2, [0.0], [0.0])
    assert isnan(a)
    assert isnan(b)


@given(st.floats(-pi + 1e-3, pi - 1e-3), st.floats(1e-3, 1e3))
def test_atan2_finds_the_angle_in_every_quadrant(angle, radius):
    a, b = radius * np.sin(angle), radius * np.cos(angle)
    assert tg.atan2(a, b) == pytest.approx(angle)
    (in_a,), (in_b,) = slopes(tg.atan2, [a], [b])
    assert in_a == pytest.approx(np.cos(angle) / radius, abs=1e-12 / radius)
    assert in_b == pytest.approx(-np.sin(angle) / radius, abs=1e-12 / radius)


class TestSinc:
    @given(st.integers(-(2**40), 2**40))
    def test_it_is_1_at_0_and_0_at_every_other_whole_number(self, n):
        assert tg.sinc(float(n)) == (n == 0)

    def test_every_derivative_at_0_is_that_of_the_series(self):
        expected = [1, 0, -(pi**2) / 3, 0, pi**4 / 5, 0, -(pi**6) / 7]
        assert derivatives(tg.sinc, 0, 6) == pytest.approx(expected, rel=1e-13, abs=1e-13)

    @given(st.floats(-1e-3, 1e-3))
    def test_near_0_no_digits_are_lost(self, x):
        y = pi * x
        series = [
            1 - y**2 / 6 + y**4 / 120,
            pi * (-y / 3 + y**3 / 30 - y**5 / 840),
            pi**2 * (-1 / 3 + y**2 / 10 - y**4 / 168),
        ]
        assert derivatives(tg.sinc, x, 2) == pytest.approx(series, rel=1e-14, abs=1e-300)

    @given(st.floats(-30, 30))
    def test_the_ways_to_compute_its_derivatives_meet(self, x):
        """The differential equation of the function: x f'' + 2 f' + pi^2 x f = 0."""
        value, first, second = derivatives(tg.sinc, x, 2)
        assert x * second + 2 * first + pi**2 * x * value == pytest.approx(0, abs=1e-12 * max(1, abs(x)))

    def test_integers_of_any_kind(self):
        assert tg.sinc(np.array([0, 1, 3], np.uint8)).tolist() == [1, 0, 0]
