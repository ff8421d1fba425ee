import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_ko.data import minibatches, sample_minibatch

LENGTHS, SIZES, SEEDS = st.integers(1, 40), st.integers(1, 50), st.integers(0, 2**32 - 1)


def pairs(n):
    """Rows of x that say their own number, and the number again as t."""
    t = np.arange(n)
    return np.stack([t, -t], axis=1).astype(np.float32), t


@given(n=LENGTHS, size=SIZES, seed=SEEDS)
def test_an_epoch_shows_every_example_once_and_keeps_pairs_together(n, size, seed):
    x, t = pairs(n)
    batches = list(minibatches(x, t, size, seed))
    assert [len(xb) for xb, _ in batches] == [size] * (n // size) + [n % size] * (n % size > 0)
    assert sorted(np.concatenate([tb for _, tb in batches])) == list(range(n))
    for xb, tb in batches:
        np.testing.assert_array_equal(xb, x[tb])
        assert (xb.dtype, tb.dtype) == (x.dtype, t.dtype)


@given(n=LENGTHS, size=SIZES, seed=SEEDS)
def test_drop_last_drops_the_smaller_batch_and_nothing_else(n, size, seed):
    x, t = pairs(n)
    if size > n:
        with pytest.raises(ValueError, match=f"drop_last leaves nothing: batch_size {size} exceeds the {n}"):
            minibatches(x, t, size, seed, drop_last=True)
        return
    whole, full = (list(minibatches(x, t, size, seed, drop_last=drop)) for drop in (False, True))
    assert len(full) == n // size
    for (_, a), (_, b) in zip(whole, full, strict=False):
        np.testing.assert_array_equal(a, b)


@given(n=LENGTHS, size=SIZES, seed=SEEDS)
def test_none_obeys_np_random_seed(n, size, seed):
    x, t = pairs(n)
    np.random.seed(seed)
    epoch = minibatches(x, t, size)
    np.random.random()  # the order was drawn at the call, so this does not matter
    got = np.concatenate([tb for _, tb in epoch])
    np.random.seed(seed)
    np.testing.assert_array_equal(got, np.random.permutation(n))


@given(n=LENGTHS, size=SIZES, seed=SEEDS)
def test_sample_is_the_choice_of_the_book(n, size, seed):
    x, t = pairs(n)
    np.random.seed(seed)
    xb, tb = sample_minibatch(x, t, size)
    after = np.random.random()
    np.random.seed(seed)
    mask = np.random.choice(n, size)
    np.testing.assert_array_equal(xb, x[mask])
    np.testing.assert_array_equal(tb, t[mask])
    assert after == np.random.random()


@given(n=LENGTHS, size=SIZES, seed=SEEDS)
def test_a_seed_repeats_and_a_generator_goes_on(n, size, seed):
    x, t = pairs(n)
    for draw in (
        lambda rng: np.concatenate([tb for _, tb in minibatches(x, t, size, rng)]),
        lambda rng: sample_minibatch(x, t, size, rng)[1],
    ):
        rng = np.random.default_rng(seed)
        first = draw(rng)
        np.testing.assert_array_equal(draw(seed), first)
        np.testing.assert_array_equal(draw(seed), first)
        assert rng.bit_generator.state != np.random.default_rng(seed).bit_generator.state or n == 1


def test_a_generator_shuffles_each_epoch_anew():
    x, t = pairs(100)
    rng = np.random.default_rng(0)
    first, second = ([tb.tolist() for _, tb in minibatches(x, t, 10, rng)] for _ in range(2))
    assert first != second


def test_samples_repeat_examples():
    x, t = pairs(3)
    assert len(sample_minibatch(x, t, 100, 0)[1]) == 100
    assert set(sample_minibatch(x, t, 100, 0)[1]) == {0, 1, 2}


@pytest.mark.parametrize("draw", [sample_minibatch, lambda *a, **k: next(minibatches(*a, **k))])
def test_a_batch_is_a_copy_and_other_sequences_become_arrays(draw):
    x, t = pairs(5)
    xb, tb = draw(x, t, 5, 0)
    xb += 1
    tb += 1
    np.testing.assert_array_equal(x, pairs(5)[0])
    np.testing.assert_array_equal(t, pairs(5)[1])
    xb, tb = draw([[10.0], [11.0]], range(2), 2, 0)
    np.testing.assert_array_equal(xb[:, 0], tb + 10)


@pytest.mark.parametrize(
    ("x", "t", "size", "error", "message"),
    [
        (np.ones(3), np.ones(4), 1, ValueError, "same length, got 3 and 4"),
        (np.ones((0, 2)), np.ones(0), 1, ValueError, "empty"),
        (np.float64(1), np.ones(1), 1, ValueError, "axis of examples"),
        (np.ones(1), 1, 1, ValueError, "axis of examples"),
        (np.ones(3), np.ones(3), 0, ValueError, "at least 1, got 0"),
        (np.ones(3), np.ones(3), -2, ValueError, "at least 1, got -2"),
        (np.ones(3), np.ones(3), 1.0, TypeError, "batch_size must be an int, got float"),
        (np.ones(3), np.ones(3), "1", TypeError, "batch_size must be an int, got str"),
        (np.ones(3), np.ones(3), True, TypeError, "batch_size must be an int, got bool"),
        (np.ones(3), np.ones(3), None, TypeError, "batch_size must be an int, got NoneType"),
    ],
)
@pytest.mark.parametrize("draw", [minibatches, sample_minibatch])
def test_bad_input_is_refused_at_the_call(draw, x, t, size, error, message):
    with pytest.raises(error, match=message) as caught:
        draw(x, t, size)
    given = message.partition("got ")[2].replace(" and", ",")
    assert caught.value.__notes__[0].endswith(given or ".")


@pytest.mark.parametrize("draw", [minibatches, sample_minibatch])
def test_a_wrong_rng_is_refused_at_the_call(draw):
    with pytest.raises(TypeError, match="rng must be"):
        draw(np.ones(3), np.ones(3), 1, "seed")


@pytest.mark.parametrize("draw", [minibatches, sample_minibatch])
def test_bad_input_consumes_no_randomness(draw):
    np.random.seed(0)
    with pytest.raises(ValueError, match="at least 1"):
        draw(np.ones(3), np.ones(3), 0)
    after = np.random.random()
    np.random.seed(0)
    assert after == np.random.random()


def test_numpy_integers_are_integers():
    for size in np.array([2], dtype=np.uint8):
        assert len(sample_minibatch(np.ones(3), np.ones(3), size)[0]) == 2
        assert [len(x) for x, _ in minibatches(np.ones(3), np.ones(3), size)] == [2, 1]


def test_drop_last_is_given_by_name():
    assert inspect.signature(minibatches).parameters["drop_last"].kind is inspect.Parameter.KEYWORD_ONLY
