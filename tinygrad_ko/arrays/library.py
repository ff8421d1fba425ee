"""The only file that knows array libraries: the namespace an array belongs to, and who else holds its memory.

The rules are written with the names of the Python array API standard (https://data-apis.org/array-api). On NumPy
arrays those names come from `quick`, where the slow public spellings are replaced by the ufunc methods behind them:
on small arrays `np.add.reduce` takes half the time of `np.sum`.
"""

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy import asarray, generic, ndarray

Array = Any  # an array of any library that follows the array API standard; NumPy's unless said otherwise

SCALARS = (int, float)  # Python's own numbers keep an array's dtype (NEP 50), so they stay what they are


BITS = {np.dtype(np.float64): np.int64, np.dtype(np.float32): np.int32}


def where(condition: Any, x: Any, y: Any) -> Array:
    """np.where. With 0 as its other branch a processor guesses wrong at every second element of a random mask; a product of
    bits has nothing to guess and is 5 to 10 times as fast (and, unlike a product of numbers, makes no NaN of 0 * inf).
    """
    plain = type(condition) is ndarray and type(x) is ndarray and type(y) is int and y == 0
    fits = plain and (condition.shape == x.shape or condition.shape == np.broadcast_shapes(condition.shape, x.shape))
    if fits and condition.dtype == bool and x.dtype in BITS:
        bits = condition.astype(BITS[x.dtype])
        bits *= x.view(BITS[x.dtype])
        return bits.view(x.dtype)
    return np.where(condition, x, y)


def by_rows(reduce: Any) -> Any:
    """The reduction of a ufunc. Over a short last axis NumPy pays for every row anew; over the turned array it does not."""

    def reduction(x: Any, axis: Any = None, keepdims: bool = False) -> Array:
        if (axis == -1 or axis == 1) and type(x) is ndarray and x.ndim == 2 and x.shape[1] <= 64 < x.size:
            out = reduce(x.T.copy(), axis=0)
            return out[:, None] if keepdims else out
        return reduce(x, axis=axis, keepdims=keepdims)

    return reduction


def argsort(x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """np.argsort, and the order that descends: of equal elements the first comes first in both, NaN last or first."""
    if not descending:
        return np.argsort(x, axis=axis, stable=stable)
    return x.shape[axis] - 1 - np.flip(np.argsort(np.flip(x, axis), axis=axis, stable=stable), axis)


quick = SimpleNamespace(
    **{
        **vars(np),
        "sum": by_rows(np.add.reduce),
        "prod": by_rows(np.multiply.reduce),
        "max": by_rows(np.maximum.reduce),
        "min": by_rows(np.minimum.reduce),
        "all": by_rows(np.logical_and.reduce),
        "any": by_rows(np.logical_or.reduce),
        "mean": lambda x, axis=None, keepdims=False: x.mean(axis=axis, keepdims=keepdims),
        "where": where,
        "argsort": argsort,
        "reshape": lambda x, shape: x.reshape(shape),
        "permute_dims": lambda x, axes: x.transpose(axes),
        "matrix_transpose": lambda x: x.swapaxes(-1, -2),
        "astype": lambda x, dtype, copy=True: x.astype(dtype, copy=copy),
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
    """An array from a number; an array of any library as it is. (NumPy's scalars pass for arrays of no axes.)"""
    return value if isinstance(value, generic) or hasattr(value, "__array_namespace__") else asarray(value)


def new_array(value: Any, dtype: Any = None, copy: bool = True) -> Array:
    """An array from a number or from an array, which stays in its library; without `copy` it may be the same one."""
    library = namespace(value)
    return (np if library is quick else library).asarray(value, dtype=dtype, copy=True if copy else None)


def shape(value: Any) -> tuple[int, ...]:
    """The shape of an array or a number."""
    return value.shape if hasattr(value, "shape") else np.shape(value)


def library_name(array: Array) -> str:
    """The name of the library that an array belongs to."""
    return "numpy" if isinstance(array, ndarray | generic) else str(array.__array_namespace__().__name__)


def method(x: Any, name: str) -> Any:
    """What NumPy and Tensors have as a method, and the standard as a function only: `method(x, "sum")(axis=0)`."""
    return getattr(x, name) if hasattr(x, name) else partial(getattr(namespace(x), name), x)


def is_floating(dtype: Any) -> bool:
    """Whether a dtype, of any library, is one of the real floating point numbers: those that have gradients."""
    return dtype.kind == "f" if isinstance(dtype, np.dtype) else "float" in str(dtype)


def is_real(array: Array) -> bool:
    """Whether an array holds real numbers or truth values."""
    return array.dtype.kind in "biuf" if isinstance(array, ndarray | generic) else "complex" not in str(array.dtype)


def same_numbers(a: Any, b: Any) -> bool:
    """Whether two dtypes hold the same numbers, be it with their bytes in another order."""
    return a == b or (isinstance(a, np.dtype) and isinstance(b, np.dtype) and np.can_cast(a, b, "equiv"))


def cast(x: Any, dtype: Any) -> Any:
    """x, an array or a Tensor, in that dtype; if it has it, x itself."""
    return x if x.dtype is dtype or x.dtype == dtype else method(x, "astype")(dtype)


def quiet(**kinds: Any) -> Any:
    """Inside this block NumPy does not warn of what is meant to happen, such as an overflow to infinity."""
    return np.errstate(**kinds)


ARRAYS = frozenset({ndarray, np.float64, np.float32})  # the usual types of arrays, NumPy's scalars among them
FLOAT64, FLOAT32, INT64, BOOL = (np.dtype(d) for d in (np.float64, np.float32, np.int64, np.bool_))  # the usual dtypes
NUMBERS = frozenset({float, int, bool, type(None)})  # nobody can write to these
PLAIN = ARRAYS | NUMBERS  # what `operand` leaves as it is


def beside(x: Array, numbers: ndarray[Any, Any], dtype: Any = None) -> Array:
    """NumPy's numbers in the library of x and on its device."""
    return namespace(x).asarray(numbers, dtype=dtype, device=x.device)
