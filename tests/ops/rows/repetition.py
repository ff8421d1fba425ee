"""The same numbers more than once."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import SEEDS, SHAPES, SOLID, Row, draw_array, real
from tinygrad_ko.ops import repetition

SOME = st.integers(0, 3)


def some_counts(rng, length):
    return rng.integers(0, 4, length)


@st.composite
def repeated(draw):
    """By one number, or by a number for each element; along an axis, or flattened."""
    x = draw_array(draw, SHAPES, real)
    axis = draw(st.none() | st.integers(-x.ndim, x.ndim - 1)) if x.ndim else None
    length = x.size if axis is None else x.shape[axis]
    each = some_counts(np.random.default_rng(draw(SEEDS)), length)
    return (x,), {"repeats": draw(SOME | st.sampled_from([each, each.tolist(), [2]])), "axis": axis}


@st.composite
def repeated_all(draw):
    x = draw_array(draw, SHAPES.filter(len), real)
    return (x,), {"n": draw(SOME), "axis": draw(st.integers(0, x.ndim - 1))}


@st.composite
def repeated_each(draw):
    x = draw_array(draw, SHAPES.filter(len), real)
    axis = draw(st.integers(0, x.ndim - 1))
    return (x,), {"times": some_counts(np.random.default_rng(draw(SEEDS)), x.shape[axis]), "axis": axis}


@st.composite
def runs(draw):
    """As many elements along the axis as the runs have together."""
    base = list(draw(SOLID.filter(len)))
    axis = draw(st.integers(0, len(base) - 1))
    times = some_counts(np.random.default_rng(draw(SEEDS)), draw(st.integers(0, 3)))
    base[axis] = int(times.sum())
    return (draw_array(draw, st.just(tuple(base)), real),), {"times": times, "axis": axis}


def runs_by_hand(x, times, axis):
    parts = np.split(x, np.cumsum(times)[:-1], axis) if len(times) else []
    return np.stack([part.sum(axis) for part in parts], axis) if parts else x


@st.composite
def tiled(draw):
    x = draw_array(draw, hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3), real)
    return (x, draw(SOME | st.lists(SOME, max_size=3).map(tuple))), {}


@st.composite
def widened_together(draw):
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=3))
    return tuple(draw_array(draw, st.just(s), real) for s in shapes.input_shapes), {}


@st.composite
def sides(draw):
    sizes = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3))
    arrays = tuple(draw_array(draw, st.just((n,)), real) for n in sizes)
    return arrays, {"indexing": draw(st.sampled_from(["xy", "ij"]))}


def broadcast_arrays(*xs):
    """All results in one array: a row judges functions of one result."""
    return weighed(repetition.broadcast_arrays(*xs))


def meshgrid(*xs, indexing):
    return weighed(repetition.meshgrid(*xs, indexing=indexing))


def weighed(arrays):
    """The sum of the arrays, each with a weight of its own."""
    return sum(a * (i + 1) for i, a in enumerate(arrays))


ROWS: dict[Callable[..., Any], Row] = {
    repetition.repeat: Row(repeated(), np.repeat),
    repetition.repeat_all: Row(repeated_all(), lambda x, n, axis: np.repeat(x, n, axis)),
    repetition.repeat_each: Row(repeated_each(), lambda x, times, axis: np.repeat(x, times, axis)),
    repetition.add_runs: Row(runs(), runs_by_hand),
    repetition.tile: Row(tiled(), np.tile),
    broadcast_arrays: Row(widened_together(), lambda *xs: weighed(np.broadcast_arrays(*xs))),
    meshgrid: Row(sides(), lambda *xs, indexing: weighed(np.meshgrid(*xs, indexing=indexing))),
}
