"""What an index means: the elements that it takes, and adding where they stand.

NumPy's indices are meant, whatever library an array is of. The array API standard has fewer of them, so where another
library's arrays are concerned NumPy reads the index, and `take` does the rest.
"""

from math import prod
from typing import Any

import numpy as np
from numpy import asarray, generic, ndarray

from tinygrad_ko.arrays.library import Array, beside, namespace


def listed(part: Any) -> Any:
    """One part of an index: a sequence as an array of integers or truths, anything else as it is."""
    if not isinstance(part, list | tuple | range):
        return part
    array = asarray(part)
    return array if array.size else array.astype(np.intp)


def index_parts(index: Any) -> tuple[Any, ...]:
    """An index as a tuple, one part after the other, in which NumPy's arrays are the only arrays."""
    parts = map(listed, index if isinstance(index, tuple) else (index,))
    return tuple([asarray(p) if hasattr(p, "__array_namespace__") and not isinstance(p, generic) else p for p in parts])


def is_integer(part: Any) -> bool:
    """Whether a part of an index is one integer."""
    return isinstance(part, int | np.integer) and not isinstance(part, bool)


def is_integers(part: Any) -> bool:
    """Whether a part of an index is an array of integers."""
    return isinstance(part, ndarray) and part.dtype.kind in "iu"


def is_basic(part: Any) -> bool:
    """Whether a part of an index is an integer, a slice, None or `...`, which take nothing twice."""
    return part is None or part is ... or isinstance(part, slice) or is_integer(part)


WHOLE = slice(None)


def is_whole(part: Any) -> bool:
    """Whether a part of an index is a bare colon, which takes the whole axis."""
    return isinstance(part, slice) and part == WHOLE


def taken(x: Array, index: Any) -> Array:
    """x[index], with NumPy's indices whatever the library. On NumPy `x.take(ids)` takes half the time of `x[ids]`."""
    last = index[-1] if type(index) is tuple and index else index
    if type(last) is ndarray and last.dtype == np.intp and type(x) is ndarray:
        before = () if last is index else index[:-1]
        if x.ndim > len(before) and all(map(is_whole, before)):
            return x.take(last, axis=len(before))
    elsewhere = not isinstance(x, ndarray | generic)
    return taken_elsewhere(x, index_parts(index)) if elsewhere else x[index]


def add_at(total: Array, index: Any, values: Any) -> None:
    """`total[index] += values`, where an index that occurs twice is added to twice.

    `np.add.at` is fast (1 ns for each number) where one array of positions goes into an array of one axis, and 10 to 20
    times as slow elsewhere. So the positions are worked out here, of rows as a row's number and a column; and two
    neighbours in a row are added at once, as one complex number. (Values are broadcast here as well: given an index of two
    axes and values of one, NumPy 2.4 forgets to.)
    """
    parts = index_parts(index)
    if not isinstance(total, ndarray):
        add_elsewhere(total, parts, values)
    elif not any(map(is_integers, parts)):  # nothing is taken twice
        total[parts] += values
    elif total.ndim == 1 == len(parts):
        add_rows(total, parts[0], values)
    elif total.flags.c_contiguous and (found := row_numbers(total.shape, parts)) is not None:
        rows, depth = found
        add_rows(total.reshape(prod(total.shape[:depth]), *total.shape[depth:]), rows, values)
    elif total.flags.c_contiguous and total.size <= 4 * np.size(values):
        add_rows(total.reshape(-1), positions(total.shape, parts), values)
    else:
        np.add.at(total, parts, np.broadcast_to(values, total[parts].shape))


BLOCK = 65_536  # positions that are worked out at a time: they stay in the processor's cache

PAIRS = {np.dtype(np.float64): np.complex128, np.dtype(np.float32): np.complex64}


def add_rows(total: ndarray[Any, Any], rows: ndarray[Any, Any], values: Any) -> None:
    """Add to the rows of an array, which are numbers if it has one axis only."""
    width, shape, values = prod(total.shape[1:]), rows.shape + total.shape[1:], asarray(values)
    if values.shape != shape:
        values = np.broadcast_to(values, shape)
    values = np.ascontiguousarray(values.astype(total.dtype, casting="same_kind", copy=False)).reshape(-1)
    total, rows = total.reshape(-1), rows.reshape(-1)
    if width % 2 == 0 and total.dtype in PAIRS:
        width, total, values = width // 2, total.view(PAIRS[total.dtype]), values.view(PAIRS[total.dtype])
    if width == 1:
        np.add.at(total, rows, values)
        return
    columns, step = np.arange(width), max(1, BLOCK // max(1, width))
    for start in range(0, len(rows), step):
        some = rows[start : start + step, None] * width + columns
        np.add.at(total, some.reshape(-1), values[start * width : (start + step) * width])


def row_numbers(shape: tuple[int, ...], parts: tuple[Any, ...]) -> tuple[ndarray[Any, Any], int] | None:
    """Which rows an index takes, if it takes whole ones: `x[ids]`, `x[i, ids]`, `x[..., ids, :]`; and through how many
    axes these rows are counted.
    """
    at = next((i for i, part in enumerate(parts) if part is ...), len(parts))
    parts = (*parts[:at], *(len(shape) + 1 - len(parts)) * (WHOLE,), *parts[at + 1 :]) if at < len(parts) else parts
    chosen = [axis for axis, part in enumerate(parts) if not is_whole(part)]
    before, depth = chosen[0], chosen[-1] + 1
    named = parts[before:depth]
    if depth > len(shape) or not all(is_integer(part) or is_integers(part) for part in named):
        return None
    together, rows = np.broadcast(*named), np.zeros((), np.intp)
    if before:
        rows = np.arange(prod(shape[:before])).reshape(shape[:before] + (1,) * together.ndim)
    for axis, part in enumerate(named, before):
        numbers = asarray(part, np.intp)
        low, high = numbers.min(initial=0), numbers.max(initial=-1)
        if together.size and (low < -shape[axis] or high >= shape[axis]):
            bad = high if high >= shape[axis] else low
            raise IndexError(f"index {bad} is out of bounds for axis {axis} with size {shape[axis]}")
        rows = rows * shape[axis] + (numbers if low == 0 else np.where(numbers < 0, numbers + shape[axis], numbers))
    return rows, depth


def positions(shape: tuple[int, ...], parts: tuple[Any, ...]) -> ndarray[Any, Any]:
    """Where the elements that an index takes stand when all are in one line."""
    return asarray(np.arange(prod(shape)).reshape(shape)[parts])


def taken_elsewhere(x: Array, parts: tuple[Any, ...]) -> Array:
    """x[index] of another library. The standard has fewer indices than NumPy: arrays are read as positions."""
    xp = namespace(x)
    if all(map(is_basic, parts)):
        try:
            return x[spelled_out(parts)]
        except IndexError:  # the standard leaves open what a slice beyond the end is
            pass
    where = positions(x.shape, parts)
    return xp.reshape(xp.take(xp.reshape(x, (-1,)), beside(x, where.reshape(-1)), axis=0), where.shape)


def add_elsewhere(total: Array, parts: tuple[Any, ...], values: Any) -> None:
    """`add_at` with the functions of the standard, which assigns to no array of integers.

    The values are sorted by their positions. Those of one position then stand in a run, whose last one comes to hold the
    sum of the run: it is added up by neighbours at distance 1, 2, 4, ... (Hillis and Steele, Data parallel algorithms,
    1986). Each position then looks up the last of its run.
    """
    xp = namespace(total)
    if all(isinstance(part, slice) or is_integer(part) for part in parts):
        try:
            total[spelled_out(parts)] = total[spelled_out(parts)] + values
            return
        except IndexError:
            pass
    where = positions(total.shape, parts)
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


def spelled_out(parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """An index that says of every axis what is taken, as the standard asks."""
    return parts if any(part is ... for part in parts) else (*parts, ...)


class IndexedGradient:
    """A sparse gradient: zero outside an index. The contribution of indexing, so that n rows cost n rows and not n arrays."""

    __slots__ = ("dtype", "index", "values")
    shape = None  # that of no parent, so that it is never taken for a usual contribution

    def __init__(self, values: Array, index: Any) -> None:
        self.values, self.index, self.dtype = values, index, values.dtype

    def within(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """The same as an array, with its zeros."""
        return self.added_to(namespace(self.values).zeros(shape, dtype=dtype))

    def added_to(self, total: Array) -> Array:
        """`total`, after it was added in place."""
        add_at(total, self.index, self.values)
        return total
