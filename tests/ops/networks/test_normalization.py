"""Mean 0 and variance 1: along axes, over samples and over batches."""

from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg

SHAPES = hnp.array_shapes(min_dims=2, max_dims=4, min_side=2, max_side=4)


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def numbers(shape, seed=0):
    """No two closer than 1: of equal ones nothing but eps would be seen."""
    rng, n = np.random.default_rng(seed), int(np.prod(shape))
    return 2.0 * rng.permutation(n).reshape(shape) + rng.uniform(0, 1, shape) - n / 3


@given(SHAPES, st.integers(0, 99), st.data())
def test_mean_0_and_variance_1(shape, seed, data):
    axis = data.draw(st.none() | st.integers(-len(shape), len(shape) - 1) | st.just((0, -1)))
    out = tg.standardize(numbers(shape, seed), axis, eps=1e-12)
    np.testing.assert_allclose(np.mean(out, axis=axis), 0, atol=1e-12)
    np.testing.assert_allclose(np.var(out, axis=axis), 1, rtol=1e-4)


@given(SHAPES, st.integers(0, 99), st.floats(0.1, 10), st.floats(-100, 100))
def test_it_does_not_see_scale_and_shift(shape, seed, scale, shift):
    x = numbers(shape, seed)
    expected = tg.standardize(x, eps=1e-12)
    np.testing.assert_allclose(tg.standardize(scale * x + shift, eps=1e-12), expected, rtol=1e-6, atol=1e-8)


def test_equal_numbers_become_0_with_a_finite_slope():
    x: Any = tg.Tensor([[5.0, 5.0, 5.0]], requires_grad=True)
    y = tg.standardize(x, eps=1e-4)
    assert y.tolist() == [[0, 0, 0]]
    y.backward([[1.0, 0.0, 0.0]])
    np.testing.assert_allclose(x.grad, [[200 / 3, -100 / 3, -100 / 3]], rtol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_few_digits_are_lost_to_an_offset(offset):
    """The variance is that of the differences, not a difference of large squares."""
    x = [offset + 1.0, offset + 2.0, offset + 4.0]
    with mpmath.workdps(50):
        values = [mpmath.mpf(v) for v in x]
        mean = sum(values) / 3
        scale = mpmath.sqrt(sum((v - mean) ** 2 for v in values) / 3 + mpmath.mpf(1e-5))
        exact = [float((v - mean) / scale) for v in values]
    np.testing.assert_allclose(tg.standardize(x), exact, rtol=1e-15 * max(4, offset))
    by_samples, by_channels = np.reshape(x, (3, 1)), np.reshape(x, (3, 1, 1, 1))
    for batch in (by_samples, by_channels):
        out = tg.batch_norm(batch, [1.0], [0.0])
        np.testing.assert_allclose(out.ravel(), exact, rtol=1e-15 * max(4, offset))


@pytest.mark.parametrize("shape", [(4, 3), (2, 4, 3), (3,)])
def test_layer_norm_is_standardize_along_the_last_axis(shape):
    x, gamma, beta = numbers(shape), np.array([1.0, 2.0, -1.0]), np.array([0.5, 0.0, 1.0])
    np.testing.assert_array_equal(tg.layer_norm(x, gamma, beta), tg.standardize(x) * gamma + beta)
    assert tg.layer_norm(x.tolist(), gamma.tolist(), beta.tolist()).tolist() == tg.layer_norm(x, gamma, beta).tolist()


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 5), (2, 3, 4, 5), (1, 3, 2)])
def test_batch_norm_is_standardize_of_each_channel(shape):
    x, gamma, beta = numbers(shape), np.array([1.0, 2.0, -1.0]), np.array([0.5, 0.0, 1.0])
    out = tg.batch_norm(x, gamma, beta, eps=0.01)
    for c in range(3):
        expected = tg.standardize(x[:, c], axis=None, eps=0.01) * gamma[c] + beta[c]
        np.testing.assert_allclose(out[:, c], expected, rtol=1e-12, atol=1e-14)


def test_the_gradient_that_papers_give():
    """Ioffe and Szegedy (2015), section 3, step by step."""
    x, g, gamma = numbers((6, 2)), numbers((6, 2), 1), np.array([2.0, -0.5])
    mean, var, eps = x.mean(axis=0), x.var(axis=0), 1e-5
    d_hat = g * gamma
    d_var = np.sum(d_hat * (x - mean) * -0.5 * (var + eps) ** -1.5, axis=0)
    d_mean = np.sum(d_hat * -1 / np.sqrt(var + eps), axis=0) + d_var * np.sum(-2 * (x - mean), axis=0) / 6
    expected = d_hat / np.sqrt(var + eps) + d_var * 2 * (x - mean) / 6 + d_mean / 6
    leaves: list[Any] = [tg.Tensor(v, requires_grad=True) for v in (x, gamma, np.zeros(2))]
    tg.batch_norm(*leaves).backward(g)
    np.testing.assert_allclose(leaves[0].grad, expected, rtol=1e-10)
    np.testing.assert_allclose(leaves[1].grad, np.sum(g * (x - mean) / np.sqrt(var + eps), axis=0), rtol=1e-12)
    np.testing.assert_allclose(leaves[2].grad, g.sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("norm", [tg.layer_norm, tg.batch_norm], ids=lambda norm: norm.__name__)
def test_float32_stays(norm):
    leaves: list[Any] = [
        tg.Tensor(v.astype(np.float32), requires_grad=True) for v in (numbers((4, 3)), np.ones(3), np.zeros(3))
    ]
    out = norm(*leaves)
    out.backward(np.ones((4, 3)))
    assert {out.dtype, *(leaf.grad.dtype for leaf in leaves)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("larger", [0, 1, 2])
def test_batch_norm_computes_in_the_largest_dtype(larger):
    arrays = [v.astype(np.float32) for v in (numbers((4, 3)), np.ones(3), np.full(3, 0.1))]
    arrays[larger] = arrays[larger].astype(float)
    leaves: list[Any] = [tg.Tensor(v, requires_grad=True) for v in arrays]
    out = tg.batch_norm(*leaves)
    out.backward(np.ones((4, 3)))
    assert out.dtype == np.float64
    assert [leaf.grad.dtype for leaf in leaves] == [v.dtype for v in arrays]
    np.testing.assert_allclose(out.numpy(), tg.batch_norm(*(v.astype(float) for v in arrays)), rtol=1e-5, atol=1e-6)


def test_whole_numbers_are_standardized_as_floating_ones():
    x = np.array([0, 200, 100], np.uint8)
    np.testing.assert_array_equal(tg.standardize(x), tg.standardize(x.astype(float)))


def test_of_no_samples_there_is_nothing_to_do_for_layer_norm():
    assert tg.layer_norm(np.zeros((0, 3)), np.ones(3), np.zeros(3)).shape == (0, 3)


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize("eps", [0, -1e-5, np.nan, np.inf])
def test_an_eps_that_is_not_above_0_is_refused(eps):
    with pytest.raises(ValueError, match=r"standardize\(.*\): eps must be above 0") as caught:
        tg.standardize([1.0, 2.0], eps=eps)
    assert korean(caught.value)


@pytest.mark.parametrize(("shape", "axis"), [((0,), 0), ((3, 0), -1), ((0, 3), None), ((0, 2, 3), (0, 2))])
def test_an_axis_without_numbers_is_refused(shape, axis):
    with pytest.raises(ValueError, match="there are no numbers to take a mean of") as caught:
        tg.standardize(np.zeros(shape), axis)
    assert korean(caught.value)


def test_an_axis_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="standardize") as caught:
        tg.standardize([1.0, 2.0], 1)
    assert korean(caught.value)


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1)])
def test_a_batch_with_one_number_per_channel_is_refused(shape):
    with pytest.raises(ValueError, match=r"one number per channel.*eval\(\)") as caught:
        tg.batch_norm(np.ones(shape), np.ones(3), np.zeros(3))
    assert korean(caught.value)


@pytest.mark.parametrize(
    ("norm", "x", "gamma", "beta"),
    [
        (tg.layer_norm, (4, 3), (4,), (3,)),
        (tg.layer_norm, (4, 3), (3,), (1,)),
        (tg.layer_norm, (4, 3), (), (3,)),
        (tg.layer_norm, (), (1,), (1,)),
        (tg.batch_norm, (4, 3), (4,), (4,)),
        (tg.batch_norm, (4, 3, 5, 5), (5,), (5,)),
        (tg.batch_norm, (4, 3), (3,), (3, 1)),
        (tg.batch_norm, (3,), (3,), (3,)),
        (tg.batch_norm, (0, 3), (3,), (3,)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(norm, x, gamma, beta):
    with pytest.raises(ValueError, match=rf"{norm.__name__}|standardize") as caught:
        norm(np.ones(x), np.ones(gamma), np.ones(beta))
    assert korean(caught.value)
