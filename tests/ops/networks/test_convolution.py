"""Convolution: its transposes, its special cases, how its result lies in memory, and what it refuses."""

from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.rows.convolution import convolution_by_hand, convolved, to_images_by_hand, to_kernels_by_hand
from tests.ops.test_shape import refusal
from tinygrad_ko.ops.networks.convolution import _pieces, _too_many, convolution, to_images, to_kernels
from tinygrad_ko.ops.networks.windows import Windows


@given(convolved(), st.integers(0, 99))
def test_the_three_ops_are_transposes_of_each_other(call, seed):
    (x, W, _), options = call
    y = convolution(x, W, None, **options)
    g = np.random.default_rng(seed).normal(size=y.shape)
    product = pytest.approx(np.vdot(y, g), abs=1e-10)
    assert np.vdot(x, to_images(g, W, image=x.shape[2:], **options)) == product
    assert np.vdot(W, to_kernels(x, g, **options)) == product


@given(convolved(), st.integers(0, 99))
def test_a_column_of_the_kernels_at_a_time(call, seed):
    """As where what the windows see is too much to be laid out for all columns at once."""
    (x, W, b), options = call
    with patch("tinygrad_ko.ops.networks.convolution._too_many", lambda *sizes: True):
        y = convolution(x, W, b, **options)
        g = np.random.default_rng(seed).normal(size=y.shape)
        images, kernels = to_images(g, W, image=x.shape[2:], **options), to_kernels(x, g, **options)
    np.testing.assert_allclose(y, convolution_by_hand(x, W, b, **options), atol=1e-12)
    np.testing.assert_allclose(images, to_images_by_hand(g, W, x.shape[2:], **options), atol=1e-12)
    np.testing.assert_allclose(kernels, to_kernels_by_hand(x, g, **options), atol=1e-12)


def test_many_channels_are_too_many_for_one_product():
    """Here each of the three products is one for each column of the kernels; channels by themselves are not."""
    rng = np.random.default_rng(0)
    x, W = rng.normal(size=(8, 16, 40, 40)), rng.normal(size=(16, 16, 3, 3))
    with patch("tinygrad_ko.ops.networks.convolution._too_many", side_effect=_too_many) as asked:
        y = tg.conv2d(x, W, padding=1)
        assert asked.call_args.args == (48, 42 * 16 * 3 * 40 * 8)
    assert _too_many(48, 42 * 16 * 3 * 40 * 8)
    alone = sum(tg.conv2d(x[:, i : i + 1], W[:, i : i + 1], padding=1) for i in range(16))
    np.testing.assert_allclose(y, alone, rtol=1e-11, atol=1e-11)


@given(st.integers(1, 3), st.integers(1, 2), st.integers(0, 6), st.sampled_from([2, 9]))
def test_the_gradient_of_images_with_much_padding(size, dilation, padding, kernels):
    """Up to the reach of a window it is a convolution with the kernels turned around, unless they are many; beyond, there are windows that
    see nothing of the image.
    """
    rng = np.random.default_rng(0)
    x, W = rng.normal(size=(2, 2, 5, 5)), rng.normal(size=(kernels, 2, size, size))
    windows = Windows((size, size), (1, 1), ((padding, 0), (0, padding)), (dilation, dilation))
    assert (windows.opposite() is None) == (size == 1 or padding > dilation * (size - 1))
    g = rng.normal(size=convolution(x, W, None, windows=windows, groups=1).shape)
    expected = to_images_by_hand(g, W, (5, 5), windows, 1)
    np.testing.assert_allclose(to_images(g, W, image=(5, 5), windows=windows, groups=1), expected, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_products_are_the_same_in_pieces(dtype):
    """Here a row of windows takes more than one piece, in each of the three products."""
    rng = np.random.default_rng(0)
    x, W, b = (rng.normal(size=s).astype(dtype) for s in ((300, 3, 5, 20), (30, 3, 3, 3), (30,)))
    assert len(_pieces(18 * 300, W.size)) > 1
    leaves: Any = [tg.Tensor(a, requires_grad=True) for a in (x, W, b)]
    y = tg.conv2d(*leaves)
    g = rng.normal(size=y.shape).astype(dtype)
    y.backward(g)
    windows: Any = np.lib.stride_tricks.sliding_window_view
    close: dict[str, Any] = {"rtol": 1e-3, "atol": 2e-3} if dtype == np.float32 else {"rtol": 1e-11, "atol": 1e-11}
    seen = windows(x.astype(float), (3, 3), axis=(2, 3))
    np.testing.assert_allclose(y.numpy(), np.einsum("nchwij,ocij->nohw", seen, W) + b[:, None, None], **close)
    np.testing.assert_allclose(leaves[1].grad, np.einsum("nchwij,nohw->ocij", seen, g), **close)
    np.testing.assert_allclose(leaves[2].grad, g.sum(axis=(0, 2, 3)), **close)
    wide = np.pad(g.astype(float), [(0, 0), (0, 0), (2, 2), (2, 2)])
    turned = windows(wide, (3, 3), axis=(2, 3))
    expected = np.einsum("nohwij,ocij->nchw", turned, W[:, :, ::-1, ::-1], optimize=True)
    np.testing.assert_allclose(leaves[0].grad, expected, **close)


@given(st.integers(1, 4), st.integers(0, 99))
def test_a_window_of_one_pixel_is_a_product_of_matrices(channels, seed):
    rng = np.random.default_rng(seed)
    x, W = rng.normal(size=(2, channels, 3, 4)), rng.normal(size=(5, channels, 1, 1))
    expected = np.einsum("nchw,oc->nohw", x, W[:, :, 0, 0])
    np.testing.assert_allclose(tg.conv2d(x, W), expected, rtol=1e-13, atol=1e-13)


@given(st.integers(1, 5), st.integers(0, 3), st.integers(0, 99))
def test_in_one_dimension_it_is_numpys_correlation(size, more, seed):
    rng = np.random.default_rng(seed)
    x, W = rng.normal(size=size + more), rng.normal(size=size)
    modes: Any = (("valid", "valid"), ("full", size - 1))
    for mode, padding in modes:
        ours = tg.conv1d(x[None, None], W[None, None], padding=padding)
        np.testing.assert_allclose(ours[0, 0], np.correlate(x, W, mode), rtol=1e-12, atol=1e-12)


def test_kernels_are_not_turned_around():
    assert tg.conv1d([[[0, 0, 1, 0, 0]]], [[[1, 2, 3]]]).tolist() == [[[3, 2, 1]]]


def test_each_channel_by_itself():
    rng = np.random.default_rng(0)
    x, W = rng.normal(size=(2, 3, 5, 5)), rng.normal(size=(6, 1, 3, 3))
    out = tg.conv2d(x, W, groups=3)
    for channel in range(3):
        alone = tg.conv2d(x[:, channel : channel + 1], W[2 * channel : 2 * channel + 2])
        np.testing.assert_allclose(out[:, 2 * channel : 2 * channel + 2], alone, rtol=1e-13)


@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), st.integers(1, 2))
def test_same_keeps_the_size_up_to_the_stride(length, size, stride, dilation):
    x, W = np.ones((1, 1, length)), np.ones((1, 1, size))
    out = tg.conv1d(x, W, stride=stride, padding="same", dilation=dilation)
    assert out.shape == (1, 1, -(-length // stride))


def test_an_odd_pixel_of_padding_is_put_at_the_end():
    assert tg.conv1d([[[1.0, 10.0, 100.0]]], [[[1.0, 1.0]]], padding="same").tolist() == [[[11, 110, 100]]]


@given(convolved())
@settings(max_examples=25)
def test_float32_and_whole_numbers(call):
    (x, W, b), options = call
    single: Any = [None if a is None else a.astype(np.float32) for a in (x, W, b)]
    assert convolution(*single, **options).dtype == np.float32
    assert convolution(single[0], W, b, **options).dtype == np.float64
    whole: Any = [None if a is None else np.round(a).astype(int) for a in (x, W, b)]
    expected = convolution_by_hand(*(None if a is None else np.round(a) for a in (x, W, b)), **options)
    np.testing.assert_allclose(convolution(*whole, **options), expected, atol=1e-12)
    if 0 not in x.shape:
        assert tg.conv2d(whole[0].tolist(), whole[1].tolist(), groups=options["groups"], padding=3).dtype == np.float64


def test_a_bias_of_a_larger_dtype():
    out = tg.conv2d(np.ones((1, 1, 2, 2), np.float32), np.ones((1, 1, 2, 2), np.float32), [1e-9])
    assert out.dtype == np.float64
    assert out[0, 0, 0, 0] == 4 + 1e-9


def test_nothing_is_changed_and_nothing_is_shared():
    x, W, b = np.ones((2, 1, 4, 4)), np.ones((2, 1, 1, 1)), np.ones(2)
    before = [a.copy() for a in (x, W, b)]
    leaves: Any = [tg.Tensor(a, requires_grad=True) for a in (x, W, b)]
    out = tg.conv2d(*leaves)
    out.sum().backward()
    assert not any(np.shares_memory(tg.conv2d(x, W, b), a) for a in (x, W, b))
    assert not any(np.shares_memory(leaf.grad, a.grad) for leaf in leaves for a in leaves if a is not leaf)
    assert all(np.array_equal(a, c) for a, c in zip((x, W, b), before, strict=True))


def test_the_result_lies_channels_first_and_batch_last():
    """The next op on windows need not rearrange it, and flattened it is the transpose of a usual matrix: a view."""
    out = tg.conv2d(np.ones((7, 2, 5, 6)), np.ones((3, 2, 2, 2)))
    assert out.transpose(1, 2, 3, 0).flags.c_contiguous
    pooled = tg.max_pool2d(out, 2)
    assert pooled.transpose(1, 2, 3, 0).flags.c_contiguous
    flat = tg.reshape(pooled, (7, -1))
    assert flat.flags.f_contiguous
    assert np.shares_memory(flat, pooled)


def test_the_layout_survives_an_affine_layer():
    """The gradient of its input lies in memory as that does, so that relu and pooling find neighbours."""
    seen: list[Any] = []

    def noted(g):
        seen.append(g)
        return g

    @tg.op(x=noted)
    def look(x):
        return +x

    x = tg.Tensor(np.ones((3, 1, 6, 6)))
    W = tg.Tensor(np.ones((2, 1, 3, 3)), requires_grad=True)
    flat = look(tg.reshape(tg.max_pool2d(tg.conv2d(x, W), 2), (3, 8)))
    tg.affine(flat, np.ones((8, 5)), np.ones(5)).sum().backward()
    assert seen[0].flags.f_contiguous


def test_an_empty_batch():
    leaves: Any = [tg.Tensor(a, requires_grad=True) for a in (np.ones((0, 2, 4, 4)), np.ones((3, 2, 3, 3)), np.ones(3))]
    out = tg.conv2d(*leaves)
    assert out.shape == (0, 3, 2, 2)
    out.sum().backward()
    assert [leaf.grad.shape for leaf in leaves] == [(0, 2, 4, 4), (3, 2, 3, 3), (3,)]
    assert not leaves[1].grad.any()


def test_deep_learning_with_it():
    """A kernel that was lost is found again from what it did."""
    rng = np.random.default_rng(0)
    truth = np.array([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])[None, None]
    x = rng.normal(size=(10, 1, 8, 8))
    target = tg.conv2d(x, truth)
    W: Any = tg.Tensor(np.zeros((1, 1, 3, 3)), requires_grad=True)
    optimizer = tg.optim.SGD([W], lr=0.3)
    for _ in range(60):
        optimizer.zero_grad()
        tg.mean((tg.conv2d(x, W) - target) ** 2).backward()
        optimizer.step()
    np.testing.assert_allclose(W.numpy(), truth, atol=1e-6)


X, KERNELS = np.ones((2, 3, 8, 8)), np.ones((4, 3, 3, 3))


@pytest.mark.parametrize(
    ("arguments", "options", "named"),
    [
        ((X[0], KERNELS), {}, r"(batch, channels, height, width)"),
        ((X[0], KERNELS), {}, "one image alone is the batch x[None]"),
        ((X, KERNELS[0]), {}, "(2, 3, 8, 8) and (3, 3, 3)"),
        ((X, KERNELS[:, :2]), {}, "x of shape (2, 3, 8, 8) has 3 channels, but W of shape (4, 2, 3, 3) is for 2"),
        ((X, KERNELS), {"groups": 2}, "is for 6, 3 in each of 2 groups"),
        ((X, KERNELS[:, :1]), {"groups": 3}, "the 4 kernels of W, shape (4, 1, 3, 3), cannot be split into 3"),
        ((X, KERNELS, np.ones(3)), {}, "W has shape (4, 3, 3, 3), so b needs shape (4,), not (3,)"),
        ((X, np.ones((4, 3, 9, 2))), {}, "over 9 x 2 does not fit on an image of 8 x 8, 8 x 8 with its padding"),
        (
            (X, KERNELS),
            {"dilation": 5, "padding": 1},
            "over 11 x 11 does not fit on an image of 8 x 8, 10 x 10 with its",
        ),
        ((X, np.ones((4, 3, 0, 2))), {}, "size must be a whole number of at least 1"),
        ((X, KERNELS), {"stride": 0}, "stride must be a whole number of at least 1, or a pair of them, not 0"),
        ((X, KERNELS), {"stride": (1, 2, 3)}, "not (1, 2, 3)"),
        ((X, KERNELS), {"stride": 1.5}, "not 1.5"),
        ((X, KERNELS), {"padding": -1}, "padding must be a whole number of at least 0"),
        ((X, KERNELS), {"padding": "full"}, '"same" or "valid", not \'full\''),
        ((X, KERNELS), {"dilation": 0}, "dilation must be"),
        ((X, KERNELS), {"groups": 0}, "groups must be a whole number of at least 1, not 0"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, options, named):
    message = refusal(ValueError, lambda: tg.conv2d(*arguments, **options))
    assert message.startswith("conv2d: ")
    assert named in message


def test_in_one_dimension_too():
    assert "(batch, channels, length)" in refusal(ValueError, lambda: tg.conv1d(X, KERNELS))
    assert "conv1d: a window that reaches over 4 " in refusal(
        ValueError, lambda: tg.conv1d(np.ones((1, 1, 3)), np.ones((1, 1, 4)))
    )
    assert "at least 1, not (1, 1)" in refusal(
        ValueError, lambda: tg.conv1d(np.ones((1, 1, 3)), np.ones((1, 1, 1)), stride=(1, 1))
    )


def test_windows_are_counted():
    windows = Windows((3, 2), (2, 1), ((1, 1), (0, 2)), (1, 3))
    assert windows.counts((7, 5)) == (4, 4)
    assert windows.padded((7, 5)) == (9, 7)
    assert not windows.tile((7, 5))
    assert Windows((2, 2), (2, 2)).tile((4, 6))
    assert not Windows((2, 2), (2, 2)).tile((4, 5))


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_pieces_cover_a_length_once(length, width):
    found = _pieces(length, width)
    assert [i for piece in found for i in range(length)[piece]] == list(range(length))
    assert all(piece.stop - piece.start >= 256 for piece in found[:-1])
