"""Taking parts and putting them back."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import SEEDS, SHAPES, Row, draw_array, real
from tinygrad_ko.ops import indexing


@st.composite
def an_index(draw, size):
    """Basic indices, integer arrays (with repeats), boolean masks."""
    kind = draw(st.sampled_from(["basic", "integers", "mask"]))
    if kind == "basic" or not size or 0 in size:
        return draw(hnp.basic_indices(size, allow_newaxis=True, allow_ellipsis=True))
    if kind == "mask":
        return np.random.default_rng(draw(SEEDS)).random(size) < 0.5
    return draw(hnp.integer_array_indices(size, result_shape=hnp.array_shapes(max_dims=2, max_side=4)))


@st.composite
def indexed(draw):
    x = draw_array(draw, SHAPES, real)
    return (x,), {"index": draw(an_index(x.shape))}


@st.composite
def scattered(draw):
    size = draw(SHAPES)
    index = draw(an_index(size))
    return (draw_array(draw, st.just(np.zeros(size)[index].shape), real),), {"shape": size, "index": index}


@st.composite
def placed(draw):
    """x, and values that broadcast to what an index takes of it, perhaps with axes of length 1 in front."""
    (x, values), options = draw(added())
    wide = not isinstance(options["index"], np.ndarray) and values.shape == x[options["index"]].shape and values.ndim
    return (x, values[(None,) * draw(st.integers(0, 2))] if wide else values), options


def placed_by_hand(x, values, index):
    out, last = x.copy(), np.full(x.shape, -1)
    full = np.broadcast_to(values, (1,) * (values.ndim - x[index].ndim) + x[index].shape)
    last[index] = np.arange(full.size).reshape(x[index].shape)
    out[last >= 0] = full.reshape(-1)[last[last >= 0]]
    return out


def scatter_by_hand(values, shape, index):
    out = np.zeros(shape)
    np.add.at(out, index, values)
    return out


@st.composite
def added(draw):
    """x, and values that broadcast to what an index takes of it."""
    x = draw_array(draw, SHAPES, real)
    index = draw(an_index(x.shape))
    full = x[index].shape
    few = tuple(1 if draw(st.booleans()) else n for n in full)[draw(st.integers(0, len(full))) :]
    return (x, draw_array(draw, st.just(few), real)), {"index": index}


@st.composite
def added_in_rows(draw):
    """The same as users write it, with row numbers."""
    x = draw_array(draw, TABLES, real)
    ids = draw(some_of(x.shape[0]))
    return (x, ids, draw_array(draw, st.just((*ids.shape, *x.shape[1:])), real)), {}


def added_by_hand(x, values, index):
    out = x.copy()
    np.add.at(out, index, np.broadcast_to(values, x[index].shape))
    return out


TABLES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)


def some_of(n, low=None):
    """Indices of any shape, with repeats, negative ones among them."""
    elements = st.integers(-n if low is None else low, n - 1)
    return hnp.arrays(np.int64, hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=4), elements=elements)


@st.composite
def taken(draw):
    x = draw_array(draw, TABLES, real)
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    options = {"axis": axis} if x.ndim > 1 or draw(st.booleans()) else {}
    return (x, draw(some_of(x.shape[axis]))), options


@st.composite
def along_an_axis(draw):
    x = draw_array(draw, TABLES, real)
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    n = x.shape[axis]
    size = [1 if draw(st.integers(0, 3)) == 0 else m for m in x.shape]
    size[axis] = draw(st.integers(0, 4))
    return (x, draw(hnp.arrays(np.int64, tuple(size), elements=st.integers(-n, n - 1)))), {"axis": axis}


@st.composite
def looked_up(draw):
    W = draw_array(draw, TABLES, real)
    return (W, draw(some_of(W.shape[0], 0))), {}


GRID = np.array([[0.7, 1.9, 3.1], [2.3, 0.4, 1.1]])
ADDED: Any = (((GRID, -(GRID[:, ::-1] ** 2)), {"index": np.array([1, 1])}),)
PLACED: Any = (
    ((GRID, -(GRID[:, ::-1] ** 2)), {"index": np.array([1, 1])}),
    ((GRID, GRID[None, :1] ** 2), {"index": 1}),
)


ROWS: dict[Callable[..., Any], Row] = {
    indexing.getitem: Row(indexed(), lambda x, index: x[index]),
    indexing.scatter: Row(scattered(), scatter_by_hand),
    indexing.setitem: Row(placed(), placed_by_hand, PLACED),
    indexing.with_added: Row(added(), added_by_hand, ADDED),
    indexing.scatter_add: Row(added_in_rows(), lambda x, index, values: added_by_hand(x, values, index)),
    indexing.take: Row(taken(), np.take),
    indexing.take_along_axis: Row(along_an_axis(), np.take_along_axis),
    indexing.embedding: Row(looked_up(), lambda W, ids: W[ids]),
}

EQUIVALENT: dict[str, dict[str, str]] = {
    "getitem": {
        "getitem.x: one branch alone: in scatter_gradient: return scatter(g, shape=shape, index=index)": "only dearer",
        "getitem.x: one branch alone: in scatter_gradient: return IndexedGradient(g, index)": "adding in place is recorded",
    },
    "setitem": {
        "setitem.x: mean for sum: the mean of the result along stretched axes": "only the values are ever stretched",
        "setitem.values: ignored cotangent: in _gradient_of_values: part = where(stays(g * 0 + 1, index), part, 0.0)": "only the shape "
        "of g counts there",
        "setitem.values: one branch alone: in _gradient_of_values: return reshape(part, (1,) * len(shape) + part.shape)": "only dearer",
    },
    "with_added": {
        "scatter_add.x: mean for sum: the mean of the result along stretched axes": "only the values are ever stretched",
    },
}
