"""Taking parts of an array and putting them back: each is the other's formula."""

import operator
from contextlib import suppress

import numpy as np

from tinygrad_ko.arrays.dtypes import moves
from tinygrad_ko.arrays.indexing import (
    IndexedGradient,
    add_at,
    added_at,
    listed,
    may_repeat,
    placed,
    scattered,
    stays,
    taken,
)
from tinygrad_ko.arrays.library import NUMPYS, beside, cast
from tinygrad_ko.arrays.opaque import is_traced, opaque
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import where
from tinygrad_ko.ops.inputs import as_integers, as_operand, normalized_axis
from tinygrad_ko.ops.shape import along, reshape


@op(x=lambda g, x_shape, index: scatter_gradient(g, x_shape, index))
@moves
def getitem(x, *, index):
    """x[index]: ints, slices, None, ..., integer arrays (with repeats) and boolean masks. What is taken twice gets two gradients."""
    return taken(x, index)


@op(values=lambda g, index: getitem(g, index=index))
def scatter(xp, values, *, shape, index):
    """Zeros of a shape, with the values added at an index; where the index repeats they add up."""
    if is_traced((values, index)):
        return scattered(values, index, shape, values.dtype)
    out = xp.zeros(shape, dtype=values.dtype)
    add_at(out, index, values)
    return out


def scatter_gradient(g, shape, index):
    """The gradient of x[index]: a Tensor when it is recorded, else an IndexedGradient, which is accumulated in place."""
    return scatter(g, shape=shape, index=index) if isinstance(g, Handle) else IndexedGradient(g, index)


@op(
    broadcasts=True,
    x=lambda g, index: setitem(g, 0.0, index=index),
    values=lambda g, values_shape, index: _gradient_of_values(g, values_shape, index),
)
@moves
def setitem(x, values, *, index):
    """x after `x[index] = values`, in an array of its own. Where the index repeats the last value stays, and has the gradient."""
    return placed(x, index, values)


def _gradient_of_values(g, shape, index):
    part = getitem(g, index=index)
    if may_repeat(index):
        part = where(stays(g, index), part, 0.0)
    # Values may have more axes than x[index], of length 1 in front: with as many or more the gradient is summed to their shape.
    return reshape(part, (1,) * len(shape) + part.shape) if len(shape) > part.ndim else part


def assigned(x, index, values):
    """x after `x[index] = values`, in an array of its own. A mask chooses element by element, unless there is a value for each True."""
    mask = index[0] if type(index) is tuple and len(index) == 1 else index
    array = x._array if isinstance(x, Handle) else x
    if type(values) not in (float, int, bool):
        is_list, values = isinstance(values, list | tuple), as_operand(values, "setitem")
        if is_list and not isinstance(values, Handle):
            values = beside(array, values)
    if {type(mask), type(array)} <= NUMPYS and mask.dtype == bool and mask.ndim:
        row = array.shape[mask.ndim :]
        if mask.shape + row == array.shape and _broadcasts_to(row, getattr(values, "shape", ())):
            values = cast(values, array.dtype) if hasattr(values, "dtype") else values
            return where(mask.reshape(mask.shape + (1,) * len(row)), values, x)
    return setitem(x, values, index=index)


def _broadcasts_to(to, size):
    with suppress(ValueError):
        return np.broadcast_shapes(to, size) == to
    return False


@op(name="scatter_add", broadcasts=True, x=lambda g: g, values=lambda g, index: getitem(g, index=index))
def with_added(xp, x, values, *, index):
    """x with values added at an index of arrays and numbers."""
    if is_traced((x, values, index)):
        return added_at(xp.asarray(x, dtype=xp.result_type(x, values)), index, values)
    out = xp.asarray(x, dtype=xp.result_type(x, values), copy=True)
    add_at(out, index, values)
    return out


def scatter_add(x, index, values):
    """x with the values added at an index, in an array of its own. Where the index repeats they add up.

    This is `np.add.at(x, index, values)` without writing to x: the index is any that `x[index]` takes, and the values broadcast to the
    shape of `x[index]`.

    >>> import numpy as np, tinygrad_ko as tg
    >>> tg.scatter_add(np.zeros(3), [0, 2, 2], [1.0, 10.0, 100.0])
    array([  1.,   0., 110.])
    """
    return with_added(x, values, index=plain(index))


def take(x, indices, /, axis=None):
    """The elements of x at some places along an axis, for indices of any shape: the axis of x is replaced by the axes of the indices.
    Negative ones count from the end, and what is taken twice gets two gradients. Only an x of one axis needs no `axis`.

    Raises TypeError for indices that are not integers, IndexError for places that x does not have.

    >>> import numpy as np, tinygrad_ko as tg
    >>> tg.take(np.array([[1, 2, 3], [4, 5, 6]]), [2, 0], axis=1)
    array([[3, 1],
           [6, 4]])
    """
    x, indices = as_operand(x, "take"), as_integers(indices, "take", "indices")
    if axis is None and x.ndim != 1:
        raise explain(
            ValueError(f"take: x has shape {x.shape}; say along which axis, as in take(x, indices, axis=0)"),
            f"take: x의 형상이 {x.shape}이므로 take(x, indices, axis=0)처럼 축을 지정해야 합니다.",
        )
    axis = normalized_axis(axis or 0, x.ndim, "take")
    if is_traced(indices):
        _require_places(indices, axis, x.shape[axis], "take")
    try:
        return getitem(x, index=along(axis, indices))
    except IndexError:
        raise _out_of_range("take", indices, axis, x.shape[axis]) from None


def take_along_axis(x, indices, /, axis=-1):
    """At each place of `indices`, the element of x that it names along one axis: out[i, j] is x[i, indices[i, j]] if the axis is the last
    of two. Along the other axes x and the indices have one length, or 1. What is taken twice gets two gradients.

    Raises TypeError for indices that are not integers, IndexError for places that x does not have, ValueError if the shapes differ in
    another axis.

    >>> import numpy as np, tinygrad_ko as tg
    >>> tg.take_along_axis(np.array([[1, 2, 3], [4, 5, 6]]), [[2], [0]], axis=1)
    array([[3],
           [4]])
    """
    x, indices = as_operand(x, "take_along_axis"), as_integers(indices, "take_along_axis", "indices")
    axis = normalized_axis(axis, x.ndim, "take_along_axis")
    sizes = [(a, b) for i, (a, b) in enumerate(zip(x.shape, indices.shape, strict=False)) if i != axis]
    if indices.ndim != x.ndim or any(a != b and 1 not in (a, b) for a, b in sizes):
        raise explain(
            ValueError(
                f"take_along_axis: x of shape {x.shape} and indices of shape {indices.shape} differ in another axis than axis {axis}"
            ),
            f"take_along_axis: x와 indices는 축 {axis} 외의 형상이 같아야 합니다. 받은 형상: {x.shape}, {indices.shape}",
        )
    lines = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    if is_traced(indices) and 0 not in np.broadcast_shapes(
        indices.shape, lines
    ):  # of what gives nothing no index is looked at
        _require_places(indices, axis, x.shape[axis], "take_along_axis")
    try:
        return getitem(x, index=along_lines(indices, axis, x.shape))
    except IndexError:
        raise _out_of_range("take_along_axis", indices, axis, x.shape[axis]) from None


def along_lines(indices, axis, shape):
    """NumPy's index for what the indices name on each line along an axis."""
    index = list(np.indices(shape, sparse=True))
    index[axis] = indices
    return tuple(index)


def embedding(W, ids):
    """The rows of a table W (n, m) that the ids name: ids of shape (...) give (..., m). A row that is named twice gets two gradients, and
    the gradient costs the rows that are named and one array of zeros.

    It is W[ids] for whole numbers from 0 to n - 1 alone: a negative id is an error here, not a row counted from the end.

    Raises TypeError for ids that are not integers, ValueError for an id that is no row, with its position.

    >>> import tinygrad_ko as tg
    >>> W = tg.Tensor([[0.0, 0.0], [1.0, 10.0], [2.0, 20.0]], requires_grad=True)
    >>> rows = tg.embedding(W, [2, 1, 2])
    >>> rows.sum().backward()
    >>> W.grad
    array([[0., 0.],
           [1., 1.],
           [2., 2.]])
    """
    W, ids = as_operand(W, "embedding"), as_integers(ids, "embedding(W, ids)", "ids")
    if W.ndim == 0:
        raise explain(
            ValueError("embedding: the table W has no rows, its shape is ()"),
            "embedding: 표 W에는 행이 있어야 합니다. 받은 형상은 ()입니다.",
        )
    if is_traced(ids):
        _require_rows(ids, W.shape[0])
    elif np.asarray(ids).min(initial=0) < 0:
        raise _no_such_row(ids, W.shape[0])
    try:
        return getitem(W, index=ids)
    except IndexError:
        raise _no_such_row(ids, W.shape[0]) from None


@opaque
def _require_places(indices, axis, n, name):
    """Raise the IndexError that NumPy's would become, for indices that are traced: the program has no op around its index."""
    if np.any((indices < -n) | (indices >= n)):
        raise _out_of_range(name, indices, axis, n)


@opaque
def _require_rows(ids, n):
    """Raise ValueError for an id that is no row."""
    if np.any((ids < 0) | (ids >= n)):
        raise _no_such_row(ids, n)


def _out_of_range(name, indices, axis, n):
    bad, where, korean = _first_outside(indices, -n, n)
    return explain(
        IndexError(f"{name}: index {bad}{where} is out of range for axis {axis} of length {n}"),
        f"{name}: 길이가 {n}인 축 {axis}에 인덱스 {bad}번은 없습니다.{korean}",
    )


def _no_such_row(ids, n):
    bad, where, korean = _first_outside(ids, 0, n)
    rows = f"the {n} rows 0..{n - 1}" if n else "the rows: there are none"
    return explain(
        ValueError(f"embedding: id {bad}{where} is not one of {rows}"),
        f"embedding: 번호 {bad}에 해당하는 행이 없습니다. 표의 행은 {n}개이고 번호는 0부터 셉니다.{korean}",
    )


def _first_outside(numbers, low, high):
    numbers = np.asarray(numbers)
    at = tuple(np.argwhere((numbers < low) | (numbers >= high))[0].tolist())
    place = at[0] if len(at) == 1 else at
    return numbers[at], *((f" at position {place}", f" 위치: {place}") if at else ("", ""))


def plain(index):
    """An index of Python and NumPy alone: sequences and Tensors as arrays, the ends of slices as ints."""
    return tuple(map(_plain_part, index)) if isinstance(index, tuple) else _plain_part(index)


def _plain_part(part):
    if isinstance(part, slice):
        ends = (part.start, part.stop, part.step)
        return slice(*(None if end is None else operator.index(end) for end in ends))
    return part.stable_array() if isinstance(part, Handle) else listed(part)
