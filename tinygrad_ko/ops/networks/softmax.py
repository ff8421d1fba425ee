"""Softmax, its logarithm and log-sum-exp, without overflow.

Equal scores have equal probabilities, also where they are infinite: of scores that are all -inf each gets 1 / n, and where some are inf
these share it all.
"""

from tinygrad_ko.arrays.library import namespace, quiet
from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.elementwise import exp
from tinygrad_ko.ops.reduction import reduced_shape, stretch, sum


@op(x=lambda g, out, axis: out * (g - sum(g * out, axis=axis, keepdims=True)))
def softmax(xp, x, /, axis=-1):
    """exp(x) / sum(exp(x)) along an axis (or a tuple of axes, or None for all), in the shape of x; no score is too large. Scores of -inf
    alone get 1 / n each, and scores of inf share 1 among them, as the largest do in the limit.

    >>> import tinygrad_ko as tg
    >>> tg.softmax([1010.0, 1000.0, 990.0])
    array([9.99954600e-01, 4.53978686e-05, 2.06106005e-09])
    >>> tg.softmax([[float("-inf"), float("-inf")], [float("inf"), 0.0]])
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    x = floating(x)
    e = xp.exp(below_largest(x, xp.max(x, axis=axis, keepdims=True)))
    e /= xp.sum(e, axis=axis, keepdims=True)
    return e


@opaque
def below_largest(x, largest):
    """x - largest, and 0 where both are the same infinity."""
    xp = namespace(x, largest)
    if not xp.count_nonzero(xp.isinf(largest)):
        return x - largest
    with quiet(invalid="ignore"):  # inf - inf is not what is taken
        return xp.where(x == largest, 0, x - largest)


@op(x=lambda g, out, axis: g - exp(out) * sum(g, axis=axis, keepdims=True))
def log_softmax(xp, x, /, axis=-1):
    """The logarithm of softmax: of scores of -inf alone it is -log(n)."""
    x = floating(x)
    shifted = below_largest(x, xp.max(x, axis=axis, keepdims=True))
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))


@op(x=lambda g, x, axis: stretch(g, x.shape, axis) * softmax(x, axis=axis))
def logsumexp(xp, x, /, axis=None, keepdims=False):
    """log(sum(exp(x))), without overflow. The derivative is the softmax, also at infinities: equal ones share the gradient equally, as in
    `logaddexp`.

    (It is not taken to be exp(x - out): with a large output, that would lose as many digits as it has before the point.)
    """
    x = floating(x)
    largest = xp.max(x, axis=axis, keepdims=True)
    total = xp.log(xp.sum(xp.exp(below_largest(x, largest)), axis=axis, keepdims=True)) + largest
    return total if keepdims else xp.reshape(total, reduced_shape(x.shape, axis))
