"""Activations: conventions at their kinks, orders beyond the second, options and errors."""

from math import exp, inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.slopes import derivatives, korean, slopes

ANY = st.floats(-1e6, 1e6)
SMOOTH = [tg.sigmoid, tg.softplus, tg.silu, tg.mish, tg.gelu, lambda x: tg.gelu(x, approximate="tanh")]


class TestConventions:
    def test_the_slopes_at_0_are_the_left_ones(self):
        zeros = [0.0, -0.0]
        assert slopes(lambda x: tg.leaky_relu(x, negative_slope=0.2), zeros) == [[0.2, 0.2]]
        assert slopes(lambda x: tg.elu(x, alpha=0.5), zeros) == [[0.5, 0.5]]
        assert slopes(tg.selu, zeros)[0] == pytest.approx([1.7580993408473766] * 2)

    def test_hardsigmoid_passes_the_gradient_on_its_limits(self):
        x = [-3.5, -3.0, 0.0, 3.0, 3.5]
        assert tg.hardsigmoid(x).tolist() == [0, 0, 0.5, 1, 1]
        assert slopes(tg.hardsigmoid, x)[0] == pytest.approx([0, 1 / 6, 1 / 6, 1 / 6, 0])

    def test_logit_and_its_slope_are_infinite_at_0_and_1(self):
        assert tg.logit([0.0, 0.5, 1.0]).tolist() == [-inf, 0, inf]
        with np.errstate(divide="ignore"):
            assert slopes(tg.logit, [0.0, 1.0]) == [[inf, inf]]
            assert [derivatives(tg.logit, x, 2)[2] for x in (0, 1)] == [-inf, inf]

    def test_the_square_of_a_kink_is_bent_as_the_kink_is(self):
        """And a difference of two has the slopes of the two."""
        assert derivatives(lambda x: tg.relu(x) - tg.relu(-x), 0, 1) == [0, 0]
        assert derivatives(lambda x: tg.maximum(x, 0) - tg.maximum(-x, 0), 0, 1) == [0, 1]
        assert derivatives(lambda x: tg.abs(x) ** 2, 0, 2) == [0, 0, 0]
        assert derivatives(lambda x: x * x, 0, 2) == [0, 0, 2]

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_the_older_gelu_where_the_cube_of_x_is_no_number(self, dtype):
        largest = float(np.finfo(dtype).max)
        assert derivatives(lambda x: tg.gelu(x, approximate="tanh"), 1e300, 2) == [1e300, 1, 0]
        x = tg.Tensor(np.array([-largest, -300, 300, largest], dtype), requires_grad=True)
        y = tg.gelu(x, approximate="tanh")
        assert y.tolist() == [0, 0, 300, largest]
        assert tg.grad(y, x, np.ones(4, dtype)).tolist() == [0, 0, 1, 1]


class TestOrdersBeyondTheSecond:
    """A slope that was computed from |x| would be right at the first two orders, and wrong at 0 at the third."""

    def test_sigmoid_at_0(self):
        assert derivatives(tg.sigmoid, 0, 5) == pytest.approx([1 / 2, 1 / 4, 0, -1 / 8, 0, 1 / 4])

    def test_softplus_at_0(self):
        assert derivatives(tg.softplus, 0, 4)[1:] == pytest.approx([1 / 2, 1 / 4, 0, -1 / 8])

    def test_gelu_at_0(self):
        top = 1 / np.sqrt(2 * np.pi)
        assert derivatives(tg.gelu, 0, 4) == pytest.approx([0, 0.5, 2 * top, 0, -4 * top])


@given(st.floats(-700, 700))
def test_logit_undoes_sigmoid_and_sigmoid_logit(x):
    p = tg.sigmoid(x)
    if p < 1:
        assert tg.logit(p) == pytest.approx(x, rel=1e-14, abs=1e-14 + 4e-16 * exp(max(x, 0)))
        assert tg.sigmoid(tg.logit(p)) == pytest.approx(p, rel=1e-12)


@given(ANY)
def test_far_out_they_are_straight(x):
    for f in SMOOTH[1:]:
        assert f(np.array(1e4 + abs(x))) == 1e4 + abs(x)
        assert abs(f(np.array(-1e4 - abs(x)))) == 0
        assert slopes(f, [1e4 + abs(x), -1e4 - abs(x)]) == [[1, 0]]


@given(ANY)
def test_leaky_relu_and_elu_beyond_0(x):
    assert tg.leaky_relu(abs(x)) == tg.elu(abs(x)) == abs(x)
    assert tg.leaky_relu(-abs(x), negative_slope=0.25) == -0.25 * abs(x)
    assert -2 <= tg.elu(-abs(x), alpha=2) <= 0


@pytest.mark.parametrize("kind", [np.int64, np.uint8])
def test_integers_become_floats(kind):
    x = np.array([0, 1, 3], kind)
    for f in (tg.sigmoid, tg.softplus, tg.silu, tg.mish, tg.elu, tg.gelu, tg.leaky_relu, tg.selu):
        np.testing.assert_allclose(f(x), f(x.astype(float)), rtol=1e-15)


class TestGelu:
    def test_the_two_kinds_differ_by_less_than_5e_4(self):
        x = np.linspace(-8, 8, 2001)
        difference = np.abs(tg.gelu(x) - tg.gelu(x, approximate="tanh"))
        assert 4e-4 < difference.max() < 5e-4

    def test_the_tanh_formula_is_the_one_that_it_is_named_for(self):
        x = np.linspace(-3, 3, 31)
        by_tanh = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
        np.testing.assert_allclose(tg.gelu(x, approximate="tanh"), by_tanh, rtol=1e-11, atol=1e-300)

    def test_at_infinity_it_is_x(self):
        for dtype in (np.float64, np.float32):
            x: Any = tg.Tensor(np.array([inf, 1e30], dtype), requires_grad=True)
            with np.errstate(all="raise", under="ignore"):
                y = tg.gelu(x)
                y.backward(np.ones(2, dtype))
            assert y.tolist() == [inf, np.float64(dtype(1e30))]
            assert x.grad.tolist() == [1, 1]

    @pytest.mark.parametrize("kind", ["erf", "None", None, True])
    def test_another_kind_is_refused(self, kind):
        with pytest.raises(ValueError, match="gelu: approximate must be one of 'none', 'tanh'") as caught:
            tg.gelu([1.0], approximate=kind)
        assert korean(caught.value)


def test_selu_keeps_mean_0_and_variance_1():
    x = np.random.default_rng(0).standard_normal(200_000)
    assert tg.selu(x).mean() == pytest.approx(0, abs=0.01)
    assert tg.selu(x).var() == pytest.approx(1, abs=0.01)
