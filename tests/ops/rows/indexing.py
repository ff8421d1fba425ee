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


def scatter_by_hand(values, shape, index):
    out = np.zeros(shape)
    np.add.at(out, index, values)
    return out


ROWS: dict[Callable[..., Any], Row] = {
    indexing.getitem: Row(indexed(), lambda x, index: x[index]),
    indexing.scatter: Row(scattered(), scatter_by_hand),
}

EQUIVALENT: dict[str, dict[str, str]] = {
    "getitem": {
        "getitem.x: one branch alone: in put_back: return scatter(g, shape=shape, index=index)": "a patch only costs less",
    },
}
