"""What Student's distribution is made of: each with all its digits, however near the normal distribution it is.

Formulas: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, 5.11.8; G. W. Hill, Algorithm 395: Student's
t-distribution (1970).
"""

import math

from tinygrad_ko.arrays.library import quiet
from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.elementwise import exp, where
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


@op(
    broadcasts=True,
    df=None,
    z=lambda g, out, df, z: (
        g * exp(0.5 * (out * out - student_loss(z, df)) + ((1 / 24 - 0.05 / df / df) / df / df - 0.25) / df)
    ),
)
def student_normalized(xp, df, z):
    """The place where the normal distribution has the probability that Student's has at z, for so many degrees of freedom that
    this has all digits: 50 for float32, 100,000 for float64. df has no derivative.
    """
    z = array_in(xp, floating(z))
    df = xp.astype(array_in(xp, df), z.dtype, copy=False)
    n = xp.clip(df - 0.5, None, 1e15)
    place = xp.sign(z) * xp.sqrt(n * xp.log1p(z / n * z * (n / (n + 0.5))))
    w, b = place * place, 48 * n * n
    lost = (((4 * w + 33) * w + 240) * w + 855) / (10 * (b + 0.8 * w * w + 100))
    return place + place * (w + 3 - lost) / b


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
