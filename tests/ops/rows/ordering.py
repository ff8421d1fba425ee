"""In order of size."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import SEEDS, SOLID, Row, apart, draw_array, some_axes
from tinygrad_ko.ops import ordering

LINES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5)


@st.composite
def ordered(draw):
    x = draw_array(draw, LINES, apart)
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    return (x,), {"axis": axis, "descending": draw(st.booleans()), "stable": draw(st.booleans())}


def sorted_by_numpy(x, axis, descending, stable):
    return np.flip(np.sort(x, axis=axis), axis) if descending else np.sort(x, axis=axis)


@st.composite
def leading(draw):
    x = draw_array(draw, LINES, apart)
    if draw(st.integers(0, 4)) == 0:  # a line that is long enough for a partition
        x = apart(np.random.default_rng(draw(SEEDS)), (2, 40))
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    return (x,), {"k": draw(st.integers(0, min(5, x.shape[axis]))), "axis": axis}


def top_k(x, k, axis):
    """Its values alone: the indices have no gradient."""
    return ordering.top_k(x, k, axis).values


def top_by_numpy(x, k, axis):
    return np.take(np.flip(np.sort(x, axis=axis), axis), range(k), axis=axis)


@st.composite
def middle(draw):
    x = draw_array(draw, SOLID, apart)
    if draw(st.integers(0, 4)) == 0:
        x = apart(np.random.default_rng(draw(SEEDS)), (2, 40))
    return (x,), {"axis": draw(some_axes(x.ndim)), "keepdims": draw(st.booleans())}


@st.composite
def quantiles(draw):
    """One share or several, at the ends, on elements and between them."""
    (x,), options = draw(middle())
    share = st.sampled_from([0.0, 1.0, 0.5, 0.25, 1 / 3]) | st.floats(0, 1).map(lambda q: round(q, 3))
    q = draw(share | hnp.arrays(float, hnp.array_shapes(max_dims=2, max_side=3), elements=share).map(np.ndarray.tolist))
    return (x,), {"q": q, **options, "method": draw(st.sampled_from([*ordering._METHODS]))}


ROWS: dict[Callable[..., Any], Row] = {
    ordering.sort: Row(ordered(), sorted_by_numpy, distinct=True),
    top_k: Row(leading(), top_by_numpy, distinct=True),
    ordering.median: Row(middle(), np.median, distinct=True),
    ordering.quantile: Row(quantiles(), np.quantile, distinct=True),
}
