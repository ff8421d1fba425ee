"""The same numbers in another shape or order: the gradient goes back the way the numbers came."""

from operator import index

import numpy as np

from tinygrad_ko.arrays.dtypes import moves
from tinygrad_ko.arrays.lists import joined
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.inputs import as_int, as_operand, normalized_axes, normalized_axis
from tinygrad_ko.ops.views import viewing
from tinygrad_ko.runtime.suggestions import explained

_LISTS = {list, tuple}


@viewing
@op(x=lambda g, x_shape: reshape(g, x_shape))
@moves
def reshape(xp, x, /, shape, copy=None):
    """The same numbers in another shape; one entry of the shape may be -1. With `copy=False` an array that would have to be copied is a
    ValueError.
    """
    return xp.reshape(x, shape) if copy is None else xp.reshape(x, shape, copy=copy)


@viewing
@op(x=lambda g, axes: permute_dims(g, inverse_permutation(axes)))
@moves
def permute_dims(xp, x, /, axes):
    """The axes in the order `axes`."""
    return xp.permute_dims(x, axes)


def inverse_permutation(axes):
    """The permutation that undoes `axes`."""
    order = [axis % len(axes) for axis in axes]
    return tuple(order.index(i) for i in range(len(order)))


def moveaxis(x, source, destination, /):
    """The axes `source` moved to the places `destination`, ints or tuples of ints; the others keep their order.

    Raises ValueError for an axis that is not there, one that is named twice, or tuples of different lengths.

    >>> import numpy as np, tinygrad_ko as tg
    >>> tg.moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    if hasattr(x, "by_parts"):  # complex numbers
        return x.by_parts(lambda part: moveaxis(part, source, destination))
    x = as_operand(x, "moveaxis")
    sources, places = (normalized_axes(axes, x.ndim, "moveaxis") for axes in (source, destination))
    if len(sources) != len(places):
        raise explain(
            ValueError(f"moveaxis: {source} and {destination} must name as many axes"),
            f"moveaxis: 옮길 축과 옮겨 갈 자리는 개수가 같아야 합니다. 받은 값: {source}, {destination}",
        )
    order = [i for i in range(x.ndim) if i not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return permute_dims(x, tuple(order))


def swapaxes(x, axis1, axis2):
    """x with two axes exchanged. Raises ValueError for an axis that is not there."""
    x = as_operand(x, "swapaxes")
    order = list(range(x.ndim))
    i, j = (normalized_axis(axis, x.ndim, "swapaxes") for axis in (axis1, axis2))
    order[i], order[j] = j, i
    return permute_dims(x, tuple(order))


@viewing
@op(x=lambda g: matrix_transpose(g))
@moves
def matrix_transpose(xp, x):
    """The last two axes exchanged."""
    return xp.matrix_transpose(x)


@op(broadcasts=True, x=lambda g: g)
@moves
def broadcast_to(xp, x, /, shape):
    """x repeated along new axes and axes of length 1."""
    return xp.broadcast_to(x, shape)


@viewing
@op(x=lambda g, x_shape: reshape(g, x_shape))
@moves
def expand_dims(xp, x, /, axis=0):
    """New axes of length 1, at the place or places `axis` of the result."""
    return xp.expand_dims(x, axis=axis)


@viewing
@op(x=lambda g, x_shape: reshape(g, x_shape))
@moves
def squeeze(xp, x, /, axis=None):
    """x without the axes of length 1: all of them, or those named."""
    return xp.squeeze(x, axis=tuple([i for i, n in enumerate(x.shape) if n == 1]) if axis is None else axis)


@viewing
@op(x=lambda g, axis: flip(g, axis))
@moves
def flip(xp, x, /, axis=None):
    """The order of the elements reversed along an axis or a tuple of axes, or along all (None)."""
    return xp.flip(x, axis=axis)


@op(x=lambda g, shift, axis: roll(g, _opposite(shift), axis))
@moves
def roll(xp, x, /, shift, axis=None):
    """The elements shifted cyclically by `shift` places: along an axis, or along a tuple of axes by one shift or a tuple of shifts; with
    `axis=None` as if all numbers stood in one row.

    >>> import tinygrad_ko as tg
    >>> tg.roll([1.0, 2.0, 3.0, 4.0], 1)
    array([4., 1., 2., 3.])
    """
    shift = tuple([index(s) for s in shift]) if np.ndim(shift) else index(shift)  # in uint8 NumPy 2.1 overflows
    return xp.roll(x, shift, axis=axis)


def _opposite(shift):
    return tuple([-int(s) for s in shift]) if np.ndim(shift) else -int(shift)


@op(name="concat", xs=lambda g, xs_shape, axis: [g[along(axis, part)] for part in _parts(xs_shape, axis)])
@moves
def concatenate(xp, *xs, axis):
    """Arrays one after the other along an existing axis."""
    return xp.concat(xs, axis=axis)


@op(name="stack", xs=lambda g, xs_shape, axis: [g[along(axis, i)] for i in range(len(xs_shape))])
@moves
def pile(xp, *xs, axis):
    """Arrays of one shape, one after the other along a new axis."""
    return xp.stack(xs, axis=axis)


def along(axis, at):
    """The index that takes `at` along one axis and everything along the others."""
    return (slice(None),) * axis + (at, ...) if axis >= 0 else (..., at) + (slice(None),) * (-1 - axis)


def _parts(shapes, axis):
    stop = 0
    for shape in shapes:
        start, stop = stop, stop + shape[axis]
        yield slice(start, stop)


@explained
def concat(arrays, /, *, axis=0):
    """Arrays one after the other along an existing axis; with `axis=None` each is flattened first."""
    if axis is None:
        return concatenate(*(reshape(x, (-1,)) for x in arrays), axis=0)
    return concatenate(*_joined(arrays), axis=axis)


@explained
def stack(arrays, /, *, axis=0):
    """Arrays of one shape, one after the other along a new axis."""
    return pile(*_joined(arrays), axis=axis)


def _joined(arrays):
    """The arrays of a list: a list among them that has Tensors in it is one."""
    arrays = [*arrays]
    return arrays if _LISTS.isdisjoint(map(type, arrays)) else map(joined, arrays)


@explained
def split(x, indices_or_sections, axis=0):
    """A list of the parts of x along an axis: so many of equal length, or cut before each of the given indices.

    Raises ValueError where no equal parts are possible (`array_split` makes unequal ones) or the axis is not there.

    >>> import tinygrad_ko as tg
    >>> tg.split([1.0, 2.0, 3.0, 4.0], 2)
    [array([1., 2.]), array([3., 4.])]
    >>> tg.split([1.0, 2.0, 3.0, 4.0], [1, 3])
    [array([1.]), array([2., 3.]), array([4.])]
    """
    x = as_operand(x, "split")
    axis = normalized_axis(axis, x.ndim, "split")
    length = x.shape[axis]
    if np.ndim(indices_or_sections) == 0 and length % (n := _sections(indices_or_sections, "split")):
        raise explain(
            ValueError(
                f"split: axis {axis} of length {length} makes no {n} equal parts; array_split makes unequal ones"
            ),
            f"split: 축 {axis}의 원소 {length}개를 같은 길이의 {n}부분으로 나눌 수 없습니다. "
            "길이가 달라도 된다면 array_split을 쓰십시오.",
        )
    return array_split(x, indices_or_sections, axis)


@explained
def array_split(x, indices_or_sections, axis=0):
    """As `split`, but where the elements do not divide evenly the first parts are longer by one. Raises ValueError for a missing axis."""
    x = as_operand(x, "array_split")
    axis = normalized_axis(axis, x.ndim, "array_split")
    length = x.shape[axis]
    if np.ndim(indices_or_sections):
        cuts = [as_int(i, "array_split") for i in indices_or_sections]
    else:
        parts = _sections(indices_or_sections, "array_split")
        cuts = [i * (length // parts) + min(i, length % parts) for i in range(1, parts)]
    ranges = [slice(*ends).indices(length) for ends in zip([0, *cuts], [*cuts, length], strict=True)]
    return [x[along(axis, slice(start, max(start, stop)))] for start, stop, _ in ranges]


@explained
def unstack(x, /, *, axis=0):
    """A tuple of the arrays that lie along an axis, each without it: the inverse of `stack`. Raises ValueError if the axis is not there.

    >>> import tinygrad_ko as tg
    >>> tg.unstack([[1.0, 2.0], [3.0, 4.0]], axis=1)
    (array([1., 3.]), array([2., 4.]))
    """
    x = as_operand(x, "unstack")
    axis = normalized_axis(axis, x.ndim, "unstack")
    return tuple([x[along(axis, i)] for i in range(x.shape[axis])])


def _sections(number, name):
    number = as_int(number, name)
    if number < 1:
        raise explain(
            ValueError(f"{name}: the number of parts must be 1 or more, not {number}"),
            f"{name}: 나눌 개수는 1 이상이어야 합니다. 받은 값: {number}",
        )
    return number
