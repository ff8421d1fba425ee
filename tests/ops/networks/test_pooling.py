"""Pooling: who gets the gradient at a tie, padding, NaN, and what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.rows.pooling import averaged
from tests.ops.test_shape import refusal
from tinygrad_ko.ops.networks import pooling
from tinygrad_ko.ops.networks.pooling import means, spread
from tinygrad_ko.ops.networks.windows import windows_over

FOUR = [tg.max_pool1d, tg.max_pool2d, tg.avg_pool1d, tg.avg_pool2d]


def gradient(f, x, *options):
    leaf: Any = tg.Tensor(x, requires_grad=True)
    f(leaf, *options).sum().backward()
    return leaf.grad


@given(averaged(), st.integers(0, 99))
def test_spreading_is_the_transpose_of_the_mean(call, seed):
    (x, chosen), options = call
    y = means(x, chosen, **options)
    g = np.random.default_rng(seed).normal(size=y.shape)
    back = spread(g, chosen, image=x.shape[2:], **options)
    assert np.vdot(y, g) == pytest.approx(np.vdot(x, back), abs=1e-12)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_equal_ones_share_equally(size, stride, seed):
    """The gradient of a window's maximum adds up to 1, in equal parts to all that are as large."""
    x = np.random.default_rng(seed).integers(0, 3, (2, 2, 6, 6)).astype(float)
    expected = np.zeros_like(x)
    for i in range(0, 6 - size + 1, stride):
        for j in range(0, 6 - size + 1, stride):
            window = x[:, :, i : i + size, j : j + size]
            largest = window == window.max(axis=(2, 3), keepdims=True)
            expected[:, :, i : i + size, j : j + size] += largest / largest.sum(axis=(2, 3), keepdims=True)
    np.testing.assert_allclose(gradient(tg.max_pool2d, x, size, stride), expected, rtol=1e-15)


def test_more_equal_ones_than_a_byte_can_count():
    np.testing.assert_allclose(gradient(tg.max_pool2d, np.zeros((1, 1, 20, 20)), 20), 1 / 400, rtol=1e-15)


def test_nothing_is_chosen_in_the_padding():
    x = np.full((1, 1, 2, 2), -5.0)
    assert tg.max_pool2d(x, 2, padding=1).tolist() == [[[[-5, -5], [-5, -5]]]]
    assert gradient(tg.max_pool2d, x, 2, None, 1).tolist() == [[[[1, 1], [1, 1]]]]


def test_padding_counts_as_zeros_in_a_mean():
    x = np.full((1, 1, 2, 2), 8.0)
    assert tg.avg_pool2d(x, 2, padding=1).tolist() == [[[[2, 2], [2, 2]]]]
    assert gradient(tg.avg_pool2d, x, 2, None, 1).tolist() == [[[[0.25, 0.25], [0.25, 0.25]]]]


def test_pixels_that_no_window_sees_get_no_gradient():
    x = np.arange(25.0).reshape(1, 1, 5, 5)
    for f in (tg.max_pool2d, tg.avg_pool2d):
        g = gradient(f, x, 2)
        assert g.sum() == 4
        assert not g[0, 0, 4].any()
        assert not g[0, 0, :, 4].any()


def test_a_nan_is_seen():
    x = np.array([[[[1.0, np.nan, 3.0, 3.0]]]])
    assert np.isnan(tg.max_pool2d(x, (1, 2))).tolist() == [[[[True, False]]]]
    assert gradient(tg.max_pool2d, x, (1, 2))[..., 2:].tolist() == [[[[0.5, 0.5]]]]


def test_infinite_gradients_stay_where_they_belong():
    x: Any = tg.Tensor([[[1.0, 2.0, 3.0, 4.0]]], requires_grad=True)
    tg.max_pool1d(x, 2).backward([[[np.inf, 1.0]]])
    assert x.grad.tolist() == [[[0, np.inf, 0, 1]]]


def test_relu_before_or_after_the_maximum_is_the_same():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 4))
    first = gradient(lambda x: tg.max_pool2d(tg.relu(x), 2), x)
    last = gradient(lambda x: tg.relu(tg.max_pool2d(x, 2)), x)
    np.testing.assert_array_equal(first, last)


@pytest.mark.parametrize("f", FOUR)
def test_dtypes(f):
    x = np.arange(16).reshape((1, 1, 16) if "1d" in f.__name__ else (1, 1, 4, 4))
    assert f(x, 2).dtype == f(x.tolist(), 2).dtype == np.float64
    for dtype in (np.float16, np.float32, np.float64):
        assert f(x.astype(dtype), 2).dtype == gradient(f, x.astype(dtype), 2).dtype == dtype


@pytest.mark.parametrize("f", FOUR)
def test_nothing_is_shared(f):
    x = np.ones((1, 1, 4) if "1d" in f.__name__ else (1, 1, 4, 4))
    for size in (1, 2):
        assert not np.shares_memory(f(x, size), x)
        leaf: Any = tg.Tensor(x, requires_grad=True)
        g = np.ones(f(leaf, size).shape)
        f(leaf, size).backward(g)
        assert not np.shares_memory(leaf.grad, g)


@pytest.mark.parametrize("f", FOUR)
def test_an_empty_batch(f):
    shape = (0, 2, 4) if "1d" in f.__name__ else (0, 2, 4, 4)
    assert f(np.ones(shape), 2).shape == (0, 2, 2, 2)[: len(shape)]
    assert gradient(f, np.ones(shape), 2).shape == shape


def test_the_whole_image_is_one_window():
    x = np.random.default_rng(0).normal(size=(3, 2, 5, 7))
    np.testing.assert_allclose(tg.avg_pool2d(x, (5, 7))[:, :, 0, 0], x.mean(axis=(2, 3)), rtol=1e-13)
    np.testing.assert_array_equal(tg.max_pool2d(x, (5, 7))[:, :, 0, 0], x.max(axis=(2, 3)))


@pytest.mark.parametrize("f", FOUR)
def test_what_does_not_fit_is_refused(f):
    axes = 1 if "1d" in f.__name__ else 2
    x = np.ones((2, 3, *(8,) * axes))
    cases = [
        ((x[0], 2), "x must have shape (batch, channels, "),
        ((x, 9), f"over {' x '.join('9' * axes)} does not fit on an image of {' x '.join('8' * axes)}"),
        ((x, 0), "size must be a whole number of at least 1"),
        ((x, None), "size must be a whole number of at least 1"),
        ((x, 2, 0), "stride must be a whole number of at least 1"),
        ((x, 2, (1,) * (axes + 1)), "stride must be"),
        ((x, 2, 2, -1), "padding must be a whole number of at least 0"),
        ((x, 2, 2, 2), "padding 2 must be less than the size of a window, 2"),
    ]
    for arguments, named in cases:
        message = refusal(ValueError, lambda arguments=arguments: f(*arguments))
        assert message.startswith(f"{f.__name__}: ")
        assert named in message


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("bytes_of_a_block", [1, 500, 2**19])
def test_block_by_block(monkeypatch, dtype, bytes_of_a_block):
    """Blocks of some rows of windows, of some channels, of all: the largest of each window and the shares of the gradient are the same."""
    monkeypatch.setattr(pooling, "_BLOCK", bytes_of_a_block)
    monkeypatch.setattr(pooling, "_LARGE", 0)
    x = np.random.default_rng(0).integers(0, 9, (5, 3, 7, 6)).astype(dtype)
    x[3, 1, 2, 2] = np.nan
    last = np.ascontiguousarray(x.transpose(1, 2, 3, 0)).transpose(3, 0, 1, 2)  # as ops on windows lay it out
    for size, stride, padding in [
        ((2, 3), None, 0),
        ((1, 2), None, 0),
        (1, None, 0),
        (3, 1, 0),
        (2, 2, 1),
        (3, 2, (1, 0)),
    ]:
        windows = windows_over("max_pool2d", x.shape[2:], size, stride or size, padding, 1)
        seen = windows.see(np, windows.pad(np, x.transpose(1, 2, 3, 0), -np.inf))
        largest = seen.max(axis=(1, 3), keepdims=True)
        chosen = ~(seen < largest)
        parts = chosen / chosen.sum(axis=(1, 3), keepdims=True).astype(dtype)
        expected = windows.see_transposed(np, parts.astype(dtype), x.shape[2:]).transpose(3, 0, 1, 2)
        for images in (x, last):
            out = tg.max_pool2d(images, size, stride, padding)
            np.testing.assert_array_equal(out, largest[:, 0, :, 0].transpose(3, 0, 1, 2), strict=True)
            got = gradient(tg.max_pool2d, images, size, stride, padding)
            np.testing.assert_allclose(got, expected, rtol=2 * np.finfo(dtype).eps, strict=True)
