"""NumPy's functions of samples along an axis: differences, integrals, convolutions, interpolation, statistics of several variables."""

import math
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import shape as shape_of
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.ops import elementwise, indexing, reduction, scan, shape
from tinygrad_ko.ops.elementwise import where
from tinygrad_ko.ops.inputs import as_floating, as_operand, constant_answer, normalized_axes, normalized_axis, unwrapped
from tinygrad_ko.ops.linalg.products import matmul
from tinygrad_ko.ops.sliding_products import convolved
from tinygrad_ko.tensor.numpys.joining import atleast_2d, ravel
from tinygrad_ko.tensor.numpys.table import Table, Unsupported, as_constant, in_dtype, named, together


def _from_to(x: Any, axis: int, start: int | None, stop: int | None, step: int = 1) -> Any:
    """A slice along an axis counted from the front."""
    return x[(*(slice(None),) * axis, slice(start, stop, step))]


def _along(values: Any, axis: int, rank: int) -> Any:
    """One number for each place along an axis, in a shape that broadcasts."""
    return shape.reshape(as_operand(values, "reshape"), [-1 if i == axis else 1 for i in range(rank)])


# ------------------------------------------------------------------ differences and integrals


def _diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    return scan.diff(x, n=n, axis=axis, prepend=prepend, append=append)


def _ediff1d(x: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    x = ravel(x)
    ends = [None if end is None else in_dtype(ravel(end), x.dtype) for end in (to_begin, to_end)]
    return shape.concat([part for part in (ends[0], x[1:] - x[:-1], ends[1]) if part is not None])


def _gradient(f: Any, *spacings: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    """Central differences, and at both ends one-sided ones of the first or second order, along one axis or several."""
    f = as_floating(f, "gradient")
    axes = list(range(f.ndim)) if axis is None else normalized_axes(axis, f.ndim, "gradient")
    steps = list(spacings) if len(spacings) != 1 or len(axes) == 1 else list(spacings) * len(axes)
    if (
        len(steps) not in (0, len(axes))
        or (len(spacings) == 1 and len(axes) > 1 and np.ndim(spacings[0]))
        or edge_order not in (1, 2)
    ):
        np.gradient(unwrapped(f), *unwrapped(spacings), axis=axis, edge_order=edge_order)  # which says what is wrong
    steps = steps or [1.0] * len(axes)
    if any(f.shape[i] < edge_order + 1 for i in axes):
        np.gradient(unwrapped(f), axis=axis, edge_order=edge_order)
    out = [in_dtype(_slopes(f, i, step, edge_order), f.dtype) for i, step in zip(axes, steps, strict=True)]
    return out[0] if len(axes) == 1 else tuple(out)


def _slopes(f: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    def at(start: int | None, stop: int | None) -> Any:
        return _from_to(f, axis, start, stop)

    if np.ndim(spacing) == 1 and not isinstance(spacing, Handle) and len(set(np.diff(spacing).tolist())) == 1:
        spacing = np.diff(spacing)[0]
    if np.ndim(spacing) == 0:
        h = spacing
        middle = (at(2, None) - at(None, -2)) / (2.0 * h)
        first, last = (at(1, 2) - at(0, 1)) / h, (at(-1, None) - at(-2, -1)) / h
        if edge_order == 2:
            first = (-1.5 * at(0, 1) + 2.0 * at(1, 2) - 0.5 * at(2, 3)) / h
            last = (0.5 * at(-3, -2) - 2.0 * at(-2, -1) + 1.5 * at(-1, None)) / h
        return shape.concat([first, middle, last], axis=axis)
    if np.ndim(spacing) != 1 or shape_of(spacing)[0] != f.shape[axis]:
        np.gradient(unwrapped(f), *[unwrapped(spacing)], axis=axis)
    steps = _along(_diff(spacing), axis, f.ndim)
    before, after = _from_to(steps, axis, None, -1), _from_to(steps, axis, 1, None)
    middle = (
        -after / (before * (before + after)) * at(None, -2)
        + (after - before) / (before * after) * at(1, -1)
        + before / (after * (before + after)) * at(2, None)
    )
    left, right = _from_to(steps, axis, 0, 1), _from_to(steps, axis, -1, None)
    first, last = (at(1, 2) - at(0, 1)) / left, (at(-1, None) - at(-2, -1)) / right
    if edge_order == 2:
        next_one, one_before = _from_to(steps, axis, 1, 2), _from_to(steps, axis, -2, -1)
        first = (
            -(2.0 * left + next_one) / (left * (left + next_one)) * at(0, 1)
            + (left + next_one) / (left * next_one) * at(1, 2)
            - left / (next_one * (left + next_one)) * at(2, 3)
        )
        last = (
            right / (one_before * (one_before + right)) * at(-3, -2)
            - (right + one_before) / (one_before * right) * at(-2, -1)
            + (2.0 * right + one_before) / (right * (one_before + right)) * at(-1, None)
        )
    return shape.concat([first, middle, last], axis=axis)


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = as_floating(y, "trapezoid")
    at, axis = axis, normalized_axis(axis, y.ndim, "trapezoid")
    if x is not None:
        dx = _along(_diff(x), axis, y.ndim) if np.ndim(x) == 1 else _diff(x, axis=at)
    return reduction.sum(0.5 * dx * (_from_to(y, axis, 1, None) + _from_to(y, axis, None, -1)), axis=at)


# ------------------------------------------------------------------ convolution


def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """np.convolve."""
    a, v = _sequence(a, "convolve"), _sequence(v, "convolve")
    a, v = (v, a) if v.shape[0] > a.shape[0] else (a, v)
    return _cut(convolved(a, v), a.shape[0], v.shape[0], mode)


def _correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    a, v = _sequence(a, "correlate"), _sequence(v, "correlate")
    n, m = a.shape[0], v.shape[0]
    full = convolved(a, shape.flip(v, 0)) if n >= m else shape.flip(convolved(v, shape.flip(a, 0)), 0)
    return _cut(full, n, m, mode) if n >= m else shape.flip(_cut(shape.flip(full, 0), m, n, mode), 0)


def _sequence(x: Any, name: str) -> Any:
    x = as_floating(x, name)
    if x.ndim > 1 or x.size == 0:
        getattr(np, name)(unwrapped(x), [1.0])  # which says what is wrong
    return ravel(x)


def _cut(full: Any, n: int, m: int, mode: Any) -> Any:
    """The part of a convolution of n numbers with m <= n that is wanted: all, n from the middle, or those to which all m contribute."""
    mode = {0: "valid", 1: "same", 2: "full"}.get(mode, mode)
    if mode not in ("full", "same", "valid"):
        np.convolve([1.0], [1.0], mode)  # which says what is wrong
    if mode == "full":
        return full
    start, count = ((m - 1) // 2, n) if mode == "same" else (m - 1, n - m + 1)
    return full[start : start + count]


# ------------------------------------------------------------------ interpolation and ranges


def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """Between the points (xp, fp) on straight lines; at a point the derivative is that to its right."""
    x, xp, fp = (in_dtype(as_operand(v, "interp"), np.float64) for v in (x, xp, fp))
    if xp.ndim != 1 or xp.shape != fp.shape or 0 in xp.shape or (period is not None and not unwrapped(period)):
        np.interp(unwrapped(x), unwrapped(xp), unwrapped(fp), period=period)  # which says what is wrong
    if period is not None:
        period, left, right = elementwise.abs(as_floating(period, "interp")), None, None
        x, xp = elementwise.remainder(x, period), elementwise.remainder(xp, period)
        order = np.argsort(unwrapped(xp), kind="stable")
        xp, fp = indexing.take(xp, order), indexing.take(fp, order)
        xp = shape.concat([xp[-1:] - period, xp, xp[:1] + period])
        fp = shape.concat([fp[-1:], fp, fp[:1]])
    n, values, knots = xp.shape[0], unwrapped(x), unwrapped(xp)
    if n == 1:
        out = fp[0] + elementwise.zeros_like(x)
    else:
        i = np.clip(np.searchsorted(knots, values, side="right") - 1, 0, n - 2)
        (x0, x1), (y0, y1) = ([indexing.take(points, k, 0) for k in (i, i + 1)] for points in (xp, fp))
        out = y0 + (y1 - y0) / (x1 - x0) * (x - x0)
    out = where(values > knots[-1], fp[-1] if right is None else right, out)
    out = where(values < knots[0], fp[0] if left is None else left, out)
    return out if n > 1 else where(values != values, math.nan, out)


def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * math.pi) -> Any:
    """p plus whole periods, which have no derivative."""
    p = as_floating(p, "unwrap")
    discont, period, values = (
        as_constant(discont, "unwrap", "discont"),
        as_constant(period, "unwrap", "period"),
        unwrapped(p),
    )
    return p + (np.unwrap(values, discont=discont, axis=axis, period=period) - values)


def spaced(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: str | None = None,
) -> Any:
    """np.linspace: both ends are exact."""
    start, stop = together("linspace", start, stop)
    rank = len(np.broadcast_shapes(start.shape, stop.shape))
    share = np.linspace(0.0, 1.0, num, endpoint).reshape(-1, *(1,) * rank)
    share = share.astype(np.result_type(start.dtype, stop.dtype))
    out = where(share < 0.5, start + share * (stop - start), stop - (1 - share) * (stop - start))
    out = in_dtype(shape.moveaxis(out, 0, axis) if axis else out, dtype)
    return (out, (stop - start) / ((num - bool(endpoint)) or math.nan)) if retstep else out


def _logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Any:
    if rank := np.ndim(base):
        base, start, stop = (_with_leading(x, rank) for x in (base, start, stop))
        base = base[None]
    start, stop = together("logspace", start, stop)
    out = elementwise.pow(base, spaced(start, stop, num, endpoint))
    return in_dtype(shape.moveaxis(out, 0, axis) if axis else out, dtype)


def _with_leading(x: Any, rank: int) -> Any:
    """x with axes of length 1 in front of its own, so many in all."""
    x = as_floating(x, "logspace")
    return shape.reshape(x, (*(1,) * (rank - x.ndim), *x.shape))


def _geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Any:
    start, stop = (in_dtype(end, np.float64) for end in (start, stop))
    sign, other = np.sign(unwrapped(start)), np.sign(unwrapped(stop))
    if np.any(sign * other == 0):
        np.geomspace(unwrapped(start), unwrapped(stop), 2)  # which says what is wrong
    if np.any(sign != other):  # complex numbers between them
        raise Unsupported
    exponents = spaced(elementwise.log(start * sign), elementwise.log(stop * sign), num, endpoint)
    out = sign * elementwise.exp(exponents)
    return in_dtype(shape.moveaxis(out, 0, axis) if axis else out, dtype)


# ------------------------------------------------------------------ statistics of several variables


def _cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    x = _variables(m, rowvar)
    if y is not None:
        x = shape.concat([x, _variables(y, rowvar)], axis=0)
    x = in_dtype(x, np.result_type(x.dtype, np.float64) if dtype is None else dtype)
    ddof = (0 if bias else 1) if ddof is None else ddof
    weights = [as_floating(w, "cov") for w in (fweights, aweights) if w is not None]
    if weights:
        w = weights[0] if len(weights) == 1 else weights[0] * weights[1]
        total = reduction.sum(w)
        n = total - ddof * (1 if aweights is None else reduction.sum(w * weights[-1]) / total)
        apart = x - reduction.sum(x * w, axis=1, keepdims=True) / total
        weighted = apart * w
    else:
        n = max(x.shape[1] - ddof, 0) or math.nan
        weighted = apart = x - reduction.mean(x, axis=1, keepdims=True)
    out = matmul(weighted, shape.matrix_transpose(apart)) / n
    return out[0, 0] if out.shape == (1, 1) else out


def _variables(x: Any, rowvar: bool) -> Any:
    """Variables as rows."""
    x = as_floating(x, "cov")
    if x.ndim > 2:
        np.cov(unwrapped(x))  # which says what is wrong
    return shape.matrix_transpose(x) if not rowvar and x.ndim == 2 else atleast_2d(x)


def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = _cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    from tinygrad_ko.ops.linalg.diagonals import diagonal

    deviation = elementwise.sqrt(diagonal(c))
    return elementwise.clip(c / deviation[:, None] / deviation[None, :], -1, 1)


def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each whole number occurs, or the sums of its weights."""
    places = as_constant(x, "bincount", "x")
    if weights is None:
        return constant_answer(np.bincount, (x,), {"minlength": minlength})
    counts = np.bincount(places, minlength=minlength)
    weights = as_floating(weights, "bincount").astype(np.float64)
    if weights.shape != np.shape(places):
        np.bincount(places, unwrapped(weights))  # which says what is wrong
    return indexing.scatter_add(np.zeros(counts.shape), np.asarray(places, np.intp), weights)


FUNCTIONS: Table = {
    **named(
        np,
        (_diff, _ediff1d, _gradient, _trapezoid, convolve, _correlate, _interp, _unwrap, _logspace, _geomspace, _cov, _corrcoef, _bincount),
    ),
    np.linspace: spaced,
}  # fmt: skip
