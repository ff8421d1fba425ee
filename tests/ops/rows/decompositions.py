"""Linear algebra by decomposition: solving, factoring, spectral and determinants.

Matrices are made from their singular values or eigenvalues, no two of which are near each other or 0: near equal ones a gradient is
steep without end, and what is refused there is told in tests/ops/linalg/test_decompositions.py.
"""

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tests.ops.domains import SEEDS, Row, real
from tinygrad_ko.ops.linalg import determinants, factoring, solving, spectral

STACKS = st.sampled_from([(), (2,), (1, 2), (2, 1), (0,)])


def spread(rng, size):
    """Positive numbers along the last axis, each at least 1.3 times the one before, in any order."""
    powers = np.broadcast_to(np.arange(size[-1]), size)
    return rng.permuted(0.4 * 1.6**powers * rng.uniform(1, 1.2, size), axis=-1)


def turned(rng, stack, n):
    """Matrices whose columns are perpendicular and of length 1."""
    return np.linalg.qr(rng.normal(size=(*stack, n, n)))[0]


def diagonal(values, m, n):
    """Matrices of m rows and n columns with these values on the diagonal."""
    out = np.zeros((*values.shape[:-1], m, n))
    i = np.arange(values.shape[-1])
    out[..., i, i] = values
    return out


def with_singular_values(rng, stack, m, n):
    """Matrices with spread singular values."""
    s = spread(rng, (*stack, min(m, n)))
    return turned(rng, stack, m) @ diagonal(s, m, n) @ turned(rng, stack, n)


def with_eigenvalues(rng, stack, n, positive=False):
    """Matrices whose symmetric part has spread eigenvalues; the rest of them must not matter."""
    w = spread(rng, (*stack, n)) * (1 if positive else rng.choice([-1, 1], (*stack, n)))
    v, noise = turned(rng, stack, n), rng.normal(size=(*stack, n, n))
    return (v * w[..., None, :]) @ np.swapaxes(v, -1, -2) + noise - np.swapaxes(noise, -1, -2)


@st.composite
def squares(draw, /, make=with_singular_values, smallest=0, **options):
    n = draw(st.integers(smallest, 4))
    sides = (n, n) if make is with_singular_values else (n,)
    x = make(np.random.default_rng(draw(SEEDS)), draw(STACKS), *sides, **options)
    return (x,), {}


@st.composite
def oblongs(draw, /, tall=False, smallest=0, **options):
    m, n = draw(st.integers(smallest, 4)), draw(st.integers(smallest, 4))
    m, n = (max(m, n), min(m, n)) if tall else (m, n)
    x = with_singular_values(np.random.default_rng(draw(SEEDS)), draw(STACKS), m, n)
    return (x,), {name: draw(value) for name, value in options.items()}


@st.composite
def systems(draw, as_they_come=False):
    """a (..., n, n) and b (..., n, k) whose stacks broadcast; or also b (n,), and a alone with a stack of b."""
    stacks = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, min_side=0, max_side=2)).input_shapes
    rng, n, k = np.random.default_rng(draw(SEEDS)), draw(st.integers(0, 4)), draw(st.integers(0, 3))
    form = draw(st.sampled_from(["stacks", "vector", "one matrix"])) if as_they_come else "stacks"
    a = with_singular_values(rng, () if form == "one matrix" else stacks[0], n, n)
    return (a, real(rng, (n,) if form == "vector" else (*stacks[1], n, k))), {}


@st.composite
def powers(draw):
    ((x,), _) = draw(squares())
    return (x, draw(st.integers(-3, 5))), {}


@st.composite
def norms(draw):
    """Every norm; of a single number it would have no second derivative."""
    ord = draw(st.sampled_from(["fro", "nuc", 1, -1, 2, -2, inf, -inf]))
    ((x,), _) = draw(oblongs(smallest=2))
    return (x,), {"ord": ord, "keepdims": draw(st.booleans())}


def symmetric_part(x):
    return (x + np.swapaxes(x, -1, -2)) / 2


def rows_of(*parts):
    """Parts of a decomposition in one array, each a matrix or a row."""
    return np.concatenate(parts, axis=-2)


def packed_eigh(x):
    w, v = np.linalg.eigh(symmetric_part(x))
    return rows_of(w[..., None, :], v)


def packed_svd(x):
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return rows_of(s[..., None, :], u, np.swapaxes(vh, -1, -2))


@st.composite
def singular_values(draw):
    return (spread(np.random.default_rng(draw(SEEDS)), (*draw(STACKS), draw(st.integers(1, 4)))),), {}


def cofactors_by_hand(x):
    """The determinants of what is left without a row and a column."""
    out = np.zeros(x.shape)
    for i in range(x.shape[-1]):
        for j in range(x.shape[-1]):
            out[..., i, j] = (-1) ** (i + j) * np.linalg.det(np.delete(np.delete(x, i, -2), j, -1))
    return out


def matrix_function(x):
    """x @ x by way of its eigenvalues: it depends on no sign."""
    w, v = tg.linalg.eigh(x)
    return (v * tg.expand_dims(w * w, axis=-2)) @ v.mT


def polar_factor(x):
    """The matrix with perpendicular columns that is nearest to x."""
    u, _, vh = tg.linalg.svd(x, full_matrices=False)
    return u @ vh


def projection(x):
    """x again, from both parts of its QR decomposition, wide or tall, with the sizes of both parts added."""
    q, r = tg.linalg.qr(x)
    return q @ r + tg.sum(q**2 @ r**2, axis=-2, keepdims=True)


def log_of_square(x):
    """sign * log(det(x)^2), of both results of slogdet."""
    sign, logabsdet = tg.linalg.slogdet(x)
    return sign * (2 * logabsdet)


def polar_by_hand(x):
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    return u @ vh


def projection_by_hand(x):
    q, r = np.linalg.qr(x)
    return x + np.sum(q**2 @ r**2, axis=-2, keepdims=True)


SINGULAR: Any = tuple(
    ((np.array(x),), {})
    for x in (
        [[1.0, 2.0], [2.0, 4.0]],
        [[0.0, 0.0], [0.0, 0.0]],
        [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]],
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    )
)

A, B = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([[3.0], [4.0]])
WHOLE: Any = (((A,), {}),)  # these do not become singular where they are made whole numbers

OBLONG_STACKS: Any = tuple(
    ((with_singular_values(np.random.default_rng(0), (2,), m, n),), {}) for m, n in ((3, 2), (2, 3))
)

ROWS: dict[Callable[..., Any], Row] = {
    solving.solution: Row(systems(), np.linalg.solve, (((A, B), {}),)),
    solving.solve: Row(systems(as_they_come=True), np.linalg.solve, (((A, B), {}),)),
    solving.inv: Row(squares(), np.linalg.inv, WHOLE),
    solving.matrix_power: Row(powers(), np.linalg.matrix_power),
    solving.identity_like: Row(squares(), lambda x: np.broadcast_to(np.eye(x.shape[-1]), x.shape)),
    factoring.lower_cholesky: Row(
        squares(with_eigenvalues, positive=True), lambda x: np.linalg.cholesky(symmetric_part(x)), WHOLE
    ),
    factoring.cholesky: Row(
        squares(with_eigenvalues, positive=True), lambda x: np.linalg.cholesky(symmetric_part(x)), WHOLE
    ),
    factoring.tall_qr: Row(oblongs(tall=True), lambda x: rows_of(*np.linalg.qr(x)), seen=tg.square),
    spectral.values_over_vectors: Row(squares(with_eigenvalues), packed_eigh, seen=tg.square),
    spectral.eigvalsh: Row(squares(with_eigenvalues), lambda x: np.linalg.eigvalsh(symmetric_part(x)), distinct=True),
    spectral.values_over_both: Row(oblongs(), packed_svd, OBLONG_STACKS, tg.square),
    spectral.svdvals: Row(oblongs(), lambda x: np.linalg.svd(x, compute_uv=False), SINGULAR[:1], distinct=True),
    spectral.pseudoinverse: Row(oblongs(rtol=st.sampled_from([None, 1e-3])), lambda x, rtol: np.linalg.pinv(x)),
    spectral.pinv: Row(oblongs(rtol=st.sampled_from([None, 1e-3])), lambda x, rtol: np.linalg.pinv(x)),
    spectral.matrix_norm: Row(
        norms(), lambda x, ord, keepdims: np.linalg.norm(x, ord, axis=(-2, -1), keepdims=keepdims), distinct=True
    ),
    determinants.det: Row(squares(), np.linalg.det, SINGULAR),
    determinants.cofactors: Row(squares(smallest=3), cofactors_by_hand),
    determinants.all_apart: Row(singular_values(), lambda s: s),
    determinants.sign_and_log: Row(squares(), lambda x: np.stack(np.linalg.slogdet(x), axis=-1)),
    matrix_function: Row(squares(with_eigenvalues), lambda x: symmetric_part(x) @ symmetric_part(x)),
    polar_factor: Row(oblongs(), polar_by_hand),
    projection: Row(oblongs(), projection_by_hand),
    log_of_square: Row(squares(), lambda x: np.multiply(*np.linalg.slogdet(x)) * 2),
}

SYMMETRIC = "the gradient is symmetric"
TRANSPOSED = "transposed: the last two axes of the result exchanged, in its old shape"

EQUIVALENT: dict[str, dict[str, str]] = {
    "lower_cholesky": {f"cholesky.x: {TRANSPOSED}": SYMMETRIC},
    "values_over_vectors": {f"eigh.x: {TRANSPOSED}": SYMMETRIC},
    "eigvalsh": {f"eigvalsh.x: {TRANSPOSED}": SYMMETRIC},
    "values_over_both": {
        "svd.x: wrong constant: in _from_svd: gs, gu, gv = (where(vanishing(s), 1, g[..., 0, :]), g_vectors[..., :m, :], "
        "g_vectors[..., m:, :])": (
            "the judge asks for all parts, and is refused at one of 0; tests/ops/linalg/test_decompositions.py asks for it alone"
        ),
    },
    "all_apart": {"det.s: wrong operand: refuse_equal(g, out, 'det'), out for s": "out is s"},
    "cofactors": {
        "cofactors.x: missing function: in _minors: gv, p = (g @ vh.mT, _without_two(s))": (
            "a third derivative alone has need of it: tests/ops/linalg/test_decompositions.py"
        ),
        "cofactors.x: wrong constant: in _minors: u, s, vh = svd(x, full_matrices=True)": "of a square matrix both are the same",
        "cofactors.x: missing function: in _without_two: i = namespace(s).arange(s.shape[-1])": (
            "the library of a Tensor is taken to be NumPy, as it is here; tests/ops/test_array_api.py has another"
        ),
        "cofactors.x: missing function: in _without_two: p = where(i == i[:, None], column, 1)": (
            "the diagonal of p cancels: it leaves nothing but round-off"
        ),
    },
}
