"""Losses of log-probabilities."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import Row
from tests.ops.rows.elementwise_losses import REDUCTIONS, reduced
from tests.ops.rows.losses import distributions, negative, targets
from tinygrad_ko.ops.networks import likelihood


@st.composite
def told(draw):
    call, _ = draw(targets(negative))
    return call, {"reduction": draw(REDUCTIONS)}


def nll_by_hand(log_y, t, reduction):
    t = np.asarray(t)
    rows = np.atleast_2d(log_y)
    weights = np.eye(rows.shape[1])[np.atleast_1d(t)] if t.dtype.kind == "i" else np.atleast_2d(t)
    each = -np.sum(weights * rows, axis=-1)
    return reduced(each[0] if np.ndim(log_y) == 1 else each, reduction)


@st.composite
def divergent(draw):
    call, _ = draw(distributions(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)))
    return call, {"reduction": draw(REDUCTIONS)}


ROWS: dict[Callable[..., Any], Row] = {
    likelihood.negative_log_likelihood: Row(told(), nll_by_hand),
    likelihood.kl_divergence: Row(
        divergent(),
        lambda log_y, t, reduction: reduced(np.sum(t * (np.log(t) - log_y), axis=-1), reduction),
    ),
    likelihood.relative_entropy: Row(distributions(), lambda log_y, t: t * (np.log(t) - log_y)),
}
