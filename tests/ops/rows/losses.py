"""Softmax and the losses of the book."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import SEEDS, SHAPES, SOLID, Row, draw_array, positive, real, reduced, some_axes
from tinygrad_ko.ops.networks import losses, softmax


@st.composite
def along(draw, values=real):
    """Options of softmax and its kin."""
    x = draw_array(draw, hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4), values)
    return (x,), {"axis": draw(some_axes(x.ndim))}


@st.composite
def labelled(draw):
    """Scores of a batch, and labels."""
    n, k = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(SEEDS))
    return (real(rng, (n, k)), rng.integers(0, k, n)), {}


@st.composite
def targets(draw, values=real):
    """Predictions for one sample or a batch, with labels, one-hot rows or distributions."""
    (y, t), _ = draw(labelled())
    y = values(np.random.default_rng(draw(SEEDS)), y.shape)
    kind = draw(st.sampled_from(["labels", "one-hot", "soft"]))
    if kind != "labels":
        t = (
            np.eye(y.shape[1])[t]
            if kind == "one-hot"
            else np.random.default_rng(draw(SEEDS)).dirichlet(np.ones(y.shape[1]), len(y))
        )
        t = np.round(t, 3)
    return ((y[0], int(t[0]) if kind == "labels" else t[0]) if draw(st.booleans()) else (y, t)), {}


def cross_entropy_by_hand(p, t, delta):
    p, t = np.atleast_2d(p), np.asarray(t)
    weights = np.eye(p.shape[1])[np.atleast_1d(t)] if t.dtype.kind == "i" else np.atleast_2d(t)
    return -np.sum(np.where(weights != 0, weights * np.log(np.where(weights != 0, p, 1) + delta), 0)) / len(p)


def soft(x, axis=-1):
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


def log_sum_exp(x, axis, keepdims=False):
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def negative(rng, size):
    """-0.1 to -3: log-probabilities, which need not add up here."""
    return -positive(rng, size)


@st.composite
def distributions(draw, shapes=SOLID):
    """Log-probabilities, and positive targets of their shape."""
    log_y = draw_array(draw, shapes, negative)
    return (log_y, draw_array(draw, st.just(log_y.shape), positive)), {}


@st.composite
def alike(draw):
    """Two arrays of one shape."""
    size = draw(SHAPES)
    return tuple(draw_array(draw, st.just(size), real) for _ in range(2)), {}


ROWS: dict[Callable[..., Any], Row] = {
    softmax.softmax: Row(along(), soft),
    softmax.log_softmax: Row(along(), lambda x, axis: np.log(soft(x, axis))),
    softmax.logsumexp: Row(reduced(shapes=SOLID), log_sum_exp),
    losses.labelled: Row(labelled(), lambda x, t: cross_entropy_by_hand(soft(x), t, 0)),
    losses.softmax_cross_entropy: Row(targets(), lambda x, t: cross_entropy_by_hand(soft(x), t, 0)),
    losses.surprise: Row(distributions(), lambda log_y, t: -t * log_y),
    losses.cross_entropy_error: Row(targets(positive), lambda y, t: cross_entropy_by_hand(y, t, 1e-7)),
    losses.sum_squares_error: Row(alike(), lambda y, t: 0.5 * np.sum((y - t) ** 2)),
}

ELSEWHERE = "arrays of another library alone come there: tests/ops/test_array_api.py"

EQUIVALENT: dict[str, dict[str, str]] = {
    "labelled": {
        "softmax_cross_entropy.scores: reversed comparison: in _one_hot: if type(labels) in NUMPYS:": "right too, only slower",
        "softmax_cross_entropy.scores: missing function: in _one_hot: xp = labels": ELSEWHERE,
        "softmax_cross_entropy.scores: reversed comparison: in _one_hot: "
        "return xp.astype(labels[:, None] != xp.arange(classes), dtype)": ELSEWHERE,
    },
}
