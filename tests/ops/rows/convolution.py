"""Convolution, against a loop over every window."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.ops.domains import Row, draw_array, real
from tinygrad_ko.ops.networks import convolution
from tinygrad_ko.ops.networks.windows import Windows

PAIRS = st.tuples(st.integers(1, 2), st.integers(1, 2))


@st.composite
def some_windows(draw, most=2):
    """Windows with every option, and the height and width of an image they fit on."""
    size = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    stride, dilation = draw(PAIRS), draw(PAIRS)
    top, bottom, left, right = (draw(st.integers(0, n)) for n in (1, most, 1, most))
    padding = ((top, bottom), (left, right))
    image = tuple(
        max(1, d * (k - 1) + 1 - sum(p)) + draw(st.integers(0, 3))
        for k, d, p in zip(size, dilation, padding, strict=True)
    )
    return Windows(size, stride, padding, dilation), image


@st.composite
def convolved(draw):
    """Images, kernels and perhaps a bias, for windows with every option."""
    windows, image = draw(some_windows())
    groups, batch = draw(st.sampled_from([1, 1, 1, 2])), draw(st.integers(0, 2))
    channels, kernels = draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    x = draw_array(draw, st.just((batch, channels * groups, *image)), real)
    W = draw_array(draw, st.just((kernels, channels, *windows.size)), real)
    b = draw_array(draw, st.just((kernels,)), real) if draw(st.booleans()) else None
    return (x, W, b), {"windows": windows, "groups": groups}


@st.composite
def outputs(draw):
    """A convolution's result, with the kernels that made it."""
    (x, W, _), options = draw(convolved())
    counts = options["windows"].counts(x.shape[2:])
    y = draw_array(draw, st.just((x.shape[0], W.shape[0], *counts)), real)
    return (y, W), {"image": x.shape[2:], **options}


@st.composite
def inputs_and_outputs(draw):
    (x, W, _), options = draw(convolved())
    counts = options["windows"].counts(x.shape[2:])
    return (x, draw_array(draw, st.just((x.shape[0], W.shape[0], *counts)), real)), options


def seen(image, windows, groups):
    """For every window (i, j) and group: the index of the pixels that it sees inside the image, and their places in it."""
    for i, j in product(*map(range, windows.counts(image))):
        for a, b in product(*map(range, windows.size)):
            y = i * windows.stride[0] + a * windows.dilation[0] - windows.padding[0][0]
            x = j * windows.stride[1] + b * windows.dilation[1] - windows.padding[1][0]
            if 0 <= y < image[0] and 0 <= x < image[1]:
                yield i, j, a, b, y, x


def in_groups(array, axis, groups):
    return np.split(array, groups, axis=axis)


def convolution_by_hand(x, W, b, windows, groups):
    out = np.zeros((x.shape[0], W.shape[0], *windows.counts(x.shape[2:])))
    pairs = zip(in_groups(x, 1, groups), in_groups(W, 0, groups), in_groups(out, 1, groups), strict=True)
    for x_part, W_part, out_part in pairs:
        for i, j, a, c, row, column in seen(x.shape[2:], windows, groups):
            out_part[:, :, i, j] += x_part[:, :, row, column] @ W_part[:, :, a, c].T
    return out if b is None else out + b[:, None, None]


def to_images_by_hand(y, W, image, windows, groups):
    out = np.zeros((y.shape[0], W.shape[1] * groups, *image))
    pairs = zip(in_groups(out, 1, groups), in_groups(W, 0, groups), in_groups(y, 1, groups), strict=True)
    for out_part, W_part, y_part in pairs:
        for i, j, a, c, row, column in seen(image, windows, groups):
            out_part[:, :, row, column] += y_part[:, :, i, j] @ W_part[:, :, a, c]
    return out


def to_kernels_by_hand(x, y, windows, groups):
    out = np.zeros((y.shape[1], x.shape[1] // groups, *windows.size))
    pairs = zip(in_groups(x, 1, groups), in_groups(out, 0, groups), in_groups(y, 1, groups), strict=True)
    for x_part, out_part, y_part in pairs:
        for i, j, a, c, row, column in seen(x.shape[2:], windows, groups):
            out_part[:, :, a, c] += y_part[:, :, i, j].T @ x_part[:, :, row, column]
    return out


@st.composite
def as_users_call(draw, axes):
    """The same with the options as users write them: numbers, pairs, "same", "valid"."""
    pairs = st.tuples(*[st.integers(1, 2)] * axes)
    stride, dilation = draw(st.integers(1, 2) | pairs), draw(st.integers(1, 2) | pairs)
    padding = draw(st.sampled_from(["same", "valid", 0, 1, (1, 2)[:axes], (0,) * axes]))
    size = tuple(draw(st.integers(1, 3)) for _ in range(axes))
    image = tuple(draw(st.integers(5, 6)) for _ in range(axes))
    groups, batch = draw(st.sampled_from([1, 1, 2])), draw(st.integers(1, 2))
    kernels = groups * draw(st.integers(1, 2))
    x = draw_array(draw, st.just((batch, groups, *image)), real)
    W = draw_array(draw, st.just((kernels, 1, *size)), real)
    b = draw_array(draw, st.just((kernels,)), real) if draw(st.booleans()) else None
    return (x, W, b), {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


def each(value, axes):
    return value if isinstance(value, tuple) else (value,) * axes


def as_users_mean(x, W, b, stride, padding, dilation, groups):
    """What `conv1d` and `conv2d` promise, from the loop above."""
    axes, size = x.ndim - 2, W.shape[2:]
    stride, dilation = each(stride, axes), each(dilation, axes)
    around = [(p, p) for p in each({"same": 0, "valid": 0}.get(padding, padding), axes)]
    if padding == "same":
        around = []
        for n, k, s, d in zip(x.shape[2:], size, stride, dilation, strict=True):
            needed = max(0, (int(np.ceil(n / s)) - 1) * s + d * (k - 1) + 1 - n)
            around.append((needed // 2, needed - needed // 2))
    x = np.pad(x, [(0, 0), (0, 0), *around])
    if axes == 1:
        out = convolution_by_hand(
            x[:, :, None], W[:, :, None], b, Windows((1, *size), (1, *stride), dilation=(1, *dilation)), groups
        )
        return out[:, :, 0]
    return convolution_by_hand(x, W, b, Windows(size, stride, dilation=dilation), groups)


ROWS: dict[Callable[..., Any], Row] = {
    convolution.convolution: Row(convolved(), convolution_by_hand),
    convolution.to_images: Row(outputs(), to_images_by_hand),
    convolution.to_kernels: Row(inputs_and_outputs(), to_kernels_by_hand),
    convolution.conv1d: Row(as_users_call(1), as_users_mean),
    convolution.conv2d: Row(as_users_call(2), as_users_mean),
}

EQUIVALENT: dict[str, dict[str, str]] = {
    "convolution": {
        "conv2d.b: transposed: the last two axes of the result exchanged, in its old shape": "the gradient of b has one axis",
    },
}
