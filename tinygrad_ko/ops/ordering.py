"""Elements in order of size. Sorting is a permutation, and its gradient is permuted back.

NaN counts as larger than every number, as it does for NumPy: it comes last, or first where the order descends. At a tie the gradient goes
to the elements that were selected.
"""

from math import prod
from typing import Any, NamedTuple

import numpy as np

from tinygrad_ko.arrays import library, operands
from tinygrad_ko.arrays.indexing import taken
from tinygrad_ko.arrays.library import sorted_places
from tinygrad_ko.arrays.opaque import is_traced, opaque
from tinygrad_ko.engine.codegen import constant
from tinygrad_ko.engine.graph import Handle, wrap
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import where
from tinygrad_ko.ops.indexing import along_lines, scatter_gradient, take_along_axis
from tinygrad_ko.ops.inputs import (
    as_floating,
    as_int,
    as_operand,
    as_plain_array,
    constants,
    gives_constants,
    normalized_axes,
    normalized_axis,
    require_one_of,
)
from tinygrad_ko.ops.shape import permute_dims, reshape


@op(keeps="order", x=lambda g, order, axis: scatter_gradient(g, g.shape, along_lines(order, axis, g.shape)))
def sort(xp, x, /, axis=-1, descending=False, stable=True):
    """The elements in order along an axis, the smallest first, or the largest first if `descending`.

    The gradient of each place goes to the element that came there. Equal elements keep their order unless `stable` is False, which is
    faster.

    >>> import numpy as np, tinygrad_ko as tg
    >>> x = tg.Tensor([3.0, 1.0, 2.0], requires_grad=True)
    >>> y = tg.sort(x)
    >>> y.backward([10.0, 20.0, 30.0])
    >>> x.grad
    array([30., 10., 20.])
    """
    if not getattr(x, "ndim", 0):
        raise explain(ValueError("a number has no axis to sort along"), "수 하나에는 정렬할 축이 없습니다.")
    order = xp.argsort(x, axis=axis, descending=descending, stable=stable)
    return xp.take_along_axis(x, order, axis=axis), order


def argsort(x, /, axis=-1, descending=False, stable=True):
    """Where the elements of sort(x) stand in x: integers, which have no gradient.

    >>> import tinygrad_ko as tg
    >>> tg.argsort([3.0, 1.0, 2.0])
    array([1, 2, 0])
    """
    x = as_operand(x, "argsort")
    if isinstance(x, Handle):
        return wrap(type(x), argsort(x.stable_array(), axis, descending, stable))
    axis = normalized_axis(axis, x.ndim, "argsort")
    return library.namespace(x).argsort(x, axis=axis, descending=descending, stable=stable)


@gives_constants
def searchsorted(x1, x2, /, side="left", sorter=None):
    """Where the elements of x2 belong in the sorted x1: integers, which have no gradient. An element that is in x1 belongs before its
    equals, or after them if `side` is "right".

    >>> import tinygrad_ko as tg
    >>> tg.searchsorted([1.0, 2.0, 3.0], [2.0, 2.5])
    array([1, 2])
    """
    x1, x2 = as_operand(x1, "searchsorted"), as_operand(x2, "searchsorted")
    return library.namespace(x1, x2).searchsorted(x1, x2, side=side, sorter=sorter)


class TopK(NamedTuple):
    """The largest elements, and where they stand."""

    values: Any
    indices: Any


def top_k(x, k, axis=-1):
    """The k largest along an axis, the largest first, and where they stand: a pair (values, indices).

    The gradient of a value goes to the element it is; the indices are integers. Of equal elements the first is the first to be taken.
    Raises ValueError if the axis has no k elements.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor([0.1, 0.7, 0.2], requires_grad=True)
    >>> values, indices = tg.top_k(x, 2)
    >>> values.tolist(), indices.tolist()
    ([0.7, 0.2], [1, 2])
    """
    x = as_operand(x, "top_k")
    axis, k = normalized_axis(axis, x.ndim, "top_k"), as_int(k, "top_k")
    if not 0 <= k <= x.shape[axis]:
        raise explain(
            ValueError(f"top_k: k is {k}, but axis {axis} of shape {x.shape} has {x.shape[axis]} elements"),
            f"top_k: 형상이 {x.shape}인 배열의 축 {axis}에서 k는 0 이상 {x.shape[axis]} 이하여야 합니다. 받은 값: {k}",
        )
    last = (*range(axis), *range(axis + 1, x.ndim), axis)
    back = (*range(axis), x.ndim - 1, *range(axis, x.ndim - 1))
    places = _ranked(permute_dims(as_plain_array(x, "top_k"), last), list(range(k)), descending=True)
    indices = permute_dims(places, back)
    values = take_along_axis(x, indices, axis)
    return TopK(values, constants(type(x), indices) if isinstance(x, Handle) else indices)


def median(x, axis=None, keepdims=False):
    """The middle element in order of size, of all or along one or more axes; of an even number, the mean of the two in the middle. The
    gradient goes to the one or the two that were selected. A NaN among the elements makes the median NaN.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor([5.0, 1.0, 2.0, 9.0], requires_grad=True)
    >>> tg.median(x).backward()
    >>> x.grad
    array([0.5, 0. , 0.5, 0. ])
    """
    return _quantile("median", x, 0.5, axis, keepdims, "linear")


def quantile(x, q, axis=None, keepdims=False, method="linear"):
    """The element below which a share q of the elements lies, of all or along one or more axes. q is a number from 0 to 1, or several:
    their axes come first in the result.

    Between two elements the methods differ, as in NumPy: "linear" blends the two (Hyndman and Fan, Sample quantiles in statistical
    packages, 1996, whose nine definitions are all there), "lower", "higher", "nearest" and "midpoint" choose. The gradient goes to the one
    or the two elements that were selected, by their weights; of equal elements, to the one that a stable sort selects. q has no gradient. A
    NaN among the elements makes the quantile NaN.

    Raises ValueError for a q that is not from 0 to 1, for another method, and where there are no elements.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor([5.0, 1.0, 2.0, 9.0], requires_grad=True)
    >>> y = tg.quantile(x, 0.25)
    >>> y.backward()
    >>> y.item(), x.grad.tolist()
    (1.75, [0.0, 0.25, 0.75, 0.0])
    """
    return _quantile("quantile", x, q, axis, keepdims, method)


def _between(alpha, beta):
    """Hyndman and Fan's definitions 4 to 9: where between the elements 0, 1, ..., n - 1 a quantile lies."""
    return lambda n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1


_METHODS = {
    "linear": lambda n, q: (n - 1) * q,
    "lower": lambda n, q: np.floor((n - 1) * q),
    "higher": lambda n, q: np.ceil((n - 1) * q),
    "nearest": lambda n, q: np.rint((n - 1) * q),
    "midpoint": lambda n, q: (np.floor((n - 1) * q) + np.ceil((n - 1) * q)) / 2,
    "inverted_cdf": lambda n, q: np.ceil(n * q) - 1,
    "averaged_inverted_cdf": lambda n, q: (np.floor(n * q) + np.ceil(n * q)) / 2 - 0.5,
    "closest_observation": lambda n, q: np.rint(n * q) - 1,
    "interpolated_inverted_cdf": _between(0, 1),
    "hazen": _between(0.5, 0.5),
    "weibull": _between(0, 0),
    "median_unbiased": _between(1 / 3, 1 / 3),
    "normal_unbiased": _between(3 / 8, 3 / 8),
}


def _quantile(name, x, q, axis, keepdims, method):
    x = as_floating(x, name)
    q = np.asarray(constant(q, name, "q") if isinstance(q, Handle) else operands.operand(q, name), np.float64)
    lines, shape = _in_lines(x, axis, keepdims, name)
    n = lines.shape[-1]
    _check_quantile(name, q, method, n, x.shape)
    h = np.clip(_METHODS[method](n, q.reshape(-1)), 0, n - 1)
    low, high = np.floor(h).astype(int), np.ceil(h).astype(int)
    ranks = sorted({*low.tolist(), *high.tolist(), n - 1})
    values = as_plain_array(lines, name)
    places = _ranked(values, ranks)

    def at(rank, lines=lines):
        return take_along_axis(lines, taken(places, (..., np.searchsorted(ranks, rank))))

    out = at(low)
    if np.any(low < high):
        part = library.beside(values, h - low, values.dtype)
        out = out * (1 - part) + where(part > 0, at(high), 0) * part  # 0 times infinity would be NaN
    largest = at([n - 1], values)
    is_nan = largest != largest
    if is_traced(is_nan) or np.any(np.asarray(is_nan)):
        out = where(is_nan, at([n - 1]), out)
    return reshape(permute_dims(out, (out.ndim - 1, *range(out.ndim - 1))), (*q.shape, *shape))


def _in_lines(x, axis, keepdims, name):
    """x with the axes of the quantile merged into the last one; and the shape of what remains."""
    axes = normalized_axes(tuple(range(x.ndim)) if axis is None else axis, x.ndim, name)
    rest = [i for i in range(x.ndim) if i not in axes]
    kept = [x.shape[i] for i in rest]
    lines = reshape(permute_dims(x, (*rest, *axes)), (*kept, prod(x.shape[i] for i in axes)))
    return lines, [1 if i in axes else n for i, n in enumerate(x.shape)] if keepdims else kept


def _check_quantile(name, q, method, n, shape):
    require_one_of(_METHODS, method, name, "method")
    if not np.all((q >= 0) & (q <= 1)):
        raise explain(
            ValueError(f"{name}: q must be from 0 to 1, got {q}"), f"{name}: q는 0 이상 1 이하여야 합니다. 받은 값: {q}"
        )
    if n == 0:
        raise explain(
            ValueError(f"{name}: an array of shape {shape} has no elements to choose from"),
            f"{name}: 고를 원소가 없습니다. 받은 배열의 형상: {shape}",
        )


def _ranked(x, ranks, descending=False):
    """Where the elements of some ranks stand along the last axis, as a stable sort orders them."""
    n = x.shape[-1]
    upwards = [n - 1 - rank for rank in ranks] if descending else ranks
    near = sorted({r for rank in upwards for r in (rank - 1, rank, rank + 1) if 0 <= r < n})
    if (isinstance(x, np.ndarray) or is_traced(x)) and 0 < 4 * len(near) <= n:  # a partition takes a tenth of the time
        return _places_of_some(x, near, upwards, ranks, descending)
    xp = library.namespace(x)
    order = xp.argsort(x, axis=-1, descending=descending)
    return xp.take(order, library.beside(x, np.asarray(ranks, np.intp)), axis=-1)


@opaque
def _places_of_some(x, near, upwards, ranks, descending):
    """The same for a few ranks, by a partition of those `near` them, unless some elements are equal or NaN."""
    places = np.argpartition(x, near, axis=-1)[..., near]
    found = np.take_along_axis(x, places, axis=-1)
    if np.all(found[..., :-1] < found[..., 1:]):
        return places[..., np.searchsorted(near, upwards)]
    return np.take(sorted_places(x, -1, descending), ranks, axis=-1)
