"""Work in blocks: the same numbers, but for sums over all rows, which are added up block by block."""

import re
from functools import partial

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko.compiler import compilation
from tinygrad_ko.compiler.compiled import Compiled
from tinygrad_ko.compiler.program import blocks

RNG = np.random.default_rng(0)


@pytest.fixture
def small_blocks(monkeypatch):
    """All that can be done in blocks is done in blocks of 64 bytes."""
    monkeypatch.setattr(compilation, "with_loops", partial(blocks.with_loops, large=1, block=64))


def compared(f, *arguments):
    """The source of a function without comments, after a comparison of two calls with it."""
    compiled = Compiled(f)
    expected = f(*arguments)
    first, second = compiled(*arguments), compiled(*arguments)
    for got in (first, second):
        for a, b in zip(got, expected, strict=True):
            assert a.dtype == b.dtype
            if np.ndim(a) == np.ndim(arguments[0]):
                assert np.array_equal(a, b)
            else:
                np.testing.assert_allclose(a, b, rtol=1e-12)
    assert not any(np.shares_memory(a, b) for a in first for b in second)
    return re.sub(r"#.*", "", compiled.source)


@pytest.mark.parametrize("rows", [1, 2, 7, 8, 13, 16, 31])
@pytest.mark.parametrize("tail", [(), (3,), (2, 2)])
@pytest.mark.usefixtures("small_blocks")
def test_blocks_of_any_number_of_rows(rows, tail):
    def f(x, y):
        a = np.tanh(x * y) + 1
        b = np.sqrt(a) * x
        return a - b, b, np.add.reduce(a * b, axis=0), np.add.reduce(b, axis=None)

    source = compared(f, *RNG.random((2, rows, *tail)))
    assert "for start in range" in source
    assert len(re.findall("np.tanh", source)) == 1


@pytest.mark.usefixtures("small_blocks")
def test_what_is_between_has_arrays_that_are_made_once():
    def f(x):
        a = np.exp(x)
        b = a * x
        return (b - np.sin(a) * np.cos(b),)

    source = compared(f, RNG.random(1_000))
    inside = source.partition("for start")[2]
    assert "scratch" in source.partition("for start")[0]
    assert not re.search(r"^ +\w+ = (?!.*(out=|\[start))", inside, re.MULTILINE)


@pytest.mark.usefixtures("small_blocks")
def test_rows_of_reductions_and_of_arrays_that_are_taken_whole():
    def f(x, row, column):
        y = (x - np.maximum.reduce(x, axis=1, keepdims=True)) * row + column
        y = np.exp(y)
        return y / np.add.reduce(y, axis=1, keepdims=True), np.add.reduce(y, axis=0)

    compared(f, RNG.random((12, 5)), RNG.random(5), RNG.random((12, 1)))


@pytest.mark.parametrize(
    "f",
    [
        lambda x, w: (x * w - x, np.sqrt(w / 4) + w, x + 1),
        lambda x, w: (np.sqrt(w / 4) + w, x * w - x, x + 1),
    ],
)
@pytest.mark.usefixtures("small_blocks")
def test_one_array_is_taken_whole_and_in_blocks(f):
    """Where there are as many rows as columns, a list of so many numbers is either."""
    x, w = RNG.random((16, 16)), RNG.random(16)
    compiled = Compiled(f)
    for a, b in zip(compiled(x, w), f(x, w), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.usefixtures("small_blocks")
def test_a_sum_may_have_the_shape_of_a_block():
    def f(x):
        y = np.tanh(x) * 2
        z = np.add.reduce(y, axis=0)
        return y * 3, np.exp(y), z

    compared(f, RNG.random((8, 1, 8)))
    compared(f, RNG.random((8, 8, 1)))


@pytest.mark.usefixtures("small_blocks")
def test_gradients_in_blocks():
    def f(x, w):
        h = tg.sigmoid(x * w) - tg.tanh(x) / (1 + x * x)
        return tg.sum(h * tg.log_softmax(h, axis=1))

    x, w = RNG.random((9, 4)), RNG.random(4)
    eager = tg.func.value_and_grad(f, (0, 1))
    compiled = Compiled(eager)
    (value, gradients), (expected, others) = compiled(x, w), eager(x, w)
    assert "for start in range" in compiled.source
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    assert np.array_equal(gradients[0], others[0])
    np.testing.assert_allclose(gradients[1], others[1], rtol=1e-13)


def test_what_is_smaller_than_the_cache_is_done_at_once():
    compiled = Compiled(lambda x: np.sqrt(np.tanh(x) + 1) * x)
    compiled(RNG.random(10_000))
    assert "for " not in compiled.source
    compiled(RNG.random(100_000))
    assert "for start in range(0, 100000," in compiled.source
