"""NumPy's functions that call another function along axes, and its windows on an array."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import shape as shape_of
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.ops import indexing, shape
from tinygrad_ko.ops.inputs import as_operand, normalized_axes, normalized_axis, unwrapped
from tinygrad_ko.tensor.numpys.table import Table, named


def _apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *arguments: Any, **options: Any) -> Any:
    """The results for all lines along an axis, in its place."""
    x = as_operand(arr, "apply_along_axis")
    axis = normalized_axis(axis, x.ndim, "apply_along_axis")
    lines = shape.moveaxis(x, axis, -1)
    outer = lines.shape[:-1]
    if 0 in outer:
        np.apply_along_axis(func1d, axis, unwrapped(x), *arguments, **options)  # which says what is wrong
    found = [func1d(lines[place], *arguments, **options) for place in np.ndindex(outer)]
    made = shape.stack([y if isinstance(y, Handle) else as_operand(y, "apply_along_axis") for y in found])
    made = shape.reshape(made, (*outer, *shape_of(made)[1:]))
    inner = len(made.shape) - len(outer)
    return shape.moveaxis(made, tuple(range(len(outer), len(outer) + inner)), tuple(range(axis, axis + inner)))


def _apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """func(x, axis) of each result in turn, whose axes stay."""
    out = as_operand(a, "apply_over_axes")
    rank = out.ndim
    for axis in normalized_axes(np.atleast_1d(axes).tolist(), rank, "apply_over_axes"):
        made = func(out, axis)
        out = made if np.ndim(made) == rank else shape.expand_dims(made, axis=axis)
        if np.ndim(out) != rank:
            np.apply_over_axes(func, unwrapped(a), axes)  # which says what is wrong
    return out


def _sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """All windows of a length along an axis, or of a shape along several: taken, so they share no memory."""
    x = as_operand(x, "sliding_window_view")
    lengths = (window_shape,) if isinstance(window_shape, int | np.integer) else tuple(window_shape)
    rank = x.ndim
    axes = tuple(range(rank) if axis is None else axis if isinstance(axis, tuple | list) else (axis,))
    numpys: Any = np.lib.stride_tricks.sliding_window_view
    numpys(np.empty(x.shape), lengths, axes)  # which says what is wrong
    for place, length in zip(axes, lengths, strict=True):
        count = x.shape[place % rank] - length + 1
        windows = indexing.take(x, np.arange(count)[:, None] + np.arange(length), place % rank)
        x = shape.moveaxis(windows, place % rank + 1, -1)
    return x


FUNCTIONS: Table = {
    **named(np, (_apply_along_axis, _apply_over_axes)),
    np.lib.stride_tricks.sliding_window_view: _sliding_window_view,
}
