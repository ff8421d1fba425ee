"""Functions of each element: arithmetic, powers and roots, and choices between elements. Arguments broadcast as in NumPy."""

import math

from tinygrad_ko.arrays import faster, library
from tinygrad_ko.arrays.dtypes import moves
from tinygrad_ko.arrays.library import SCALARS, quiet
from tinygrad_ko.arrays.opaque import either
from tinygrad_ko.arrays.operands import floating, operand
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.engine.op import op


@op(broadcasts=True, a=lambda g: g, b=lambda g: g)
def add(a, b):
    """a + b."""
    return a + b


@op(broadcasts=True, a=lambda g: g, b=lambda g: -g)
def subtract(a, b):
    """a - b."""
    return a - b


@op(broadcasts=True, a=lambda g, b: g * b, b=lambda g, a: g * a)
def multiply(a, b):
    """a times b."""
    return a * b


@op(broadcasts=True, a=lambda g, b: g / b, b=lambda g, out, b: -g * out / b)
def divide(a, b):
    """a divided by b."""
    return a / b


@op(broadcasts=True, a=lambda g: zeros_like(g), b=lambda g: zeros_like(g))
def floor_divide(a, b):
    """a / b rounded down to a whole number. The derivative is 0 almost everywhere; 0 is returned at the jumps."""
    return faster.floor_divide(a, b)


@op(broadcasts=True, a=lambda g: g, b=lambda g, a, b: -g * floor_divide(a, b))
def remainder(a, b):
    """a - b * (a // b), with the sign of b. At a jump the derivative in b is -(a // b) as computed there."""
    return faster.remainder(a, b)


@op(x=lambda g: -g)
def negative(x):
    """-x."""
    return -x


def positive(x):
    """+x: the same values, in an array of their own."""
    return same_values(x) if isinstance(x, Handle) else +operand(x, "positive")


@op(name="positive", x=lambda g: g)
@moves
def same_values(x):
    """x itself: Tensors that share an array copy it on write."""
    return x


@op(x=lambda g, x: g * sign(x))
def abs(xp, x):
    """The absolute value. At 0 the derivatives of every order are taken to be 0: so the second derivative of abs(x) ** 2 comes out as 0
    there, where it is 2; x * x gives it.
    """
    return xp.abs(x)


@op(x=lambda g: zeros_like(g))
def sign(xp, x):
    """-1, 0 or 1. The derivative is 0 almost everywhere; 0 is returned at the jump."""
    return xp.sign(x)


@op(x=lambda g: zeros_like(g))
def zeros_like(xp, x):
    """Zeros in the shape and dtype of x. They do not depend on x: the derivative is 0."""
    return xp.zeros_like(x)


@op(x=lambda g, out: g * out)
def exp(xp, x):
    """e to the power x."""
    return xp.exp(x)


@op(x=lambda g, x: g / x)
def log(xp, x):
    """The natural logarithm."""
    return xp.log(x)


@op(x=lambda g, out: g / (2.0 * out))
def sqrt(xp, x):
    """The square root. The derivative at 0 is infinite."""
    return xp.sqrt(x)


@op(x=lambda g, x: g * (2.0 * x))
def square(x):
    """x times x."""
    return x * x


@op(x=lambda g, out: -g * out * out)
def reciprocal(x):
    """1 / x. The derivative at 0 is infinite."""
    return 1 / x


@op(x=lambda g, out: g / (3.0 * (out * out)))
def cbrt(xp, x):
    """The cube root, negative for negative x. The derivative at 0 is infinite."""
    if hasattr(xp, "cbrt"):
        return xp.cbrt(x)
    # The standard has no name for it: a power is right but for its last digits, which a step of Newton's method mends.
    root = xp.abs(x) ** (1 / 3)
    square = xp.where(root == 0, xp.ones_like(root), root * root)
    return xp.copysign(root - (root - xp.abs(x) / square) / 3, x)


@op(broadcasts=True, a=lambda g, out, a: g * _ratio(a, out), b=lambda g, out, b: g * _ratio(b, out))
def hypot(xp, a, b):
    """sqrt(a * a + b * b), without overflow. At (0, 0) the derivatives of every order are taken to be 0: so the second derivatives of
    hypot(a, b) ** 2 come out as 0 there; a * a + b * b gives them. Where the result is infinite, the derivative in an infinite argument is
    NaN and that in a finite one is 0.
    """
    return xp.hypot(a, b)


def _ratio(side, length):
    """side / length, between -1 and 1; 0 where the length is 0."""
    return side / where(length != 0, length, math.inf)


@op(broadcasts=True, a=lambda g, a, b: g * (sign(a) * copysign(1, b)), b=lambda g: zeros_like(g))
def copysign(xp, a, b):
    """The size of a with the sign of b, where -0.0 is negative. At a = 0 the derivative in a is taken to be 0. In b it is 0 almost
    everywhere; 0 is returned at the jump.
    """
    return xp.copysign(a, b)


@op(broadcasts=True, a=lambda g, a, b: _share(a > b, a == b, g), b=lambda g, a, b: _share(b > a, a == b, g))
def maximum(xp, a, b):
    """The larger of a and b. Where they are equal each gets half of the gradient."""
    return xp.maximum(a, b)


@op(broadcasts=True, a=lambda g, a, b: _share(a < b, a == b, g), b=lambda g, a, b: _share(b < a, a == b, g))
def minimum(xp, a, b):
    """The smaller of a and b. Where they are equal each gets half of the gradient."""
    return xp.minimum(a, b)


def _share(wins, ties, g):
    """All of the gradient to the winner, half of it at a tie."""
    return where(wins, g, where(ties, g / 2, 0))


@op(
    broadcasts=True,
    condition=None,
    x=lambda g, condition: where(condition, g, 0),
    y=lambda g, condition: where(condition, 0, g),
)
def where(xp, condition, x, y):
    """x where the condition holds, else y. No gradient goes to the side that is not taken; for functions that are infinite there see "NaN,
    and the double where" in docs/guide.md.
    """
    return xp.where(condition, x, y)


@op(broadcasts=True, x=lambda g, x, min, max: where(_within(x, min, max), g, 0), min=None, max=None)
def clip(xp, x, min=None, max=None):
    """x limited to [min, max]; either may be None. On a limit itself the derivative is taken to be 1."""
    return xp.clip(x, min, max)


def _within(x, low, high):
    return ((x >= low) if low is not None else True) & ((x <= high) if high is not None else x == x)


@op(name="pow", x=lambda g, x, exponent: g * (exponent * x ** (exponent - 1)) if exponent != 0 else zeros_like(g))
def scalar_power(x, *, exponent):
    """x to the power of a Python number."""
    return x**exponent


@op(name="pow", b=lambda g, out, base: g * (out * math.log(base)))
def power_of_scalar(b, *, base):
    """A Python number above 0 to the power b."""
    return base**b


@op(
    name="pow",
    broadcasts=True,
    a=lambda g, a, b: (
        g
        * either(_regular(a), lambda a, b: b * a ** (b - 1.0), lambda a, b: _at_the_edge(a, b, in_a=1, in_b=0), (a, b))
    ),
    b=lambda g, out, a, b: (
        g
        * either(
            _regular(a),
            lambda a, b, out: out * log(a),
            lambda a, b, out: _at_the_edge(a, b, in_a=0, in_b=1),
            (a, b, out),
        )
    ),
)
def tensor_power(a, b):
    """a to the power b, both arrays."""
    return a**b


def _regular(a):
    """Whether no element is 0 or infinite."""
    within = (a != 0) & (a != math.inf)
    return library.namespace(within).all(within)


def _at_the_edge(a, b, **times):
    """The limit of the derivative where a may be 0 or infinite. At 0 ** 0 it depends on the direction; 0 is returned."""
    corner = (a == 0) & (b == 0)
    return where(corner, 0, power_differentiated(where(corner, 1, a), b, **times))


@op(
    name="pow",
    broadcasts=True,
    a=lambda g, a, b, in_a, in_b: g * masked_slope(g, a, b, power_differentiated(a, b, in_a=in_a + 1, in_b=in_b)),
    b=lambda g, a, b, in_a, in_b: g * masked_slope(g, a, b, power_differentiated(a, b, in_a=in_a, in_b=in_b + 1)),
)
def power_differentiated(xp, a, b, *, in_a, in_b):
    """The derivative of a ** b of order in_a in a and in_b in b: a ** (b - in_a) times a polynomial in log(a), whose coefficients are
    polynomials in b. At a = 0 it is the limit, where a product differentiated term by term would be 0 * inf or inf - inf.
    """
    b = floating(b)
    coefficients = [xp.zeros_like(b)] * in_b + [xp.ones_like(b)]  # of log(a) ** 0, log(a) ** 1, ...
    for i in range(in_a):
        above = [k * c for k, c in enumerate(coefficients)][1:]
        coefficients = [(b - i) * c for c in coefficients]
        coefficients[: len(above)] = [c + d for c, d in zip(coefficients, above, strict=False)]
    *others, total = coefficients
    log_a = xp.log(xp.where((a == 0) & (b > in_a), 1, a)) if in_b else 0
    with quiet(invalid="ignore"):  # 0 times infinity is 0 here
        for c in others[::-1]:
            total = xp.where(total == 0, 0, total * log_a) + c
        power = a ** xp.where(total == 0, 0, b - in_a)
        return xp.where(power == 0, 0, power * total)


def masked_slope(g, a, b, slope):
    """The derivative of a ** b in a, or 0 where it is infinite and g is 0, whose product would be NaN in a row of a Hessian."""
    # For powers above 1 it stays: there g may be 0 because it is a first derivative, and its own need not be 0.
    return where((g != 0) | (a != 0) | (b > 1), slope, 0)


def pow(a, b):
    """a to the power b: Python numbers or arrays.

    The derivative in a of a ** 0 is 0, also at 0. Where a is 0 the derivative is infinite for powers below 1, and the derivative in b is 0
    for positive powers, -inf for negative ones, and taken to be 0 at 0 ** 0; second derivatives there are the limits. Where a is negative
    there is a value only at whole b, and no derivative in b: it is NaN.

    >>> import tinygrad_ko as tg
    >>> a = tg.Tensor([0.0, 0.0, -2.0, 3.0], requires_grad=True)
    >>> tg.pow(a, tg.Tensor([0.0, 2.0, 3.0, 2.0])).sum().backward()
    >>> a.grad
    array([ 0.,  0., 12.,  6.])
    """
    if isinstance(b, SCALARS):
        return scalar_power(a, exponent=b)
    return power_of_scalar(b, base=a) if isinstance(a, SCALARS) and a > 0 else tensor_power(a, b)


@op(x=lambda g: g)
@moves
def astype(xp, x, /, dtype, copy=True, device=None):
    """x in another floating dtype; the gradient comes back in the dtype of x. With `copy=False` an array that has it is returned itself."""
    if copy is True and device is None:
        return xp.astype(x, dtype)
    options = {} if device is None else {"device": device}
    return xp.astype(x, dtype, copy=copy, **options)


def real(x, /):
    """The real part: of real numbers, x itself."""
    return x.real if hasattr(x, "by_parts") else positive(_require_real(x, "real"))


def conj(x, /):
    """The complex conjugate: of real numbers, x itself."""
    return x.conj() if hasattr(x, "by_parts") else positive(_require_real(x, "conj"))


def imag(x, /):
    """The imaginary part: of real numbers, zeros."""
    return x.imag if hasattr(x, "by_parts") else zeros_like(_require_real(x, "imag"))


def _require_real(x, name):
    return x if isinstance(x, Handle) else operand(x, name)
