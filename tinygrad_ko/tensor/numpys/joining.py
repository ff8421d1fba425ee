"""NumPy's functions that put arrays together, take them apart and lay them out anew."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import is_floating
from tinygrad_ko.arrays.library import shape as shape_of
from tinygrad_ko.arrays.lists import joined
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.ops import elementwise, repetition, shape
from tinygrad_ko.ops.indexing import take
from tinygrad_ko.ops.inputs import (
    as_int,
    as_operand,
    constant_answer,
    constants,
    first_handle,
    normalized_axes,
    normalized_axis,
    unwrapped,
)
from tinygrad_ko.ops.shape import broadcast_to, reshape
from tinygrad_ko.tensor.numpys.table import Table, Unsupported, in_dtype, named


def _with_axes(x: Any, rank: int, side: tuple[int, ...]) -> Any:
    """An array of less than so many axes in the shape `side`."""
    x = as_operand(x, "reshape")
    return shape.reshape(x, side) if x.ndim < rank else x


def ravel(x: Any, order: str = "C") -> Any:
    """All numbers along one axis, in the order of the axes or (order="F") in the opposite one."""
    x = as_operand(x, "ravel")
    return shape.reshape(_turned(x, order), (-1,))


def _reshape(x: Any, new: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    x = as_operand(x, "reshape")
    new = (new,) if isinstance(new, int | np.integer) else tuple(new)
    return shape.reshape(x, new) if order == "C" else _turned(shape.reshape(_turned(x, order), new[::-1]), order)


def _turned(x: Any, order: str) -> Any:
    """x, with its axes in reverse for the order of Fortran."""
    if order not in ("C", "F"):
        raise Unsupported
    return x if order == "C" else shape.permute_dims(x, tuple(reversed(range(x.ndim))))


def _concatenate(arrays: Any, axis: int | None = 0, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    if axis is None:
        arrays, axis = [ravel(x) for x in arrays], 0
    return in_dtype(shape.concat(arrays, axis=axis), dtype)


def _stack(arrays: Any, axis: int = 0, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    return in_dtype(shape.stack(arrays, axis=axis), dtype)


def _vstack(arrays: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    return in_dtype(shape.concat([_with_axes(x, 2, (1, -1)) for x in arrays], axis=0), dtype)


def _hstack(arrays: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """Along the second axis, or the only one."""
    arrays = [_with_axes(x, 1, (1,)) for x in arrays]
    return in_dtype(shape.concat(arrays, axis=0 if arrays and arrays[0].ndim == 1 else 1), dtype)


def _dstack(arrays: Any) -> Any:
    """Along the third axis."""
    return shape.concat([atleast_3d(x) for x in arrays], axis=2)


def _column_stack(arrays: Any) -> Any:
    return shape.concat([_with_axes(x, 2, (-1, 1)) for x in arrays], axis=1)


def _each(make: Callable[[Any], Any]) -> Callable[..., Any]:
    """A function of one array for any number of them: a tuple of results, or the only one."""

    def of_each(*arrays: Any) -> Any:
        made = tuple(map(make, arrays))
        return made[0] if len(made) == 1 else made

    return of_each


atleast_1d = _each(lambda x: _with_axes(x, 1, (1,)))
atleast_2d = _each(lambda x: _with_axes(x, 2, (1, -1)))
atleast_3d = _each(lambda x: _with_axes(_with_axes(x, 2, (1, -1)), 3, (*shape_of(atleast_2d(x)), 1)))


def _split_along(axis: int) -> Callable[..., Any]:
    return lambda x, indices_or_sections: shape.split(x, indices_or_sections, axis)


def _hsplit(x: Any, indices_or_sections: Any) -> Any:
    """Along the second axis, or the only one."""
    return shape.split(x, indices_or_sections, 0 if np.ndim(x) == 1 else 1)


def _append(x: Any, values: Any, axis: int | None = None) -> Any:
    return shape.concat([ravel(x), ravel(values)] if axis is None else [x, values], axis=axis or 0)


def _insert(x: Any, places: Any, values: Any, axis: int | None = None) -> Any:
    """x with values before some places along an axis: taken, in their order, from the two one after the other."""
    x, values = as_operand(x, "insert"), as_operand(values, "insert")
    if axis is None:
        x, axis = ravel(x), 0
    axis, places = normalized_axis(axis, x.ndim, "insert"), unwrapped(places)
    values = _with_axes(values, x.ndim, (*(1,) * (x.ndim - values.ndim), *values.shape))
    if not isinstance(places, slice) and np.ndim(places) == 0:
        values = shape.moveaxis(values, 0, axis)
    n = x.shape[axis]
    # NumPy says how many there will be.
    more = np.insert(np.empty((n, 0)), places, np.empty((values.shape[axis], 0)), axis=0).shape[0] - n
    values = shape.broadcast_to(values, (*x.shape[:axis], more, *x.shape[axis + 1 :]))
    order = np.insert(np.arange(n), places, n + np.arange(more))
    return take(shape.concat([x, in_dtype(values, x.dtype)], axis=axis), order, axis)


def _delete(x: Any, places: Any, axis: int | None = None) -> Any:
    x = ravel(x) if axis is None else as_operand(x, "delete")
    axis = normalized_axis(axis or 0, x.ndim, "delete")
    return take(x, np.delete(np.arange(x.shape[axis]), unwrapped(places)), axis)


def _resize(x: Any, new_shape: Any) -> Any:
    """The numbers in another shape, over and over."""
    x = ravel(x)
    new = (new_shape,) if isinstance(new_shape, int | np.integer) else tuple(new_shape)
    count = int(np.prod(new))
    return shape.reshape(take(x, np.arange(count) % x.size, 0) if x.size else np.resize(unwrapped(x), count), new)


def _rot90(x: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    first, second = normalized_axes(tuple(axes), x.ndim, "rot90")
    turned = {
        0: lambda: elementwise.positive(x),
        1: lambda: shape.swapaxes(shape.flip(x, second), first, second),
        2: lambda: shape.flip(shape.flip(x, first), second),
        3: lambda: shape.flip(shape.swapaxes(x, first, second), second),
    }
    return turned[as_int(k, "rot90") % 4]()


def _rollaxis(x: Any, axis: int, start: int = 0) -> Any:
    axis, n = normalized_axis(axis, x.ndim, "rollaxis"), x.ndim
    start += n * (start < 0)
    return shape.moveaxis(x, axis, start - 1 if axis < start else start)


def _kron(a: Any, b: Any) -> Any:
    a, b = as_operand(a, "kron"), as_operand(b, "kron")
    n = max(a.ndim, b.ndim)
    high, low = ((1,) * (n - x.ndim) + x.shape for x in (a, b))
    blocks = shape.reshape(a, [s for m in high for s in (m, 1)]) * shape.reshape(b, [s for m in low for s in (1, m)])
    return shape.reshape(blocks, tuple(p * q for p, q in zip(high, low, strict=True)))


def _block(arrays: Any) -> Any:
    """Lists of lists of blocks: the innermost are joined along the last axis, those around them along the one before."""
    depth = _depth(arrays)
    rank = max(depth, *(np.ndim(x) for x in _blocks(arrays)))

    def joined(part: Any, level: int) -> Any:
        if isinstance(part, list) != (level > 0):
            np.block(unwrapped(arrays))  # which says what is wrong
        if not isinstance(part, list):
            return _with_axes(part, rank, (*(1,) * (rank - np.ndim(part)), *shape_of(part)))
        return shape.concat([joined(inner, level - 1) for inner in part], axis=-level)

    return joined(arrays, depth)


def _depth(arrays: Any) -> int:
    return 1 + _depth(arrays[0]) if isinstance(arrays, list) and arrays else 0


def _blocks(arrays: Any) -> Any:
    return [x for part in arrays for x in _blocks(part)] if isinstance(arrays, list) else [arrays]


def _copy(x: Any, order: str = "K", subok: bool = False) -> Any:
    return x.copy()


def _astype(x: Any, dtype: Any, /, *, copy: bool = True) -> Any:
    return in_dtype(x, dtype)


def _diagflat(x: Any, k: int = 0) -> Any:
    from tinygrad_ko.ops.linalg.diagonals import diag

    return diag(ravel(x), k)


def _full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """An array of the shape and dtype of a, with a value everywhere."""
    if not isinstance(fill_value, Handle):
        return constant_answer(np.full_like, (a, fill_value), {"dtype": dtype, "shape": shape})
    given = as_operand(a, "full_like")
    new = given.shape if shape is None else (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    value = in_dtype(as_operand(fill_value, "full_like"), given.dtype if dtype is None else dtype)
    return elementwise.positive(broadcast_to(value, new))


def _ix_(*sequences: Any) -> tuple[Any, ...]:
    """Each sequence along an axis of its own."""
    found = [
        x if first_handle([x]) is not None and is_floating(x.dtype) else np.ix_(unwrapped(x))[0]
        for x in map(joined, sequences)
    ]
    if any(x.ndim != 1 for x in found):
        np.ix_(*map(unwrapped, found))  # which says what is wrong
    kind, rank = type(first_handle(sequences)), len(found)
    return constants(kind, tuple(reshape(x, (*(1,) * i, -1, *(1,) * (rank - 1 - i))) for i, x in enumerate(found)))


def _tile(x: Any, reps: Any) -> Any:
    return repetition.tile(x, reps)


FUNCTIONS: Table = {
    **named(
        np,
        (ravel, _reshape, _concatenate, _stack, _vstack, _hstack, _dstack, _column_stack, _hsplit, _append, _insert, _delete, _resize,
         _rot90, _rollaxis, _kron, _block, _copy, _astype, _diagflat, _tile, _full_like, _ix_),
    ),
    np.atleast_1d: atleast_1d,
    np.atleast_2d: atleast_2d,
    np.atleast_3d: atleast_3d,
    np.vsplit: _split_along(0),
    np.dsplit: _split_along(2),
}  # fmt: skip
