"""The book's im2col and col2im: the windows of images as the rows of a matrix, and the way back."""

from typing import Any

import numpy as np

from tinygrad_ko.errors import explain
from tinygrad_ko.ops.inputs import as_operand
from tinygrad_ko.ops.networks.sliding import unfold
from tinygrad_ko.ops.padding import pad as padded
from tinygrad_ko.ops.shape import permute_dims, reshape
from tinygrad_ko.tensor.tensor import Tensor, grad


def im2col(input_data: Any, filter_h: int, filter_w: int, stride: int = 1, pad: int = 0) -> Any:
    """What each window of filter_h x filter_w pixels sees of the images (batch, channels, height, width), as one row: to
    (batch * rows * columns, channels * filter_h * filter_w). Arrays or Tensors; raises ValueError for other shapes.

    >>> im2col(np.arange(9.0).reshape(1, 1, 3, 3), 2, 2)
    array([[0., 1., 3., 4.],
           [1., 2., 4., 5.],
           [3., 4., 6., 7.],
           [4., 5., 7., 8.]])
    """
    input_data = as_operand(input_data, "im2col")
    if len(input_data.shape) != 4:
        raise explain(
            ValueError(f"im2col: images need shape (batch, channels, height, width), not {input_data.shape}"),
            f"im2col: 이미지의 형상은 (batch, channels, height, width)이어야 합니다. 받은 형상: {input_data.shape}",
        )
    images = padded(input_data, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    seen = unfold(unfold(images, filter_h, stride, 2), filter_w, stride, 3)
    n, channels, rows, columns = seen.shape[:4]  # and then height and width of a window
    return reshape(permute_dims(seen, (0, 2, 3, 1, 4, 5)), (n * rows * columns, channels * filter_h * filter_w))


def col2im(
    col: Any, input_shape: tuple[int, int, int, int], filter_h: int, filter_w: int, stride: int = 1, pad: int = 0
) -> Any:
    """The transpose of `im2col`, which is its gradient: each number of the rows is added to the pixel it was taken from. Raises ValueError
    unless `col` has as many numbers as the windows of such images.

    >>> col2im(np.ones((4, 4)), (1, 1, 3, 3), 2, 2)[0, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    col = np.asarray(as_operand(col, "col2im"))
    images = Tensor(np.zeros(input_shape, col.dtype if col.dtype.kind == "f" else float), requires_grad=True)
    rows = im2col(images, filter_h, filter_w, stride, pad)
    if col.size != rows.size:
        raise explain(
            ValueError(
                f"col2im: the windows of images of shape {input_shape} are {rows.shape}, but col has shape {col.shape}"
            ),
            f"col2im: 형상이 {input_shape}인 이미지의 윈도는 {rows.shape}인데 col의 형상은 {col.shape}입니다.",
        )
    return grad(rows, images, np.reshape(col, rows.shape).astype(images.dtype, copy=False)).numpy()
