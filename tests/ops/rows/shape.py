"""Another shape, the same numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import SHAPES, SOLID, Row, draw_array, matrix, real, some_axes
from tinygrad_ko.ops import shape


@st.composite
def reshaped(draw):
    x = draw_array(draw, SHAPES, real)
    new = list(draw(st.permutations(x.shape))) + [1] * draw(st.integers(0, 2))
    if new and x.size and draw(st.booleans()):
        new[draw(st.integers(0, len(new) - 1))] = -1
    return (x, tuple(new)), {}


@st.composite
def permuted(draw):
    x = draw_array(draw, SHAPES, real)
    order = draw(st.permutations(range(x.ndim)))
    return (x, tuple(i - draw(st.sampled_from([0, x.ndim])) for i in order)), {}


@st.composite
def widened(draw):
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=4))
    return (draw_array(draw, st.just(shapes.input_shapes[0]), real), shapes.result_shape), {}


@st.composite
def expanded(draw):
    x = draw_array(draw, SHAPES, real)
    one = st.integers(-x.ndim - 1, x.ndim)
    two = st.lists(st.integers(0, x.ndim + 1), min_size=2, max_size=2, unique=True).map(tuple)
    return (x,), {"axis": draw(one | two)}


@st.composite
def squeezed(draw):
    x = draw_array(draw, hnp.array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=3), real)
    ones = [i for i, n in enumerate(x.shape) if n == 1]
    return (x,), {"axis": draw(st.none() | st.sets(st.sampled_from(ones)).map(tuple)) if ones else None}


@st.composite
def joined(draw):
    """Arrays of one shape but for the length along one axis."""
    base = list(draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)))
    axis = draw(st.integers(-len(base), len(base) - 1))
    lengths = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    parts = [draw_array(draw, st.just((*base[:axis], n, *base[axis:][1:])), real) for n in lengths]
    return tuple(parts), {"axis": axis}


@st.composite
def piled(draw):
    size = draw(SHAPES)
    parts = [draw_array(draw, st.just(size), real) for _ in range(draw(st.integers(1, 3)))]
    return tuple(parts), {"axis": draw(st.integers(-len(size) - 1, len(size)))}


@st.composite
def flipped(draw):
    x = draw_array(draw, SHAPES, real)
    return (x,), {"axis": draw(some_axes(x.ndim))}


@st.composite
def rolled(draw):
    """One shift for all axes, or a tuple of shifts, beyond the ends too."""
    x = draw_array(draw, SHAPES, real)
    axis = draw(some_axes(x.ndim))
    one = st.integers(-6, 6)
    many = (
        st.tuples(*[one] * (len(axis) if isinstance(axis, tuple) else 2))
        if axis is None or isinstance(axis, tuple)
        else one
    )
    return (x,), {"shift": draw(one | many), "axis": axis}


@st.composite
def moved(draw):
    x = draw_array(draw, SHAPES, real)
    count = draw(st.integers(0, x.ndim))
    some = st.permutations(range(x.ndim)).map(lambda order: tuple(order[:count]))
    source, destination = (tuple(i - draw(st.sampled_from([0, x.ndim])) for i in draw(some)) for _ in range(2))
    return (x, *((source[0], destination[0]) if count == 1 else (source, destination))), {}


@st.composite
def swapped(draw):
    x = draw_array(draw, SOLID.filter(len), real)
    axis = st.integers(-x.ndim, x.ndim - 1)
    return (x, draw(axis), draw(axis)), {}


@st.composite
def cut(draw, even):
    """Into so many parts, or at indices, which may be negative, beyond the end or in the wrong order."""
    x = draw_array(draw, SOLID.filter(len), real)
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    parts = st.sampled_from([n for n in range(1, 7) if not even or x.shape[axis] % n == 0])
    return (x,), {"at": draw(parts | st.lists(st.integers(-5, 5), max_size=3)), "axis": axis}


@st.composite
def unstacked(draw):
    x = draw_array(draw, SOLID.filter(len), real)
    return (x,), {"axis": draw(st.integers(-x.ndim, x.ndim - 1))}


def split(x, at, axis):
    """The parts in one array, each with a weight of its own: a row judges functions of one result."""
    return shape.concat([shape.reshape(part, (-1,)) * (i + 1) for i, part in enumerate(shape.split(x, at, axis))])


def array_split(x, at, axis):
    parts = enumerate(shape.array_split(x, at, axis))
    return shape.concat([shape.reshape(part, (-1,)) * (i + 1) for i, part in parts])


def unstack(x, axis):
    parts = enumerate(shape.unstack(x, axis=axis))
    return shape.concat([shape.reshape(part, (-1,)) * (i + 1) for i, part in parts])


def stack(*xs, axis):
    return shape.stack(xs, axis=axis)


def weighed(parts):
    return np.concatenate([part.ravel() * (i + 1) for i, part in enumerate(parts)])


ROWS: dict[Callable[..., Any], Row] = {
    shape.reshape: Row(reshaped(), np.reshape),
    shape.permute_dims: Row(permuted(), np.transpose),
    shape.matrix_transpose: Row(matrix(), lambda x: np.swapaxes(x, -1, -2)),
    shape.broadcast_to: Row(widened(), np.broadcast_to),
    shape.expand_dims: Row(expanded(), np.expand_dims),
    shape.squeeze: Row(squeezed(), np.squeeze),
    shape.flip: Row(flipped(), np.flip),
    shape.roll: Row(rolled(), np.roll),
    shape.moveaxis: Row(moved(), np.moveaxis),
    shape.swapaxes: Row(swapped(), np.swapaxes),
    split: Row(cut(even=True), lambda x, at, axis: weighed(np.split(x, at, axis))),
    array_split: Row(cut(even=False), lambda x, at, axis: weighed(np.array_split(x, at, axis))),
    unstack: Row(unstacked(), lambda x, axis: weighed(np.unstack(x, axis=axis))),
    shape.concatenate: Row(joined(), lambda *xs, axis: np.concatenate(xs, axis=axis)),
    shape.pile: Row(piled(), lambda *xs, axis: np.stack(xs, axis=axis)),
    stack: Row(piled(), lambda *xs, axis: np.stack(xs, axis=axis)),
}
