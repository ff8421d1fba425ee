"""The normal distribution and the inverses of the error functions.

Formulas: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, sections 7.2, 7.9 and 7.17.
"""

import math

from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.elementwise import exp, square, where
from tinygrad_ko.ops.error_function import DENSITY, FAR, gaussian, normal_cdf_and_density
from tinygrad_ko.ops.special.scipys import array_in, scipys

_ROOT = math.sqrt(math.pi) / 2  # the slope of erfinv at 0
_ROOT_2 = math.sqrt(2)
_LEVELS = 40  # of the continued fraction, which from 8 on has all digits of a float64 then


@op(x=lambda g, out: g * (_ROOT * exp(square(out))))
def erfinv(xp, x):
    """The inverse of erf: infinite at -1 and 1, and so is the derivative."""
    return scipys(xp, "erfinv", x)


@op(x=lambda g, out: -g * (_ROOT * exp(square(out))))
def erfcinv(xp, x):
    """The inverse of erfc: infinite at 0 and 2, and so is the derivative."""
    return scipys(xp, "erfcinv", x)


@op(x=lambda g, x: -g * (hazard_fraction(-_ROOT_2 * x, k=1) / (_ROOT * hazard(-_ROOT_2 * x))))
def erfcx(xp, x):
    """exp(x * x) * erfc(x). (The derivative 2 * x * erfcx(x) - 2 / sqrt(pi) would be the difference of two nearly equal numbers.)"""
    return scipys(xp, "erfcx", x)


@op(x=lambda g, x: g * (DENSITY * gaussian(x, rate=0.5)))
def ndtr(xp, x):
    """P(X <= x) for a standard normal X."""
    return scipys(xp, "ndtr", x)


@op(x=lambda g, out: g * (1 / DENSITY * exp(0.5 * square(out))))
def ndtri(xp, x):
    """The inverse of ndtr: infinite at 0 and 1, and so is the derivative."""
    return scipys(xp, "ndtri", x)


@op(x=lambda g, x: g * hazard(x))
def log_ndtr(xp, x):
    """log(ndtr(x)), with all its digits far below 0 too.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor(-1000.0, requires_grad=True)
    >>> round(tg.grad(tg.special.log_ndtr(x), x).item(), 6)  # nearly 1000
    1000.001
    """
    return scipys(xp, "log_ndtr", x)


@op(x=lambda g, x, out: -g * (out * hazard_fraction(x, k=1)))
def hazard(xp, x):
    """The density of the normal distribution divided by P(X <= x), which is nearly -x far below 0."""
    return _hazard(xp, array_in(xp, floating(x)))


@op(x=lambda g, x, out, k: g * _slope_of_fraction(x, out, k))
def hazard_fraction(xp, x, *, k):
    """The continued fraction k / (y + (k + 1) / (y + ...)) with y = -x: from its first level, which is hazard(x) + x, or far below 0, where
    little is left of that sum, from a last one.
    """
    x = array_in(xp, floating(x))
    near = _hazard(xp, x) + x
    for level in range(1, k):
        near = level / near + x
    y = xp.maximum(-x, 8)
    far = y
    for level in range(k + _LEVELS, k, -1):
        far = y + level / far
    return xp.where(x < -8, k / far, near)


def _slope_of_fraction(x, out, k):
    """k - out * (out - x), without the digits that cancel: below 0 in terms of the next level, above it of the one before."""
    rest = hazard(x) if k == 1 else (k - 1) / hazard_fraction(x, k=k - 1)  # out - x
    return where(x < 0, out * (hazard_fraction(x, k=k + 1) - out), k - out * rest)


def _hazard(xp, x):
    below = math.sqrt(2 / math.pi) / scipys(xp, "erfcx", -_ROOT_2 / 2 * xp.minimum(x, 0))
    cdf, density = normal_cdf_and_density(xp, xp.clip(x, 0, FAR))
    return xp.where(x < 0, below, density / cdf)
