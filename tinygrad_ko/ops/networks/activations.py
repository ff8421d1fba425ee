"""Activation functions. No derivative is computed as a difference from 1, so those far out have all their digits too."""

import math

from tinygrad_ko.arrays.dtypes import moves
from tinygrad_ko.arrays.library import SCALARS, new_array, quiet
from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.arrays.temporaries import in_blocks, onto
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.elementwise import abs, clip, exp, minimum, where, zeros_like
from tinygrad_ko.ops.error_function import DENSITY, FAR, gaussian, normal_cdf, normal_cdf_and_density
from tinygrad_ko.ops.hyperbolic import sech, tanh
from tinygrad_ko.ops.inputs import as_floating, as_operand, require_one_of

_STRETCH, _CUBIC = 2 * math.sqrt(2 / math.pi), 0.044715  # of the older gelu


@op(x=lambda g, out, x: g * (out * one_minus_sigmoid(x)))
def sigmoid(xp, x):
    """The logistic sigmoid, 1 / (1 + exp(-x)), between 0 and 1.

    The derivative is s * (1 - s), where the second factor is computed from x: from x = 37 on, s is 1 to the last digit.
    """
    e = -floating(x)
    with quiet(over="ignore"):  # exp(-x) may be infinite: then 1 / inf is 0, as it should be
        e = onto(e, xp.exp, e)
    e += 1
    return onto(e, xp.divide, 1, e)


@op(x=lambda g, out, x: -g * (out * sigmoid(x)))
def one_minus_sigmoid(xp, x):
    """1 - sigmoid(x), which is sigmoid(-x), with all its digits."""
    with quiet(over="ignore"):
        e = xp.exp(floating(x))
    e += 1
    return onto(e, xp.divide, 1, e)


@op(x=lambda g, x: g * logit_slope(x))
def logit(xp, x):
    """The inverse of the sigmoid, log(x / (1 - x)): -inf at 0, inf at 1. The derivative there is infinite."""
    # From 1/4 on, 2 x - 1 is exact: so around 1/2, where the logarithm is 0, no digits are lost.
    near = xp.maximum(x, 0.25)
    with quiet(divide="ignore"):
        return xp.where(x < 0.25, xp.log(x / (1 - x)), xp.log1p((2 * near - 1) / (1 - near)))


@op(x=lambda g, out, x: g * ((2 * x - 1) * (out * out)))
def logit_slope(x):
    """1 / (x * (1 - x)): at 0 and 1 it is infinite, and so is its own derivative."""
    return 1 / (x * (1 - x))


@op(x=lambda g, out: where(out > 0, g, 0))
def relu(xp, x):
    """The larger of x and 0. At 0 the derivative is taken to be 0.

    So relu(x) - relu(-x), which is x, has the derivative 0 there; with maximum(x, 0), whose derivative is 1/2, it has the derivative 1.
    """
    return xp.maximum(x, 0)


@op(x=lambda g, x, negative_slope: g * leaky_relu_slope(x, negative_slope))
def leaky_relu(xp, x, /, negative_slope=0.01):
    """x where it is above 0, else negative_slope * x. At 0 the derivative is taken to be `negative_slope`.

    >>> import tinygrad_ko as tg
    >>> tg.leaky_relu([-2.0, 3.0], negative_slope=0.1)
    array([-0.2,  3. ])
    """
    below = negative_slope * x
    if type(negative_slope) in SCALARS and 0 < negative_slope <= 1:  # the same, in a third of the time
        return onto(below, xp.maximum, x, below)
    return xp.where(x > 0, x, below)


@op(x=lambda g: zeros_like(g))
def leaky_relu_slope(xp, x, /, negative_slope):
    """1 where x is above 0, else negative_slope."""
    return xp.where(x > 0, xp.ones((), dtype=x.dtype), negative_slope)


@op(x=lambda g, x, alpha: g * where(x > 0, 1, alpha * exp(minimum(x, 0))))
def elu(xp, x, /, alpha=1.0):
    """x where it is above 0, else alpha * (exp(x) - 1). At 0 the derivative is taken to be `alpha`. Source: Clevert, Unterthiner and
    Hochreiter (2016).

    >>> import tinygrad_ko as tg
    >>> tg.elu([-1000.0, -1e-20, 3.0])
    array([-1.e+00, -1.e-20,  3.e+00])
    """
    x = floating(x)
    return xp.where(x > 0, x, alpha * xp.expm1(xp.minimum(x, 0)))


def selu(x):
    """1.0507... * elu(x, 1.6733...), which keeps mean 0 and variance 1 from layer to layer. At 0 the derivative is taken to be the left
    one, 1.758. Source: Klambauer, Unterthiner, Mayr and Hochreiter (2017).
    """
    return 1.0507009873554805 * elu(as_floating(x, "selu"), 1.6732632423543772)


@op(x=lambda g, x: g * sigmoid(x))
def softplus(xp, x):
    """A smooth relu, log(1 + exp(x)), without overflow."""
    x = floating(x)
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))


@op(keeps="p", x=lambda g, p, x: g * (p * (1 + x * one_minus_sigmoid(x))), p=lambda x: sigmoid(x))
def silu(x):
    """x times p = sigmoid(x), also called swish. Source: Elfwing, Uchibe and Doya (2018)."""
    p = sigmoid(x)
    return x * p, p


@op(x=lambda g, x: g * _mish_slope(x, softplus(x)))
def mish(xp, x):
    """x * tanh(softplus(x)). Source: Misra (2020)."""
    x = floating(x)
    return x * xp.tanh(xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x))))


def _mish_slope(x, s):
    """The derivative of x * tanh(s), where s = softplus(x), whose derivative is sigmoid(x)."""
    return tanh(s) + x * (sech(s) ** 2 * sigmoid(x))


def gelu(x, /, approximate="none"):
    """x times the probability that a standard normal number is at most x; with `approximate="tanh"` the older formula x * (1 + tanh(sqrt(2
    / pi) * (x + 0.044715 * x ** 3))) / 2, which differs by up to 5e-4.

    Raises ValueError if `approximate` is neither. Source: Hendrycks and Gimpel (2016).

    >>> import tinygrad_ko as tg
    >>> tg.gelu([-1.0, 0.0, 1.0])
    array([-0.15865525,  0.        ,  0.84134475])
    >>> tg.gelu([-1.0, 0.0, 1.0], approximate="tanh")
    array([-0.15880801,  0.        ,  0.84119199])
    """
    require_one_of(("none", "tanh"), approximate, "gelu", "approximate")
    return exact_gelu(x) if approximate == "none" else tanh_gelu(x)


@op(
    name="gelu",
    keeps="slope",
    x=lambda g, slope: g * slope,
    slope=lambda x: normal_cdf(x) + x * (DENSITY * gaussian(x, rate=0.5)),
)
@in_blocks
def exact_gelu(xp, x):
    """x times the probability p that a standard normal number is at most x, and its slope, which has nearly all of it in common."""
    x = floating(x)
    near = xp.clip(x, -FAR, FAR)  # beyond, p is 0 or 1, and so is the slope
    p, slope = normal_cdf_and_density(xp, near)
    slope *= near
    slope += p
    p *= x
    return p, slope


@op(
    name="gelu",
    keeps="p",
    x=lambda g, p, x: g * _tanh_gelu_slope(p, clip(x, -FAR, FAR)),
    p=lambda x: sigmoid(_bent(clip(x, -FAR, FAR))),
)
def tanh_gelu(x):
    """x times p = sigmoid(2 u), (1 + tanh(u)) / 2 with all its digits below 0; beyond FAR p is 0 or 1, where x ** 3 may overflow."""
    with quiet(over="ignore"):
        p = sigmoid(_bent(x))
    return x * p, p


def _tanh_gelu_slope(p, x):
    """p + x * p', where p' is p * (1 - p) times the derivative of 2 u."""
    return p * (1 + x * (one_minus_sigmoid(_bent(x)) * _bent_slope(x)))


def _bent(x):
    return _STRETCH * (x + _CUBIC * (x * x * x))


def _bent_slope(x):
    return _STRETCH * (1 + 3 * _CUBIC * (x * x))


@op(x=lambda g, x: where(abs(x) <= 3, g / 6, 0))
def hardsigmoid(xp, x):
    """(x + 3) / 6 limited to [0, 1], a sigmoid of straight lines. On its limits the derivative is taken to be 1/6."""
    y = floating(x) + 3
    y /= 6
    return onto(y, xp.clip, y, 0, 1)


@op(x=lambda g: zeros_like(g))
def step_function(xp, x):
    """1 where x is above 0, else 0. The derivative is 0 almost everywhere; 0 is returned at the jump."""
    return xp.sign(xp.maximum(x, 0))


def identity_function(x):
    """The values of x, in an array of their own: the activation of an output layer for regression."""
    return unchanged(x) if isinstance(x, Handle) else new_array(as_operand(x, "identity_function"))


@op(name="identity_function", x=lambda g: g)
@moves
def unchanged(x):
    """x itself: Tensors that share an array copy it on write."""
    return x
