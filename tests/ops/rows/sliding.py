"""Sliding windows."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.lib.stride_tricks import sliding_window_view

from tests.ops.domains import Row, draw_array, real
from tinygrad_ko.ops.networks import sliding

SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6).filter(lambda shape: np.prod(shape) < 60)


@st.composite
def unfolded(draw):
    x = draw_array(draw, SHAPES, real)
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    return (x,), {"size": draw(st.integers(1, x.shape[axis])), "step": draw(st.integers(1, 4)), "axis": axis}


def unfold_by_hand(x, size, step, axis):
    return sliding_window_view(x, size, axis)[(slice(None),) * (axis % x.ndim) + (slice(None, None, step),)]


@st.composite
def folded(draw):
    """The windows of an array of any shape."""
    (x,), options = draw(unfolded())
    windows_shape = unfold_by_hand(x, **options).shape
    return (draw_array(draw, st.just(windows_shape), real),), {
        "length": x.shape[options["axis"]],
        "step": options["step"],
        "axis": options["axis"],
    }


def fold_by_hand(windows, length, step, axis):
    windows = np.moveaxis(windows, axis - 1 if axis < 0 else axis, 0)
    out = np.zeros((length, *windows.shape[1:-1]))
    for j, window in enumerate(windows):
        out[j * step : j * step + windows.shape[-1]] += np.moveaxis(window, -1, 0)
    return np.moveaxis(out, 0, axis)


ROWS: dict[Callable[..., Any], Row] = {
    sliding.unfold: Row(unfolded(), unfold_by_hand),
    sliding.fold: Row(folded(), fold_by_hand),
}
