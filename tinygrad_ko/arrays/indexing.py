"""Indices: the elements that an index takes, and adding where they stand.

Every library's arrays take NumPy's indices. The array API standard has fewer of them, so NumPy reads them, and `take` does the rest.
"""

from contextlib import suppress
from math import prod
from typing import Any

import numpy as np
from numpy import asarray, generic, ndarray

from tinygrad_ko.arrays.library import FLOAT32, FLOAT64, NUMPYS, Array, beside, namespace
from tinygrad_ko.arrays.memory import Holder
from tinygrad_ko.arrays.opaque import TRACED, first_traced, is_traced, opaque

_WHOLE = slice(None)
_BLOCK = 65_536  # _positions that are worked out at a time: they stay in the processor's cache
_PAIRS = {FLOAT64: np.complex128, FLOAT32: np.complex64}


def listed(part: Any) -> Any:
    """One part of an index: a sequence as an array of integers or truth values, anything else as it is."""
    if not isinstance(part, list | tuple | range):
        return part
    array = asarray(part)
    return array if array.size else array.astype(np.intp)


def _index_parts(index: Any) -> tuple[Any, ...]:
    return tuple(map(_as_numpys, map(listed, index if isinstance(index, tuple) else (index,))))


def _as_numpys(part: Any) -> Any:
    """An array in an index as NumPy's."""
    return asarray(part) if hasattr(part, "__array_namespace__") and not isinstance(part, generic) else part


def is_integer(part: Any) -> bool:
    """Whether it is an integer of Python or NumPy."""
    return isinstance(part, int | np.integer) and not isinstance(part, bool)


def _are_integers(part: Any) -> bool:
    return isinstance(part, ndarray) and part.dtype.kind in "iu"


def _is_basic(part: Any) -> bool:
    return part is None or part is ... or isinstance(part, slice) or is_integer(part)


def has_basic_parts(index: Any) -> bool:
    """Whether an index has no arrays and lists in it: then NumPy gives a view."""
    return all(map(_is_basic, index if type(index) is tuple else (index,)))


def _is_whole(part: Any) -> bool:
    return isinstance(part, slice) and part == _WHOLE


def taken(x: Array, index: Any) -> Array:
    """x[index], with NumPy's indices whatever the library. On NumPy `x.take(ids)` takes half the time of `x[ids]`."""
    last = index[-1] if type(index) is tuple and index else index
    if type(last) is ndarray and last.dtype == np.intp and type(x) is ndarray:
        before = () if last is index else index[:-1]
        if x.ndim > len(before) and all(map(_is_whole, before)):
            return x.take(last, axis=len(before))
    elsewhere = not isinstance(x, ndarray | generic) and not hasattr(x, "traced_call")
    if elsewhere:
        return _taken_elsewhere(x, _index_parts(index))
    if TRACED and (traced := first_traced(index)) is not None:
        return traced.beside(x)[index]
    return x[index]


def add_at(total: Array, index: Any, values: Any) -> None:
    """`total[index] += values`, where an index that occurs twice is added to twice."""
    (_add if isinstance(total, ndarray) else _add_elsewhere)(total, _index_parts(index), values)


@opaque
def added_at(x: Array, index: Any, values: Any) -> Array:
    """x, an array of NumPy's, with values added at an index, in an array of its own."""
    out = np.array(x)
    _add(out, _index_parts(index), values)
    return out


def placed(x: Array, index: Any, values: Any) -> Array:
    """x with values at an index, in an array of its own. Where the index repeats, the last value in the order of x[index] stays."""
    if not isinstance(x, ndarray | generic) and not hasattr(x, "traced_call"):
        return _placed_elsewhere(x, _index_parts(index), values)
    if not x.ndim or not has_basic_parts(index):
        return _placed(x, index, values)
    if TRACED and (traced := first_traced(values)) is not None:
        x = traced.beside(x)
    out = x.copy("K")
    out[index] = values
    return out


@opaque
def _placed(x: Array, index: Any, values: Any) -> Array:
    # Of values at one place the last stays in the order in which they lie in memory: here that of x[index].
    out, parts = np.array(x), _index_parts(index)
    if any(map(_are_integers, parts)) and out[parts].ndim:
        values = np.ascontiguousarray(np.broadcast_to(_fitted(values, out[parts].ndim), out[parts].shape))
    out[parts] = values
    return out


def _fitted(values: Any, ndim: int) -> ndarray[Any, Any]:
    """Values without the axes of length 1 that they have in front beyond so many axes: an assignment takes them."""
    values = asarray(values)
    while values.ndim > ndim and values.shape[0] == 1:
        values = values[0]
    return values


def stays(x: Any, index: Any) -> Array:
    """Which of the values stay that are assigned to an array or a Tensor at an index, in the shape of x[index]: the last of a place."""
    array = x._array if isinstance(x, Holder) else x
    last = _are_last(array.shape, index)
    return last if type(array) in NUMPYS or is_traced(last) else beside(array, last)


@opaque
def _are_last(shape: tuple[int, ...], index: Any) -> Array:
    where = _positions(shape, _index_parts(index))
    order, last = np.arange(where.size).reshape(where.shape), np.empty(prod(shape), np.intp)
    last[where.reshape(-1)] = order.reshape(-1)
    return asarray(last[where] == order)


def may_repeat(index: Any) -> bool:
    """Whether an index may take an element twice: it has arrays of integers, or traced ones."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(is_traced(part) or _are_integers(_as_numpys(part)) for part in parts)


@opaque
def scattered(values: Array, index: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    """Zeros in an array of NumPy's, with values added at an index."""
    out = np.zeros(shape, dtype)
    _add(out, _index_parts(index), values)
    return out


def _add(total: ndarray[Any, Any], parts: tuple[Any, ...], values: Any) -> None:
    # `np.add.at` is fast (1 ns for each number) for one array of positions in an array of one axis, and 10 to 20 times as slow elsewhere:
    # positions are computed here. (Values are broadcast here as well: given an index of two axes and values of one, NumPy 2.4 forgets to.)
    if not any(map(_are_integers, parts)):  # nothing is taken twice
        total[parts] += values
    elif total.ndim == 1 == len(parts):
        _add_rows(total, parts[0], values)
    elif total.flags.c_contiguous and (found := _row_numbers(total.shape, parts)) is not None:
        rows, depth = found
        _add_rows(total.reshape(prod(total.shape[:depth]), *total.shape[depth:]), rows, values)
    elif total.flags.c_contiguous and total.size <= 4 * np.size(values):
        _add_rows(total.reshape(-1), _positions(total.shape, parts), values)
    else:
        np.add.at(total, parts, np.broadcast_to(values, total[parts].shape))


def _add_rows(total: ndarray[Any, Any], rows: ndarray[Any, Any], values: Any) -> None:
    """Add to rows of an array. Two neighbours in a row are added at once, as one complex number."""
    width, shape, values = prod(total.shape[1:]), rows.shape + total.shape[1:], asarray(values)
    if values.shape != shape:
        values = np.broadcast_to(values, shape)
    values = np.ascontiguousarray(values.astype(total.dtype, casting="same_kind", copy=False)).reshape(-1)
    total, rows = total.reshape(-1), rows.reshape(-1)
    if width % 2 == 0 and total.dtype in _PAIRS:
        width, total, values = width // 2, total.view(_PAIRS[total.dtype]), values.view(_PAIRS[total.dtype])
    if width == 1:
        np.add.at(total, rows, values)
        return
    columns, step = np.arange(width), max(1, _BLOCK // max(1, width))
    for start in range(0, len(rows), step):
        some = rows[start : start + step, None] * width + columns
        np.add.at(total, some.reshape(-1), values[start * width : (start + step) * width])


def _row_numbers(shape: tuple[int, ...], parts: tuple[Any, ...]) -> tuple[Any, int] | None:
    """The rows that an index takes, as in `x[ids]`, `x[i, ids]`, `x[..., ids, :]`, and how many axes they are counted through."""
    at = next((i for i, part in enumerate(parts) if part is ...), len(parts))
    parts = (*parts[:at], *(len(shape) + 1 - len(parts)) * (_WHOLE,), *parts[at + 1 :]) if at < len(parts) else parts
    chosen = [axis for axis, part in enumerate(parts) if not _is_whole(part)]
    before, depth = chosen[0], chosen[-1] + 1
    named = parts[before:depth]
    if depth > len(shape) or not all(is_integer(part) or _are_integers(part) for part in named):
        return None
    try:
        rows = np.ravel_multi_index(named, shape[before:depth])
    except ValueError:  # some are negative, or not there, which is an IndexError
        np.broadcast_to(True, shape[:depth])[(slice(1),) * before + named]
        rows = np.ravel_multi_index(named, shape[before:depth], mode="wrap")
    whole = np.arange(prod(shape[:before])).reshape(shape[:before] + (1,) * rows.ndim)
    return whole * prod(shape[before:depth]) + rows, depth


def _positions(shape: tuple[int, ...], parts: tuple[Any, ...]) -> ndarray[Any, Any]:
    """The positions, in the flattened array, of the elements that an index takes."""
    return asarray(np.arange(prod(shape)).reshape(shape)[parts])


def _taken_elsewhere(x: Array, parts: tuple[Any, ...]) -> Array:
    xp = namespace(x)
    if all(map(_is_basic, parts)):
        with suppress(IndexError):  # the standard leaves open what a slice beyond the end is
            return x[_complete(parts)]
    where = _positions(x.shape, parts)
    return xp.reshape(xp.take(xp.reshape(x, (-1,)), beside(x, where.reshape(-1)), axis=0), where.shape)


def _placed_elsewhere(x: Array, parts: tuple[Any, ...], values: Any) -> Array:
    xp, where = namespace(x), _positions(x.shape, parts)
    if not where.size:
        return xp.asarray(x, copy=True)
    if not hasattr(values, "__array_namespace__") or isinstance(values, ndarray | generic):
        values = beside(x, asarray(values), x.dtype)
    extra = max(0, values.ndim - where.ndim)
    if all(n == 1 for n in values.shape[:extra]):
        values = xp.reshape(values, values.shape[extra:])
    values = xp.reshape(xp.broadcast_to(xp.astype(values, x.dtype), where.shape), (-1,))
    last = np.full(prod(x.shape), -1)
    last[where.reshape(-1)] = np.arange(where.size)
    new = xp.take(values, beside(x, np.maximum(last, 0)), axis=0)
    return xp.reshape(xp.where(beside(x, last >= 0), new, xp.reshape(x, (-1,))), x.shape)


def _add_elsewhere(total: Array, parts: tuple[Any, ...], values: Any) -> None:
    """`add_at` with the functions of the standard, which has no assignment to an array of integers."""
    xp = namespace(total)
    if all(isinstance(part, slice) or is_integer(part) for part in parts):
        with suppress(IndexError):
            total[_complete(parts)] = total[_complete(parts)] + values
            return
    # Values are sorted by their positions. The last value of a run of equal positions comes to hold its sum, added up by neighbours at
    # distance 1, 2, 4, ... (Hillis and Steele, Data parallel algorithms, 1986), and is looked up by its position.
    where = _positions(total.shape, parts)
    values = xp.broadcast_to(xp.asarray(values, dtype=total.dtype), where.shape)
    where = where.reshape(-1)
    order = np.argsort(where, stable=True)
    where = where[order]
    sums = xp.take(xp.reshape(values, (-1,)), beside(total, order), axis=0)
    distance = 1
    while (together := where[distance:] == where[:-distance]).any():
        nearer = xp.where(beside(total, together), sums[:-distance], xp.zeros_like(sums[distance:]))
        sums = xp.concat([sums[:distance], sums[distance:] + nearer])
        distance *= 2
    last = np.full(prod(total.shape), len(where))
    last[where] = np.arange(len(where))
    sums = xp.take(xp.concat([sums, xp.zeros(1, dtype=total.dtype, device=total.device)]), beside(total, last), axis=0)
    total[...] = total + xp.reshape(sums, total.shape)


def _complete(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    return parts if any(part is ... for part in parts) else (*parts, ...)


class IndexedGradient:
    """A sparse gradient: zero outside an index. The contribution of indexing, so that n rows cost n rows and not n arrays."""

    __slots__ = ("dtype", "index", "values")
    shape = None  # that of no parent, so that it is never taken for a usual contribution

    def __init__(self, values: Array, index: Any) -> None:
        self.values, self.index, self.dtype = values, index, values.dtype

    def within(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """The same as an array, with its zeros."""
        if is_traced((self.values, self.index)):
            return scattered(self.values, self.index, shape, dtype)
        return self.added_to(namespace(self.values).zeros(shape, dtype=dtype))

    def added_to(self, total: Array) -> Array:
        """`total`, after it was added in place; of what is traced, a new array."""
        if is_traced((total, self.values, self.index)):
            return added_at(total, self.index, self.values)
        add_at(total, self.index, self.values)
        return total
