"""The gamma function, its logarithm and the derivatives of that, and the incomplete gamma functions.

Formulas: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, chapters 5 and 8.
"""

import math

from tinygrad_ko.arrays.library import quiet
from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import zeros_like
from tinygrad_ko.ops.inputs import as_floating, as_int, in_float32, namespace_of, unwrapped
from tinygrad_ko.ops.reduction import sum
from tinygrad_ko.ops.shape import expand_dims
from tinygrad_ko.ops.special.saddle_point import LARGE, deviance, stirling_error
from tinygrad_ko.ops.special.scipys import array_in, of_parameters, scipys


@op(x=lambda g, x: g * digamma(x))
def gammaln(xp, x):
    """log(abs(gamma(x))).

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor(3.0, requires_grad=True)
    >>> y = tg.special.gammaln(x)
    >>> round(y.item(), 6), round(tg.grad(y, x).item(), 6)
    (0.693147, 0.922784)
    """
    return scipys(xp, "gammaln", x)


@op(x=lambda g, x: g * polygamma(1, x))
def digamma(xp, x):
    """The derivative of log(gamma(x))."""
    return scipys(xp, "digamma", x)


psi = digamma


@op(broadcasts=True, n=None, x=lambda g, n, x: g * polygamma(n + 1, x))
def polygamma(xp, n, x):
    """The n-th derivative of digamma, for whole n >= 0. n has no derivative."""
    return of_parameters(xp, "polygamma", n, x)


@op(x=lambda g, out, x: g * (out * digamma(x)))
def gamma(xp, x):
    """The gamma function: (x - 1)! at whole x > 0."""
    return scipys(xp, "gamma", x)


@op(x=lambda g, out, x: -g * (out * digamma(x)))
def rgamma(xp, x):
    """1 / gamma(x), which is 0 at the poles of gamma: there the derivative is NaN."""
    return scipys(xp, "rgamma", x)


@op(x=lambda g: zeros_like(g))
def gammasgn(xp, x):
    """The sign of gamma(x). The derivative is 0 almost everywhere; 0 is returned at the jumps."""
    return scipys(xp, "gammasgn", x)


@in_float32
def multigammaln(a, d):
    """The logarithm of the gamma function of d dimensions, of each element of a: the sum of gammaln(a - j / 2) for j = 0, ..., d - 1, plus
    d (d - 1) / 4 log(pi).

    Raises ValueError if an element is not above (d - 1) / 2.
    """
    a, d = as_floating(a, "multigammaln"), as_int(d, "multigammaln")
    _require_above(namespace_of(a), unwrapped(a), 0.5 * (d - 1))
    steps = namespace_of(a).arange(d, dtype=a.dtype)
    return sum(gammaln(expand_dims(a, axis=-1) - 0.5 * steps), axis=-1) + 0.25 * d * (d - 1) * math.log(math.pi)


@opaque
def _require_above(xp, a, least):
    if not xp.all(a > least):
        raise explain(
            ValueError(f"multigammaln: every element of a must be above (d - 1) / 2 = {least:g}"),
            f"multigammaln: a의 모든 원소가 (d - 1) / 2 = {least:g}보다 커야 합니다.",
        )


@op(broadcasts=True, a=None, x=lambda g, a, x: g * gamma_density(a, x))
def gammainc(xp, a, x):
    """The regularized lower incomplete gamma function: the integral of t ** (a - 1) * exp(-t) / gamma(a) from 0 to x. a has no derivative.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor(1.0, requires_grad=True)
    >>> tg.grad(tg.special.gammainc(3.0, x), x).item()  # exp(-1) / 2
    0.18393972058572117
    """
    return of_parameters(xp, "gammainc", a, x)


@op(broadcasts=True, a=None, x=lambda g, a, x: -g * gamma_density(a, x))
def gammaincc(xp, a, x):
    """1 - gammainc(a, x), with all its digits where that is small. a has no derivative."""
    return of_parameters(xp, "gammaincc", a, x)


@op(broadcasts=True, a=None, x=lambda g, a, x: g * (gamma_density(a - 1, x) - gamma_density(a, x)))
def gamma_density(xp, a, x):
    """x ** (a - 1) * exp(-x) / gamma(a), also for a <= 0, where derivatives lead; a has no derivative."""
    x = array_in(xp, floating(x))
    a = xp.astype(array_in(xp, a), x.dtype, copy=False)
    large = a > LARGE
    small = xp.where(large, 1, a)
    near = xp.minimum(x, 800)  # exp(-800) is 0, and so is all beyond
    half = xp.exp(-0.5 * near)  # twice, for exp(-x) alone would have lost digits where it is no normal number
    inverse = scipys(xp, "rgamma", small)
    with quiet(divide="ignore", invalid="ignore"):
        direct = xp.where(inverse == 0, 0, xp.pow(near, small - 1) * half * inverse * half)
    n = xp.where(large, a - 1, LARGE)
    with quiet(over="ignore"):
        smooth = xp.exp(-deviance(xp, n, xp.maximum(x, 0)) - stirling_error(n)) / xp.sqrt(2 * math.pi * n)
    return xp.where(x < 0, math.nan, xp.where(large, smooth, direct))
