"""Repetition: the gradients of all copies add up in the original."""

import numpy as np

from tinygrad_ko.arrays.memory import apart
from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.inputs import as_integers, as_operand, normalized_axis, require_one_of
from tinygrad_ko.ops.reduction import sum
from tinygrad_ko.ops.shape import broadcast_to, reshape


@op(
    name="repeat",
    x=lambda g, x_shape, n, axis: sum(reshape(g, (*x_shape[: axis + 1], n, *x_shape[axis + 1 :])), axis=axis + 1),
)
def repeat_all(xp, x, *, n, axis):
    """Each element n times in a row, along an axis counted from the front."""
    return xp.repeat(x, n, axis=axis)


@op(name="repeat", x=lambda g, times, axis: add_runs(g, times=times, axis=axis))
def repeat_each(xp, x, *, times, axis):
    """Each element as many times as the array `times` says for it."""
    return xp.repeat(x, xp.asarray(times), axis=axis)


@op(x=lambda g, times, axis: repeat_each(g, times=times, axis=axis))
@opaque
def add_runs(xp, x, *, times, axis):
    """The sums of runs of so many elements, one after the other along an axis: 0 for a run of none."""
    times = np.asarray(times)
    stops, along = np.cumsum(times), (slice(None),) * axis
    starts = stops - times
    out = xp.zeros((*x.shape[:axis], len(times), *x.shape[axis + 1 :]), dtype=x.dtype)
    if isinstance(x, np.ndarray):
        some = times > 0
        if some.any():
            out[(*along, some)] = np.add.reduceat(x, starts[some], axis=axis)  # a quarter of the time of np.add.at
        return out
    for i, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        out[(*along, i, ...)] = xp.sum(x[(*along, slice(start, stop), ...)], axis=axis)
    return out


def repeat(x, repeats, axis=None):
    """Each element `repeats` times in a row, or as often as an array says for each; flattened first if `axis` is None.

    (`tile` repeats the whole.) Raises ValueError for a negative number, or counts that do not fit, TypeError for counts that are not
    integers.

    >>> import tinygrad_ko as tg
    >>> tg.repeat([1.0, 2.0, 3.0], 2)
    array([1., 1., 2., 2., 3., 3.])
    >>> x = tg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> tg.repeat(x, [0, 1, 4]).sum().backward()
    >>> x.grad
    array([0., 1., 4.])
    """
    x = as_operand(x, "repeat")
    if axis is None:
        x, axis = reshape(x, (-1,)), 0
    axis = normalized_axis(axis, x.ndim, "repeat")
    length, times = x.shape[axis], _counts(repeats, "repeat", "repeats")
    if times.size == 1:
        return repeat_all(x, n=times.item(), axis=axis)
    if times.shape != (length,):
        raise explain(
            ValueError(f"repeat: the {length} elements along axis {axis} need {length} counts or one, not {repeats}"),
            f"repeat: 축 {axis}의 원소가 {length}개이므로 횟수도 {length}개이거나 하나여야 합니다. 받은 값: {repeats}",
        )
    return repeat_each(x, times=times, axis=axis)


def tile(x, repetitions, /):
    """The whole of x side by side, so many times along each axis, the last one last; missing axes are put in front.

    Raises ValueError for a negative number, TypeError for one that is not an integer.

    >>> import tinygrad_ko as tg
    >>> tg.tile([1.0, 2.0], (2, 2))
    array([[1., 2., 1., 2.],
           [1., 2., 1., 2.]])
    """
    x = as_operand(x, "tile")
    times = _counts(repetitions, "tile", "repetitions").reshape(-1).tolist()
    times = [1] * (x.ndim - len(times)) + times
    shape = [1] * (len(times) - x.ndim) + list(x.shape)
    beside = [n for pair in zip(times, shape, strict=True) for n in pair]
    between = [n for length in shape for n in (1, length)]
    whole = [t * n for t, n in zip(times, shape, strict=True)]
    out = reshape(broadcast_to(reshape(x, tuple(between)), tuple(beside)), tuple(whole))
    return _copied_from(out, x)


def broadcast_arrays(*arrays):
    """A tuple of the arrays, each repeated to the shape that they have together. Raises ValueError if there is none.

    >>> import tinygrad_ko as tg
    >>> tg.broadcast_arrays([1.0, 2.0], [[3.0], [4.0]])
    (array([[1., 2.],
           [1., 2.]]), array([[3., 3.],
           [4., 4.]]))
    """
    given = [as_operand(x, "broadcast_arrays") for x in arrays]
    shapes = [x.shape for x in given]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise explain(
            ValueError(f"broadcast_arrays: the shapes {shapes} have no shape in common"),
            f"broadcast_arrays: 다음 형상들은 함께 브로드캐스트할 수 없습니다: {shapes}",
        ) from None
    return tuple([broadcast_to(x, shape) for x in given])


def broadcast_shapes(*shapes):
    """The shape that arrays of these shapes broadcast to. Raises ValueError if they have none in common."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise explain(
            ValueError(f"broadcast_shapes: the shapes {shapes} have no shape in common"),
            f"broadcast_shapes: 다음 형상들은 함께 브로드캐스트할 수 없습니다: {shapes}",
        ) from None


def meshgrid(*arrays, indexing="xy"):
    """The coordinates of a grid, from the values along each of its axes: a tuple of as many arrays, in the grid's shape.

    With "xy" the first array runs along the columns and the second along the rows, as one draws; with "ij" the first runs along the first
    axis. Raises ValueError for another `indexing`.

    >>> import tinygrad_ko as tg
    >>> tg.meshgrid([1.0, 2.0], [3.0, 4.0])
    (array([[1., 2.],
           [1., 2.]]), array([[3., 3.],
           [4., 4.]]))
    """
    require_one_of(("xy", "ij"), indexing, "meshgrid", "indexing")
    order = list(range(len(arrays)))
    if indexing == "xy":
        order[:2] = order[:2][::-1]
    sides = [[-1 if i == axis else 1 for i in range(len(arrays))] for axis in order]
    given = [as_operand(x, "meshgrid") for x in arrays]
    spread = broadcast_arrays(*[reshape(x, tuple(side)) for x, side in zip(given, sides, strict=True)])
    return tuple([_copied_from(out, x) for out, x in zip(spread, given, strict=True)])


def _copied_from(out, x):
    """out, copied where it is a view of the bare array x."""
    return out if isinstance(out, Handle) else apart(out, (x,))


def _counts(numbers, name, argument):
    times = np.asarray(as_integers(numbers, name, argument))
    if times.ndim > 1 or (times < 0).any():
        raise explain(
            ValueError(f"{name}: {argument} must be one integer of at least 0 or a list of them, not {times.tolist()}"),
            f"{name}: {argument}에는 0 이상의 정수 또는 그 목록을 넘겨야 합니다. 받은 값: {times.tolist()}",
        )
    return times.astype(np.intp)
