"""Another shape, the same numbers."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import SHAPES, Row, draw_array, matrix, real
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


ROWS: dict[Callable[..., Any], Row] = {
    shape.reshape: Row(reshaped(), np.reshape),
    shape.permute_dims: Row(permuted(), np.transpose),
    shape.matrix_transpose: Row(matrix(), lambda x: np.swapaxes(x, -1, -2)),
    shape.broadcast_to: Row(widened(), np.broadcast_to),
    shape.expand_dims: Row(expanded(), np.expand_dims),
    shape.squeeze: Row(squeezed(), np.squeeze),
    shape.concatenate: Row(joined(), lambda *xs, axis: np.concatenate(xs, axis=axis)),
    shape.pile: Row(piled(), lambda *xs, axis: np.stack(xs, axis=axis)),
}
