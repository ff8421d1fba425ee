"""Adding at an index, held against np.add.at, and reading at one, whatever the index, the dtype, the layout and the library."""

import tracemalloc
from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_ko.arrays import indexing as index
from tinygrad_ko.arrays.indexing import IndexedGradient, add_at, taken

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6)
FLOATS = [np.float64, np.float32, np.float16, np.longdouble, np.dtype(">f8")]


@st.composite
def indices(draw: Any, shape: tuple[int, ...]) -> Any:
    """Anything NumPy takes: a part for each of the first axes, with None and ... among them, or a mask."""
    rng = np.random.default_rng(draw(SEEDS))
    if draw(st.integers(0, 5)) == 0:
        return rng.random(shape[: draw(st.integers(1, len(shape)))]) < 0.5
    common = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=9))
    parts: list[Any] = []
    for n in shape[: draw(st.integers(1, len(shape)))]:
        kind = draw(
            st.sampled_from(["array", "array", "whole", "slice", "integer", "list"] if n else ["none", "whole"])
        )
        size = tuple(1 if draw(st.integers(0, 4)) == 0 else m for m in common)
        some: Any = rng.integers(-n if draw(st.booleans()) else 0, n, size) if n else np.zeros(0, int)
        parts.append(
            {
                "array": some.astype(draw(st.sampled_from([np.int64, np.int32, np.int8]))),
                "none": np.zeros((*common[:-1], 0), int),
                "whole": slice(None),
                "slice": draw(st.slices(n)),
                "integer": draw(st.sampled_from([int, np.int64]))(rng.integers(-n, n)) if n else 0,
                "list": some.tolist() if some.ndim else [int(some)],
            }[kind]
        )
    if draw(st.integers(0, 3)) == 0:
        parts.insert(draw(st.integers(0, len(parts))), draw(st.sampled_from([None, ...])))
    return parts[0] if len(parts) == 1 and draw(st.booleans()) else tuple(parts)


LAYOUTS: dict[str, Any] = {
    "C": lambda a: a,
    "F": lambda a: np.asarray(a, order="F"),
    "every second": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
    "backwards": lambda a: a[::-1].copy()[::-1] if a.ndim else a,
}


def numbers(rng: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Whole numbers: their sums are exact in every dtype, in whatever order."""
    return np.asarray(rng.integers(-4, 5, shape)).astype(dtype)


@given(st.data(), SEEDS)
def test_add_at_is_numpys(data: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dtype = data.draw(st.sampled_from([*FLOATS, np.int64, np.int8]))
    shape = data.draw(SHAPES)
    index = data.draw(indices(shape))
    total = LAYOUTS[data.draw(st.sampled_from([*LAYOUTS]))](numbers(rng, shape, dtype))
    try:
        full = total[index].shape
    except IndexError:  # too many parts, or arrays that do not broadcast: reading refuses it
        return
    few = tuple(1 if data.draw(st.integers(0, 5)) == 0 else n for n in full)[data.draw(st.integers(0, len(full))) :]
    values = LAYOUTS[data.draw(st.sampled_from([*LAYOUTS]))](numbers(rng, few, dtype))
    if data.draw(st.booleans()):
        values = np.broadcast_to(values, full)
    expected = total.copy()
    np.add.at(expected, index, np.broadcast_to(values, full))  # broadcast, because NumPy itself does it wrong at times
    add_at(total, index, values)
    np.testing.assert_array_equal(total, expected, strict=True)


ROWS: list[Any] = [
    [0, 0, -1],
    ([0, 0, -2], [1, 1, -3]),
    ([[0], [-1]], [1, 1, -3]),
    (0, [-1, -1]),
    (slice(None), [1, -1, 1]),
    (slice(None), slice(None), [1, -1, 1]),
    (..., [1, -1, 1]),
    ([2, -1, 2], ...),
    (slice(None), [2, -2, 2], slice(None)),
    (slice(1, 3), [0, 0, -1]),
    ([0, 0, -1], slice(1, 3)),
    ([0, 0, -1], slice(None), [1, 1, -1]),
    ([0, 0, -1], None, [1, 1, -1]),
    ([0, 0, -1], slice(None), slice(None), [1, 1, -1]),
    (slice(1, 3), []),
    (True, [0, 0, -1]),
    ([0, 0, -1], True),
    (np.True_, 1, [0, 0, -1]),
    np.array(-1),
    np.array([True, False, True, False, True]),
    (slice(None), np.array([False, True, True, False])),
]


@pytest.mark.parametrize("index", ROWS, ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_repeats_add_up_in_every_layout(index: Any, dtype: Any, layout: str) -> None:
    rng = np.random.default_rng(0)
    for shape in ((5, 4, 6, 4), (5, 4, 3, 2), (5, 4, 3, 3)):
        start = numbers(rng, shape, dtype)
        full = numbers(rng, start[index].shape, dtype)
        for values in (LAYOUTS[layout](full), np.broadcast_to(full[..., :1], full.shape), dtype(3)):
            expected = start.copy()
            np.add.at(expected, index, values)
            for total in (start.copy(), LAYOUTS[layout](start).copy(order="K")):
                add_at(total, index, values)
                np.testing.assert_array_equal(total, expected, strict=True)


@pytest.mark.parametrize(
    "index", [([0, 0, -1],), (..., [0, 0, -1]), ([0, 0, -1], ...), (None, [0, 0, -1]), (True, [0, 0, -1])]
)
def test_repeats_add_up_in_one_axis(index: Any) -> None:
    total = np.zeros(3)
    add_at(total, index, 2)
    assert total.tolist() == [4, 0, 2]


@pytest.mark.parametrize("array", [np.array, array_api_strict.asarray])
def test_an_index_may_be_an_array_of_any_library(array: Any) -> None:
    total, index = array([1.0, 2.0, 3.0]), array_api_strict.asarray([0, 0, 2])
    add_at(total, index, array([10.0, 20.0, 30.0]))
    assert np.asarray(total).tolist() == [31, 2, 33]
    assert np.asarray(taken(total, index)).tolist() == [31, 31, 33]


@pytest.mark.parametrize("index", ROWS, ids=str)
def test_what_an_index_takes(index: Any) -> None:
    parts = index if isinstance(index, tuple) else (index,)
    arrays = tuple(np.asarray(part, np.intp) if isinstance(part, list) else part for part in parts)
    x = np.random.default_rng(0).normal(size=(5, 4, 6, 4))
    elsewhere = array_api_strict.asarray(x)
    for same in (index, arrays, arrays[0] if len(arrays) == 1 else arrays):
        np.testing.assert_array_equal(taken(x, same), x[arrays], strict=True)
        np.testing.assert_array_equal(np.asarray(taken(elsewhere, same)), x[arrays], strict=True)


@given(st.data(), SEEDS)
def test_taken_is_numpys_indexing_in_every_library(data: Any, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=data.draw(SHAPES))
    index = data.draw(indices(x.shape))
    try:
        expected = x[index]
    except IndexError:
        for array in (x, array_api_strict.asarray(x)):
            with pytest.raises((IndexError, ValueError)):
                taken(array, index)
        return
    np.testing.assert_array_equal(taken(x, index), expected, strict=True)
    elsewhere = taken(array_api_strict.asarray(x), index)
    assert elsewhere.shape == expected.shape
    np.testing.assert_array_equal(np.asarray(elsewhere), expected)


@given(st.data(), SEEDS)
def test_other_libraries_add_by_sorting(data: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=data.draw(SHAPES))
    index = data.draw(indices(x.shape))
    try:
        values = rng.normal(size=x[index].shape)
    except IndexError:
        return
    total = array_api_strict.asarray(x, copy=True)
    add_at(total, index, array_api_strict.asarray(values))
    np.add.at(x, index, values)
    np.testing.assert_allclose(np.asarray(total), x, rtol=1e-13, atol=1e-13)


BASIC: list[Any] = [0, -1, slice(1, 3), slice(2, 99), (slice(None), -1), (0, slice(None, None, 2)), (None, 1), (..., 1)]


@pytest.mark.parametrize("index", [*ROWS, *BASIC], ids=str)
def test_other_libraries_add_what_numpy_adds(index: Any) -> None:
    rng = np.random.default_rng(0)
    start = numbers(rng, (5, 4, 6, 4), np.float64)
    values, expected = numbers(rng, start[index].shape, np.float64), start.copy()
    np.add.at(expected, index, values)
    for array in (np.array, array_api_strict.asarray):
        total = array(start, copy=True)
        add_at(total, index, array(values))
        np.testing.assert_array_equal(np.asarray(total), expected)


class Basic:
    """An array of a library that knows basic indices alone: with others, libraries do different things."""

    device = None
    __array_namespace__: Any = lambda self: BASIC_LIBRARY

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.shape, self.dtype = self.values.shape, self.values.dtype

    def __getitem__(self, index: Any) -> Any:
        assert not any(isinstance(part, np.ndarray) for part in (index if isinstance(index, tuple) else (index,)))
        return Basic(self.values[index])

    def __setitem__(self, index: Any, values: Any) -> None:
        assert not any(isinstance(part, np.ndarray) for part in (index if isinstance(index, tuple) else (index,)))
        self.values[index] = values.values

    def __add__(self, other: Any) -> Any:
        return Basic(self.values + other.values)


def bare(value: Any) -> Any:
    return [bare(v) for v in value] if isinstance(value, list) else getattr(value, "values", value)


class Library:
    def __getattr__(self, name: str) -> Any:
        return lambda *given, **options: Basic(getattr(np, name)(*map(bare, given), **options))


BASIC_LIBRARY: Any = Library()


@pytest.mark.parametrize("index", [*ROWS, *BASIC], ids=str)
def test_a_library_is_given_basic_indices_alone(index: Any) -> None:
    start = numbers(np.random.default_rng(0), (5, 4, 6, 4), np.float64)
    expected, total, values = start.copy(), Basic(start.copy()), start[index] + 1
    np.testing.assert_array_equal(taken(total, index).values, start[index])
    np.add.at(expected, index, values)
    add_at(total, index, Basic(values))
    np.testing.assert_array_equal(total.values, expected)


def test_a_basic_index_of_another_library_makes_no_array_of_positions() -> None:
    total, table = array_api_strict.zeros(1_000_000), array_api_strict.zeros((1000, 1000))
    tracemalloc.start()
    assert taken(total, slice(3)).shape == taken(total, (None, ..., slice(3)))[0, ...].shape == (3,)
    assert taken(total, 2).shape == taken(total, np.int64(2)).shape == ()
    assert taken(table, 2).shape == taken(table, (..., 2)).shape == (1000,)
    add_at(total, slice(3), array_api_strict.ones(3))
    add_at(total, 2, array_api_strict.ones(()))
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_sum_of_many_at_one_place_keeps_its_digits_in_other_libraries() -> None:
    values = np.full(1000, 0.1, np.float32)
    total = array_api_strict.zeros(2, dtype=array_api_strict.float32)
    add_at(total, np.zeros(1000, int), array_api_strict.asarray(values))
    np.testing.assert_allclose(np.asarray(total), [100, 0], rtol=1e-6)


@pytest.mark.parametrize("shape", [(5, 4), (5, 3), (5,), (5, 2, 3)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_infinities_and_nan_stay_where_they_are(shape: tuple[int, ...], dtype: Any) -> None:
    """Two neighbours are added as one complex number: they must not meet."""
    values = np.ones((3, *shape[1:]), dtype)
    values[0].flat[0], values[1].flat[-1], values[2].flat[0] = np.inf, np.nan, -np.inf
    expected = np.zeros(shape, dtype)
    np.add.at(expected, [1, 2, 3], values)
    total = np.zeros(shape, dtype)
    add_at(total, np.array([1, 2, 3]), values)
    np.testing.assert_array_equal(total, expected)


@pytest.mark.parametrize(
    "index", [np.array([5]), np.array([-6]), (np.array([0]), np.array([4])), (slice(None), [-5]), (0, [[4]])]
)
def test_a_place_that_is_not_there_is_an_index_error(index: Any) -> None:
    total = np.zeros((5, 4))
    with pytest.raises(IndexError, match="out of bounds"):
        add_at(total, index, 1.0)
    assert not total.any()


def test_values_are_not_cut_to_integers() -> None:
    with pytest.raises(TypeError, match="same_kind"):
        add_at(np.zeros(3, int), np.array([0, 0]), np.array([0.5, 0.5]))


@pytest.mark.parametrize("block", [1, 4, 7, 64])
@pytest.mark.parametrize("width", [1, 3, 4])
def test_many_rows_are_added_block_by_block(monkeypatch: pytest.MonkeyPatch, block: int, width: int) -> None:
    monkeypatch.setattr(index, "_BLOCK", block)
    rng = np.random.default_rng(0)
    ids, values = rng.integers(-5, 5, 23), numbers(rng, (23, width), np.float64)
    expected, total = np.zeros((5, width)), np.zeros((5, width))
    np.add.at(expected, ids, values)
    add_at(total, ids, values)
    np.testing.assert_array_equal(total, expected)


def test_an_indexed_gradient_is_zero_outside_its_index() -> None:
    part = IndexedGradient(np.ones(2, np.float32), [0, 0])
    assert (part.shape, part.dtype) == (None, np.float32)
    dense = part.within((3,), np.float64)
    assert (dense.dtype, dense.tolist()) == (np.float64, [2, 0, 0])
    assert part.added_to(dense) is dense
    assert dense.tolist() == [4, 0, 0]
