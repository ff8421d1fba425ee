"""Random numbers, clocks, and changes that a program cannot make: the same as in eager, or refused, and nothing is left behind."""

import functools
import itertools
import random
import time
import types
from collections import deque
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import nn

Compiled: Any = tg.compile
X = np.random.default_rng(7).normal(size=(6, 4))


def test_dropout_draws_what_eager_draws():
    def made(rng):
        model = nn.Sequential(nn.Affine(4, 50, rng=0), nn.Dropout(0.5, rng=rng))
        return model, lambda x: tg.sum(model(x))

    for rng in (None, 3):
        (_, f), (model, g) = made(rng), made(rng)
        compiled = Compiled(g)
        np.random.seed(1)
        wanted = [f(X).item() for _ in range(3)]
        after = np.random.random()
        np.random.seed(1)
        assert [compiled(X).item() for _ in range(3)] == wanted
        assert np.random.random() == after
        model.eval()
        assert compiled(X).item() == g(X).item()


def test_a_generator_that_the_function_holds():
    def made():
        rng, data = np.random.default_rng(2), np.arange(20.0)

        def f(x):
            batch = data[rng.integers(0, 20, 4)]
            noise = rng.normal(size=4) * rng.random()
            return x + batch + noise + rng.permutation(4)

        return f

    f, compiled = made(), Compiled(made())
    for _ in range(3):
        assert np.array_equal(compiled(np.ones(4)), f(np.ones(4)))


def test_a_seed_draws_the_same_at_every_call():
    def f(x):
        return tg.dropout(x, 0.5, rng=3)

    compiled = Compiled(f)
    assert [compiled(np.ones(8)).tolist() for _ in range(2)] == [f(np.ones(8)).tolist()] * 2


def drawn_past(x):
    return x * np.random.rand()


def drawn_by_python(x):
    return x * random.random()


def of_a_fresh_generator(x):
    return x * np.random.default_rng().random(2)


def of_a_clock(x):
    return x * time.perf_counter()


ITERATOR = itertools.count(1)


def of_an_iterator(x):
    return x * next(ITERATOR)


def returned_from_a_clock(x):
    return x + 1, time.perf_counter()


@pytest.mark.parametrize(
    "f", [drawn_past, drawn_by_python, of_a_fresh_generator, of_a_clock, of_an_iterator, returned_from_a_clock]
)
def test_what_is_another_at_every_call_is_refused(f):
    before = np.random.get_state(legacy=False)["state"]["pos"], random.getstate()
    with pytest.raises(TypeError, match="compile: ") as refusal:
        Compiled(f)(np.ones(2))
    assert before == (np.random.get_state(legacy=False)["state"]["pos"], random.getstate())
    if f in (of_a_clock, of_a_fresh_generator, of_an_iterator):
        assert f"test_effects.py:{f.__code__.co_firstlineno + 1}" in str(refusal.value)


# ---------------------------------------------------------------------- what cannot be followed


class Recorder:
    def __init__(self):
        self.losses: list[Any] = []
        self.last, self.queue = None, deque[Any]()


def appended(x, recorder):
    recorder.losses.append(x * 2)
    return x


def kept_in_an_object(x, recorder):
    recorder.last = [object()]
    return x


def kept_as_a_graph(x, recorder):
    recorder.last = tg.Tensor(x, requires_grad=True) * 2
    return x


OUTSIDE: Any = types.ModuleType("json.outside")  # no code of the user's
OUTSIDE.lists = {"losses": []}


def kept_out_of_sight(x, recorder):
    OUTSIDE.lists["losses"].append(x * 2)
    return x


def kept_in_a_deque(x, recorder):
    recorder.queue.append(x * 2)
    return x


@functools.cache
def cached(x):
    return x * 2


def kept_in_a_cache(x, recorder):
    return cached(x)


def frozen(x, recorder):
    recorder.w.requires_grad = False
    return x * recorder.w


@pytest.mark.parametrize(
    "f", [appended, kept_in_an_object, kept_as_a_graph, kept_out_of_sight, kept_in_a_deque, kept_in_a_cache, frozen]
)
def test_a_change_that_cannot_be_made_is_refused_and_nothing_is_left(f):
    recorder: Any = Recorder()
    recorder.w = tg.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match="compile: "):
        Compiled(lambda x: f(x, recorder))(np.ones(2))
    assert recorder.losses == []
    assert recorder.last is None
    assert recorder.w.requires_grad
    assert recorder.w.data.tolist() == [1.0, 2.0]
    assert not recorder.queue
    OUTSIDE.lists["losses"].clear()
    cached.cache_clear()
