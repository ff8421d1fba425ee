"""Copy on write: who else holds the memory of an array, and copies where somebody does."""

from math import prod
from sys import getrefcount
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
from numpy import generic, ndarray

from tinygrad_ko.arrays.library import Array


def writable(array: Array) -> bool:
    """Whether an array can be changed in place."""
    return not isinstance(array, ndarray) or array.flags.writeable


def copied(array: Array) -> Array:
    """A copy, which nobody else holds; of a NumPy scalar, an array of no axes."""
    if isinstance(array, ndarray | generic):
        return np.array(array)
    return array.__array_namespace__().asarray(array, copy=True)


def own(value: Any) -> Any:
    """A value that the caller's later writes do not reach: copies of arrays and of lists, also inside tuples."""
    if isinstance(value, list | tuple):
        return type(value)(map(own, value)) if type(value) in (list, tuple) else value
    return value if isinstance(value, generic | type) or not hasattr(value, "__array_namespace__") else copied(value)


def apart(out: Array, values: tuple[Any, ...]) -> Array:
    """A result that shares no memory with the values it was computed from."""
    return out.copy() if any(isinstance(v, ndarray) and np.may_share_memory(out, v) for v in values) else out


class Holder(Protocol):
    """Anything that keeps an array under the name `_array`."""

    _array: Array


def bytes_of(array: Array) -> int:
    """How much memory the elements of an array take."""
    if hasattr(array, "nbytes"):
        return int(array.nbytes)
    bits = [8 * n for n in (1, 2, 4, 8) if f"{8 * n}" in str(array.dtype)]  # the standard has no other word for it
    return prod(array.shape) * (bits[-1] if bits else 8) // 8


def whole(array: Array) -> Array:
    """The array whose memory a view refers to."""
    while isinstance(array, ndarray) and isinstance(array.base, ndarray):
        array = array.base
    return array


def shared(holder: Holder) -> bool:
    """Whether anything besides `holder` can see the memory of its array: a variable of the user's, a view, a graph.

    CPython counts references, and a view refers to the array it was cut from, so the counts tell exactly: one for the
    holder and one for the call. (No local variable here: it would be counted too.) Memory that NumPy did not allocate
    counts as shared.
    """
    if getrefcount(holder._array) > ALONE or not isinstance(holder._array, ndarray):
        return True
    if holder._array.base is None:
        return False
    return type(holder._array.base) is not ndarray or getrefcount(holder._array.base) > ALONE


def count_alone() -> int:
    """What `getrefcount` says of an array with one holder: 2; or 0, so that all count as shared, where two look alike.

    CPython 3.14 does not count what its stack borrows from local variables; it counts the variables.
    """
    holder = SimpleNamespace(_array=np.empty(0))
    one = getrefcount(holder._array)
    holder.other = holder._array
    return 2 if (one, getrefcount(holder._array)) == (2, 3) else 0


ALONE = count_alone()
