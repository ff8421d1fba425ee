"""Borders: NumPy's at any width that it allows, and what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.test_shape import refusal
from tinygrad_ko.ops.padding import _MODES


@given(st.integers(1, 6), st.data())
def test_the_widest_border_is_as_wide_as_what_it_shows(length, data):
    """No wider one is taken, and up to there all are NumPy's."""
    x = np.arange(1.0, length + 1)
    mode = data.draw(st.sampled_from(["reflect", "symmetric", "wrap"]))
    widest = length - (mode == "reflect")
    widths = data.draw(st.tuples(st.integers(0, widest), st.integers(0, widest)))
    np.testing.assert_array_equal(tg.pad(x, widths, mode), np.pad(x, widths, mode))
    for wide in ((widest + 1, 0), (0, widest + 1)):
        assert f"at most {widest}" in refusal(ValueError, lambda wide=wide: tg.pad(x, wide, mode))


def test_a_reflected_border_gives_its_gradient_to_what_it_shows():
    x: Any = tg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = tg.pad(x, (2, 1), "reflect")
    assert y.tolist() == [3, 2, 1, 2, 3, 2]
    y.backward([1.0, 10.0, 100.0, 1000.0, 10000.0, 100000.0])
    assert x.grad.tolist() == [100, 101010, 10001]


def test_the_gradient_of_a_constant_border_is_lost():
    x: Any = tg.Tensor([1.0, 2.0], requires_grad=True)
    y = tg.pad(x, (1, 2), constant_values=7)
    assert y.tolist() == [7, 1, 2, 7, 7]
    y.backward([1.0, 2.0, 3.0, 4.0, 5.0])
    assert x.grad.tolist() == [2, 3]


@pytest.mark.parametrize("mode", _MODES)
def test_no_axes_and_no_width(mode):
    assert tg.pad(3.0, 2, mode).shape == ()
    assert tg.pad(np.ones((2, 0)), 0, mode).shape == (2, 0)
    assert tg.pad(np.ones((2, 0)), [(1, 1), (0, 0)], mode).shape == (4, 0)


def test_numbers_of_other_kinds():
    assert tg.pad(np.array([1, 2]), 1).dtype == np.array([1]).dtype
    assert tg.pad(np.ones(2, np.float32), 1, constant_values=np.float64(0.5)).dtype == np.float32
    assert tg.pad([1, 2], np.array([1, 0])).tolist() == [0, 1, 2]


class TestRefusals:
    def test_an_unknown_mode(self):
        said = refusal(ValueError, lambda: tg.pad([1.0], 1, "mean"))
        assert said == "pad: mode must be one of 'constant', 'edge', 'reflect', 'symmetric', 'wrap', not 'mean'"

    @pytest.mark.parametrize("mode", _MODES)
    def test_negative_widths(self, mode):
        assert "cannot be negative, got (0, -1)" in refusal(ValueError, lambda: tg.pad([1.0, 2.0], (0, -1), mode))

    def test_widths_that_are_no_integers(self):
        for widths in (1.0, [0.5, 1], None, {0: 1}, "1"):
            assert "pad_width must be integers" in refusal(TypeError, lambda widths=widths: tg.pad([1.0, 2.0], widths))

    def test_widths_that_fit_no_axes(self):
        for widths in ((1, 2, 3), [(1, 1)] * 3, [(1, 1), 2]):
            said = refusal(ValueError, lambda widths=widths: tg.pad(np.ones((2, 2)), widths))
            assert "one int, one pair or 2 pairs" in said

    def test_a_border_that_shows_nothing(self):
        said = refusal(ValueError, lambda: tg.pad(np.ones((2, 0)), 1, "edge"))
        assert said == "pad: mode 'edge' can put at most 0 elements before axis 1 of length 0, not 1"

    def test_values_that_are_not_one_number(self):
        w = tg.Tensor(1.0, requires_grad=True)
        for values in ((1, 2), None, w):
            said = refusal(TypeError, lambda values=values: tg.pad([1.0, 2.0], 1, constant_values=values))
            assert "must be one number" in said
        assert "mode 'constant' alone" in refusal(TypeError, lambda: tg.pad([1.0], 0, "edge", constant_values=1))

    def test_a_fraction_among_integers(self):
        assert "0.5 cannot stand in an array of int" in refusal(
            ValueError, lambda: tg.pad(np.array([1, 2]), 1, constant_values=0.5)
        )
