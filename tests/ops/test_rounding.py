"""Rounding: what is a half, what is an integer, and an honest zero for every slope."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tests.ops.slopes import slopes

ALL = [tg.floor, tg.ceil, tg.trunc, tg.round]


@pytest.mark.parametrize("f", ALL)
@given(st.floats(-1e6, 1e6))
def test_the_slope_is_0_at_the_jumps_too(f, x):
    assert slopes(f, [x, round(x), round(x) + 0.5]) == [[0, 0, 0]]


def test_halves_go_to_the_even_neighbour():
    halves = tg.Tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], requires_grad=True)
    for y in (tg.round(halves), halves.round(), np.round(halves), np.rint(halves), np.around(halves)):
        assert isinstance(y, tg.Tensor)
        assert y.requires_grad
        assert y.tolist() == [-2, -2, 0, 0, 2, 2]


def test_decimals_are_numpys():
    x = tg.Tensor([0.123], requires_grad=True)
    y = np.round(x, 2)
    assert y.tolist() == [0.12]
    assert tg.grad(tg.sum(y), x).tolist() == [0]


@pytest.mark.parametrize("f", ALL)
def test_integers_stay_integers(f):
    assert f(np.array([-3, 4])).tolist() == [-3, 4]
    assert f(np.array([-3, 4])).dtype == np.int64


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, min_side=0, max_side=3), elements=st.floats(-9, 9)))
def test_floor_trunc_and_ceil_are_in_order(x):
    low, cut, high = tg.floor(x), tg.trunc(x), tg.ceil(x)
    assert ((low <= x) & (x <= high) & (high - low <= 1)).all()
    assert (cut == np.where(x < 0, high, low)).all()
