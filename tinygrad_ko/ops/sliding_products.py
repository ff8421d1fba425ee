"""Convolution and correlation of two sequences: each is the derivative of the other."""

from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.engine.op import op


@op(a=lambda g, v: correlated(g, v), v=lambda g, a: correlated(g, a))
@opaque
def convolved(xp, a, v):
    """The sums of a[i] * v[k - i] over i, for all k at which there is a product."""
    a, v = floating(a), floating(v)
    if hasattr(xp, "convolve"):
        return xp.convolve(a, v)
    zeros = xp.zeros((v.shape[0] - 1,), dtype=a.dtype)
    return _at_each_place(xp, xp.concat([zeros, a, zeros]), xp.flip(v))


@op(a=lambda g, v: convolved(g, v), v=lambda g, a: correlated(a, g))
@opaque
def correlated(xp, a, v):
    """The sums of a[k + i] * v[i] over all i, for the k at which a is as long."""
    a, v = floating(a), floating(v)
    return xp.correlate(a, v, mode="valid") if hasattr(xp, "correlate") else _at_each_place(xp, a, v)


def _at_each_place(xp, a, v):
    n, m = a.shape[0], v.shape[0]
    places = xp.reshape(xp.arange(n - m + 1)[:, None] + xp.arange(m)[None, :], (-1,))
    return xp.sum(xp.reshape(xp.take(a, places, axis=0), (n - m + 1, m)) * v, axis=-1)
