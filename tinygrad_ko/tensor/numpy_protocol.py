"""NumPy's functions on Tensors: which of them is which op, or (in `numpys`) composed of ops. What is in no table is refused by name.

`np.exp(x)`, `x_array * w` and `np.dot(x, W)` arrive here through `__array_ufunc__` and `__array_function__` (NEP 13, NEP 18).
Functions that NumPy does not dispatch are Python that works on a Tensor or refuses it; `np.bmat(x)` alone does neither, and returns None.
"""

import sys
from collections.abc import Callable, Collection, Iterator
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import is_floating
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import explain
from tinygrad_ko.ops import (
    elementwise,
    exponential,
    hyperbolic,
    logic,
    padding,
    reduction,
    repetition,
    rounding,
    scan,
    shape,
    trigonometric,
)
from tinygrad_ko.ops.inputs import constant_answer, unwrapped
from tinygrad_ko.ops.linalg import determinants, diagonals, factoring, products, solving, spectral
from tinygrad_ko.tensor import numpy_out
from tinygrad_ko.tensor.numpys import (
    along,
    choosing,
    domains,
    histograms,
    joining,
    matrices,
    polynomials,
    reductions,
    sequences,
    sets,
    ufuncs,
)
from tinygrad_ko.tensor.numpys.table import Unsupported, in_dtype

_OPS = (elementwise, exponential, hyperbolic, trigonometric, rounding, products, logic)

# An op has the name of the array API standard, which NumPy has too: np.acos is np.arccos.
_UFUNCS: dict[Any, Callable[..., Any]] = {
    getattr(np, name): op
    for module in _OPS
    for name, op in vars(module).items()
    if isinstance(getattr(np, name, None), np.ufunc)
} | {np.rint: rounding.round}

_NO_VALUE = vars(np)["_NoValue"]  # which the stubs of some versions of NumPy have not

_ALL_UFUNCS = ufuncs.UFUNCS | _UFUNCS


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """np.diagonal, whose matrices lie in the first two axes unless said otherwise."""
    return diagonals.diagonal(shape.moveaxis(x, (axis1, axis2), (-2, -1)), offset)


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    """np.trace, whose matrices lie in the first two axes unless said otherwise."""
    return reduction.sum(diagonal(in_dtype(x, dtype), offset, axis1, axis2), axis=-1)


def _i0(x: Any) -> Any:
    """np.i0, which needs SciPy here."""
    from tinygrad_ko.ops.special import bessel

    return bessel.i0(x)


def _round(x: Any, decimals: int = 0) -> Any:
    return rounding.round(x) if decimals == 0 else rounding.round(x * 10.0**decimals) / 10.0**decimals


_SAME = (  # they take the arguments of the function of that name in NumPy
    elementwise.where, padding.pad, repetition.broadcast_arrays, repetition.meshgrid, repetition.repeat,
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
    **reductions.FUNCTIONS,
    **joining.FUNCTIONS,
    **choosing.FUNCTIONS,
    **sequences.FUNCTIONS,
    **polynomials.FUNCTIONS,
    **matrices.FUNCTIONS,
    **sets.FUNCTIONS,
    **histograms.FUNCTIONS,
    **along.FUNCTIONS,
    **domains.FUNCTIONS,
    **numpy_out.ASSIGNMENTS,
    np.i0: _i0,
    np.copyto: numpy_out.copy_items,
    np.vdot: lambda a, b: products.vecdot(joining.ravel(a), joining.ravel(b)),
    np.outer: lambda a, b: products.outer(joining.ravel(a), joining.ravel(b)),
    np.tensordot: lambda a, b, axes=2: products.tensordot(a, b, axes=axes),
    np.round: _round,
    np.around: _round,
    np.fix: lambda x: rounding.trunc(x),
    np.isposinf: lambda x: constant_answer(np.isposinf, (x,), {}),
    np.isneginf: lambda x: constant_answer(np.isneginf, (x,), {}),
    np.real: elementwise.real,
    np.imag: elementwise.imag,
    np.angle: lambda x, deg=False: elementwise.zeros_like(x) + np.angle(unwrapped(x), deg),
    np.real_if_close: lambda x, tol=100: elementwise.positive(x),
    np.clip: lambda x, a_min=None, a_max=None, *, min=None, max=None: elementwise.clip(
        x, min if a_min is None else a_min, max if a_max is None else a_max
    ),
    np.transpose: lambda x, axes=None: x.transpose(axes),
    np.expand_dims: lambda x, axis: shape.expand_dims(x, axis=axis),
    np.squeeze: lambda x, axis=None: shape.squeeze(x, axis),
    np.broadcast_to: lambda x, shape_: shape.broadcast_to(x, shape_),
    np.moveaxis: lambda x, source, destination: shape.moveaxis(x, source, destination),
    np.flip: lambda x, axis=None: shape.flip(x, axis),
    np.flipud: lambda x: shape.flip(x, 0),
    np.fliplr: lambda x: shape.flip(x, 1),
    np.roll: lambda x, shift, axis=None: shape.roll(x, shift, axis),
    np.tril: lambda x, k=0: diagonals.tril(x, k),
    np.triu: lambda x, k=0: diagonals.triu(x, k),
    np.diag: lambda x, k=0: diagonals.diag(x, k),
    np.diagonal: diagonal,
    np.trace: trace,
    np.linalg.diagonal: lambda x, *, offset=0: diagonals.diagonal(x, offset),
    np.linalg.trace: lambda x, *, offset=0: diagonals.trace(x, offset),
    np.linalg.cholesky: lambda x, *, upper=False: factoring.cholesky(matrices.one_triangle(x, upper), upper=upper),
    np.linalg.eigvalsh: lambda x, UPLO="L": spectral.eigvalsh(matrices.one_triangle(x, UPLO in "uU")),
    np.linalg.qr: lambda x, mode="reduced": factoring.qr(x, mode=mode),
    np.linalg.svd: lambda x, full_matrices=True, compute_uv=True: (
        spectral.svd(x, full_matrices=full_matrices) if compute_uv else spectral.svdvals(x)
    ),
}


_PLAIN_FUNCTIONS = {  # results without a gradient: indices, truths, shapes, fresh arrays
    np.argmax, np.argmin, np.argsort, np.searchsorted, np.shape, np.ndim, np.size, np.allclose, np.isclose, np.array_equal, np.any,
    np.all, np.count_nonzero, np.nonzero, np.flatnonzero, np.argwhere, np.isin, np.zeros_like, np.ones_like, np.empty_like,
    np.array_repr, np.array_str, np.array2string, np.result_type, np.may_share_memory, np.shares_memory, np.linalg.matrix_rank,
    np.argpartition, np.nanargmax, np.nanargmin, np.lexsort, np.digitize, np.array_equiv, np.isreal, np.iscomplex, np.isrealobj,
    np.iscomplexobj, np.min_scalar_type, np.can_cast, np.einsum_path, np.diag_indices_from,
    np.tril_indices_from, np.triu_indices_from,
}  # fmt: skip


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


_ROOMS = {
    "numpy.linalg": "linalg.",
    "numpy.fft": "fft.",
    "numpy.lib.scimath": "emath.",
    "numpy.lib.stride_tricks": "lib.stride_tricks.",
}


def _spelled(function: Any) -> str:
    """How a function of NumPy's or SciPy's is called."""
    name, module = str(function.__name__), str(getattr(function, "__module__", ""))
    if getattr(sys.modules.get("scipy.special"), name, None) is function and getattr(np, name, None) is not function:
        return f"scipy.special.{name}"
    room = _ROOMS.get(module, "")
    return f"np.{room}{name}"


def _refused(name: str, options: Collection[str] | None = None) -> TypeError:
    """A function that has no rule, or none for these options, with the nearest that have one."""
    from difflib import get_close_matches

    english = korean = cure = korean_cure = ""
    if options is not None:
        given = f" ({', '.join(options)})" if options else ""
        english, korean = f" with these arguments{given}", f"이 인수들로{given} 호출하는 것은 "
        if name in map(_spelled, numpy_out.ASSIGNMENTS):
            cure, korean_cure = (
                " into an array; make a Tensor of the array first: a = tg.Tensor(a)",
                " 배열 a를 먼저 Tensor로 만드십시오: a = tg.Tensor(a).",
            )
        elif "out" in options:  # also a += x, where a is an array
            cure, korean_cure = (
                " into an array; write a = a + x for a += x, and let out be a Tensor, as tg.zeros makes it",
                " 배열 a에는 a += x 대신 a = a + x를 쓰고, out에는 tg.zeros 등으로 만든 Tensor를 넘기십시오.",
            )
    elif near := get_close_matches(name, sorted(map(_spelled, [*_ufuncs(), *_FUNCTIONS])), n=2, cutoff=0.8):
        nearest = ", ".join(near)
        cure, korean_cure = f" (nearest: {nearest})", f" 비슷한 함수: {nearest}."
    return explain(
        TypeError(
            f"{name}{english} is not supported on a Tensor{cure}; compute with the functions of "
            "tinygrad_ko, or, where no gradient is wanted, on x.numpy()"
        ),
        f"{name}: {korean}Tensor에서 지원하지 않습니다.{korean_cure} "
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
    """What a ufunc of NumPy or SciPy computes, recorded; raises TypeError for what has no rule."""
    if "out" in options:
        name, plain = _spelled(ufunc), getattr(_UFUNCS.get(ufunc), "__module__", None) == logic.__name__
        done = numpy_out.of_ufunc(
            name, ufunc, method, inputs, options, plain, lambda xs: call_ufunc(ufunc, method, xs, {})
        )
        if done is NotImplemented:
            raise _refused(name, options)
        return done
    if method == "at" and numpy_out.add_items(ufunc, *inputs) is not NotImplemented:
        return None
    if (method != "__call__" or options or ufunc not in _UFUNCS) and _of_integers_alone(inputs, options):
        return constant_answer(getattr(ufunc, method), inputs, options)
    op = _ALL_UFUNCS.get(ufunc) or _ufuncs().get(ufunc)
    if method != "__call__":
        if not (call := ufuncs.method_of(ufunc, method, op)):
            raise _refused(f"{_spelled(ufunc)}.{method}")
        return _called(call, getattr(ufunc, method), f"{_spelled(ufunc)}.{method}", inputs, options)
    if options or not op:
        raise _refused(_spelled(ufunc), options or None)
    if (name := _polynomial()) and any(isinstance(x, np.ndarray) and x.ndim for x in inputs):
        raise _mixed_axes(name)
    return op(*inputs)


def _ufuncs() -> dict[Any, Callable[..., Any]]:
    """The ufuncs that are ops: NumPy's, and once `scipy.special` is imported those of it that `tg.special` has."""
    return _with_scipys(sys.modules["scipy.special"]) if "scipy.special" in sys.modules else _ALL_UFUNCS


@cache
def _with_scipys(scipys: Any) -> dict[Any, Callable[..., Any]]:
    special = import_module("tinygrad_ko.special")
    found = {getattr(scipys, name, None): getattr(special, name) for name in special.__all__}
    return {ufunc: op for ufunc, op in found.items() if isinstance(ufunc, np.ufunc)} | _ALL_UFUNCS


def has_rule(function: Any) -> bool:
    """Whether a function of NumPy's takes Tensors and records what it computes."""
    return function in _FUNCTIONS or function in _ALL_UFUNCS


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
        if _of_integers_alone(arguments, options):
            return constant_answer(function, arguments, options)
        raise _refused(_spelled(function))
    if name := _polynomial():
        raise _mixed_axes(name)
    return _called(_FUNCTIONS[function], function, _spelled(function), arguments, options)


def _called(f: Callable[..., Any], numpys: Any, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """f with NumPy's options, less those that say nothing. What f has not, NumPy computes of integers alone; else it is refused by name."""
    given = {k: v for k, v in options.items() if v is not _NO_VALUE and not (v is None and k == "dtype")}
    try:
        if (result := f(*arguments, **given)) is not NotImplemented:
            return result
    except Unsupported:
        pass
    except TypeError as error:
        if "unexpected keyword" not in str(error) and "positional argument" not in str(error):
            raise
    if _of_integers_alone(arguments, options):
        return constant_answer(numpys, arguments, options)
    raise _refused(name, given)
