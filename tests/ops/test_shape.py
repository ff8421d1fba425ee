"""Cutting, turning and moving: what is undone is as it was, what costs how much, and what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tinygrad_ko.arrays.indexing import IndexedGradient
from tinygrad_ko.ops import shape

ARRAYS = hnp.arrays(float, hnp.array_shapes(max_dims=3, max_side=4), elements=st.integers(-9, 9))


def refusal(kind, call):
    """The message of an error that must come with its Korean note."""
    with pytest.raises(kind) as caught:
        call()
    assert any("가" <= letter <= "힣" for note in caught.value.__notes__ for letter in note)
    return str(caught.value)


@given(ARRAYS, st.data())
def test_what_is_cut_and_joined_again_is_as_it_was(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    parts = data.draw(st.integers(1, 6))
    t = tg.Tensor(x)
    np.testing.assert_array_equal(tg.concat(tg.array_split(t, parts, axis), axis=axis).numpy(), x)
    np.testing.assert_array_equal(tg.stack(tg.unstack(t, axis=axis), axis=axis).numpy(), x)


@given(ARRAYS, st.integers(-9, 9), st.data())
def test_what_is_turned_or_moved_and_back_is_as_it_was(x, shift, data):
    axis = data.draw(st.none() | st.integers(-x.ndim, x.ndim - 1))
    np.testing.assert_array_equal(tg.flip(tg.flip(x, axis), axis), x)
    np.testing.assert_array_equal(tg.roll(tg.roll(x, shift, axis), -shift, axis), x)
    if axis is not None:
        np.testing.assert_array_equal(tg.moveaxis(tg.moveaxis(x, axis, 0), 0, axis), x)


def test_shifts_and_sizes_of_any_kind_of_integer():
    """Small and unsigned ones would wrap around in the formulas."""
    x: Any = tg.Tensor(np.arange(1.0, 301.0), requires_grad=True)
    g = np.random.default_rng(0).normal(size=300)
    for small, plain in (
        (tg.roll(x, np.uint8(7)), tg.roll(x, 7)),
        (tg.roll(x, np.array([7], np.uint8)), tg.roll(x, 7)),
        (tg.unfold(x, np.uint8(9), np.uint8(100)), tg.unfold(x, 9, 100)),
        (tg.diagonal(tg.diag(x, np.int8(-100)), np.int8(-100)), x),
    ):
        assert np.array_equal(small.numpy(), plain.numpy())
        cotangent = np.resize(g, small.shape)
        assert np.array_equal(tg.grad(small, x, cotangent).numpy(), tg.grad(plain * 1, x, cotangent).numpy())


class TestParts:
    def test_they_are_a_list_and_a_tuple_of_tensors(self):
        x: Any = tg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        assert isinstance(tg.split(x, 2), list)
        assert isinstance(tg.unstack(x), tuple)
        assert all(part.requires_grad for part in [*tg.split(x, 2), *tg.array_split(x, 3), *tg.unstack(x)])

    def test_lists_and_integers_are_taken(self):
        assert [p.tolist() for p in tg.split([1, 2, 3], [1])] == [[1.0], [2.0, 3.0]]
        assert [p.tolist() for p in tg.split(np.arange(4), tg.Tensor([1, 3], dtype=int))] == [[0], [1, 2], [3]]
        assert [p.tolist() for p in tg.unstack([1, 2])] == [1.0, 2.0]

    def test_of_nothing_there_are_none(self):
        assert tg.unstack(np.zeros((0, 3))) == ()
        assert [p.shape for p in tg.split(np.zeros((0, 3)), 2)] == [(0, 3)] * 2
        assert [p.shape for p in tg.array_split(np.zeros((1, 3)), 2)] == [(1, 3), (0, 3)]

    @pytest.mark.parametrize("cut", [tg.unstack, lambda x: tg.split(x, 50), lambda x: tg.array_split(x, 7)])
    def test_the_gradients_of_all_parts_go_into_one_array(self, cut, monkeypatch):
        made = []
        within = IndexedGradient.within

        def counted(self, size, dtype):
            made.append(size)
            return within(self, size, dtype)

        monkeypatch.setattr(IndexedGradient, "within", counted)
        x: Any = tg.Tensor(np.arange(100.0).reshape(50, 2), requires_grad=True)
        total: Any = sum((i + 1.0) * tg.sum(part) for i, part in enumerate(cut(x)))
        total.backward()
        assert made == [(50, 2)]
        sizes = [len(np.atleast_2d(part.numpy())) for part in cut(x)]
        np.testing.assert_array_equal(x.grad[:, 1], np.repeat(np.arange(len(sizes)) + 1.0, sizes))

    def test_a_part_that_is_not_used_gets_zeros(self):
        x: Any = tg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
        (tg.unstack(x)[1] * 5).backward()
        assert x.grad.tolist() == [0, 5, 0]


class TestRefusals:
    def test_no_equal_parts(self):
        said = refusal(ValueError, lambda: tg.split(np.zeros((2, 7)), 3, axis=-1))
        assert said == "split: axis 1 of length 7 makes no 3 equal parts; array_split makes unequal ones"

    @pytest.mark.parametrize("number", [0, -1])
    @pytest.mark.parametrize("cut", [tg.split, tg.array_split])
    def test_no_parts_at_all(self, cut, number):
        assert f"1 or more, not {number}" in refusal(ValueError, lambda: cut(np.zeros(4), number))

    @pytest.mark.parametrize(
        "call",
        [
            lambda x, axis: tg.split(x, 1, axis),
            lambda x, axis: tg.array_split(x, 1, axis),
            lambda x, axis: tg.unstack(x, axis=axis),
            lambda x, axis: tg.moveaxis(x, axis, 0),
            lambda x, axis: tg.moveaxis(x, 0, axis),
            lambda x, axis: shape.swapaxes(x, 0, axis),
            lambda x, axis: tg.repeat(x, 2, axis),
            lambda x, axis: tg.flip(x, axis),
            lambda x, axis: tg.roll(x, 1, axis),
            lambda x, axis: tg.unfold(x, 1, axis=axis),
        ],
    )
    @pytest.mark.parametrize("axis", [2, -3])
    def test_an_axis_that_is_not_there(self, call, axis):
        assert str(axis) in refusal(np.exceptions.AxisError, lambda: call(np.zeros((2, 3)), axis))

    def test_what_is_no_integer(self):
        x = np.zeros((2, 3))
        assert "split: an integer is needed, not 1.0" in refusal(TypeError, lambda: tg.split(x, 1.0))
        assert "unstack: an integer is needed, not None" in refusal(TypeError, lambda: tg.unstack(x, axis=None))
        assert "moveaxis: an integer" in refusal(TypeError, lambda: tg.moveaxis(x, 0.0, 1))

    @pytest.mark.parametrize(
        ("source", "destination", "why"),
        [
            ((0, 1), (0,), "moveaxis: (0, 1) and (0,) must name as many axes"),
            ((0, 0), (0, 1), "moveaxis: axis (0, 0) names an axis twice"),
            ((0, 1), (1, -1), "moveaxis: axis (1, -1) names an axis twice"),
        ],
    )
    def test_axes_that_do_not_fit_each_other(self, source, destination, why):
        assert refusal(ValueError, lambda: tg.moveaxis(np.zeros((2, 3)), source, destination)) == why
