"""Softmax, its logarithm and log-sum-exp, without overflow.

Equal scores have equal probabilities, also where they are infinite: of scores that are all -inf each gets 1 / n, and where some are inf
these share it all.
"""

from math import inf

from tinygrad_ko.arrays.library import quiet, shape
from tinygrad_ko.arrays.opaque import may_alias, opaque
from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.arrays.rows import row_sums
from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.elementwise import exp
from tinygrad_ko.ops.linalg.products import dots
from tinygrad_ko.ops.reduction import reduced_shape, stretch, sum

REACH = 32  # exp of scores up to this size, and the quotient of two, are normal numbers: moved, scores would only lose digits


@op(x=lambda g, out, axis: out * (g - dots(g, out, axis)))
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
    e = xp.exp(shifted_for_exp(xp, floating(x), axis))
    e /= row_sums(xp, e, axis)
    return e


@opaque
@may_alias
def shifted_for_exp(xp, x, axis, mask=None):
    """x, less the largest score of each row whose scores exp does not take as they are. Where a mask is false no score counts. (To find the
    largest of all takes a twentieth of the time of that of each row.)
    """
    if 0 not in shape(x) and _near(xp.max(x), xp.min(x)):
        return x
    low = x if mask is None else xp.where(mask, x, inf)
    x = x if mask is None else xp.where(mask, x, -inf)
    largest, smallest = xp.max(x, axis=axis, keepdims=True), xp.min(low, axis=axis, keepdims=True)
    return below_largest(xp, x, xp.where(_near(largest, smallest), 0, largest))


def _near(largest, smallest):
    return (largest <= REACH) & (smallest >= -REACH)


@opaque
def below_largest(xp, x, largest):
    """x - largest, and 0 where both are the same infinity."""
    if not xp.count_nonzero(xp.isinf(largest)):
        return x - largest
    with quiet(invalid="ignore"):  # inf - inf is not what is taken
        return xp.where(x == largest, 0, x - largest)


@op(x=lambda g, out, axis: g - exp(out) * sum(g, axis=axis, keepdims=True))
def log_softmax(xp, x, /, axis=-1):
    """The logarithm of softmax: of scores of -inf alone it is -log(n)."""
    x = floating(x)
    shifted = below_largest(xp, x, xp.max(x, axis=axis, keepdims=True))
    return shifted - xp.log(row_sums(xp, xp.exp(shifted), axis))


@op(x=lambda g, x, axis: stretch(g, x.shape, axis) * softmax(x, axis=axis))
def logsumexp(xp, x, /, axis=None, keepdims=False):
    """log(sum(exp(x))), without overflow. The derivative is the softmax, also at infinities: equal ones share the gradient equally, as in
    `logaddexp`.

    (It is not taken to be exp(x - out): with a large output, that would lose as many digits as it has before the point.)
    """
    x = floating(x)
    largest = xp.max(x, axis=axis, keepdims=True)
    total = xp.log(row_sums(xp, xp.exp(below_largest(xp, x, largest)), axis)) + largest
    return total if keepdims else xp.reshape(total, reduced_shape(x.shape, axis))
