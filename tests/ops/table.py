"""Where the inputs of every op live: the one table that all tests of the rule book are made from.

A row is a strategy for the arguments and options of a call, and what NumPy computes in its place. Values are generic (seeded normal
numbers of different magnitudes, no two dimensions equal by design), and stay away from kinks by more than a step of the check.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_ko.ops import elementwise, indexing, linalg, losses, reduction, shape, softmax

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
def alike(draw):
    """Two arrays of one shape."""
    size = draw(SHAPES)
    return tuple(draw_array(draw, st.just(size), real) for _ in range(2)), {}


@st.composite
def different(draw):
    """Two broadcasting arrays that differ everywhere by more than 0.05."""
    (a, b), _ = draw(elementwise_call(real, real))
    gap = np.abs(a - b)
    return (np.asarray(a + 7 * (np.min(gap, initial=1) < 0.05)), b), {}


@st.composite
def between_jumps(draw):
    """a and b of which neither a / b nor its neighbours within a step is a whole number."""
    (k, b), _ = draw(elementwise_call(real, real))
    rng = np.random.default_rng(draw(SEEDS))
    size = np.broadcast_shapes(k.shape, b.shape)
    return (np.asarray((np.round(k) + rng.uniform(0.2, 0.8, size)) * b), b), {}


@st.composite
def conditional(draw):
    (c, x, y), _ = draw(elementwise_call(real, real, real))
    return (c > 0, x, y), {}


@st.composite
def clipped(draw):
    low, high = draw(st.sampled_from([(-1.0, 1.0), (None, 0.75), (-0.3, None), (0.0, 2.0)]))
    x = draw_array(
        draw,
        SHAPES,
        lambda rng, size: (
            rng.choice([-2.6, -1.2, -0.4, -0.1, 0.1, 0.4, 1.2, 2.6], size) + rng.uniform(-0.05, 0.05, size)
        ),
    )
    return (x,), {"min": low, "max": high}


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
def along(draw, values=real):
    """Options of softmax and its kin."""
    x = draw_array(draw, hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4), values)
    return (x,), {"axis": draw(some_axes(x.ndim))}


@st.composite
def reshaped(draw):
    x = draw_array(draw, SHAPES, real)
    new = list(draw(st.permutations(x.shape))) + [1] * draw(st.integers(0, 2))
    if new and x.size and draw(st.booleans()):
        new[draw(st.integers(0, len(new) - 1))] = -1
    return (x, tuple(new)), {}


@st.composite
def permuted(draw):
    x = draw_array(draw, SHAPES, real)
    order = draw(st.permutations(range(x.ndim)))
    return (x, tuple(i - draw(st.sampled_from([0, x.ndim])) for i in order)), {}


@st.composite
def matrix(draw):
    return (draw_array(draw, hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=4), real),), {}


@st.composite
def widened(draw):
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=4))
    return (draw_array(draw, st.just(shapes.input_shapes[0]), real), shapes.result_shape), {}


@st.composite
def expanded(draw):
    x = draw_array(draw, SHAPES, real)
    one = st.integers(-x.ndim - 1, x.ndim)
    two = st.lists(st.integers(0, x.ndim + 1), min_size=2, max_size=2, unique=True).map(tuple)
    return (x,), {"axis": draw(one | two)}


@st.composite
def squeezed(draw):
    x = draw_array(draw, hnp.array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=3), real)
    ones = [i for i, n in enumerate(x.shape) if n == 1]
    return (x,), {"axis": draw(st.none() | st.sets(st.sampled_from(ones)).map(tuple)) if ones else None}


@st.composite
def joined(draw):
    """Arrays of one shape but for the length along one axis."""
    base = list(draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)))
    axis = draw(st.integers(-len(base), len(base) - 1))
    lengths = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    parts = [draw_array(draw, st.just((*base[:axis], n, *base[axis:][1:])), real) for n in lengths]
    return tuple(parts), {"axis": axis}


@st.composite
def piled(draw):
    size = draw(SHAPES)
    parts = [draw_array(draw, st.just(size), real) for _ in range(draw(st.integers(1, 3)))]
    return tuple(parts), {"axis": draw(st.integers(-len(size) - 1, len(size)))}


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


@st.composite
def an_index(draw, size):
    """Basic indices, integer arrays (with repeats), boolean masks."""
    kind = draw(st.sampled_from(["basic", "integers", "mask"]))
    if kind == "basic" or not size or 0 in size:
        return draw(hnp.basic_indices(size, allow_newaxis=True, allow_ellipsis=True))
    if kind == "mask":
        return np.random.default_rng(draw(SEEDS)).random(size) < 0.5
    return draw(hnp.integer_array_indices(size, result_shape=hnp.array_shapes(max_dims=2, max_side=4)))


@st.composite
def indexed(draw):
    x = draw_array(draw, SHAPES, real)
    return (x,), {"index": draw(an_index(x.shape))}


@st.composite
def scattered(draw):
    size = draw(SHAPES)
    index = draw(an_index(size))
    return (draw_array(draw, st.just(np.zeros(size)[index].shape), real),), {"shape": size, "index": index}


@st.composite
def labelled(draw):
    """Scores of a batch, and labels."""
    n, k = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(SEEDS))
    return (real(rng, (n, k)), rng.integers(0, k, n)), {}


@st.composite
def targets(draw, values=real):
    """Predictions for one sample or a batch, with labels, one-hot rows or distributions."""
    (y, t), _ = draw(labelled())
    y = values(np.random.default_rng(draw(SEEDS)), y.shape)
    kind = draw(st.sampled_from(["labels", "one-hot", "soft"]))
    if kind != "labels":
        t = (
            np.eye(y.shape[1])[t]
            if kind == "one-hot"
            else np.random.default_rng(draw(SEEDS)).dirichlet(np.ones(y.shape[1]), len(y))
        )
        t = np.round(t, 3)
    return ((y[0], int(t[0]) if kind == "labels" else t[0]) if draw(st.booleans()) else (y, t)), {}


@dataclass(frozen=True)
class Row:
    """A call of an op and its like in NumPy (or written out)."""

    calls: st.SearchStrategy
    like: Callable[..., Any]
    corners: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = ()  # calls at special points, always among them


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


def log_sum_exp(x, axis, keepdims=False):
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def scatter_by_hand(values, shape, index):
    out = np.zeros(shape)
    np.add.at(out, index, values)
    return out


def cross_entropy_by_hand(p, t, delta):
    p, t = np.atleast_2d(p), np.asarray(t)
    weights = np.eye(p.shape[1])[np.atleast_1d(t)] if t.dtype.kind == "i" else np.atleast_2d(t)
    return -np.sum(np.where(weights != 0, weights * np.log(np.where(weights != 0, p, 1) + delta), 0)) / len(p)


def soft(x, axis=-1):
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


POWERS: Any = (
    ((np.array([0.0, 0.0, 2.0, 1.0, 0.5]), np.array([2.0, 3.5, 0.0, 1.0, 3.0])), {}),
    ((np.array([0.0, 0.0]), np.array([1.0, 2.0])), {}),
    ((np.array([3.0, 0.5, 1.0]), np.array([0.0, 1.0, 2.0])), {}),
)
GRID = np.array([[0.7, 1.9, 3.1], [2.3, 0.4, 1.1]])
REMAINDERS: Any = (((GRID[:, :1], 0.3 * GRID[:1] + 1), {}), ((GRID[:, :1], GRID), {}))
SCALAR: Any = (
    ((np.array(2.0),), {"axis": 0, "keepdims": False}),
)  # NumPy's ufuncs take axis 0 of an array that has none

ROWS: dict[Callable[..., Any], Row] = {
    elementwise.add: Row(elementwise_call(real, real), np.add),
    elementwise.subtract: Row(elementwise_call(real, real), np.subtract),
    elementwise.multiply: Row(elementwise_call(real, real), np.multiply),
    elementwise.divide: Row(elementwise_call(real, real), np.divide),
    elementwise.floor_divide: Row(between_jumps(), np.floor_divide),
    elementwise.remainder: Row(between_jumps(), np.remainder, REMAINDERS),
    elementwise.negative: Row(elementwise_call(real), np.negative),
    elementwise.positive: Row(elementwise_call(real), np.positive),
    elementwise.abs: Row(elementwise_call(real), np.abs),
    elementwise.sign: Row(elementwise_call(real), np.sign),
    elementwise.zeros_like: Row(elementwise_call(real), np.zeros_like),
    elementwise.exp: Row(elementwise_call(real), np.exp),
    elementwise.log: Row(elementwise_call(positive), np.log),
    elementwise.sqrt: Row(elementwise_call(positive), np.sqrt),
    elementwise.square: Row(elementwise_call(real), np.square),
    elementwise.sin: Row(elementwise_call(real), np.sin),
    elementwise.cos: Row(elementwise_call(real), np.cos),
    elementwise.tanh: Row(elementwise_call(real), np.tanh),
    elementwise.sigmoid: Row(elementwise_call(real), lambda x: 1 / (1 + np.exp(-x))),
    elementwise.relu: Row(elementwise_call(real), lambda x: x * (x > 0)),
    elementwise.step_function: Row(elementwise_call(real), lambda x: np.heaviside(x, 0)),
    elementwise.maximum: Row(different(), np.maximum),
    elementwise.minimum: Row(different(), np.minimum),
    elementwise.where: Row(conditional(), np.where, (((GRID > 1, -GRID, GRID * GRID), {}),)),
    elementwise.clip: Row(clipped(), np.clip),
    elementwise.scalar_power: Row(
        with_options({"exponent": st.sampled_from([-2, -1, 0, 1, 2, 3, 0.5, -1.5, 2.0])}, values=positive),
        lambda x, exponent: x**exponent,
        (((np.array([0.0, 2.0]),), {"exponent": 0}),),
    ),
    elementwise.tensor_power: Row(elementwise_call(positive, real), np.power, POWERS),
    elementwise.power: Row(elementwise_call(positive, real), np.power),
    elementwise.astype: Row(with_options({"dtype": st.just(np.float64)}), lambda x, dtype: x),
    elementwise.identity_function: Row(elementwise_call(real), lambda x: x),
    shape.reshape: Row(reshaped(), np.reshape),
    shape.permute_dims: Row(permuted(), np.transpose),
    shape.matrix_transpose: Row(matrix(), lambda x: np.swapaxes(x, -1, -2)),
    shape.broadcast_to: Row(widened(), np.broadcast_to),
    shape.expand_dims: Row(expanded(), np.expand_dims),
    shape.squeeze: Row(squeezed(), np.squeeze),
    shape.concatenate: Row(joined(), lambda *xs, axis: np.concatenate(xs, axis=axis)),
    shape.pile: Row(piled(), lambda *xs, axis: np.stack(xs, axis=axis)),
    reduction.sum: Row(reduced(), np.sum, SCALAR),
    reduction.mean: Row(reduced(shapes=SOLID), np.mean, (((np.zeros((0, 0)),), {"axis": 0, "keepdims": False}),)),
    reduction.max: Row(reduced(apart, SOLID), np.max, SCALAR),
    reduction.min: Row(reduced(apart, SOLID), np.min, SCALAR),
    reduction.logsumexp: Row(reduced(shapes=SOLID), log_sum_exp, SCALAR),
    linalg.matrix_product: Row(products(), np.matmul),
    linalg.affine_batch: Row(affine_calls(batch_only=True), lambda x, W, b: x @ W + b),
    linalg.affine: Row(affine_calls(), lambda x, W, b: x @ W + b),
    linalg.matmul: Row(any_products(), np.matmul),
    indexing.getitem: Row(indexed(), lambda x, index: x[index]),
    indexing.scatter: Row(scattered(), scatter_by_hand),
    softmax.softmax: Row(along(), soft),
    softmax.log_softmax: Row(along(), lambda x, axis: np.log(soft(x, axis))),
    losses.labelled: Row(labelled(), lambda x, t: cross_entropy_by_hand(soft(x), t, 0)),
    losses.softmax_cross_entropy: Row(targets(), lambda x, t: cross_entropy_by_hand(soft(x), t, 0)),
    losses.cross_entropy_error: Row(targets(positive), lambda y, t: cross_entropy_by_hand(y, t, 1e-7)),
    losses.sum_squares_error: Row(alike(), lambda y, t: 0.5 * np.sum((y - t) ** 2)),
}

OPS = {row: function for row, function in ((f.__name__, f) for f in ROWS) if hasattr(function, "op")}
