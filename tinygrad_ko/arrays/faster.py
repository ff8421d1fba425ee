"""What NumPy computes number by number, computed for many at once. On 131,072 float32, in ns for each on the machine of docs/speed.md:

    remainder    18 ->  2.7        logaddexp  20   ->  4.2        cumulative_sum along the last axis   3.4 -> 1.7
    floor_divide 21 ->  1.7        hypot       3.9 ->  2.9        cumulative_sum along the first axis  6.6 -> 0.6

The results are NumPy's to the last bit, but for `logaddexp` and, where the C library rounds it otherwise, `hypot` of float32, which is
computed in float64 and rounded once. What is no array of float64 or float32, or small, is left to NumPy; so is a block with what is
unusual, such as NaN, of which NumPy then gives the warnings.
"""

from collections.abc import Callable, Iterator
from math import inf, isfinite, prod
from typing import Any

import numpy as np
from numpy import asarray, ndarray

Array = Any
Kernel = Callable[[Array, Array, Array], bool]  # writes to the last; whether all of it is as NumPy would have it

_FLOAT64, _FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)
_FEW = 4_096  # numbers for which NumPy takes as long
_BLOCK = 8_192  # numbers that are worked on at a time: they stay in the processor's cache, and make no page faults
_LANES = 1_024  # running sums that advance together
_AHEAD = 512  # bytes that each of them advances before it is put back: so the buffer stays in the cache
_PADDING = 16  # numbers between rows of a buffer: rows that are 4096 bytes apart would share one place in the cache


def _floats(a: Any, b: Any) -> tuple[Array, Array] | None:
    """Both as arrays of one of the two dtypes, if that is what NumPy makes of them."""
    if not all(type(x) in (ndarray, int, float) for x in (a, b)):
        return None
    dtype = a.dtype if type(a) is ndarray else b.dtype
    if any(x.dtype != dtype for x in (a, b) if type(x) is ndarray):
        return None
    a, b = asarray(a, dtype), asarray(b, dtype)
    return (a, b) if dtype in (_FLOAT64, _FLOAT32) and a.size and b.size else None


def _faster(
    name: str, own: Callable[[Any, Any], Any], float32: Kernel, float64: Kernel | None
) -> Callable[[Any, Any], Any]:
    """The function of two arguments of that name, by one kernel for each dtype: that for float32 is given blocks in float64."""

    def function(a: Any, b: Any) -> Any:
        if getattr(a, "size", 0) < _FEW and getattr(b, "size", 0) < _FEW:
            return own(a, b)
        if (pair := _floats(a, b)) is None:
            traced = [x for x in (a, b) if hasattr(x, "traced_call")]  # they record one call of the function
            return traced[0].traced_call(function, (a, b), {}) if traced else own(a, b)
        dtype = pair[0].dtype
        if (kernel := float64 if dtype == _FLOAT64 else float32) is None:
            return own(a, b)
        blocks = np.nditer(
            [*pair, None],
            ["external_loop", "buffered"],
            [["readonly"], ["readonly"], ["writeonly", "allocate"]],
            [_FLOAT64, _FLOAT64, dtype],
            buffersize=_BLOCK,
        )
        with blocks:
            for x, y, out in blocks:
                with np.errstate(all="ignore"):
                    done = kernel(x, y, out)
                if not done:
                    out[...] = own(x.astype(dtype), y.astype(dtype))
            return blocks.operands[2]

    function.__name__ = function.__qualname__ = name
    return function


def _within(x: Array, limit: float) -> bool:
    """Whether all numbers are of a size below a limit, and none is NaN."""
    return bool(-limit < x.min() and x.max() < limit)


def _remainder_in_float64(x: Array, y: Array, out: Array) -> bool:
    # The quotient of two float32 is rounded to a whole number only if it is one, or above 2 ** 28; times y it has at most 52 bits.
    q = x / y
    np.floor(q, q)
    if not _within(q, 2**28) or not _within(
        y, inf
    ):  # of y = inf NumPy does not take the quotient 0 times y, which is NaN
        return False
    np.multiply(q, y, q)
    np.subtract(x, q, q)
    out[...] = q
    if np.count_nonzero(out) < out.size:
        np.copysign(out, y.astype(out.dtype), out)
    return True


def _floor_divide_in_float64(x: Array, y: Array, out: Array) -> bool:
    q = x / y
    np.floor(q, q)
    out[...] = q
    return _within(q, 2**20) and _within(y, inf)  # -1 // inf is -1, though -1 / inf is -0.0


def _floor_divide(x: Array, y: Array, out: Array) -> bool:
    q = x / y
    np.floor(q, out)
    rounded = q == out  # to a whole number, maybe up
    if rounded.any():
        out[rounded] = np.floor_divide(x[rounded], y[rounded])
    return _within(out, 2**50)


def _hypot_in_float64(x: Array, y: Array, out: Array) -> bool:
    total = x * x
    total += y * y
    np.sqrt(total, out=out, casting="same_kind")
    return isfinite(out.sum())


def _logaddexp(x: Array, y: Array, out: Array) -> bool:
    largest = np.maximum(x, y)
    part = np.minimum(x, y)
    np.subtract(part, largest, part)
    np.exp(part, part)
    np.log1p(part, part)
    np.add(part, largest, out=out, casting="same_kind")
    return isfinite(out.sum())


remainder = _faster("remainder", lambda a, b: a % b, _remainder_in_float64, None)
floor_divide = _faster("floor_divide", lambda a, b: a // b, _floor_divide_in_float64, _floor_divide)
hypot = _faster("hypot", np.hypot, _hypot_in_float64, None)
logaddexp = _faster("logaddexp", np.logaddexp, _logaddexp, _logaddexp)


def _slices(n: int, length: int) -> Iterator[slice]:
    return (slice(start, min(start + length, n)) for start in range(0, n, length))


def running(ufunc: np.ufunc, own: Callable[..., Any]) -> Callable[..., Any]:
    """The running sums or products of a ufunc. NumPy has each wait for the one before it: here many go side by side."""

    def advance(steps: Array) -> None:
        rows = [*steps]
        for _ in map(ufunc, rows, rows[1:], rows[1:]):  # each onto the next, in place
            pass

    def accumulation(x: Any, axis: int | None = None, include_initial: bool = False, dtype: Any = None) -> Array:
        if dtype is not None:
            return own(x, axis=axis, dtype=dtype, include_initial=include_initial)
        if type(x) is ndarray and x.ndim == 1 and x.size < _FEW and axis is None and not include_initial:
            return ufunc.accumulate(x)  # what NumPy's own comes to, in half the time
        large = type(x) is ndarray and x.size >= _FEW and x.dtype in (_FLOAT64, _FLOAT32)
        if not large or include_initial or type(axis) is not int or not -x.ndim <= axis < x.ndim:
            return own(x, axis=axis, include_initial=include_initial)
        beside = prod(x.shape[axis % x.ndim + 1 :])
        if beside >= _LANES // 16:
            out = np.array(x, order="C")
            advance(out.swapaxes(0, axis))
            return out
        if beside > 1 or x.size < _LANES * x.shape[axis]:
            return own(x, axis=axis)
        rows = x.reshape(-1, x.shape[axis])  # what is behind that axis has length 1
        out = np.empty_like(rows, order="C")
        ahead = _AHEAD // x.itemsize
        buffer = np.empty((ahead + 1, _LANES + _PADDING), x.dtype)  # in the first row the last sums that were put back
        for lanes in _slices(len(rows), _LANES):
            for columns in _slices(rows.shape[1], ahead):
                some = np.ascontiguousarray(rows[lanes, columns])
                steps = buffer[: some.shape[1] + 1, : len(some)]
                steps[1:] = some.T
                advance(steps if columns.start else steps[1:])
                out[lanes, columns] = steps[1:].T
                steps[0] = steps[-1]
        return out.reshape(x.shape)

    return accumulation
