"""The book's layers: `forward` computes with plain arrays and records the operations, `backward(dout)` applies their formulas.

A layer says in `function` what it computes, from its inputs and its parameters, with functions of the rule book. Everything else follows:
the gradient of an input is what `backward` returns, that of a parameter `W` is in `dW` afterwards.
"""

from typing import Any

import numpy as np

from tinygrad_ko.arrays.opaque import is_traced
from tinygrad_ko.engine.graph import Handle, Switch
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import add, multiply
from tinygrad_ko.ops.inputs import as_operand, as_plain_array, require_below_1
from tinygrad_ko.ops.linalg.products import affine
from tinygrad_ko.ops.networks.activations import relu, sigmoid
from tinygrad_ko.ops.networks.convolution import conv2d
from tinygrad_ko.ops.networks.dropout import thinned
from tinygrad_ko.ops.networks.losses import softmax_cross_entropy
from tinygrad_ko.ops.networks.normalization import normalized_by, standardized_channels
from tinygrad_ko.ops.networks.pooling import max_pool2d
from tinygrad_ko.ops.networks.softmax import softmax
from tinygrad_ko.ops.shape import broadcast_to, reshape
from tinygrad_ko.state.randomness import generator
from tinygrad_ko.tensor.tensor import Tensor, grad


class _Parameter:
    """An attribute such as W of a layer: an array of its own, or the one that its network has in `params` by the name of it."""

    def __init__(self, role: str) -> None:
        self.role = role

    def __get__(self, layer: Any, kind: Any = None) -> Any:
        if layer is None:
            return self
        arrays, name = self._place(layer)
        if name not in arrays:
            raise explain(
                AttributeError(f"{type(layer).__name__} has no parameter {name}: assign it to the layer"),
                f"{type(layer).__name__}에 매개변수 {name} 값이 없습니다. 계층에 대입하십시오.",
            )
        return arrays[name]

    def __set__(self, layer: Any, value: Any) -> None:
        arrays, name = self._place(layer)
        arrays[name] = value

    def _place(self, layer: Any) -> tuple[dict[str, Any], str]:
        names = dict(zip(layer.roles, layer.names, strict=False))
        return vars(layer).setdefault("arrays", {}), names.get(self.role, self.role)


class Layer:
    """A layer of your own names its parameters in `roles` and computes in `function`; `forward` and `backward` come with that.

    >>> class Scale(Layer):
    ...     roles = ("a",)
    ...     def __init__(self, a):
    ...         self.a = a
    ...     def function(self, x, a):
    ...         return a * x
    >>> layer = Scale(3.0)
    >>> layer.forward(np.array([1.0, 2.0]))
    array([3., 6.])
    >>> layer.backward(np.array([1.0, 1.0])), layer.da
    (array([3., 3.]), 3.0)
    """

    roles: tuple[str, ...] = ()  # the attributes that hold its parameters
    names: tuple[str, ...] = ()  # what a network calls them in its `params`, which are its `arrays` then
    arrays: dict[str, Any]
    _recorded: Any = None  # the result of the last forward, and the leaves of its inputs and parameters

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for role in cls.roles:
            if not isinstance(getattr(cls, role, None), _Parameter):
                setattr(cls, role, _Parameter(role))

    def function(self, *arguments: Any) -> Any:
        """What it computes from inputs and parameters, in the order of `roles`: arrays or Tensors in, the same out."""
        name = type(self).__name__
        raise explain(
            NotImplementedError(f"{name} has no function(x, *parameters): compute there, with functions of tg"),
            f"{name}에 function(x, *parameters) 메서드가 없습니다. 계층의 순전파를 tg의 함수로 이 메서드에 쓰십시오.",
        )

    def forward(self, *inputs: Any) -> Any:
        """The result, from plain arrays or numbers; the operations stay recorded for `backward`. Given Tensors it returns a Tensor
        in their graph, and the `backward()` of the loss replaces that of the layer.
        """
        return self._run(inputs)

    def _run(self, inputs: tuple[Any, ...], **mode: Any) -> Any:
        self._recorded = None
        arguments = [*inputs, *(getattr(self, role) for role in self.roles)]
        if any(isinstance(x, Handle) for x in arguments):
            return self.function(*arguments, **mode)
        leaves = [leaf(x) for x in arguments]
        with Switch(record=True):
            out = self.function(*leaves, **mode)
        self._recorded = out, leaves[: len(inputs)], leaves[len(inputs) :]
        return array_or_number(out)

    def backward(self, dout: Any = 1) -> Any:
        """The gradient of the input, or of the inputs, from `dout`, that of the result; and `dW` for every parameter `W`.

        Raises RuntimeError before a `forward`, ValueError if dout has not the shape of the result, TypeError if it is not real.
        """
        name = type(self).__name__
        if self._recorded is None:
            raise explain(
                RuntimeError(
                    f"{name}.backward needs a forward before it, on arrays: on Tensors call backward() of the loss"
                ),
                f"{name}.backward: 먼저 배열로 forward를 호출해야 합니다. Tensor로 계산했다면 손실의 backward()를 호출하십시오.",
            )
        out, inputs, parameters = self._recorded
        dout = np.asarray(as_operand(dout, f"{name}.backward"), out.dtype)
        if dout.shape != out.shape:
            raise explain(
                ValueError(f"{name}.backward: dout has shape {dout.shape}, but the result of forward {out.shape}"),
                f"{name}.backward: dout의 형상은 {dout.shape}인데 forward 결과의 형상은 {out.shape}입니다.",
            )
        found = [array_or_number(g) for g in grad(out, [*inputs, *parameters], dout, allow_unused=True)]
        for role, g in zip(self.roles, found[len(inputs) :], strict=True):
            setattr(self, f"d{role}", g)
        return found[0] if len(inputs) == 1 else tuple(found[: len(inputs)])

    def __getstate__(self) -> dict[str, Any]:
        """A copy, or a pickle, begins without a forward: a graph has no copy."""
        return {name: value for name, value in vars(self).items() if name != "_recorded"}


def leaf(x: Any) -> Tensor:
    """A Tensor of an array or a number, which requires a gradient: floats keep their dtype."""
    array = np.asarray(x)
    return Tensor(array, requires_grad=True, dtype=None if array.dtype.kind == "f" else float)


def array_or_number(y: Tensor) -> Any:
    """What a Tensor holds, as the book has it."""
    return y.numpy() if y.shape else y.item()


class MulLayer(Layer):
    """x * y: the gradient of each is dout times the other.

    >>> apple, tax = MulLayer(), MulLayer()
    >>> price = tax.forward(apple.forward(100, 2), 1.1)
    >>> round(price, 10)
    220.0
    >>> dprice, dtax = tax.backward(1)
    >>> dprice, dtax, [round(g, 10) for g in apple.backward(dprice)]
    (1.1, 200.0, [2.2, 110.0])
    """

    def function(self, x: Any, y: Any) -> Any:
        return multiply(x, y)


class AddLayer(Layer):
    """x + y: the gradient of each is dout."""

    def function(self, x: Any, y: Any) -> Any:
        return add(x, y)


class Relu(Layer):
    """The larger of x and 0."""

    def function(self, x: Any) -> Any:
        return relu(x)


class Sigmoid(Layer):
    """1 / (1 + exp(-x))."""

    def function(self, x: Any) -> Any:
        return sigmoid(x)


class Affine(Layer):
    """x @ W + b with the arrays W (n, m) and b (m,): from (batch, n) to (batch, m). A batch of images is flattened, and its gradient has
    the shape of the images.

    The arrays are those of the caller: `params["W1"] -= lr * layer.dW` changes what the layer computes with.

    >>> layer = Affine(np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros(2))
    >>> layer.forward(np.array([[1.0, 1.0]]))
    array([[4., 6.]])
    >>> layer.backward(np.array([[1.0, 0.0]]))
    array([[1., 3.]])
    >>> layer.dW, layer.db
    (array([[1., 0.],
           [1., 0.]]), array([1., 0.]))
    """

    roles = ("W", "b")

    def __init__(self, W: Any, b: Any) -> None:
        self.W, self.b = W, b
        self.dW: Any = None
        self.db: Any = None

    def function(self, x: Any, W: Any, b: Any) -> Any:
        return affine(reshape(x, (x.shape[0], -1)) if x.ndim > 2 else x, W, b)


def flat_labels(t: Any, scores: Any) -> Any:
    """The targets of scores; labels in a column, as the book's gradient check has them, in a row."""
    column = np.ndim(t) == 2 and np.shape(t)[1] == 1 != scores.shape[-1] and np.asarray(t).dtype.kind in "iu"
    return np.asarray(t)[:, 0] if column else t


class SoftmaxWithLoss(Layer):
    """Softmax and cross entropy in one: `forward(x, t)` is the mean loss of scores (batch, classes), t labels or one-hot rows;
    `backward()` gives (y - t) / batch. Afterwards `y` has the probabilities.

    The loss is exact, computed from the scores (the book adds 1e-7 in the logarithm).

    >>> layer = SoftmaxWithLoss()
    >>> layer.forward(np.array([[0.0, 0.0], [1000.0, 0.0]]), np.array([1, 0]))
    0.34657359027997264
    >>> layer.backward()
    array([[ 0.25, -0.25],
           [ 0.  ,  0.  ]])
    """

    loss: Any = None
    y: Any = None
    t: Any = None

    def function(self, x: Any) -> Any:
        return softmax_cross_entropy(x, flat_labels(self.t, x))

    def forward(self, x: Any, t: Any) -> Any:
        self.t = t
        self.loss = self._run((x,))
        self.y = softmax(x)
        return self.loss


class Dropout(Layer):
    """In training each number is set to 0 with probability `dropout_ratio`; afterwards all are multiplied by 1 - dropout_ratio. (The layer
    `nn.Dropout` divides in training instead.) The random numbers obey np.random.seed. Raises ValueError unless the ratio is in [0, 1).

    >>> np.random.seed(0)
    >>> layer = Dropout(0.5)
    >>> layer.forward(np.ones(6)), layer.backward(np.ones(6))
    (array([1., 1., 1., 1., 0., 1.]), array([1., 1., 1., 1., 0., 1.]))
    >>> layer.forward(np.ones(6), train_flg=False)
    array([0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    """

    def __init__(self, dropout_ratio: float = 0.5) -> None:
        require_below_1("Dropout: ", dropout_ratio=dropout_ratio)
        self.dropout_ratio = dropout_ratio
        self.mask: Any = None

    def forward(self, x: Any, train_flg: bool = True) -> Any:
        return self._run((x,), train_flg=train_flg)

    def function(self, x: Any, train_flg: bool = True) -> Any:
        if not train_flg:
            return x * (1 - self.dropout_ratio)
        _refuse_traced(self, x)
        self.mask = generator(None).random(x.shape) > self.dropout_ratio
        return thinned(x, self.mask, scale=1)


class BatchNormalization(Layer):
    """gamma * (x - mean) / sqrt(variance + 1e-6) + beta, for each feature of (batch, features); of images each pixel is a feature.

    In training mean and variance are those of the batch, and running averages of both move: running = momentum * running +
    (1 - momentum) * batch, the variance divided by the batch size. With `train_flg=False` the running averages take their place. (The
    layer `nn.BatchNorm` normalizes each channel, and averages the unbiased variance.)

    >>> layer = BatchNormalization(np.ones(1), np.zeros(1))
    >>> layer.forward(np.array([[1.0], [3.0]])).round(3)
    array([[-1.],
           [ 1.]])
    >>> layer.running_mean, layer.running_var
    (array([0.2]), array([0.1]))
    """

    roles = ("gamma", "beta")
    eps = 1e-6

    def __init__(
        self, gamma: Any, beta: Any, momentum: float = 0.9, running_mean: Any = None, running_var: Any = None
    ) -> None:
        require_below_1("BatchNormalization: ", momentum=momentum)
        self.gamma, self.beta, self.momentum = gamma, beta, momentum
        self.running_mean, self.running_var = running_mean, running_var
        self.dgamma: Any = None
        self.dbeta: Any = None

    def forward(self, x: Any, train_flg: bool = True) -> Any:
        return self._run((x,), train_flg=train_flg)

    def function(self, x: Any, gamma: Any, beta: Any, train_flg: bool = True) -> Any:
        rows = reshape(x, (x.shape[0], -1) if x.ndim > 1 else (1, -1))
        start = np.zeros(rows.shape[1])
        mean, var = (start, start) if self.running_mean is None else (self.running_mean, self.running_var)
        _require_of_each_feature(rows, gamma=gamma, beta=beta, running_mean=mean, running_var=var)
        if train_flg:
            _refuse_traced(self, x)
            out = standardized_channels(rows, gamma, beta, eps=self.eps)
            batch = as_plain_array(rows, "BatchNormalization")
            old, new = self.momentum, 1 - self.momentum
            self.running_mean = old * mean + new * batch.mean(axis=0)
            self.running_var = old * var + new * batch.var(axis=0)
        else:
            out = normalized_by(rows, mean, var, gamma, beta, self.eps)
        return reshape(out, x.shape)


def _require_of_each_feature(rows: Any, **given: Any) -> None:
    """Raise ValueError unless there is a number for each feature, a column of the rows."""
    for name, array in given.items():
        if np.shape(array) != rows.shape[1:]:
            raise explain(
                ValueError(
                    f"BatchNormalization: x has {rows.shape[1]} features, so {name} needs shape {rows.shape[1:]}, not {np.shape(array)}"
                ),
                f"BatchNormalization: x의 특성은 {rows.shape[1]}개이므로 {name}에 필요한 형상은 {rows.shape[1:]}입니다. "
                f"받은 형상: {np.shape(array)}",
            )


def _refuse_traced(layer: Layer, x: Any) -> None:
    """A layer that draws or averages at each call cannot be compiled: what it keeps is no Tensor, and would stay as it was."""
    if is_traced(x.stable_array() if isinstance(x, Handle) else x):
        name = type(layer).__name__
        raise explain(
            TypeError(f"nn.book.{name} cannot be compiled in training: take nn.{_OURS[name]} in a Module"),
            f"nn.book.{name} 계층은 학습하는 동안 컴파일할 수 없습니다. 모듈 안에서 nn.{_OURS[name]} 계층을 쓰십시오.",
        )


_OURS = {"Dropout": "Dropout", "BatchNormalization": "BatchNorm"}


class Convolution(Layer):
    """The convolution of images (batch, channels, height, width) with the filters W (number, channels, height, width), plus b: to (batch,
    number, ...). `stride` is how far apart the windows are, `pad` how many pixels of 0 are put around an image.

    >>> layer = Convolution(np.ones((1, 1, 2, 2)), np.zeros(1))
    >>> layer.forward(np.arange(9.0).reshape(1, 1, 3, 3))
    array([[[[ 8., 12.],
             [20., 24.]]]])
    >>> layer.backward(np.ones((1, 1, 2, 2)))[0, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """

    roles = ("W", "b")

    def __init__(self, W: Any, b: Any, stride: int = 1, pad: int = 0) -> None:
        self.W, self.b, self.stride, self.pad = W, b, stride, pad
        self.dW: Any = None
        self.db: Any = None

    def function(self, x: Any, W: Any, b: Any) -> Any:
        if not np.shape(b):  # one number for all filters
            b = broadcast_to(b, W.shape[:1])
        return conv2d(x, W, b, self.stride, self.pad)


class Pooling(Layer):
    """The largest number of each window of pool_h x pool_w pixels, `stride` apart. Equal ones share the gradient equally (the
    book gives all of it to the first).

    >>> layer = Pooling(2, 2, stride=2)
    >>> layer.forward(np.array([[[[1.0, 5.0], [3.0, 4.0]]]]))
    array([[[[5.]]]])
    """

    def __init__(self, pool_h: int, pool_w: int, stride: int = 2, pad: int = 0) -> None:
        self.pool_h, self.pool_w, self.stride, self.pad = pool_h, pool_w, stride, pad

    def function(self, x: Any) -> Any:
        return max_pool2d(x, (self.pool_h, self.pool_w), self.stride, self.pad)
