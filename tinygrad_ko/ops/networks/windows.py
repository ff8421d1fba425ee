"""Windows that slide over images: which pixels they see, and the memory layout of images.

Users see (batch, channels, height, width), a view of what the ops on windows lay out as (channels, height, width, batch). What all windows
see at one of their places is then a slice with long runs of neighbours, the product of the kernels with what the windows see has the same
layout, and flattened for an affine layer it is the transpose of a usual matrix: nothing is rearranged between ops.
"""

from dataclasses import dataclass
from itertools import product
from operator import index

import numpy as np
from numpy import ndarray

from tinygrad_ko.arrays.library import namespace
from tinygrad_ko.errors import explain


@dataclass(frozen=True)
class Windows:
    """Windows of a `size`, `stride` pixels apart, on an image with `padding` (before, after) around it; `dilation` apart inside."""

    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    dilation: tuple[int, int] = (1, 1)

    def counts(self, image):
        """How many windows there are, below and beside each other, on an image of a height and width."""
        sides = zip(self.padded(image), self.size, self.stride, self.dilation, strict=True)
        return tuple([(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in sides])

    def padded(self, image):
        """The height and width of an image with its padding."""
        return tuple([n + sum(p) for n, p in zip(image, self.padding, strict=True)])

    def tile(self, image):
        """Whether each pixel is seen by exactly one window."""
        whole = all(n % k == 0 for n, k in zip(image, self.size, strict=True))
        return whole and self == Windows(self.size, self.size)

    def pad(self, xp, x, value=0):
        """An image (channels, height, width, batch) with its padding around it."""
        channels, height, width, batch = x.shape
        (top, _), (left, _) = self.padding
        if self.padded((height, width)) == (height, width):
            return x
        out = xp.full((channels, *self.padded((height, width)), batch), value, dtype=x.dtype)
        out[:, top : top + height, left : left + width, :] = x
        return out

    def crop(self, x, image):
        """An image without its padding, of the height and width it had."""
        (top, _), (left, _) = self.padding
        return x[:, top : top + image[0], left : left + image[1], :]

    def opposite(self):
        """The windows in which a pixel finds, in what these windows give, whatever it has a part in; None if they are not 1 apart, or see
        one pixel each.
        """
        reach = [d * (k - 1) for k, d in zip(self.size, self.dilation, strict=True)]
        below, beside = [(r - before, r - after) for r, (before, after) in zip(reach, self.padding, strict=True)]
        possible = self.stride == (1, 1) != self.size and min(*below, *beside) >= 0
        return Windows(self.size, (1, 1), (below, beside), self.dilation) if possible else None

    def places(self):
        """The places in a window, row by row."""
        return product(*map(range, self.size))

    def pixels(self, i, j, rows, columns):
        """The pixels that so many rows and columns of windows see at their place (i, j), as slices."""
        (down, right), (a, b) = self.stride, self.dilation
        return slice(i * a, i * a + down * (rows - 1) + 1, down), slice(j * b, j * b + right * (columns - 1) + 1, right)

    def see(self, xp, x):
        """What they see of (channels, height, width, batch): (channels, row in a window, windows, column in a window, windows, batch)."""
        (high, wide), (down, right), (i, j) = self.size, self.stride, self.dilation
        seen = sliding_windows(sliding_windows(x, wide, right, 2, j), high, down, 1, i)
        return xp.permute_dims(seen, (0, 5, 1, 4, 2, 3))

    def see_transposed(self, xp, seen, image):
        """The transpose of `see`: what is at the places of the windows, added to the pixels that they see there."""
        channels, _, rows, _, columns, batch = seen.shape
        if self.tile(image):
            return xp.reshape(xp.permute_dims(seen, (0, 2, 1, 4, 3, 5)), (channels, *image, batch))
        out = xp.zeros((channels, *self.padded(image), batch), dtype=seen.dtype)
        for i, j in self.places():
            out[:, *self.pixels(i, j, rows, columns), :] += seen[:, i, :, j, :, :]
        return self.crop(out, image)


def sliding_windows(x, size, step, axis, dilation=1):
    """The windows along an axis, on a new last axis: of a NumPy array a read-only view, in 4 us whatever its size."""
    count = (x.shape[axis] - dilation * (size - 1) - 1) // step + 1
    if isinstance(x, ndarray):
        strides = (*x.strides[:axis], x.strides[axis] * step, *x.strides[axis + 1 :], x.strides[axis] * dilation)
        shape = (*x.shape[:axis], count, *x.shape[axis + 1 :], size)
        return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)
    starts = [slice(i, i + (count - 1) * step + 1, step) for i in range(0, dilation * size, dilation)]
    return namespace(x).stack([x[(slice(None),) * axis + (part, ...)] for part in starts], axis=-1)


def batch_last(xp, images):
    """(batch, channels, height, width) as (channels, height, width, batch)."""
    return xp.permute_dims(images, (1, 2, 3, 0))


def batch_first(xp, images):
    """(channels, height, width, batch) as (batch, channels, height, width)."""
    return xp.permute_dims(images, (3, 0, 1, 2))


def windows_over(name, image, size, stride, padding, dilation):
    """The windows of these options on images of a height and width, or of a length; raises ValueError for what does not fit."""
    axes = len(image)
    size, stride = one_per_axis(name, "size", size, axes), one_per_axis(name, "stride", stride, axes)
    dilation = one_per_axis(name, "dilation", dilation, axes)
    reach = tuple([d * (k - 1) + 1 for k, d in zip(size, dilation, strict=True)])
    if padding == "valid":
        padding = 0
    if padding == "same":
        sides = zip(image, reach, stride, strict=True)
        missing = [max((-(-n // s) - 1) * s + r - n, 0) for n, r, s in sides]
        padding = tuple([(n // 2, n - n // 2) for n in missing])
    else:
        padding = tuple([(n, n) for n in one_per_axis(name, "padding", padding, axes, least=0)])
    whole = tuple([n + sum(p) for n, p in zip(image, padding, strict=True)])
    if any(r > n for r, n in zip(reach, whole, strict=True)):
        raise explain(
            ValueError(
                f"{name}: a window that reaches over {_text(reach)} does not fit on an image of {_text(image)}, {_text(whole)} with its "
                "padding; make the window smaller or the padding larger"
            ),
            f"{name}: 윈도가 이미지보다 큽니다. 윈도를 줄이거나 패딩을 늘리십시오. "
            f"윈도: {_text(reach)}, 이미지: {_text(image)}, 패딩을 포함한 이미지: {_text(whole)}",
        )
    if axes == 1:
        return Windows((1, *size), (1, *stride), ((0, 0), *padding), (1, *dilation))
    return Windows(size, stride, padding, dilation)


def one_per_axis(name, option, value, axes, least=1):
    """An option for each axis, from one number for all of them or from one for each."""
    values = tuple(value) if isinstance(value, tuple | list) else (value,) * axes
    if len(values) == axes and all(hasattr(v, "__index__") and v >= least for v in values):
        return tuple(map(index, values))
    pair, two = (", or a pair of them", "나 그런 정수의 쌍") if axes == 2 else ("", "")
    words, korean = (', "same" or "valid"', ' 또는 "same", "valid"') if option == "padding" else ("", "")
    raise explain(
        ValueError(f"{name}: {option} must be a whole number of at least {least}{pair}{words}, not {value!r}"),
        f"{name}: {option}에는 {least} 이상의 정수{two}{korean}만 넘길 수 있습니다. 받은 값: {value!r}",
    )


def _text(sides):
    return " x ".join(map(str, sides))
