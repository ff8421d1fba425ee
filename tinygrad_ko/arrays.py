"""The only file that knows array libraries: the namespace an array belongs to, and who else holds its memory.

The rules are written with the names of the Python array API standard (https://data-apis.org/array-api). On NumPy
arrays those names come from `quick`, where the slow public spellings are replaced by the ufunc methods behind them:
on small arrays `np.add.reduce` takes half the time of `np.sum`.
"""

from sys import getrefcount
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
from numpy import asarray, generic, ndarray

from tinygrad_ko.errors import explain

Array = Any  # an array of any library that follows the array API standard; NumPy's unless said otherwise

SCALARS = (
    int,
    float,
)  # bool is an int; Python's own numbers keep an array's dtype (NEP 50), so they stay what they are

quick = SimpleNamespace(
    **{
        **vars(np),
        "sum": np.add.reduce,
        "max": np.maximum.reduce,
        "min": np.minimum.reduce,
        "any": np.logical_or.reduce,
        "reshape": lambda x, shape: x.reshape(shape),
        "permute_dims": lambda x, axes: x.transpose(axes),
        "matrix_transpose": lambda x: x.swapaxes(-1, -2),
    }
)


def namespace(*values: Any) -> Any:
    """The array library of the first array among the values: NumPy if there is none."""
    for value in values:
        if isinstance(value, (ndarray, generic)):
            return quick
        if hasattr(value, "__array_namespace__"):
            return value.__array_namespace__()
    return quick


def as_array(value: Any) -> Array:
    """An array: NumPy's full reductions return scalars, and users pass lists. An array of another library comes back
    as it is.
    """
    return asarray(value) if isinstance(value, generic) or not hasattr(value, "__array_namespace__") else value


def own(value: Any) -> Any:
    """A copy that the caller's later writes do not reach; a Python number is its own copy."""
    if value is None or isinstance(value, SCALARS):
        return value
    if isinstance(value, ndarray) or not hasattr(value, "__array_namespace__"):
        return np.array(value)
    return value.__array_namespace__().asarray(value, copy=True)


def quiet(**kinds: Any) -> Any:
    """Inside this block NumPy does not warn of what is meant to happen, such as an overflow to infinity."""
    return np.errstate(**kinds)


def operand(value: Any) -> Any:
    """What an op works on, from anything a user passes that is neither an array nor a Python number: lists of numbers
    become float64.

    Raises TypeError for what is not numeric.
    """
    if value is None or isinstance(value, generic | int | float) or hasattr(value, "__array_namespace__"):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise explain(
            TypeError(f"expected numbers, got {type(value).__name__} (which NumPy reads as dtype {array.dtype})"),
            "실수로 이루어진 배열이나 리스트를 넘겨야 합니다.",
        )
    return array.astype(np.float64) if array.dtype.kind in "iu" and not isinstance(value, np.ndarray) else array


PLAIN = frozenset(
    {ndarray, np.float64, np.float32, float, int, bool, type(None)}
)  # types that `operand` leaves as they are


def add_at(total: ndarray, index: Any, values: Array) -> None:
    """`total[index] += values`, where an index that occurs twice is added to twice."""
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, ndarray) and part.dtype != bool for part in parts):
        np.add.at(total, index, values)
    else:
        total[index] += values


class Holder(Protocol):
    """Anything that keeps an array under the name `_data`."""

    _data: Array


def shared(holder: Holder) -> bool:
    """Whether anything besides `holder` can see the memory of its array: a variable of the user's, a view, a graph.

    CPython counts references, and a view refers to the array it was cut from, so the counts tell exactly: one for the
    holder and one for the call. (No local variable here: it would be counted too.) Memory that NumPy did not allocate
    counts as shared.
    """
    if getrefcount(holder._data) > 2:
        return True
    if not isinstance(holder._data, ndarray):
        return True
    if holder._data.base is None:
        return not holder._data.flags.owndata
    return type(holder._data.base) is not ndarray or getrefcount(holder._data.base) > 2
