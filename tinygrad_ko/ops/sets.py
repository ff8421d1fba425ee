"""The different elements of an array, in rising order. NaN is different from every element, also from NaN.

The gradient of each goes to the first of the equal elements. How many there are depends on the numbers, so compiled functions refuse it.
"""

from typing import Any, NamedTuple

from tinygrad_ko.arrays.library import namespace
from tinygrad_ko.ops.indexing import take
from tinygrad_ko.ops.inputs import as_operand, gives_constants
from tinygrad_ko.ops.shape import reshape


class UniqueAll(NamedTuple):
    """The different elements, where each is first, which one each element of the array is, and how often each is there."""

    values: Any
    indices: Any
    inverse_indices: Any
    counts: Any


class UniqueCounts(NamedTuple):
    """The different elements, and how often each is there."""

    values: Any
    counts: Any


class UniqueInverse(NamedTuple):
    """The different elements, and which of them each element of the array is."""

    values: Any
    inverse_indices: Any


def unique_all(x, /):
    """The different elements of x, where in the flattened x each is first, which of them each element of x is, and how often each is there.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor([3.0, 1.0, 3.0], requires_grad=True)
    >>> unique = tg.unique_all(x)
    >>> unique.values.backward([10.0, 20.0])
    >>> x.grad, unique.counts.tolist()
    (array([20., 10.,  0.]), [1, 2])
    """
    x = as_operand(x, "unique_all")
    indices, inverse, counts = _found(x)
    return UniqueAll(take(reshape(x, (-1,)), indices), indices, inverse, counts)


def unique_counts(x, /):
    """The different elements of x, and how often each is there."""
    values, _, _, counts = unique_all(x)
    return UniqueCounts(values, counts)


def unique_inverse(x, /):
    """The different elements of x, and which of them each element of x is."""
    values, _, inverse, _ = unique_all(x)
    return UniqueInverse(values, inverse)


def unique_values(x, /):
    """The different elements of x."""
    return unique_all(x).values


@gives_constants
def _found(x):
    _, *rest = namespace(x).unique_all(x)
    return tuple(rest)
