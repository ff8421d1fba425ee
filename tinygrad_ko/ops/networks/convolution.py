"""Convolution as a product of matrices: the kernels times what the windows see.

(As everywhere in deep learning it is the cross-correlation: kernels are not turned around.) A convolution is linear in the images and in
the kernels. The gradient of a linear map is its transpose, and the transpose of a convolution in one of them is linear again: so three ops,
`convolution`, `to_images` and `to_kernels`, are each other's formulas, to any order.

What the windows of one row see are the numbers of a few neighbouring rows of pixels. Where these are laid out once for every column of
windows (not for every window), the matrix that a row of windows sees is a slice of that, without a copy. Source: Cho and Brand, "MEC:
Memory-efficient Convolution for Deep Neural Network" (2017). Where that is too much for a cache, each column of a kernel is multiplied by
itself: what it sees of a row of pixels is a slice of the image, since the pixels of all images of a batch lie side by side.
"""

from functools import reduce
from math import prod
from operator import iadd

import numpy as np
from numpy import ndarray

from tinygrad_ko.arrays.library import contiguous
from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.inputs import as_floating
from tinygrad_ko.ops.networks.channels import channel_sums
from tinygrad_ko.ops.networks.windows import batch_first, batch_last, one_per_axis, sliding_windows, windows_over
from tinygrad_ko.ops.shape import reshape


@op(
    name="conv2d",
    x=lambda g, W, x_shape, windows, groups: to_images(g, W, image=x_shape[2:], windows=windows, groups=groups),
    W=lambda g, x, windows, groups: to_kernels(x, g, windows=windows, groups=groups),
    b=lambda g: channel_sums(g),
)
@opaque
def convolution(xp, x, W, b, *, windows, groups):
    """Every kernel times every window, plus b unless it is None, in the shapes of `conv2d`."""
    return batch_first(xp, _correlated(xp, batch_last(xp, x), W, b, windows, groups))


@op(
    y=lambda g, W, windows, groups: convolution(g, W, None, windows=windows, groups=groups),
    W=lambda g, y, windows, groups: to_kernels(g, y, windows=windows, groups=groups),
)
@opaque
def to_images(xp, y, W, *, image, windows, groups):
    """The transpose in the images (transposed convolution): each number of y times its kernel, added to the pixels its window sees.

    Where the windows are 1 apart, that is y convolved with the kernels turned around: in 0.4 to 0.9 of the time, with up to 4 kernels for
    each channel, and from there on in up to 1.5 times the time.
    """
    y, opposite = batch_last(xp, y), windows.opposite()
    if opposite is not None and W.shape[0] <= 4 * groups * W.shape[1]:
        return batch_first(xp, _correlated(xp, y, _turned_around(xp, W, groups), None, opposite, groups))
    kernels = xp.matrix_transpose(_kernel_matrices(xp, W, groups))
    _, rows, columns, batch = y.shape
    (high, wide), channels, (height, width) = windows.size, W.shape[1], windows.padded(image)
    y = xp.reshape(y, (groups, W.shape[0] // groups, rows, columns * batch))
    lines = xp.zeros((height, groups, channels, wide, columns, batch), dtype=xp.result_type(y, W))
    for row in range(rows):
        seen = xp.reshape(kernels @ y[:, :, row, :], (groups, high, channels, wide, columns, batch))
        lines[_lines_of(windows, row), ...] += xp.permute_dims(seen, (1, 0, 2, 3, 4, 5))
    lines = xp.permute_dims(xp.reshape(lines, (height, groups * channels, wide, columns, batch)), (1, 0, 2, 3, 4))
    out = xp.zeros((groups * channels, height, width, batch), dtype=lines.dtype)
    for place in range(wide):
        _, beside = windows.pixels(0, place, rows, columns)
        out[:, :, beside, :] += lines[:, :, place, :, :]
    return batch_first(xp, windows.crop(out, image))


@op(
    x=lambda g, y, x_shape, windows, groups: to_images(y, g, image=x_shape[2:], windows=windows, groups=groups),
    y=lambda g, x, windows, groups: convolution(x, g, None, windows=windows, groups=groups),
)
@opaque
def to_kernels(xp, x, y, *, windows, groups):
    """The transpose in the kernels: what each window sees times the number of y there, summed over all windows of all images."""
    y = batch_last(xp, y)
    kernels, rows, columns, batch = y.shape
    channels, high = x.shape[1] // groups, windows.size[0]
    y = xp.permute_dims(xp.reshape(y, (groups, kernels // groups, rows, columns * batch)), (0, 2, 3, 1))
    lines = _lines(xp, batch_last(xp, x), windows, groups)
    sizes = [high * part.shape[2] for _, part in lines]
    totals = [xp.zeros((groups, n, kernels // groups), dtype=xp.result_type(x, y)) for n in sizes]
    pieces = _pieces(columns * batch, sizes[0] * kernels // groups)
    every = _rows_at_once(lines, windows)
    # Otherwise the products of all rows would take more memory than the lines.
    if every is not None and high * kernels <= columns * batch * groups:
        for piece in pieces:
            totals[0] += (every[..., piece] @ y[..., piece, :]).sum(axis=1)
    else:
        for row in range(rows):
            seen = [_seen(xp, part, windows, row) for _, part in lines]
            for piece in pieces:
                for total, each in zip(totals, seen, strict=True):
                    total += each[..., piece] @ y[:, row, piece, :]
    shape = (groups, high, channels, windows.size[1] // len(totals), kernels // groups)
    total = xp.concat([xp.reshape(total, shape) for total in totals], axis=3)
    return xp.reshape(xp.permute_dims(total, (0, 4, 2, 1, 3)), (kernels, channels, *windows.size))


def _pieces(length, width):
    """A length in pieces, for a product of matrices with `width` multiplications for each step along it. Up to 10^6 multiplications
    OpenBLAS with AVX-512 needs no copies: a training step of 30 kernels of 5 x 5 takes 0.88 of the time in float32, 0.97 in float64; with
    other kernels up to 1.07. Pieces shorter than 256 gain nothing.
    """
    step = 10**6 // max(width, 1)
    step = step if step >= 256 else max(length, 1)
    return [slice(i, min(i + step, length)) for i in range(0, length, step)]


def _kernel_matrices(xp, W, groups):
    """The kernels of each group as the rows of a matrix, their numbers in the order (height, channels, width)."""
    return xp.reshape(xp.permute_dims(W, (0, 2, 1, 3)), (groups, W.shape[0] // groups, prod(W.shape[1:])))


def _turned_around(xp, W, groups):
    """The kernels turned around, with their channels in the place of the kernels: (channels, kernels / groups, height, width)."""
    kernels, channels, high, wide = W.shape
    W = xp.permute_dims(xp.reshape(W, (groups, kernels // groups, channels, high, wide)), (0, 2, 1, 3, 4))
    return xp.flip(xp.reshape(W, (groups * channels, kernels // groups, high, wide)), axis=(2, 3))


def _correlated(xp, x, W, b, windows, groups):
    """The convolution of images in the layout of `windows`."""
    _, *image, batch = x.shape
    rows, columns = windows.counts(image)
    dtype = xp.result_type(x, W) if b is None else xp.result_type(x, W, b)
    out = xp.empty((groups, W.shape[0] // groups, rows, columns * batch), dtype=dtype)
    lines = _lines(xp, x, windows, groups)
    kernels = [_kernel_matrices(xp, W[..., places], groups) for places, _ in lines]
    pieces = _pieces(columns * batch, prod(kernels[0].shape[1:]))
    if (every := _rows_at_once(lines, windows)) is not None:
        for piece in pieces:
            np.matmul(kernels[0][:, None], every[..., piece], out=out.swapaxes(1, 2)[..., piece])
    else:
        for row in range(rows):
            seen = [_seen(xp, part, windows, row) for _, part in lines]
            for piece in pieces:
                products = [K @ each[..., piece] for K, each in zip(kernels, seen, strict=True)]
                out[:, :, row, piece] = reduce(iadd, products)
    if b is not None:
        out += xp.reshape(b, (*out.shape[:2], 1, 1))
    return xp.reshape(out, (W.shape[0], rows, columns, batch))


def _lines(xp, x, windows, groups):
    """What the windows see in each row of pixels, (groups, height, numbers, columns * batch): for all columns of a kernel together or for
    each by itself. A list of those arrays, each with the columns that it is for, as a slice.
    """
    channels, *image, batch = x.shape
    channels, (height, width), columns = channels // groups, windows.padded(image), windows.counts(image)[1]
    (high, wide), (_, right), (_, step) = windows.size, windows.stride, windows.dilation
    (top, _), (left, _) = windows.padding
    pixels = xp.zeros((groups, height, channels, width, batch), dtype=x.dtype)
    x = xp.permute_dims(xp.reshape(x, (groups, channels, *image, batch)), (0, 2, 1, 3, 4))
    pixels[:, top : top + image[0], :, left : left + image[1], :] = x
    if not _too_many(high * channels, groups * height * channels * wide * columns * batch):
        seen = contiguous(xp.permute_dims(sliding_windows(pixels, wide, right, 3, step), (0, 1, 2, 5, 3, 4)))
        return [(slice(0, wide), xp.reshape(seen, (groups, height, channels * wide, columns * batch)))]
    found, every = [], {}  # of every so many-th pixel, for windows side by side see neighbours among those
    for place in range(wide):
        first, i = divmod(place * step, right)
        if i not in every:
            some = contiguous(pixels[:, :, :, i::right, :])
            every[i] = xp.reshape(some, (groups, height, channels, some.shape[3] * batch))
        found.append((slice(place, place + 1), every[i][..., first * batch : (first + columns) * batch]))
    return found


def _too_many(height, size):
    """Whether what the windows see is too much to be laid out for all columns of a kernel. A product for each column, of a slice without a
    copy, takes 0.5 to 0.9 of the time where that does not fit into a cache (with 8 kernels up to 1.2), and 1.6 in products of a few rows.
    """
    return height >= 24 and size > 2**19


def _seen(xp, lines, windows, row):
    """What a row of windows sees, each window as a column: (groups, numbers, columns * batch)."""
    seen = lines[:, _lines_of(windows, row), ...]
    return xp.reshape(seen, (seen.shape[0], seen.shape[1] * seen.shape[2], seen.shape[3]))


def _rows_at_once(lines, windows):
    """What all rows of windows see, (groups, rows, numbers, columns * batch), if it is a view: a product with that has its loop in C."""
    (_, part), *others = lines
    if others or windows.dilation[0] > 1 or not isinstance(part, ndarray):
        return None
    seen = sliding_windows(part, windows.size[0], windows.stride[0], 1).transpose(0, 1, 4, 2, 3)
    return seen.reshape(*seen.shape[:2], seen.shape[2] * seen.shape[3], seen.shape[4])


def _lines_of(windows, row):
    """The rows of pixels that a row of windows sees."""
    first, step = row * windows.stride[0], windows.dilation[0]
    return slice(first, first + step * (windows.size[0] - 1) + 1, step)


def conv1d(x, W, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The same as `conv2d` for sequences: x (batch, channels, length), W (kernels, channels / groups, size).

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor([[[1.0, 2.0, 4.0, 7.0]]])
    >>> tg.conv1d(x, [[[-1.0, 1.0]]])
    Tensor([[[1., 2., 3.]]], shape=(1, 1, 3), dtype=float64)
    """
    return _convolve("conv1d", 1, x, W, b, stride, padding, dilation, groups)


def conv2d(x, W, b=None, stride=1, padding=0, dilation=1, groups=1):
    """The convolution of images with kernels, plus b: x (batch, channels, height, width) and W (kernels, channels / groups, height, width)
    give (batch, kernels, height, width).

    `stride` is how far apart the windows are, `padding` how many pixels of 0 are put around an image (or "same": as many as leave it
    ceil(height / stride) high, and as wide; or "valid": none), `dilation` the step inside a window. Each is a number, or a pair for below
    and beside. With `groups` channels and kernels are split into so many parts, and each part of the kernels sees its own part of the
    channels.

    Raises ValueError for shapes that do not fit each other or options that make no sense.

    >>> import numpy as np, tinygrad_ko as tg
    >>> x = tg.Tensor(np.arange(16.0).reshape(1, 1, 4, 4), requires_grad=True)
    >>> out = tg.conv2d(x, np.ones((1, 1, 3, 3)))
    >>> out
    Tensor([[[[45., 54.],
              [81., 90.]]]], shape=(1, 1, 2, 2), dtype=float64, op=conv2d)
    >>> out.sum().backward()
    >>> x.grad[0, 0]
    array([[1., 2., 2., 1.],
           [2., 4., 4., 2.],
           [2., 4., 4., 2.],
           [1., 2., 2., 1.]])
    """
    return _convolve("conv2d", 2, x, W, b, stride, padding, dilation, groups)


def _convolve(name, axes, x, W, b, stride, padding, dilation, groups):
    """A convolution along one axis or two. A sequence is an image one pixel high."""
    x, W, b = as_floating(x, name), as_floating(W, name), b if b is None else as_floating(b, name)

    def refuse(what, korean):
        raise explain(ValueError(f"{name}: {what}"), f"{name}: {korean}")

    if len(x.shape) != axes + 2 or len(W.shape) != axes + 2:
        sides = "length" if axes == 1 else "height, width"
        refuse(
            f"x must have shape (batch, channels, {sides}) and W (kernels, channels / groups, {sides}), but their shapes are "
            f"{x.shape} and {W.shape}; one image alone is the batch x[None]",
            f"x의 형상은 (batch, channels, {sides}), W의 형상은 (kernels, channels / groups, {sides})이어야 합니다. "
            f"한 장뿐이라면 x[None]을 넘기십시오. 받은 형상: {x.shape}, {W.shape}",
        )
    (groups,) = one_per_axis(name, "groups", groups, 1)
    if x.shape[1] != W.shape[1] * groups:
        refuse(
            f"x of shape {x.shape} has {x.shape[1]} channels, but W of shape {W.shape} is for {W.shape[1] * groups}, "
            f"{W.shape[1]} in each of {groups} groups",
            f"형상이 {x.shape}인 x의 채널은 {x.shape[1]}개인데, 형상이 {W.shape}인 W는 그룹 {groups}개에서 {W.shape[1]}개씩 채널 "
            f"{W.shape[1] * groups}개를 받습니다.",
        )
    if W.shape[0] % groups:
        refuse(
            f"the {W.shape[0]} kernels of W, shape {W.shape}, cannot be split into {groups} equal groups",
            f"커널 {W.shape[0]}개를 그룹 {groups}개로 똑같이 나눌 수 없습니다. W의 형상: {W.shape}",
        )
    if b is not None and b.shape != W.shape[:1]:
        refuse(
            f"W has shape {W.shape}, so b needs shape {W.shape[:1]}, not {b.shape}",
            f"W의 형상이 {W.shape}이므로 b의 형상은 {W.shape[:1]}이어야 합니다. 받은 형상: {b.shape}",
        )
    windows = windows_over(name, x.shape[2:], W.shape[2:], stride, padding, dilation)
    x, W = (x, W) if axes == 2 else (reshape(v, (*v.shape[:2], 1, *v.shape[2:])) for v in (x, W))
    out = convolution(x, W, b, windows=windows, groups=groups)
    return out if axes == 2 else reshape(out, (*out.shape[:2], out.shape[3]))
