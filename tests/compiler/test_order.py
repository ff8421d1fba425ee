"""The order of a program: what is done beside (checks, draws) is done once, and in the order of the function."""

import numpy as np
import pytest

import tinygrad_ko as tg

LARGE = 200_000  # numbers, which are worked on in blocks


def drawn(function, x):
    """What a function of an array and a generator gives, compiled and eager, and where it leaves the stream."""
    answers = []
    for change in (tg.compile, lambda f: f):
        rng = np.random.default_rng(0)
        f = change(lambda x, rng=rng: function(x, rng))
        answers.append((*f(x), *f(x), rng.random()))
    return answers


def two_draws(x, rng):
    a = x * 2 + 1
    total = tg.sum(a.reshape(-1))
    few, many = rng.random(3), rng.random(LARGE)
    return total * 0, few, a * many


def a_draw_between_loops(x, rng):
    a = x * 2 + 1
    few = rng.normal(a[:3])
    many = rng.random(LARGE)
    return few, a * many + 1


def three_draws_in_one_expression(x, rng):
    return (x[:4] * rng.random(4) + (1 - (rng.random(4) > 0.5)) * (rng.random(4) - x[:4]),)


@pytest.mark.parametrize("function", [two_draws, a_draw_between_loops, three_draws_in_one_expression])
def test_draws_are_made_in_the_order_of_the_function(function):
    compiled, eager = drawn(function, np.linspace(0, 1, LARGE))
    assert all(map(np.array_equal, compiled, eager))


def test_a_check_stays_when_what_it_checks_is_simplified():
    @tg.compile
    def loss(scores, t):
        return tg.softmax_cross_entropy(scores, (t * 1.0).astype(int))

    scores = np.array([[1.0, 2.0], [3.0, 4.0]])
    loss(scores, np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match="label -1 at position 1 is not one of the 2 classes"):
        loss(scores, np.array([0.0, -1.0]))  # as an index it would be one
