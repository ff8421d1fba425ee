"""NumPy's functions on Tensors: which of them is which op. What is not in these tables is refused by name.

`np.exp(x)`, `x_array * w` and `np.dot(x, W)` arrive here through `__array_ufunc__` and `__array_function__` (NEP 13, NEP 18).
Functions that NumPy does not dispatch are Python that works on a Tensor or refuses it; `np.bmat(x)` alone does neither, and returns None.
"""

import sys
from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import is_floating
from tinygrad_ko.arrays.lists import taking_lists
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import explain
from tinygrad_ko.ops import (
    elementwise,
    exponential,
    hyperbolic,
    indexing,
    logic,
    ordering,
    padding,
    reduction,
    repetition,
    rounding,
    scan,
    shape,
    statistics,
    trigonometric,
)
from tinygrad_ko.ops.inputs import as_operand, constant_answer
from tinygrad_ko.ops.linalg import determinants, diagonals, factoring, products, solving, spectral
from tinygrad_ko.ops.linalg.einsum import einsum
from tinygrad_ko.tensor import numpy_out

_OPS = (elementwise, exponential, hyperbolic, trigonometric, rounding, products, logic)

# An op has the name of the array API standard, which NumPy has too: np.acos is np.arccos.
_UFUNCS: dict[Any, Callable[..., Any]] = {
    getattr(np, name): op
    for module in _OPS
    for name, op in vars(module).items()
    if isinstance(getattr(np, name, None), np.ufunc)
} | {np.rint: rounding.round}


@taking_lists
def dot(a: Any, b: Any) -> Any:
    """np.dot: a product of matrices, and of numbers if one of the two is a number."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return elementwise.multiply(a, b)
    if np.ndim(b) > 2:
        raise explain(
            TypeError(
                "np.dot of a Tensor with more than two axes on the right: write a @ b (matmul), which treats them as stacks"
            ),
            "np.dot: 오른쪽 Tensor의 축이 두 개보다 많습니다. 다음과 같이 쓰십시오: a @ b (matmul). 앞쪽 축은 행렬의 묶음으로 다룹니다.",
        )
    return products.matmul(a, b)


def _along_axis(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's order of a reduction's parameters."""

    def reduce(x: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
        return function(x, axis=axis, keepdims=bool(keepdims))

    return reduce


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """np.diagonal, whose matrices lie in the first two axes unless said otherwise."""
    return diagonals.diagonal(shape.moveaxis(x, (axis1, axis2), (-2, -1)), offset)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """np.trace, whose matrices lie in the first two axes unless said otherwise."""
    return reduction.sum(diagonal(x, offset, axis1, axis2), axis=-1)


def _joined(x: Any, rank: int, side: tuple[int, ...]) -> Any:
    """An array to be stacked by np.vstack and its like: one of less than so many axes gets the shape `side`."""
    x = as_operand(x, "stack")
    return shape.reshape(x, side) if x.ndim < rank else x


def _hstack(arrays: Any) -> Any:
    """np.hstack: along the second axis, or the only one."""
    arrays = [_joined(x, 1, (1,)) for x in arrays]
    return shape.concat(arrays, axis=0 if arrays and arrays[0].ndim == 1 else 1)


def _flat_or_along(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's habit that axis=None stands for the flattened array."""

    def along(x: Any, *arguments: Any, axis: Any) -> Any:
        return function(shape.reshape(x, (-1,)) if axis is None else x, *arguments, axis=0 if axis is None else axis)

    return along


take = _flat_or_along(indexing.take)
_take_along_axis = _flat_or_along(indexing.take_along_axis)
_sort = _flat_or_along(ordering.sort)
_cumsum = _flat_or_along(scan.cumulative_sum)
_cumprod = _flat_or_along(scan.cumulative_prod)


def _one_triangle(x: Any, upper: bool) -> Any:
    """The symmetric matrix that NumPy reads from one triangle of x."""
    return factoring.mirrored(x.mT if upper else x)


def _spread(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's names for what the sum of squares is divided by: n - ddof, or n - correction."""

    def measure(
        x: Any, axis: Any = None, *, ddof: float = 0, correction: float | None = None, keepdims: bool = False
    ) -> Any:
        return function(x, axis=axis, correction=ddof if correction is None else correction, keepdims=bool(keepdims))

    return measure


def _flat(x: Any) -> Any:
    """All numbers along one axis."""
    return shape.reshape(as_operand(x, "ravel"), (-1,))


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """np.linalg.norm: with an ord, of vectors along one axis or of matrices along two; else the root of the sum of squares."""
    axes = np.ndim(x) if axis is None else len(axis) if isinstance(axis, tuple) else 1
    if ord is not None and axes == 2:
        places = (-2, -1) if axis is None else axis
        out = spectral.matrix_norm(shape.moveaxis(x, places, (-2, -1)), ord=ord)
        return shape.expand_dims(out, axis=places) if keepdims else out
    if ord is not None and axes != 1:
        raise explain(
            TypeError(f"np.linalg.norm: with ord={ord!r} name one axis, of vectors, or two, of matrices"),
            f"np.linalg.norm: ord={ord!r}에는 벡터이면 축 하나, 행렬이면 축 두 개를 axis로 지정해야 합니다.",
        )
    return reduction.vector_norm(x, axis=axis, keepdims=bool(keepdims), ord=2 if ord is None else ord)


_SAME = (  # they take the arguments of the function of that name in NumPy
    elementwise.where, padding.pad, ordering.quantile, repetition.broadcast_arrays, repetition.meshgrid, repetition.repeat,
    scan.cumulative_prod, scan.cumulative_sum, shape.array_split, shape.matrix_transpose, shape.split, shape.swapaxes,
    shape.unstack, trigonometric.sinc,
)  # fmt: skip
_SAME_IN_LINALG = (
    determinants.det, determinants.slogdet, products.cross, products.matmul, products.outer, products.tensordot, products.vecdot,
    reduction.vector_norm, shape.matrix_transpose, solving.inv, solving.matrix_power, solving.solve, spectral.matrix_norm,
    spectral.svdvals,
)  # fmt: skip

_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    **{getattr(np, op.__name__): op for op in _SAME},
    **{getattr(np.linalg, op.__name__): op for op in _SAME_IN_LINALG},
    np.sum: _along_axis(reduction.sum),
    np.mean: _along_axis(reduction.mean),
    np.max: _along_axis(reduction.max),
    np.amax: _along_axis(reduction.max),
    np.min: _along_axis(reduction.min),
    np.amin: _along_axis(reduction.min),
    np.prod: _along_axis(reduction.prod),
    np.var: _spread(statistics.var),
    np.std: _spread(statistics.std),
    np.average: lambda x, axis=None, weights=None, *, keepdims=False: statistics.average(
        x, axis=axis, weights=weights, keepdims=bool(keepdims)
    ),
    np.cumsum: lambda x, axis=None: _cumsum(x, axis=axis),
    np.cumprod: lambda x, axis=None: _cumprod(x, axis=axis),
    np.linalg.norm: _norm,
    np.dot: dot,
    np.vdot: lambda a, b: products.vecdot(_flat(a), _flat(b)),
    np.outer: lambda a, b: products.outer(_flat(a), _flat(b)),
    np.tensordot: lambda a, b, axes=2: products.tensordot(a, b, axes=axes),
    np.einsum: lambda subscripts, *operands, optimize=False: einsum(subscripts, *operands),  # the order is einsum's own
    np.round: lambda x: rounding.round(x),
    np.around: lambda x: rounding.round(x),
    np.clip: lambda x, a_min=None, a_max=None, *, min=None, max=None: elementwise.clip(
        x, min if a_min is None else a_min, max if a_max is None else a_max
    ),
    np.reshape: lambda x, new: shape.reshape(x, new),
    np.transpose: lambda x, axes=None: x.transpose(axes),
    np.append: lambda x, values, axis=None: (
        shape.concat([_flat(x), _flat(values)]) if axis is None else shape.concat([x, values], axis=axis)
    ),
    np.concatenate: lambda arrays, axis=0: shape.concat(arrays, axis=axis),
    np.copy: lambda x, order="K": x.copy(),
    np.copyto: numpy_out.copy_items,
    np.stack: lambda arrays, axis=0: shape.stack(arrays, axis=axis),
    np.expand_dims: lambda x, axis: shape.expand_dims(x, axis=axis),
    np.squeeze: lambda x, axis=None: shape.squeeze(x, axis),
    np.broadcast_to: lambda x, shape_: shape.broadcast_to(x, shape_),
    np.moveaxis: lambda x, source, destination: shape.moveaxis(x, source, destination),
    np.flip: lambda x, axis=None: shape.flip(x, axis),
    np.flipud: lambda x: shape.flip(x, 0),
    np.fliplr: lambda x: shape.flip(x, 1),
    np.roll: lambda x, shift, axis=None: shape.roll(x, shift, axis),
    np.vstack: lambda arrays: shape.concat([_joined(x, 2, (1, -1)) for x in arrays], axis=0),
    np.hstack: _hstack,
    np.column_stack: lambda arrays: shape.concat([_joined(x, 2, (-1, 1)) for x in arrays], axis=1),
    np.tile: lambda x, reps: repetition.tile(x, reps),
    np.tril: lambda x, k=0: diagonals.tril(x, k),
    np.triu: lambda x, k=0: diagonals.triu(x, k),
    np.diag: lambda x, k=0: diagonals.diag(x, k),
    np.diagonal: diagonal,
    np.trace: trace,
    np.linalg.diagonal: lambda x, *, offset=0: diagonals.diagonal(x, offset),
    np.linalg.trace: lambda x, *, offset=0: diagonals.trace(x, offset),
    np.take: lambda x, indices, axis=None: take(x, indices, axis=axis),
    np.take_along_axis: lambda x, indices, axis=-1: _take_along_axis(x, indices, axis=axis),
    np.sort: lambda x, axis=-1, kind=None, *, stable=True: _sort(x, axis=axis),  # always stable, as every kind may be
    np.median: _along_axis(ordering.median),
    np.percentile: lambda x, q, axis=None, **options: ordering.quantile(x, np.divide(q, 100), axis, **options),
    np.ravel: _flat,
    np.linalg.cholesky: lambda x, *, upper=False: factoring.cholesky(_one_triangle(x, upper), upper=upper),
    np.linalg.eigh: lambda x, UPLO="L": spectral.eigh(_one_triangle(x, UPLO in "uU")),
    np.linalg.eigvalsh: lambda x, UPLO="L": spectral.eigvalsh(_one_triangle(x, UPLO in "uU")),
    np.linalg.pinv: lambda x, *, rtol=None: spectral.pinv(x, rtol=rtol),
    np.linalg.qr: lambda x, mode="reduced": factoring.qr(x, mode=mode),
    np.linalg.svd: lambda x, full_matrices=True, compute_uv=True: (
        spectral.svd(x, full_matrices=full_matrices) if compute_uv else spectral.svdvals(x)
    ),
}


_PLAIN_FUNCTIONS = {  # results without a gradient: indices, truths, shapes, fresh arrays
    np.argmax, np.argmin, np.argsort, np.searchsorted, np.shape, np.ndim, np.size, np.allclose, np.isclose, np.array_equal, np.any,
    np.all, np.count_nonzero, np.nonzero, np.flatnonzero, np.argwhere, np.isin, np.zeros_like, np.ones_like, np.empty_like,
    np.array_repr, np.array_str, np.array2string, np.result_type, np.may_share_memory, np.shares_memory, np.linalg.matrix_rank,
}  # fmt: skip


_ASSIGNMENTS = ("put", "place", "putmask", "fill_diagonal", "put_along_axis")  # to their first argument


def _of_integers_alone(arguments: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Whether all Tensors among the arguments hold truth values or integers, as masks and indices do: no gradient can be lost, and NumPy
    itself computes what has no rule here.
    """
    return not any(is_floating(x.dtype) or x.requires_grad for x in _handles((*arguments, *options.values())))


def _handles(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, Handle):
            yield value
        elif isinstance(value, list | tuple):
            yield from _handles(value)


def _spelled(function: Any) -> str:
    """What stands behind `np.` where a function is called."""
    module = str(getattr(function, "__module__", ""))
    return (
        f"{module}.{function.__name__}".partition("numpy.")[2]
        if module in ("numpy.linalg", "numpy.fft")
        else function.__name__
    )


def _refused(name: str, options: Collection[str] | None = None) -> TypeError:
    """A function of NumPy that has no rule, or none for these options, with the nearest that have one."""
    from difflib import get_close_matches

    english = korean = cure = korean_cure = ""
    if options is not None:
        given = f" ({', '.join(options)})" if options else ""
        english, korean = f" with these arguments{given}", f"이 인수들로{given} 호출하는 것은 "
        if "out" in options:  # also a += x, where a is an array
            cure, korean_cure = (
                " into an array; write a = a + x for a += x",
                " 배열 a에는 a += x 대신 a = a + x를 쓰십시오.",
            )
    elif name in _ASSIGNMENTS:
        cure, korean_cure = "; write x[index] = y", " 다음과 같이 쓰십시오: x[index] = y."
    elif near := get_close_matches(name, sorted(map(_spelled, [*_UFUNCS, *_FUNCTIONS])), n=2, cutoff=0.75):
        nearest = ", ".join(f"np.{n}" for n in near)
        cure, korean_cure = f" (nearest: {nearest})", f" 비슷한 함수: {nearest}."
    return explain(
        TypeError(
            f"np.{name}{english} is not supported on a Tensor{cure}; compute with the functions of "
            "tinygrad_ko, or, where no gradient is wanted, on x.numpy()"
        ),
        f"np.{name}: {korean}Tensor에서 지원하지 않습니다.{korean_cure} "
        "tinygrad_ko의 함수를 쓰거나, 기울기가 필요 없다면 x.numpy()로 배열을 꺼내 쓰십시오.",
    )


def _polynomial() -> str:
    """The function of numpy.polynomial that has called NumPy's function, a few calls above, if one has."""
    caller = sys._getframe(3)
    room = str(caller.f_globals.get("__name__"))
    return f"{room}.{caller.f_code.co_name}" if room.startswith("numpy.polynomial.") else ""


def _mixed_axes(name: str) -> TypeError:
    """A function of numpy.polynomial gives an ndarray of points axes of their own, beside those of the coefficients. A Tensor it
    takes for one number, and the values would be wrong.
    """
    return explain(
        TypeError(
            f"{name} takes a Tensor for one number, and its axes would meet those of the coefficients; evaluate one polynomial at a "
            "time, or compute with the functions of tinygrad_ko, as in tg.prod(x[..., None] - roots, axis=-1)"
        ),
        f"{name}: Tensor의 축과 계수의 축이 뒤섞이므로 허용하지 않습니다. 계수가 1차원인 다항식을 하나씩 계산하거나 "
        "tinygrad_ko의 함수를 쓰십시오. 예: tg.prod(x[..., None] - roots, axis=-1)",
    )


def call_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """What NumPy's ufunc computes, recorded; raises TypeError for what has no rule."""
    if "out" in options:
        plain = getattr(_UFUNCS.get(ufunc), "__module__", None) == logic.__name__
        done = numpy_out.of_ufunc(ufunc, method, inputs, options, plain, lambda xs: call_ufunc(ufunc, method, xs, {}))
        if done is NotImplemented:
            raise _refused(ufunc.__name__, options)
        return done
    if method == "at" and numpy_out.add_items(ufunc, *inputs) is not NotImplemented:
        return None
    if (method != "__call__" or options or ufunc not in _UFUNCS) and _of_integers_alone(inputs, options):
        return constant_answer(getattr(ufunc, method), inputs, options)
    if method != "__call__":
        raise _refused(f"{ufunc.__name__}.{method}")
    if options or ufunc not in _UFUNCS:
        raise _refused(ufunc.__name__, options or None)
    if (name := _polynomial()) and any(isinstance(x, np.ndarray) and x.ndim for x in inputs):
        raise _mixed_axes(name)
    return _UFUNCS[ufunc](*inputs)


def call_function(function: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """What NumPy's function computes, recorded; raises TypeError for what has no rule."""
    if "out" in options:
        rest = {name: x for name, x in options.items() if name != "out"}
        value, out = call_function(function, arguments, rest), options["out"]
        done = value if out is None else numpy_out.of_function(_spelled(function), value, out)
        if done is NotImplemented:
            raise _refused(_spelled(function), options)
        return done
    if function in _PLAIN_FUNCTIONS:
        return constant_answer(function, arguments, options)
    if function not in _FUNCTIONS:
        if getattr(function, "__module__", "") == "numpy.fft":
            from tinygrad_ko.tensor import fourier

            if function in fourier.NUMPYS:
                return fourier.NUMPYS[function](*arguments, **options)
        writes = _spelled(function) in _ASSIGNMENTS and isinstance([*arguments, *options.values()][0], Handle)
        if _of_integers_alone(arguments, options) and not writes:
            return constant_answer(function, arguments, options)
        raise _refused(_spelled(function))
    if name := _polynomial():
        raise _mixed_axes(name)
    try:
        result = _FUNCTIONS[function](*arguments, **options)
        if result is NotImplemented:
            raise _refused(_spelled(function), options)
        return result
    except TypeError as error:
        if "unexpected keyword" in str(error) or "positional argument" in str(error):
            if _of_integers_alone(arguments, options):
                return constant_answer(function, arguments, options)
            raise _refused(_spelled(function), options) from None
        raise
