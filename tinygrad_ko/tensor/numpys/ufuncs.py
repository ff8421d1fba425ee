"""NumPy's functions of each element that are no op themselves, and the methods of its ufuncs."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ko.ops import elementwise, exponential, reduction, rounding, scan
from tinygrad_ko.ops.elementwise import where
from tinygrad_ko.ops.indexing import take_along_axis
from tinygrad_ko.ops.inputs import as_floating, as_integers, as_operand, constant_answer, normalized_axis, unwrapped
from tinygrad_ko.ops.linalg import products
from tinygrad_ko.ops.networks.softmax import logsumexp
from tinygrad_ko.ops.shape import along, expand_dims, reshape, stack
from tinygrad_ko.tensor.numpys.reductions import nanmax, nanmin
from tinygrad_ko.tensor.numpys.table import Table, are_nan, named, together


def _fabs(x: Any) -> Any:
    return elementwise.abs(as_floating(x, "fabs"))


def _degrees(x: Any) -> Any:
    return as_floating(x, "degrees") * (180 / math.pi)


def _radians(x: Any) -> Any:
    return as_floating(x, "radians") * (math.pi / 180)


def _fmax(a: Any, b: Any) -> Any:
    """The larger, or the one that is no NaN."""
    a, b = together("fmax", a, b)
    return elementwise.maximum(where(are_nan(a), b, a), where(are_nan(b), a, b))


def _fmin(a: Any, b: Any) -> Any:
    """The smaller, or the one that is no NaN."""
    a, b = together("fmin", a, b)
    return elementwise.minimum(where(are_nan(a), b, a), where(are_nan(b), a, b))


def _fmod(a: Any, b: Any) -> Any:
    """The remainder with the sign of a. (At a = 0 too its derivative in a is 1.)"""
    a, b = together("fmod", a, b)
    size = elementwise.abs(b)
    below = unwrapped(a) < 0
    rest = elementwise.remainder(where(below, -a, a), size)
    return where(below, -rest, rest)


def _divmod(a: Any, b: Any) -> tuple[Any, Any]:
    return elementwise.floor_divide(a, b), elementwise.remainder(a, b)


def _modf(x: Any) -> tuple[Any, Any]:
    """What is behind the point, whose derivative is 1 at whole numbers too, and what is before it."""
    x = as_floating(x, "modf")
    whole = rounding.trunc(x)
    return where(abs(unwrapped(x)) == math.inf, 0, x - whole), whole


def _heaviside(x: Any, at_0: Any) -> Any:
    x = as_floating(x, "heaviside")
    return where(unwrapped(x) == 0, at_0, 0.5 * (elementwise.sign(x) + 1))


def _float_power(a: Any, b: Any) -> Any:
    double = [x.astype(np.float64) for x in (as_operand(a, "float_power"), as_operand(b, "float_power"))]
    return elementwise.pow(*double)


def _logaddexp2(a: Any, b: Any) -> Any:
    a, b = together("logaddexp2", a, b)
    return exponential.logaddexp(a * math.log(2), b * math.log(2)) / math.log(2)


def _ldexp(x: Any, exponent: Any) -> Any:
    """x * 2 ** exponent, in two steps, for 2 ** exponent alone may be no number."""
    x, exponent = as_floating(x, "ldexp"), as_integers(exponent, "ldexp", "exponent")
    one, half = np.ones((), x.dtype), exponent // 2
    return x * np.ldexp(one, half) * np.ldexp(one, exponent - half)


def _frexp(x: Any) -> tuple[Any, Any]:
    """A number of at least 1/2 and below 1, and the exponent of 2 to multiply it by."""
    exponent = constant_answer(np.frexp, (x,), {})[1]
    return _ldexp(x, -exponent), exponent


def _matvec(a: Any, b: Any) -> Any:
    return products.matmul(a, expand_dims(as_operand(b, "matvec"), axis=-1))[..., 0]


def _vecmat(a: Any, b: Any) -> Any:
    return products.matmul(expand_dims(as_operand(a, "vecmat"), axis=-2), b)[..., 0, :]


UFUNCS: Table = {
    **named(
        np,
        (_fabs, _degrees, _radians, _fmax, _fmin, _fmod, _divmod, _modf, _heaviside, _float_power, _logaddexp2, _ldexp, _frexp,
         _matvec, _vecmat),
    ),
    np.rad2deg: _degrees,
    np.deg2rad: _radians,
}  # fmt: skip

_REDUCTIONS: Table = {
    np.add: reduction.sum,
    np.multiply: reduction.prod,
    np.maximum: reduction.max,
    np.minimum: reduction.min,
    np.fmax: nanmax,
    np.fmin: nanmin,
    np.logaddexp: logsumexp,
    np.hypot: reduction.vector_norm,
}


def _record_of(ufunc: Any) -> Callable[..., Any]:
    """The running maximum or minimum: at each place the last of its elements so far, taken from where it is."""

    def running(x: Any, axis: int = 0) -> Any:
        x = as_operand(x, f"{ufunc.__name__}.accumulate")
        axis, values = normalized_axis(axis, x.ndim, f"{ufunc.__name__}.accumulate"), unwrapped(x)
        order = np.arange(x.shape[axis]).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
        best = (values == ufunc.accumulate(values, axis=axis)) | (values != values)  # NaN stays
        return take_along_axis(x, np.maximum.accumulate(np.where(best, order, 0), axis=axis), axis=axis)

    return running


_ACCUMULATIONS: Table = {
    np.add: scan.cumulative_sum,
    np.multiply: scan.cumulative_prod,
    np.maximum: _record_of(np.maximum),
    np.minimum: _record_of(np.minimum),
}


def _reduceat(ufunc: Any) -> Callable[..., Any]:
    """What a ufunc makes of each slice from one index to the next, of one element where that is not behind it."""

    def reduce(x: Any, indices: Any, axis: int = 0) -> Any:
        x = as_operand(x, f"{ufunc.__name__}.reduceat")
        axis, places = normalized_axis(axis, x.ndim, "reduceat"), as_integers(indices, "reduceat", "indices")
        ufunc.reduceat(np.empty(x.shape), places, axis=axis)  # which says what is wrong
        ends = [*places[1:].tolist(), x.shape[axis]]
        parts = [x[along(axis, slice(i, max(i + 1, end)))] for i, end in zip(places.tolist(), ends, strict=True)]
        return stack([_REDUCTIONS[ufunc](part, axis=axis) for part in parts], axis=axis)

    return reduce


def method_of(ufunc: Any, method: str, op: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """A method of a ufunc, or None if there is none for Tensors: `reduce`, `accumulate`, `reduceat`, `outer` of the op that it is."""
    if method == "reduce" and ufunc in _REDUCTIONS:
        return lambda x, axis=0, keepdims=False: _REDUCTIONS[ufunc](x, axis=axis, keepdims=bool(keepdims))
    if method == "accumulate" and ufunc in _ACCUMULATIONS:
        return lambda x, axis=0: _ACCUMULATIONS[ufunc](x, axis=axis)
    if method == "reduceat" and ufunc in _REDUCTIONS:
        return _reduceat(ufunc)
    if method == "outer" and op is not None and ufunc.nin == 2 and ufunc.signature is None:
        return lambda a, b: op(_beside(a, np.ndim(b)), b)
    return None


def _beside(a: Any, axes: int) -> Any:
    """a with so many axes of length 1 behind its own."""
    a = as_operand(a, "outer")
    return reshape(a, (*a.shape, *(1,) * axes))
