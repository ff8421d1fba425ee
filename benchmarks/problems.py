"""What is computed, the same for every contender: networks and chains of small operations, and their data."""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class ConvNetwork:
    """The book's convolutional network on random images: convolution, relu, the largest of 2 x 2, two affine layers.

    >>> ConvNetwork().title
    'conv net 28x28, 30 of 5x5, 100-10, batch 100, float32'
    """

    side: int = 28
    filters: int = 30
    size: int = 5
    hidden: int = 100
    classes: int = 10
    batch: int = 100
    dtype: Literal["float32", "float64"] = "float32"

    @property
    def title(self) -> str:
        sides, sizes = f"{self.side}x{self.side}", f"{self.size}x{self.size}"
        layers = f"{self.filters} of {sizes}, {self.hidden}-{self.classes}"
        return f"conv net {sides}, {layers}, batch {self.batch}, {self.dtype}"

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


STEPS = (  # each network with the bar: times the hand-written step
    (Network((784, 50, 10), "sigmoid", 100, "float32"), 1.10),
    (Network((784, 50, 10), "sigmoid", 100, "float64"), 1.10),
    (Network((784, 100, 10), "relu", 256, "float32"), 1.05),
    (Network((784, 100, 10), "relu", 256, "float64"), 1.05),
    (Network((784, 256, 128, 10), "relu", 256, "float32"), 1.05),
    (Network((784, 256, 128, 10), "relu", 256, "float64"), 1.05),
)
CONVOLUTIONS = ((ConvNetwork(), 1.15), (ConvNetwork(dtype="float64"), 1.15))
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
