"""Infinite scores: equal ones share equally, at both orders, and rows beside them are not disturbed."""

from math import inf, log, nan
from typing import Any

import array_api_strict
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg

SCORES = st.sampled_from([-inf, -1000.0, -1.5, 0.0, 2.0, 1000.0, inf])
ROW = st.lists(SCORES, min_size=1, max_size=5)
LIMITS = [
    ([-inf, -inf], [0.5, 0.5]),
    ([inf, 0.0], [1.0, 0.0]),
    ([inf, inf, -inf], [0.5, 0.5, 0.0]),
    ([-inf, 1.0], [0.0, 1.0]),
    ([-inf] * 4, [0.25] * 4),
]


def leaf(x, dtype=float) -> Any:
    return tg.Tensor(np.array(x, dtype), requires_grad=True)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize(("row", "p"), LIMITS)
class TestTheLimits:
    def test_probabilities_and_their_logarithms(self, row, p, dtype):
        y = tg.softmax(np.array(row, dtype))
        assert y.dtype == dtype
        assert y.tolist() == p
        expected = [log(q) if q else -inf for q in p]
        assert tg.log_softmax(np.array(row, dtype)) == pytest.approx(expected, rel=2 * float(np.finfo(dtype).eps))

    def test_the_slope_of_logsumexp_is_the_softmax_at_both_orders(self, row, p, dtype):
        x = leaf(row, dtype)
        y = tg.logsumexp(x)
        assert y.item() == max(row)
        first = tg.grad(y, x, create_graph=True)
        assert first.tolist() == p
        for i in range(len(p)):
            expected = [p[i] * ((i == j) - p[j]) for j in range(len(p))]
            assert tg.grad(first[i], x).numpy() == pytest.approx(expected, rel=2 * float(np.finfo(dtype).eps))

    def test_the_slopes_of_softmax_and_its_logarithm(self, row, p, dtype):
        for i, unit in enumerate(np.eye(len(p), dtype=dtype)):
            x = leaf(row, dtype)
            expected = [p[i] * ((i == j) - p[j]) for j in range(len(p))]
            assert tg.grad(tg.softmax(x), x, unit).numpy() == pytest.approx(
                expected, rel=2 * float(np.finfo(dtype).eps)
            )
            expected = [(i == j) - p[j] for j in range(len(p))]
            assert tg.grad(tg.log_softmax(x), x, unit).numpy() == pytest.approx(
                expected, rel=2 * float(np.finfo(dtype).eps)
            )

    def test_cross_entropy(self, row, p, dtype):
        for label in range(len(p)):
            x = leaf([row, np.arange(len(p))], dtype)
            one_hot = np.eye(len(p), dtype=dtype)[label]
            rest = tg.softmax_cross_entropy(np.arange(len(p)).astype(dtype), 0).item()
            expected = ((-log(p[label]) if p[label] else inf) + rest) / 2
            for t in ([label, 0], np.array([one_hot, np.eye(len(p))[0]], dtype)):
                loss = tg.softmax_cross_entropy(x, t)
                assert loss.item() == pytest.approx(expected, rel=2 * float(np.finfo(dtype).eps))
                found = tg.grad(loss, x).numpy()[0]
                np.testing.assert_allclose(found, (np.array(p) - one_hot) / 2, rtol=2 * float(np.finfo(dtype).eps))


@given(ROW)
def test_two_at_a_time_it_is_logaddexp(row):
    x = leaf(row)
    y = tg.logsumexp(x)
    y.backward()
    one_by_one = leaf(row)
    total = one_by_one[0]
    for i in range(1, len(row)):
        total = tg.logaddexp(total, one_by_one[i])
    assert y.item() == pytest.approx(total.item(), rel=1e-15, abs=1e-15)
    if len(row) == 2:  # three ties share a half and two quarters, two at a time
        total.backward()
        assert x.grad == pytest.approx(one_by_one.grad, rel=1e-14, abs=1e-300)


@given(hnp.arrays(float, hnp.array_shapes(min_dims=2, max_dims=3, max_side=4), elements=SCORES), st.booleans())
def test_along_every_axis_each_row_is_as_it_is_alone(x, keepdims):
    for axis in (*range(x.ndim), -1, None, (0, -1)):
        for f in (tg.softmax, tg.log_softmax):
            assert not np.isnan(f(x, axis=axis)).any()
        t = leaf(x)
        y = tg.logsumexp(t, axis=axis, keepdims=keepdims)
        y.backward(np.ones(y.shape))
        assert np.array_equal(t.grad, tg.softmax(x, axis=axis))
    for i in range(len(x)):
        np.testing.assert_allclose(tg.softmax(x)[i], tg.softmax(x[i]), rtol=1e-15)


@pytest.mark.parametrize("row", [[nan, 1.0], [nan, inf], [-inf, nan], [nan, nan]])
def test_nan_stays_nan(row):
    x = leaf([row, [0.0, 0.0]])
    for f in (tg.softmax, tg.log_softmax):
        assert np.isnan(f(x).numpy()).tolist() == [[True, True], [False, False]]
    y = tg.logsumexp(x, axis=1)
    assert np.isnan(y.numpy()).tolist() == [True, False]
    assert np.isnan(tg.grad(y, x, [1.0, 1.0]).numpy()).tolist() == [[True, True], [False, False]]


@pytest.mark.parametrize("kind", [float, int, np.uint8, bool])
def test_a_class_that_is_masked_in_the_scores_and_in_the_target(kind):
    """0 log 0 is 0, with targets of any kind."""
    x = leaf([[0.0, -inf, 0.0]])
    loss = tg.softmax_cross_entropy(x, np.array([[1, 0, 0]], kind))
    loss.backward()
    assert loss.item() == pytest.approx(log(2))
    assert x.grad.tolist() == [[-0.5, 0, 0.5]]


def test_arrays_of_another_library():
    x = array_api_strict.asarray([[-inf, -inf], [inf, 0.0], [0.0, 0.0]])
    assert np.asarray(tg.softmax(x)).tolist() == [[0.5, 0.5], [1, 0], [0.5, 0.5]]
    assert np.asarray(tg.logsumexp(x, axis=1)).tolist() == [-inf, inf, log(2)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [3, 64, 128, 200])
def test_moderate_scores_lose_no_digits(dtype, n):
    """Less the largest, scores of size 20 would be off by half a unit in the last place of 40, and probabilities by 50 of their own."""
    scores = np.random.default_rng(n).uniform(-20, 20, (2, n)).astype(dtype)
    with mpmath.workdps(30):
        e = [[mpmath.exp(float(score)) for score in row] for row in scores]
        exact = np.array([[float(x / mpmath.fsum(row)) for x in row] for row in e])
    np.testing.assert_allclose(tg.softmax(scores), exact, rtol=5 * np.finfo(dtype).eps)
    x, g = leaf(scores, dtype), np.asarray(np.random.default_rng(0).standard_normal(scores.shape), dtype)
    tg.softmax(x).backward(g)
    mean = (g * exact).sum(axis=-1, keepdims=True)
    slack = 6 * np.finfo(dtype).eps * (abs(g) + abs(g * exact).sum(axis=-1, keepdims=True))
    assert (abs(x.grad - exact * (g - mean)) <= slack * exact).all()


@given(hnp.arrays(float, (3, 4), elements=st.sampled_from([-1000.0, -33.0, -32.0, -1.5, 0.0, 2.0, 32.0, 40.0, 1000.0])))
def test_a_row_is_the_same_alone_and_in_company(scores):
    np.testing.assert_allclose(tg.softmax(scores), [tg.softmax(row) for row in scores], rtol=1e-15)
    np.testing.assert_allclose(tg.softmax(scores), tg.softmax(scores + 100.0), rtol=1e-13, atol=1e-300)
    labels = [0, 1, 2]
    losses = [float(tg.softmax_cross_entropy(scores[i : i + 1], labels[i : i + 1])) for i in range(3)]
    assert float(tg.softmax_cross_entropy(scores, labels)) == pytest.approx(sum(losses) / 3, rel=1e-15)
    exact = -tg.log_softmax(scores)[range(3), labels]
    np.testing.assert_allclose(losses, exact, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("axis", [-1, None])
@pytest.mark.parametrize("score", [2.0, 1000.0])
def test_a_score_alone_has_probability_1(score, axis):
    x = leaf(score)
    y = tg.softmax(x, axis=axis)
    y.backward()
    assert y.item() == 1
    assert x.grad == 0
