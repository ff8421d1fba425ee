"""Pooling, against a loop over every window."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.ops.domains import SEEDS, Row, apart, draw_array, real
from tests.ops.rows.convolution import each, seen, some_windows
from tinygrad_ko.ops.networks import pooling
from tinygrad_ko.ops.networks.windows import Windows


@st.composite
def pooled(draw, values=real):
    """Images under windows, which tile them now and then; each window sees a pixel."""
    if draw(st.booleans()):
        windows = Windows(size := (draw(st.integers(1, 3)), draw(st.integers(1, 3))), size)
        image = tuple(k * draw(st.integers(1, 2)) for k in size)
    else:
        windows, image = draw(some_windows(most=1))
        (down, right), (high, wide) = windows.padding, windows.size
        padding = ((min(down[0], high - 1), min(down[1], high - 1)), (min(right[0], wide - 1), min(right[1], wide - 1)))
        image = tuple(n + 2 for n in image)
        windows = Windows(windows.size, windows.stride, padding)
    batch, channels = draw(st.integers(0, 2)), draw(st.integers(1, 2))
    return (draw_array(draw, st.just((batch, channels, *image)), values),), {"windows": windows}


@st.composite
def averaged(draw):
    """Images, and which of the numbers that each window sees are chosen, one at least; or none of that."""
    (x,), options = draw(pooled())
    return (x, chosen(draw, x, options["windows"])), options


@st.composite
def spread_out(draw):
    (x,), options = draw(pooled())
    windows = options["windows"]
    y = draw_array(draw, st.just((*x.shape[:2], *windows.counts(x.shape[2:]))), real)
    return (y, chosen(draw, x, windows)), {"image": x.shape[2:], **options}


def chosen(draw, x, windows):
    """A choice for each window, most often of one number in each."""
    how = draw(st.sampled_from(["all", "one", "some"]))
    if how == "all":
        return None
    rng, (rows, columns), (high, wide) = np.random.default_rng(draw(SEEDS)), windows.counts(x.shape[2:]), windows.size
    values = rng.random((x.shape[1], high, rows, wide, columns, x.shape[0]))
    largest = values.max(axis=(1, 3), keepdims=True)
    return values >= (largest if how == "one" else largest * 0.7)


def by_hand(x, windows, reduction, pick=None):
    """A reduction of the numbers that each window sees of an image; padding is given as NaN."""
    (rows, columns), (high, wide) = windows.counts(x.shape[2:]), windows.size
    parts = np.full((high, wide, *x.shape[:2], rows, columns), np.nan)
    for i, j, a, b, row, column in seen(x.shape[2:], windows, 1):
        parts[a, b, :, :, i, j] = x[:, :, row, column]
    return reduction(parts if pick is None else np.where(pick.transpose(1, 3, 5, 0, 2, 4), parts, np.inf))


def largest(parts):
    return np.max(np.where(np.isnan(parts), -np.inf, parts), axis=(0, 1))


def mean(parts):
    """Padding counts as 0, and what is not chosen (inf) not at all."""
    parts = np.where(np.isnan(parts), 0, parts)
    return np.sum(np.where(np.isinf(parts), 0, parts), axis=(0, 1)) / np.sum(~np.isinf(parts), axis=(0, 1))


def spread_by_hand(y, pick, image, windows):
    out = np.zeros((*y.shape[:2], *image))
    (high, wide), pick = windows.size, None if pick is None else pick.transpose(1, 3, 5, 0, 2, 4)
    n = np.full(y.shape, high * wide) if pick is None else pick.sum(axis=(0, 1))
    for i, j, a, b, row, column in seen(image, windows, 1):
        out[:, :, row, column] += (y / n)[:, :, i, j] * (1 if pick is None else pick[a, b, :, :, i, j])
    return out


@st.composite
def as_users_call(draw, axes, values):
    """Options as users write them."""
    size = draw(st.integers(1, 3) | st.tuples(*[st.integers(1, 3)] * axes))
    stride = draw(st.none() | st.integers(1, 3) | st.tuples(*[st.integers(1, 3)] * axes))
    paddings = ["same", "valid", 0, *([1] if min(each(size, axes)) > 1 else [])]
    image = tuple(draw(st.integers(3, 6)) for _ in range(axes))
    x = draw_array(draw, st.just((draw(st.integers(1, 2)), draw(st.integers(1, 2)), *image)), values)
    return (x,), {"size": size, "stride": stride, "padding": draw(st.sampled_from(paddings))}


def as_users_mean(reduction):
    """What the pooling functions promise, from the loop above."""

    def like(x, size, stride, padding):
        axes = x.ndim - 2
        size = each(size, axes)
        stride = size if stride is None else each(stride, axes)
        around = [(p, p) for p in each({"same": 0, "valid": 0}.get(padding, padding), axes)]
        if padding == "same":
            around = []
            for n, k, s in zip(x.shape[2:], size, stride, strict=True):
                needed = max(0, (int(np.ceil(n / s)) - 1) * s + k - n)
                around.append((needed // 2, needed - needed // 2))
        if axes == 1:
            windows = Windows((1, *size), (1, *stride), ((0, 0), around[0]))
            return by_hand(x[:, :, None], windows, reduction)[:, :, 0]
        return by_hand(x, Windows(size, stride, (around[0], around[1])), reduction)

    return like


ROWS: dict[Callable[..., Any], Row] = {
    pooling.maxima: Row(pooled(apart), lambda x, windows: by_hand(x, windows, largest)),
    pooling.means: Row(averaged(), lambda x, pick, windows: by_hand(x, windows, mean, pick)),
    pooling.spread: Row(spread_out(), spread_by_hand),
    pooling.max_pool1d: Row(as_users_call(1, apart), as_users_mean(largest)),
    pooling.max_pool2d: Row(as_users_call(2, apart), as_users_mean(largest)),
    pooling.avg_pool1d: Row(as_users_call(1, real), as_users_mean(mean)),
    pooling.avg_pool2d: Row(as_users_call(2, real), as_users_mean(mean)),
}
