"""tinygrad_ko: automatic differentiation on NumPy that proves its own gradients.

import tinygrad_ko as tg
x = tg.Tensor([1.0, 2.0], requires_grad=True)
tg.sum(x * tg.sin(x)).backward()
x.grad
"""

from typing import TYPE_CHECKING, Any

from tinygrad_ko.check import gradient_descent, numerical_diff, numerical_gradient
from tinygrad_ko.graph import no_grad, scope, watch
from tinygrad_ko.ops.diagonals import diag, diagonal, trace, tril, triu
from tinygrad_ko.ops.dropout import dropout
from tinygrad_ko.ops.einsum import einsum
from tinygrad_ko.ops.elementwise import (
    abs,
    add,
    astype,
    clip,
    cos,
    divide,
    exp,
    floor_divide,
    identity_function,
    log,
    maximum,
    minimum,
    multiply,
    negative,
    positive,
    power,
    relu,
    remainder,
    sigmoid,
    sign,
    sin,
    sqrt,
    square,
    step_function,
    subtract,
    tanh,
    where,
    zeros_like,
)
from tinygrad_ko.ops.elementwise_losses import (
    hinge_loss,
    huber_loss,
    mean_absolute_error,
    mean_squared_error,
    sigmoid_cross_entropy,
)
from tinygrad_ko.ops.indexing import embedding, scatter_add, take, take_along_axis
from tinygrad_ko.ops.likelihood import kl_divergence, negative_log_likelihood
from tinygrad_ko.ops.linalg import affine, cross, matmul, outer, tensordot, vecdot
from tinygrad_ko.ops.losses import cross_entropy_error, softmax_cross_entropy, sum_squares_error
from tinygrad_ko.ops.normalization import batch_norm, layer_norm, standardize
from tinygrad_ko.ops.ordering import argsort, median, quantile, searchsorted, sort, top_k
from tinygrad_ko.ops.padding import pad
from tinygrad_ko.ops.queries import all, any, argmax, argmin, count_nonzero
from tinygrad_ko.ops.reduction import logsumexp, max, mean, min, prod, sum, vector_norm
from tinygrad_ko.ops.repetition import broadcast_arrays, meshgrid, repeat, tile
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
from tinygrad_ko.ops.sliding import fold, unfold
from tinygrad_ko.ops.softmax import log_softmax, softmax
from tinygrad_ko.ops.statistics import average, std, var
from tinygrad_ko.primitive import op
from tinygrad_ko.tensor import Tensor, grad

if TYPE_CHECKING:
    from tinygrad_ko.check import GradientMismatch, GradientUndecided, check_gradient

__version__ = "0.1.0"

__all__ = [
    "abs",
    "add",
    "affine",
    "array_split",
    "argsort",
    "astype",
    "broadcast_arrays",
    "batch_norm",
    "all",
    "any",
    "argmax",
    "argmin",
    "average",
    "broadcast_to",
    "check_gradient",
    "clip",
    "concat",
    "cos",
    "count_nonzero",
    "cross",
    "cross_entropy_error",
    "cumulative_prod",
    "cumulative_sum",
    "data",
    "diag",
    "diagonal",
    "divide",
    "dropout",
    "embedding",
    "einsum",
    "exp",
    "floor_divide",
    "expand_dims",
    "flip",
    "fold",
    "grad",
    "gradient_descent",
    "GradientMismatch",
    "GradientUndecided",
    "hinge_loss",
    "huber_loss",
    "identity_function",
    "kl_divergence",
    "layer_norm",
    "log",
    "log_softmax",
    "logsumexp",
    "matmul",
    "matrix_transpose",
    "max",
    "maximum",
    "mean",
    "meshgrid",
    "mean_absolute_error",
    "mean_squared_error",
    "median",
    "min",
    "minimum",
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
    "pad",
    "outer",
    "permute_dims",
    "positive",
    "power",
    "quantile",
    "prod",
    "relu",
    "remainder",
    "repeat",
    "reshape",
    "roll",
    "scatter_add",
    "scope",
    "searchsorted",
    "sigmoid",
    "sigmoid_cross_entropy",
    "sign",
    "sin",
    "softmax",
    "softmax_cross_entropy",
    "split",
    "sort",
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
    "tanh",
    "Tensor",
    "tensordot",
    "testing",
    "tile",
    "trace",
    "tril",
    "triu",
    "unfold",
    "unstack",
    "top_k",
    "var",
    "vecdot",
    "vector_norm",
    "watch",
    "where",
    "zeros_like",
]


def __getattr__(name: str) -> Any:
    """`tg.nn`, `tg.optim`, `tg.data` and `tg.testing` are imported when they are first asked for."""
    if name in ("data", "nn", "optim", "testing"):
        from importlib import import_module

        return import_module(f"tinygrad_ko.{name}")
    if name in ("check_gradient", "GradientMismatch", "GradientUndecided"):  # so is the judge
        from tinygrad_ko import check

        return getattr(check, name)
    raise AttributeError(f"module 'tinygrad_ko' has no attribute {name!r}")
