"""The error function and the normal distribution, for which the array API standard has no names.

In float64: erfc(y) falls like exp(-y * y) / y. Without that factor, (1 + 2 y) exp(y * y) erfc(y) stays near 1 for all y >= 0, and is one
polynomial in t = (y - 4) / (y + 4), which lies between -1 and 1: no pieces, all of which an array would compute for every element. Source:
M. M. Shepherd and J. G. Laframboise, Chebyshev approximation of (1 + 2x) exp(x^2) erfc x, Mathematics of Computation 36 (1981), where 4 is
3.75. The coefficients are the interpolation at 25 Chebyshev points; a test computes them again with 50 digits.

In float32, which has fewer digits, less will do. 1 / (exp(y * y) erfc(y)), which approaches sqrt(pi) y, is sqrt(pi) y + a(y) / b(y) with
polynomials of degree 3 and 4 whose coefficients are all positive, and erf(x) is tanh(x * p(x * x)) with one of degree 9: where tanh is near
1, an error of its argument hardly counts. Their coefficients were fitted so that the largest relative error is smallest: 4e-8 and 2e-8.

The tests hold all values to a few units in the last place.
"""

import math

from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.arrays.temporaries import in_blocks
from tinygrad_ko.engine.op import op

_SLOPE = 2 / math.sqrt(math.pi)  # of erf at 0
DENSITY = 1 / math.sqrt(2 * math.pi)  # of the normal distribution at 0

_TAIL = (  # of t ** 0, t ** 1, ...
    1.2329951186255526, -0.13962111684056228, 0.015379652102619974, 0.06809705425466839, -0.10103906603631811,
    0.09373283499911264, -0.06633036581186058, 0.037167515526338006, -0.01619773406293477, 0.005031970069102256,
    -0.0007577732435942576, -0.0001992571524726518, 0.00015062142608651945, -2.4397731143023292e-05, -1.1221135665965907e-05,
    5.70657829924074e-06, 2.9173425573089733e-07, -8.210647933297337e-07, 7.771943241086912e-08, 1.0631817593818149e-07,
    -2.0725802488181963e-08, -1.2338731403798444e-08, 3.2323973445082033e-09, 9.297625263709659e-10, -2.764120233734578e-10,
)  # fmt: skip
_SERIES = tuple(_SLOPE * (-1) ** k / (math.factorial(k) * (2 * k + 1)) for k in range(13))  # of erf(x) / x in x ** 2
_SINGLE_ABOVE = (1.0, 0.698552909, 0.253469691, 0.0398994795)  # a, of y ** 0, y ** 1, ...
_SINGLE_BELOW = (1.0, 1.34262519, 0.845019295, 0.284908386, 0.0450653224)  # b
_SINGLE_BENT = (  # p, of x ** 0, x ** 2, ...
    1.12837918, 0.102771973, -0.000205622427, -0.000597258431, 7.10186464e-05,
    5.60026096e-07, -1.10043882e-06, 1.31013876e-07, -6.7834789e-09, 1.3483632e-10,
)  # fmt: skip
FAR = 40  # exp(-FAR ** 2 / 2) is 0, and so is all beyond


@op(x=lambda g, x: g * (_SLOPE * gaussian(x, rate=1)))
@in_blocks
def erf(xp, x):
    """The error function: 2 / sqrt(pi) times the integral of exp(-t * t) from 0 to x.

    >>> import tinygrad_ko as tg
    >>> tg.erf([-1.0, 0.0, 1e-20, 6.0])
    array([-8.42700793e-01,  0.00000000e+00,  1.12837917e-20,  1.00000000e+00])
    """
    x = xp.asarray(floating(x))
    if x.dtype == xp.float32:
        near = xp.clip(x, -4.1, 4.1)  # erf(4.1) is 1 to the last digit
        return xp.tanh(near * _polynomial(_SINGLE_BENT, near * near))
    size = xp.minimum(xp.abs(x), FAR)
    near = xp.minimum(size, 0.5)
    inner = near * _polynomial(_SERIES, near * near)
    return xp.copysign(xp.where(size < 0.5, inner, 1 - _tail(xp, size, _bell(xp, size, 1))), x)


@op(x=lambda g, x: g * (-_SLOPE * gaussian(x, rate=1)))
@in_blocks
def erfc(xp, x):
    """1 - erf(x), with all its digits where that is small.

    >>> import tinygrad_ko as tg
    >>> tg.erfc([-6.0, 0.0, 10.0])
    array([2.00000000e+00, 1.00000000e+00, 2.08848758e-45])
    """
    size = xp.minimum(xp.abs(floating(x)), FAR)
    tail = _tail(xp, size, _bell(xp, size, 1))
    return xp.where(x < 0, 2 - tail, tail)


@op(x=lambda g, x: g * (DENSITY * gaussian(x, rate=0.5)))
@in_blocks
def normal_cdf(xp, x):
    """P(X <= x) for a standard normal X: erfc(-x / sqrt(2)) / 2, without the rounding error of x / sqrt(2)."""
    return normal_cdf_and_density(xp, xp.clip(floating(x), -FAR, FAR))[0]


@op(x=lambda g, out, x, rate: g * (-2 * rate * (x * out)))
@in_blocks
def gaussian(xp, x, *, rate):
    """exp(-rate * x * x), for a rate that is a power of 2."""
    return _bell(xp, xp.minimum(xp.abs(floating(x)), FAR), rate)


def normal_cdf_and_density(xp, x):
    """The two for a standard normal X at once, for the exponential is theirs in common. x lies between -FAR and FAR."""
    size = xp.abs(x)
    bell = _bell(xp, size, 0.5)
    size *= math.sqrt(0.5)
    tail = _tail(xp, size, 0.5 * bell)
    cdf = xp.astype(x >= 0, tail.dtype)
    cdf -= tail
    bell *= DENSITY
    return xp.abs(cdf), bell  # below 0 the tail, else 1 less it


def _tail(xp, y, bell):
    """bell * exp(y * y) * erfc(y) for 0 <= y <= FAR: erfc(y) where bell is exp(-y * y)."""
    if y.dtype == xp.float32:
        steepness = _polynomial(_SINGLE_ABOVE, y)
        steepness /= _polynomial(_SINGLE_BELOW, y)
        steepness += math.sqrt(math.pi) * y
        return bell / steepness
    return bell * _polynomial(_TAIL, (y - 4) / (y + 4)) / (1 + 2 * y)


def _bell(xp, y, rate):
    """exp(-rate * y * y) for 0 <= y <= FAR, with all its digits: rounding y * y would lose as many as it has before the point, so what is
    lost is computed, and made good. The square of the head of y, which has 12 bits where the result is not 0 in float32, is exact. Source:
    T. J. Dekker, A floating-point technique for extending the available precision, Numerische Mathematik 18 (1971).
    """
    square = y * y
    head = xp.floor(256 * y)
    head *= 1 / 256
    lost = head * head
    lost -= square
    rest = y - head
    head += y
    rest *= head
    lost += rest
    square *= -rate
    bell = xp.exp(square)
    lost *= -rate
    lost *= bell
    bell += lost
    return bell


def _polynomial(coefficients, x):
    """Horner's rule, for the coefficients of x ** 0, x ** 1, ..."""
    *others, last = coefficients
    total = last * x
    for c in others[:0:-1]:
        total += c
        total *= x
    total += others[0]
    return total
