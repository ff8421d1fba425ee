"""Copy on write: who else holds the memory of an array, and copies where somebody does."""

from itertools import chain
from math import prod
from sys import getrefcount
from typing import Any

import numpy as np
from numpy import generic, ndarray

from tinygrad_ko.arrays.library import NUMBERS, NUMPYS, Array


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
    if type(value) is ndarray:  # usual
        return np.array(value)
    if type(value) in NUMBERS:
        return value
    if isinstance(value, list | tuple):
        return type(value)(map(own, value)) if type(value) in (list, tuple) else value
    if isinstance(value, generic | type | Holder) or not hasattr(value, "__array_namespace__"):
        return value
    return copied(value)


def in_own_memory(results: tuple[Any, ...], values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The results of a forward as they are, or copies where one is a view of the values it was computed from, or one of them."""
    for result in results:
        if type(result) in NUMPYS and (result.base is not None or [v for v in values if v is result]):
            return tuple([apart(result, values) for result in results])
    return results


def apart(out: Array, values: tuple[Any, ...]) -> Array:
    """A result that shares no memory with the values it was computed from."""
    if hasattr(out, "traced_call"):
        return out.copy()
    return out.copy() if any(isinstance(v, ndarray) and np.may_share_memory(out, v) for v in values) else out


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


class Holder:
    """An object that holds an array, and gives it away for writing without harm to what was computed from it.

    What is written to its array never reaches into a graph that was recorded before, nor into a view of it. `writable_array` gives the
    array away, after a copy if a graph or a view needs the old values. `stable_array` is what ops work on: a copy, as long as
    someone who was given the array can still write to it. So `w.data -= lr * w.grad` copies nothing once `backward()` has freed the graph.
    """

    __slots__ = ("_array", "_exposed")

    _array: Array
    # Whether it was given away since an op last found nobody else holding it. If so, no graph and no view holds it either.
    _exposed: bool

    def writable_array(self) -> Array:
        """The array, for reading and writing."""
        if not self._exposed:
            if shared(self) or not writable(self._array):
                self._array = copied(self._array)
            self._exposed = True
        return self._array

    def stable_array(self) -> Array:
        """The array, or a copy while somebody could still write to it."""
        if self._exposed:
            if shared(self):
                return copied(self._array)
            self._exposed = False
        return self._array

    def sole_array(self) -> Array | None:
        """The array, to be changed in place, if nobody else can see its memory and it lies there in one piece; else None. As long as the
        caller holds it, ops work on copies, also those of other threads.
        """
        array = self._array
        alone = _ALONE + 1  # the variable is counted too
        if getrefcount(self._array) > alone or type(array) is not ndarray:
            return None
        if array.base is not None or not array.flags.carray:
            return None
        exposed, self._exposed = self._exposed, True
        if getrefcount(self._array) > alone:  # another thread has taken it just now
            self._exposed = exposed
            return None
        return array

    def watched_by_others(self) -> bool:
        """Whether somebody who was given the array still has it, and expects to see what is written to it."""
        return self._exposed and shared(self)

    def replacing(self, array: Array, exposed: bool = False) -> list[tuple[Any, str, Any]]:
        """The calls of `setattr` that give it another array, for `at_once`."""
        return [(self, "_array", array), (self, "_exposed", exposed)]


def passed_as(value: Any) -> tuple[int, Any]:
    """Which object a value is, which tells one array from an equal one, and what it was detached from, if it was under `watch()`."""
    return id(value), getattr(value, "_detached_from", None)


def shared(holder: Holder) -> bool:
    """Whether anything besides `holder` can see the memory of its array: a variable of the user's, a view, a graph."""
    # CPython counts references, and a view refers to the array it was cut from, so the counts tell exactly: one for the holder and one for
    # the call. (No local variable here: it would be counted too.) Memory that NumPy did not allocate counts as shared.
    if getrefcount(holder._array) > _ALONE or not isinstance(holder._array, ndarray):
        return True
    if holder._array.base is None:
        return False
    return type(holder._array.base) is not ndarray or getrefcount(holder._array.base) > _ALONE


def unseen(owner: object, name: str) -> bool:
    """Whether nothing but `owner` refers to its list of dicts of arrays, to one of these, or to one of the arrays."""
    if getrefcount(getattr(owner, name)) > _ALONE or {*map(type, getattr(owner, name))} != {dict}:
        return False
    dicts = getattr(owner, name)
    return max(map(getrefcount, chain(dicts, chain.from_iterable(map(dict.values, dicts))))) <= _ALONE


def unshared(arrays: dict[Any, Array], key: Any) -> Array:
    """The array that a dict holds under a key if nothing else refers to it or to its memory, else a copy."""
    if type(arrays[key]) is ndarray and arrays[key].base is None and getrefcount(arrays[key]) == _ALONE:
        return arrays[key]
    return copied(arrays[key])


def _count_alone() -> int:
    """What `getrefcount` says of an array with one holder: 2; or 0, so that all count as shared, where two look alike."""
    # CPython 3.14 does not count what its stack borrows from local variables; it counts the variables.
    holder, other = Holder(), Holder()
    holder._array = np.empty(0)
    one = getrefcount(holder._array)
    other._array = holder._array
    return 2 if (one, getrefcount(holder._array)) == (2, 3) else 0


_ALONE = _count_alone()
