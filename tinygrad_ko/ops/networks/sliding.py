"""Sliding windows, and the sum of overlapping windows: each is the other's formula."""

from operator import index

from numpy.lib.array_utils import normalize_axis_index

from tinygrad_ko.arrays import library, memory
from tinygrad_ko.arrays.dtypes import moves
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.networks.windows import sliding_windows
from tinygrad_ko.ops.shape import along


@op(x=lambda g, x_shape, step, axis: fold(g, x_shape[axis], step, axis))
@moves
def unfold(x, /, size, step=1, axis=-1):
    """The windows of `size` elements that slide along an axis, `step` apart: from (..., n, ...) to (..., count, ..., size).

    The axis then counts the windows, (n - size) // step + 1 of them, and what each one shows is on a new last axis; elements at the end
    that fill no window are left out. An element gets the gradients of all windows it is in. Of a bare NumPy array windows of two or more
    are a view, which cannot be written to.

    Raises ValueError for a size or step below 1, for windows longer than the axis, and for an axis that is not there.

    >>> import tinygrad_ko as tg
    >>> tg.unfold([1.0, 2.0, 3.0, 4.0, 5.0], 3)
    array([[1., 2., 3.],
           [2., 3., 4.],
           [3., 4., 5.]])
    >>> tg.unfold([1.0, 2.0, 3.0, 4.0, 5.0], 2, step=2)
    array([[1., 2.],
           [3., 4.]])
    """
    x = library.as_array(x)
    axis = normalize_axis_index(axis, x.ndim)
    length, size, step = x.shape[axis], index(size), index(step)
    if size < 1 or step < 1 or size > length:
        raise explain(
            ValueError(
                f"no windows of {size} elements, {step} apart, can be taken from {length}: size must be 1 to {length}, step 1 or more"
            ),
            f"길이가 {length}인 축에서 원소 {size}개의 윈도를 {step}칸 간격으로 얻을 수 없습니다. size는 1 이상 {length} 이하, "
            "step은 1 이상이어야 합니다.",
        )
    out = sliding_windows(x, size, step, axis)
    return out if size > 1 else memory.copied(out)  # a view saves memory where windows overlap


@op(windows=lambda g, windows_shape, step, axis: unfold(g, windows_shape[-1], step, axis))
def fold(xp, windows, /, length, step=1, axis=-1):
    """The way back of `unfold`: windows laid along an axis of that length, `step` apart, and added where they overlap.

    Raises ValueError for another number of windows than that length has, and for an axis that is not there.

    >>> import tinygrad_ko as tg
    >>> tg.fold([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]], length=5, step=2)
    array([1., 1., 2., 1., 1.])
    """
    windows = library.as_array(windows)
    axis = normalize_axis_index(axis, windows.ndim - 1)
    count, size, length, step = windows.shape[axis], windows.shape[-1], index(length), index(step)
    if size < 1 or step < 1 or size > length or count != (length - size) // step + 1:
        raise explain(
            ValueError(
                f"{count} windows of {size} elements, {step} apart, do not make a length of {length}: "
                "it has (length - size) // step + 1 of them"
            ),
            f"원소 {size}개의 윈도 {count}개를 {step}칸 간격으로 놓아서는 길이 {length}의 축이 되지 않습니다. "
            "윈도는 (length - size) // step + 1개여야 합니다.",
        )
    out = xp.zeros((*windows.shape[:axis], length, *windows.shape[axis + 1 : -1]), dtype=windows.dtype)
    for i in range(size):  # the i-th elements of all windows at once
        out[along(axis, slice(i, i + (count - 1) * step + 1, step))] += windows[..., i]
    return out
