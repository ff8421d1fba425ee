"""Whole numbers near x. All slopes here are honestly 0, and taken to be 0 at the jumps."""

from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.elementwise import zeros_like


@op(x=lambda g: zeros_like(g))
def floor(xp, x):
    """The largest whole number that is not above x. Its slope is honestly 0, and taken to be 0 at the jumps."""
    return xp.floor(x)


@op(x=lambda g: zeros_like(g))
def ceil(xp, x):
    """The smallest whole number that is not below x. Its slope is honestly 0, and taken to be 0 at the jumps."""
    return xp.ceil(x)


@op(x=lambda g: zeros_like(g))
def trunc(xp, x):
    """x without what stands behind the point. Its slope is honestly 0, and taken to be 0 at the jumps."""
    return xp.trunc(x)


@op(x=lambda g: zeros_like(g))
def round(xp, x):
    """The nearest whole number, of two equally near ones the even one. Its slope is honestly 0, and taken to be 0 at the
    jumps.
    """
    return xp.round(x)
