"""A compilation: a function is called once with Symbols, and what they recorded is simplified, written as text and executed."""

import linecache
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ko.compiler.blocks import in_blocks
from tinygrad_ko.compiler.program import Value
from tinygrad_ko.compiler.simplification import simplified
from tinygrad_ko.compiler.state import Slot, slots_of, symbols_in
from tinygrad_ko.compiler.symbols import Symbol
from tinygrad_ko.compiler.trace import Trace
from tinygrad_ko.compiler.writing import Writer
from tinygrad_ko.engine.graph import Handle, Switch
from tinygrad_ko.func.trees import mapped
from tinygrad_ko.runtime.atomic import at_once
from tinygrad_ko.runtime.signatures import signature
from tinygrad_ko.tensor.tensor import Tensor


class Result:
    """Stands for a result in the structure that a function returns."""

    def __init__(self, number: int, is_tensor: bool) -> None:
        self.number, self.is_tensor = number, is_tensor


class Program:
    """What one compilation made: the text, the function, and how its results are put together."""

    def __init__(self, f: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        trace, self.inputs = Trace(), list[Value]()
        names = _parameter_names(f, len(arguments))

        def entered(leaf: Any, place: str) -> Any:
            if not _is_array(leaf):
                return leaf
            array = (
                leaf.stable_array()
                if isinstance(leaf, Handle)
                else leaf
                if isinstance(leaf, float)
                else np.asarray(leaf)
            )
            name = _name_of(place)
            settings = ("number",) if isinstance(leaf, float) else ()
            value = Value("input", (), settings, np.shape(array), np.asarray(array).dtype, name=name)
            self.inputs.append(value)
            symbol = Symbol(value, array, trace)
            return Tensor(symbol) if isinstance(leaf, Handle) else symbol

        given = [mapped(entered, x, name) for x, name in zip(arguments, names, strict=True)]
        named = {key: mapped(entered, x, key) for key, x in options.items()}
        self.slots = slots_of(f)
        symbols = [self._held(slot, trace) for slot in self.slots]
        with symbols_in(f, self.slots, symbols) as changed, Switch(watch=True):
            answer = f(*given, **named)
        results = list[Value]()
        self.traced = list[Any]()

        def left(leaf: Any, place: str) -> Any:
            array = leaf.stable_array() if isinstance(leaf, Handle) else leaf
            if not isinstance(array, Symbol):
                return leaf
            results.append(array.value)
            self.traced.append(array.array)
            return Result(len(results) - 1, isinstance(leaf, Handle))

        self.structure = mapped(left, answer, "")
        self.changed = [*changed]
        for slot, array in changed.items():
            if array is not None:
                array.value.name = array.value.name or f"new_{slot.name}"
            left(array, "")
        values, kept = simplified(results, trace.effects)
        values, kept = in_blocks(kept, [v for v in values if v in set(trace.effects)])
        writer = Writer(_function_name(f), self.inputs, values, kept)
        self.source = writer.text()
        filename = f"<compiled {writer.name} {id(self):x}>"
        linecache.cache[filename] = len(self.source), None, self.source.splitlines(keepends=True), filename
        exec(compile(self.source, filename, "exec"), writer.room)
        self.run = writer.room[writer.name]

    def _held(self, slot: Slot, trace: Trace) -> Symbol:
        array = slot.read()
        value = Value("input", (), (), array.shape, array.dtype, name=slot.name)
        self.inputs.append(value)
        return Symbol(value, array, trace)

    def __call__(self, leaves: list[Any]) -> Any:
        results = self.run(*leaves, *[slot.read() for slot in self.slots])
        results = results if isinstance(results, tuple) else (results,)
        if self.changed:
            new = results[len(results) - len(self.changed) :]
            at_once(
                setattr,
                [change for slot, array in zip(self.changed, new, strict=True) for change in slot.changes(array)],
            )()
        return _put_together(self.structure, results)


def _put_together(structure: Any, results: tuple[Any, ...]) -> Any:
    def leaf(part: Any, place: str) -> Any:
        if not isinstance(part, Result):
            return part
        return Tensor(results[part.number], copy=False) if part.is_tensor else results[part.number]

    return mapped(leaf, structure, "")


def _parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    names = [p.name for p in signature(f).parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [*names, *(f"x{i}" for i in range(len(names), count))][:count]


def _function_name(f: Any) -> str:
    """A name for the compiled function: what a transform is of, if f is one."""
    name = getattr(f, "__name__", type(f).__name__).rpartition("(")[2].rstrip(")")
    return name if name.isidentifier() else "f"


def _name_of(place: str) -> str:
    """A name for a leaf: the last key, or the argument and the number in it."""
    head, *keys = place.replace("]", "").split("[")
    name = keys[-1].strip("'\"") if keys else head
    return name if name.isidentifier() else f"{head}_{name}" if f"{head}_{name}".isidentifier() else head


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, Handle | np.ndarray | np.generic | float)
