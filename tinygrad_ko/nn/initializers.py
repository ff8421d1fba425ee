"""First values for weights. Each takes the shape (inputs, outputs) and a source of random numbers, and returns a
float64 array.
"""

from collections.abc import Callable
from math import sqrt

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.state.randomness import RandomSource

Shape = tuple[int, int]
Initializer = Callable[[Shape, RandomSource], Array]


def normal(std: float = 0.01) -> Initializer:
    """Normal numbers with a given standard deviation, 0.01 in the book's first networks."""
    return lambda shape, source: std * source.standard_normal(shape)


def xavier(shape: Shape, source: RandomSource) -> Array:
    """Normal with variance 1 / inputs, for sigmoid and tanh. Source: Glorot and Bengio (2010), in the book's
    simplified form.
    """
    return source.standard_normal(shape) / sqrt(shape[0])


def he(shape: Shape, source: RandomSource) -> Array:
    """Normal with variance 2 / inputs, for relu. Source: He, Zhang, Ren and Sun (2015)."""
    return source.standard_normal(shape) * sqrt(2 / shape[0])
