import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_ko.state.randomness import generator

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.tuples(st.integers(0, 4), st.integers(0, 4))


@given(seed=SEEDS, shape=SHAPES, n=st.integers(1, 50), size=st.integers(0, 20))
def test_none_draws_what_numpy_random_draws(seed, shape, n, size):
    np.random.seed(seed)
    random = generator(None)
    ours = random.standard_normal(shape), random.random(shape), random.permutation(n), random.choice(n, size)
    np.random.seed(seed)
    theirs = (
        np.random.randn(*shape),
        np.random.rand(*shape),
        np.random.permutation(n),
        np.random.choice(n, size),
    )
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.random.random() == _next_after(seed, shape, n, size)  # and consumes as much


def _next_after(seed, shape, n, size):
    np.random.seed(seed)
    np.random.randn(*shape)
    np.random.rand(*shape)
    np.random.permutation(n)
    np.random.choice(n, size)
    return np.random.random()


def test_none_shares_the_second_normal_that_numpy_keeps_back():
    np.random.seed(7)
    expected = np.random.randn(2)
    np.random.seed(7)
    first = np.random.randn()  # legacy normals come in pairs: the second waits in the global state
    assert [first, *generator(None).standard_normal((1,))] == list(expected)


@given(seed=SEEDS, shape=SHAPES)
def test_an_int_is_a_seed(seed, shape):
    np.random.seed(0)
    expected = np.random.default_rng(seed).standard_normal(shape)
    for rng in (seed, *np.array([seed])):  # the second is a NumPy integer
        np.testing.assert_array_equal(generator(rng).standard_normal(shape), expected)
    after = np.random.random()
    np.random.seed(0)
    assert after == np.random.random()  # the global stream was left alone


def test_a_generator_is_used_as_given():
    rng = np.random.default_rng(0)
    assert generator(rng) is rng


@pytest.mark.parametrize("rng", ["0", 1.0, True, np.True_, [1], np.random.RandomState(0), np.random])
def test_other_types_are_refused(rng):
    with pytest.raises(TypeError, match=rf"rng must be .* got {type(rng).__name__}") as caught:
        generator(rng)
    assert "Generator" in caught.value.__notes__[0]


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        generator(-1)
