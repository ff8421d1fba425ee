"""NumPy's functions of Symbols.

Each function that NumPy dispatches is in one of these tables; any other is refused by name.

- `_STATIC`: answered now, from shapes and dtypes
- `_OWN`: recorded as operations of the program, which the passes can simplify and fuse
- `_CALLS`: recorded as one call
- `_DEPENDENT`: refused, because the shape or dtype of the result, or text, depends on the values in the arrays
- `_WRITING`: refused, because it writes to an argument
"""

from collections.abc import Callable
from functools import cache
from inspect import Signature, signature
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import FLOATS
from tinygrad_ko.arrays.opaque import is_traced
from tinygrad_ko.compiler.tracing.unreadable import cannot_write, depends_on_data, unsupported

_NO_VALUE: Any = vars(np)["_NoValue"]  # what functions of NumPy have for an argument that was left out


def called(first: Any, function: Any, arguments: Any, options: Any) -> Any:
    """The result of a NumPy function that was called with Symbols, of which `first` is one."""
    name = f"{function.__module__}.{function.__name__}".replace("numpy", "np", 1)
    if function in _STATIC:
        return function(*map(_shown, arguments), **options)
    if function in _DEPENDENT:
        depends_on_data(f"{name}()")(first)
    given = _given(function, arguments, options)
    if function in _OWN:
        own, words = _OWN[function]
        if given.keys() <= words and (answer := own(**given)) is not NotImplemented:
            return answer
    if given.get("out") is not None or given.get("copy", True) is False or given.get("overwrite_input"):
        raise cannot_write(f"{name} into an array")
    if function in _WRITING:
        raise cannot_write(name)
    if function not in _CALLS or any(callable(x) and not isinstance(x, type) for x in given.values()):
        raise unsupported(name)
    if isinstance(given.get("bins"), str) or any(is_traced(given.get(word)) for word in _SHAPING):
        depends_on_data(f"{name}(), whose shape depends on it,")(first)
    given = {k: x for k, x in options.items() if k != "out"}
    if function is np.count_nonzero and _COUNTS_IN_PYTHON:
        function, name = _count_nonzero, _count_nonzero.__name__
    return first.program.call(name, function, arguments, given)


_COUNTS_IN_PYTHON = isinstance(np.count_nonzero([1]), int)  # in NumPy 2.1, where no axis is given


def _count_nonzero(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """np.count_nonzero, as a number of NumPy's."""
    return np.asarray(np.count_nonzero(x, axis=axis, keepdims=keepdims))[()]


def _given(function: Any, arguments: Any, options: Any) -> dict[str, Any]:
    """The arguments by name, without those that are None or left out."""
    bound = _signature(function).bind(*arguments, **options).arguments
    spread = {k: x for name, x in bound.items() for k, x in (x.items() if name == "kwargs" else [(name, x)])}
    return {k: x for k, x in spread.items() if x is not None and x is not _NO_VALUE}


@cache
def _signature(function: Any) -> Signature:
    try:
        return signature(function)
    except ValueError:  # written in C
        return signature(_WRITTEN_IN_C.get(function, lambda *arguments, **kwargs: None))


def _shown(x: Any) -> Any:
    """The concrete array of a Symbol, for functions that read its shape and dtype alone; anything else as it is."""
    return x.array if hasattr(x, "traced_call") else x


def _named(names: str, of: Any = np) -> set[Any]:
    """The functions of these names, as far as this version of NumPy has them."""
    return {getattr(of, name) for name in names.split() if hasattr(of, name)}


_STATIC = _named(
    "can_cast common_type diag_indices_from einsum_path iscomplexobj isrealobj min_scalar_type ndim result_type shape size "
    "tril_indices_from triu_indices_from"
)
_DEPENDENT = _named(
    "allclose argwhere array2string array_equal array_equiv array_repr array_str bincount compress extract flatnonzero intersect1d ix_ "
    "nonzero polydiv polymul real_if_close roots save savetxt savez savez_compressed setdiff1d setxor1d trim_zeros union1d unique "
    "unique_all unique_counts unique_inverse unique_values"
) | _named("eig eigvals lstsq", np.linalg)
_WRITING = _named("copyto fill_diagonal place put put_along_axis putmask")
_CALLS = _named(
    "all amax amin angle any append argmax argmin argpartition argsort around array_split astype atleast_1d atleast_2d atleast_3d average "
    "block broadcast_arrays choose clip column_stack concat concatenate convolve corrcoef correlate count_nonzero cov cross cumprod cumsum "
    "cumulative_prod cumulative_sum delete diag diagflat diagonal diff digitize dot dsplit dstack ediff1d einsum fix flip fliplr flipud "
    "geomspace gradient histogram histogram2d histogram_bin_edges hsplit hstack i0 imag inner insert interp isclose iscomplex in1d isin "
    "isneginf isposinf isreal kron lexsort linspace logspace max mean median meshgrid min moveaxis nan_to_num nanargmax nanargmin "
    "nancumprod nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile nanstd nansum nanvar outer packbits pad "
    "partition percentile poly polyadd polyder polyfit polyint polysub polyval prod ptp quantile ravel ravel_multi_index real repeat "
    "reshape resize roll rollaxis rot90 round searchsorted select sinc sort sort_complex split stack std sum take take_along_axis "
    "tensordot tile trace trapezoid tril triu unpackbits unravel_index unstack unwrap vander var vdot vsplit vstack"
)
_CALLS |= _named(
    "cholesky cond cross det diagonal eigh eigvalsh inv matmul matrix_norm matrix_power matrix_rank multi_dot norm outer pinv qr slogdet "
    "solve svd svdvals tensordot tensorinv tensorsolve trace vecdot vector_norm",
    np.linalg,
)
_CALLS |= _named(
    "fft fft2 fftn fftshift hfft ifft ifft2 ifftn ifftshift ihfft irfft irfft2 irfftn rfft rfft2 rfftn", np.fft
)
_CALLS |= _named("sliding_window_view", np.lib.stride_tricks)
_WORDS = "axes axis count deg destination indices_or_sections k N n newshape new_shape num obj offset pad_width repeats reps s shape source"
_SHAPING = {*_WORDS.split(" ")}  # arguments on which the shape of the result depends
_WRITTEN_IN_C: dict[Any, Callable[..., Any]] = {
    np.where: lambda condition, x=None, y=None: None,
    np.dot: lambda a, b, out=None: None,
    np.concatenate: lambda arrays, axis=0, out=None, dtype=None, casting="same_kind": None,
    np.concat: lambda arrays, axis=0, out=None, dtype=None, casting="same_kind": None,
}


def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    symbol = next(part for part in (condition, x, y) if hasattr(part, "traced_call"))
    if x is None or y is None:
        depends_on_data("np.where() of a condition alone")(symbol)
    return symbol.where(condition, x, y)


def _reduction(ufunc: Any) -> tuple[Callable[..., Any], set[str]]:
    return lambda a, axis=None, keepdims=False: a.reduced(ufunc, a, axis, keepdims), {"a", "axis", "keepdims"}


def _mean(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    if a.dtype not in FLOATS:
        return NotImplemented
    total = a.reduced(np.add, a, axis, keepdims)
    return total / (a.size // max(total.size, 1))


def _var(a: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False, correction: float = 0) -> Any:
    if a.dtype not in FLOATS:
        return NotImplemented
    away = a - _mean(a, axis, keepdims=True)
    total = a.reduced(np.add, away * away, axis, keepdims)
    return total / max(a.size // max(total.size, 1) - ddof - correction, 0)


def _std(**given: Any) -> Any:
    return var if (var := _var(**given)) is NotImplemented else np.sqrt(var)


def _full_like(a: Any, fill_value: Any, dtype: Any = None) -> Any:
    if is_traced(fill_value):
        return NotImplemented
    return a.program.namespace.full_like(a, fill_value, dtype)


_VAR = {"a", "axis", "ddof", "keepdims", "correction"}
_OWN: dict[Any, tuple[Callable[..., Any], set[str]]] = {
    np.where: (_where, {"condition", "x", "y"}),
    np.reshape: (lambda a, shape: a.reshape(shape), {"a", "shape"}),
    np.transpose: (lambda a, axes=None: a.transpose(axes), {"a", "axes"}),
    np.matrix_transpose: (lambda x: x.mT, {"x"}),
    np.linalg.matrix_transpose: (lambda x: x.mT, {"x"}),
    np.swapaxes: (lambda a, axis1, axis2: a.swapaxes(axis1, axis2), {"a", "axis1", "axis2"}),
    np.broadcast_to: (lambda array, shape: array.broadcast_to(shape), {"array", "shape"}),
    np.expand_dims: (lambda a, axis: a.reshape(np.expand_dims(a.array, axis).shape), {"a", "axis"}),
    np.squeeze: (lambda a, axis=None: a.squeeze(axis), {"a", "axis"}),
    np.astype: (lambda x, dtype, copy=True: x.astype(dtype, copy=copy), {"x", "dtype", "copy"}),
    np.zeros_like: (lambda a, dtype=None: a.program.namespace.zeros_like(a, dtype), {"a", "dtype"}),
    np.ones_like: (lambda a, dtype=None: a.program.namespace.ones_like(a, dtype), {"a", "dtype"}),
    np.empty_like: (lambda prototype, dtype=None: np.zeros_like(prototype, dtype), {"prototype", "dtype"}),
    np.full_like: (_full_like, {"a", "fill_value", "dtype"}),
    np.copy: (lambda a, order="K": a.copy(order), {"a", "order"}),
    np.mean: (_mean, {"a", "axis", "keepdims"}),
    np.var: (_var, _VAR),
    np.std: (_std, _VAR),
    np.sum: _reduction(np.add),
    np.prod: _reduction(np.multiply),
    np.max: _reduction(np.maximum),
    np.amax: _reduction(np.maximum),
    np.min: _reduction(np.minimum),
    np.amin: _reduction(np.minimum),
    np.all: _reduction(np.logical_and),
    np.any: _reduction(np.logical_or),
}
