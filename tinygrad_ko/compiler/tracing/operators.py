"""Python's operators on Symbols: each calls the ufunc that NumPy's arrays call."""

from typing import Any

import numpy as np
from numpy import generic, ndarray

from tinygrad_ko.engine.graph import Handle

_UFUNCS: dict[str, Any] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "floordiv": np.floor_divide,
}
_UFUNCS |= {"mod": np.remainder, "pow": np.power, "matmul": np.matmul, "and": np.bitwise_and, "or": np.bitwise_or}
_UFUNCS |= {"xor": np.bitwise_xor, "lshift": np.left_shift, "rshift": np.right_shift}
_COMPARISONS: dict[str, Any] = {"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal}
_COMPARISONS |= {"eq": np.equal, "ne": np.not_equal}
_UNARY = {"neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert}


class SymbolOperators:
    """The operators, with a number or an array on either side, and in place."""

    __slots__ = ()

    def assigned(self, made: Any) -> Any:
        """Itself, after a value was written to it: `a += b`."""
        raise NotImplementedError


def _power(base: Any, exponent: Any) -> Any:
    """base ** exponent. With a number as exponent (2, 0.5, ...), or of single numbers, NumPy's operator does not call np.power; before
    NumPy 2.2 not with an array of no axes either.
    """
    x, y = [v.array if isinstance(v, SymbolOperators) else v for v in (base, exponent)]  # type: ignore[attr-defined]
    is_number = isinstance(exponent, SymbolOperators) and exponent.value.is_number  # type: ignore[attr-defined]
    is_simple = isinstance(base, SymbolOperators) and (is_number or np.ndim(y) == 0)
    if is_simple or all(isinstance(v, int | float | generic) for v in (x, y)):
        symbol: Any = base if isinstance(base, SymbolOperators) else exponent
        return symbol.program.record("power", (base, exponent), (), lambda: x**y)
    return np.power(base, exponent)


def _define(name: str, compute: Any, comparison: bool) -> None:
    """Define an operator of Symbols: `__add__`, and unless it is a comparison `__radd__` and `__iadd__`."""

    def operator(a: Any, b: Any) -> Any:
        return NotImplemented if isinstance(b, Handle) else compute(a, b)

    def in_place(a: Any, b: Any) -> Any:
        if isinstance(b, Handle):
            return NotImplemented
        is_array = isinstance(a.array, ndarray)  # a NumPy scalar is not written to: the name gets a new one
        return a.assigned(compute(a, b)) if is_array else compute(a, b)

    setattr(SymbolOperators, f"__{name}__", operator)
    if not comparison:
        setattr(SymbolOperators, f"__r{name}__", lambda a, b: compute(b, a))
        setattr(SymbolOperators, f"__i{name}__", in_place)


for _name, _ufunc in (_UFUNCS | _COMPARISONS).items():
    _define(_name, _power if _name == "pow" else _ufunc, _name in _COMPARISONS)
_define("divmod", np.divmod, comparison=False)
del SymbolOperators.__idivmod__  # type: ignore[attr-defined]
for _name, _ufunc in _UNARY.items():
    setattr(SymbolOperators, f"__{_name}__", lambda a, ufunc=_ufunc: ufunc(a))
