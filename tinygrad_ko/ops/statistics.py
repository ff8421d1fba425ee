"""Variance, standard deviation and weighted mean; `axis` and `keepdims` are those of the reductions."""

import math
import warnings

from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.inputs import as_floating, as_operand, in_float32, namespace_of, unwrapped
from tinygrad_ko.ops.reduction import mean, norm_gradient, p_norm, reduced_axes, reduced_size, stretch, sum
from tinygrad_ko.ops.shape import permute_dims, reshape


@op(
    x=lambda g, x, axis, correction: (
        stretch(g * (2 / _divisor(x.shape, axis, correction)), x.shape, axis) * deviation(x, axis)
    )
)
def var(xp, x, /, axis=None, *, correction=0, keepdims=False):
    """The variance: the sum of the squared distances from the mean, divided by n - correction. With `correction=1` it estimates the
    variance of what the numbers were drawn from.

    It is NaN, with a RuntimeWarning, if n - correction is not above 0.

    >>> import tinygrad_ko as tg
    >>> float(tg.var([1.0, 2.0, 3.0, 6.0])), float(tg.var([1.0, 2.0, 3.0, 6.0], correction=1))
    (3.5, 4.666666666666667)
    """
    apart, divided_by = _deviations(xp, x, axis, correction)
    return xp.sum(apart * apart, axis=axis, keepdims=keepdims) / divided_by


@op(
    x=lambda g, x, out, axis, correction: norm_gradient(
        g / _divisor(x.shape, axis, correction), deviation(x, axis), out, axis
    ),
)
def std(xp, x, /, axis=None, *, correction=0, keepdims=False):
    """The standard deviation: the square root of the variance. Where all numbers are equal it is 0, and its derivatives of every order are
    taken to be 0, as for `vector_norm`: so the second derivative of std(x) ** 2 comes out as 0 there; var(x) gives it.

    It is NaN, with a RuntimeWarning, if n - correction is not above 0.
    """
    apart, divided_by = _deviations(xp, x, axis, correction)
    out = p_norm(xp, apart, 2, axis, keepdims) / math.sqrt(divided_by)
    if math.isnan(divided_by):
        return out
    equal = xp.max(x, axis=axis, keepdims=keepdims) == xp.min(x, axis=axis, keepdims=keepdims)
    return xp.where(equal, xp.zeros_like(out), out)  # the mean of equal numbers may be off by a last bit


def _deviations(xp, x, axis, correction):
    """How far each is from the mean, and what the sum of their squares is divided by."""
    x = floating(xp.asarray(x))
    total = xp.sum(x, axis=axis, keepdims=True)
    n, divided_by = reduced_size(x.shape, axis), _divisor(x.shape, axis, correction)
    if math.isnan(divided_by):
        warnings.warn(
            f"{n} numbers with correction={correction} have no variance: the sum of squares would be divided by {n - correction:g}\n"
            f"correction={correction}이면 원소 {n}개의 분산을 구할 수 없습니다. 제곱의 합을 나눌 값: {n - correction:g}",
            RuntimeWarning,
            stacklevel=4,
        )
    return x - total / (n or 1), divided_by


def _divisor(shape, axis, correction):
    """What the sum of squares is divided by: NaN where there is no variance."""
    n = reduced_size(shape, axis)
    return float(n - correction) if n and n > correction else math.nan


def deviation(x, axis):
    """How far each is from the mean."""
    return x - mean(x, axis=axis, keepdims=True)


@in_float32
def average(x, /, *, axis=None, weights=None, keepdims=False):
    """The weighted mean: sum(weights * x) / sum(weights), without weights the mean. Weights have the shape of x, or one weight for each
    place along the axis or axes. Gradients go to the weights too.

    Raises ValueError for weights of another shape, ZeroDivisionError if they sum to 0, TypeError if `axis` is an array.

    >>> import tinygrad_ko as tg
    >>> tg.average([[1.0, 2.0], [3.0, 4.0]], axis=1, weights=[3.0, 1.0])
    array([1.25, 3.25])
    """
    if getattr(axis, "shape", ()):
        raise explain(
            TypeError(f"average: axis must be an int or a tuple of ints, not an array of shape {axis.shape}"),
            f"average: axis에는 정수나 정수의 튜플을 넘겨야 합니다. 받은 배열의 형상: {axis.shape}",
        )
    if weights is None:
        return mean(x, axis=axis, keepdims=keepdims)
    x, weights = as_floating(x, "average"), as_operand(weights, "average")
    weights = weights if weights.shape == x.shape else _spread_out(weights, x.shape, axis)
    total = sum(weights, axis=axis, keepdims=keepdims)
    _require_not_0(namespace_of(total), unwrapped(total))
    return sum(x * weights, axis=axis, keepdims=keepdims) / total


@opaque
def _require_not_0(xp, total):
    if xp.any(total == 0):
        raise explain(
            ZeroDivisionError("average: the weights sum to 0; give weights with another sum"),
            "average: 가중치의 합이 0이므로 가중 평균을 계산할 수 없습니다. 합이 0이 아닌 가중치를 넘기십시오.",
        )


def _spread_out(weights, shape, axis):
    """One weight for each place along the axes, in a shape that broadcasts against x."""
    places = axis if isinstance(axis, tuple) else (axis,)
    if axis is None or not shape or weights.shape != tuple(shape[i % len(shape)] for i in places):
        raise explain(
            ValueError(
                f"average: weights of shape {weights.shape} do not fit x of shape {shape} with axis={axis}; give weights of the "
                "shape of x, or one for each place along the axis"
            ),
            f"average: 가중치는 x의 형상이거나 axis={axis}의 자리마다 하나씩이어야 합니다. 형상: x {shape}, 가중치 {weights.shape}",
        )
    axes = [i % len(shape) for i in places]
    in_order = permute_dims(weights, tuple(axes.index(i) for i in sorted(reduced_axes(shape, axis))))
    return reshape(in_order, tuple(n if i in axes else 1 for i, n in enumerate(shape)))
