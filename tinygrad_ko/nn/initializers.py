"""Initializers of weights: each takes the shape (inputs, outputs) and a source of random numbers, and returns a float64
array. And the check of the sizes of a layer, from which such shapes are made.
"""

from collections.abc import Callable
from math import sqrt

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.errors import explain
from tinygrad_ko.state.randomness import RandomSource

Shape = tuple[int, int]
Initializer = Callable[[Shape, RandomSource], Array]


def require_sizes(layer: str, **sizes: int) -> None:
    """Raise for a size that is not a whole number of at least 1: TypeError if it is no integer, else ValueError."""
    for name, size in sizes.items():
        whole = isinstance(size, int | np.integer)
        if not (whole and size >= 1):
            kind = ValueError if whole else TypeError
            raise explain(
                kind(f"{layer}: {name} must be a whole number of at least 1, not {size!r}"),
                f"{layer}: {name} 값은 1 이상의 정수여야 합니다. 받은 값: {size!r}",
            )


def normal(std: float = 0.01) -> Initializer:
    """Normal numbers with a given standard deviation, 0.01 in the book's first networks."""
    return lambda shape, source: std * source.standard_normal(shape)


def xavier(shape: Shape, source: RandomSource) -> Array:
    """Normal with variance 1 / inputs, for sigmoid and tanh. Source: Glorot and Bengio (2010), in the book's simplified form."""
    return source.standard_normal(shape) / sqrt(shape[0])


def he(shape: Shape, source: RandomSource) -> Array:
    """Normal with variance 2 / inputs, for relu. Source: He, Zhang, Ren and Sun (2015)."""
    return source.standard_normal(shape) * sqrt(2 / shape[0])
