"""Convolution and correlation of two sequences."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.ops.domains import SEEDS, Row, real
from tinygrad_ko.ops import sliding_products


@st.composite
def sequences(draw, longer_first=False):
    """Two sequences of up to six numbers."""
    rng = np.random.default_rng(draw(SEEDS))
    m = draw(st.integers(1, 4))
    n = draw(st.integers(m if longer_first else 1, 6))
    return (real(rng, n), real(rng, m)), {}


ROWS: dict[Callable[..., Any], Row] = {
    sliding_products.convolved: Row(sequences(), np.convolve),
    sliding_products.correlated: Row(sequences(longer_first=True), lambda a, v: np.correlate(a, v, "valid")),
}

TRANSPOSED = "transposed: the last two axes of the result exchanged, in its old shape"

EQUIVALENT: dict[str, dict[str, str]] = {
    "convolved": {f"convolved.{x}: {TRANSPOSED}": "a sequence has one axis" for x in "av"},
    "correlated": {
        **{f"correlated.{x}: {TRANSPOSED}": "a sequence has one axis" for x in "av"},
        "correlated.a: swapped operands: convolved(v, g)": "a convolution is symmetric",
    },
}
