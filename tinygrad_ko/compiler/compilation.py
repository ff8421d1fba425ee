"""A compilation: a function is called once with Symbols, and what they recorded is simplified, written as text and executed."""

import linecache
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from tinygrad_ko.compiler.arguments import Entered, checked, parameter_names
from tinygrad_ko.compiler.blocks import in_blocks
from tinygrad_ko.compiler.gradients import Call, op_named
from tinygrad_ko.compiler.program import Value
from tinygrad_ko.compiler.results import Results
from tinygrad_ko.compiler.simplification import simplified
from tinygrad_ko.compiler.state import Slot, slots_of, symbols_in
from tinygrad_ko.compiler.symbols import Symbol
from tinygrad_ko.compiler.trace import Trace
from tinygrad_ko.compiler.writing import Writer
from tinygrad_ko.engine.graph import Switch
from tinygrad_ko.runtime.atomic import at_once

tracing: ContextVar[bool] = ContextVar("tracing", default=False)  # whether Symbols are about, in this thread or task

# While a function is traced NumPy does not warn; the program does, each time. What is ignored on purpose can still be told from the rest.
_QUIETLY: Any = {"divide": "call", "over": "call", "invalid": "call", "under": "ignore", "call": lambda kind, flag: None}


class Program:
    """What one compilation made: the text, the function, and how its results are put together."""

    def __init__(self, f: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        trace = Trace()
        places = parameter_names(f, len(arguments))
        trees = dict(zip([*places, *options], [*arguments, *options.values()], strict=True))
        self.things = [f, *(part for place, tree in trees.items() for part in checked(tree, place))]  # what holds state
        entered = Entered(trees, trace)
        self.inputs, self.swapped, self.slots = entered.inputs, entered.swapped, slots_of(self.things)
        self.op = op_named(_function_name(f))
        symbols = [self._held(slot, trace) for slot in self.slots]
        self.tensors = [*{id(s.tensor): s.tensor for s in self.slots if s.tensor._node is not None}.values()]
        before = tracing.set(True)
        try:
            with symbols_in(self.things, self.slots, symbols) as changed, Switch(watch=True), np.errstate(**_QUIETLY):
                answer = f(*[entered.trees[place] for place in places], **{key: entered.trees[key] for key in options})
                entered.require_unchanged()
                kept = {id(part): part for part in [*self.things, *(slot.tensor for slot in self.slots)]}
                self.results = Results(answer, entered.given, kept, [*entered.nodes, *(t._node for t in self.tensors)])
        finally:
            tracing.reset(before)
        results, self.traced = self.results.values, self.results.traced
        self.changed = [*changed]
        for slot, array in changed.items():
            if array is not None:
                array.value.name = array.value.name or f"new_{slot.name}"
                results.append(array.value)
        values, kept_values = simplified(results, trace.effects)
        values, kept_values = in_blocks(kept_values, [v for v in values if v in set(trace.effects)])
        writer = Writer(_function_name(f), self.inputs, values, kept_values)
        self.source = writer.text()
        filename = f"<compiled {writer.name} {id(self):x}>"
        linecache.cache[filename] = len(self.source), None, self.source.splitlines(keepends=True), filename
        exec(compile(self.source, filename, "exec"), writer.room)
        self.compute = writer.room[writer.name]

    def _held(self, slot: Slot, trace: Trace) -> Symbol:
        array = slot.read()
        value = Value("input", (), (), array.shape, array.dtype, name=slot.name)
        self.inputs.append(value)
        return Symbol(value, array, trace)

    def read(self, then: Call | None = None) -> list[Any]:
        """The arrays that the function holds now; or that it held at another call."""
        if not self.slots:
            return []
        before = dict(zip(then.program.slots, then.held, strict=True)) if then else {}
        return [before[slot] if slot in before else slot.read() for slot in self.slots]

    def run(self, leaves: list[Any], held: list[Any]) -> tuple[Any, ...]:
        """The results for these arrays."""
        leaves = [*leaves] if self.swapped else leaves
        for i in self.swapped:
            leaves[i] = leaves[i].astype(self.inputs[i].dtype)
        results = self.compute(*leaves, *held)
        return results if isinstance(results, tuple) else (results,)

    def write(self, results: tuple[Any, ...]) -> None:
        """Put what the function has changed in the places of what it was, all at once."""
        new = results[len(results) - len(self.changed) :]
        changes = [change for slot, array in zip(self.changed, new, strict=True) for change in slot.changes(array)]
        at_once(setattr, changes)()

def _function_name(f: Any) -> str:
    """A name for the compiled function: what a transform is of, if f is one."""
    name = getattr(f, "__name__", type(f).__name__).rpartition("(")[2].rstrip(")")
    return name if name.isidentifier() else "f"
