"""Hyperbolic functions and their inverses."""

from tinygrad_ko.arrays.library import quiet
from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.elementwise import hypot, sqrt


@op(x=lambda g, x: g * cosh(x))
def sinh(xp, x):
    """The hyperbolic sine, (exp(x) - exp(-x)) / 2."""
    return xp.sinh(x)


@op(x=lambda g, x: g * sinh(x))
def cosh(xp, x):
    """The hyperbolic cosine, (exp(x) + exp(-x)) / 2."""
    return xp.cosh(x)


@op(x=lambda g, out: g * (1.0 - out * out))
def tanh(xp, x):
    """The hyperbolic tangent, sinh(x) / cosh(x), between -1 and 1. The derivative, 1 - tanh(x) ** 2, is right to two units in the last
    place of 1: it is 0 from |x| = 19 on, where it is below that. (sech(x) ** 2 would be right to its own last place, in twice the time and
    with x saved.)
    """
    return xp.tanh(x)


@op(x=lambda g, out, x: -g * (out * tanh(x)))
def sech(xp, x):
    """The hyperbolic secant, 1 / cosh(x)."""
    with quiet(over="ignore"):  # cosh(x) may be infinite: then 1 / inf is 0, as it should be
        return 1 / xp.cosh(x)


@op(x=lambda g, x: g / hypot(x, 1))
def asinh(xp, x):
    """The inverse hyperbolic sine: the number whose sinh is x."""
    return xp.asinh(x)


@op(x=lambda g, x: g / sqrt(x - 1.0) / sqrt(x + 1.0))
def acosh(xp, x):
    """The inverse hyperbolic cosine: the number of at least 0 whose cosh is x. The derivative at 1 is infinite."""
    return xp.acosh(x)


@op(x=lambda g, x: g * atanh_slope(x))
def atanh(xp, x):
    """The inverse hyperbolic tangent: the number whose tanh is x. The derivative at -1 and 1 is infinite."""
    return xp.atanh(x)


@op(x=lambda g, out, x: g * (2.0 * x * (out * out)))
def atanh_slope(x):
    """1 / (1 - x * x): at 1 and -1 it is infinite, and so is its own derivative."""
    return 1 / ((1 - x) * (1 + x))
