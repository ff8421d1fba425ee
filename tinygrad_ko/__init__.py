"""tinygrad_ko: automatic differentiation on NumPy that proves its own gradients.

import tinygrad_ko as tg
x = tg.Tensor([1.0, 2.0], requires_grad=True)
tg.sum(x * tg.sin(x)).backward()
x.grad
"""

from tinygrad_ko.runtime.interrupts import may_end

may_end()  # before anything else is imported

from typing import TYPE_CHECKING, Any

from tinygrad_ko.engine.graph import no_grad, scope, watch
from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.elementwise import (
    abs,
    add,
    astype,
    cbrt,
    clip,
    copysign,
    divide,
    exp,
    floor_divide,
    hypot,
    log,
    maximum,
    minimum,
    multiply,
    negative,
    positive,
    pow,
    reciprocal,
    remainder,
    sign,
    sqrt,
    square,
    subtract,
    where,
    zeros_like,
)
from tinygrad_ko.ops.indexing import embedding, scatter_add, take, take_along_axis
from tinygrad_ko.ops.linalg.products import affine, cross, matmul, outer, tensordot, vecdot
from tinygrad_ko.ops.queries import all, any, argmax, argmin, count_nonzero
from tinygrad_ko.ops.reduction import max, mean, min, prod, sum, vector_norm
from tinygrad_ko.ops.scan import cumulative_prod, cumulative_sum
from tinygrad_ko.ops.shape import (
    array_split,
    broadcast_to,
    concat,
    expand_dims,
    flip,
    matrix_transpose,
    moveaxis,
    permute_dims,
    reshape,
    roll,
    split,
    squeeze,
    stack,
    unstack,
)
from tinygrad_ko.tensor.tensor import Tensor, grad

if TYPE_CHECKING:
    from tinygrad_ko.check import (
        GradientMismatch,
        GradientUndecided,
        check_gradient,
        gradient_descent,
        numerical_diff,
        numerical_gradient,
    )
    from tinygrad_ko.drawing.drawing import draw
    from tinygrad_ko.ops.error_function import erf, erfc
    from tinygrad_ko.ops.exponential import exp2, expm1, log1p, log2, log10, logaddexp
    from tinygrad_ko.ops.hyperbolic import acosh, asinh, atanh, cosh, sinh, tanh
    from tinygrad_ko.ops.linalg.diagonals import diag, diagonal, trace, tril, triu
    from tinygrad_ko.ops.linalg.einsum import einsum
    from tinygrad_ko.ops.networks.activations import (
        elu,
        gelu,
        hardsigmoid,
        identity_function,
        leaky_relu,
        logit,
        mish,
        relu,
        selu,
        sigmoid,
        silu,
        softplus,
        step_function,
    )
    from tinygrad_ko.ops.networks.convolution import conv1d, conv2d
    from tinygrad_ko.ops.networks.dropout import dropout
    from tinygrad_ko.ops.networks.elementwise_losses import (
        hinge_loss,
        huber_loss,
        mean_absolute_error,
        mean_squared_error,
        sigmoid_cross_entropy,
    )
    from tinygrad_ko.ops.networks.likelihood import kl_divergence, negative_log_likelihood
    from tinygrad_ko.ops.networks.losses import cross_entropy_error, softmax_cross_entropy, sum_squares_error
    from tinygrad_ko.ops.networks.normalization import batch_norm, layer_norm, standardize
    from tinygrad_ko.ops.networks.pooling import avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
    from tinygrad_ko.ops.networks.sliding import fold, unfold
    from tinygrad_ko.ops.networks.softmax import log_softmax, logsumexp, softmax
    from tinygrad_ko.ops.ordering import argsort, median, quantile, searchsorted, sort, top_k
    from tinygrad_ko.ops.padding import pad
    from tinygrad_ko.ops.repetition import broadcast_arrays, meshgrid, repeat, tile
    from tinygrad_ko.ops.rounding import ceil, floor, round, trunc
    from tinygrad_ko.ops.statistics import average, std, var
    from tinygrad_ko.ops.trigonometric import acos, asin, atan, atan2, cos, sin, sinc, tan

__version__ = "0.1.0"

__all__ = [
    "abs",
    "acos",
    "acosh",
    "add",
    "affine",
    "all",
    "any",
    "argmax",
    "argmin",
    "argsort",
    "array_split",
    "asin",
    "asinh",
    "astype",
    "atan",
    "atan2",
    "atanh",
    "average",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "broadcast_arrays",
    "broadcast_to",
    "cbrt",
    "ceil",
    "check_gradient",
    "clip",
    "concat",
    "conv1d",
    "conv2d",
    "copysign",
    "cos",
    "cosh",
    "count_nonzero",
    "cross",
    "cross_entropy_error",
    "cumulative_prod",
    "cumulative_sum",
    "data",
    "diag",
    "diagonal",
    "divide",
    "draw",
    "dropout",
    "einsum",
    "elu",
    "embedding",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expand_dims",
    "expm1",
    "flip",
    "floor",
    "floor_divide",
    "fold",
    "func",
    "gelu",
    "grad",
    "gradient_descent",
    "GradientMismatch",
    "GradientUndecided",
    "hardsigmoid",
    "hinge_loss",
    "huber_loss",
    "hypot",
    "identity_function",
    "kl_divergence",
    "layer_norm",
    "leaky_relu",
    "linalg",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_softmax",
    "logaddexp",
    "logit",
    "logsumexp",
    "matmul",
    "matrix_transpose",
    "max",
    "max_pool1d",
    "max_pool2d",
    "maximum",
    "mean",
    "mean_absolute_error",
    "mean_squared_error",
    "median",
    "meshgrid",
    "min",
    "minimum",
    "mish",
    "moveaxis",
    "multiply",
    "negative",
    "negative_log_likelihood",
    "nn",
    "no_grad",
    "numerical_diff",
    "numerical_gradient",
    "op",
    "optim",
    "outer",
    "pad",
    "permute_dims",
    "pictures",
    "positive",
    "pow",
    "prod",
    "quantile",
    "reciprocal",
    "relu",
    "remainder",
    "repeat",
    "reshape",
    "roll",
    "round",
    "scatter_add",
    "scope",
    "searchsorted",
    "selu",
    "sigmoid",
    "sigmoid_cross_entropy",
    "sign",
    "silu",
    "sin",
    "sinc",
    "sinh",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "sort",
    "split",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "standardize",
    "std",
    "step_function",
    "subtract",
    "sum",
    "sum_squares_error",
    "take",
    "take_along_axis",
    "tan",
    "tanh",
    "Tensor",
    "tensordot",
    "testing",
    "tile",
    "top_k",
    "trace",
    "tril",
    "triu",
    "trunc",
    "unfold",
    "unstack",
    "var",
    "vecdot",
    "vector_norm",
    "watch",
    "where",
    "zeros_like",
]


LATER = {  # imported when they are first asked for: a rule book is long, and an import should be short
    "check": "gradient_descent numerical_diff numerical_gradient GradientMismatch GradientUndecided check_gradient",
    "drawing.drawing": "draw",
    "ops.networks.activations": "elu gelu hardsigmoid identity_function leaky_relu logit mish relu selu sigmoid silu softplus"
    " step_function",
    "ops.networks.convolution": "conv1d conv2d",
    "ops.linalg.diagonals": "diag diagonal trace tril triu",
    "ops.networks.dropout": "dropout",
    "ops.linalg.einsum": "einsum",
    "ops.networks.elementwise_losses": "hinge_loss huber_loss mean_absolute_error mean_squared_error sigmoid_cross_entropy",
    "ops.error_function": "erf erfc",
    "ops.exponential": "exp2 expm1 log1p log2 log10 logaddexp",
    "ops.hyperbolic": "acosh asinh atanh cosh sinh tanh",
    "ops.networks.likelihood": "kl_divergence negative_log_likelihood",
    "ops.networks.losses": "cross_entropy_error softmax_cross_entropy sum_squares_error",
    "ops.networks.normalization": "batch_norm layer_norm standardize",
    "ops.ordering": "argsort median quantile searchsorted sort top_k",
    "ops.padding": "pad",
    "ops.networks.pooling": "avg_pool1d avg_pool2d max_pool1d max_pool2d",
    "ops.repetition": "broadcast_arrays meshgrid repeat tile",
    "ops.rounding": "ceil floor round trunc",
    "ops.networks.sliding": "fold unfold",
    "ops.networks.softmax": "log_softmax logsumexp softmax",
    "ops.statistics": "average std var",
    "ops.trigonometric": "acos asin atan atan2 cos sin sinc tan",
}
ROOMS = ("check", "data", "func", "linalg", "nn", "optim", "pictures", "testing")
HOMES = {name: home for home, names in LATER.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Of the names in `LATER` and the modules in `ROOMS`, the one that is asked for, imported."""
    from importlib import import_module

    if name in ROOMS:
        return import_module(f"tinygrad_ko.{name}")
    if name not in HOMES:
        from tinygrad_ko.runtime.suggestions import missing

        rooms = {room: import_module(f"tinygrad_ko.{room}") for room in ("func", "linalg", "nn", "optim")}
        raise missing(name, [*__all__, *(f"{room}.{n}" for room in rooms for n in rooms[room].__all__)])
    globals()[name] = value = getattr(import_module(f"tinygrad_ko.{HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
