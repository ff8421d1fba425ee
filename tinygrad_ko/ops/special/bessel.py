"""Bessel functions of the first and second kind, and the modified ones of the first. The order has no derivative.

Formulas: NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov, 10.6.1, 10.29.1 and 10.40.1.
"""

import math

import numpy as np

from tinygrad_ko.arrays.library import is_floating, quiet
from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import where
from tinygrad_ko.ops.special.scipys import array_in, of_parameters, scipys


@op(x=lambda g, x: -g * j1(x))
def j0(xp, x):
    """The Bessel function of the first kind of order 0."""
    return scipys(xp, "j0", x)


@op(x=lambda g, x: g * (0.5 * (j0(x) - jv(2, x))))
def j1(xp, x):
    """The Bessel function of the first kind of order 1."""
    return scipys(xp, "j1", x)


@op(broadcasts=True, v=None, x=lambda g, v, x: g * (0.5 * (jv(v - 1, x) - jv(v + 1, x))))
def jv(xp, v, x):
    """The Bessel function of the first kind of real order v."""
    return of_parameters(xp, "jv", v, x)


jn = jv


@op(x=lambda g, x: -g * y1(x))
def y0(xp, x):
    """The Bessel function of the second kind of order 0."""
    return scipys(xp, "y0", x)


@op(x=lambda g, x: g * _mean_difference(y0(x), yn(2, x)))
def y1(xp, x):
    """The Bessel function of the second kind of order 1."""
    return scipys(xp, "y1", x)


@op(broadcasts=True, n=None, x=lambda g, n, x: g * _mean_difference(yn(n - 1, x), yn(n + 1, x)))
def yn(xp, n, x):
    """The Bessel function of the second kind of whole order n >= 0. Raises ValueError for another order, which `yv` takes."""
    if (isinstance(n, float) or (hasattr(n, "dtype") and is_floating(n.dtype))) and np.any(np.asarray(n) % 1 != 0):
        raise explain(
            ValueError(f"yn: the order must be whole, not {n}; yv takes any order"),
            f"yn: 차수는 정수여야 합니다. 받은 값: {n}. 정수가 아닌 차수에는 yv를 쓰십시오.",
        )
    return of_parameters(xp, "yn", n, x)


@op(broadcasts=True, v=None, x=lambda g, v, x: g * _mean_difference(yv(v - 1, x), yv(v + 1, x)))
def yv(xp, v, x):
    """The Bessel function of the second kind of real order v >= 0."""
    return of_parameters(xp, "yv", v, x)


def _mean_difference(below, above):
    """Half the difference of two functions of the second kind, and inf near 0, where both are -inf."""
    return where(above == -math.inf, math.inf, 0.5 * (below - above))


@op(x=lambda g, x: g * i1(x))
def i0(xp, x):
    """The modified Bessel function of the first kind of order 0."""
    return scipys(xp, "i0", x)


@op(x=lambda g, x: g * (0.5 * (i0(x) + iv(2, x))))
def i1(xp, x):
    """The modified Bessel function of the first kind of order 1."""
    return scipys(xp, "i1", x)


@op(broadcasts=True, v=None, x=lambda g, v, x: g * (0.5 * (iv(v - 1, x) + iv(v + 1, x))))
def iv(xp, v, x):
    """The modified Bessel function of the first kind of real order v."""
    return of_parameters(xp, "iv", v, x)


@op(broadcasts=True, v=None, x=lambda g, v, x: g * ive_differentiated(v, x, order=1))
def ive(xp, v, x):
    """iv(v, x) * exp(-abs(x)), which no x makes too large."""
    return of_parameters(xp, "ive", v, x)


@op(broadcasts=True, v=None, x=lambda g, v, x, order: g * ive_differentiated(v, x, order=order + 1))
def ive_differentiated(xp, v, x, *, order):
    """A derivative of ive(v, x) in x: by the recurrence 2 iv'(v) = iv(v - 1) + iv(v + 1), and for large x, where its terms nearly cancel,
    by the asymptotic series in 1 / x.
    """
    x = array_in(xp, floating(x))
    v = xp.astype(array_in(xp, v), x.dtype, copy=False)
    size = xp.abs(x)
    far = size > xp.maximum(40, 2 * v * v)
    # The rule of Leibniz for exp(-size) * iv, and for each derivative of iv the recurrence so often.
    near = xp.zeros_like(v + x)
    sign = xp.sign(x)
    for j in range(order + 1):
        term = xp.zeros_like(near)
        for k in range(j + 1):
            term = term + math.comb(j, k) * scipys(xp, "ive", v - j + 2 * k, x)
        near = near + math.comb(order, j) * 0.5**j * (-sign if (order - j) % 2 else 1) * term
    # The sum over k of c_k * size ** (-k - 1/2), differentiated term by term.
    size = xp.where(far, size, 1)
    c, total = 1 / math.sqrt(2 * math.pi) * xp.ones_like(near), xp.zeros_like(near)
    w = xp.where(far, v, 0)
    with quiet(under="ignore"):
        for k in range(25):
            slope = math.prod(-k - 0.5 - i for i in range(order))
            total = total + slope * c
            c = c * ((2 * k + 1) ** 2 - 4 * w * w) / (8 * (k + 1) * size)
        total = total * size ** (-0.5 - order)
    # ive(v, -x) is ive(v, x) times (-1) ** v, which is NaN where it is not real.
    ones = xp.ones_like(size)
    parity = scipys(xp, "ive", w, -ones) / scipys(xp, "ive", w, ones)
    mirrored = xp.where(x < 0, (-1.0) ** order * parity, ones)
    return xp.where(far, total * mirrored, near)
