"""Which arrays are written over: none that is needed, or belongs to somebody else."""

import re
import tracemalloc

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko.arrays.opaque import may_alias, opaque

RNG = np.random.default_rng(0)
SHAPES = [(4, 4), (128, 128)]  # small arrays, and those of which the memory is used again


@may_alias
@opaque
def itself(x):
    """Sometimes an opaque function returns its argument."""
    return x


def scaled_twice(x):
    h = x * 2
    v = h[::-1]
    return (h * 3) + v


def transposed(x):
    h = x + 1
    v = h.T
    h = h * h
    return h - v, v.sum()


def lent(x):
    h = x + 1
    k = itself(h)
    return h * 2 + k, k * k


def written(x):
    h = tg.exp(x).data if isinstance(x, tg.Tensor) else np.exp(x)
    before = h * 1.5
    h[1] = 0.0
    return before + h, h


def several(x):
    h = np.tanh(x)
    return h, h.T, h[0], h * 2


def shared(x):
    h = x * 2
    return [h, h, np.broadcast_to(h[0], h.shape)]


def crossed(x):
    h = x + 1
    k = x * 2
    return h - h.T, k[::-1] * k


def of_inputs(x):
    return x.T, x.reshape(-1), x[1:]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("f", [scaled_twice, transposed, lent, written, several, shared, crossed, of_inputs])
def test_no_array_is_written_over_that_somebody_needs(f, shape):
    x = RNG.random(shape)
    before = x.copy()
    compiled = tg.compile(f)
    expected = f(x.copy())
    got = [compiled(x) for _ in range(3)]
    assert np.array_equal(x, before)
    for results in got:
        for a, b in zip(results, expected, strict=True):
            assert np.array_equal(a, b)
    arrays = [a for results in got if isinstance(results, list | tuple) for a in results if np.ndim(a)]
    for i, a in enumerate(arrays):
        assert a.flags.writeable  # a result belongs to the caller
        assert not any(np.shares_memory(a, b) for b in [x, *arrays[:i], *arrays[i + 1 :]])


def test_a_large_array_that_is_not_needed_any_more_is_written_over():
    def f(x, y):
        return np.tanh((x - y) @ x) * 2 + y

    x, y = RNG.random((2, 128, 128))
    compiled = tg.compile(f)
    assert np.array_equal(compiled(x, y), f(x, y))
    assert len(re.findall(r"^    \w+ = (?!np\.\w+\(.*out=)", compiled.source, re.MULTILINE)) == 2


def chain(x):
    a = tg.tanh(x * 1.5 + 0.25)
    q = tg.square(x * a) + 1
    r = tg.sqrt(q)
    return tg.sum(tg.exp(-(tg.log(r) - x)) / q)


def test_a_call_takes_an_eighth_of_the_memory():
    """Of the eager engine's. Most of it is the gradient, which takes a ninth."""
    x = RNG.standard_normal(4_000_000, np.float32)
    eager = tg.func.grad(chain)
    compiled = tg.compile(eager)
    compiled(x)

    def peak(f):
        tracemalloc.start()
        f(x)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(compiled) <= peak(eager) / 8


def test_numbers_beside_small_arrays_are_made_once():
    def f(x):
        for _ in range(8):
            x = 1.5 - x * 0.0 + -0.0
        return x

    x = np.array([0.5, -0.0, 0.0], np.float32)
    compiled = tg.compile(f)
    got = compiled(x)
    assert np.array_equal(got, f(x))
    assert got.dtype == np.float32
    assert "number = np.array(1.5, np.float32)" in compiled.source
    assert len(re.findall(r"np\.array\(-?0\.0", compiled.source)) == 2  # 0.0 and -0.0 are two


@pytest.mark.parametrize("n", [1, 2, 5])
def test_single_numbers_are_taken_out_of_their_arrays(n):
    def f(x, w):
        for _ in range(n):
            x = np.tanh(x * w + w)
        return x, w

    compiled = tg.compile(f)
    x, w = np.array(0.5), np.array(-1.25)
    assert compiled(x, w) == f(x, w)
    assert all(type(a) is np.ndarray for a in compiled(x, w)[1:])
    assert compiled(np.array(0.25), w) == f(np.array(0.25), w)
    assert "w = w[()]" in compiled.source
