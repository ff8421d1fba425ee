"""The trace: the record of the operations that a function does on Symbols."""

from threading import get_ident
from typing import Any

import numpy as np
from numpy import ndarray

from tinygrad_ko.arrays.library import quick
from tinygrad_ko.compiler.program.values import Called, Slot, Value, mapped_inside, memory_order
from tinygrad_ko.compiler.refusals import failed, other_thread
from tinygrad_ko.compiler.tracing.namespace import Symbols
from tinygrad_ko.compiler.tracing.number import Number
from tinygrad_ko.compiler.tracing.origin import origin
from tinygrad_ko.compiler.tracing.symbols import Symbol, concrete


class Trace:
    """Records operations as values. Pure operations of one kind on the same values are one value: common subexpressions are merged."""

    def __init__(self) -> None:
        self.known: dict[Any, Value] = {}  # pure operations, by what tells them apart
        self.constants: dict[int, Value] = {}
        self.effects: list[Value] = []  # calls with side effects, in their order
        self.assumed: dict[Value, bool] = {}  # truth values of Python numbers: guards of the program
        self.namespace = Symbols(self)
        self.thread = get_ident()

    def constant(self, array: Any) -> Value:
        """The value of an array that is not a Symbol, as it is now: the function may write to it later."""
        known = self.constants.get(id(array))
        if known is None or known.settings[0].tobytes() != array.tobytes():
            copy = np.array(array)  # and the array itself beside it, so that its id stays its own
            known = Value("constant", (), (copy, array), copy.shape, copy.dtype, memory_order(copy))
            self.constants[id(array)] = known
        return known

    def record(
        self, operation: str, inputs: tuple[Any, ...], settings: tuple[Any, ...], array: Any, pure: bool = True
    ) -> Symbol:
        """Record an operation whose result in this call is `array`; returns a Symbol for it."""
        if get_ident() != self.thread:
            raise other_thread()
        inputs = tuple([self._input(x) for x in inputs])
        given, there = array, np.asarray(array)  # the array itself may be one of NumPy's scalars
        key = (operation, tuple(map(_same, inputs)), repr(settings), there.dtype)
        if not pure or key not in self.known:
            value = Value(
                operation,
                inputs,
                settings,
                there.shape,
                there.dtype,
                memory_order(there),
                origin(settings[0] if operation == "result" else None),
            )
            if not pure:
                value.is_effect = True
                self.effects.append(value)
                return self.symbol(value, given)
            self.known[key] = value
        return self.symbol(self.known[key], given)

    def symbol(self, value: Value, array: Any) -> Symbol:
        """A Symbol for a value that is `array` in this call: a Number if that is a Python number."""
        value.is_number = type(array) in (int, float, bool)
        return (Number if value.is_number else Symbol)(value, array, self)

    def _input(self, x: Any) -> Any:
        if isinstance(x, Symbol):
            return x.value
        return self.constant(x) if isinstance(x, ndarray) else x

    def call(
        self, name: str, function: Any, arguments: Any, options: Any, pure: bool = True, may_alias: bool = False
    ) -> Any:
        """Record one call of any function of arrays, or of lists and dicts of them. One that returns None is a check: an effect."""
        arrays: list[Any] = []
        call = Called(name, function, _placed(tuple(arguments), arrays), _placed(dict(options), arrays))
        inputs = [concrete(x) for x in arrays]
        try:
            out = call(inputs)
        except Exception as error:  # such as of a matrix that has no inverse
            raise failed(error) from None
        call.may_alias = may_alias or _shares(out, inputs)
        if out is None:
            self.record("call", tuple(arrays), (call,), out, pure=False)
            return None
        if not isinstance(out, tuple | list):
            return _as_view(self.record("call", tuple(arrays), (call,), out, pure), arrays)
        call.results = len(out)
        several = self.record("call", tuple(arrays), (call,), np.empty(0), pure)
        results = [_as_view(self.record("result", (several,), (i,), x), arrays) for i, x in enumerate(out)]
        return type(out)(*results) if hasattr(out, "_fields") else type(out)(results)


def _placed(part: Any, arrays: list[Any]) -> Any:
    """A template of arguments, with Slots in place of the arrays, which are appended to the list."""
    if isinstance(part, Symbol | ndarray):
        arrays.append(part)
        return Slot(len(arrays) - 1)
    return np if part is quick or isinstance(part, Symbols) else mapped_inside(lambda x: _placed(x, arrays), part)


def _as_view(made: Symbol, arrays: list[Any]) -> Symbol:
    """A result of a call: marked as a view of the Symbol with which it shares memory, if it does."""
    for x in arrays:
        if isinstance(x, Symbol) and isinstance(made.array, ndarray) and np.may_share_memory(made.array, x.array):
            made.view_of(x, None)
    return made


def _shares(out: Any, inputs: list[Any]) -> bool:
    """Whether a result shares memory with an input."""
    results = out if isinstance(out, tuple | list) else [out]
    return any(np.may_share_memory(a, b) for a in results for b in inputs if isinstance(a, ndarray))


def _same(x: Any) -> Any:
    """A hashable key of an input of an operation: values by identity, numbers by type and text (0.0 is not -0.0, 1 is not 1.0)."""
    return ("value", id(x)) if isinstance(x, Value) else (type(x), repr(x))
