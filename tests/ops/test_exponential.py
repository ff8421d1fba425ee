"""Exponentials and logarithms: conventions, and the ends of where they are defined."""

from math import inf

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.slopes import slopes

ANY = st.floats(-1e6, 1e6)


class TestLogaddexp:
    @pytest.mark.parametrize("a", [inf, -inf, 0.0, 1000.0, -1000.0])
    def test_equal_arguments_share_infinite_ones_too(self, a):
        assert slopes(tg.logaddexp, [a], [a]) == [[0.5], [0.5]]

    def test_the_larger_infinity_takes_all(self):
        assert tg.logaddexp([inf, -inf, 1.0], [-inf, 2.0, -inf]).tolist() == [inf, 2, 1]
        assert slopes(tg.logaddexp, [inf, -inf, 1.0], [-inf, 2.0, -inf]) == [[1, 0, 1], [0, 1, 0]]

    @given(ANY, ANY)
    def test_the_slopes_are_shares_of_1(self, a, b):
        (one,), (other,) = slopes(tg.logaddexp, [a], [b])
        assert one + other == pytest.approx(1, rel=1e-15)
        assert one >= other if a >= b else one <= other

    @given(ANY, ANY)
    def test_it_is_logsumexp_of_two(self, a, b):
        assert tg.logaddexp(a, b) == pytest.approx(tg.logsumexp(np.array([a, b])), rel=1e-15, abs=1e-15)


def test_slopes_are_infinite_where_logarithms_are():
    with np.errstate(divide="ignore"):
        for f in (tg.log, tg.log2, tg.log10):
            assert slopes(f, [0.0]) == [[inf]]
        assert slopes(tg.log1p, [-1.0]) == [[inf]]


@given(st.floats(-1000, 1000))
def test_where_a_library_has_no_name_for_it_exp2_is_a_power(x):
    ours = tg.exp2(array_api_strict.asarray(x))
    np.testing.assert_allclose(np.asarray(ours), np.exp2(x), rtol=1e-15)


@given(st.floats(-1e-5, 1e-5))
def test_log1p_and_expm1_undo_each_other_near_0(x):
    assert tg.log1p(tg.expm1(x)) == pytest.approx(x, rel=1e-15, abs=5e-324)
