"""Triangles and diagonals."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import Row, draw_array, real, with_options
from tinygrad_ko.ops.linalg import diagonals

MATRICES = hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=4)
OFFSETS = st.integers(-5, 5)


@st.composite
def diagonal_values(draw):
    """As many values as the diagonal of the shape has places."""
    shape, offset = draw(MATRICES), draw(OFFSETS)
    return (draw_array(draw, st.just(np.linalg.diagonal(np.zeros(shape), offset=offset).shape), real),), {
        "shape": shape,
        "offset": offset,
    }


def diagonal_by_hand(values, shape, offset):
    out = np.zeros(shape)
    for i in range(values.shape[-1]):
        out[..., i + max(0, -offset), i + max(0, offset)] = values[..., i]
    return out


ROWS: dict[Callable[..., Any], Row] = {
    diagonals.tril: Row(with_options({"k": OFFSETS}, MATRICES), np.tril),
    diagonals.triu: Row(with_options({"k": OFFSETS}, MATRICES), np.triu),
    diagonals.diagonal: Row(
        with_options({"offset": OFFSETS}, MATRICES), lambda x, offset: np.linalg.diagonal(x, offset=offset)
    ),
    diagonals.diagonal_matrix: Row(
        diagonal_values(),
        diagonal_by_hand,
        corners=(((np.array([[1.0, 0.5, -2.0], [3.0, -0.7, 1.5]]),), {"shape": (2, 3, 4), "offset": 1}),),
    ),
    diagonals.trace: Row(
        with_options({"offset": OFFSETS}, MATRICES), lambda x, offset: np.linalg.trace(x, offset=offset)
    ),
    diagonals.diag: Row(
        with_options({"k": OFFSETS}, hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=4)), np.diag
    ),
}
