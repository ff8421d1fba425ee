"""Reductions of many numbers to one: the gradient is broadcast back over them.

`axis` is None (all), an int or a tuple of ints, negative ones count from the end; with `keepdims` the reduced axes stay, with length 1.
"""

import math
from numbers import Real

from tinygrad_ko.arrays.library import quiet
from tinygrad_ko.arrays.opaque import certain, either
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import abs, astype, masked_slope, where, zeros_like
from tinygrad_ko.ops.inputs import as_floating
from tinygrad_ko.ops.queries import divisible, or_nan
from tinygrad_ko.ops.scan import products_before
from tinygrad_ko.ops.shape import broadcast_to, flip, inverse_permutation, permute_dims, reshape


@op(x=lambda g, x_shape, axis: stretch(g, x_shape, axis))
def sum(xp, x, /, axis=None, keepdims=False, dtype=None):
    """The sum; with a `dtype`, of x in that dtype."""
    if dtype is not None:
        return xp.sum(x, axis=axis, dtype=dtype, keepdims=keepdims)
    return xp.sum(x, axis=axis, keepdims=keepdims)


@op(x=lambda g, x_shape, axis: stretch(g * (1 / (reduced_size(x_shape, axis) or 1)), x_shape, axis))
def mean(xp, x, /, axis=None, keepdims=False):
    """The mean."""
    return xp.mean(x, axis=axis, keepdims=keepdims)


@op(
    x=lambda g, x, out, axis: either(
        divisible(out),
        lambda x, out: stretch(g * out, x.shape, axis) / x,
        lambda x, out: stretch(g, x.shape, axis) * _others(x, axis),
        (x, out),
    )
)
def prod(xp, x, /, axis=None, keepdims=False, dtype=None):
    """The product; 1 if there are no elements; with a `dtype`, of x in that dtype. The derivatives are right at zeros too, at every order.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor([2.0, 0.0, 3.0], requires_grad=True)
    >>> tg.prod(x).backward()
    >>> x.grad
    array([0., 6., 0.])
    """
    if dtype is not None:
        return xp.prod(x, axis=axis, dtype=dtype, keepdims=keepdims)
    return xp.prod(x, axis=axis, keepdims=keepdims)


@op(x=lambda g, x, out, axis: _split_among(x == stretch(out, x.shape, axis), g, axis))
def max(xp, x, /, axis=None, keepdims=False):
    """The largest element. Equal ones share the gradient equally."""
    return xp.max(x, axis=axis, keepdims=keepdims)


@op(x=lambda g, x, out, axis: _split_among(x == stretch(out, x.shape, axis), g, axis))
def min(xp, x, /, axis=None, keepdims=False):
    """The smallest element. Equal ones share the gradient equally."""
    return xp.min(x, axis=axis, keepdims=keepdims)


def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    """The length of x as a vector: sum(|x| ** ord) ** (1 / ord), or its limit for an infinite `ord`, without overflow. Where the norm is 0
    its derivatives of every order are taken to be 0: so the second derivative of its square comes out as 0 there; sum(x * x) gives it. In
    an entry that is 0 the derivative is taken to be 0 for an `ord` below 1, and the second derivative is infinite for one between 1 and 2.

    With `ord=inf` it is the largest of the absolute values, with -inf the smallest, with 0 the number of those that are not 0, whose
    derivative is 0. Raises TypeError if `ord` is not a real number.

    (The square of a norm is smooth at 0, but a formula of the norm cannot know that it will be squared: it is given the derivative of what
    follows, 2 * norm, which is 0 there.)

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor([[3.0, 4.0], [0.0, 0.0]], requires_grad=True)
    >>> norms = tg.vector_norm(x, axis=1)
    >>> norms.backward([5.0, 5.0])
    >>> norms.tolist(), x.grad.tolist()
    ([5.0, 0.0], [[3.0, 4.0], [0.0, 0.0]])
    """
    if not isinstance(ord, Real) or math.isnan(ord):
        raise explain(
            TypeError(f"vector_norm: ord must be a real number or infinite, got {ord!r}; of a matrix take matrix_norm"),
            f"vector_norm: ord에는 실수나 무한대를 넘겨야 합니다. 받은 값: {ord!r}. 행렬의 노름에는 matrix_norm을 쓰십시오.",
        )
    x = as_floating(x, "vector_norm")
    if ord == 0:
        return sum(where(x != 0, 1.0, zeros_like(x)), axis=axis, keepdims=keepdims)
    if ord == 2:
        return euclidean_norm(x, axis=axis, keepdims=keepdims)
    if ord == 1:
        return sum(abs(x), axis=axis, keepdims=keepdims)
    if math.isinf(ord):
        return (min if ord == -math.inf else max)(abs(x), axis=axis, keepdims=keepdims)
    return power_norm(x, axis=axis, keepdims=keepdims, ord=float(ord))


@op(name="vector_norm", x=lambda g, x, out, axis: norm_gradient(g, x, out, axis))
def euclidean_norm(xp, x, /, *, axis=None, keepdims=False):
    """The square root of the sum of the squares."""
    return p_norm(xp, x, 2, axis, keepdims)


@op(
    name="vector_norm",
    x=lambda g, x, out, axis, ord: stretch(g, x.shape, axis) * _norm_derivative(x, stretch(out, x.shape, axis), ord),
)
def power_norm(xp, x, /, *, ord, axis=None, keepdims=False):
    """sum(|x| ** ord) ** (1 / ord)."""
    return p_norm(xp, x, ord, axis, keepdims)


def p_norm(xp, x, ord, axis, keepdims):
    """sum(|x| ** ord) ** (1 / ord); where it may overflow or vanish, of x over its largest size, or for ord < 0 its smallest."""
    with quiet(over="ignore", divide="ignore"):  # a negative power of 0 is infinite, and the norm 0
        total = xp.sum(_powers(xp, x, ord), axis=axis, keepdims=keepdims)
        usual = (total > 1e-30) & (total < 1e30)
        if certain(xp.count_nonzero(usual) == usual.size) or 0 in x.shape:  # there is no largest of nothing
            return _root(xp, total, ord)
        unit = (xp.max if ord > 0 else xp.min)(xp.abs(x), axis=axis, keepdims=True)
        as_it_is = xp.reshape(usual, unit.shape) | (unit == 0) | (unit == math.inf)
        unit = xp.where(as_it_is, xp.ones_like(unit), unit)
        total = xp.sum(_powers(xp, x / unit, ord), axis=axis, keepdims=keepdims)
        return _root(xp, total, ord) * xp.reshape(unit, total.shape)


def norm_gradient(g, x, out, axis):
    """The gradient of the Euclidean norm: g times x / out, and 0 where out is 0."""
    return either(
        divisible(out),
        lambda out: stretch(g / out, x.shape, axis) * x,
        lambda out: stretch(g, x.shape, axis) * (x / stretch(where(out != 0, out, math.inf), x.shape, axis)),
        (out,),
    )


def _powers(xp, x, ord):
    return x * x if ord == 2 else xp.abs(x) ** ord


def _root(xp, x, ord):
    return xp.sqrt(x) if ord == 2 else x ** (1 / ord)


def _norm_derivative(x, n, ord):
    """The derivative of the norm n in x: sign(x) * |x / n| ** (ord - 1); 0 where n is 0, and for an ord below 1 where x is."""
    there = (n != 0) & ((x != 0) | (ord > 1))
    return where(there, odd_power(where(there, x, 1), where(there, n, 1), power=ord - 1), 0)


@op(
    name="vector_norm",
    x=lambda g, x, n, power: g * masked_slope(g, x, power, power * even_power(x, n, power=power - 1) / n),
    n=lambda g, out, n, power: -g * (power * out / n),
)
def odd_power(xp, x, n, *, power):
    """sign(x) * |x / n| ** power, for x and n of one shape; 0 at 0. The derivative there is infinite for powers below 1."""
    ratio = x / n
    return xp.sign(ratio) * xp.where(ratio != 0, xp.abs(ratio), xp.ones_like(ratio)) ** power


@op(
    name="vector_norm",
    x=lambda g, x, n, power: g * (power * odd_power(x, n, power=power - 1) / n),
    n=lambda g, out, n, power: -g * (power * out / n),
)
def even_power(xp, x, n, *, power):
    """|x / n| ** power, for x and n of one shape."""
    return xp.abs(x / n) ** power


def stretch(g, shape, axis):
    """g with the reduced axes of a shape put back, and repeated along them."""
    return broadcast_to(reshape(g, _with_ones(shape, axis)), shape)


def _split_among(chosen, g, axis):
    """The gradient of a maximum, in equal parts to the elements that are the maximum. Where the maximum is NaN, so is the gradient."""
    ties = sum(astype(chosen, g.dtype), axis=axis, keepdims=True)
    chosen, ties = or_nan(chosen, ties)
    return where(chosen, broadcast_to(reshape(g, ties.shape) / ties, chosen.shape), 0)


def _others(x, axis):
    """At each place the product of all the others: of those before it and those behind it."""
    along = sorted(reduced_axes(x.shape, axis))
    order = (*(i for i in range(x.ndim) if i not in along), *along)
    turned = permute_dims(x, order)
    rows = reshape(turned, (*reduced_shape(x.shape, axis), reduced_size(x.shape, axis)))
    products = products_before(rows, -1) * flip(products_before(flip(rows, -1), -1), -1)
    return permute_dims(reshape(products, turned.shape), inverse_permutation(order))


def reduced_axes(shape, axis):
    """The reduced axes, counted from the front."""
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return {i % len(shape) for i in axes} if shape else set()


def _with_ones(shape, axis):
    axes = reduced_axes(shape, axis)
    return tuple([1 if i in axes else n for i, n in enumerate(shape)])


def reduced_shape(shape, axis):
    """The shape after a reduction that drops the axes."""
    axes = reduced_axes(shape, axis)
    return tuple([n for i, n in enumerate(shape) if i not in axes])


def reduced_size(shape, axis):
    """How many numbers are reduced into one."""
    return math.prod([shape[i] for i in reduced_axes(shape, axis)])
