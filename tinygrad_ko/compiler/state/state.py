"""Tracing with state: symbolic arrays stand in the places of arrays and numbers while the function runs. What is in the places at its end,
and is not what was put there, is a change, which every call of the program repeats.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from operator import call, setitem
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from tinygrad_ko.arrays.memory import whole, writable
from tinygrad_ko.compiler.program.values import Value
from tinygrad_ko.compiler.refusals import left_behind, read_only, shares
from tinygrad_ko.compiler.state.held import PLAIN, Held, Holding, Location, is_same
from tinygrad_ko.compiler.state.unfollowed import Unfollowed
from tinygrad_ko.compiler.tracing.symbols import Symbol
from tinygrad_ko.compiler.tracing.trace import Trace
from tinygrad_ko.engine.graph import Handle, Leaf
from tinygrad_ko.runtime.atomic import at_once

_CHANGEABLE = (dict, list, deque)


@dataclass(frozen=True, slots=True)
class Result:
    """The position of a value among the results of the program."""

    number: int


class State:
    """The state of a function in one trace: its inputs by the expressions that read them and, afterwards, its changes as expressions."""

    def __init__(self, held: Held, lifted: set[str], trace: Trace, keep: Callable[[Symbol], Result]) -> None:
        self.held, self.trace, self.keep = held, trace, keep
        self.inputs: dict[str, Value] = {}
        self.equal_numbers: list[str] = []  # guards: all numbers of a list are equal, and so one input
        self.changes: list[
            str
        ] = []  # calls that store something in a place, as tuples; r are the results of the program
        self.written: list[str] = []  # expressions for the arrays that are written to in place
        self.exposed = [_exposed_array(held.reference(at)) for at in held.tensors.values()]
        self.changed_numbers: set[str] = set()  # places of numbers that have changed and are not inputs yet
        self._stand_ins: dict[int, Any] = {}  # the stand-in for each object, by its id
        self._numbers_at: dict[str, Any] = {}  # the stand-in for each number that is an input, by its place
        for part in held.parts.values():
            if isinstance(part.value, np.ndarray):
                self._stand_ins[id(part.value)] = Unfollowed(part.value)
        self.originals: dict[int, Any] = {}  # the object that each stand-in stands for, by the id of the stand-in
        self._references: dict[int, str] = {}  # the expression for each stand-in or new object, by its id
        self._made: dict[int, Any] = {}  # new objects in the places, kept alive so that their ids stay their own
        self._items = {item.text: item for part in held.parts.values() for item in part.items}
        self._arrays: dict[int, Symbol] = {}  # the symbolic arrays and gradients of the Tensors
        self._grads: dict[int, Symbol | None] = {}
        for key, at in held.tensors.items():
            name, grad = held.reference(at), _grad(at.value)
            self._arrays[key] = self._enter(_array_of(name), at.value.stable_array(), at.name)
            self._grads[key] = None if grad is None else self._enter(f"{name}._node.grad", grad, f"d{at.name}")
        for key, at in held.arrays.items():
            self._stand_ins[key] = self._enter(at.text, at.value, at.name)
        for part in held.parts.values():
            numbers = [item for item in part.items if item.text in lifted]
            if isinstance(part.value, list) and len(numbers) == len(part.items) > 1:
                first = numbers[0]
                if all(is_same(item.value, first.value) for item in numbers):
                    self.equal_numbers.append(f"{part.place.text}.count({first.text}) == {len(numbers)}")
                    one = self._enter(first.text, first.value, first.name)
                    self._numbers_at |= {item.text: one for item in numbers}
                    continue
            self._numbers_at |= {item.text: self._enter(item.text, item.value, item.name) for item in numbers}
        # Inputs whose type and shape are not fixed by a guard on the identity of a Tensor.
        tensors = [_array_of(held.reference(at)) for at in held.tensors.values() if at.value._node is None]
        self.loose = {*tensors, *[at.text for at in held.arrays.values()], *self._numbers_at} & self.inputs.keys()

    def _enter(self, text: str, array: Any, name: str) -> Symbol:
        """A Symbol for an input of the program that an expression reads."""
        symbol = self.trace.input(name, array)
        self.inputs[text] = symbol.value
        return symbol

    def stand_in(self, value: Any) -> Any:
        """The stand-in for an object. Tuples, partials and methods cannot be changed in place, so they are rebuilt of stand-ins."""
        key, part = id(value), self.held.parts.get(id(value))
        if key not in self._stand_ins:
            self._stand_ins[key] = value
            if part is not None and isinstance(value, tuple | partial | MethodType):
                items = [*(part.entries if isinstance(value, tuple) else part.items)]
                if isinstance(value, partial):
                    items[2:] = self.held.parts[id(value.keywords)].entries
                new = [self._in_place_of(item) for item in items]
                if any(x is not item.value for x, item in zip(new, items, strict=True)):
                    self._stand_ins[key] = _rebuilt(value, new)
        return self._stand_ins[key]

    def _in_place_of(self, item: Location) -> Any:
        return self._numbers_at[item.text] if item.text in self._numbers_at else self.stand_in(item.value)

    @contextmanager
    def standing_in(self, generators: dict[int, Any]) -> Iterator[None]:
        """Inside the block the stand-ins are in their places. At its end changes are found, and everything is restored."""
        self._stand_ins |= generators
        begin, end = list[tuple[Any, ...]](), list[tuple[Any, ...]]()
        for part in self.held.parts.values():
            for item in part.items:
                if item.put is not None:
                    put, new = self.held.read(f"({item.put})"), self._in_place_of(item)
                    begin += [(*put, new)] if new is not item.value else []
                    end += [] if isinstance(part.value, _CHANGEABLE) else [(*put, item.value)]
            if isinstance(part.value, _CHANGEABLE):
                end += _refilling(part.value)
        self.originals = {id(self.stand_in(x)): x for x in self.held.objects()}
        self._references = {id(self.stand_in(x)): text for text, x in self.held.references()}
        for key, at in self.held.tensors.items():
            t = at.value
            # Marked as exposed, so that in-place operations write to this Symbol, and a new Symbol in its place is a replacement.
            begin += [(setattr, *change) for change in t.replacing(self._arrays[key], exposed=True)]
            end += [(setattr, *change) for change in [*t.replacing(t._array, t._exposed), (t, "_node", t._node)]]
            if isinstance(t._node, Leaf):
                begin.append((setattr, t._node, "grad", self._grads[key]))
                end.append((setattr, t._node, "grad", t._node.grad))
        nodes = [at.value._node for at in self.held.tensors.values()]
        start, restore = at_once(call, begin), at_once(call, end)
        try:
            start()
            yield
            self._find_changes(nodes)
        finally:
            restore()
            for variable in [*self.held.new_variables()]:
                variable.take_away()
            stand_ins = (self._stand_ins, self._numbers_at, self._arrays, self._grads)
            for symbols in (*stand_ins, self.originals, self._references, self._made):
                symbols.clear()

    # ------------------------------------------------------------------ changes

    def _find_changes(self, nodes: list[Any]) -> None:
        """Compare all places with what was put there, and note the changes."""
        for variable in self.held.new_variables():
            raise left_behind(variable.name)
        for part in self.held.parts.values():
            if isinstance(part.value, _CHANGEABLE):
                self._compare_items(part)
            else:
                for item in part.items:
                    if item.put is not None:
                        self._compare(item, self.held.read(item.text))
        for at in self.held.arrays.values():
            if (symbol := self._stand_ins[id(at.value)]).value is not self.inputs[at.text]:
                self.changes.append(f"*in_array({at.text}, {self._numbers(symbol, at.name)})")
                self.written.append(at.text)
        for (key, at), node in zip(self.held.tensors.items(), nodes, strict=True):
            t, name = at.value, self.held.reference(at)
            if t._node is not node:
                raise left_behind(f"{at.shown}.requires_grad")
            if t._array is not self._arrays[key]:
                new = self._numbers(t._array, at.name)
                self.changes += [f"(setattr, {name}, '_array', {new})", f"(setattr, {name}, '_exposed', False)"]
            elif t._array.value is not self.inputs[_array_of(name)]:
                self.changes.append(f"*in_tensor({name}, {self._numbers(t._array, at.name)})")
                self.written.append(_exposed_array(name))
            now = _grad(t)
            if now is not self._grads[key] or (now is not None and now.value is not self.inputs[f"{name}._node.grad"]):
                new = "None" if now is None else self._numbers(now, f"d{at.name}")
                self.changes.append(f"(setattr, {name}._node, 'grad', {new})")

    def _compare_items(self, part: Holding) -> None:
        """Note what has changed in a list or a dict."""
        keys, now = {item.key: item for item in part.entries}, part.value
        if not isinstance(now, dict):
            if len(now) != len(keys):
                raise left_behind(f"len({part.place.shown})")
            pairs: Any = enumerate(now)
        else:
            pairs = now.items()
            self.changes += [
                f"({item.put})".replace("setitem", "delitem", 1) for k, item in keys.items() if k not in now
            ]
        for key, x in list(pairs):
            if key in keys:
                self._compare(keys[key], x)
            else:
                new = self.held.entry(part.place, key, x)
                self._change(f"({new.put}, ", x, new)

    def _compare(self, item: Location, now: Any) -> None:
        was = self._in_place_of(item)
        if now is was or is_same(now, was):
            return
        if type(was) in (int, float) or isinstance(was, np.number):
            self.changed_numbers.add(item.text)
        if item.put is None:
            raise left_behind(item.shown)
        self._change(f"({item.put}, ", now, item)

    def _change(self, text: str, now: Any, at: Location) -> None:
        self.changes.append(f"{text}{self._expression(now, at)})")

    def _expression(self, now: Any, at: Location) -> str:
        """The expression that makes the new contents of a place from the results r and the state."""
        if id(now) not in self._references:
            new = self._new(now, at)
            if isinstance(now, PLAIN):
                return new
            # An object that is in several places is made once.
            self._references[id(now)], self._made[id(now)] = f"new{len(self._made)}", now
            return f"({self._references[id(now)]} := {new})"
        return self._references[id(now)]

    def _new(self, now: Any, at: Location) -> str:
        if isinstance(now, Symbol | np.ndarray):
            return self._numbers(now, at.name)
        if isinstance(now, Handle) and now._node is None:
            return f"tensor({self._numbers(now.stable_array(), at.name)})"
        if type(now) in (list, tuple) or hasattr(now, "_fields"):
            inside = "".join(f"{self._inside(at, i, x)}, " for i, x in enumerate(now))
            if hasattr(now, "_fields"):
                return f"{self.held.name_of(type(now))}({inside})"
            return f"[{inside}]" if type(now) is list else f"({inside})"
        if type(now) is dict:
            return f"{{{', '.join(f'{self.held.name_of(key)}: {self._inside(at, key, x)}' for key, x in now.items())}}}"
        if not isinstance(now, (*PLAIN, type, FunctionType)):
            raise left_behind(at.shown)
        return self.held.name_of(now)

    def _inside(self, at: Location, key: Any, x: Any) -> str:
        place = self.held.entry(at, key, x)
        return self._expression(x, self._items.get(place.text, place))

    def _numbers(self, now: Any, name: str) -> str:
        """The expression for a result of the program that is stored."""
        symbol = now if isinstance(now, Symbol) else self.trace.symbol(self.trace.constant(now), now)
        if symbol.value.operation not in ("input", "constant"):
            symbol.value.name = symbol.value.name or name
        scalar = "[()]" if isinstance(symbol.array, np.generic) else ""  # one of NumPy's numbers stays one
        return f"r[{self.keep(symbol).number}]{scalar}"


def _array_of(tensor: str) -> str:
    """The expression for the array of a Tensor, as ops read it (a copy if it is exposed, unless nobody can write to it)."""
    return f"({tensor}.stable_array() if {tensor}._exposed else {tensor}._array)"


def _exposed_array(tensor: str) -> str:
    """The expression for the array of a Tensor if it is exposed: somebody else has it, so an in-place change is visible."""
    return f"*(({tensor}._array,) if {tensor}._exposed else ())"


def _grad(t: Handle) -> Any:
    return t._node.grad if isinstance(t._node, Leaf) else None


def _rebuilt(value: Any, items: list[Any]) -> Any:
    """A tuple, partial or method of other parts."""
    if isinstance(value, MethodType):
        return MethodType(items[1], items[0])
    if isinstance(value, partial):
        return partial(items[0], *items[1], **dict(zip(value.keywords, items[2:], strict=True)))
    return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)


def _refilling(container: Any) -> list[tuple[Any, ...]]:
    """The calls that restore the contents that a list or dict has now."""
    put = container.update if isinstance(container, dict) else container.extend
    return [(container.clear,), (put, container.copy())]


# ---------------------------------------------------------------------- functions that the expressions of changes call


def in_tensor(t: Any, new: Any) -> list[tuple[Any, ...]]:
    """The calls that give a Tensor new numbers: in place if its array is exposed, otherwise as a new array."""
    if not t._exposed:
        return [(setattr, t, "_array", new)]
    if not t.watched_by_others():
        return [(setattr, *change) for change in t.replacing(new)]
    return in_array(t._array, new)


def in_array(array: Any, new: Any) -> list[tuple[Any, ...]]:
    """The call that writes new numbers to an array. Raises ValueError if it is read-only."""
    if not writable(array):
        raise read_only(array)
    return [(setitem, array, ..., new)]


def require_apart(written: list[Any], leaves: list[Any], held: list[Any]) -> None:
    """Raise ValueError if an array that is written to shares memory with another input: the function itself would see the writes through
    that input, the program reads all inputs before it writes.
    """
    apart = [*{id(x): x for x in (*written, *held)}.values(), *leaves]
    owners = [id(_owner(x)) for x in apart if type(x) is np.ndarray]
    if len(set(owners)) < len(owners):
        for array in written:
            for x in (*leaves, *[x for x in held if x is not array]):
                if type(x) is np.ndarray and np.may_share_memory(x, array):
                    raise shares(array)


def _owner(array: Any) -> Any:
    """The object that owns the memory of an array."""
    array = whole(array)
    return array if array.base is None else array.base
