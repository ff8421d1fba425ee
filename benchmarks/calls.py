"""A call of every function of the rule book that has a gradient, on about 131,072 numbers: what `functions` measures."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.problems import Array

Values = Callable[[np.random.Generator, tuple[int, ...]], Array]


@dataclass(frozen=True)
class Input:
    """An array of random numbers in float32, or of integers; one that `moves` has a gradient."""

    values: Values
    shape: tuple[int, ...] = (1024, 128)
    moves: bool = True


@dataclass(frozen=True)
class Call:
    """What a function is called with; an argument that is no Input, and no list of them, is passed as it is."""

    arguments: tuple[Any, ...]
    options: dict[str, Any]

    def given(self, form: Callable[[Array, bool], Any]) -> list[Any]:
        """The arguments, the same at every call, each array in the form that a library has for it."""
        rng = np.random.default_rng(0)

        def one(argument: Any) -> Any:
            match argument:
                case Input(values, shape, moves):
                    return form(values(rng, shape), moves)
                case list():
                    return [one(a) for a in argument]
            return argument

        return [one(a) for a in self.arguments]


def call(*arguments: Any, **options: Any) -> Call:
    return Call(arguments, options)


def alike(names: str, *arguments: Any, **options: Any) -> dict[str, Call]:
    """Functions that are called in the same way."""
    return dict.fromkeys(names.split(), call(*arguments, **options))


def single(values: Any) -> Array:
    return np.asarray(values, np.float32)


def between(low: float, high: float) -> Values:
    return lambda rng, shape: single(rng.uniform(low, high, shape))


def whole(below: int) -> Values:
    return lambda rng, shape: rng.integers(0, below, shape)


def real(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.standard_normal(shape, np.float32)


def truth(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return real(rng, shape) > 0


def past(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """True in the columns up to a row's own."""
    return np.tri(shape[0], shape[1], dtype=bool)


def signs(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return single(rng.choice([-1, 1], shape))


def distributions(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Rows of positive numbers whose sum is 1."""
    p = rng.uniform(0.5, 1.5, shape)
    return single(p / p.sum(axis=-1, keepdims=True))


def logarithms(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.log(distributions(rng, shape))


def regular(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Matrices whose singular values are from 1 to 2, evenly apart."""
    u, v = (np.linalg.qr(rng.normal(size=(*shape[:-2], n, n)))[0] for n in shape[-2:])
    k = min(shape[-2:])
    return single((u[..., :k] * np.linspace(1, 2, k)) @ v[..., :k, :])


def definite(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Symmetric matrices whose eigenvalues are from 1 to 2, evenly apart."""
    u = np.linalg.qr(rng.normal(size=shape))[0]
    symmetric = (u * np.linspace(1, 2, shape[-1])) @ np.swapaxes(u, -1, -2)
    return single((symmetric + np.swapaxes(symmetric, -1, -2)) / 2)


X = Input(real)
POSITIVE = Input(between(0.1, 3))
INSIDE = Input(between(-0.9, 0.9))
PROBABILITIES = Input(between(0.05, 0.95))
VECTOR, COLUMN = Input(real, (128,)), Input(real, (1024, 1))
SQUARES = Input(regular, (128, 32, 32))
TALL = Input(regular, (128, 64, 16))
DEFINITE = Input(definite, (128, 32, 32))
A, B = Input(real, (256, 512)), Input(real, (512, 256))
IMAGES, SIGNALS = Input(real, (16, 8, 32, 32)), Input(real, (16, 8, 1024))
HEADS = Input(real, (16, 4, 64, 32))
SEQUENCES = Input(real, (64, 16, 128))
TARGETS = Input(real, moves=False)
LABELS = Input(whole(128), (1024,), moves=False)

CALLS: dict[str, Call] = {
    # of each element
    **alike(
        "abs asinh atan cbrt ceil cos cosh elu erf erfc exp exp2 expm1 floor gelu hardsigmoid identity_function imag", X
    ),
    **alike("leaky_relu mish negative positive relu round selu sigmoid sign silu sin sinc sinh softplus square", X),
    **alike("conj real", X),
    **alike("step_function tan tanh trunc", X),
    **alike("log log10 log1p log2 reciprocal sqrt", POSITIVE),
    **alike("acos asin atanh", INSIDE),
    **alike("add atan2 copysign hypot logaddexp maximum minimum multiply nextafter subtract", X, X),
    **alike("divide floor_divide remainder", X, POSITIVE),
    "acosh": call(Input(between(1.1, 4))),
    "astype": call(X, dtype=np.float64),
    "clip": call(X, min=-1.0, max=1.0),
    "dropout": call(X, p=0.5, rng=0),
    "logit": call(PROBABILITIES),
    "pow": call(POSITIVE, X),
    "where": call(Input(truth, moves=False), X, X),
    # shapes
    "array_split": call(X, 4, axis=1),
    "broadcast_arrays": call(VECTOR, COLUMN),
    "broadcast_to": call(VECTOR, (1024, 128)),
    "concat": call([X, X], axis=1),
    "diag": call(Input(real, (362,))),
    "diagonal": call(Input(real, (362, 362))),
    "expand_dims": call(X, axis=1),
    "flip": call(X, axis=1),
    "fold": call(Input(real, (1024, 16, 8)), 128, step=8),
    "linalg.matrix_power": call(SQUARES, 5),
    "matrix_transpose": call(X),
    "meshgrid": call(VECTOR, Input(real, (1024,))),
    "moveaxis": call(X, 0, 1),
    "pad": call(X, 2),
    "permute_dims": call(X, axes=(1, 0)),
    "repeat": call(X, 2, axis=1),
    "reshape": call(X, (128, 1024)),
    "roll": call(X, 3, axis=1),
    "split": call(X, 4, axis=1),
    "squeeze": call(Input(real, (1024, 1, 128)), axis=1),
    "stack": call([X, X], axis=1),
    "tile": call(X, (1, 2)),
    "trace": call(Input(real, (362, 362))),
    "tril": call(X),
    "triu": call(X),
    "unfold": call(X, 16, step=8),
    "unstack": call(X, axis=1),
    # what is looked up
    "embedding": call(Input(real, (4096, 32)), Input(whole(4096), (4096,), moves=False)),
    "scatter_add": call(X, Input(whole(1024), (1024,), moves=False), X),
    "take": call(X, Input(whole(1024), (1024,), moves=False), axis=0),
    "take_along_axis": call(X, Input(whole(128), moves=False), axis=1),
    # sums and their kin, along rows
    **alike("unique_all unique_counts unique_inverse unique_values", X),
    "diff": call(X),
    **alike("average cumulative_sum logsumexp log_softmax max mean median min softmax sort standardize", X, axis=1),
    **alike("std sum var vector_norm", X, axis=1),
    **alike("cumulative_prod prod", Input(between(0.9, 1.1)), axis=1),
    "attention": call(HEADS, HEADS, HEADS, Input(past, (64, 64), moves=False)),
    "batch_norm": call(X, VECTOR, VECTOR),
    "layer_norm": call(X, VECTOR, VECTOR),
    "quantile": call(X, 0.3, axis=1),
    "top_k": call(X, 10),
    # sequences
    "gru": call(SEQUENCES, *[Input(between(-0.2, 0.2), (128, 3 * 128))] * 2),
    "lstm": call(SEQUENCES, *[Input(between(-0.2, 0.2), (128, 4 * 128))] * 2),
    # losses
    "cross_entropy_error": call(Input(distributions), LABELS),
    "hinge_loss": call(X, Input(signs, moves=False)),
    "huber_loss": call(X, TARGETS),
    "kl_divergence": call(Input(logarithms), Input(distributions, moves=False)),
    "mean_absolute_error": call(X, TARGETS),
    "mean_squared_error": call(X, TARGETS),
    "negative_log_likelihood": call(Input(logarithms), LABELS),
    "sigmoid_cross_entropy": call(X, Input(between(0, 1), moves=False)),
    "softmax_cross_entropy": call(X, LABELS),
    "sum_squares_error": call(X, TARGETS),
    # products
    "affine": call(A, B, Input(real, (256,))),
    "cross": call(Input(real, (43_690, 3)), Input(real, (43_690, 3))),
    "einsum": call("ij,jk->ik", A, B),
    "matmul": call(A, B),
    "outer": call(Input(real, (362,)), Input(real, (362,))),
    "tensordot": call(A, B, axes=1),
    "vecdot": call(X, X),
    # windows
    "avg_pool1d": call(SIGNALS, 2),
    "avg_pool2d": call(IMAGES, 2),
    "conv1d": call(SIGNALS, Input(real, (16, 8, 3)), Input(real, (16,))),
    "conv2d": call(IMAGES, Input(real, (16, 8, 3, 3)), Input(real, (16,))),
    "max_pool1d": call(SIGNALS, 2),
    "max_pool2d": call(IMAGES, 2),
    # decompositions
    **alike("linalg.det linalg.inv linalg.slogdet", SQUARES),
    **alike("linalg.cholesky linalg.eigh linalg.eigvalsh", DEFINITE),
    **alike("linalg.matrix_norm linalg.pinv linalg.qr linalg.svdvals", TALL),
    "linalg.solve": call(SQUARES, Input(real, (128, 32, 4))),
    "linalg.svd": call(TALL, full_matrices=False),
    # special functions
    **alike(
        "special.erfcx special.expit special.i0 special.i1 special.j0 special.j1 special.log_expit special.log_ndtr special.ndtr",
        X,
    ),
    **alike(
        "special.digamma special.entr special.gamma special.gammaln special.gammasgn special.rgamma special.y0 special.y1",
        POSITIVE,
    ),
    **alike("special.beta special.betaln special.rel_entr special.xlog1py special.xlogy", POSITIVE, POSITIVE),
    **alike(
        "special.gammainc special.gammaincc special.iv special.jn special.polygamma special.yn special.yv", 2, POSITIVE
    ),
    **alike("special.betainc special.betaincc", 2.5, 1.5, PROBABILITIES),
    **alike("special.erfcinv special.ndtri", PROBABILITIES),
    **alike("special.log_softmax special.logsumexp special.softmax", X, axis=1),
    "special.erfinv": call(INSIDE),
    "special.ive": call(2, X),
    "special.multigammaln": call(Input(between(1.1, 4)), 3),
}
