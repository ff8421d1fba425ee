"""The beta function, its logarithm, and the incomplete beta function.

Formulas: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, sections 5.12 and 8.17.
"""

import math

from tinygrad_ko.arrays.library import quiet
from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.elementwise import where
from tinygrad_ko.ops.rounding import floor
from tinygrad_ko.ops.special.gamma_family import digamma, gamma, polygamma
from tinygrad_ko.ops.special.saddle_point import LARGE, deviance, stirling_error
from tinygrad_ko.ops.special.scipys import array_in, of_parameters, scipys
from tinygrad_ko.ops.trigonometric import cos

_DIGAMMA = (
    1 / 12,
    -1 / 120,
    1 / 252,
    -1 / 240,
    1 / 132,
    -691 / 32760,
    1 / 12,
)  # of 1 / x ** 2, 1 / x ** 4, ... in log(x) - digamma(x)
_SHIFT = 10  # up to where a series of so many terms has all digits of a float64


@op(
    broadcasts=True,
    a=lambda g, out, a, b: g * _slope_of_beta(out, a, b),
    b=lambda g, out, a, b: g * _slope_of_beta(out, b, a),
)
def beta(xp, a, b):
    """gamma(a) * gamma(b) / gamma(a + b)."""
    return scipys(xp, "beta", a, b)


def _slope_of_beta(out, a, b):
    """Its derivative in a. Where gamma(a + b) alone has a pole beta is 0, but its derivative is not: there both are differentiated as
    gamma(a) * gamma(b) * gamma(1 - a - b) * sin(pi * (a + b)) / pi.
    """
    pole = (a + b <= 0) & (floor(a + b) == a + b) & (floor(a) != a)
    c, d = where(pole, a, 0.5), where(pole, b, 0.5)
    rest = where(pole, 1 - a - b, 1)  # cos(pi * rest) is -cos(pi * (a + b))
    at_pole = out * (digamma(c) - digamma(rest)) - gamma(c) * gamma(d) * gamma(rest) * cos(math.pi * rest)
    return where(pole, at_pole, -out * digamma_rise(a, where(pole, 1, b)))


@op(broadcasts=True, a=lambda g, a, b: -g * digamma_rise(a, b), b=lambda g, a, b: -g * digamma_rise(b, a))
def betaln(xp, a, b):
    """log(abs(beta(a, b)))."""
    return scipys(xp, "betaln", a, b)


@op(
    broadcasts=True,
    a=lambda g, a, b: g * (polygamma(1, a + b) - polygamma(1, a)),
    b=lambda g, a, b: g * polygamma(1, a + b),
)
def digamma_rise(xp, a, b):
    """digamma(a + b) - digamma(a). Where both are positive no digit is lost, however near they are: the recurrence of digamma leads from a
    to a + 10 in terms of one sign, and the differences of the terms of its series there are factored.
    """
    a, b = floating(a), floating(b)
    positive = (a > 0) & (a + b > 0)
    plain = scipys(xp, "digamma", a + b) - scipys(xp, "digamma", a)
    low, step = xp.where(positive, a, 1), xp.where(positive, b, 0)
    total = xp.zeros_like(low + step)
    with quiet(over="ignore"):
        for j in range(_SHIFT):
            total = total + step / (low + step + j) / (low + j)
    p, q = 1 / (low + _SHIFT), 1 / (low + step + _SHIFT)
    apart = step * p * q  # p - q
    powers, others, series = xp.ones_like(apart), xp.ones_like(apart), xp.zeros_like(apart)
    for c in _DIGAMMA:  # powers is (p ** 2k - q ** 2k) / (p ** 2 - q ** 2), others q ** 2k
        series = series + c * powers
        others = others * q * q
        powers = powers * p * p + others
    rise = total + xp.log1p(step * p) + 0.5 * apart + apart * (p + q) * series
    return xp.where(positive, rise, plain)


@op(broadcasts=True, a=None, b=None, x=lambda g, a, b, x: g * beta_density(a, b, x, shift=0))
def betainc(xp, a, b, x):
    """The regularized incomplete beta function: the integral of t ** (a - 1) * (1 - t) ** (b - 1) / beta(a, b) from 0 to x. a and b have no
    derivative.
    """
    return of_parameters(xp, "betainc", a, b, x)


@op(broadcasts=True, a=None, b=None, x=lambda g, a, b, x: -g * beta_density(a, b, x, shift=0))
def betaincc(xp, a, b, x):
    """1 - betainc(a, b, x), with all its digits where that is small. a and b have no derivative."""
    return of_parameters(xp, "betaincc", a, b, x)


@op(
    broadcasts=True,
    a=None,
    b=None,
    x=lambda g, a, b, x, shift: (
        g * (beta_density(a - 1, b, x, shift=shift + 1) - beta_density(a, b - 1, x, shift=shift + 1))
    ),
)
def beta_density(xp, a, b, x, *, shift):
    """x ** (a - 1) * (1 - x) ** (b - 1) * gamma(a + b + shift) / (gamma(a) * gamma(b)), also for a or b <= 0. (There derivatives
    lead, which leave a + b + shift as it was.) a and b have no derivative.
    """
    x = array_in(xp, floating(x))
    a, b = (xp.astype(array_in(xp, v), x.dtype, copy=False) for v in (a, b))
    inside = xp.clip(x, 0, 1)
    with quiet(divide="ignore", invalid="ignore", over="ignore"):
        log_x, log_rest = xp.log(inside), xp.log1p(-inside)
        turned = a > b  # the function of b, a and 1 - x is the same one
        low, high = xp.where(turned, b, a), xp.where(turned, a, b)
        near, log_far = xp.where(turned, 1 - inside, inside), xp.where(turned, log_x, log_rest)
        density = xp.where(
            low > LARGE,
            _both_large(xp, xp.where(low > LARGE, a, LARGE + 1), xp.where(low > LARGE, b, LARGE + 1), inside),
            _one_large(xp, xp.where(low > LARGE, 1, low), xp.where(high > LARGE, high, LARGE + 1), near, log_far),
        )
        for i in range(shift):
            density = density * (a + b + i)
        small, other = xp.where(high > LARGE, 1, low), xp.where(high > LARGE, 1, high)
        inverse = scipys(xp, "rgamma", small) * scipys(xp, "rgamma", other)
        power = near ** (small - 1) * xp.exp(xp.where(other == 1, 0, (other - 1) * log_far))
        direct = xp.where(inverse == 0, 0, scipys(xp, "gamma", small + other + shift) * inverse * power)
    return xp.where((x < 0) | (x > 1), math.nan, xp.where(high > LARGE, density, direct))


def _both_large(xp, a, b, x):
    k, m = a - 1, b - 1
    n = k + m
    lost = stirling_error(n) - stirling_error(k) - stirling_error(m)
    lost = lost - deviance(xp, k, n * x) - deviance(xp, m, n * (1 - x))
    return (n + 1) * xp.sqrt(n / (2 * math.pi * k * m)) * xp.exp(lost)


def _one_large(xp, a, b, x, log_rest):
    """For large b alone: by Stirling's formula for gamma(a + b) / gamma(b). log_rest is log(1 - x)."""
    n, inverse = a + b, scipys(xp, "rgamma", a)
    power = xp.where(inverse == 0, 0, (n * x) ** (a - 1))
    exponent = b * xp.log1p(a / b) - a + (b - 1) * log_rest + stirling_error(n) - stirling_error(b)
    return xp.sqrt(n * b) * inverse * power * xp.exp(exponent)
