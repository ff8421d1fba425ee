"""Symbolic Python numbers. They stay Python numbers in the program: `0.5 * lr` is a float there too, and weak in NumPy's type promotion."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ko.arrays.opaque import TRACED
from tinygrad_ko.compiler.program.values import in_order
from tinygrad_ko.compiler.tracing.symbols import Symbol, concrete
from tinygrad_ko.compiler.tracing.unreadable import depends_on_data, unsupported
from tinygrad_ko.runtime.callers import asked_by_user

_ASKED = {*dir(np.ndarray)} - {*dir(float)} | {"__class__"}


class Number(Symbol):
    """A symbolic Python number: an argument, a learning rate, a count of steps, or computed from such numbers.

    Operators between Python numbers are Python's; with arrays they are ufuncs. Unlike an array it may be compared and branched on: the
    answer becomes a guard, and a call for which it is another one is compiled anew.
    """

    __slots__ = ()
    __hash__, __str__, __format__ = map(depends_on_data, ("hash()", "str()", "format()"))
    __round__, __floor__, __ceil__, __trunc__ = map(depends_on_data, ("round()", "floor()", "ceil()", "trunc()"))

    def __getattribute__(self, name: str) -> Any:
        """For the user's code it has what Python's numbers have: hasattr(x, "shape") is False."""
        if name in _ASKED and asked_by_user():
            return getattr(self._array, name)
        return super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        if hasattr(self._array, name):
            raise unsupported(f"the method {name} of a number")
        raise AttributeError(f"{type(self._array).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __bool__(self) -> bool:
        known, answer = self.value, bool(self.array)
        if any(x.operation not in ("input", "number") for x in in_order([known])):
            depends_on_data("bool()")(self)  # guards are evaluated before the program runs, so from its inputs alone
        self.program.assumed[known] = answer
        return answer


TRACED.add(Number)
for _name in ("__len__", "__iter__", "__contains__"):
    setattr(Number, _name, None)  # Python's numbers are not iterable


def _define_operator(name: str, sign: str, function: Callable[..., Any]) -> None:
    """Define an operator that records a `number` if both sides are Python numbers, and is that of Symbols otherwise."""
    of_arrays = getattr(Symbol, f"__{name}__")

    def computed(a: Any, b: Any) -> Any:
        if not all(isinstance(x, (int, float, Number)) for x in (a, b)):
            return of_arrays(a, b) if isinstance(a, Symbol) else getattr(Symbol, f"__r{name}__")(b, a)
        trace = (a if isinstance(a, Number) else b).program
        return trace.record("number", (a, b), (sign,), lambda: function(concrete(a), concrete(b)))

    setattr(Number, f"__{name}__", computed)
    if hasattr(Symbol, f"__r{name}__"):
        setattr(Number, f"__r{name}__", lambda a, b: computed(b, a))
        setattr(Number, f"__i{name}__", computed)  # a number is not changed in place


def _define_comparison(name: str, sign: str, function: Callable[..., Any]) -> None:
    """Define a comparison, which between Python numbers is True or False and a guard."""
    _define_operator(name, sign, function)
    compared = getattr(Number, f"__{name}__")

    def answered(a: Any, b: Any) -> Any:
        answer = compared(a, b)
        return bool(answer) if isinstance(answer, Number) else answer

    setattr(Number, f"__{name}__", answered)


def _define_unary(name: str, sign: str, function: Callable[..., Any]) -> None:
    setattr(Number, f"__{name}__", lambda a: a.program.record("number", (a,), (sign,), lambda: function(a.array)))


_SIGNS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**"}
_COMPARISONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
for _name, _sign in _SIGNS.items():
    _define_operator(_name, _sign, getattr(operator, _name))
for _name, _sign in _COMPARISONS.items():
    _define_comparison(_name, _sign, getattr(operator, _name))
for _name, _sign in {"neg": "-", "pos": "+", "abs": "abs"}.items():
    _define_unary(_name, _sign, getattr(operator, _name))
