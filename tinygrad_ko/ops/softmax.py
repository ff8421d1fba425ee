"""Scores into probabilities, along one axis, and the logarithms of both, without overflow."""

from tinygrad_ko.arrays import floating, quiet
from tinygrad_ko.ops.elementwise import exp
from tinygrad_ko.ops.reduction import remaining, stretch, sum
from tinygrad_ko.primitive import op


@op(x=lambda g, out, axis: out * (g - sum(g * out, axis=axis, keepdims=True)))
def softmax(xp, x, /, axis=-1):
    """exp(x) / sum(exp(x)) along an axis (or a tuple of axes, or None for all), in the shape of x; no score is too large.

    >>> import tinygrad_ko as tg
    >>> tg.softmax([1010.0, 1000.0, 990.0])
    array([9.99954600e-01, 4.53978686e-05, 2.06106005e-09])
    """
    x = floating(x)
    e = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    return e / xp.sum(e, axis=axis, keepdims=True)


@op(x=lambda g, out, axis: g - exp(out) * sum(g, axis=axis, keepdims=True))
def log_softmax(xp, x, /, axis=-1):
    """The logarithm of softmax."""
    x = floating(x)
    shifted = x - xp.max(x, axis=axis, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))


@op(x=lambda g, x, axis: stretch(g, x.shape, axis) * softmax(x, axis=axis))
def logsumexp(xp, x, /, axis=None, keepdims=False):
    """log(sum(exp(x))), without overflow.

    Its slope is the softmax, and not exp(x - out): with a large output, that would lose as many digits as it has before the point.
    """
    x = floating(x)
    largest = xp.max(x, axis=axis, keepdims=True)
    largest = xp.where(xp.isfinite(largest), largest, xp.zeros_like(largest))
    with quiet(divide="ignore"):  # the log of 0 is -inf, as it should be
        total = xp.log(xp.sum(xp.exp(x - largest), axis=axis, keepdims=True)) + largest
    return total if keepdims else xp.reshape(total, remaining(x.shape, axis))
