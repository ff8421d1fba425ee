"""How far numbers are spread, and weighted means."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import SOLID, Row, draw_array, positive, real, reduced, some_axes
from tinygrad_ko.ops import statistics

# The second derivatives of the std of two numbers are 0, and a mean of one number does not depend on its weight.
TWO, THREE = (hnp.array_shapes(min_dims=1, max_dims=3, min_side=n, max_side=4) for n in (2, 3))


@st.composite
def spread(draw, shapes):
    """With a correction that leaves something to divide by."""
    (x,), options = draw(reduced(shapes=shapes))
    n = x.size // max(1, np.sum(x, axis=options["axis"]).size)
    return (x,), {**options, "correction": draw(st.sampled_from([c for c in (0, 1, 0.5, -1) if c < n]))}


@st.composite
def weighted(draw):
    """Weights of the shape of x, or of its axes in any order."""
    x = draw_array(draw, TWO, real)
    axis = draw(some_axes(x.ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    shape = x.shape if axis is None or draw(st.booleans()) else tuple(x.shape[i] for i in axes)
    return (x, draw_array(draw, st.just(shape), positive)), {"axis": axis, "keepdims": draw(st.booleans())}


def average(x, weights, **options):
    return statistics.average(x, weights=weights, **options)


BY_ROWS: Any = (((np.array([[0.7, 1.9, 3.1, 0.2], [2.0, 2.0, 2.0, 2.0]]),), {"axis": 1}),)

ROWS: dict[Callable[..., Any], Row] = {
    statistics.var: Row(spread(SOLID), np.var),
    statistics.std: Row(spread(THREE), np.std, BY_ROWS),
    average: Row(weighted(), lambda x, weights, **options: np.average(x, weights=weights, **options)),
}

TOO_FEW = "it differs where there is no variance, which is NaN; test_statistics holds that its gradient is NaN too"
EQUIVALENT: dict[str, dict[str, str]] = {
    name: {
        f"{name}.x: {mutant}": TOO_FEW
        for mutant in (
            "dropped condition: in _divisor: return float(n - correction) if n > correction else math.nan",
            "dropped condition: in _divisor: return float(n - correction) if n else math.nan",
            "one branch alone: in _divisor: return float(n - correction)",
        )
    }
    for name in ("var", "std")
}
