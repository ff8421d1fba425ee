"""NumPy's functions that choose among elements. Which ones they choose has no gradient."""

import math
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import shape as shape_of
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.ops import elementwise, indexing, shape
from tinygrad_ko.ops.elementwise import where
from tinygrad_ko.ops.inputs import as_floating, as_integers, as_operand, normalized_axis, unwrapped
from tinygrad_ko.tensor.in_place import write_out
from tinygrad_ko.tensor.numpys.joining import ravel
from tinygrad_ko.tensor.numpys.table import Table, Unsupported, are_nan, as_constant, named


def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Numbers in place of NaN and infinities, by default 0 and the largest numbers; the derivative there is 0. With `copy=False` they are
    put into x, in place.
    """
    given, x = x, as_floating(x, "nan_to_num")
    limits, values = np.finfo(x.dtype), unwrapped(x)
    high, low = limits.max if posinf is None else posinf, limits.min if neginf is None else neginf
    out = where(are_nan(x), nan, where(values == math.inf, high, where(values == -math.inf, low, x)))
    in_place = not copy and x is given and isinstance(x, Handle)
    return write_out(x, out, "np.nan_to_num(x, copy=False)", "x = np.nan_to_num(x)") if in_place else out


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Of the first condition that holds its choice, else the default."""
    conditions = [
        c if hasattr(c, "dtype") else np.asarray(c) for c in as_constant(list(condlist), "select", "condlist")
    ]
    if len(conditions) != len(choicelist) or not all(c.dtype == bool for c in conditions):
        np.select(conditions, unwrapped(list(choicelist)))  # which says what is wrong
    out = default
    for condition, choice in zip(conditions[::-1], choicelist[::-1], strict=True):
        out = where(condition, choice, out)
    return out


def _choose(places: Any, choices: Any, mode: Any = "raise") -> Any:
    """At each place the element of the choice that it names."""
    places, choices = as_integers(places, "choose", "the array"), list(choices)
    places = np.choose(places, range(len(choices)), mode=mode)
    out = choices[0]
    for i, choice in enumerate(choices[1:], 1):
        out = where(places == i, choice, out)
    return shape.broadcast_to(out, np.broadcast_shapes(places.shape, shape_of(out)))


def _compress(condition: Any, x: Any, axis: int | None = None) -> Any:
    x = ravel(x) if axis is None else as_operand(x, "compress")
    return indexing.take(
        x, np.flatnonzero(as_constant(condition, "compress", "condition")), 0 if axis is None else axis
    )


def _extract(condition: Any, x: Any) -> Any:
    return _compress(np.ravel(as_constant(condition, "extract", "condition")), x)


def _partition(x: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect") -> Any:
    x = ravel(x) if axis is None else as_operand(x, "partition")
    axis = -1 if axis is None else axis
    return indexing.take_along_axis(x, np.argpartition(unwrapped(x), kth, axis=axis, kind=kind), axis=axis)


def _piecewise(x: Any, condlist: Any, funclist: Any, *arguments: Any, **options: Any) -> Any:
    """Functions of the elements where their conditions hold, of the last one that does; another function may be for all others, else 0."""
    x, condlist = as_floating(x, "piecewise"), as_constant(condlist, "piecewise", "condlist")
    single = np.ndim(condlist) == 0 or (not isinstance(condlist[0], list | np.ndarray) and x.ndim)
    conditions = [np.asarray(c, bool) for c in ([condlist] if single else condlist)]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~np.any(conditions, axis=0))
    if len(funclist) != len(conditions):
        np.piecewise(unwrapped(x), conditions, [0] * len(funclist))  # which says what is wrong
    parts, source = [elementwise.zeros_like(ravel(x))[:1]], np.zeros(x.shape, int)
    for condition, function in zip(conditions, funclist, strict=True):
        condition = np.broadcast_to(condition, x.shape)
        count = np.count_nonzero(condition)
        if not count and callable(function):
            continue
        part = function(x[condition], *arguments, **options) if callable(function) else function
        source[condition] = sum(p.shape[0] for p in parts) + np.arange(count)
        parts.append(shape.broadcast_to(elementwise.astype(as_floating(part, "piecewise"), x.dtype), (count,)))
    return indexing.take(shape.concat(parts), source, 0)


def _take(x: Any, indices: Any, axis: int | None = None, *, mode: Any = "raise") -> Any:
    x = ravel(x) if axis is None else as_operand(x, "take")
    axis = normalized_axis(axis or 0, x.ndim, "take")
    if mode != "raise":
        indices = np.take(np.arange(x.shape[axis]), as_integers(indices, "take", "indices"), mode=mode)
    return indexing.take(x, indices, axis)


def _take_along_axis(x: Any, indices: Any, axis: int | None = -1) -> Any:
    return indexing.take_along_axis(ravel(x) if axis is None else x, indices, 0 if axis is None else axis)


def _sort(x: Any, axis: int | None = -1, kind: str | None = None, *, stable: bool | None = None) -> Any:
    """(Always stable, as every kind may be.)"""
    from tinygrad_ko.ops import ordering

    return ordering.sort(ravel(x) if axis is None else x, axis=-1 if axis is None else axis)


def _trim_zeros(x: Any, trim: str = "fb", axis: int | None = None) -> Any:
    """A sequence without the zeros at its ends."""
    x = as_operand(x, "trim_zeros")
    there = np.flatnonzero(unwrapped(x))
    if x.ndim != 1:
        raise Unsupported
    if not there.size:
        return x[:0]
    return x[there[0] if "f" in trim.lower() else 0 : there[-1] + 1 if "b" in trim.lower() else None]


FUNCTIONS: Table = named(
    np,
    (_nan_to_num, _select, _choose, _compress, _extract, _partition, _piecewise, _take, _take_along_axis, _sort, _trim_zeros),
)  # fmt: skip
