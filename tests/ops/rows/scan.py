"""Running sums and products, and differences."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import Row, draw_array, real
from tests.ops.rows.reduction import some_zeros
from tinygrad_ko.ops import scan


@st.composite
def scanned(draw, values):
    x = draw_array(draw, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5), values)
    axes = st.integers(-x.ndim, x.ndim - 1)
    return (x,), {"axis": draw(axes | st.none() if x.ndim == 1 else axes), "include_initial": draw(st.booleans())}


@st.composite
def differences(draw):
    x = draw_array(draw, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5), real)
    return (x,), {"axis": draw(st.integers(-x.ndim, x.ndim - 1)), "n": draw(st.integers(0, 3))}


ZEROS: Any = (
    ((np.array([[0.0, 2.0, 3.0, 0.5, 1.5], [7.0, 0.5, 0.0, 2.0, 0.0]]),), {"axis": 1}),
    ((np.array([[0.0, 2.0], [3.0, 0.0], [0.5, 7.0]]),), {"axis": 0, "include_initial": True}),
    ((np.array([3.0, 0.0, 2.0, 0.5, 5.0]),), {}),
)

ROWS: dict[Callable[..., Any], Row] = {
    scan.cumulative_sum: Row(scanned(real), np.cumulative_sum),
    scan.cumulative_prod: Row(scanned(some_zeros), np.cumulative_prod, ZEROS),
    scan.diff: Row(differences(), np.diff),
}

EQUIVALENT: dict[str, dict[str, str]] = {
    "cumulative_prod": {
        "cumulative_prod.x: missing function: in _recurrence: for k in range(n):": (
            "more doublings than the axis is long add zeros: right too, only slower"
        ),
    },
}
