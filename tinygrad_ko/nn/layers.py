"""The layers of the book."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_ko.errors import explain
from tinygrad_ko.nn.initializers import Initializer, xavier
from tinygrad_ko.nn.module import Module
from tinygrad_ko.ops.elementwise import relu, sigmoid
from tinygrad_ko.ops.linalg import affine
from tinygrad_ko.ops.losses import softmax_cross_entropy
from tinygrad_ko.randomness import Rng, generator
from tinygrad_ko.tensor import Tensor


class Affine(Module):
    """x @ W + b, from (..., in_features) to (..., out_features).

    W comes from `init` (`xavier`, `he`, `normal(0.01)` or a function of your own), b is zeros; both in `dtype`.

    >>> layer = Affine(3, 2, rng=0)
    >>> layer(Tensor(np.ones((5, 3)))).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        init: Initializer = xavier,
        dtype: Any = np.float64,
        rng: Rng = None,
    ) -> None:
        if in_features < 1 or out_features < 1:
            raise explain(
                ValueError(f"Affine needs at least one input and one output, not {in_features} and {out_features}"),
                "Affine 계층의 입력과 출력 크기는 1 이상이어야 합니다.",
            )
        self.W = Tensor(init((in_features, out_features), generator(rng)), requires_grad=True, dtype=dtype, name="W")
        self.b = Tensor(np.zeros(out_features), requires_grad=True, dtype=dtype, name="b")

    def forward(self, x: Any) -> Any:
        return affine(x, self.W, self.b)


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, x: Any) -> Any:
        return sigmoid(x)


class Relu(Module):
    """The larger of x and 0."""

    def forward(self, x: Any) -> Any:
        return relu(x)


class SoftmaxWithLoss(Module):
    """Softmax and cross entropy in one: the mean loss of scores (batch, classes) and targets t, labels or one-hot
    rows.
    """

    def forward(self, scores: Any, t: Any) -> Any:
        return softmax_cross_entropy(scores, t)


class Sequential(Module):
    """Layers one after the other.

    >>> model = Sequential(Affine(4, 3, rng=0), Relu(), Affine(3, 2, rng=1))
    >>> list(model.named_parameters())
    ['layers.0.W', 'layers.0.b', 'layers.2.W', 'layers.2.b']
    """

    def __init__(self, *layers: Any) -> None:
        self.layers = list(layers)

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, i: int) -> Any:
        return self.layers[i]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)
