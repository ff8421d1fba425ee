"""Numbers moved and stretched to mean 0 and variance 1."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import Row, draw_array, positive, real, some_axes
from tinygrad_ko.ops.networks import channels, normalization


@st.composite
def standardized(draw):
    """Three numbers or more along some axis: two are always as far from their mean as each other."""
    x = draw_array(draw, hnp.array_shapes(min_dims=1, max_dims=3, min_side=3, max_side=4), real)
    return (x,), {"axis": draw(some_axes(x.ndim)), "eps": draw(st.sampled_from([1e-5, 0.1]))}


def by_hand(x, axis, eps):
    mean, var = np.mean(x, axis=axis, keepdims=True), np.var(x, axis=axis, keepdims=True)
    return (x - mean) / np.sqrt(var + eps)


@st.composite
def layers(draw):
    x = draw_array(draw, hnp.array_shapes(min_dims=1, max_dims=3, min_side=3, max_side=4), real)
    n = st.just(x.shape[-1:])
    return (x, draw_array(draw, n, positive), draw_array(draw, n, real)), {"eps": draw(st.sampled_from([1e-5, 0.1]))}


def layer_by_hand(x, gamma, beta, eps):
    return by_hand(x, -1, eps) * gamma + beta


@st.composite
def batches(draw):
    x = draw_array(draw, hnp.array_shapes(min_dims=2, max_dims=4, min_side=3, max_side=3), real)
    n = st.just(x.shape[1:2])
    return (x, draw_array(draw, n, positive), draw_array(draw, n, real)), {"eps": draw(st.sampled_from([1e-5, 0.1]))}


def batch_by_hand(x, gamma, beta, eps):
    last = np.moveaxis(x, 1, -1)
    out = by_hand(last, tuple(range(x.ndim - 1)), eps) * gamma + beta
    return np.moveaxis(out, -1, 1)


@st.composite
def of_one_shape(draw, count):
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=3))
    return tuple(draw_array(draw, st.just(shape), real) for _ in range(count)), {}


def over_channels(x):
    return np.sum(x, axis=tuple(i for i in range(x.ndim) if i != 1))


ROWS: dict[Callable[..., Any], Row] = {
    normalization.standardize: Row(standardized(), by_hand),
    normalization.layer_norm: Row(layers(), layer_by_hand),
    normalization.scaled_and_shifted: Row(layers(), layer_by_hand),
    normalization.batch_norm: Row(batches(), batch_by_hand),
    normalization.standardized_channels: Row(batches(), batch_by_hand),
    channels.channel_sums: Row(of_one_shape(1), over_channels),
    channels.channel_dots: Row(of_one_shape(2), lambda x, y: over_channels(x * y)),
}

EQUIVALENT: dict[str, dict[str, str]] = {
    "standardized_channels": {
        "batch_norm.gamma: swapped operands: channel_dots(unit, g)": "products have no order",
        "batch_norm.gamma: transposed: the last two axes of the result exchanged, in its old shape": "the gradient of gamma has one axis",
        "batch_norm.beta: transposed: the last two axes of the result exchanged, in its old shape": "the gradient of beta has one axis",
    },
    "scaled_and_shifted": {
        f"layer_norm.{a}: transposed: the last two axes of the result exchanged, in its old shape": "it has one axis"
        for a in ("gamma", "beta")
    },
}
