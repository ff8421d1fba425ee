"""Where the inputs of ops live: strategies for the arguments and options of calls, and what a row of the table is.

Values are generic (seeded normal numbers of different magnitudes, no two dimensions equal by design), and stay away from kinks by
more than a step of the check.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


SOLID = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=4)


SEEDS = st.integers(0, 2**32 - 1)


def real(rng, size):
    """Both signs, magnitudes 0.1 to 3."""
    return rng.choice([-1.0, 1.0], size) * positive(rng, size)


def positive(rng, size):
    """0.1 to 3."""
    return 10.0 ** rng.uniform(-1, 0.5, size)


def apart(rng, size):
    """Both signs, no two closer than 0.05."""
    n = int(np.prod(size, dtype=int))
    return (rng.permutation(n).reshape(size) - n / 2 + rng.uniform(0.1, 0.4, size)) * 0.25


def draw_array(draw, shapes, values):
    return np.array(values(np.random.default_rng(draw(SEEDS)), draw(shapes)), dtype=float)


@st.composite
def elementwise_call(draw, *values, shapes=SHAPES):
    """One array per domain, with shapes that broadcast together."""
    if len(values) == 1:
        return (draw_array(draw, shapes, values[0]),), {}
    pair = draw(
        hnp.mutually_broadcastable_shapes(num_shapes=len(values), min_dims=0, max_dims=3, min_side=0, max_side=4)
    )
    return tuple(draw_array(draw, st.just(s), v) for s, v in zip(pair.input_shapes, values, strict=True)), {}


@st.composite
def with_options(draw, options, shapes=SHAPES, values=real):
    return (draw_array(draw, shapes, values),), {name: draw(value) for name, value in options.items()}


@st.composite
def some_axes(draw, ndim, several=True):
    """None, an int, a negative int, or a tuple of either."""
    if ndim == 0:
        return None
    one = st.integers(-ndim, ndim - 1)
    tuples = st.lists(one, min_size=1, max_size=ndim, unique_by=lambda i: i % ndim).map(tuple)
    return draw(st.none() | one | tuples) if several else draw(one)


@st.composite
def reduced(draw, values=real, shapes=SHAPES):
    x = draw_array(draw, shapes, values)
    return (x,), {"axis": draw(some_axes(x.ndim)), "keepdims": draw(st.booleans())}


@st.composite
def matrix(draw):
    return (draw_array(draw, hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=4), real),), {}


@dataclass(frozen=True, eq=False)
class Row:
    """A call of an op and its like in NumPy (or written out)."""

    calls: st.SearchStrategy
    like: Callable[..., Any]
    corners: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = ()  # calls at special points, always among them
    distinct: bool = False  # no slopes at ties: the middle of three equals moves with no single one of them
    seen: Callable[..., Any] | None = None  # a function of the result that leaves out what is not determined, as a sign
    limits: tuple[
        Any, ...
    ] = ()  # where no slope can be measured: a call, a cotangent or None, what `two_orders` is there


@cache
def sample(row: Row, count: int) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """So many calls of a row, the same on every run, the largest inputs first, and its corners."""
    found: list[Any] = []

    @settings(max_examples=3 * count, derandomize=True, phases=[Phase.generate], database=None, deadline=None)
    @given(row.calls)
    def collect(call):
        found.append(call)

    collect()
    found.sort(key=lambda call: -sum(np.size(a) for a in call[0]))
    return [*row.corners, *found[: 2 * count // 3], *found[2 * count // 3 :: 6]]


def at_zeros(call, seed):
    """The same call with many exact zeros in its arrays."""
    rng = np.random.default_rng(seed)
    return tuple(np.asarray(np.where(rng.random(a.shape) < 0.4, 0.0, a)) if is_float(a) else a for a in call[0]), call[
        1
    ]


def at_ties(call):
    """The same call with its numbers rounded, so that many are equal."""
    return tuple(np.asarray(np.round(a)) if is_float(a) else a for a in call[0]), call[1]


def scaled(call, by):
    """The same call with its arrays in another magnitude."""
    return tuple(np.asarray(a * by) if is_float(a) else a for a in call[0]), call[1]


def is_float(a):
    return isinstance(a, np.ndarray) and a.dtype == float
