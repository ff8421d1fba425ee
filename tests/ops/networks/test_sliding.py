"""Windows: unfold and fold are each other's transpose; nobody writes through a window; what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.rows.sliding import unfolded
from tests.ops.test_shape import refusal
from tinygrad_ko.ops.networks.windows import sliding_windows


@given(unfolded(), st.integers(0, 99))
def test_fold_is_the_transpose_of_unfold(call, seed):
    (x,), options = call
    y = tg.unfold(x, **options)
    w = np.random.default_rng(seed).normal(size=y.shape)
    back = tg.fold(w, x.shape[options["axis"]], options["step"], options["axis"])
    assert back.shape == x.shape
    assert np.vdot(y, w) == pytest.approx(np.vdot(x, back), abs=1e-12)


@given(unfolded())
def test_windows_folded_count_the_windows_an_element_is_in(call):
    (x,), options = call
    t: Any = tg.Tensor(x, requires_grad=True)
    y = tg.unfold(t, **options)
    tg.sum(y).backward()
    size, step, axis = options["size"], options["step"], options["axis"]
    place = np.arange(x.shape[axis])
    starts = np.arange(y.shape[axis % x.ndim]) * step
    often = ((starts <= place[:, None]) & (place[:, None] < starts + size)).sum(axis=1)
    np.testing.assert_array_equal(np.moveaxis(t.grad, axis, -1), np.broadcast_to(often, np.moveaxis(x, axis, -1).shape))


def test_what_is_written_to_the_array_does_not_reach_its_windows():
    for requires_grad in (True, False):
        x: Any = tg.Tensor([1.0, 2.0, 3.0], requires_grad=requires_grad)
        y = tg.unfold(x, 2)
        x.data[:] = 0
        assert y.tolist() == [[1, 2], [2, 3]]


def test_what_is_written_to_a_window_reaches_no_other():
    x: Any = tg.Tensor([1.0, 2.0, 3.0])
    y: Any = tg.unfold(x, 2)
    y.data[0, 1] = 9
    assert y.tolist() == [[1, 9], [2, 3]]
    y += 1
    assert y.tolist() == [[2, 10], [3, 4]]
    assert x.tolist() == [1, 2, 3]


def test_the_gradient_of_fold_belongs_to_its_leaf():
    w: Any = tg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    y = tg.fold(w, 3)
    assert y.tolist() == [1, 5, 4]
    y.backward([1.0, 10.0, 100.0])
    w.grad[0, 1] = 7
    assert w.grad.tolist() == [[1, 7], [10, 100]]


def test_the_windows_of_a_bare_array_are_a_view_that_cannot_be_written_to():
    y = tg.unfold(np.arange(4.0), 2)
    with pytest.raises(ValueError, match="read-only"):
        y[0, 0] = 1


class TestRefusals:
    @pytest.mark.parametrize(("size", "step"), [(0, 1), (-1, 1), (5, 1), (2, 0), (2, -1)])
    def test_windows_that_cannot_be(self, size, step):
        said = refusal(ValueError, lambda: tg.unfold(np.zeros((4, 2)), size, step, axis=0))
        assert f"no windows of {size} elements, {step} apart, can be taken from 4" in said

    @pytest.mark.parametrize(
        "options", [{"length": 4}, {"length": 2}, {"length": 3, "step": 2}, {"length": 3, "step": 0}]
    )
    def test_windows_that_do_not_fit_the_length(self, options):
        said = refusal(ValueError, lambda: tg.fold([[1.0, 2.0], [3.0, 4.0]], **options))
        assert f"2 windows of 2 elements, {options.get('step', 1)} apart, do not make" in said

    def test_no_axes(self):
        for call in (lambda: tg.unfold(3.0, 1), lambda: tg.fold(3.0, 1), lambda: tg.fold([3.0], 1)):
            refusal(np.exceptions.AxisError, call)


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(0, 4))
def test_windows_with_steps_inside(size, step, dilation, more):
    x = np.arange(dilation * (size - 1) + 1.0 + more)
    seen = sliding_windows(x, size, step, 0, dilation)
    assert seen.tolist() == [
        [i + k * dilation for k in range(size)] for i in range(0, len(x) - dilation * (size - 1), step)
    ]
