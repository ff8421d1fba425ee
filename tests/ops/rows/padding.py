"""A border around an array."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.ops.domains import SHAPES, Row, draw_array, real
from tinygrad_ko.ops import padding

WIDTHS = st.integers(0, 3)
PAIRS = st.tuples(WIDTHS, WIDTHS)


@st.composite
def padded(draw):
    """With every way to say how wide, and no border wider than what it shows."""
    mode = draw(st.sampled_from(padding._MODES))
    least = {"constant": 0, "edge": 1, "reflect": 2}.get(mode, 1)
    x = draw_array(draw, hnp.array_shapes(min_dims=1, max_dims=3, min_side=least, max_side=3), real)
    widest = {"constant": 2, "edge": 2, "reflect": min(x.shape) - 1}.get(mode, min(x.shape))
    width = st.integers(0, widest)
    pair = st.tuples(width, width)
    widths = draw(width | pair | st.lists(pair, min_size=x.ndim, max_size=x.ndim) | pair.map(lambda p: [p]))
    options = {"constant_values": draw(st.sampled_from([0, 2, -1.5]))} if mode == "constant" else {}
    return (x,), {"pad_width": widths, "mode": mode, **options}


@st.composite
def surrounded(draw):
    x = draw_array(draw, SHAPES, real)
    widths = [draw(PAIRS) for _ in x.shape]
    index = tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, widths, strict=True))
    shape = tuple(before + n + after for n, (before, after) in zip(x.shape, widths, strict=True))
    return (x,), {"shape": shape, "index": index, "value": draw(st.sampled_from([0, 1.5]))}


def surround_by_hand(x, shape, index, value):
    out = np.full(shape, float(value))
    out[index] = x
    return out


@st.composite
def bordered(draw):
    mode = draw(st.sampled_from([mode for mode in padding._MODES if mode != "constant"]))
    x = draw_array(draw, hnp.array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=3), real)
    width = st.integers(0, min(x.shape) - (mode == "reflect"))
    return (x,), {"widths": tuple(draw(st.tuples(width, width)) for _ in x.shape), "mode": mode}


@st.composite
def unbordered(draw):
    (x,), options = draw(bordered())
    return (np.pad(x, options["widths"]) + draw(st.sampled_from([0.5, 2.0])),), options


def border_added(x, widths, mode):
    """Element by element, each to the one whose number stands in its place in a border around numbers."""
    inside = [n - before - after for n, (before, after) in zip(x.shape, widths, strict=True)]
    out = np.zeros(inside)
    shown = np.pad(np.arange(out.size).reshape(inside), widths, mode)
    np.add.at(out.reshape(-1), shown.reshape(-1), x.reshape(-1))
    return out


ROWS: dict[Callable[..., Any], Row] = {
    padding.pad: Row(padded(), np.pad),
    padding.border: Row(bordered(), lambda x, widths, mode: np.pad(x, widths, mode)),
    padding.without_border: Row(unbordered(), border_added),
    padding.surround: Row(surrounded(), surround_by_hand),
}
