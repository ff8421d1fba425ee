"""Chapter 14: convolution."""

from typing import Any

import numpy as np

from tinygrad_ko.course.answers import at_line, real_numbers, result_of
from tinygrad_ko.course.checker import Wrong, exercise
from tinygrad_ko.course.judging import require_derivative, require_values


@exercise("14-1")
def _size(output_size: Any) -> None:
    for size, kernel, pad, stride in ((4, 3, 0, 1), (28, 5, 0, 1), (7, 3, 0, 2), (28, 3, 1, 1), (32, 5, 2, 2)):
        wanted = (size + 2 * pad - kernel) // stride + 1
        found = real_numbers(result_of(output_size, size, kernel, pad, stride), output_size, shape=())
        if found != wanted:
            raise Wrong(
                f"입력 {size}, 필터 {kernel}, 패딩 {pad}, 스트라이드 {stride}: 출력의 크기 {wanted}, 답 {found}"
                f"{at_line(output_size)}"
            )


def _columns(images: Any, size: int) -> Any:
    rows = np.lib.stride_tricks.sliding_window_view(images, size, axis=2)
    windows = np.lib.stride_tricks.sliding_window_view(rows, size, axis=3)
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, images.shape[1] * size * size)


@exercise("14-2")
def _unfolded(im2col: Any) -> None:
    images = np.arange(2 * 3 * 4 * 5, dtype=float).reshape(2, 3, 4, 5)
    require_values(im2col, _columns, (images[:1, :1], 3), (images, 2))


@exercise("14-3")
def _product(convolve: Any) -> None:
    """A convolution as a product of matrices."""

    def reference(images: Any, W: Any) -> Any:
        n, _, height, width = images.shape
        k, size = W.shape[0], W.shape[2]
        out = _columns(images, size) @ W.reshape(k, -1).T
        return out.reshape(n, height - size + 1, width - size + 1, k).transpose(0, 3, 1, 2)

    rng = np.random.default_rng(0)
    require_values(convolve, reference, (rng.normal(size=(2, 3, 5, 6)), rng.normal(size=(4, 3, 2, 2))))


@exercise("14-4")
def _pooling(backward: Any) -> None:
    """Of the largest of 2 x 2: the gradient goes to where the largest was."""

    def pooled(x: Any) -> Any:
        height, width = x.shape
        return x.reshape(height // 2, 2, width // 2, 2).max(axis=(1, 3))

    require_derivative(pooled, backward, np.random.default_rng(0).permutation(24).reshape(4, 6))
