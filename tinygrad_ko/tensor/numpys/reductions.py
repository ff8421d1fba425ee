"""NumPy's reductions with all their arguments, and those that leave NaN out."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import shape
from tinygrad_ko.ops import elementwise, ordering, reduction, scan, statistics
from tinygrad_ko.ops.elementwise import where
from tinygrad_ko.ops.indexing import take_along_axis
from tinygrad_ko.ops.inputs import as_floating, as_operand, normalized_axes, unwrapped
from tinygrad_ko.ops.shape import expand_dims, moveaxis, reshape
from tinygrad_ko.tensor.numpys.table import Table, Unsupported, are_nan, as_constant, in_dtype, named, without_nan

_NUMPY: Any = np  # its versions say differently what an axis may be


def _reduction(function: Callable[..., Any], neutral: float, join: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's arguments of a reduction: `where` leaves elements out, for which the neutral one stands; `initial` is joined to the rest."""

    def reduce(
        x: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Any:
        x = in_dtype(x, dtype)
        if where is not True:
            if initial is None and math.isinf(neutral):  # NumPy asks for one
                raise Unsupported
            x = elementwise.where(where, x, neutral)
        out = function(x, axis=axis, keepdims=bool(keepdims))
        return out if initial is None else join(out, initial)

    return reduce


sum = _reduction(reduction.sum, 0, elementwise.add)
prod = _reduction(reduction.prod, 1, elementwise.multiply)
_largest = _reduction(reduction.max, -math.inf, elementwise.maximum)
_smallest = _reduction(reduction.min, math.inf, elementwise.minimum)


def _max(x: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Any:
    return _largest(x, axis, keepdims=keepdims, initial=initial, where=where)


def _min(x: Any, axis: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Any:
    return _smallest(x, axis, keepdims=keepdims, initial=initial, where=where)


def _mean(x: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True) -> Any:
    x = in_dtype(x, dtype)
    if where is True:
        return reduction.mean(x, axis=axis, keepdims=bool(keepdims))
    count = _NUMPY.sum(
        np.broadcast_to(as_constant(where, "mean", "where"), shape(x)), axis=axis, keepdims=bool(keepdims)
    )
    x = as_floating(x, "mean")
    return sum(x, axis, keepdims=keepdims, where=where) / _as_floats(count, x)


def _ptp(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _max(x, axis, keepdims=keepdims) - _min(x, axis, keepdims=keepdims)


def _spread(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's names for what the sum of squares is divided by: n - ddof, or n - correction."""

    def measure(
        x: Any,
        axis: Any = None,
        dtype: Any = None,
        *,
        ddof: float = 0,
        correction: float | None = None,
        keepdims: bool = False,
    ) -> Any:
        correction = ddof if correction is None else correction
        return function(in_dtype(x, dtype), axis=axis, correction=correction, keepdims=bool(keepdims))

    return measure


def _average(x: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    out = statistics.average(x, axis=axis, weights=weights, keepdims=bool(keepdims))
    if not returned:
        return out
    every = 1.0
    if weights is not None:
        every = as_operand(weights, "average")
        if every.shape != shape(x):
            if every.ndim != 1 or not isinstance(axis, int):
                raise Unsupported
            every = reshape(every, [-1 if i == axis % np.ndim(x) else 1 for i in range(np.ndim(x))])
    spread = every + elementwise.zeros_like(as_floating(unwrapped(x), "average"))
    return out, reduction.sum(spread, axis=axis, keepdims=bool(keepdims))


def _median(x: Any, axis: Any = None, *, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    return ordering.median(x, axis=axis, keepdims=bool(keepdims))


def _quantile(
    x: Any, q: Any, axis: Any = None, *, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Any:
    return ordering.quantile(x, q, axis, keepdims=bool(keepdims), method=method)


def _percentile(x: Any, q: Any, axis: Any = None, **options: Any) -> Any:
    return _quantile(x, elementwise.divide(q, 100), axis, **options)


# ------------------------------------------------------------------ without NaN


def _nansum(x: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return sum(without_nan(in_dtype(x, dtype), "nansum", 0)[0], axis, keepdims=keepdims)


def _nanprod(x: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    return prod(without_nan(in_dtype(x, dtype), "nanprod", 1)[0], axis, keepdims=keepdims)


def nanmax(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The largest element that is no NaN, and NaN where there is none."""
    return _extreme(reduction.max, x, axis, keepdims, "nanmax", -math.inf)


def nanmin(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """The smallest element that is no NaN, and NaN where there is none."""
    return _extreme(reduction.min, x, axis, keepdims, "nanmin", math.inf)


def _extreme(function: Callable[..., Any], x: Any, axis: Any, keepdims: bool, name: str, instead: float) -> Any:
    x, there = without_nan(x, name, instead)
    out = function(x, axis=axis, keepdims=bool(keepdims))
    return where(_NUMPY.any(there, axis=axis, keepdims=bool(keepdims)), out, math.nan)


def _nanmean(x: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    x, there = without_nan(in_dtype(x, dtype), "nanmean", 0)
    count = _as_floats(_NUMPY.sum(there, axis=axis, keepdims=bool(keepdims)), x)
    return reduction.sum(x, axis=axis, keepdims=bool(keepdims)) / count


def _as_floats(count: Any, x: Any) -> Any:
    """A count in the dtype of x."""
    return count.astype(x.dtype)


def _deviations(x: Any, axis: Any, dtype: Any, name: str) -> tuple[Any, Any]:
    """How far each is from the mean, 0 where it is NaN, and where it is none."""
    x, there = without_nan(in_dtype(x, dtype), name, 0)
    count = _as_floats(_NUMPY.sum(there, axis=axis, keepdims=True), x)
    return where(there, x - reduction.sum(x, axis=axis, keepdims=True) / count, 0), there


def _divisor(there: Any, axis: Any, ddof: float, keepdims: bool, x: Any) -> Any:
    """How many there are, less ddof; NaN where that is not above 0."""
    n = _NUMPY.sum(there, axis=axis, keepdims=bool(keepdims)) - ddof
    return _as_floats(np.where(n > 0, n, math.nan), x)


def _nanvar(x: Any, axis: Any = None, dtype: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    apart, there = _deviations(x, axis, dtype, "nanvar")
    squares = reduction.sum(elementwise.square(apart), axis=axis, keepdims=bool(keepdims))
    return squares / _divisor(there, axis, ddof, keepdims, apart)


def _nanstd(x: Any, axis: Any = None, dtype: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """(Where all are equal the derivative is taken to be 0, as of `std`.)"""
    apart, there = _deviations(x, axis, dtype, "nanstd")
    length = reduction.vector_norm(apart, axis=axis, keepdims=bool(keepdims))
    return length / np.sqrt(_divisor(there, axis, ddof, keepdims, apart))


def _nancumsum(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    return _cumsum(without_nan(in_dtype(x, dtype), "nancumsum", 0)[0], axis)


def _nancumprod(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    return _cumprod(without_nan(in_dtype(x, dtype), "nancumprod", 1)[0], axis)


def _cumsum(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    return _running(scan.cumulative_sum, x, axis, dtype)


def _cumprod(x: Any, axis: Any = None, dtype: Any = None) -> Any:
    return _running(scan.cumulative_prod, x, axis, dtype)


def _running(function: Callable[..., Any], x: Any, axis: Any, dtype: Any) -> Any:
    """Along an axis, or of all numbers in a row."""
    x = as_operand(in_dtype(x, dtype), "cumsum")
    return function(reshape(x, (-1,)) if axis is None else x, axis=0 if axis is None else axis)


def _nanquantile(
    x: Any, q: Any, axis: Any = None, *, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Any:
    """Of the elements that are no NaN, between the two whose places are nearest; NaN where there is none. By the method "linear"."""
    if method != "linear":
        raise Unsupported
    x, q = as_floating(x, "nanquantile"), np.asarray(as_constant(q, "nanquantile", "q"), np.float64)
    axes = normalized_axes(list(range(x.ndim)) if axis is None else np.atleast_1d(axis).tolist(), x.ndim, "nanquantile")
    rest = [i for i in range(x.ndim) if i not in axes]
    lines = reshape(x.transpose((*rest, *axes)), (*(x.shape[i] for i in rest), -1))
    order = np.argsort(unwrapped(lines), axis=-1)  # NaN comes last
    count = np.sum(~are_nan(lines), axis=-1, keepdims=True)
    h = np.expand_dims(q.reshape(-1), tuple(range(1, len(rest) + 1))) * np.maximum(count - 1, 0).squeeze(-1)
    low = np.floor(h).astype(int)
    part = _as_floats(h - low, x)

    def at(place: Any) -> Any:
        ranks = np.take_along_axis(order, np.moveaxis(place, 0, -1), axis=-1)
        return moveaxis(take_along_axis(lines, ranks, axis=-1), -1, 0)

    last = np.maximum(count.squeeze(-1) - 1, 0)
    out = at(low) * (1 - part) + where(part > 0, at(np.minimum(low + 1, last)), 0) * part
    if keepdims:
        out = expand_dims(out, axis=tuple(i + 1 for i in axes))
    return reshape(out, (*q.shape, *out.shape[1:]))


def _nanpercentile(x: Any, q: Any, axis: Any = None, **options: Any) -> Any:
    return _nanquantile(x, np.divide(as_constant(q, "nanpercentile", "q"), 100), axis, **options)


def _nanmedian(x: Any, axis: Any = None, *, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    return _nanquantile(x, 0.5, axis, keepdims=keepdims)


FUNCTIONS: Table = {
    **named(
        np,
        (_max, _min, _mean, _ptp, _average, _median, _quantile, _percentile, _nansum, _nanprod, nanmax, nanmin, _nanmean, _nanvar, _nanstd,
         _nancumsum, _nancumprod, _cumsum, _cumprod, _nanquantile, _nanpercentile, _nanmedian),
    ),
    np.sum: sum,
    np.prod: prod,
    np.amax: _max,
    np.amin: _min,
    np.var: _spread(statistics.var),
    np.std: _spread(statistics.std),
}  # fmt: skip
