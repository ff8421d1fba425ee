"""What Student's distribution is made of: each with all its digits, however near the normal distribution it is.

Formulas: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, 5.11.8; G. W. Hill, Algorithm 395: Student's
t-distribution (1970).
"""

import math

from tinygrad_ko.arrays.library import quiet
from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.elementwise import clip, sqrt, where
from tinygrad_ko.ops.exponential import log1p
from tinygrad_ko.ops.inputs import unwrapped
from tinygrad_ko.ops.special.scipys import array_in, scipys

_SERIES = (-1 / 8, 1 / 192, -1 / 640, 17 / 14336, -31 / 18432, 691 / 180224)  # of 1 / n, 1 / n ** 3, ...


@op(df=lambda g, df, order: g * student_constant(df, order=order + 1))
def student_constant(xp, df, *, order):
    """The derivative, of that order, of gammaln((df + 1) / 2) - gammaln(df / 2) - log(df / 2) / 2, which is 0 for infinite df."""
    df = array_in(xp, floating(df))
    least = (
        40.0 if df.dtype == xp.float64 else 8.0
    )  # from where on the series has all digits, of the first derivatives too
    large = df >= least
    inverse = 1 / xp.where(large, 0.5 * df, 0.5 * least)
    series, factor = xp.zeros_like(inverse), (-0.5) ** order
    for i, c in reversed(list(enumerate(_SERIES))):
        series = series * (inverse * inverse) + c * math.perm(2 * i + order, order)
    series = factor * series * inverse ** (order + 1)
    n = xp.where(large, 0.5 * least, 0.5 * df)
    with quiet(divide="ignore", invalid="ignore", over="ignore"):
        if order == 0:
            direct = 0.5 * math.log(math.pi) - scipys(xp, "betaln", 0.5, n) - 0.5 * xp.log(n)
        else:
            rise = scipys(xp, "polygamma", order - 1, n + 0.5) - scipys(xp, "polygamma", order - 1, n)
            direct = 0.5**order * (rise + 0.5 * (-1) ** order * math.factorial(order - 1) / n**order)
    return xp.where(large, series, xp.astype(direct, df.dtype, copy=False))


@op(
    broadcasts=True,
    z=lambda g, z, df: g * (2 * z * (1 + 1 / df) / (1 + z / df * z)),
    df=lambda g, z, df: g * (log1p_rest(z / df * z) - _share(z / df * z) / df),
)
def student_loss(xp, z, df):
    """(df + 1) * log1p(z ** 2 / df), and z ** 2 for infinite df."""
    df = df if hasattr(df, "__array_namespace__") else xp.asarray(df, dtype=floating(z).dtype)
    endless = df == math.inf
    with quiet(over="ignore"):
        ratio = z / df * z
        return xp.where(endless, z * z, (xp.where(endless, 1, df) + 1) * xp.log1p(ratio))


def _share(ratio):
    """ratio / (1 + ratio), also for what is too large for a number."""
    small = ratio < 1
    return where(small, ratio / (1 + ratio), 1 - 1 / (1 + where(small, 1, ratio)))


def student_normalized(df, z):
    """The place where the normal distribution has the probability that Student's has at z, for so many degrees of freedom, an array, that
    this has all digits: 50 for float32, 100,000 for float64.
    """
    ratio = z / df * z
    small = unwrapped(ratio) < 1e-8  # then the logarithm has no digit beyond these two terms
    root = where(small, 1 - 0.5 * ratio, log1p(ratio) / where(small, 1, ratio))
    place = z * sqrt((1 - 0.5 / df) * root)
    n = clip(df, None, 1e15) - 0.5
    w, b = place * place, 48 * n * n
    lost = (((4 * w + 33) * w + 240) * w + 855) / (10 * (b + 0.8 * w * w + 100))
    return place + place * ((w + 3 - lost) / b)


@op(x=lambda g, x: g * (x / (1 + x) / (1 + x)))
def log1p_rest(xp, x):
    """log1p(x) - x / (1 + x) for x >= 0, which is about x ** 2 / 2 near 0."""
    near = xp.where(x < 0.3, x, 0)
    y = near / (2 + near)
    square, series = y * y, xp.zeros_like(y)
    for k in range(10, 0, -1):
        series = (series + 1 / (2 * k + 1)) * square
    far = xp.log1p(x) - 1 + 1 / (1 + x)
    return xp.where(x < 0.3, 2 * (square / (1 + y) + y * series), far)
