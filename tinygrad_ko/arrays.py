"""The only file that knows array libraries: the namespace an array belongs to, and who else holds its memory.

The rules are written with the names of the Python array API standard (https://data-apis.org/array-api). On NumPy
arrays those names come from `quick`, where the slow public spellings are replaced by the ufunc methods behind them:
on small arrays `np.add.reduce` takes half the time of `np.sum`.
"""

from functools import cache, partial, reduce
from math import prod
from sys import getrefcount
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
from numpy import asarray, generic, ndarray

from tinygrad_ko.errors import explain

Array = Any  # an array of any library that follows the array API standard; NumPy's unless said otherwise

SCALARS = (int, float)  # Python's own numbers keep an array's dtype (NEP 50), so they stay what they are

WEIGHTS = np.cumprod(np.full(512, 9, np.uint64))  # powers of 9 modulo 2**64: odd, and all different

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


def fingerprint(value: Any) -> int:
    """A number that is another one for other values, bit for bit: of arrays, and of dicts, lists and tuples of them. Of what is
    no array and no number it tells the type alone.

    The rows of a long array are first hashed to a number each, linearly: five times as fast as Python's `hash` alone.
    """
    if isinstance(value, dict | list | tuple):
        return hash(tuple(map(fingerprint, value.items() if isinstance(value, dict) else value)))
    if not hasattr(value, "__array_namespace__"):
        return hash(repr(value) if isinstance(value, str | int | float | slice | None) else type(value))
    value = asarray(value)
    shape, dtype, rows = value.shape, value.dtype, b""
    if dtype.itemsize > 8:
        value = value.astype(np.float64)  # longer floats hold padding
    if value.nbytes > 8 * WEIGHTS.nbytes:
        words = value.ravel().view(np.uint8)
        whole = words.size // WEIGHTS.nbytes * WEIGHTS.nbytes
        rows = np.einsum("ij,j->i", words[:whole].view(np.uint64).reshape(-1, WEIGHTS.size), WEIGHTS).tobytes()
        value = words[whole:]
    return hash((shape, dtype, rows, value.tobytes()))


def quiet(**kinds: Any) -> Any:
    """Inside this block NumPy does not warn of what is meant to happen, such as an overflow to infinity."""
    return np.errstate(**kinds)


def operand(value: Any, op: str = "Tensor") -> Any:
    """What an op works on, from anything a user passes: lists of numbers become float64, arrays and numbers stay.

    Raises TypeError, with the name of the op, for what is not real or has other rules than an array's (masks, np.matrix).
    """
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, ndarray) and type(value) not in (ndarray, np.memmap):
        raise explain(
            TypeError(f"{op}: a {type(value).__name__} has rules of its own; pass np.asarray(x)"),
            f"{op}: {type(value).__name__}의 연산 규칙은 일반 배열과 다릅니다. np.asarray(x)로 바꾸어 넘기십시오.",
        )
    if getattr(value, "requires_grad", hasattr(value, "backward")):  # a tensor of PyTorch, MyGrad, ...
        raise explain(
            TypeError(
                f"{op}: a {type(value).__name__} of {type(value).__module__} has a graph of its own, which would be cut; pass its values "
                "as an array of NumPy"
            ),
            f"{op}: 다른 라이브러리({type(value).__module__})의 계산 그래프가 끊어지므로 허용하지 않습니다. 값만 NumPy 배열로 넘기십시오.",
        )
    array = value if hasattr(value, "__array_namespace__") else np.array(value)
    if not is_real(array):
        raise explain(
            TypeError(f"{op}: expected real numbers, got {type(value).__name__} (to NumPy: {array.dtype})"),
            f"{op}: 실수로 이루어진 배열이나 리스트를 넘겨야 합니다.",
        )
    return array.astype(np.float64) if array is not value and array.dtype.kind in "iu" else array


ARRAYS = frozenset({ndarray, np.float64, np.float32})  # the usual types of arrays, NumPy's scalars among them
FLOAT64, FLOAT32, INT64, BOOL = (np.dtype(d) for d in (np.float64, np.float32, np.int64, np.bool_))  # the usual dtypes
NUMBERS = frozenset({float, int, bool, type(None)})  # nobody can write to these
PLAIN = ARRAYS | NUMBERS  # what `operand` leaves as it is


def floating(x: Any) -> Any:
    """x, with integers as float64: differences of unsigned integers would wrap around."""
    if isinstance(x, float) or (hasattr(x, "dtype") and is_floating(x.dtype)):
        return x
    return namespace(x).astype(x, namespace(x).float64) if hasattr(x, "dtype") else x * 1.0


def exp2(xp: Any, x: Any) -> Array:
    """2 to the power x. The standard has no name for it, NumPy has one: 5 times as fast as a power."""
    return xp.exp2(x) if hasattr(xp, "exp2") else 2.0**x


def cbrt(xp: Any, x: Any) -> Array:
    """The cube root. Where a library has no name for it: a power, which is right but for its last digits, and a step of
    Newton's method, which mends them.
    """
    if hasattr(xp, "cbrt"):
        return xp.cbrt(x)
    root = xp.abs(x) ** (1 / 3)
    square = xp.where(root == 0, xp.ones_like(root), root * root)
    return xp.copysign(root - (root - xp.abs(x) / square) / 3, x)


def one_hot(labels: Array, classes: int, dtype: Any) -> Array:
    """Rows of zeros with a 1 at each label."""
    if not isinstance(labels, ndarray):
        xp = namespace(labels)
        return xp.astype(labels[:, None] == xp.arange(classes), dtype)
    rows = np.zeros((len(labels), classes), dtype)
    rows[np.arange(len(labels)), labels] = 1
    return rows


def beside(x: Array, numbers: ndarray[Any, Any], dtype: Any = None) -> Array:
    """NumPy's numbers in the library of x and on its device."""
    return namespace(x).asarray(numbers, dtype=dtype, device=x.device)


def windows(x: Array, size: int, step: int, axis: int, dilation: int = 1) -> Array:
    """The windows that slide along an axis, on a new last axis: of a NumPy array a view, which nobody may write to, and which costs
    4 us, whatever its size. Inside a window `dilation` is the step.
    """
    count = (x.shape[axis] - dilation * (size - 1) - 1) // step + 1
    if isinstance(x, ndarray):
        strides = (*x.strides[:axis], x.strides[axis] * step, *x.strides[axis + 1 :], x.strides[axis] * dilation)
        shape = (*x.shape[:axis], count, *x.shape[axis + 1 :], size)
        return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)
    starts = [slice(i, i + (count - 1) * step + 1, step) for i in range(0, dilation * size, dilation)]
    return namespace(x).stack([x[(slice(None),) * axis + (part, ...)] for part in starts], axis=-1)


def matmul_as(x: Any, a: Any, b: Any) -> Any:
    """a @ b, lying in memory column by column if the matrix x lies so: whoever works on both then works on neighbours."""
    if type(x) is ndarray and x.flags.f_contiguous and not x.flags.c_contiguous:
        return (b.mT @ a.mT).mT
    return a @ b


@cache
def keep_freed_memory() -> None:
    """Once: let an array of almost 32 MiB die, untouched.

    glibc gives a large array back to the system when it dies, and the next one costs a page fault for every 4 KiB: a quarter
    of the time of a convolutional network. From then on it keeps arrays as large as the largest that it has seen to die, up
    to 32 MiB, and at most twice as much. Elsewhere this does nothing.
    """
    np.empty(2**25 - 2**13, np.uint8)


def compact(x: Array) -> Array:
    """The same array without gaps in memory, its last axis fastest."""
    return np.ascontiguousarray(x) if isinstance(x, ndarray) else x


def largest(parts: list[Array]) -> Array:
    """The largest of each element, in a new array."""
    if len(parts) == 1 or not isinstance(parts[0], ndarray):
        return reduce(namespace(parts[0]).maximum, parts[1:], copied(parts[0]))
    out = np.maximum(parts[0], parts[1])
    for part in parts[2:]:
        np.maximum(out, part, out=out)
    return out


SMALL_PRODUCT = 10**6  # multiplications


def pieces(length: int, width: int) -> list[slice]:
    """A length in pieces, for a product of matrices with `width` multiplications for each step along it.

    OpenBLAS has kernels for processors with AVX-512 that do a product of up to 10^6 multiplications where it lies; a larger
    one it does from copies of both matrices, which cost as much as the product where one of the two has a few dozen rows. In
    pieces (30, 25) @ (25, 2400) takes 0.8 of the time and (30, 2400) @ (2400, 25) 0.6; with other kernels 1.1. Pieces
    shorter than 256 gain nothing.
    """
    step = SMALL_PRODUCT // max(width, 1)
    step = step if step >= 256 else max(length, 1)
    return [slice(i, i + step) for i in range(0, length, step)]


def wide_product(a: Array, b: Array, out: Array, at: Any) -> None:
    """`out[at] = a @ b` for stacks of matrices b with few rows and many columns."""
    if not isinstance(out, ndarray):
        out[at] = a @ b
        return
    out = out[at]
    for piece in pieces(b.shape[-1], a.shape[-1] * a.shape[-2]):
        np.matmul(a, b[..., piece], out=out[..., piece])


def long_product(a: Array, b: Array) -> Array:
    """a @ b.mT for stacks of matrices with few rows and many columns."""
    if not isinstance(a, ndarray):
        return a @ b.mT
    total = np.zeros((*a.shape[:-1], b.shape[-2]), np.result_type(a, b))
    for piece in pieces(a.shape[-1], a.shape[-2] * b.shape[-2]):
        total += a[..., piece] @ b[..., piece].mT
    return total


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
