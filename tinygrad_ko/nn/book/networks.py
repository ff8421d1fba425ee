"""The book's deeper networks: they hold its layers in `layers`, and `params` has the arrays of these by name.

What a network computes stands in `scores`: the functions of its layers, one after the other, on the arrays of `params` or on Tensors in
their place. So everything that follows for a `Network` follows here too; afterwards a layer's `dW` is the gradient of its W.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.arrays.opaque import is_traced
from tinygrad_ko.engine.graph import scope
from tinygrad_ko.errors import explain
from tinygrad_ko.nn.book.layers import (
    Affine,
    BatchNormalization,
    Convolution,
    Dropout,
    Layer,
    Pooling,
    Relu,
    Sigmoid,
    SoftmaxWithLoss,
    flat_labels,
)
from tinygrad_ko.nn.initializers import Initializer, he, normal, require_sizes, xavier
from tinygrad_ko.nn.networks import Network, filter_settings, image_size, require_images
from tinygrad_ko.ops.inputs import require_one_of
from tinygrad_ko.ops.networks.losses import softmax_cross_entropy
from tinygrad_ko.ops.networks.windows import windows_over
from tinygrad_ko.ops.reduction import sum
from tinygrad_ko.state.randomness import Rng, generator
from tinygrad_ko.state.replay import random_states, replayed

_Params = dict[str, Any]
_ACTIVATIONS = {"relu": Relu, "sigmoid": Sigmoid}
_INITIALIZERS: dict[str, Initializer] = {"relu": he, "he": he, "sigmoid": xavier, "xavier": xavier}


class LayeredNetwork(Network):
    """A network of layers: `layers` is a dict or a list of them, `last_layer` the softmax with the loss. A network of your own makes its
    layers with `layer`, which puts their arrays into `params`.

    >>> class Net(LayeredNetwork):
    ...     def __init__(self):
    ...         super().__init__()
    ...         first = self.layer(Affine, 1, W=np.ones((3, 4)), b=np.zeros(4))
    ...         self.layers = [first, Sigmoid(), self.layer(Affine, 2, W=np.ones((4, 2)), b=np.zeros(2))]
    >>> net = Net()
    >>> net.gradient(np.ones((5, 3)), np.array([0, 1, 0, 1, 0]))["b2"].round(3)
    array([-0.1,  0.1])
    """

    layers: Any
    weight_decay_lambda: float = 0.0
    input_dim: tuple[int, int, int] | None = None  # the shape of one image

    def __init__(self) -> None:
        self.params, self.last_layer = {}, SoftmaxWithLoss()

    def layer(self, kind: type[Any], number: int, *options: Any, **params: Array) -> Layer:
        """A layer on parameters that go by their roles and its number: `W1`, `b1`."""
        named = {f"{role}{number}": array for role, array in params.items()}
        self.params |= named
        layer: Layer = kind(*params.values(), *options)
        layer.names, layer.arrays = tuple(named), self.params
        return layer

    def named_layers(self) -> Iterator[tuple[str, Layer]]:
        """Every layer with its name. Raises TypeError for what is no `Layer`, ValueError for a layer whose arrays `params` has not: they
        would stay as they are.
        """
        items = self.layers.items() if isinstance(self.layers, dict) else enumerate(self.layers)
        for key, layer in items:
            kind = type(layer).__name__
            if not isinstance(layer, Layer):
                raise explain(
                    TypeError(
                        f"layers[{key!r}] is a {kind}, not a Layer: derive from Layer and define function(self, x)"
                    ),
                    f"layers[{key!r}]: Layer를 상속하고 function(self, x) 메서드를 정의한 계층이어야 합니다. 받은 값의 종류: {kind}",
                )
            if len(layer.names) < len(layer.roles):
                roles = ", ".join(layer.roles)
                raise explain(
                    ValueError(
                        f"layers[{key!r}] has parameters ({roles}) that are not in params: make it with net.layer({kind}, number, ...), or "
                        "assign them to the layer that is there"
                    ),
                    f"layers[{key!r}]의 매개변수({roles})가 params에 없습니다. net.layer({kind}, 번호, ...)로 만들거나, 있던 계층에 "
                    "대입하십시오.",
                )
            if layer.names:
                layer.arrays = self.params  # which may be another dict now
            yield f"layers.{key}" if isinstance(key, int) else key, layer

    def scores(self, x: Any, p: _Params, train_flg: bool = False) -> Any:
        """The scores before softmax, from parameters p."""
        if x.shape == self.input_dim:
            return self.scores(x[None], p, train_flg)[0]
        if self.input_dim is not None:
            require_images(type(self).__name__, x, self.input_dim)
        for key, layer in self.named_layers():
            own = [p[name] for name in layer.names]
            mode = {"train_flg": train_flg} if isinstance(layer, Dropout | BatchNormalization) else {}
            with scope(key):
                x = layer.function(x, *own, **mode)
        return x

    def predict(self, x: Any, train_flg: bool = False) -> Array:
        """The scores: the book applies softmax in the loss only."""
        scores: Array = self.scores(x if is_traced(x) else np.asarray(x), self.params, train_flg)
        return scores

    def loss(self, x: Any, t: Any, train_flg: bool = False) -> float:
        """The mean cross entropy, and the weight decay."""
        return float(self._decayed(self.scores(np.asarray(x), self.params, train_flg), self.params, t))

    def loss_of(self, p: _Params, x: Any, t: Any) -> Any:
        """The loss in training, as a function of the parameters: of Tensors a Tensor. It leaves the network as it is, with the running
        averages, and the random numbers too: so it is the same at every call, and its gradient can be checked.
        """
        with self._unchanged():
            return self._loss_of_step(p, x, t)

    @contextmanager
    def _unchanged(self) -> Iterator[None]:
        """Inside the block layers may draw and average: afterwards they are as they were, and so is NumPy's global stream."""
        layers = [layer for _, layer in self.named_layers() if isinstance(layer, Dropout | BatchNormalization)]
        before = [dict(vars(layer)) for layer in layers]
        draws = any(isinstance(layer, Dropout) for layer in layers)
        with replayed([], random_states([])) if draws else nullcontext():
            try:
                yield
            finally:
                for layer, attributes in zip(layers, before, strict=True):
                    vars(layer).update(attributes)

    def _loss_of_step(self, p: _Params, x: Any, t: Any) -> Any:
        return self._decayed(self.scores(x, p, train_flg=True), p, t)

    def _decayed(self, scores: Any, p: _Params, t: Any) -> Any:
        loss = softmax_cross_entropy(scores, flat_labels(t, scores))
        if self.weight_decay_lambda:
            for name in p:
                if name.startswith("W"):
                    loss = loss + 0.5 * self.weight_decay_lambda * sum(p[name] ** 2)
        return loss

    def loss_and_gradient(self, x: Any, t: Any) -> tuple[Array, dict[str, Array]]:
        """The loss in training, and its gradient with respect to each parameter, which the layers have as dW, db, ... too."""
        loss, gradients = super().loss_and_gradient(x, t)
        for _, layer in () if is_traced(loss) else self.named_layers():
            for role, name in zip(layer.roles, layer.names, strict=True):
                setattr(layer, f"d{role}", gradients[name])
        return loss, gradients

    def accuracy(self, x: Any, t: Any, batch_size: int = 100) -> float:
        """The share of samples whose highest score is at the right class, computed for so many at a time."""
        return self._accuracy_in_batches(x, t, batch_size, self.input_dim)


class MultiLayerNet(LayeredNetwork):
    """Affine layers with an activation between them: softmax(... activation(x @ W1 + b1) ... @ Wn + bn).

    `hidden_size_list` has the width of each hidden layer, `activation` is "relu" or "sigmoid". `weight_init_std` is the standard deviation
    of the first weights: a number, "relu" or "he" (the root of 2 / inputs), "sigmoid" or "xavier" (the root of 1 / inputs).
    `weight_decay_lambda` adds lambda / 2 * sum(W ** 2) of every W to the loss. `layers` is a dict: Affine1, Activation_function1, ... The
    weights obey np.random.seed unless `rng` is a seed or a Generator. Raises ValueError or TypeError for sizes and names that are none.

    >>> net = MultiLayerNet(784, [100, 50], 10, rng=0)
    >>> {name: p.shape for name, p in net.params.items()}
    {'W1': (784, 100), 'b1': (100,), 'W2': (100, 50), 'b2': (50,), 'W3': (50, 10), 'b3': (10,)}
    >>> list(net.layers)
    ['Affine1', 'Activation_function1', 'Affine2', 'Activation_function2', 'Affine3']
    >>> net.predict(np.zeros((5, 784))).shape
    (5, 10)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: list[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: str | float = "relu",
        weight_decay_lambda: float = 0.0,
        *,
        rng: Rng = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if not isinstance(hidden_size_list, Iterable):
            raise explain(
                TypeError(
                    f"{name}: hidden_size_list must be a list of widths, such as [100, 50], not {hidden_size_list!r}"
                ),
                f"{name}: hidden_size_list에는 [100, 50]처럼 은닉층의 크기를 리스트로 넘겨야 합니다. 받은 값: {hidden_size_list!r}",
            )
        sizes = [input_size, *hidden_size_list, output_size]
        require_sizes(name, **{f"sizes[{i}]": size for i, size in enumerate(sizes)})
        require_one_of(list(_ACTIVATIONS), activation, name, "activation")
        self.input_size, self.hidden_size_list, self.output_size = input_size, list(hidden_size_list), output_size
        self.hidden_layer_num, self.weight_decay_lambda = len(hidden_size_list), weight_decay_lambda
        self.layers, source, init = OrderedDict[str, Layer](), generator(rng), _initializer(name, weight_init_std)
        for i, (n, m) in enumerate(pairwise(sizes), start=1):
            self.layers[f"Affine{i}"] = self.layer(Affine, i, W=init((n, m), source), b=np.zeros(m))
            if i <= self.hidden_layer_num:
                self._add_hidden(i, m, _ACTIVATIONS[activation]())

    def _add_hidden(self, i: int, width: int, activation: Layer) -> None:
        """What follows a hidden affine layer."""
        self.layers[f"Activation_function{i}"] = activation


def _initializer(name: str, chosen: str | float) -> Initializer:
    """What draws the first weights of an affine layer, by the book's names."""
    if isinstance(chosen, str):
        require_one_of(list(_INITIALIZERS), chosen.lower(), name, "weight_init_std")
        return _INITIALIZERS[chosen.lower()]
    if not isinstance(chosen, float | int | np.number):
        raise explain(
            TypeError(f"{name}: weight_init_std must be a number or a name such as 'he', not {chosen!r}"),
            f"{name}: weight_init_std에는 수나 'he' 같은 이름을 넘겨야 합니다. 받은 값: {chosen!r}",
        )
    return normal(float(chosen))


class MultiLayerNetExtend(MultiLayerNet):
    """`MultiLayerNet` with dropout after every activation, batch normalization before it, or both. With batch normalization `params` also
    has gamma1, beta1, ...

    `predict` and `loss` take `train_flg`, which is False unless it is given; `gradient` is that of training, and moves the running
    averages.

    >>> net = MultiLayerNetExtend(64, [30], 10, use_batchnorm=True, use_dropout=True, dropout_ration=0.2, rng=0)
    >>> list(net.layers)
    ['Affine1', 'BatchNorm1', 'Activation_function1', 'Dropout1', 'Affine2']
    >>> sorted(net.params)
    ['W1', 'W2', 'b1', 'b2', 'beta1', 'gamma1']
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: list[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: str | float = "relu",
        weight_decay_lambda: float = 0.0,
        use_dropout: bool = False,
        dropout_ration: float = 0.5,
        use_batchnorm: bool = False,
        *,
        rng: Rng = None,
    ) -> None:
        self.use_dropout, self.use_batchnorm, self.dropout_ration = use_dropout, use_batchnorm, dropout_ration
        super().__init__(
            input_size, hidden_size_list, output_size, activation, weight_init_std, weight_decay_lambda, rng=rng
        )

    def _add_hidden(self, i: int, width: int, activation: Layer) -> None:
        if self.use_batchnorm:
            unit = {"gamma": np.ones(width), "beta": np.zeros(width)}
            self.layers[f"BatchNorm{i}"] = self.layer(BatchNormalization, i, **unit)
        super()._add_hidden(i, width, activation)
        if self.use_dropout:
            self.layers[f"Dropout{i}"] = Dropout(self.dropout_ration)


class DeepConvNet(LayeredNetwork):
    """The book's deep convolutional network: three times conv - relu - conv - relu - pool, then affine - relu - dropout - affine - dropout
    - softmax, with He's first weights. On MNIST it gets more than 99% right.

    Each `conv_param_i` says how many filters there are, how large they are, how many pixels of padding an image has and how far apart the
    windows are. `layers` is a list. `x` is one image of shape input_dim or a batch of them. The weights obey np.random.seed unless `rng` is
    a seed or a Generator.

    >>> net = DeepConvNet(rng=0)
    >>> net.params["W6"].shape, net.params["W7"].shape, len(net.layers)
    ((64, 64, 3, 3), (1024, 50), 20)
    >>> net.predict(np.zeros((2, 1, 28, 28))).shape
    (2, 10)
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param_1: dict[str, int] | None = None,
        conv_param_2: dict[str, int] | None = None,
        conv_param_3: dict[str, int] | None = None,
        conv_param_4: dict[str, int] | None = None,
        conv_param_5: dict[str, int] | None = None,
        conv_param_6: dict[str, int] | None = None,
        hidden_size: int = 50,
        output_size: int = 10,
        *,
        rng: Rng = None,
    ) -> None:
        super().__init__()
        self.input_dim, self.layers, source = image_size("DeepConvNet", input_dim), [], generator(rng)
        require_sizes("DeepConvNet", hidden_size=hidden_size, output_size=output_size)
        given = [conv_param_1, conv_param_2, conv_param_3, conv_param_4, conv_param_5, conv_param_6]
        channels, *image = self.input_dim
        for i, (own, number, pad) in enumerate(
            zip(given, (16, 16, 32, 32, 64, 64), (1, 1, 1, 2, 1, 1), strict=True), 1
        ):
            defaults = {"filter_num": number, "filter_size": 3, "pad": pad, "stride": 1}
            filters = filter_settings("DeepConvNet", f"conv_param_{i}", own, **defaults)
            number, size = filters["filter_num"], filters["filter_size"]
            inputs = channels * size * size
            W = sqrt(2 / inputs) * source.standard_normal((number, channels, size, size))
            options = filters["stride"], filters["pad"]
            self.layers += [self.layer(Convolution, i, *options, W=W, b=np.zeros(number)), Relu()]
            image = windows_over("DeepConvNet", image, size, *options, 1).counts(image)
            if i % 2 == 0:
                self.layers.append(Pooling(2, 2, stride=2))
                image = windows_over("DeepConvNet", image, 2, 2, 0, 1).counts(image)
            channels = number
        for i, (n, m) in enumerate(pairwise((channels * image[0] * image[1], hidden_size, output_size)), start=7):
            self.layers += [
                self.layer(Affine, i, W=he((n, m), source), b=np.zeros(m)),
                *([Relu()] if i == 7 else []),
                Dropout(0.5),
            ]
