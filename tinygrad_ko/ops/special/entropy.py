"""Terms of entropies: x * log(y), which is 0 where x is 0."""

from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.elementwise import log, where
from tinygrad_ko.ops.exponential import log1p
from tinygrad_ko.ops.special.scipys import scipys


@op(broadcasts=True, x=lambda g, y: g * log(y), y=lambda g, x, y: g * _quotient(x, y))
def xlogy(xp, x, y):
    """x * log(y), and 0 where x is 0. The derivative in x is log(y), infinite at y = 0."""
    return scipys(xp, "xlogy", x, y)


@op(broadcasts=True, x=lambda g, y: g * log1p(y), y=lambda g, x, y: g * _quotient(x, 1 + y))
def xlog1py(xp, x, y):
    """x * log1p(y), and 0 where x is 0. The derivative in x is log1p(y), infinite at y = -1."""
    return scipys(xp, "xlog1py", x, y)


@op(x=lambda g, x: -g * (log(x) + 1))
def entr(xp, x):
    """-x * log(x), 0 at 0 and -inf below. The derivative at 0 is infinite."""
    return scipys(xp, "entr", x)


@op(broadcasts=True, x=lambda g, x, y: g * (log_ratio(x, y) + 1), y=lambda g, x, y: -g * _quotient(x, y))
def rel_entr(xp, x, y):
    """x * log(x / y), 0 where x is 0 and y is not below 0, and inf where either is below 0 or y alone is 0."""
    return scipys(xp, "rel_entr", x, y)


@op(broadcasts=True, x=lambda g, x: g / x, y=lambda g, y: -g / y)
def log_ratio(xp, x, y):
    """log(x / y), also where the quotient is too large or too small for a number."""
    ratio = x / y
    normal = (ratio > 1e-30) & (ratio < 1e30)
    return xp.where(normal, xp.log(xp.where(normal, ratio, 1)), xp.log(x) - xp.log(y))


def _quotient(x, y):
    """x / y, and 0 where x is 0."""
    return where(x == 0, 0, x / where(x == 0, 1, y))
