"""Products of matrices."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import Row, draw_array, real
from tinygrad_ko.ops import linalg


@st.composite
def products(draw):
    """(..., n, k) and (..., k, m) whose stacks broadcast."""
    stacks = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, min_side=0, max_side=3)).input_shapes
    n, k, m = (draw(st.integers(0, 4)) for _ in range(3))
    return (
        draw_array(draw, st.just((*stacks[0], n, k)), real),
        draw_array(draw, st.just((*stacks[1], k, m)), real),
    ), {}


@st.composite
def affine_calls(draw, batch_only=False):
    """x (..., n) or (batch, n), W (n, m), b (m,)."""
    rows = draw(
        hnp.array_shapes(min_dims=1 if batch_only else 0, max_dims=1 if batch_only else 3, min_side=0, max_side=4)
    )
    n, m = draw(st.integers(0, 4)), draw(st.integers(1, 4))
    return tuple(draw_array(draw, st.just(s), real) for s in ((*rows, n), (n, m), (m,))), {}


@st.composite
def any_products(draw):
    """What @ takes: 1-d, 2-d and stacks."""
    (a, b), _ = draw(products())
    which = draw(st.integers(0, 3))
    if which & 1:
        a = a.reshape(-1)[: a.shape[-1]] if a.size else np.ones(a.shape[-1])
    if which & 2:
        b = b.reshape(-1)[: b.shape[-2]] if b.size else np.ones(b.shape[-2])
    return (a, b), {}


ROWS: dict[Callable[..., Any], Row] = {
    linalg.matrix_product: Row(products(), np.matmul),
    linalg.affine_batch: Row(affine_calls(batch_only=True), lambda x, W, b: x @ W + b),
    linalg.affine: Row(affine_calls(), lambda x, W, b: x @ W + b),
    linalg.matmul: Row(any_products(), np.matmul),
}

STRETCHED = "only b is ever stretched"

EQUIVALENT: dict[str, dict[str, str]] = {
    "affine_batch": {
        f"affine.{a}: mean for sum: the mean of the result along stretched axes": STRETCHED for a in ("x", "W")
    },
}
