"""Attention."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import SEEDS, Row, draw_array, real
from tinygrad_ko.ops.networks import attention


def masks(draw, shape):
    """Truth values, one or more in each row."""
    mask = np.random.default_rng(draw(SEEDS)).random(shape) < 0.6
    mask[..., 0] |= ~mask.any(axis=-1)
    return mask


@st.composite
def searches(draw):
    """Queries, keys and values whose stacks broadcast, and a mask or none."""
    stacks = draw(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=2, min_side=1, max_side=3)).input_shapes
    n, m, d, w = (draw(st.integers(1, 4)) for _ in range(4))
    q, k, v = (
        draw_array(draw, st.just((*stack, *size)), real)
        for stack, size in zip(stacks, ((n, d), (m, d), (m, w)), strict=True)
    )
    return (q, k, v), {"mask": masks(draw, (n, m)) if draw(st.booleans()) else None}


def found(q, k, v, mask=None):
    e = np.exp(q @ np.swapaxes(k, -1, -2) / np.sqrt(k.shape[-1])) * (1 if mask is None else mask)
    return e / e.sum(axis=-1, keepdims=True) @ v


@st.composite
def masked(draw):
    scores = draw_array(draw, hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4), real)
    return (scores, masks(draw, scores.shape[-2:])), {}


def soft(scores, mask):
    e = np.exp(scores) * mask
    return e / e.sum(axis=-1, keepdims=True)


ROWS: dict[Callable[..., Any], Row] = {
    attention.attention: Row(searches(), found),
    attention.masked_softmax: Row(masked(), soft),
}
