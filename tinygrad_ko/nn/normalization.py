"""Normalization layers: they keep activations near mean 0 and variance 1."""

from typing import Any

import numpy as np

from tinygrad_ko.arrays.dtypes import widened
from tinygrad_ko.arrays.library import Array, cast
from tinygrad_ko.nn.initializers import require_sizes
from tinygrad_ko.nn.module import Module
from tinygrad_ko.ops.inputs import as_floating, as_plain_array, require_above_0, require_below_1
from tinygrad_ko.ops.networks.channels import all_but_channels, channel_dots, channel_means, channel_sums
from tinygrad_ko.ops.networks.normalization import batch_norm, layer_norm, normalized_by, per_feature
from tinygrad_ko.ops.reduction import reduced_size
from tinygrad_ko.tensor.tensor import Tensor, replace


class LayerNorm(Module):
    """gamma * (x - mean) / sqrt(variance + eps) + beta, where mean and variance are those of each sample: along the last axis, from (...,
    features) to (..., features). It does the same in training and afterwards. Source: Ba, Kiros and Hinton (2016).

    gamma (features,) begins with ones and beta (features,) with zeros, in `dtype`. Raises ValueError unless features is
    at least 1 and eps above 0, and when x has another width.

    >>> layer = LayerNorm(3)
    >>> layer(Tensor([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])).numpy().round(3)
    array([[-1.225,  0.   ,  1.225],
           [-1.225,  0.   ,  1.225]])
    """

    def __init__(self, features: int, *, eps: float = 1e-5, dtype: Any = np.float64) -> None:
        self.gamma, self.beta = _scale_and_shift("LayerNorm", features, eps, dtype)
        self.eps = float(eps)

    def forward(self, x: Any) -> Any:
        return layer_norm(x, self.gamma, self.beta, self.eps)


class BatchNorm(Module):
    """gamma * (x - mean) / sqrt(variance + eps) + beta, with a mean and a variance for each channel: from
    (batch, features) or (batch, features, height, width) to the same shape. Source: Ioffe and Szegedy (2015).

    In training they are those of the batch, and each call moves the running averages: running = decay * running + (1 - decay) * batch
    (where other libraries call 1 - decay, or decay, the momentum). The batch is divided by its biased variance, and `running_var` averages
    the unbiased one. After `eval()` the running averages take their place, so that a sample does not depend on its neighbours. They are
    saved and loaded with the module, and not trained.

    gamma (features,) begins with ones and beta (features,) with zeros, `running_mean` with zeros and `running_var` with
    ones, all in `dtype`. Raises ValueError unless features is at least 1, decay in [0, 1) and eps above 0, when x has
    another number of channels, and in training when a channel has a single number.

    >>> layer = BatchNorm(2, decay=0.5)
    >>> x = Tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    >>> layer(x).numpy().round(3)
    array([[-1.225, -1.225],
           [ 0.   ,  0.   ],
           [ 1.225,  1.225]])
    >>> layer.running_mean.tolist(), layer.running_var.tolist()
    ([1.0, 10.0], [1.0, 50.5])
    >>> layer.eval()(x[:1]).numpy().round(3)
    array([[0., 0.]])
    """

    def __init__(self, features: int, *, decay: float = 0.9, eps: float = 1e-5, dtype: Any = np.float64) -> None:
        self.gamma, self.beta = _scale_and_shift("BatchNorm", features, eps, dtype)
        require_below_1("BatchNorm: ", decay=decay)
        self.decay, self.eps = float(decay), float(eps)
        self.running_mean = Tensor(np.zeros(features), dtype=dtype, name="running_mean")
        self.running_var = Tensor(np.ones(features), dtype=dtype, name="running_var")

    def forward(self, x: Any) -> Any:
        if not self.training:
            x = as_floating(x, "BatchNorm")
            each = (self.running_mean, self.running_var, self.gamma, self.beta)
            mean, var, gamma, beta = per_feature(x, 1, *each, name="BatchNorm")
            return normalized_by(x, mean, var, gamma, beta, self.eps)
        out = batch_norm(x, self.gamma, self.beta, self.eps)
        self._update_running(as_plain_array(x, "BatchNorm"))
        return out

    def _update_running(self, x: Array) -> None:
        x, n = widened(x), reduced_size(x.shape, all_but_channels(x))
        apart = x - channel_means(x)
        running, batch = (
            (self.running_mean, self.running_var),
            (channel_sums(x) / n, channel_dots(apart, apart) / (n - 1)),
        )
        moved = [self.decay * r.data + (1 - self.decay) * b for r, b in zip(running, batch, strict=True)]
        replace(running, [cast(m, r.dtype) for m, r in zip(moved, running, strict=True)])


def _scale_and_shift(layer: str, features: int, eps: float, dtype: Any) -> tuple[Tensor, Tensor]:
    require_sizes(layer, features=features)
    require_above_0(f"{layer}: ", eps=eps)
    return (
        Tensor(np.ones(features), requires_grad=True, dtype=dtype, name="gamma"),
        Tensor(np.zeros(features), requires_grad=True, dtype=dtype, name="beta"),
    )
