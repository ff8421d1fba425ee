"""What is computed, the same for every contender: networks and chains of small operations, and their data."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Layers = list[tuple[Array, Array]]

LEARNING_RATE = 0.01


@dataclass(frozen=True)
class Network:
    """Affine layers with an activation between them, softmax and cross entropy; random images and labels.

    >>> Network((784, 50, 10), "sigmoid", batch=100, dtype="float32").title
    '784-50-10 sigmoid, batch 100, float32'
    """

    sizes: tuple[int, ...]
    activation: str
    batch: int
    dtype: Literal["float32", "float64"]

    @property
    def title(self) -> str:
        return f"{'-'.join(map(str, self.sizes))} {self.activation}, batch {self.batch}, {self.dtype}"

    def images_and_labels(self) -> tuple[Array, Array]:
        """Pixels in [0, 1) of shape (batch, first size), labels of shape (batch,)."""
        rng = np.random.default_rng(0)
        return rng.random((self.batch, self.sizes[0]), self.dtype), rng.integers(0, self.sizes[-1], self.batch)

    def layers(self) -> Layers:
        """Fresh weights and biases, the same at every call."""
        rng = np.random.default_rng(1)
        made = []
        for fan_in, fan_out in zip(self.sizes, self.sizes[1:], strict=False):
            W = rng.standard_normal((fan_in, fan_out), self.dtype)
            W *= (2 / fan_in) ** 0.5
            made.append((W, np.zeros(fan_out, self.dtype)))
        return made

    def parameters_and_gradients(self) -> tuple[list[Array], list[Array]]:
        """The weights and biases, and as many random numbers in their shapes."""
        arrays, rng = [p for layer in self.layers() for p in layer], np.random.default_rng(2)
        return arrays, [np.asarray(rng.standard_normal(p.shape, self.dtype)) for p in arrays]


@dataclass(frozen=True)
class ConvNetwork:
    """The book's convolutional network on random images: convolution, relu, the largest of 2 x 2, two affine layers.

    Whether relu comes before the largest or, with a quarter of the work, after it makes no difference to any value or gradient.

    >>> ConvNetwork().title
    'conv net 28x28, 30 of 5x5, 100-10, relu after pooling, batch 100, float32'
    """

    side: int = 28
    filters: int = 30
    size: int = 5
    hidden: int = 100
    classes: int = 10
    batch: int = 100
    dtype: Literal["float32", "float64"] = "float32"
    relu: Literal["before", "after"] = "after"

    @property
    def title(self) -> str:
        sides, sizes = f"{self.side}x{self.side}", f"{self.size}x{self.size}"
        layers = f"{self.filters} of {sizes}, {self.hidden}-{self.classes}"
        return f"conv net {sides}, {layers}, relu {self.relu} pooling, batch {self.batch}, {self.dtype}"

    @property
    def pooled(self) -> int:
        """The height and width of the images after the pooling."""
        return (self.side - self.size + 1) // 2

    def images_and_labels(self) -> tuple[Array, Array]:
        """Pixels in [0, 1) of shape (batch, 1, side, side), labels of shape (batch,)."""
        rng = np.random.default_rng(0)
        images = rng.random((self.batch, 1, self.side, self.side), self.dtype)
        return images, rng.integers(0, self.classes, self.batch)

    def parameters(self) -> list[Array]:
        """Fresh kernels (filters, 1, size, size), weights (inputs, outputs) and biases, the same at every call."""
        rng = np.random.default_rng(1)
        shapes = (
            (self.filters, 1, self.size, self.size),
            (self.filters * self.pooled**2, self.hidden),
            (self.hidden, self.classes),
        )
        made = []
        for shape in shapes:
            fan_in, fan_out = (shape[0], shape[1]) if len(shape) == 2 else (self.size**2, shape[0])
            W = rng.standard_normal(shape, self.dtype)
            W *= (2 / fan_in) ** 0.5
            made += [W, np.zeros(fan_out, self.dtype)]
        return made


@dataclass(frozen=True)
class Residual:
    """A residual network on random images: a convolution and a block for each number of channels, each of two convolutions, whose result
    is added to what went in; the means of the images, and an affine layer. All kernels are 3 x 3, and a batch_norm follows each. A block
    after the first halves the sides, and takes what went in through kernels of 1 x 1. Source: He et al. (2016), without the repetitions.

    >>> Residual().title
    'ResNet 32x32, 16-32-64, batch 32, float32'
    """

    side: int = 32
    channels: tuple[int, ...] = (16, 32, 64)
    classes: int = 10
    batch: int = 32
    dtype: Literal["float32", "float64"] = "float32"

    @property
    def title(self) -> str:
        return f"ResNet {self.side}x{self.side}, {'-'.join(map(str, self.channels))}, batch {self.batch}, {self.dtype}"

    def images_and_labels(self) -> tuple[Array, Array]:
        """Numbers of shape (batch, 3, side, side), labels of shape (batch,)."""
        rng = np.random.default_rng(0)
        images = rng.standard_normal((self.batch, 3, self.side, self.side), self.dtype)
        return images, rng.integers(0, self.classes, self.batch)

    def parameters(self) -> list[Array]:
        """Kernels, scale and shift of the first convolution, and of the two of each block, kernels of 1 x 1 before them where there are
        any; weights and biases.
        """
        rng = np.random.default_rng(1)

        def random(*shape: int) -> Array:
            W = rng.standard_normal(shape, self.dtype)
            W *= (2 / math.prod(shape[1:])) ** 0.5
            return W

        def normed(before: int, after: int) -> list[Array]:
            return [random(after, before, 3, 3), np.ones(after, self.dtype), np.zeros(after, self.dtype)]

        first, last = self.channels[0], self.channels[-1]
        made = [*normed(3, first), *normed(first, first), *normed(first, first)]
        for before, after in pairwise(self.channels):
            made += [random(after, before, 1, 1), *normed(before, after), *normed(after, after)]
        return [*made, random(last, self.classes), np.zeros(self.classes, self.dtype)]


@dataclass(frozen=True)
class Recurrent:
    """A layer of long short-term memory or of gated recurrent units on random sequences; the loss is half the mean square of its outputs.

    With `step_by_step` we write it as what happens at each moment, others as before.

    >>> Recurrent().title
    'LSTM 128-128, T 64, batch 16, float32'
    """

    cell: Literal["LSTM", "GRU"] = "LSTM"
    inputs: int = 128
    hidden: int = 128
    steps: int = 64
    batch: int = 16
    dtype: Literal["float32", "float64"] = "float32"
    step_by_step: bool = False

    @property
    def title(self) -> str:
        sizes = f"{self.inputs}-{self.hidden}, T {self.steps}, batch {self.batch}, {self.dtype}"
        return f"{self.cell} {sizes}{', step by step' * self.step_by_step}"

    def sequences(self) -> Array:
        """Numbers of shape (steps, batch, inputs)."""
        return np.random.default_rng(0).standard_normal((self.steps, self.batch, self.inputs), self.dtype)

    def parameters(self) -> list[Array]:
        """Weights of the inputs (inputs, gates * hidden), of the state (hidden, gates * hidden), and biases (gates * hidden): of the LSTM a
        quarter for each of input gate, forget gate, candidate and output gate, of the GRU a third for each of reset gate, update gate and
        candidate, in this order.
        """
        rng, size = np.random.default_rng(1), {"LSTM": 4, "GRU": 3}[self.cell] * self.hidden
        weights = [rng.standard_normal((n, size), self.dtype) for n in (self.inputs, self.hidden)]
        return [*(W / np.sqrt(len(W), dtype=self.dtype) for W in weights), np.zeros(size, self.dtype)]


@dataclass(frozen=True)
class Transformer:
    """A GPT on random text: embeddings of tokens and places, blocks of attention and two affine layers with gelu, each after a
    layer_norm and added to what went in; a last layer_norm and scores. A step is one of AdamW, after clipping.

    >>> Transformer().title
    'GPT of 4 layers, d 128, 4 heads, T 64, V 65, batch 16, float32'
    """

    layers: int = 4
    width: int = 128
    heads: int = 4
    steps: int = 64
    vocabulary: int = 65
    batch: int = 16
    dtype: Literal["float32", "float64"] = "float32"
    max_norm: float = 1.0
    learning_rate: float = 3e-4
    weight_decay: float = 0.01

    @property
    def title(self) -> str:
        sizes = f"d {self.width}, {self.heads} heads, T {self.steps}, V {self.vocabulary}"
        return f"GPT of {self.layers} layers, {sizes}, batch {self.batch}, {self.dtype}"

    def text(self) -> tuple[Array, Array]:
        """Tokens (batch, steps), and the token after each."""
        text = np.random.default_rng(0).integers(0, self.vocabulary, (self.batch, self.steps + 1))
        return np.array(text[:, :-1]), np.array(text[:, 1:])

    def parameters(self) -> list[Array]:
        """The tables of tokens and places; twelve of each block: scale and shift, queries with keys and values, the way out,
        scale and shift, the two affine layers; and of the end: scale and shift, and the scores' weights and biases.
        """
        rng, d = np.random.default_rng(1), self.width

        def affine(fan_in: int, fan_out: int) -> list[Array]:
            W = rng.standard_normal((fan_in, fan_out), self.dtype) / np.sqrt(fan_in, dtype=self.dtype)
            return [W, np.zeros(fan_out, self.dtype)]

        def norm() -> list[Array]:
            return [np.ones(d, self.dtype), np.zeros(d, self.dtype)]

        made = [rng.standard_normal((n, d), self.dtype) for n in (self.vocabulary, self.steps)]
        for _ in range(self.layers):
            made += [*norm(), *affine(d, 3 * d), *affine(d, d), *norm(), *affine(d, 4 * d), *affine(4 * d, d)]
        return [*made, *norm(), *affine(d, self.vocabulary)]


STEPS = (  # each network with the bar: times the hand-written step
    (Network((784, 50, 10), "sigmoid", 100, "float32"), 1.15),
    (Network((784, 50, 10), "sigmoid", 100, "float64"), 1.10),
    (Network((784, 100, 10), "sigmoid", 100, "float32"), 1.12),
    (Network((784, 100, 10), "sigmoid", 100, "float64"), 1.08),
    (Network((784, 100, 10), "relu", 256, "float32"), 1.05),
    (Network((784, 100, 10), "relu", 256, "float64"), 1.05),
    (Network((784, 256, 128, 10), "relu", 256, "float32"), 1.03),
    (Network((784, 256, 128, 10), "relu", 256, "float64"), 1.06),
)
CONVOLUTIONS = (
    (ConvNetwork(), 1.15),
    (ConvNetwork(dtype="float64"), 1.15),
    (ConvNetwork(relu="before"), 1.00),
    (ConvNetwork(dtype="float64", relu="before"), 1.10),
)
RESIDUALS = ((Residual(), 1.20), (Residual(dtype="float64"), 1.20))  # the bar: times PyTorch's step
RECURRENT = (
    (Recurrent(), 1.20),
    (Recurrent(step_by_step=True), None),
    (Recurrent("GRU"), 1.20),
)
TRANSFORMER = Transformer()
PARAMETERS = Network((784, 256, 128, 10), "relu", 256, "float32")  # what the steps of optimizers move
OPTIMIZERS: dict[str, dict[str, float]] = {
    "SGD": {"lr": 0.01},
    "Momentum": {"lr": 0.01, "momentum": 0.9},
    "Adam": {"lr": 0.001},
    "AdamW": {"lr": 0.001, "weight_decay": 0.01},
}
DEEP = Network((1024,) * 21, "relu", 256, "float32")  # 20 layers: what a step holds in memory
WIDE = Network(
    (256,) * 21, "relu", 4096, "float32"
)  # 20 layers again, with more numbers in a batch than in the weights
SMALL = Network((784, 50, 10), "sigmoid", 100, "float64")  # 39,760 parameters: backprop against differences

CHAINS = ("multiply, add, tanh", "sin, exp, log")  # three recorded operations each, again and again


def chain_inputs(shape: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """x, w and b of a chain: v = tanh(v * w + b), or v = log(exp(sin(v))).

    With |w| = 1 and b = 0, values and gradients fade slowly however long the chain is: nothing overflows,
    nothing is denormal.
    """
    x = np.linspace(0.5, 0.9, 4)
    w = np.array([1.0, -1.0, 1.0, -1.0])
    b = np.zeros(4)
    return (x, w, b) if shape else (np.array(0.5), np.array(-1.0), np.array(0.0))


@dataclass(frozen=True)
class Lookup:
    """Rows of a table (or numbers of a list, without a width) that are looked up by random ids, many of them repeated.

    >>> Lookup(10_000, 64, 50_000, "float32").title
    '50,000 of 10,000 x 64, float32'
    """

    rows: int
    width: int | None
    count: int
    dtype: Literal["float32", "float64"]

    @property
    def title(self) -> str:
        return f"{self.count:,} of {self.rows:,}{f' x {self.width}' if self.width else ''}, {self.dtype}"

    def inputs(self) -> tuple[Array, Array, Array]:
        """The table, the ids (small ones more often, as words are), and the gradient of what is looked up."""
        rng = np.random.default_rng(0)
        width = (self.width,) if self.width else ()
        ids = (self.rows * rng.random(self.count) ** 2).astype(np.int64)
        return (
            rng.standard_normal((self.rows, *width), self.dtype),
            ids,
            rng.standard_normal((self.count, *width), self.dtype),
        )


LOOKUPS = tuple(
    Lookup(10_000, width, count, dtype)
    for width, counts in ((64, (1_000, 10_000, 50_000)), (None, (1_000, 50_000)))
    for count in counts
    for dtype in ("float32", "float64")
)


@dataclass(frozen=True)
class Formula:
    """exp(x - log(r)) / r^2 with r = sqrt((x tanh(x w + b))^2 + 1), written as twelve operations, and the sum of all.

    >>> Formula("float32").title
    '12 ops and a sum on 4,000,000 numbers, float32'
    """

    dtype: Literal["float32", "float64"]
    count: int = 4_000_000

    @property
    def title(self) -> str:
        return f"12 ops and a sum on {self.count:,} numbers, {self.dtype}"

    def inputs(self) -> tuple[Array, Array, Array]:
        """x, w and b, all of one length."""
        rng = np.random.default_rng(0)
        x, w, b = (rng.standard_normal(self.count, self.dtype) for _ in range(3))
        return x, w, b


FORMULAS = (Formula("float32"), Formula("float64"))
