"""Losses of each number against its own target."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.ops.domains import SEEDS, SHAPES, SOLID, Row, apart, draw_array, real
from tinygrad_ko.ops.networks import elementwise_losses as losses

NO_OPTIONS: Any = st.just({})
REDUCTIONS = st.sampled_from(["mean", "sum", "none"])


def reduced(each, reduction):
    return np.asarray(each if reduction == "none" else np.mean(each) if reduction == "mean" else np.sum(each))


@st.composite
def predictions(draw, distance, options=NO_OPTIONS):
    """Targets, and predictions at a distance; of an empty array there is no mean."""
    y = draw_array(draw, SHAPES, distance)
    t = draw_array(draw, st.just(y.shape), real)
    reduction = draw(REDUCTIONS if y.size else st.sampled_from(["sum", "none"]))
    return (np.asarray(y + t), t), {"reduction": reduction, **draw(options)}


def bends(rng, size):
    """Both signs, away from -1, 0 and 1, and from 0.5."""
    return rng.choice([-2.6, -1.3, -0.7, -0.2, 0.2, 0.7, 1.3, 2.6], size) + rng.uniform(-0.1, 0.1, size)


def huber_by_hand(d, delta):
    return np.where(np.abs(d) <= delta, 0.5 * d**2, delta * (np.abs(d) - 0.5 * delta))


@st.composite
def labelled(draw, labels, options=True):
    """Scores away from -1, 0 and 1, and targets that are no floating numbers."""
    s = draw_array(draw, SHAPES, bends)
    t = np.array(np.random.default_rng(draw(SEEDS)).choice(labels, s.shape))
    reduction = draw(REDUCTIONS if s.size else st.sampled_from(["sum", "none"]))
    return (s, t), {"reduction": reduction} if options else {}


@st.composite
def probable(draw, options=True):
    """Scores and probabilities, 0 and 1 among them."""
    (s, t), named = draw(labelled([0.0, 0.2, 0.7, 1.0], options))
    return (s, t), named


def binary_by_hand(s, t):
    p = 1 / (1 + np.exp(-s))
    return -t * np.log(p) - (1 - t) * np.log(1 - p)


@st.composite
def alone(draw, shapes=SOLID):
    return (draw_array(draw, shapes, bends),), {"delta": draw(st.sampled_from([0.5, 1.0, 2.0]))}


ROWS: dict[Callable[..., Any], Row] = {
    losses.mean_squared_error: Row(predictions(real), lambda y, t, reduction="mean": reduced((y - t) ** 2, reduction)),
    losses.mean_absolute_error: Row(
        predictions(apart), lambda y, t, reduction="mean": reduced(np.abs(y - t), reduction)
    ),
    losses.huber_loss: Row(
        predictions(bends, st.fixed_dictionaries({"delta": st.sampled_from([0.5, 1.0, 2.0])})),
        lambda y, t, delta, reduction: reduced(huber_by_hand(y - t, delta), reduction),
    ),
    losses.huber: Row(alone(), huber_by_hand),
    losses.sigmoid_cross_entropy: Row(probable(), lambda s, t, reduction: reduced(binary_by_hand(s, t), reduction)),
    losses.surprise_of_sigmoid: Row(probable(options=False), binary_by_hand),
    losses.hinge_loss: Row(labelled([-1, 1]), lambda s, t, reduction: reduced(np.maximum(0, 1 - s * t), reduction)),
    losses.hinge: Row(labelled(np.array([-1, 1], np.float32), options=False), lambda s, t: np.maximum(0, 1 - s * t)),
}
