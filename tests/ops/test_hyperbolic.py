"""Hyperbolic functions: the ends of where they are defined, and orders beyond the second."""

from math import inf, isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.slopes import derivatives, slopes


def test_slopes_are_infinite_at_the_ends():
    with np.errstate(divide="ignore"):
        assert slopes(tg.acosh, [1.0]) == [[inf]]
        assert slopes(tg.atanh, [-1.0, 1.0]) == [[inf, inf]]


def test_second_derivatives_are_infinite_at_the_ends_too():
    with np.errstate(divide="ignore"):
        assert derivatives(tg.acosh, 1, 2)[2] == -inf
        assert [derivatives(tg.atanh, x, 2)[2] for x in (-1, 1)] == [-inf, inf]


def test_where_acosh_has_no_value_it_has_no_slope():
    with np.errstate(invalid="ignore"):
        assert all(map(isnan, slopes(tg.acosh, [0.5, -0.5, -2.0])[0]))


def test_the_derivatives_of_tanh_at_0():
    assert derivatives(tg.tanh, 0, 5) == pytest.approx([0, 1, 0, -2, 0, 16])


@given(st.floats(-1e300, 1e300))
def test_tanh_is_flat_where_its_slope_is_below_the_last_place_of_1(x):
    (slope,) = slopes(tg.tanh, [x])[0:1]
    assert 0 <= slope[0] <= 1
    assert (slope[0] > 0) == (abs(x) < 19) or 18 < abs(x) < 20


@given(st.floats(-1e300, 1e300))
def test_asinh_has_a_slope_for_every_number(x):
    assert slopes(tg.asinh, [x])[0][0] == pytest.approx(1 / np.hypot(1, x), rel=1e-15)
