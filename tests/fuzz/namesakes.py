"""What PyTorch calls our functions: the same program is run there. A name that is not here has no namesake, or none that does the same."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from tests.fuzz.programs import Name, Program, cut, trimmed
from tinygrad_ko.arrays.library import Array
from tinygrad_ko.errors import explain

torch: Any = import_module("torch")
F: Any = import_module("torch.nn.functional")
torch.set_num_threads(1)  # its arrays are small


def axes(x: Any, axis: Any) -> tuple[int, ...]:
    """None is all of them."""
    return tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)


def reduced(function: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction along some axes."""

    def call(x: Any, axis: Any = None, keepdims: bool = False, **options: Any) -> Any:
        return function(x, dim=axes(x, axis), keepdim=keepdims, **options) if x.ndim else function(x, dim=(), **options)

    return call


def product(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    for i in sorted((i % x.ndim for i in axes(x, axis)), reverse=True):
        x = torch.prod(x, dim=i, keepdim=keepdims)
    return x


def pooled(one: Any, two: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Pooling; what PyTorch has no padding for raises an error, and is not judged."""

    def call(function: Any) -> Callable[..., Any]:
        return lambda x, size, stride=None, padding=0: function(x, size, stride, 0 if padding == "valid" else padding)

    return call(one), call(two)


def scanned(function: Any) -> Callable[..., Any]:
    def call(x: Any, axis: Any = None, include_initial: bool = False) -> Any:
        if include_initial:
            raise NotImplementedError
        return function(x, dim=0 if axis is None else axis)

    return call


def repeated(x: Any, repeats: Any, axis: Any = None) -> Any:
    return torch.repeat_interleave(
        x, torch.as_tensor(np.broadcast_to(repeats, x.numel() if axis is None else x.shape[axis])), dim=axis
    )


def vector_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    return torch.linalg.vector_norm(x, ord, dim=axes(x, axis), keepdim=keepdims)


def quantile(x: Any, q: Any, axis: Any = None, keepdims: bool = False, method: str = "linear") -> Any:
    if axis is not None and not isinstance(axis, int):
        raise NotImplementedError
    return torch.quantile(x, torch.as_tensor(q, dtype=x.dtype), dim=axis, keepdim=keepdims, interpolation=method)


def taken(x: Any, index: Any, axis: int | None = None) -> Any:
    axis = (axis or 0) % x.ndim
    out = torch.index_select(x, axis, index.reshape(-1) % x.shape[axis])
    return out.reshape((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]))


def along(function: Any) -> Callable[..., Any]:
    """Softmax and its logarithm along one axis or all."""
    return lambda x, axis=-1: function(x.reshape(-1), 0).reshape(x.shape) if axis is None else function(x, axis)


def spread(function: Any) -> Callable[..., Any]:
    """The standard deviation and its kin divide by the count, if not told otherwise."""

    def call(x: Any, axis: Any = None, correction: float = 0, **options: Any) -> Any:
        if (torch.amax(x, axes(x, axis)) == torch.amin(x, axes(x, axis))).any():
            raise NotImplementedError  # the slope of std at equal numbers is a convention: 0 here, there what rounding leaves
        return reduced(function)(x, axis=axis, correction=correction, **options)

    return call


def power(a: Any, b: Any) -> Any:
    """At an exponent of 0 PyTorch's second derivative in both is 0: 1 / a is right."""
    if (torch.as_tensor(b) == 0).any():
        raise NotImplementedError
    return torch.pow(a, b)


def conv(function: Any) -> Callable[..., Any]:
    return lambda x, W, b=None, **options: function(x, W, b, **options)


average_1d, average_2d = pooled(F.avg_pool1d, F.avg_pool2d)
maximum_1d, maximum_2d = pooled(F.max_pool1d, F.max_pool2d)

SAME_NAME = (
    "sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh exp exp2 expm1 log log1p log2 log10 sqrt square reciprocal abs sign "
    "floor ceil trunc round negative positive add subtract multiply divide floor_divide remainder maximum minimum hypot copysign "
    "logaddexp sinc erf erfc sigmoid relu logit atan2 matmul outer where broadcast_to moveaxis swapaxes selu "
    "zeros_like square"
)

NAMESAKES: dict[str, Callable[..., Any]] = {name: getattr(torch, name) for name in SAME_NAME.split()} | {
    "affine": lambda x, W, b: x @ W + b,
    "average": lambda x, weights, axis=None, keepdims=False: weighted(x, weights, axis, keepdims),
    "avg_pool1d": average_1d,
    "avg_pool2d": average_2d,
    "batch_norm": lambda x, gamma, beta, eps=1e-5: F.batch_norm(x, None, None, gamma, beta, True, 0.0, eps),
    "clip": lambda x, min=None, max=None: torch.clamp(x, min, max),
    "concatenate": lambda *xs, axis=0: torch.cat(xs, dim=axis),
    "conv1d": conv(F.conv1d),
    "conv2d": conv(F.conv2d),
    "cross": lambda a, b, axis=-1: torch.linalg.cross(a, b, dim=axis),
    "cumulative_prod": scanned(torch.cumprod),
    "cumulative_sum": scanned(torch.cumsum),
    "det": torch.linalg.det,
    "diag": lambda x, k=0: torch.diag(x, k),
    "diagonal": lambda x, offset=0: torch.diagonal(x, offset, -2, -1),
    "eigvalsh": lambda x: torch.linalg.eigvalsh((x + x.mT) / 2),
    "einsum": lambda *operands, subscripts: torch.einsum(subscripts.replace(" ", ""), *operands),
    "elu": lambda x, alpha=1.0: F.elu(x, alpha),
    "embedding": lambda W, ids: W[ids],
    "flip": lambda x, axis=None: torch.flip(x, axes(x, axis)),
    "gelu": lambda x, approximate="none": F.gelu(x, approximate=approximate),
    "getitem": lambda x, index: x[index],
    "hardsigmoid": F.hardsigmoid,
    "huber_loss": lambda y, t, delta=1.0, reduction="mean": F.huber_loss(y, t, reduction, delta),
    "identity_function": lambda x: x,
    "inv": torch.linalg.inv,
    "layer_norm": lambda x, gamma, beta, eps=1e-5: F.layer_norm(x, x.shape[-1:], gamma, beta, eps),
    "leaky_relu": lambda x, negative_slope=0.01: F.leaky_relu(x, negative_slope),
    "log_softmax": along(torch.log_softmax),
    "logsumexp": reduced(torch.logsumexp),
    "matrix_norm": lambda x, ord="fro", keepdims=False: torch.linalg.matrix_norm(x, ord, keepdim=keepdims),
    "matrix_power": torch.linalg.matrix_power,
    "pow": power,
    "matrix_transpose": lambda x: x.mT,
    "max": reduced(torch.amax),
    "max_pool1d": maximum_1d,
    "max_pool2d": maximum_2d,
    "mean": reduced(torch.mean),
    "mean_absolute_error": lambda y, t, reduction="mean": F.l1_loss(y, t, reduction=reduction),
    "mean_squared_error": lambda y, t, reduction="mean": F.mse_loss(y, t, reduction=reduction),
    "median": lambda x, **options: quantile(x, 0.5, **options),
    "min": reduced(torch.amin),
    "mish": F.mish,
    "permute_dims": lambda x, axes: torch.permute(x, axes),
    "pile": lambda *xs, axis=0: torch.stack(xs, dim=axis),
    "pinv": lambda x, rtol=None: torch.linalg.pinv(x, rtol=rtol),
    "prod": product,
    "quantile": quantile,
    "repeat": repeated,
    "reshape": lambda x, shape: x.reshape(shape),
    "roll": lambda x, shift, axis=None: torch.roll(x, shift, axis),
    "sigmoid_cross_entropy": lambda s, t, reduction="mean": F.binary_cross_entropy_with_logits(
        s, t, reduction=reduction
    ),
    "silu": F.silu,
    "softmax": along(torch.softmax),
    "softplus": lambda x: F.softplus(x, threshold=1e9),
    "solve": torch.linalg.solve,
    "sort": lambda x, axis=-1, descending=False, stable=True: (
        torch.sort(x, dim=axis, descending=descending, stable=stable).values
    ),
    "squeeze": lambda x, axis=None: torch.squeeze(x) if axis is None else torch.squeeze(x, axis),
    "std": spread(torch.std),
    "sum": reduced(torch.sum),
    "sum_squares_error": lambda y, t: ((y - t) ** 2).sum() / 2,
    "svdvals": torch.linalg.svdvals,
    "take": taken,
    "take_along_axis": lambda x, index, axis=-1: torch.take_along_dim(x, index % x.shape[axis], axis),
    "tensordot": lambda a, b, axes=2: torch.tensordot(a, b, axes),
    "tile": lambda x, times: torch.tile(x, times if isinstance(times, tuple) else (times,)),
    "top_k": lambda x, k, axis=-1: torch.topk(x, k, axis).values,
    "trace": lambda x, offset=0: torch.diagonal(x, offset, -2, -1).sum(-1),
    "tril": lambda x, k=0: torch.tril(x, k),
    "triu": lambda x, k=0: torch.triu(x, k),
    "var": spread(torch.var),
    "vecdot": lambda a, b, axis=-1: torch.linalg.vecdot(a, b, dim=axis),
    "vector_norm": vector_norm,
}


def weighted(x: Any, weights: Any, axis: Any, keepdims: bool) -> Any:
    if weights.shape != x.shape:
        raise NotImplementedError
    total = reduced(torch.sum)
    return total(x * weights, axis, keepdims) / total(weights, axis, keepdims)


def with_namesakes(program: Program) -> Program:
    """The program with inputs in place of what PyTorch has no name for."""
    values = program.values()
    for step in program.steps:
        if step.function.__name__ not in NAMESAKES and len(program.steps) > 1:
            program = cut(program, step, np.array(values[step.name], dtype=float))
    return trimmed(program)


def in_torch(program: Program, arrays: Any, c: Array, directions: list[Array]) -> list[Array]:
    """The value there, its gradients for a cotangent, and the gradients of those along directions.

    Raises NotImplementedError where PyTorch cannot run it: it has no such option, or no such index.
    """
    try:
        leaves = [torch.tensor(x, requires_grad=True) for x in arrays]
        values: dict[Any, Any] = dict(zip(program.inputs, leaves, strict=True))
        for step in program.steps:
            arguments = [values[a] if isinstance(a, Name) else as_torch(a) for a in step.arguments]
            options = {
                name: as_torch(v) if isinstance(v, np.ndarray | tuple) else v for name, v in step.options.items()
            }
            values[step.name] = NAMESAKES[step.function.__name__](*arguments, **options)
        found = [values[name] for name in program.results]
        y = found[0] if len(found) == 1 else torch.cat([part.reshape(-1) for part in found])
        first = gradients(y, leaves, torch.tensor(c))
        along = sum((torch.sum(g * torch.tensor(d)) for g, d in zip(first, directions, strict=True)), torch.zeros(()))
        second = gradients(along, leaves, torch.ones(()))
    except Exception as error:
        raise explain(NotImplementedError(f"PyTorch: {error}"), "PyTorch로는 계산할 수 없습니다.") from error
    return [part.detach().numpy(force=True) for part in (y, *first, *second)]


def as_torch(value: Any) -> Any:
    """Arrays and floating numbers become Tensors of PyTorch."""
    match value:
        case np.ndarray() | np.bool() | float():
            return torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None)
        case tuple():
            return tuple(map(as_torch, value))
        case _:
            return value


def gradients(y: Any, leaves: list[Any], c: Any) -> list[Any]:
    if not y.requires_grad:
        return [torch.zeros_like(x) for x in leaves]
    found = torch.autograd.grad(y, leaves, c.to(y.dtype).reshape(y.shape), create_graph=True, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, found, strict=True)]
