"""The logistic function, and softmax and log-sum-exp with SciPy's arguments."""

import math

from tinygrad_ko.arrays.library import quiet
from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.elementwise import abs, exp, log, sign, where
from tinygrad_ko.ops.inputs import as_floating, as_operand, in_float32, namespace_of, unwrapped
from tinygrad_ko.ops.networks.softmax import log_softmax as log_softmax_along
from tinygrad_ko.ops.networks.softmax import logsumexp as logsumexp_along
from tinygrad_ko.ops.networks.softmax import softmax as softmax_along
from tinygrad_ko.ops.reduction import sum
from tinygrad_ko.ops.shape import squeeze
from tinygrad_ko.ops.special.scipys import scipys

_REACH = 700  # exp of a number up to this is a number


@op(x=lambda g, out, x: g * (out * expit(-x)))
def expit(xp, x):
    """The logistic sigmoid, 1 / (1 + exp(-x))."""
    return scipys(xp, "expit", x)


@op(x=lambda g, x: g * expit(-x))
def log_expit(xp, x):
    """log(expit(x)), with all its digits far above and below 0."""
    return scipys(xp, "log_expit", x)


def softmax(x, axis=None):
    """exp(x) / sum(exp(x)), by default over all axes. (That of `tg.softmax` is over the last one.)"""
    return softmax_along(x, axis=axis)


def log_softmax(x, axis=None):
    """The logarithm of softmax, by default over all axes."""
    return log_softmax_along(x, axis=axis)


@in_float32
def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    """log(sum(b * exp(a))), without overflow; a and b broadcast, and without b it is log(sum(exp(a))). Gradients go to both. Of a negative
    sum the logarithm is NaN; with return_sign=True it is that of the absolute value, and comes with the sign: a pair.

    >>> import tinygrad_ko as tg
    >>> round(float(tg.special.logsumexp([1000.0, 1000.0], b=[1.0, 3.0]) - 1000), 9)  # log(4)
    1.386294361
    """
    if b is None and not return_sign:
        return logsumexp_along(a, axis=axis, keepdims=keepdims)
    a = as_floating(a, "logsumexp")
    b = as_operand(1.0 if b is None else b, "logsumexp")
    xp = namespace_of(a)
    largest = _largest(xp, unwrapped(a), unwrapped(b), axis)
    # What has no weight may be as large as it likes.
    too_large = (unwrapped(b) == 0) & (unwrapped(a) - largest > _REACH)
    total = sum(b * exp(where(too_large, 0, a - largest)), axis=axis, keepdims=True)
    with quiet(divide="ignore", invalid="ignore"):  # the logarithm of 0 is -inf, that of a negative sum NaN
        out = log(abs(total) if return_sign else total) + largest
    results = [x if keepdims else squeeze(x, axis) for x in ((out, sign(total)) if return_sign else (out,))]
    return tuple(results) if return_sign else results[0]


def _largest(xp, a, b, axis):
    """The largest of the finite numbers whose weight is not 0: taken away before exp, and added after log."""
    a = a + xp.zeros_like(b)
    taken = xp.where((b != 0) & xp.isfinite(a), a, -math.inf)
    largest = xp.max(taken, axis=axis, keepdims=True)
    return xp.where(xp.isfinite(largest), largest, 0)
