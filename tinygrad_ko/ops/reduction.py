"""Many numbers into one: the gradient is stretched back over the numbers it was reduced from.

`axis` is None (all), an int or a tuple of ints, negative ones count from the end; with `keepdims` the reduced axes
stay, with length 1.
"""

from math import prod

from tinygrad_ko.arrays import floating, quiet
from tinygrad_ko.ops.elementwise import exp, where
from tinygrad_ko.ops.shape import broadcast_to, reshape
from tinygrad_ko.primitive import op


@op(x=lambda g, x_shape, axis: stretch(g, x_shape, axis))
def sum(xp, x, /, axis=None, keepdims=False):
    """The sum."""
    return xp.sum(x, axis=axis, keepdims=keepdims)


@op(x=lambda g, x_shape, axis: stretch(g * (1 / (count(x_shape, axis) or 1)), x_shape, axis))
def mean(xp, x, /, axis=None, keepdims=False):
    """The mean."""
    return xp.mean(x, axis=axis, keepdims=keepdims)


@op(x=lambda g, x, out, axis: split_among(x == stretch(out, x.shape, axis), g, axis))
def max(xp, x, /, axis=None, keepdims=False):
    """The largest. Equal ones share the gradient equally."""
    return xp.max(x, axis=axis, keepdims=keepdims)


@op(x=lambda g, x, out, axis: split_among(x == stretch(out, x.shape, axis), g, axis))
def min(xp, x, /, axis=None, keepdims=False):
    """The smallest. Equal ones share the gradient equally."""
    return xp.min(x, axis=axis, keepdims=keepdims)


@op(x=lambda g, x, out, axis: stretch(g, x.shape, axis) * exp(x - stretch(out, x.shape, axis)))
def logsumexp(xp, x, /, axis=None, keepdims=False):
    """log(sum(exp(x))), without overflow."""
    x = floating(x)
    largest = xp.max(x, axis=axis, keepdims=True)
    largest = xp.where(xp.isfinite(largest), largest, xp.zeros_like(largest))
    with quiet(divide="ignore"):  # the log of 0 is -inf, as it should be
        total = xp.log(xp.sum(xp.exp(x - largest), axis=axis, keepdims=True)) + largest
    return total if keepdims else total.reshape(remaining(x.shape, axis))


def stretch(g, shape, axis):
    """Undo a reduction: put the reduced axes back and repeat along them."""
    return broadcast_to(reshape(g, with_ones(shape, axis)), shape)


def split_among(chosen, g, axis):
    """The gradient of a maximum, in equal parts to the elements that are the maximum."""
    ties = chosen.sum(axis=axis, keepdims=True)
    return where(chosen, stretch(g, chosen.shape, axis) / ties.astype(g.dtype), 0)


def reduced(shape, axis):
    """The reduced axes, counted from the front."""
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return {i % len(shape) for i in axes} if shape else set()


def with_ones(shape, axis):
    """The shape after a reduction that keeps the axes."""
    axes = reduced(shape, axis)
    return tuple([1 if i in axes else n for i, n in enumerate(shape)])


def remaining(shape, axis):
    """The shape after a reduction that drops the axes."""
    axes = reduced(shape, axis)
    return tuple([n for i, n in enumerate(shape) if i not in axes])


def count(shape, axis):
    """How many numbers are reduced into one."""
    return prod([shape[i] for i in reduced(shape, axis)])
