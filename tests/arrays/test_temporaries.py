"""Work in blocks gives the bits that work on the whole array gives, without temporaries as large as the array."""

import tracemalloc
from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tinygrad_ko.arrays import temporaries
from tinygrad_ko.arrays.temporaries import in_blocks, onto

SIZES: list[int] = []  # of the blocks that `both` was given


@in_blocks
def both(xp, x, *, factor=2):
    """Two results, of which one has a dtype of its own."""
    SIZES.append(x.size)
    return factor * x, x > 0


@given(hnp.array_shapes(min_dims=0, max_dims=3, max_side=9), st.sampled_from("CFTSR"), st.data())
def test_the_results_are_those_of_the_whole_array(shape, layout, data):
    x = np.random.default_rng(data.draw(st.integers(0, 99))).normal(size=shape)
    layouts = {
        "C": lambda: x,
        "F": lambda: np.asfortranarray(x),
        "T": lambda: x.T,
        "S": lambda: np.repeat(x[..., None], 2, axis=-1)[..., 0],  # with gaps
        "R": lambda: np.flip(x),  # backwards
    }
    x = layouts[layout]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(temporaries, "_BLOCK", 8 * data.draw(st.integers(1, 40)))
        SIZES.clear()
        one, other = both(np, x, factor=3)
        assert all(8 * size <= max(temporaries._BLOCK, 8) for size in SIZES)
    np.testing.assert_array_equal(one, 3 * x, strict=True)
    np.testing.assert_array_equal(other, x > 0, strict=True)


def test_only_large_arrays_of_numpy_are_divided(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(temporaries, "_BLOCK", 80)
    SIZES.clear()
    for xp, x in (
        (np, np.ones(10)),
        (np, np.ones(11)),
        (array_api_strict, array_api_strict.ones(11)),
        (np, np.ones(())),
    ):
        both(xp, x)
    assert SIZES == [10, 10, 1, 11, 1]


def test_onto_writes_over_an_array_of_numpys_alone():
    spent = np.array([1.0, 4.0])
    assert onto(spent, np.sqrt, spent) is spent
    assert spent.tolist() == [1, 2]
    assert onto(np.float64(4), np.sqrt, np.float64(4)) == 2
    other: Any = array_api_strict.asarray([1.0, 4.0])
    assert onto(other, array_api_strict.sqrt, other)[1] == 2
    assert other[1] == 4


@pytest.mark.parametrize(("f", "results"), [(tg.erf, 1), (tg.erfc, 1), (tg.gelu, 2)], ids=["erf", "erfc", "gelu"])
def test_no_temporary_is_as_large_as_a_large_array(f, results):
    x = np.random.default_rng(0).normal(size=1_000_000).astype(np.float32)
    f(x[:100_000])
    tracemalloc.start()
    try:
        f(x)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < (results + 0.8) * x.nbytes  # what there must be, and the temporaries of a block


ELEMENTWISE = [
    "erf",
    "erfc",
    "gelu",
    "sigmoid",
    "silu",
    "elu",
    "selu",
    "relu",
    "leaky_relu",
    "hardsigmoid",
    "softplus",
    "mish",
    "sign",
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_large_array_has_the_values_and_slopes_of_its_elements(name, dtype):
    """Whatever is quick for many elements: to the last bit, also at infinities, zeros, NaN and the smallest numbers."""
    f, limits = getattr(tg, name), np.finfo(dtype)
    ends = [
        np.nan,
        np.inf,
        -0.0,
        0.0,
        limits.max,
        limits.tiny,
        limits.smallest_subnormal,
        1,
        2,
        3,
        3.0000001,
        20,
        40,
        700,
    ]
    x = np.concatenate([np.random.default_rng(0).normal(size=2500), ends, np.negative(ends)]).astype(dtype)
    with np.errstate(all="ignore"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(temporaries, "_BLOCK", 1000 * x.itemsize)
        many = value_and_slope(f, x)
        few = [value_and_slope(f, part) for part in np.array_split(x, 40)]
    for one, parts in zip(many, zip(*few, strict=True), strict=True):
        expected = np.concatenate(parts)
        np.testing.assert_array_equal(one, expected, strict=True)
        np.testing.assert_array_equal(np.signbit(one)[one == 0], np.signbit(expected)[expected == 0])


def value_and_slope(f, points):
    x: Any = tg.Tensor(points, requires_grad=True)
    y = f(x)
    y.backward(np.ones_like(points))
    return y.numpy(), x.grad
