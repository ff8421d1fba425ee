"""Numbers near x. The derivatives of whole numbers are 0 almost everywhere; 0 is returned at the jumps."""

from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.elementwise import zeros_like


@op(x=lambda g: zeros_like(g))
def floor(xp, x):
    """The largest whole number that is not above x. The derivative is 0 almost everywhere; 0 is returned at the jumps."""
    return xp.floor(x)


@op(x=lambda g: zeros_like(g))
def ceil(xp, x):
    """The smallest whole number that is not below x. The derivative is 0 almost everywhere; 0 is returned at the jumps."""
    return xp.ceil(x)


@op(x=lambda g: zeros_like(g))
def trunc(xp, x):
    """x rounded towards 0. The derivative is 0 almost everywhere; 0 is returned at the jumps."""
    return xp.trunc(x)


@op(x=lambda g: zeros_like(g))
def round(xp, x):
    """The nearest whole number, of two as near the even one. The derivative is 0 almost everywhere; 0 is returned at the jumps."""
    return xp.round(x)


@op(broadcasts=True, x1=lambda g: g, x2=lambda g: zeros_like(g))
def nextafter(xp, x1, x2, /):
    """The number that follows x1 in its dtype, towards x2. The derivative in x1 is 1 almost everywhere, that in x2 is 0; both are returned
    everywhere.
    """
    return xp.nextafter(x1, x2)
