"""Attention: what is weighted, who looks where, and what does not fit."""

from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.domains import SEEDS


def searched(seed, n=5, m=5, d=3, w=2, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(size, dtype) for size in ((2, n, d), (2, m, d), (2, m, w)))


@given(SEEDS, st.sampled_from([1, 30, 1000]))
def test_it_is_softmax_of_the_scaled_products_times_the_values(seed, size):
    q, k, v = searched(seed)
    mask = np.tri(5, dtype=bool)
    scores = (size * q) @ np.swapaxes(k, -1, -2) / np.sqrt(3)
    np.testing.assert_allclose(tg.attention(size * q, k, v), tg.softmax(scores) @ v, rtol=1e-9, atol=1e-12)
    masked = tg.softmax(np.where(mask, scores, -np.inf)) @ v
    np.testing.assert_allclose(tg.attention(size * q, k, v, mask), masked, rtol=1e-9, atol=1e-12)


@given(SEEDS, st.sampled_from([1, 1000]))
def test_what_the_mask_hides_makes_no_difference(seed, size):
    q, k, v = searched(seed, n=4)
    mask = np.random.default_rng(seed).random((4, 5)) < 0.7
    mask[:, 0], mask[:, 4] = True, False
    leaves: Any = [tg.Tensor(x, requires_grad=True) for x in (size * q, k, v)]
    out = tg.attention(*leaves, mask=mask)
    out.sum().backward()
    for leaf in leaves[1:]:
        assert not leaf.grad[:, 4].any()
    k[:, 4] *= 1e3
    v[:, 4] = 7
    np.testing.assert_array_equal(tg.attention(size * q, k, v, mask), out.numpy())


def test_infinite_scores_that_are_hidden_do_not_count_and_others_share_all():
    q, v = np.array([[1.0]]), np.array([[2.0], [4.0], [8.0]])
    k = np.array([[np.inf], [np.inf], [0.0]])
    assert tg.attention(q, k, v).tolist() == [[3.0]]
    assert tg.attention(q, k, v, [[False, True, True]]).tolist() == [[4.0]]
    assert tg.attention(q, -k, v, [[True, True, False]]).tolist() == [[3.0]]


@pytest.mark.parametrize("shift", [0, 200])
@pytest.mark.parametrize("mask", [None, np.tri(3, 4, dtype=bool)], ids=["all", "past"])
def test_gradients_of_both_orders(shift, mask):
    q, k, v = searched(1, 3, 4)
    tg.check_gradient(lambda *given: tg.attention(*given, mask=mask), q[0], k + shift, v, order=2)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_it_keeps_the_dtype(dtype):
    q, k, v = (x.astype(dtype) for x in searched(2))
    leaves: Any = [tg.Tensor(x, requires_grad=True) for x in (q, k, v)]
    out = tg.attention(*leaves, mask=np.tri(5, dtype=bool))
    out.backward(np.ones(out.shape, dtype))
    assert out.dtype == dtype
    assert {leaf.grad.dtype for leaf in leaves} == {np.dtype(dtype)}
    exact = tg.attention(*(x.astype(float) for x in (q, k, v)), np.tri(5, dtype=bool))
    np.testing.assert_allclose(out.numpy(), exact, rtol=20 * np.finfo(dtype).eps, atol=20 * np.finfo(dtype).eps)


def test_in_another_library_the_mask_may_be_one_of_numpy():
    q, k, v = (array_api_strict.asarray(x) for x in searched(3))
    mask = np.tri(5, dtype=bool)
    expected = tg.attention(*map(np.asarray, (q, k, v)), mask)
    for its_own in (mask, array_api_strict.asarray(mask)):
        np.testing.assert_allclose(np.asarray(tg.attention(q, k, v, its_own)), expected, rtol=1e-12)
        np.testing.assert_allclose(np.asarray(tg.attention(tg.Tensor(q), k, v, its_own).data), expected, rtol=1e-12)


def test_a_mask_may_be_a_list_a_tensor_or_one_truth_value():
    q, k, v = searched(4)
    expected = tg.attention(q, k, v, np.tri(5, dtype=bool))
    for mask in (np.tri(5, dtype=bool).tolist(), tg.Tensor(np.tri(5, dtype=bool)), np.tri(5, dtype=bool)[None]):
        np.testing.assert_array_equal(tg.attention(q, k, v, mask), expected)
    np.testing.assert_array_equal(tg.attention(q, k, v, True), tg.attention(q, k, v))


@pytest.mark.parametrize(
    "shapes",
    [
        [(3,), (4, 3), (4, 2)],
        [(5, 3), (4, 2), (4, 2)],
        [(5, 3), (4, 3), (5, 2)],
        [(2, 5, 3), (3, 4, 3), (4, 2)],
        [(5, 3), (0, 3), (0, 2)],
        [(5, 0), (4, 0), (4, 2)],
        [(), (4, 3), (4, 2)],
    ],
)
def test_shapes_that_do_not_fit(shapes):
    with pytest.raises(ValueError, match="attention: q needs shape") as caught:
        tg.attention(*map(np.zeros, shapes))
    assert all(str(shape) in str(caught.value) for shape in shapes)


@pytest.mark.parametrize(
    ("mask", "error", "match"),
    [
        (np.tri(5), TypeError, "mask must hold truth values, .* not float64.*for one of 0 and -inf pass mask == 0"),
        (np.tri(5, dtype=int), TypeError, "mask must hold truth values.*of 0 and 1 mask == 1"),
        (1, TypeError, "mask must hold truth values"),
        (np.tri(4, dtype=bool), ValueError, r"shape \(4, 4\), which does not broadcast to \(2, 5, 5\)"),
        (np.ones((3, 5, 5), bool), ValueError, "does not broadcast"),
        (np.ones((1, 2, 5, 5), bool), ValueError, "does not broadcast"),
        (
            np.tri(5, k=-1, dtype=bool),
            ValueError,
            "row of mask is false all over.*where true means not to look, pass ~mask",
        ),
        (False, ValueError, "row of mask is false all over"),
    ],
)
def test_masks_that_do_not_fit(mask, error, match):
    q, k, v = searched(5)
    with pytest.raises(error, match=match):
        tg.attention(q, k, v, mask)


def test_no_queries_find_nothing():
    assert tg.attention(np.zeros((0, 3)), np.zeros((4, 3)), np.zeros((4, 2))).shape == (0, 2)
    assert tg.attention(np.zeros((0, 3)), np.zeros((4, 3)), np.zeros((4, 2)), np.ones((0, 4), bool)).shape == (0, 2)
