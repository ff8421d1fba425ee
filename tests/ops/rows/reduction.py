"""Many numbers into one."""

from collections.abc import Callable
from math import inf, nan
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import SOLID, Row, apart, draw_array, positive, real, reduced
from tinygrad_ko.ops import reduction

SCALAR: Any = (
    ((np.array(2.0),), {"axis": 0, "keepdims": False}),
)  # NumPy's ufuncs take axis 0 of an array that has none


def some_zeros(rng, size):
    """Real numbers, up to three of them 0."""
    x = np.array(real(rng, size))
    x.flat[rng.permutation(x.size)[: rng.integers(0, 4)]] = 0
    return x


def sizes_apart(rng, size):
    """Both signs, no two absolute values closer than 0.02."""
    n = int(np.prod(size, dtype=int))
    return rng.choice([-1.0, 1.0], size) * (rng.permutation(n).reshape(size) + rng.uniform(0.7, 0.9, size)) * 0.1


# A product of many numbers is too large to be measured; of one number a norm has no second derivative.
FEW = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)
SEVERAL = hnp.array_shapes(min_dims=1, max_dims=2, min_side=2, max_side=4)


@st.composite
def norms(draw, orders, values):
    (x,), options = draw(reduced(values, SEVERAL))
    return (x,), {**options, "ord": draw(st.sampled_from(orders))}


def norm(x, axis=None, keepdims=False, ord=2.0):
    return np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)


@st.composite
def ratios(draw):
    """Numbers, and lengths of the same shape."""
    x = draw_array(draw, SEVERAL, real)
    return (x, draw_array(draw, st.just(x.shape), positive)), {"power": draw(st.sampled_from([2.0, 3.0, 0.5, -1.5]))}


ROW_OF_ZEROS: Any = ((np.array([[0.7, -1.9, 3.1], [-0.4, 1.1, 0.0], [0.0, 0.0, 0.0]]),), {"axis": 1})

AT_ZERO: Any = (
    ((np.array(2.0),), {"axis": 0, "ord": 3.0}),
    *(
        ((np.array([[0.7, -1.9, 3.1], [-0.4, 1.1, 0.0], [0.0, 0.0, 0.0]]),), {"axis": 1, "ord": order})
        for order in (3.0, 4.0, -1.0)
    ),
)

PRODUCTS: Any = (
    *SCALAR,
    ((np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 5.0], [7.0, 0.5, 2.0]]),), {"axis": 1}),
    ((np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 5.0]]),), {"axis": (1, 0), "keepdims": True}),
    ((np.array([[[0.0, 2.0], [0.5, 4.0]], [[0.0, 0.0], [3.0, 1.5]], [[2.0, 7.0], [1.0, 0.0]]]),), {"axis": 0}),
)

ODD: Any = (((np.array([0.0, 3.0, 0.0]), np.array([2.0, 0.7, 1.0])), {"power": 3.0}),)

ODD_LIMITS: Any = (
    (
        ((np.array([0, 0, nan, 4.0]), np.ones(4)), {"power": 0.5}),
        np.array([0, 1.0, 0, 1.0]),
        [[[0, inf, nan, 0.25], [0, 0, nan, -1]]],
    ),
)

NORM_LIMITS: Any = tuple(  # at (1, 0): bent in the second entry alone, and that without bound
    (((np.array([1.0, 0.0]),), {"ord": order}), None, [[[slope, 0]], [[[0, bend]]]])
    for order, slope, bend in ((0.5, 1, 0), (1.5, 1, inf), (-1.0, 0, 0), (3.0, 1, 0))
)

ROWS: dict[Callable[..., Any], Row] = {
    reduction.sum: Row(reduced(), np.sum, SCALAR),
    reduction.mean: Row(reduced(shapes=SOLID), np.mean, (((np.zeros((0, 0)),), {"axis": 0, "keepdims": False}),)),
    reduction.prod: Row(reduced(some_zeros, FEW), np.prod, PRODUCTS),
    reduction.max: Row(reduced(apart, SOLID), np.max, SCALAR),
    reduction.min: Row(reduced(apart, SOLID), np.min, SCALAR),
    reduction.euclidean_norm: Row(reduced(real, SEVERAL), norm, (*SCALAR, ROW_OF_ZEROS)),
    reduction.power_norm: Row(norms([3.0, 1.5, 0.5, 4.0, -1.0, -2.0], real), norm, AT_ZERO, limits=NORM_LIMITS),
    reduction.odd_power: Row(ratios(), lambda x, n, power: np.sign(x) * np.abs(x / n) ** power, ODD, limits=ODD_LIMITS),
    reduction.even_power: Row(ratios(), lambda x, n, power: np.abs(x / n) ** power),
    reduction.vector_norm: Row(norms([2, 1, np.inf, -np.inf, 0, 3, 4, 1.5, -1, -2.0], sizes_apart), norm),
}

EMPTY = "the count is 0 only where the gradient has no entries"

EQUIVALENT: dict[str, dict[str, str]] = {
    "power_norm": {
        f"vector_norm.x: wrong constant: in _norm_derivative: return where(there, odd_power({mutant}, power=ord - 1), 0)": (
            "what stands there is not taken"
        )
        for mutant in ("where(there, x, 2), where(there, n, 1)", "where(there, x, 1), where(there, n, 2)")
    },
    "prod": {
        "prod.x: wrong operand: either(divisible(x), lambda x, out: stretch(g * out, x.shape, axis) / x, "
        "lambda x, out: stretch(g, x.shape, axis) * _others(x, axis), (x, out))": (
            "differs where a product of ordinary numbers leaves the range: there is no slope to be measured there, but "
            "TestProductsAtTheFarEnds looks"
        ),
    },
    "mean": {
        "mean.x: wrong constant: stretch(g * (1 / (reduced_size(x_shape, axis) or 2)), x_shape, axis)": EMPTY,
        "mean.x: one branch alone: in reduced_axes: return {i % len(shape) for i in axes}": "the forward refuses such an axis",
    },
}
