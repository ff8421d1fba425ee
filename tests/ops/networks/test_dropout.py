"""Dropout: what is left out, what it costs, and where the random numbers come from."""

import gc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


@given(SHAPES, st.floats(0, 0.95), st.integers(0, 99))
def test_each_number_is_0_or_divided_by_what_is_left(shape, p, seed):
    x = np.random.default_rng(seed).uniform(1, 2, size=shape)
    y = tg.dropout(x, p, rng=seed)
    kept = np.asarray(y) != 0
    np.testing.assert_allclose(y, np.where(kept, x / (1 - p), 0), rtol=1e-15)
    leaf: Any = tg.Tensor(x, requires_grad=True)
    out = tg.dropout(leaf, p, rng=seed)
    assert out.numpy().tobytes() == np.asarray(y).tobytes()
    out.backward(np.ones(shape))
    np.testing.assert_allclose(leaf.grad, kept / (1 - p), rtol=1e-15)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_the_share_that_is_left_out_and_the_mean_that_stays(p):
    y = tg.dropout(np.ones(100_000), p, rng=0)
    assert (y == 0).mean() == pytest.approx(p, abs=0.005)
    assert y.mean() == pytest.approx(1, abs=0.02)


def test_the_same_numbers_are_left_out_at_the_second_order():
    x: Any = tg.Tensor(np.linspace(1, 2, 50), requires_grad=True)
    y = tg.sum(tg.dropout(x, 0.5, rng=1) ** 3)
    (first,) = tg.grad(y, [x], create_graph=True)
    second = tg.grad(first, x, np.ones(50))
    kept = tg.dropout(np.ones(50), 0.5, rng=1) != 0
    np.testing.assert_allclose(first.numpy(), np.where(kept, 3 * x.numpy() ** 2 * 8, 0))
    np.testing.assert_allclose(second.numpy(), np.where(kept, 6 * x.numpy() * 8, 0))


def test_what_is_left_out_may_be_infinite():
    """A product with 0 would be NaN."""
    x = np.full(100, np.inf)
    y = tg.dropout(x, 0.5, rng=0)
    assert sorted(set(y.tolist())) == [0, np.inf]


def test_one_byte_is_kept_for_each_number():
    x = tg.Tensor(np.ones(1000), requires_grad=True)
    y: Any = tg.dropout(x, 0.5, rng=0)
    kept = [v for v in gc.get_referents(y.node) if isinstance(v, np.ndarray)]
    assert [(v.dtype, v.size) for v in kept] == [(np.bool_, 1000)]


@pytest.mark.parametrize("form", [np.asarray, tg.Tensor, lambda x: tg.Tensor(x, requires_grad=True)])
def test_outside_training_or_with_p_0_it_has_the_values_of_x_and_draws_nothing(form):
    x, rng = form(np.arange(4.0)), np.random.default_rng(0)
    before = rng.bit_generator.state
    for y in (tg.dropout(x, 0.5, training=False, rng=rng), tg.dropout(x, 0, rng=rng)):
        assert y is not x
        assert y.tolist() == [0, 1, 2, 3]
    assert rng.bit_generator.state == before


def test_where_the_random_numbers_come_from():
    x = np.ones(50)
    np.random.seed(3)
    first = tg.dropout(x, 0.5)
    assert not np.array_equal(first, tg.dropout(x, 0.5))
    np.random.seed(3)
    np.testing.assert_array_equal(first, tg.dropout(x, 0.5))
    np.testing.assert_array_equal(tg.dropout(x, 0.5, rng=7), tg.dropout(x, 0.5, rng=7))
    rng = np.random.default_rng(7)
    np.testing.assert_array_equal(tg.dropout(x, 0.5, rng=7), tg.dropout(x, 0.5, rng=rng))
    assert not np.array_equal(tg.dropout(x, 0.5, rng=7), tg.dropout(x, 0.5, rng=rng))


@pytest.mark.parametrize("x", [[1.0, 2.0], [1, 2], 3, np.arange(3), tg.Tensor([1, 2])], ids=repr)
def test_lists_and_whole_numbers(x):
    """In training they cannot stay whole, so they do not afterwards."""
    for training in (True, False):
        assert tg.dropout(x, 0.5, training, rng=0).dtype == np.float64


@pytest.mark.parametrize("p", [0.5, np.float64(0.5)], ids=["float", "np.float64"])
def test_float32_stays(p):
    x: Any = tg.Tensor(np.ones(4, np.float32), requires_grad=True)
    y = tg.dropout(x, p, rng=0)
    y.backward(np.ones(4))
    assert (y.dtype, x.grad.dtype) == (np.float32, np.float32)


@pytest.mark.parametrize("p", [-0.1, 1, 1.5, np.nan])
@pytest.mark.parametrize("training", [True, False])
def test_a_p_that_is_no_share_is_refused(p, training):
    with pytest.raises(ValueError, match=r"dropout: p must be in \[0, 1\)") as caught:
        tg.dropout([1.0], p, training)
    assert korean(caught.value)


@pytest.mark.parametrize("training", [True, False])
def test_a_source_that_is_none_is_refused(training):
    with pytest.raises(TypeError, match="rng must be None, an int or") as caught:
        tg.dropout([1.0], 0.5, training, rng="seed")
    assert korean(caught.value)
