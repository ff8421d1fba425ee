"""The layers of the book, and the small ones that a network needs beside them."""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from tinygrad_ko.errors import explain
from tinygrad_ko.nn.initializers import Initializer, normal, require_sizes, xavier
from tinygrad_ko.nn.module import Module
from tinygrad_ko.ops.indexing import embedding
from tinygrad_ko.ops.inputs import require_below_1
from tinygrad_ko.ops.linalg.products import affine
from tinygrad_ko.ops.networks.dropout import dropout
from tinygrad_ko.ops.networks.losses import softmax_cross_entropy
from tinygrad_ko.ops.shape import reshape
from tinygrad_ko.state.randomness import Rng, generator
from tinygrad_ko.tensor.tensor import Tensor

_STANDARD_NORMAL = normal(1.0)


class Affine(Module):
    """x @ W + b, from (..., in_features) to (..., out_features).

    W (in_features, out_features) comes from `init` (`xavier`, `he`, `normal(0.01)` or a function of your own), b
    (out_features,) is zeros; both in `dtype`, and with float32 in both x and the layer the result is float32.
    Raises ValueError unless both sizes are at least 1, and when x has another width.

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
        require_sizes("Affine", in_features=in_features, out_features=out_features)
        self.W = Tensor(init((in_features, out_features), generator(rng)), requires_grad=True, dtype=dtype, name="W")
        self.b = Tensor(np.zeros(out_features), requires_grad=True, dtype=dtype, name="b")

    def forward(self, x: Any) -> Any:
        return affine(x, self.W, self.b)


class Embedding(Module):
    """One row of W for each id: from integers of any shape (...) to (..., dim).

    W (num, dim) comes from `init`, by default normal numbers with standard deviation 1, in `dtype`. An id that occurs
    twice gets both gradients. Raises ValueError unless num and dim are at least 1 and every id is one of 0 ... num - 1,
    TypeError for ids that are not integers.

    >>> words = Embedding(1000, 3, rng=0)
    >>> words([[5, 2, 5, 7], [1, 1, 0, 999]]).shape
    (2, 4, 3)
    """

    def __init__(
        self, num: int, dim: int, *, init: Initializer = _STANDARD_NORMAL, dtype: Any = np.float64, rng: Rng = None
    ) -> None:
        require_sizes("Embedding", num=num, dim=dim)
        self.W = Tensor(init((num, dim), generator(rng)), requires_grad=True, dtype=dtype, name="W")

    def forward(self, ids: Any) -> Any:
        return embedding(self.W, ids)


class Dropout(Module):
    """In training each number is set to 0 with probability p and the others are divided by 1 - p; after `eval()` x
    passes as it is. Shape and dtype stay. Source: Srivastava et al. (2014).

    The random numbers obey np.random.seed unless `rng` is a seed or a Generator, from which the layer goes on drawing:
    each call leaves out others. Raises ValueError unless p is in [0, 1).

    >>> layer = Dropout(0.5, rng=0)
    >>> layer(Tensor(np.ones(6))).tolist()
    [2.0, 0.0, 0.0, 0.0, 2.0, 2.0]
    >>> layer.eval()(Tensor(np.ones(6))).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """

    def __init__(self, p: float = 0.5, *, rng: Rng = None) -> None:
        require_below_1("dropout: ", p=p)
        self.p = float(p)
        self.rng: Any = None if rng is None else generator(rng)

    def forward(self, x: Any) -> Any:
        return dropout(x, self.p, self.training, self.rng)


class Flatten(Module):
    """Each sample in one row: from (batch, ...) to (batch, n), with the dtype of x. Raises ValueError for an x without axes.

    >>> Flatten()(Tensor(np.ones((5, 2, 3, 4)))).shape
    (5, 24)
    """

    def forward(self, x: Any) -> Any:
        shape = x.shape if hasattr(x, "shape") else np.shape(x)
        if not shape:
            raise explain(
                ValueError("Flatten: x needs a shape of (batch, ...), but it has no axes; pass a batch, such as [x]"),
                "Flatten: x에 필요한 형상은 (batch, ...)인데 x에는 축이 없습니다. [x]처럼 배치로 만들어 넘기십시오.",
            )
        return reshape(x, (shape[0], prod(shape[1:])))


class SoftmaxWithLoss(Module):
    """Softmax and cross entropy in one: the mean loss of scores (batch, classes) and targets t, labels or one-hot
    rows. Raises ValueError or TypeError for targets that do not fit.

    >>> SoftmaxWithLoss()(Tensor([[0.0, 0.0], [1000.0, 0.0]]), [1, 0]).item()  # the mean of log(2) and 0
    0.34657359027997264
    """

    def forward(self, scores: Any, t: Any) -> Any:
        return softmax_cross_entropy(scores, t)


class Sequential(Module):
    """Layers one after the other; a function of Tensors is a layer too. Raises TypeError for what cannot be called, and for
    a class: layers are made first.

    >>> from tinygrad_ko.nn import Relu
    >>> model = Sequential(Affine(4, 3, rng=0), Relu(), Affine(3, 2, rng=1))
    >>> list(model.named_parameters())
    ['layers.0.W', 'layers.0.b', 'layers.2.W', 'layers.2.b']
    >>> model(Tensor(np.ones((5, 4)))).shape, len(model), type(model[1]).__name__
    ((5, 2), 3, 'Relu')
    """

    def __init__(self, *layers: Any) -> None:
        for i, layer in enumerate(layers):
            if (isinstance(layer, type) and issubclass(layer, Module)) or not callable(layer):
                what = f"class {layer.__name__}" if isinstance(layer, type) else type(layer).__name__
                raise explain(
                    TypeError(
                        f"Sequential: layer {i} is no layer but {what}; pass them one by one: Sequential(Affine(3, 2), Relu())"
                    ),
                    f"Sequential: {i}번 계층이 계층도 함수도 아닙니다({what}). Sequential(Affine(3, 2), Relu())처럼 하나씩 넘기십시오.",
                )
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
