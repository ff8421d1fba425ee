"""Trigonometric functions of angles in radians, and their inverses. Arguments broadcast as in NumPy."""

import math

from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.elementwise import hypot


@op(x=lambda g, x: g * cos(x))
def sin(xp, x):
    """The sine of x in radians."""
    return xp.sin(x)


@op(x=lambda g, x: -g * sin(x))
def cos(xp, x):
    """The cosine of x in radians."""
    return xp.cos(x)


@op(x=lambda g, out: g * (1.0 + out * out))
def tan(xp, x):
    """The tangent of x in radians."""
    return xp.tan(x)


@op(x=lambda g, x: g * asin_slope(x))
def asin(xp, x):
    """The arcsine: the angle between -pi / 2 and pi / 2 whose sine is x. The derivative at -1 and 1 is infinite."""
    return xp.asin(x)


@op(x=lambda g, x: -g * asin_slope(x))
def acos(xp, x):
    """The arccosine: the angle between 0 and pi whose cosine is x. The derivative at -1 and 1 is infinite."""
    return xp.acos(x)


@op(x=lambda g, out, x: g * (x * (out * out * out)))
def asin_slope(xp, x):
    """1 / sqrt(1 - x * x): at 1 and -1 it is infinite, and so is its own derivative."""
    return 1 / xp.sqrt((1 - x) * (1 + x))


@op(x=lambda g, x: g / (1.0 + x * x))
def atan(xp, x):
    """The arctangent: the angle between -pi / 2 and pi / 2 whose tangent is x."""
    return xp.atan(x)


@op(
    broadcasts=True,
    a=lambda g, a, b: g * _over_square(b, hypot(a, b)),
    b=lambda g, a, b: -g * _over_square(a, hypot(a, b)),
)
def atan2(xp, a, b):
    """The angle between -pi and pi of the point (b, a). At (0, 0) there is no derivative: it is NaN."""
    return xp.atan2(a, b)


def _over_square(side, length):
    """side / length ** 2, without the square, which may be too large or too small for a number."""
    return side / length / length


def sinc(x):
    """sin(pi x) / (pi x), and 1 at 0: exactly 0 at every other whole x.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor([0.0, 0.5, 1.0], requires_grad=True)
    >>> tg.sinc(x).sum().backward()
    >>> x.grad
    array([-0.        , -1.27323954, -1.        ])
    """
    return bessel(x, order=0)


@op(name="sinc", x=lambda g, x, order: g * (-math.pi * math.pi * (x * bessel(x, order=order + 1))))
def bessel(xp, x, *, order):
    """The spherical Bessel function of y = pi x, divided by y ** order: sin(y) / y, if `order` is 0. Its derivative, -y times that of the
    next order, has neither a jump nor lost digits at 0. Source: NIST Digital Library of Mathematical Functions, 10.51 and 10.53.
    """
    x = floating(x)
    whole = xp.round(x)
    rest = x - whole  # between -1/2 and 1/2: of such a part of pi the sine has all its digits
    sign = 1 - 2 * (whole - 2 * xp.floor(whole / 2))
    y = math.pi * x
    now = sign * xp.sin(math.pi * rest) / xp.where(x == 0, 1, y)
    if order == 0:
        return xp.where(x == 0, 1, now)
    near = xp.abs(x) < 0.5 * (order + 1)  # where the recurrence would lose digits
    far = xp.where(near, 1, y)
    before = sign * xp.sin(math.pi * (0.5 - xp.abs(rest)))  # the cosine of y
    for n in range(order):
        before, now = now, ((2 * n + 1) * now - before) / far / far
    return xp.where(near, _series(xp.where(near, y, 0) ** 2, order), now)


def _series(square, order):
    """The same by powers of y ** 2."""
    total = 1
    for k in range(16 + 2 * order, 0, -1):
        total = 1 - total * square / (2 * k * (2 * order + 2 * k + 1))
    return total / math.prod(range(2 * order + 1, 1, -2))
