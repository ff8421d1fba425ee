"""Standardization to mean 0 and variance 1, and the normalizations built on it."""

from math import prod

from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.arrays.rows import row_means, weighted_row_sums
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import sqrt, square
from tinygrad_ko.ops.inputs import as_floating, in_float32, require_above_0
from tinygrad_ko.ops.linalg.products import dots
from tinygrad_ko.ops.networks.channels import all_but_channels, channel_dots, channel_means, channel_sums, per_channel
from tinygrad_ko.ops.reduction import mean, reduced_size
from tinygrad_ko.ops.shape import reshape
from tinygrad_ko.ops.statistics import deviation
from tinygrad_ko.runtime.suggestions import explained


@op(
    keeps="scale",
    x=lambda g, out, scale, axis: (
        (deviation(g, axis) - out * (dots(g, out, axis) / reduced_size(g.shape, axis))) / scale
    ),
    scale=lambda x, axis, eps: root_of_variance(x, axis, eps),
)
def standardize(xp, x, /, axis=-1, eps=1e-5):
    """(x - mean) / sqrt(variance + eps) along an axis (or a tuple of axes, or None for all), in the shape of x. The variance is the mean of
    the squared distances from the mean; eps keeps numbers that are all equal from being divided by 0. Raises ValueError if the axis has no
    numbers, or eps is not above 0.

    >>> import tinygrad_ko as tg
    >>> tg.standardize([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]])
    array([[-1.22473569,  0.        ,  1.22473569],
           [ 0.        ,  0.        ,  0.        ]])
    """
    return _standardized(xp, x, axis, eps)


def _standardized(xp, x, axis, eps):
    """What `standardize` gives, and what it has divided by."""
    _require_numbers(x.shape, axis, eps)
    out = floating(x)
    out = out - row_means(xp, out, axis)
    scale = xp.sqrt(dots(out, out, axis) / reduced_size(x.shape, axis) + float(eps))
    out /= scale
    return out, scale


def _require_numbers(shape, axis, eps):
    require_above_0(eps=eps)
    if not reduced_size(shape, axis):
        raise explain(ValueError("there are no numbers to take a mean of"), "평균을 구할 원소가 없습니다.")


def root_of_variance(x, axis, eps):
    """The square root of the variance and eps."""
    return sqrt(mean(square(deviation(x, axis)), axis=axis, keepdims=True) + float(eps))


@op(
    name="batch_norm",
    keeps=("unit", "scale"),
    x=lambda g, gamma, unit, scale: (
        (g - (unit * channel_means(g, unit) + channel_means(g))) * (per_channel(gamma, unit.shape) / scale)
    ),
    gamma=lambda g, unit: channel_dots(g, unit),
    beta=lambda g: channel_sums(g),
    unit=lambda x, eps: standardize(x, axis=all_but_channels(x), eps=eps),
    scale=lambda x, eps: sqrt(channel_means(square(deviation(x, all_but_channels(x)))) + float(eps)),
)
def standardized_channels(xp, x, gamma, beta, *, eps):
    """gamma * unit + beta, where unit is x standardized along every axis but the second."""
    _require_numbers(x.shape, all_but_channels(x), eps)
    unit = x - channel_means(x)
    scale = xp.sqrt(channel_means(unit, unit) + float(eps))
    unit /= scale
    out = unit * per_channel(xp.astype(gamma, xp.result_type(unit, gamma, beta), copy=False), x.shape)
    out += per_channel(beta, x.shape)
    return out, unit, scale


def normalized_by(x, mean, var, gamma, beta, eps):
    """gamma * (x - mean) / sqrt(var + eps) + beta: batch normalization after training, with averages in the place of the batch."""
    return (x - mean) * (gamma / sqrt(var + eps)) + beta


@in_float32
@explained
def layer_norm(x, gamma, beta, eps=1e-5):
    """Each sample by itself: gamma * standardize(x) + beta along the last axis, from (..., n) with gamma (n,) and beta (n,) to (..., n).
    Source: Ba, Kiros and Hinton (2016).

    Raises ValueError if a shape does not fit.

    >>> import tinygrad_ko as tg
    >>> tg.layer_norm([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]], [1.0, 1.0, 1.0], [0.0, 0.0, 5.0]).round(3)
    array([[-1.225,  0.   ,  6.225],
           [-1.225,  0.   ,  6.225]])
    """
    x = as_floating(x, "layer_norm")
    gamma, beta = per_feature(x, -1, gamma, beta, name="layer_norm")
    return scaled_and_shifted(x, gamma, beta, eps=eps)


@op(
    name="layer_norm",
    keeps=("h", "scale"),
    x=lambda g, gamma, h, scale: (g * gamma - weighted_mean(g, gamma) - h * weighted_mean(g * h, gamma)) / scale,
    gamma=lambda g, h: over_samples(g * h),
    beta=lambda g: over_samples(g),
    h=lambda x, eps: standardize(x, eps=eps),
    scale=lambda x, eps: root_of_variance(x, -1, eps),
)
def scaled_and_shifted(xp, x, gamma, beta, *, eps):
    """`layer_norm` of arrays that fit. (Composed of three ops it takes a quarter longer.)"""
    h, scale = _standardized(xp, x, -1, eps)
    return h * gamma + beta, h, scale


def weighted_mean(x, gamma):
    """The mean of gamma * x along the last axis, which stays."""
    return weighted_row_sums(x, gamma / gamma.shape[0])


def over_samples(x):
    """The sum over all axes but the last."""
    return channel_sums(reshape(x, (prod(x.shape[:-1]), x.shape[-1])))


@in_float32
@explained
def batch_norm(x, gamma, beta, eps=1e-5):
    """Each channel over the batch: gamma * standardize(x) + beta along every axis but the second, from (batch, n) or (batch, n, height,
    width) with gamma (n,) and beta (n,) to the shape of x. This is what happens in training; the layer `BatchNorm` also keeps the averages
    that take the batch's place afterwards. Source: Ioffe and Szegedy (2015).

    Raises ValueError if a shape does not fit, or a channel has a single number: it has no variance.

    >>> import tinygrad_ko as tg
    >>> tg.batch_norm([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]], [1.0, 1.0], [0.0, 5.0]).round(3)
    array([[-1.225,  3.775],
           [ 0.   ,  5.   ],
           [ 1.225,  6.225]])
    """
    x = as_floating(x, "batch_norm")
    gamma, beta = _one_per_feature(x, 1, gamma, beta, name="batch_norm")
    if reduced_size(x.shape, all_but_channels(x)) == 1:
        raise explain(
            ValueError(
                f"batch_norm: an x of shape {x.shape} has one number per channel, which has no variance; pass a larger batch, or call "
                "eval() on the module to use its running averages"
            ),
            f"batch_norm: 형상 {x.shape}에는 채널마다 값이 하나뿐이어서 분산을 구할 수 없습니다. "
            "배치를 더 크게 하거나, 모듈의 eval()을 호출하여 이동 평균을 쓰십시오.",
        )
    return standardized_channels(x, gamma, beta, eps=eps)


def per_feature(x, axis, *arrays, name):
    """Arrays with one number per feature of x along an axis, in a shape that broadcasts with x; raises ValueError for any other shape."""
    fitted, after = _one_per_feature(x, axis, *arrays, name=name), x.ndim - 1 - axis % x.ndim
    return [reshape(v, (*v.shape, *(1,) * after)) if after else v for v in fitted]


def _one_per_feature(x, axis, *arrays, name):
    """Arrays with one number per feature of x along an axis; raises ValueError for any other shape."""
    if x.ndim < (1 if axis < 0 else 2):
        wanted = "(..., n)" if axis < 0 else "(batch, n, ...)"
        raise explain(
            ValueError(f"{name}: x needs a shape of {wanted}, not {x.shape}"),
            f"{name}: x의 형상은 {wanted}이어야 합니다. 받은 형상: {x.shape}",
        )
    n = x.shape[axis]
    fitted = [as_floating(v, name) for v in arrays]
    if bad := [v.shape for v in fitted if v.shape != (n,)]:
        raise explain(
            ValueError(f"{name}: an x of shape {x.shape} has {n} features, so shape {(n,)} is needed, not {bad[0]}"),
            f"{name}: x의 형상이 {x.shape}이고 특성이 {n}개이므로 형상 {(n,)}의 배열이 필요합니다. 받은 형상: {bad[0]}",
        )
    return fitted
