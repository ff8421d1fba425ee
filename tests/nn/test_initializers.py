"""First values: the shape, the spread and the source of the numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_ko.nn import Affine, he, normal, xavier
from tinygrad_ko.state.randomness import generator

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 6))
SPREADS = {
    "normal": (normal(0.3), lambda n: 0.3),
    "xavier": (xavier, lambda n: n**-0.5),
    "he": (he, lambda n: (2 / n) ** 0.5),
}


@pytest.mark.parametrize(("init", "spread"), SPREADS.values(), ids=SPREADS)
@given(seed=SEEDS, shape=SHAPES)
def test_each_is_a_multiple_of_the_books_randn(init, spread, seed, shape):
    np.random.seed(seed)
    expected = spread(shape[0]) * np.random.randn(*shape)
    np.random.seed(seed)
    weights = init(shape, generator(None))
    assert (weights.shape, weights.dtype) == (shape, np.float64)
    np.testing.assert_allclose(weights, expected, rtol=1e-15)


@pytest.mark.parametrize(("init", "spread"), SPREADS.values(), ids=SPREADS)
@pytest.mark.parametrize("inputs", [10, 1000])
def test_the_spread_of_many(init, spread, inputs):
    weights = init((inputs, 200_000 // inputs), generator(0))
    assert weights.std() == pytest.approx(spread(inputs), rel=0.01)  # six standard errors of 200,000 numbers
    assert abs(weights.mean()) < 0.014 * spread(inputs)


@pytest.mark.parametrize("inputs", [20, 500])
def test_what_they_are_for(inputs):
    """Xavier keeps the variance of a linear layer's outputs, he keeps the mean square through a relu."""
    x = np.random.default_rng(1).normal(size=(2000, inputs))
    assert (x @ xavier((inputs, 300), generator(2))).var() == pytest.approx(1, rel=0.1)
    assert np.mean(np.maximum(x @ he((inputs, 300), generator(3)), 0) ** 2) == pytest.approx(1, rel=0.1)


def test_normal_is_a_hundredth_by_default():
    np.testing.assert_array_equal(normal()((2, 2), generator(0)), normal(0.01)((2, 2), generator(0)))


def test_a_function_of_ones_own():
    layer = Affine(2, 3, init=lambda shape, source: np.full(shape, 0.5))
    np.testing.assert_array_equal(layer.W.numpy(), np.full((2, 3), 0.5))
