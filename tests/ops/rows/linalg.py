"""Products of matrices."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import Row, draw_array, real
from tinygrad_ko.ops.linalg import products as linalg


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
    x, W, b = (draw_array(draw, st.just(s), real) for s in ((*rows, n), (n, m), (m,)))
    return (np.asfortranarray(x) if batch_only and draw(st.booleans()) else x, W, b), {}


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


@st.composite
def contractions(draw):
    """Two arrays with some axes in common, at any places, and which those are."""
    shared = [draw(st.integers(0, 3)) for _ in range(draw(st.integers(0, 2)))]
    both, axes = [], []
    for _ in range(2):
        own = [draw(st.integers(0, 3)) for _ in range(draw(st.integers(0, 2)))]
        order = draw(st.permutations(range(len(own) + len(shared))))
        size = tuple((shared + own)[i] for i in order)
        both.append(draw_array(draw, st.just(size), real))
        axes.append(tuple(order.index(i) - draw(st.sampled_from([0, len(order)])) for i in range(len(shared))))
    return tuple(both), {"axes": tuple(axes)}


@st.composite
def vectors(draw, lengths, from_the_end=False):
    """Stacks of vectors that broadcast, along an axis that is not the last of them."""
    stacks = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, min_side=0, max_side=3)).input_shapes
    n, behind = draw(lengths), draw(st.integers(0, min(map(len, stacks))))
    shapes = [(*s[: len(s) - behind], n, *s[len(s) - behind :]) for s in stacks]
    axis = -behind - 1
    if not from_the_end and len(shapes[0]) == len(shapes[1]) and draw(st.booleans()):
        axis += len(shapes[0])
    return tuple(draw_array(draw, st.just(s), real) for s in shapes), {"axis": axis}


@st.composite
def two_vectors(draw):
    return tuple(draw_array(draw, hnp.array_shapes(max_dims=1, min_side=0, max_side=5), real) for _ in range(2)), {}


ROWS: dict[Callable[..., Any], Row] = {
    linalg.matrix_product: Row(products(), np.matmul),
    linalg.affine_batch: Row(affine_calls(batch_only=True), lambda x, W, b: x @ W + b),
    linalg.affine: Row(affine_calls(), lambda x, W, b: x @ W + b),
    linalg.matmul: Row(any_products(), np.matmul),
    linalg.tensordot: Row(contractions(), np.tensordot),
    linalg.dot_products: Row(vectors(st.integers(0, 4), True), np.vecdot),
    linalg.vecdot: Row(vectors(st.integers(0, 4)), np.vecdot),
    linalg.outer: Row(two_vectors(), np.outer),
    linalg.cross_products: Row(vectors(st.just(3), True), np.linalg.cross),
    linalg.cross: Row(vectors(st.just(3)), np.linalg.cross),
}

STRETCHED = "only b is ever stretched"

LAYOUT = "x says how the result lies in memory, nothing more"
LAYOUTS = [
    ("dropped condition:", "type(x) in NUMPYS and (not x.flags.c_contiguous)"),
    ("dropped condition:", "type(x) in NUMPYS and x.flags.f_contiguous"),
    ("reversed condition:", "type(x) in NUMPYS and x.flags.f_contiguous and x.flags.c_contiguous"),
]

EQUIVALENT: dict[str, dict[str, str]] = {
    "affine_batch": {
        **{f"affine.{a}: mean for sum: the mean of the result along stretched axes": STRETCHED for a in ("x", "W")},
        "affine.x: wrong operand: matmul_as(W, g, W.mT)": LAYOUT,
        **{f"affine.x: wrong operand: matmul_as({a}, g, W.mT), {a} for x": LAYOUT for a in ("b", "out")},
        **{f"affine.x: {way} in matmul_as: if {condition}:": LAYOUT for way, condition in LAYOUTS},
    },
}
