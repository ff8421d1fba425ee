"""Repeated numbers: counts of every kind, and what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tests.ops.test_shape import refusal


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_each_element_gets_as_much_gradient_as_it_has_copies(times):
    x: Any = tg.Tensor(np.arange(1.0, len(times) + 1), requires_grad=True)
    tg.sum(tg.repeat(x, times)).backward()
    assert x.grad.tolist() == times


def test_counts_of_every_kind_of_integer():
    for times in ([0, 2], (0, 2), np.array([0, 2], np.uint8), tg.Tensor([0, 2], dtype=int)):
        assert tg.repeat([5.0, 7.0], times).tolist() == [7, 7]
    for once in (2, np.int32(2), [2], np.array(2)):
        assert tg.repeat([5.0, 7.0], once).tolist() == [5, 5, 7, 7]


def test_numbers_and_nothing():
    assert tg.repeat(3.0, 2).tolist() == [3, 3]
    assert tg.repeat(np.zeros((2, 0)), [1, 2], 0).shape == (3, 0)
    assert tg.repeat(np.zeros(0), []).shape == (0,)
    assert tg.tile(3.0, (2, 1)).tolist() == [[3], [3]]
    assert tg.tile([1.0, 2.0], ()).tolist() == [1, 2]


@pytest.mark.parametrize("call", [tg.repeat, tg.tile])
class TestCountsThatAreRefused:
    def test_negative_ones(self, call):
        assert "must be one integer of at least 0 or a list of them, not -1" in refusal(
            ValueError, lambda: call([1.0, 2.0], -1)
        )

    def test_those_that_are_no_integers(self, call):
        for times in (1.5, [1.0, 2.0], [True, False]):
            assert "must be integers" in refusal(TypeError, lambda times=times: call([1.0, 2.0], times))

    def test_a_table_of_them(self, call):
        assert "[[1, 2]]" in refusal(ValueError, lambda: call([1.0, 2.0], [[1, 2]]))


def test_counts_that_do_not_fit():
    said = refusal(ValueError, lambda: tg.repeat(np.zeros((2, 3)), [1, 2], axis=1))
    assert said == "repeat: the 3 elements along axis 1 need 3 counts or one, not [1, 2]"


def test_a_count_has_no_gradient():
    with pytest.raises(TypeError, match="gradient"):
        tg.repeat([1.0, 2.0], tg.Tensor([1.0, 2.0], requires_grad=True))


@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3))
def test_broadcast_arrays_each_get_their_own_gradient(shapes):
    leaves: Any = [tg.Tensor(np.ones(s), requires_grad=True) for s in shapes.input_shapes]
    a, b = leaves
    x, y = tg.broadcast_arrays(a, b)
    assert x.shape == y.shape == shapes.result_shape
    tg.sum(x + 2 * y).backward()
    n = np.prod(shapes.result_shape)
    np.testing.assert_array_equal(a.grad, np.full(a.shape, n / max(a.size, 1)))
    np.testing.assert_array_equal(b.grad, np.full(b.shape, 2 * n / max(b.size, 1)))


def test_of_no_arrays_there_is_nothing():
    assert tg.broadcast_arrays() == ()
    assert tg.meshgrid() == ()


def test_the_result_of_an_array_is_an_array_and_that_of_a_tensor_a_tensor():
    for f in (tg.broadcast_arrays, tg.meshgrid, np.broadcast_arrays, np.meshgrid):
        x, y = f(tg.Tensor([1.0, 2.0], requires_grad=True), np.array([3.0, 4.0]))
        assert isinstance(x, tg.Tensor)
        assert x.requires_grad
        assert type(y) is np.ndarray


def test_shapes_with_nothing_in_common():
    said = refusal(ValueError, lambda: tg.broadcast_arrays(np.zeros(2), np.zeros((2, 3))))
    assert said == "broadcast_arrays: the shapes [(2,), (2, 3)] have no shape in common"


def test_an_unknown_way_to_draw_a_grid():
    said = refusal(ValueError, lambda: tg.meshgrid([1.0], [2.0], indexing="yx"))
    assert said == "meshgrid: indexing must be one of 'xy', 'ij', not 'yx'"
