"""The temporaries of elementwise work on NumPy's arrays: few, and small enough for the cache of a processor."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from numpy import ndarray

from tinygrad_ko.arrays.library import Array

_BLOCK = 128 * 1024 - 4096  # bytes: glibc maps an array of 128 KiB anew, at a page fault for every 4 KiB


def onto(spent: Any, f: Callable[..., Any], *arguments: Any) -> Array:
    """f(*arguments), written onto an array that is used no more if that is NumPy's: on 131,072 float32 an operation takes half the time."""
    return f(*arguments, out=spent) if type(spent) is ndarray else f(*arguments)


def in_blocks(forward: Callable[..., Array]) -> Callable[..., Array]:
    """Decorator of a forward of many operations, in which an element of the result depends on that element of its argument alone.

    It works on a large array of NumPy's block by block: so each operation finds in the cache what the last one has left there, and no
    temporary is as large as the array.
    """

    @wraps(forward)
    def blockwise(xp: Any, x: Any, **options: Any) -> Array:
        if type(x) is not ndarray or x.nbytes <= _BLOCK:
            return forward(xp, x, **options)
        x = x if x.flags.forc else x.copy()
        given = _flat(x)
        length = _BLOCK // x.itemsize
        first = forward(xp, given[:length], **options)
        out = np.empty_like(x, first.dtype)
        results = _flat(out)
        results[:length] = first
        for i in range(length, x.size, length):
            results[i : i + length] = forward(xp, given[i : i + length], **options)
        return out

    return blockwise


def _flat(x: ndarray[Any, Any]) -> ndarray[Any, Any]:
    """A contiguous array as one of one axis, in the order of its memory: a view, or a ValueError."""
    return x.reshape(-1, order="A", copy=False)
