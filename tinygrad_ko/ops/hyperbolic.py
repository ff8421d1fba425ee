"""The hyperbolic functions, and their inverses."""

from tinygrad_ko.arrays import quiet
from tinygrad_ko.ops.elementwise import hypot, sqrt
from tinygrad_ko.primitive import op


@op(x=lambda g, x: g * cosh(x))
def sinh(xp, x):
    """(exp(x) - exp(-x)) / 2."""
    return xp.sinh(x)


@op(x=lambda g, x: g * sinh(x))
def cosh(xp, x):
    """(exp(x) + exp(-x)) / 2."""
    return xp.cosh(x)


@op(x=lambda g, x: g * sech(x) ** 2)
def tanh(xp, x):
    """sinh(x) / cosh(x), between -1 and 1.

    Its slope is taken from x, not from the output: 1 - out ** 2 would be 0 from x = 19 on.
    """
    return xp.tanh(x)


@op(x=lambda g, out, x: -g * (out * tanh(x)))
def sech(xp, x):
    """1 / cosh(x)."""
    with quiet(over="ignore"):  # cosh(x) may be infinite: then 1 / inf is 0, as it should be
        return 1 / xp.cosh(x)


@op(x=lambda g, x: g / hypot(x, 1))
def asinh(xp, x):
    """The number whose sinh is x."""
    return xp.asinh(x)


@op(x=lambda g, x: g / (sqrt(x - 1) * sqrt(x + 1)))
def acosh(xp, x):
    """The number, not negative, whose cosh is x. Its slope at 1 is infinite."""
    return xp.acosh(x)


@op(x=lambda g, x: g / ((1 - x) * (1 + x)))
def atanh(xp, x):
    """The number whose tanh is x. Its slope at -1 and 1 is infinite."""
    return xp.atanh(x)
