"""Numbers: Python's own, which stay what they are in a program: 0.5 * lr is a Python float there too, and gives an array no dtype."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ko.arrays.opaque import TRACED
from tinygrad_ko.compiler.program.values import in_order
from tinygrad_ko.compiler.refusals import depends_on_data, unsupported
from tinygrad_ko.compiler.tracing.symbols import Symbol, concrete
from tinygrad_ko.runtime.callers import asked_by_user

_ASKED = {*dir(np.ndarray)} - {*dir(float)} | {"__class__"}


class Number(Symbol):
    """A Python number of the program: an argument, a learning rate, a count of steps, and what is computed from these.

    With other Python numbers it is computed by Python's operators, with arrays as they compute with a Python number. Its truth value may be
    asked: the program is then for calls in which the answer is the same.
    """

    __slots__ = ()
    __hash__, __str__, __format__ = map(depends_on_data, ("hash()", "str()", "format()"))
    __round__, __floor__, __ceil__, __trunc__ = map(depends_on_data, ("round()", "floor()", "ceil()", "trunc()"))

    def __getattribute__(self, name: str) -> Any:
        """For the user's code it has what Python's numbers have: hasattr(x, "shape") is False."""
        if name in _ASKED and asked_by_user():
            return getattr(self._numbers, name)
        return super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        if hasattr(self._numbers, name):
            raise unsupported(f"the method {name} of a number")
        raise AttributeError(f"{type(self._numbers).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __bool__(self) -> bool:
        known, answer = self.value, bool(self.array)
        if any(x.operation not in ("input", "number") for x in in_order([known])):
            depends_on_data("bool()")(self)  # it takes more than a look at the arguments
        self.program.assumed[known] = answer
        return answer


TRACED.add(Number)
for _name in ("__len__", "__iter__", "__contains__"):
    setattr(Number, _name, None)  # Python's numbers are not iterable


def _operators(name: str, sign: str, function: Callable[..., Any]) -> None:
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


def _asked(name: str, sign: str, function: Callable[..., Any]) -> None:
    """A comparison of Python numbers is True or False, and the program is for calls in which it is the same."""
    _operators(name, sign, function)
    compared = getattr(Number, f"__{name}__")

    def answered(a: Any, b: Any) -> Any:
        answer = compared(a, b)
        return bool(answer) if isinstance(answer, Number) else answer

    setattr(Number, f"__{name}__", answered)


def _unary(name: str, sign: str, function: Callable[..., Any]) -> None:
    setattr(Number, f"__{name}__", lambda a: a.program.record("number", (a,), (sign,), lambda: function(a.array)))


_SIGNS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**"}
_COMPARISONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
for _name, _sign in _SIGNS.items():
    _operators(_name, _sign, getattr(operator, _name))
for _name, _sign in _COMPARISONS.items():
    _asked(_name, _sign, getattr(operator, _name))
for _name, _sign in {"neg": "-", "pos": "+", "abs": "abs"}.items():
    _unary(_name, _sign, getattr(operator, _name))
