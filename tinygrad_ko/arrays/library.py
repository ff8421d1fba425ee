"""Array libraries: the namespace an array belongs to, and what the array API standard leaves to each library.

Formulas use the names of the Python array API standard (https://data-apis.org/array-api). For NumPy's arrays they come from `quick`,
which has the ufunc methods behind slow public functions: on small arrays `np.add.reduce` takes half the time of `np.sum`. The
constants in formulas are floats for the same reason: of four float64 numbers `1.0 - x` takes 0.43 us, and `1 - x` 0.58.
"""

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy import asarray, generic, ndarray

Array = Any  # an array of any library that follows the array API standard; NumPy's unless said otherwise

SCALARS = (int, float)  # Python's own numbers keep an array's dtype (NEP 50), so they stay what they are
ARRAYS = frozenset({ndarray, np.float64, np.float32})  # the usual types of arrays, NumPy's scalars among them
FLOAT64, FLOAT32, INT64, BOOL = (np.dtype(d) for d in (np.float64, np.float32, np.int64, np.bool_))  # the usual dtypes
NUMBERS = frozenset({float, int, bool, type(None)})  # immutable
PLAIN = ARRAYS | NUMBERS  # what `operand` leaves as it is

_BITS = {FLOAT64: np.int64, FLOAT32: np.int32}


def _where(condition: Any, x: Any, y: Any) -> Array:
    """np.where; with 0 as its other branch a product of bits: 5 to 10 times as fast, and, unlike one of numbers, no NaN of 0 * inf."""
    plain = type(condition) is ndarray and type(x) is ndarray and type(y) is int and y == 0
    fits = plain and (condition.shape == x.shape or condition.shape == np.broadcast_shapes(condition.shape, x.shape))
    if fits and condition.dtype == bool and x.dtype in _BITS:
        bits = condition.astype(_BITS[x.dtype])
        bits *= x.view(_BITS[x.dtype])
        return bits.view(x.dtype)
    return np.where(condition, x, y)


def _by_rows(ufunc: np.ufunc) -> Any:
    """The reduction of a ufunc. Over a short last axis NumPy pays for every row anew; over the transposed array it does not."""
    reduce: Any = ufunc.reduce

    def reduction(x: Any, axis: Any = None, keepdims: bool = False) -> Array:
        if (axis == -1 or axis == 1) and type(x) is ndarray and x.ndim == 2 and x.shape[1] <= 64 < x.size:
            out = reduce(x.T.copy(), axis=0)
            return out[:, None] if keepdims else out
        return reduce(x, axis=axis, keepdims=keepdims)

    return reduction


def _argsort(x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """np.argsort, and the descending order; of equal elements the first comes first in both."""
    if not descending:
        return np.argsort(x, axis=axis, stable=stable)
    return x.shape[axis] - 1 - np.flip(np.argsort(np.flip(x, axis), axis=axis, stable=stable), axis)


quick = SimpleNamespace(**vars(np))
quick.sum, quick.prod = _by_rows(np.add), _by_rows(np.multiply)
quick.max, quick.min = _by_rows(np.maximum), _by_rows(np.minimum)
quick.all, quick.any = _by_rows(np.logical_and), _by_rows(np.logical_or)
quick.mean = lambda x, axis=None, keepdims=False: x.mean(axis=axis, keepdims=keepdims)
quick.where, quick.argsort = _where, _argsort
quick.reshape = lambda x, shape: x.reshape(shape)
quick.permute_dims = lambda x, axes: x.transpose(axes)
quick.matrix_transpose = lambda x: x.swapaxes(-1, -2)
quick.astype = lambda x, dtype, copy=True: x.astype(dtype, copy=copy)

quiet = np.errstate  # inside this block NumPy does not warn of what is meant to happen, such as an overflow to infinity


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
    return namespace(value).asarray(value, dtype=dtype, copy=True if copy else None)


def beside(x: Array, numbers: ndarray[Any, Any], dtype: Any = None) -> Array:
    """NumPy's numbers in the library of x and on its device."""
    return namespace(x).asarray(numbers, dtype=dtype, device=x.device)


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
    """Whether a dtype, of any library, is a real floating point dtype: only those have gradients."""
    return dtype.kind == "f" if isinstance(dtype, np.dtype) else "float" in str(dtype)


def is_real(array: Array) -> bool:
    """Whether an array holds real numbers or truth values."""
    return array.dtype.kind in "biuf" if isinstance(array, ndarray | generic) else "complex" not in str(array.dtype)


def same_numbers(a: Any, b: Any) -> bool:
    """Whether two dtypes are equal but for their byte order."""
    return a == b or (isinstance(a, np.dtype) and isinstance(b, np.dtype) and np.can_cast(a, b, "equiv"))


def cast(x: Any, dtype: Any) -> Any:
    """x, an array or a Tensor, in that dtype; if it has it, x itself."""
    return x if x.dtype is dtype or x.dtype == dtype else method(x, "astype")(dtype)
