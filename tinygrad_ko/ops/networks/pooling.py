"""Pooling: the largest number of each window of an image, or the mean.

Which numbers are the largest is locally constant, so the gradient of a maximum is spread over them, and the gradient of that is their mean:
`spread` and `means` are each other's formulas, to any order.
"""

from functools import reduce
from itertools import product
from math import inf, prod
from operator import iadd

import numpy as np
from numpy import ndarray

from tinygrad_ko.arrays.library import masked
from tinygrad_ko.arrays.memory import copied
from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.arrays.temporaries import onto
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.inputs import as_floating
from tinygrad_ko.ops.networks.windows import batch_first, batch_last, windows_over
from tinygrad_ko.ops.shape import reshape

_BLOCK = 512 * 1024  # bytes
_LARGE = 2**23  # bytes, from which on maxima are found by blocks; below, that saves no more than it costs


@op(
    name="max_pool2d",
    keeps="chosen",
    x=lambda g, chosen, x_shape, windows: spread(g, chosen, image=x_shape[2:], windows=windows),
)
@opaque
def maxima(xp, x, *, windows):
    """The largest number that each window sees; which ones those are is kept until backward, one byte for each."""
    seen = windows.see(xp, windows.pad(xp, batch_last(xp, x), -inf))
    if not isinstance(seen, ndarray) or seen.nbytes <= _LARGE:
        out, chosen = _largest(xp, seen, windows)
    else:
        out, chosen = np.empty_like(seen[:, 0, :, 0]), np.empty_like(seen, bool)
        for some in _blocks(seen):
            channels, _, rows = some
            out[channels, rows], chosen[some] = _largest(xp, seen[some], windows)
    return batch_first(xp, out), chosen


def _largest(xp, seen, windows):
    """The largest number that each window sees, and which ones those are."""
    out = _over_places(xp.maximum, seen, windows)
    largest = out[:, None, :, None, :, :]
    return out, xp.logical_not(seen < largest) if xp.any(out != out) else seen >= largest  # NaN is not >= itself


def _over_places(f, seen, windows):
    """f of what each window sees at all its places."""
    side_by_side = windows.stride[1] == windows.size[1] and windows.dilation[1] == 1
    if (
        side_by_side and isinstance(seen, ndarray) and seen.nbytes <= _BLOCK
    ):  # rows of windows see whole rows of pixels: long runs
        rows = _folded(f, [seen[:, i] for i in range(windows.size[0])])
        return _folded(f, [rows[:, :, j] for j in range(windows.size[1])])
    return _folded(f, [seen[:, i, :, j, :, :] for i, j in windows.places()])


def _folded(f, parts):
    out, *others = (f(*parts[:2]), *parts[2:]) if len(parts) > 1 else (copied(parts[0]),)
    for part in others:
        out = onto(out, f, out, part)
    return out


def _blocks(seen):
    """What windows see of NumPy's arrays in blocks that stay in the processor's cache, as indices of some channels or of some rows of
    windows: of 30 images of 24 x 24 in batches of 100, in float64, `maxima` and `spread` take 0.7 of the time.
    """
    channels, _, rows, *_ = seen.shape
    many = max(1, _BLOCK * channels * rows // max(1, seen.nbytes))  # rows of windows
    for i, j in product(range(0, channels, max(1, many // rows)), range(0, rows, many)):
        yield slice(i, i + max(1, many // rows)), slice(None), slice(j, j + many)


@op(
    name="avg_pool2d",
    x=lambda g, chosen, x_shape, windows: spread(g, chosen, image=x_shape[2:], windows=windows),
    chosen=None,
)
@opaque
def means(xp, x, chosen, *, windows):
    """The mean of the numbers that each window sees, or of those that are chosen, which has the shape of `Windows.see`."""
    seen = windows.see(xp, windows.pad(xp, batch_last(xp, x)))
    seen = seen if chosen is None else xp.where(chosen, seen, 0)
    first, *rest = [seen[:, i, :, j, :, :] for i, j in windows.places()]
    total = reduce(iadd, rest, copied(first))
    return batch_first(xp, _shares(xp, total, chosen, windows))


@op(y=lambda g, chosen, windows: means(g, chosen, windows=windows), chosen=None)
@opaque
def spread(xp, y, chosen, *, image, windows):
    """The transpose of a mean: each number of y, in equal parts to the pixels that its window sees, or to those that are chosen."""
    part = _shares(xp, batch_last(xp, y), chosen, windows)[:, None, :, None, :, :]
    if chosen is None:
        channels, _, rows, _, columns, batch = part.shape
        high, wide = windows.size
        seen = xp.broadcast_to(part, (channels, high, rows, wide, columns, batch))
    elif not isinstance(part, ndarray):
        seen = xp.where(chosen, part, 0)
    else:
        seen = np.empty_like(chosen, part.dtype)
        for some in _blocks(seen):
            masked(chosen[some], part[some], seen[some])
    return batch_first(xp, windows.see_transposed(xp, seen, image))


def _shares(xp, x, chosen, windows):
    """x, divided by how many numbers are chosen in each window."""
    if chosen is None:
        return x / prod(windows.size)
    if xp.count_nonzero(chosen) == x.size:  # the usual case: one in each window
        return x
    few = prod(windows.size) < 256
    ones = (
        chosen.view(np.uint8)
        if few and isinstance(chosen, ndarray)
        else xp.astype(chosen, xp.uint8 if few else xp.int32)
    )
    counts = _over_places(xp.add, ones, windows)
    return x / xp.astype(counts, x.dtype)


def max_pool1d(x, size, stride=None, padding=0):
    """The same as `max_pool2d` for sequences x (batch, channels, length)."""
    return _pool("max_pool1d", 1, x, size, stride, padding)


def max_pool2d(x, size, stride=None, padding=0):
    """The largest number in each window of the images x (batch, channels, height, width). Equal ones share the gradient equally.

    `size` is the height and width of a window, `stride` how far apart windows are (as far as they are large, if it is not given), `padding`
    how many pixels around an image windows may reach into, less than `size`: nothing is chosen there. Each is a number or a pair; the
    padding also "same" or "valid", as in `conv2d`.

    Raises ValueError for options that make no sense or windows that do not fit.

    >>> import numpy as np, tinygrad_ko as tg
    >>> x = tg.Tensor(np.array([[[[1.0, 5.0, 2.0, 2.0], [3.0, 4.0, 2.0, 2.0]]]]), requires_grad=True)
    >>> out = tg.max_pool2d(x, 2)
    >>> out.tolist()
    [[[[5.0, 2.0]]]]
    >>> out.sum().backward()
    >>> x.grad[0, 0]
    array([[0.  , 1.  , 0.25, 0.25],
           [0.  , 0.  , 0.25, 0.25]])
    """
    return _pool("max_pool2d", 2, x, size, stride, padding)


def avg_pool1d(x, size, stride=None, padding=0):
    """The same as `avg_pool2d` for sequences x (batch, channels, length)."""
    return _pool("avg_pool1d", 1, x, size, stride, padding)


def avg_pool2d(x, size, stride=None, padding=0):
    """The mean of each window of the images x (batch, channels, height, width), with the options of `max_pool2d`. Padding counts as pixels
    of 0.

    >>> import numpy as np, tinygrad_ko as tg
    >>> tg.avg_pool2d(np.array([[[[1.0, 5.0, 2.0, 2.0], [3.0, 4.0, 2.0, 2.0]]]]), 2).tolist()
    [[[[3.25, 2.0]]]]
    """
    return _pool("avg_pool2d", 2, x, size, stride, padding)


def _pool(name, axes, x, size, stride, padding):
    """Pooling along one axis or two. A sequence is an image one pixel high."""
    x = as_floating(x, name)
    if len(x.shape) != axes + 2:
        sides = "length" if axes == 1 else "height, width"
        raise explain(
            ValueError(f"{name}: x must have shape (batch, channels, {sides}), not {x.shape}; one image is x[None]"),
            f"{name}: x의 형상은 (batch, channels, {sides})이어야 합니다. 한 장뿐이라면 x[None]을 넘기십시오. 받은 형상: {x.shape}",
        )
    windows = windows_over(name, x.shape[2:], size, size if stride is None else stride, padding, 1)
    if any(max(p) >= k for p, k in zip(windows.padding, windows.size, strict=True)):
        raise explain(
            ValueError(f"{name}: padding {padding!r} must be less than the size of a window, {size!r}"),
            f"{name}: 패딩은 윈도 크기보다 작아야 합니다. 받은 값: 패딩 {padding!r}, 크기 {size!r}",
        )
    x = x if axes == 2 else reshape(x, (*x.shape[:2], 1, *x.shape[2:]))
    out = maxima(x, windows=windows) if name.startswith("max") else means(x, None, windows=windows)
    return out if axes == 2 else reshape(out, (*out.shape[:2], out.shape[3]))
