"""Layers that slide windows over images (batch, channels, height, width) and sequences (batch, channels, length)."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from tinygrad_ko.errors import explain
from tinygrad_ko.nn.initializers import Initializer, he, require_sizes
from tinygrad_ko.nn.module import Module
from tinygrad_ko.ops.networks.convolution import conv1d, conv2d
from tinygrad_ko.ops.networks.pooling import avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
from tinygrad_ko.ops.networks.windows import one_per_axis
from tinygrad_ko.state.randomness import Rng, generator
from tinygrad_ko.tensor.tensor import Tensor

_Sides = int | tuple[int, ...]


class _Conv(Module):
    function: Callable[..., Any]
    axes: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: _Sides,
        *,
        stride: _Sides = 1,
        padding: _Sides | str = 0,
        dilation: _Sides = 1,
        groups: int = 1,
        init: Initializer = he,
        dtype: Any = np.float64,
        rng: Rng = None,
    ) -> None:
        name = type(self).__name__
        require_sizes(name, in_channels=in_channels, out_channels=out_channels, groups=groups)
        if in_channels % groups or out_channels % groups:
            raise explain(
                ValueError(
                    f"{name}: {in_channels} channels in and {out_channels} out cannot be split into {groups} groups"
                ),
                f"{name}: 입력과 출력의 채널 수는 모두 그룹 수로 나누어떨어져야 합니다. "
                f"받은 값: 입력 {in_channels}, 출력 {out_channels}, groups {groups}",
            )
        shape = (in_channels // groups, *one_per_axis(name, "size", size, self.axes))
        W = init((prod(shape), out_channels), generator(rng)).T.reshape(out_channels, *shape)
        self.W = Tensor(W, requires_grad=True, dtype=dtype, name="W")
        self.b = Tensor(np.zeros(out_channels), requires_grad=True, dtype=dtype, name="b")
        self.options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}

    def forward(self, x: Any) -> Any:
        return type(self).function(x, self.W, self.b, **self.options)


class Conv1d(_Conv):
    """`conv1d` with its W and b: from (batch, in_channels, length) to (batch, out_channels, ...). See `Conv2d`.

    >>> Conv1d(2, 4, 3, rng=0)(Tensor(np.ones((5, 2, 10)))).shape
    (5, 4, 8)
    """

    function, axes = staticmethod(conv1d), 1


class Conv2d(_Conv):
    """`conv2d` with its W and b: from (batch, in_channels, height, width) to (batch, out_channels, ...).

    W (out_channels, in_channels / groups, height, width) comes from `init`, which is told how many numbers a window
    sees and how many kernels there are; by default it is He's, for relu. b is zeros. Both are in `dtype`. `size`,
    `stride`, `padding` and `dilation` are a number or a pair, as in `conv2d`.

    >>> layer = Conv2d(1, 30, 5, rng=0)
    >>> layer(Tensor(np.ones((5, 1, 28, 28)))).shape
    (5, 30, 24, 24)
    >>> layer
    Conv2d(W[30, 1, 5, 5], b[30])
    """

    function, axes = staticmethod(conv2d), 2


class _Pool(Module):
    function: Callable[..., Any]

    def __init__(self, size: _Sides, stride: _Sides | None = None, padding: _Sides | str = 0) -> None:
        self.options = {"size": size, "stride": stride, "padding": padding}

    def forward(self, x: Any) -> Any:
        return type(self).function(x, **self.options)


class MaxPool1d(_Pool):
    """`max_pool1d`: the largest number in each window, which are side by side unless a `stride` is given."""

    function = staticmethod(max_pool1d)


class MaxPool2d(_Pool):
    """`max_pool2d`: the largest number in each window, which are side by side unless a `stride` is given.

    Between a convolution and `Relu`, rather than after both, it gives the same and leaves `Relu` a quarter of the work.

    >>> MaxPool2d(2)(Tensor(np.ones((5, 30, 24, 24)))).shape
    (5, 30, 12, 12)
    """

    function = staticmethod(max_pool2d)


class AvgPool1d(_Pool):
    """`avg_pool1d`: the mean of each window, which are side by side unless a `stride` is given."""

    function = staticmethod(avg_pool1d)


class AvgPool2d(_Pool):
    """`avg_pool2d`: the mean of each window, which are side by side unless a `stride` is given."""

    function = staticmethod(avg_pool2d)
