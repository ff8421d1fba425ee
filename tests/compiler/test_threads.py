"""Threads: a compiled function may be called by many at once, and nobody meets an array that is being traced."""

from threading import Barrier, Event, Thread
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import nn
from tinygrad_ko.compiler.tracing.symbols import Symbol

X = np.random.default_rng(5).normal(size=(6, 3))


def in_threads(*functions):
    """What functions return that run at the same time, or the errors that they raise."""
    found: list[Any] = [None] * len(functions)
    barrier = Barrier(len(functions))

    def run(i, function):
        barrier.wait()
        try:
            found[i] = function()
        except Exception as error:
            found[i] = error

    threads = [Thread(target=run, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_first_calls_of_many_threads_make_one_program_for_each_shape():
    model = nn.Sequential(nn.Affine(3, 4, rng=0), nn.Tanh())
    compiled = tg.compile(model)
    batches = [X[: 1 + i % 3] for i in range(8)]
    with tg.no_grad():
        expected = [model(batch).numpy() for batch in batches]

    def call(batch):
        with tg.no_grad():
            return [compiled(batch).numpy() for _ in range(20)]

    for results, right in zip(
        in_threads(*[lambda batch=batch: call(batch) for batch in batches]), expected, strict=True
    ):
        assert all(np.array_equal(result, right) for result in results)
    assert repr(compiled) == "<compiled Sequential(x): 3 programs>"


def test_gradients_of_many_threads_are_added_up():
    model, one = nn.Affine(3, 4, rng=0), nn.Affine(3, 4, rng=0)
    compiled = tg.compile(model)
    in_threads(*[lambda: [tg.sum(compiled(X) ** 2).backward() for _ in range(5)]] * 4)
    tg.sum(one(X) ** 2).backward()
    total: Any = one.W.grad
    np.testing.assert_allclose(np.asarray(model.W.grad), 20 * total, rtol=1e-12)


def test_another_thread_never_computes_with_what_is_traced():
    model, inside, done = nn.Affine(3, 4, rng=0), Event(), Event()
    right = model(X).detach().numpy()

    def f(x):
        y = model(x)
        inside.set()
        done.wait(10)
        return y

    def eager():
        inside.wait(10)
        found = []
        for use in (lambda: model(X), lambda: model.W * 2, lambda: model.W.data * 2, lambda: model.W.numpy()):
            try:
                found.append(use())
            except (RuntimeError, TypeError) as error:
                found.append(str(error))
        done.set()
        return found

    traced, found = in_threads(lambda: tg.compile(f)(X), eager)
    assert np.array_equal(traced.detach().numpy(), right)
    assert all("traced" in x for x in found)
    assert found[0].endswith("call the compiled function once before other threads use the model")
    assert np.array_equal(model(X).detach().numpy(), right)
    assert not isinstance(model.W.data, Symbol)


def test_a_compiled_function_waits_for_a_trace():
    model, inside, done = nn.Affine(3, 4, rng=0), Event(), Event()
    ready = tg.compile(model)
    right = ready(X).detach().numpy()

    def f(x):
        inside.set()
        done.wait(0.05)  # as long as this is traced the other one waits
        return model(x)

    def other():
        inside.wait(10)
        return ready(X).detach().numpy()

    traced, found = in_threads(lambda: tg.compile(f)(X).detach().numpy(), other)
    assert np.array_equal(found, right)
    assert np.array_equal(traced, right)


def test_a_trace_is_of_one_thread_alone():
    """A function that computes in threads of its own cannot be followed."""

    def f(x):
        (found,) = in_threads(lambda: np.sin(x))
        if isinstance(found, Exception):
            raise found
        return found

    with pytest.raises(RuntimeError, match="being traced in another thread"):
        tg.compile(f)(X)
