"""The trace: the record of the operations that a function does on Symbols."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import get_ident
from typing import Any

import numpy as np
from numpy import ndarray

from tinygrad_ko.arrays.library import quick
from tinygrad_ko.compiler.program.values import Called, Slot, Value, mapped_inside, memory_order
from tinygrad_ko.compiler.refusals import other_thread
from tinygrad_ko.compiler.tracing.namespace import Symbols
from tinygrad_ko.compiler.tracing.number import Number
from tinygrad_ko.compiler.tracing.origin import origin
from tinygrad_ko.compiler.tracing.symbols import Symbol, concrete
from tinygrad_ko.compiler.tracing.unreadable import failed

_KEPT = 2**28  # bytes of the arrays that a trace keeps for the second one


@dataclass(frozen=True, slots=True)
class _Step:
    """One recorded operation: the key that tells it from others, its value, and its result in this call (None if it is not kept)."""

    key: Any
    value: Value
    given: Any


class Trace:
    """Records operations as values. Pure operations of one kind on the same values are one value: common subexpressions are merged.

    A second trace of a function, which is compared with the first, takes its values and arrays from that as long as both do the same step
    by step: nothing is computed twice.
    """

    def __init__(self, before: list[_Step]) -> None:
        self.steps, self._before = list[_Step](), before
        self._kept = 0  # bytes of the arrays in the steps
        self.known: dict[Any, Value] = {}  # pure operations, by what tells them apart
        self.constants: dict[int, tuple[Value, Any]] = {}
        self.effects: list[Value] = []  # calls with side effects, in their order
        self.assumed: dict[Value, bool] = {}  # truth values of Python numbers: guards of the program
        self.namespace = Symbols(self)
        self.thread = get_ident()

    def _step_before(self, key: Any) -> _Step | None:
        """The step of the first trace at this position, if it is the same operation."""
        at = len(self.steps)
        return self._before[at] if at < len(self._before) and self._before[at].key == key else None

    def _done(self, key: Any, value: Value, given: Any = None) -> Value:
        """Note a step, and return its value."""
        if value.operation not in ("view", "result"):  # their memory is that of an array that counts already
            self._kept += sum(getattr(x, "nbytes", 0) for x in (given if isinstance(given, tuple | list) else [given]))
        self.steps.append(_Step(key, value, given if self._kept < _KEPT else None))
        return value

    def input(self, name: str, array: Any) -> Symbol:
        """A Symbol for an input of the program."""
        a = np.asarray(array)
        key = ("input", name, a.shape, a.dtype, a.strides)
        if (step := self._step_before(key)) is not None:
            return self.symbol(self._done(key, step.value), array)
        value = Value("input", (), (), a.shape, a.dtype, memory_order(a), name=name)
        return self.symbol(self._done(key, value), array)

    def full(self, number: Any, array: Any) -> Value:
        """A value for an array that is filled with one number."""
        key = ("full", repr(number), array.shape, array.dtype, array.strides)
        if (step := self._step_before(key)) is not None:
            return self._done(key, step.value)
        value = Value("full", (), (number,), array.shape, array.dtype, memory_order(array), origin())
        return self._done(key, value)

    def constant(self, array: Any) -> Value:
        """The value of an array that is not a Symbol, as it is now: the function may write to it later."""
        known, _ = self.constants.get(id(array), (None, None))
        if known is None or known.settings[0].tobytes() != array.tobytes():
            key = ("constant", array.shape, array.dtype, array.strides)
            if (step := self._step_before(key)) is not None and _is_again(array, step.value):
                known = step.value
            else:
                copy = _copy_in_place(array)
                known = Value("constant", (), (copy, array), copy.shape, copy.dtype, memory_order(copy))
            self.constants[id(array)] = known, array  # the array itself too, so that its id stays its own
            self._done(key, known)
        return known

    def record(
        self,
        operation: str,
        inputs: tuple[Any, ...],
        settings: tuple[Any, ...],
        compute: Callable[[], Any],
        pure: bool = True,
        form: Any = None,
    ) -> Symbol:
        """Record an operation, whose result in this call `compute` gives; returns a Symbol. `form` is what its settings do not say."""
        if get_ident() != self.thread:
            raise other_thread()
        inputs = tuple([self._input(x) for x in inputs])
        key = (operation, tuple(map(_same, inputs)), repr(settings), form)
        step = self._step_before(key)
        given = compute() if step is None or step.given is None else step.given
        pure = pure and given is not None  # what gives nothing is a check
        value = step.value if step is not None else self.known.get(key) if pure else None
        if value is None:
            there = np.empty(0) if isinstance(given, tuple | list) else np.asarray(given)
            came = origin(settings[0] if operation == "result" else None)
            value = Value(operation, inputs, settings, there.shape, there.dtype, memory_order(there), came)
        if pure:
            self.known[key] = value
        else:
            value.is_effect = True
            self.effects.append(value)
        return self.symbol(self._done(key, value, given if pure else None), given)

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

        def compute() -> Any:
            inputs = [concrete(x) for x in arrays]
            try:
                out = call(inputs)
            except Exception as error:  # such as of a matrix that has no inverse
                raise failed(error) from None
            call.may_alias = may_alias or _shares(out, inputs)
            call.results = len(out) if isinstance(out, tuple | list) else 0
            return out

        made = self.record("call", tuple(arrays), (call,), compute, pure)
        if (out := made.array) is None:
            return None
        if not isinstance(out, tuple | list):
            return _as_view(made, arrays)
        results = [
            _as_view(self.record("result", (made,), (i,), lambda x=x: x), arrays)  # type: ignore[misc]
            for i, x in enumerate(out)
        ]
        return type(out)(*results) if hasattr(out, "_fields") else type(out)(results)


def _is_again(array: Any, constant: Value) -> bool:
    """Whether an array has the numbers of a constant and is another one than that was, or none that could be changed."""
    copy, was = constant.settings
    return (array is not was or not array.flags.writeable) and bool(array.tobytes() == copy.tobytes())


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


def _copy_in_place(array: Any) -> Any:
    """A copy that lies in memory as the array does, gaps and all: products of matrices may add up in another order where it does not."""
    if array.flags.forc or not array.size or 0 in array.strides:
        return np.array(array)
    low, high = np.lib.array_utils.byte_bounds(array)
    memory = np.empty(high - low, np.uint8)
    copy: Any = np.ndarray(array.shape, array.dtype, memory, array.ctypes.data - low, array.strides)
    copy[...] = array
    return copy
