"""Losses of log-probabilities: what they agree with, the ends, and what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg

SEEDS = st.integers(0, 2**32 - 1)


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def batch(seed, n=4, k=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, k)), rng.integers(0, k, n), rng.dirichlet(np.ones(k), n)


@given(SEEDS, st.integers(1, 4), st.integers(1, 4))
def test_after_log_softmax_the_likelihood_is_softmax_cross_entropy(seed, n, k):
    scores, labels, soft = batch(seed, n, k)
    for t in (labels, np.eye(k)[labels], np.eye(k, dtype=int)[labels], soft):
        expected = tg.softmax_cross_entropy(scores, t)
        assert tg.negative_log_likelihood(tg.log_softmax(scores), t) == pytest.approx(expected, rel=1e-12, abs=1e-14)
        one = tg.negative_log_likelihood(tg.log_softmax(scores)[0], t[0])
        assert one == pytest.approx(tg.softmax_cross_entropy(scores[0], t[0]), rel=1e-12, abs=1e-14)


def test_what_is_impossible_in_both_costs_nothing():
    """The slope in t is 1 where t is the same as the prediction: where both are 0 too."""
    t: Any = tg.Tensor([0.0, 0.5, 0.5], requires_grad=True)
    with np.errstate(divide="ignore"):  # log(0)
        divergence = tg.kl_divergence(tg.log_softmax([-np.inf, 3.0, 3.0]), t)
        divergence.backward()
    assert divergence.item() == pytest.approx(0, abs=1e-15)
    assert t.grad == pytest.approx([1, 1, 1])


@given(SEEDS)
def test_the_divergence_is_the_likelihood_without_the_entropy_of_the_target(seed):
    scores, _, t = batch(seed)
    log_y = tg.log_softmax(scores)
    entropy = -np.mean(np.sum(t * np.log(t), axis=1))
    expected = tg.negative_log_likelihood(log_y, t) - entropy
    assert tg.kl_divergence(log_y, t) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert tg.kl_divergence(log_y, t) >= 0
    assert tg.kl_divergence(np.log(t), t) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("loss", [tg.negative_log_likelihood, tg.kl_divergence], ids=lambda loss: loss.__name__)
def test_one_number_for_each_row(loss):
    scores, _, t = batch(0)
    log_y = tg.log_softmax(scores)
    each = loss(log_y, t, reduction="none")
    assert each.shape == (4,)
    assert each.tolist() == pytest.approx([float(loss(log_y[i], t[i], reduction="none")) for i in range(4)])
    assert loss(log_y[0], t[0], reduction="none").shape == ()
    assert loss(log_y, t, reduction="sum") == pytest.approx(each.sum())
    assert loss(log_y, t) == pytest.approx(each.mean())


def test_rows_of_a_stack_each_have_their_divergence():
    log_y = np.log(np.full((2, 3, 4), 0.25))
    t = np.zeros((2, 3, 4))
    t[..., 1] = 1
    np.testing.assert_allclose(tg.kl_divergence(log_y, t, reduction="none"), np.full((2, 3), np.log(4)))


def test_a_class_that_is_ruled_out_and_does_not_happen_costs_nothing():
    """0 log 0 is 0, and 0 times minus infinity is 0 here too."""
    log_y: Any = tg.Tensor([[np.log(0.5), np.log(0.5), -np.inf]], requires_grad=True)
    t = [[1.0, 0.0, 0.0]]
    for loss in (tg.negative_log_likelihood, tg.kl_divergence):
        log_y.zero_grad()
        value = loss(log_y, t)
        value.backward()
        assert value.item() == np.log(2)
        assert log_y.grad.tolist() == [[-1, 0, 0]]
    assert tg.kl_divergence([-np.inf, 0.0], [0.5, 0.5]) == np.inf  # but what happens must not be ruled out


def test_a_target_of_0_has_an_infinite_slope_in_the_divergence():
    t: Any = tg.Tensor([0.0, 1.0], requires_grad=True)
    with np.errstate(divide="ignore"):
        tg.kl_divergence(np.log([0.5, 0.5]), t).backward()
    assert t.grad.tolist() == [-np.inf, 1 + np.log(2)]


def test_a_target_of_0_has_a_finite_slope_in_the_likelihood():
    t: Any = tg.Tensor([[0.0, 1.0]], requires_grad=True)
    tg.negative_log_likelihood(np.log([[0.25, 0.75]]), t).backward()
    np.testing.assert_allclose(t.grad, -np.log([[0.25, 0.75]]))


def test_a_target_below_0_is_no_probability_and_gives_nan():
    with np.errstate(invalid="ignore"):
        assert np.isnan(tg.kl_divergence([-1.0, -1.0], [-0.5, 1.5]))


@pytest.mark.parametrize("t", [[0, 1, 1, 0], np.eye(2)[[0, 1, 1, 0]].tolist()], ids=["labels", "one-hot"])
def test_float32_stays(t):
    log_y: Any = tg.Tensor(np.full((4, 2), -0.7, np.float32), requires_grad=True)
    t = t if isinstance(t[0], int) else np.array(t, int)
    out = tg.negative_log_likelihood(log_y, t)
    out.backward()
    assert (out.dtype, log_y.grad.dtype) == (np.float32, np.float32)
    if np.ndim(t) == 2:
        assert tg.kl_divergence(log_y, t).dtype == np.float32


@pytest.mark.parametrize(
    "t", [[0, 1], [0, 1, 2, 3], np.zeros((3, 1)), np.zeros((4, 3)), [0, 4, 1], [0, -1, 1]], ids=str
)
def test_targets_of_the_likelihood_that_do_not_fit(t):
    with pytest.raises(ValueError, match=r"^negative_log_likelihood: ") as caught:
        tg.negative_log_likelihood(np.full((3, 4), -1.4), t)
    assert korean(caught.value)


def test_labels_that_are_not_integers():
    with pytest.raises(TypeError, match="negative_log_likelihood: labels must be integers") as caught:
        tg.negative_log_likelihood(np.full((3, 4), -1.4), [0.0, 1.0, 2.0])
    assert korean(caught.value)


@pytest.mark.parametrize(("log_y", "t"), [((3, 4), (3,)), ((3, 4), (4,)), ((4,), (4, 1)), ((2, 3), (3, 2))], ids=str)
def test_the_divergence_needs_one_shape(log_y, t):
    with pytest.raises(ValueError, match=r"^kl_divergence: predictions of shape") as caught:
        tg.kl_divergence(np.zeros(log_y), np.ones(t))
    assert korean(caught.value)


def test_the_divergence_of_single_numbers_is_refused():
    with pytest.raises(ValueError, match=r"^kl_divergence: .*\(\.\.\., n\)") as caught:
        tg.kl_divergence(-1.0, 0.5)
    assert korean(caught.value)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0,)])
def test_rows_of_nothing_are_refused(shape):
    with pytest.raises(ValueError, match="kl_divergence") as caught:
        tg.kl_divergence(np.zeros(shape), np.zeros(shape))
    assert korean(caught.value)
