"""The array library of Symbols: what `x.__array_namespace__()` gives of a traced x."""

from typing import Any

import numpy as np

from tinygrad_ko.arrays import faster
from tinygrad_ko.arrays.library import quick, sorted_places
from tinygrad_ko.compiler.tracing.symbols import Symbol, concrete


class Symbols:
    """NumPy's names. Most are NumPy's own functions, which dispatch to the Symbol (`__array_function__`); here are those that create arrays
    and those whose order of adding differs from NumPy's.
    """

    __name__ = "numpy"

    def __init__(self, program: Any) -> None:
        self._program = program

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def _full(self, shape: Any, number: Any, dtype: Any) -> Symbol:
        return self._filled(np.full(shape, number, dtype), number)

    def _full_like(self, x: Any, number: Any, dtype: Any) -> Symbol:
        return self._filled(np.full_like(concrete(x), number, dtype), number)

    def _filled(self, array: Any, number: Any) -> Symbol:
        return Symbol(self._program.full(array.dtype.type(number), array), array, self._program)

    def zeros(self, shape: Any, dtype: Any = float, device: Any = None) -> Symbol:
        return self._full(shape, 0, dtype)

    empty = zeros

    def ones(self, shape: Any, dtype: Any = float, device: Any = None) -> Symbol:
        return self._full(shape, 1, dtype)

    def full(self, shape: Any, fill_value: Any, dtype: Any = None, device: Any = None) -> Symbol:
        return self._full(shape, fill_value, dtype)

    def zeros_like(self, x: Any, dtype: Any = None, device: Any = None) -> Symbol:
        return self._full_like(x, 0, dtype)

    empty_like = zeros_like

    def ones_like(self, x: Any, dtype: Any = None, device: Any = None) -> Symbol:
        return self._full_like(x, 1, dtype)

    def full_like(self, x: Any, fill_value: Any, dtype: Any = None, device: Any = None) -> Symbol:
        return self._full_like(x, fill_value, dtype)

    def asarray(self, x: Any, dtype: Any = None, copy: Any = None, device: Any = None) -> Any:
        if not isinstance(x, Symbol):
            return np.asarray(x, dtype=dtype)
        if x.value.is_number:  # an array is not weak in type promotion, so it is another value
            return self._program.call("np.asarray", np.asarray, (x,), {} if dtype is None else {"dtype": dtype})
        x = x if dtype is None else x.astype(dtype, copy=False)
        if isinstance(x.array, np.ndarray):
            return x.copy("K") if copy else x
        return self._program.symbol(x.value, np.asarray(x.array))  # a NumPy scalar becomes an array

    hypot, logaddexp = staticmethod(faster.hypot), staticmethod(faster.logaddexp)

    def _reduction(ufunc: Any) -> Any:
        def reduction(self: Any, x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
            if dtype is not None:
                return ufunc.reduce(x, axis=axis, dtype=dtype, keepdims=keepdims)
            return (
                x.reduced(ufunc, x, axis, keepdims, by_rows=True)
                if isinstance(x, Symbol)
                else ufunc.reduce(x, axis=axis, keepdims=keepdims)
            )

        return reduction

    sum, prod, max, min = map(_reduction, (np.add, np.multiply, np.maximum, np.minimum))
    all, any = map(_reduction, (np.logical_and, np.logical_or))

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """np.where; the engine's own, which is faster, where that lays its result in memory in another order."""
        ours, numpys = [np.asarray(f(*map(concrete, (condition, x, y)))) for f in (quick.where, np.where)]
        if ours.strides == numpys.strides:
            return np.where(condition, x, y)
        return self._program.call("where", quick.where, (condition, x, y), {})

    def mean(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return x.mean(axis=axis, keepdims=keepdims)

    def argsort(self, x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
        if not descending:
            return self._program.call("np.argsort", np.argsort, (x,), {"axis": axis, "stable": stable})
        return self._program.call("sorted_places", sorted_places, (x, axis, descending, stable), {})
