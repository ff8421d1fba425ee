"""The networks of the book with its interface: `params` is a dict of plain arrays, and plain arrays and floats come out.

One function, `scores`, says what each network computes. On the arrays of `params` it predicts; on Tensors made from
them it is recorded, and `gradient` needs nothing but `backward()`.
"""

import os
import zipfile
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.arrays.opaque import is_traced
from tinygrad_ko.check.slopes.numerical import numerical_gradient
from tinygrad_ko.engine.graph import Switch
from tinygrad_ko.errors import explain
from tinygrad_ko.nn.book.pickles import read_pickle
from tinygrad_ko.nn.initializers import require_sizes
from tinygrad_ko.nn.serialization import load_arrays, read_arrays, require_fitting, save_arrays, write_arrays
from tinygrad_ko.ops.elementwise import zeros_like
from tinygrad_ko.ops.linalg.products import affine, matmul
from tinygrad_ko.ops.networks.activations import identity_function, relu, sigmoid
from tinygrad_ko.ops.networks.convolution import conv2d
from tinygrad_ko.ops.networks.losses import as_batch, softmax_cross_entropy
from tinygrad_ko.ops.networks.pooling import max_pool2d
from tinygrad_ko.ops.networks.softmax import softmax
from tinygrad_ko.ops.networks.windows import windows_over
from tinygrad_ko.ops.shape import reshape
from tinygrad_ko.state.randomness import RandomSource, Rng, generator
from tinygrad_ko.tensor.tensor import borrow

if TYPE_CHECKING:
    from tinygrad_ko.nn.summary import Summary

_Params = dict[str, Any]


def _as_array(x: Any) -> Array:
    """An array of whatever is like one; one that is traced as it is."""
    return x if is_traced(x) else np.asarray(x)


class Network:
    """Parameters by name, and what follows from `scores`: probabilities, loss, accuracy and gradients.

    `x` is one sample of shape (inputs,) or a batch (n, inputs); `t` holds labels or one-hot rows.
    """

    params: dict[str, Array]

    def scores(self, x: Any, p: _Params) -> Any:
        """The scores before softmax, from parameters p."""
        raise explain(
            NotImplementedError(f"{type(self).__name__} has no scores(x, p): define the scores before softmax"),
            f"{type(self).__name__}에 scores(x, p) 메서드가 없습니다. softmax 이전의 점수를 이 메서드로 정의하십시오.",
        )

    def predict(self, x: Any) -> Array:
        """The probability of each class."""
        return softmax(self.scores(_as_array(x), self.params))

    def loss(self, x: Any, t: Any) -> float:
        """The mean cross entropy of the predictions, exact (computed from the scores)."""
        return float(self.loss_of(self.params, np.asarray(x), t))

    def loss_of(self, p: _Params, x: Any, t: Any) -> Any:
        """The loss as a function of the parameters: of Tensors a Tensor, so that its gradient can be checked.

        >>> import tinygrad_ko as tg
        >>> net = TwoLayerNet(4, 3, 2, rng=0)
        >>> x, t = np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([1])
        >>> tg.check_gradient(net.loss_of, net.params, x, t).verdict
        'agrees'
        """
        loss = softmax_cross_entropy(self.scores(x, p), t)
        return loss

    def _loss_of_step(self, p: _Params, x: Any, t: Any) -> Any:
        """The loss that a training step differentiates: `loss_of`, with what else a step does."""
        return self.loss_of(p, x, t)

    def accuracy(self, x: Any, t: Any) -> float:
        """The share of samples whose most probable class is the right one."""
        return float(np.mean(self._hits(x, t)))

    def _accuracy_in_batches(self, x: Any, t: Any, size: int, one: tuple[int, ...] | None) -> float:
        """The accuracy, computed for so many samples at a time; x may be one sample of the shape `one`."""
        require_sizes("accuracy", batch_size=size)
        x, t = np.asarray(x), np.asarray(t)
        if x.ndim == 1 or x.shape == one or len(x) != len(t):  # the last of which is refused
            return Network.accuracy(self, x, t)
        parts = [self._hits(x[i : i + size], t[i : i + size]) for i in range(0, len(x), size)]
        return float(np.mean(np.concatenate(parts)))

    def _hits(self, x: Any, t: Any) -> Array:
        """For each sample, whether its most probable class is the right one."""
        scores, t, is_label = as_batch(self.scores(np.asarray(x), self.params), t, "accuracy")
        return scores.argmax(axis=-1) == (t if is_label else np.asarray(t).argmax(axis=-1))

    def gradient(self, x: Any, t: Any) -> dict[str, Array]:
        """The gradient of the loss with respect to each parameter, by backpropagation."""
        return self.loss_and_gradient(x, t)[1]

    def loss_and_gradient(self, x: Any, t: Any) -> tuple[Array, dict[str, Array]]:
        """The loss, and its gradient with respect to each parameter, for the price of the gradient. It can be compiled, and written to a
        file that needs NumPy alone: `step = tg.compile(net.loss_and_gradient)`, after the first call `step.export("step.py")`.

        The loss is an array of shape (), the gradients have the names, shapes and dtypes of `params`. Raises ValueError or TypeError for
        targets that do not fit, TypeError if a parameter does not hold floats.

        >>> net = TwoLayerNet(4, 3, 2, rng=0)
        >>> loss, gradient = net.loss_and_gradient(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([1]))
        >>> print(f"{loss:.4f}")
        0.6861
        >>> {name: g.shape for name, g in gradient.items()}
        {'W1': (4, 3), 'b1': (3,), 'W2': (3, 2), 'b2': (2,)}
        """
        arrays = {name: _as_array(array) for name, array in self.params.items()}
        for name, array in arrays.items():
            if array.dtype.kind != "f":
                raise explain(
                    TypeError(f"params[{name!r}] holds {array.dtype}, which has no gradient: use astype(float)"),
                    f"params[{name!r}]의 자료형 {array.dtype}에는 기울기를 정의할 수 없습니다. astype(float)으로 바꾸십시오.",
                )
        p = {name: borrow(array, requires_grad=True, name=name) for name, array in arrays.items()}
        with Switch(record=True):
            loss = self._loss_of_step(p, borrow(_as_array(x)), t)
            loss.backward()
        gradients = {name: zeros_like(arrays[name]) if q.grad is None else q.grad for name, q in p.items()}
        return loss.stable_array(), gradients

    def numerical_gradient(self, x: Any, t: Any) -> dict[str, Array]:
        """The same by central differences: two evaluations of the loss for every single number in `params`."""

        def loss_at(name: str, array: Array) -> float:
            return float(self.loss_of({**self.params, name: array}, np.asarray(x), t))

        return {name: numerical_gradient(partial(loss_at, name), array) for name, array in self.params.items()}

    numerical_gradient_params = numerical_gradient

    def summary(self, x: Any = None, *, dtype: Any = None) -> "Summary":
        """What the network is made of: its parameters with their shapes and bytes, and the totals; given x, the layers (or operations) that
        its scores are computed by, and what each returns. In place of x may stand its shape, with the batch in it. Prints as a table.

        >>> TwoLayerNet(784, 100, 10).summary()
        TwoLayerNet
          name  shape       dtype    parameters    bytes
          W1    (784, 100)  float64      78,400  627,200
          b1    (100,)      float64         100      800
          W2    (100, 10)   float64       1,000    8,000
          b2    (10,)       float64          10       80
          79,510 parameters, all trained; 636,080 bytes
        >>> TwoLayerNet(784, 100, 10).summary((32, 784))
        TwoLayerNet called with (32, 784) float64
          layer           output shape  dtype    parameters    bytes
          affine(W1, b1)  (32, 100)     float64      78,500  628,000
          sigmoid         (32, 100)     float64
          affine(W2, b2)  (32, 10)      float64       1,010    8,080
          79,510 parameters, all trained; 636,080 bytes
          the graph of the result keeps 51,200 bytes more until backward()
        """
        from tinygrad_ko.nn.summary import of_network

        return of_network(self, x, dtype)

    def layer_outputs(self, x: Any) -> list[tuple[str, Array]]:
        """The name of each layer (or operation) that the scores are computed by, and what it returns for x."""
        from tinygrad_ko.nn.inspection import layer_calls, recorded_scores

        return [
            (f"{call.name} {call.kind}".strip(), call.result.seen.output)
            for call in layer_calls(self, recorded_scores(self, x, watch=True))
            if call.result.seen is not None
        ]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write `params` to an `.npz` file, whole or not at all. Returns the path written."""
        return save_arrays(path, self.params)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Read `params` from a file. Raises ValueError, and changes nothing, if a name or a shape differs."""
        self._take(load_arrays(path, {name: array.shape for name, array in self.params.items()}))

    def save_params(self, file_name: str | os.PathLike[str] = "params.pkl") -> None:
        """The book's name: write `params` to a file of this very name, in the format of `save`, which is no pickle."""
        write_arrays(Path(file_name), self.params)

    def load_params(self, file_name: str | os.PathLike[str] = "params.pkl") -> None:
        """The book's name: read `params` from a file that `save_params` or `save` wrote, or from a pickle of the book's, whose code is not
        run. Raises ValueError, and changes nothing, if a name or a shape differs.
        """
        path, shapes = Path(file_name), {name: array.shape for name, array in self.params.items()}
        if zipfile.is_zipfile(path):
            self._take(read_arrays(path, shapes))
        else:
            arrays = read_pickle(path)
            require_fitting(path, {name: (array.shape, array.dtype) for name, array in arrays.items()}, shapes)
            self._take(arrays)

    def _take(self, arrays: dict[str, Array]) -> None:
        self.params.update({name: arrays[name].astype(array.dtype) for name, array in self.params.items()})


def _affine_params(sizes: tuple[int, ...], std: float, source: RandomSource, first: int = 1) -> dict[str, Array]:
    """W and b of the affine layers between these sizes, numbered from `first`: normal numbers, and zeros."""
    params: dict[str, Array] = {}
    for i, (n, m) in enumerate(pairwise(sizes), first):
        params |= {f"W{i}": std * source.standard_normal((n, m)), f"b{i}": np.zeros(m)}
    return params


class TwoLayerNet(Network):
    """One hidden layer: softmax(sigmoid(x @ W1 + b1) @ W2 + b2).

    `params` holds W1 (inputs, hidden), b1, W2 (hidden, outputs), b2 as float64 arrays that may be changed in place or replaced.

    >>> net = TwoLayerNet(input_size=784, hidden_size=100, output_size=10, rng=0)
    >>> sum(p.size for p in net.params.values())
    79510
    >>> net.predict(np.zeros((100, 784))).shape
    (100, 10)
    """

    def __init__(
        self, input_size: int, hidden_size: int, output_size: int, weight_init_std: float = 0.01, *, rng: Rng = None
    ) -> None:
        require_sizes("TwoLayerNet", input_size=input_size, hidden_size=hidden_size, output_size=output_size)
        self.params = _affine_params((input_size, hidden_size, output_size), weight_init_std, generator(rng))

    def scores(self, x: Any, p: _Params) -> Any:
        hidden = sigmoid(affine(x, p["W1"], p["b1"]))
        return affine(hidden, p["W2"], p["b2"])


class SimpleNet(Network):
    """One layer without bias, softmax(x @ W), with the book's W of shape (2, 3) drawn from the normal distribution."""

    def __init__(self, *, rng: Rng = None) -> None:
        self.params = {"W": generator(rng).standard_normal((2, 3))}

    @property
    def W(self) -> Array:
        """The weights."""
        return self.params["W"]

    @W.setter
    def W(self, value: Any) -> None:
        self.params["W"] = np.asarray(value, dtype=np.float64)

    def scores(self, x: Any, p: _Params) -> Any:
        return matmul(x, p["W"])

    def predict(self, x: Any) -> Array:
        """The scores: the book's simpleNet applies softmax in its loss only."""
        return self.scores(_as_array(x), self.params)


class ThreeLayerNet(Network):
    """Two hidden layers with sigmoid, then `output` (the identity by default): the book's 2-3-2-2 network, or any params W1 b1 W2 b2 W3 b3.

    >>> ThreeLayerNet().predict(np.array([1.0, 0.5]))
    array([0.31682708, 0.69627909])
    """

    def __init__(
        self, params: dict[str, Array] | None = None, *, output: Callable[[Any], Any] = identity_function
    ) -> None:
        if params is None:
            params = {
                "W1": np.array([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]]),
                "b1": np.array([0.1, 0.2, 0.3]),
                "W2": np.array([[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]]),
                "b2": np.array([0.1, 0.2]),
                "W3": np.array([[0.1, 0.3], [0.2, 0.4]]),
                "b3": np.array([0.1, 0.2]),
            }
        self.params, self.output = params, output

    def scores(self, x: Any, p: _Params) -> Any:
        z1 = sigmoid(affine(x, p["W1"], p["b1"]))
        z2 = sigmoid(affine(z1, p["W2"], p["b2"]))
        return affine(z2, p["W3"], p["b3"])

    def predict(self, x: Any) -> Array:
        """`output` of the scores."""
        return self.output(self.scores(_as_array(x), self.params))


def filter_settings(network: str, option: str, given: dict[str, int] | None, **defaults: int) -> dict[str, int]:
    """The filters of a convolution: what is given, and the defaults for the rest. Raises ValueError for other names."""
    if unknown := sorted(set(given or {}) - set(defaults)):
        raise explain(
            ValueError(f"{network}: {option} has {unknown}; it may have {sorted(defaults)}"),
            f"{network}: {option}에 쓸 수 없는 이름이 있습니다: {unknown}. 쓸 수 있는 이름: {sorted(defaults)}",
        )
    settings = defaults | (given or {})
    require_sizes(network, **{word: settings[word] for word in ("filter_num", "filter_size")})
    return settings


def image_size(network: str, input_dim: Any) -> tuple[int, int, int]:
    """The (channels, height, width) of an image. Raises ValueError or TypeError for what is none."""
    if np.shape(input_dim) != (3,):
        raise explain(
            ValueError(f"{network}: input_dim must be (channels, height, width), not {input_dim!r}"),
            f"{network}: input_dim은 (channels, height, width)여야 합니다. 받은 값: {input_dim!r}",
        )
    require_sizes(network, **{f"input_dim[{i}]": side for i, side in enumerate(input_dim)})
    channels, height, width = input_dim
    return channels, height, width


def require_images(network: str, x: Any, input_dim: tuple[int, int, int]) -> None:
    """Raise ValueError unless x is a batch of such images."""
    if x.shape[1:] != input_dim:
        batch = f"(n, {str(input_dim)[1:]}"
        raise explain(
            ValueError(
                f"{network}: x needs the shape {input_dim} or {batch}, not {x.shape}; the loaders give such images with flatten=False"
            ),
            f"{network}: x에 필요한 형상: {input_dim} 또는 {batch}, 받은 형상: {x.shape}. 데이터를 flatten=False로 불러오십시오.",
        )


class SimpleConvNet(Network):
    """The book's convolutional network: conv - relu - pool - affine - relu - affine - softmax.

    `conv_param` says how many filters there are, how large they are, how many pixels of padding an image has and how far apart the windows
    are; what it does not name is as in the book: {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}. Pooling takes the largest of
    2 x 2. `params` holds W1 (filters, channels, size, size), b1, W2, b2, W3, b3. `x` is one image of shape input_dim or a batch of them.

    >>> net = SimpleConvNet(rng=0)
    >>> {name: p.shape for name, p in net.params.items()}
    {'W1': (30, 1, 5, 5), 'b1': (30,), 'W2': (4320, 100), 'b2': (100,), 'W3': (100, 10), 'b3': (10,)}
    >>> net.predict(np.zeros((5, 1, 28, 28))).shape
    (5, 10)
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param: dict[str, int] | None = None,
        hidden_size: int = 100,
        output_size: int = 10,
        weight_init_std: float = 0.01,
        *,
        rng: Rng = None,
    ) -> None:
        defaults = {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}
        filters = filter_settings("SimpleConvNet", "conv_param", conv_param, **defaults)
        number, size = filters["filter_num"], filters["filter_size"]
        self.input_dim = image_size("SimpleConvNet", input_dim)
        self.stride, self.pad = filters["stride"], filters["pad"]
        require_sizes("SimpleConvNet", hidden_size=hidden_size, output_size=output_size)
        convolved = windows_over("SimpleConvNet", self.input_dim[1:], (size, size), self.stride, self.pad, 1)
        pooled = windows_over("SimpleConvNet", convolved.counts(self.input_dim[1:]), 2, 2, 0, 1)
        height, width = pooled.counts(convolved.counts(self.input_dim[1:]))
        source = generator(rng)
        W1 = weight_init_std * source.standard_normal((number, self.input_dim[0], size, size))
        affines = _affine_params((number * height * width, hidden_size, output_size), weight_init_std, source, first=2)
        self.params = {"W1": W1, "b1": np.zeros(number), **affines}

    def scores(self, x: Any, p: _Params) -> Any:
        if x.shape == self.input_dim:
            return self.scores(x[None], p)[0]
        require_images("SimpleConvNet", x, self.input_dim)
        convolved = conv2d(x, p["W1"], p["b1"], self.stride, self.pad)
        pooled = relu(max_pool2d(convolved, 2))  # the same as relu before the pooling, with a quarter of its work
        hidden = relu(affine(reshape(pooled, (x.shape[0], -1)), p["W2"], p["b2"]))
        return affine(hidden, p["W3"], p["b3"])

    def predict(self, x: Any) -> Array:
        """The scores: here too the book applies softmax in the loss only."""
        return self.scores(_as_array(x), self.params)

    def accuracy(self, x: Any, t: Any, batch_size: int = 100) -> float:
        """The share of samples whose highest score is at the right class, computed for so many at a time."""
        return self._accuracy_in_batches(x, t, batch_size, self.input_dim)
