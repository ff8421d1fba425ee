"""Numbers left out at random."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.ops.domains import SEEDS, SHAPES, Row, draw_array, real
from tinygrad_ko.ops.networks import dropout


@st.composite
def at_random(draw):
    """A seed, so that every evaluation leaves out the same numbers."""
    options = {"p": draw(st.sampled_from([0, 0.2, 0.5, 0.9])), "rng": draw(st.integers(0, 99))}
    return (draw_array(draw, SHAPES, real),), {**options, "training": draw(st.booleans())}


def dropout_by_hand(x, p, rng, training):
    if not training:
        return x
    return np.where(np.random.default_rng(rng).random(x.shape) >= p, x / (1 - p), 0)


@st.composite
def masked(draw):
    x = draw_array(draw, SHAPES, real)
    kept = np.array(np.random.default_rng(draw(SEEDS)).random(x.shape) < 0.6)
    return (x, kept), {"scale": draw(st.sampled_from([1.25, 2.0]))}


ROWS: dict[Callable[..., Any], Row] = {
    dropout.dropout: Row(at_random(), dropout_by_hand),
    dropout.thinned: Row(masked(), lambda x, kept, scale: x * kept * scale),
}
