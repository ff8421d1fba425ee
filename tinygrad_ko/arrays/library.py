"""Array libraries: the namespace an array belongs to, and what the array API standard leaves to each library.

Formulas use the names of the Python array API standard (https://data-apis.org/array-api). For NumPy's arrays they come from `quick`,
which has the ufunc methods behind slow public functions: on small arrays `np.add.reduce` takes half the time of `np.sum`. The
constants in formulas are floats for the same reason: of four float64 numbers `1.0 - x` takes 0.43 us, and `1 - x` 0.58.
"""

from functools import partial
from math import inf
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy import asarray, generic, ndarray

from tinygrad_ko.arrays import faster

Array = Any  # an array of any library that follows the array API standard; NumPy's unless said otherwise

SCALARS = (int, float)  # Python's own numbers keep an array's dtype (NEP 50), so they stay what they are
ARRAYS = frozenset({ndarray, np.float64, np.float32})  # the usual types of arrays, NumPy's scalars among them
FLOAT64, FLOAT32, INT64, BOOL = (np.dtype(d) for d in (np.float64, np.float32, np.int64, np.bool_))  # the usual dtypes
FLOATS = (FLOAT64, FLOAT32)  # those for which fast paths are written
NUMBERS = frozenset({float, int, bool, type(None)})  # immutable
PLAIN = ARRAYS | NUMBERS  # what `operand` leaves as it is
# What fast paths of NumPy's functions are taken for: its arrays, and those that stand for them where they are traced.
NUMPYS: set[Any] = {ndarray}

_BITS = {FLOAT64: np.int64, FLOAT32: np.int32}
_MANY = 2000  # elements, from which on what is saved at each is more than what it costs to begin
_TOO_MANY = 2**23  # bytes, from which on it is the memory that takes the time


def _where(condition: Any, x: Any, y: Any) -> Array:
    """np.where, without its branch at every element, which a processor cannot guess: among the bits of the numbers, taken as integers, it
    is y + condition * (x - y), to the last bit of a NaN. 131,072 random choices take 55 us, with 0 for y 35 us; np.where 470 us.
    """
    if type(condition) is ndarray and condition.dtype == bool:
        many, zero = condition.size > _MANY, type(y) is int and y == 0
        if many and type(x) in SCALARS and type(y) is ndarray:
            return _where(~condition, y, x)
        alike = type(y) in SCALARS or (type(y) is ndarray and type(x) is ndarray and y.dtype == x.dtype)
        if type(x) is ndarray and x.dtype in _BITS and (zero or (many and alike)):
            to, fits = condition.shape, x.shape == condition.shape and (type(y) is not ndarray or y.shape == x.shape)
            if fits or to == np.broadcast_shapes(to, x.shape, np.shape(y)):
                integer = _BITS[x.dtype]
                bits, ones = condition.astype(integer), x.view(integer)
                if zero:
                    bits *= ones
                else:
                    others = asarray(y, x.dtype).view(integer)
                    bits *= ones - others
                    bits += others
                return bits.view(x.dtype)
    return np.where(condition, x, y)


def masked(condition: Array, x: Array, out: Array) -> None:
    """where(condition, x, 0) of NumPy's arrays, likewise, written to `out`."""
    if x.dtype in _BITS:
        bits = out.view(_BITS[x.dtype])
        np.copyto(bits, condition)
        bits *= x.view(bits.dtype)
    else:
        np.copyto(out, np.where(condition, x, 0))


def _maximum(a: Any, b: Any, out: Any = None) -> Array:
    """np.maximum. Of an array and a number NumPy computes it one by one, np.clip many at once: 131,072 float32 take 50 us, and 16 us."""
    return _clipped(a, b, inf, b, out) if _many_and_a_number(a, b) else np.maximum(a, b, out=out)


def _minimum(a: Any, b: Any, out: Any = None) -> Array:
    """np.minimum, likewise."""
    return _clipped(a, -inf, b, b, out) if _many_and_a_number(a, b) else np.minimum(a, b, out=out)


def _many_and_a_number(a: Any, b: Any) -> bool:
    if type(a) is not ndarray or a.size <= _MANY or a.dtype not in _BITS or a.nbytes > _TOO_MANY:
        return False
    return type(b) is int or (type(b) is float and not -1e-44 < b < 1e-44)  # 0.0 may be -0.0, also once it is rounded


def _clipped(a: Array, low: float, high: float, number: float, out: Any) -> Array:
    clipped: Array = a.clip(low, high, out=out)
    if number == 0:
        clipped += 0.0  # np.clip keeps -0.0, of which np.maximum and np.minimum make 0.0
    return clipped


def _by_rows(ufunc: np.ufunc) -> Any:
    """The reduction of a ufunc. Over a short last axis NumPy pays for every row anew; over the transposed array it does not. (Of 3 axes or
    more only up to 7 elements, which NumPy adds one after the other as well, and where rows are what lies side by side.)
    """
    reduce: Any = ufunc.reduce

    def reduction(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Array:
        if dtype is not None:
            return reduce(x, axis=axis, dtype=dtype, keepdims=keepdims)
        if type(axis) is int and type(x) is ndarray and x.ndim > 1 and (axis == -1 or axis == x.ndim - 1):
            n, few = x.shape[-1], 64 if x.ndim == 2 else 7
            if n <= few < x.size and (x.ndim == 2 or x.flags.c_contiguous):
                out = reduce(x.reshape(-1, n).T.copy(), axis=0).reshape(x.shape[:-1])
                return out[..., None] if keepdims else out
        return reduce(x, axis=axis, keepdims=keepdims)

    return reduction


def _astype(x: Any, dtype: Any, copy: bool = True, device: Any = None) -> Array:
    if device is not None:
        return np.astype(asarray(x), dtype, copy=copy, device=device)
    return x.astype(dtype) if copy is True else x.astype(dtype, copy=copy)


def _zeros_like(x: Any, **options: Any) -> Array:
    """np.zeros_like, of a few numbers in a third of the time."""
    if not options and type(x) is ndarray and x.flags.c_contiguous:
        return np.zeros(x.shape, x.dtype)
    return np.zeros_like(x, **options)


def sorted_places(x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    """np.argsort, and the descending order; of equal elements the first comes first in both."""
    if not descending:
        return np.argsort(x, axis=axis, stable=stable)
    return x.shape[axis] - 1 - np.flip(np.argsort(np.flip(x, axis), axis=axis, stable=stable), axis)


quick = SimpleNamespace(**vars(np))
quick.sum, quick.prod = _by_rows(np.add), _by_rows(np.multiply)
quick.max, quick.min = _by_rows(np.maximum), _by_rows(np.minimum)
quick.all, quick.any = _by_rows(np.logical_and), _by_rows(np.logical_or)
quick.mean = lambda x, axis=None, keepdims=False: x.mean(axis=axis, keepdims=keepdims)
quick.where, quick.argsort = _where, sorted_places
quick.cumulative_sum = faster.running(np.add, np.cumulative_sum)
quick.cumulative_prod = faster.running(np.multiply, np.cumulative_prod)
quick.hypot, quick.logaddexp = faster.hypot, faster.logaddexp
quick.maximum, quick.minimum = _maximum, _minimum
quick.zeros_like = _zeros_like
quick.reshape = lambda x, shape, copy=None: x.reshape(shape) if copy is None else np.reshape(x, shape, copy=copy)
quick.permute_dims = lambda x, axes: x.transpose(axes)
quick.matrix_transpose = lambda x: x.swapaxes(-1, -2)
quick.astype = _astype

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


def contiguous(x: Any) -> Any:
    """x with its numbers in memory in the order of its axes, if it is NumPy's: a permuted view makes small products of matrices take almost
    three times as long.
    """
    if type(x) not in NUMPYS:
        return np.ascontiguousarray(x) if isinstance(x, ndarray) else x
    return x if x.flags.c_contiguous else x.copy()


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
