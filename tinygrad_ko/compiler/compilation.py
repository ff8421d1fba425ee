"""A compilation: a function is called with Symbols, and what they recorded is simplified, written as text and executed."""

import linecache
from collections.abc import Callable
from functools import partial
from operator import attrgetter, call, is_
from typing import Any

import numpy as np

from tinygrad_ko.compiler.agreement import require_same
from tinygrad_ko.compiler.arguments import checked, parameter_names
from tinygrad_ko.compiler.page.writing import Writer
from tinygrad_ko.compiler.program.blocks import with_loops
from tinygrad_ko.compiler.program.simplification import simplified
from tinygrad_ko.compiler.program.values import Value, in_order
from tinygrad_ko.compiler.pulls import Pull, op_named
from tinygrad_ko.compiler.recording import Recording
from tinygrad_ko.compiler.results import Graph
from tinygrad_ko.compiler.state.held import Held, is_same
from tinygrad_ko.compiler.state.leaks import require_none
from tinygrad_ko.compiler.state.state import in_array, in_tensor, require_apart
from tinygrad_ko.engine.graph import wrap
from tinygrad_ko.runtime.atomic import at_once
from tinygrad_ko.state.preserve import preserving
from tinygrad_ko.tensor.tensor import Tensor

_layout = attrgetter("shape", "dtype", "strides")
_NO_PLACE = (KeyError, IndexError, AttributeError, TypeError, ValueError)


class Compilation:
    """What one compilation made: the text, the function, what it is for, and what is done with its results."""

    def __init__(
        self,
        f: Callable[..., Any],
        arguments: tuple[Any, ...],
        options: dict[str, Any],
        derived: Callable[[Any], Any] = lambda f: f,
    ) -> None:
        self.f, self.derived, self.pulls = f, derived, dict[Any, Compilation]()
        trees = zip(
            [*parameter_names(derived(f), len(arguments)), *options], [*arguments, *options.values()], strict=True
        )
        self.things = (f, *(part for place, tree in trees for part in checked(tree, place)))  # what holds state
        with preserving:
            recording, self.before, guards = recorded(self.things, derived, arguments, options)
        state, trace = recording.state, recording.trace
        values, kept = with_loops(*simplified(recording.results, trace.effects))
        needed = {*values, *kept}
        read = {text: value for text, value in state.inputs.items() if value in needed or value in _asked(trace)}
        self.inputs = [*recording.inputs, *read.values()]
        writer = self.writer = Writer(_function_name(f), self.inputs, values, kept)
        self.compute = _executed(writer)
        self.returned, self.tensors, self.swapped = recording.returned, recording.tensors, recording.swapped
        self.streams = recording.streams_of(trace.effects)
        self.op = op_named(_function_name(f))
        # Where one array would be two results, the later ones are copies: each belongs to whoever has it.
        self._again = [i for i, value in enumerate(kept) if value in kept[:i] and not value.is_number]
        self._assumed = [*trace.assumed.values()]
        asked = Writer("assumed", self.inputs, _asked(trace), [*trace.assumed])
        self._answers = _executed(asked) if self._assumed else None

        room = {
            **state.held.room,
            "np": np,
            "in_tensor": in_tensor,
            "in_array": in_array,
            "tensor": partial(wrap, Tensor),
        }
        self._guards = eval(f"lambda: [{', '.join(guards)}]", room)
        self._read = eval(f"lambda: [{', '.join(read)}]", room)
        self._written = eval(f"lambda: [{', '.join(state.written)}]", room) if state.written else None
        self._lent = eval(f"lambda: [{', '.join(state.lent)}]", room)
        rest = [text for text in state.loose if text not in read]  # of which a program may use the shape
        self._rest = eval(f"lambda: [{', '.join(rest)}]", room) if rest else None
        self._forms = [*map(_form, self._rest())] if self._rest is not None else []
        self.places = [*read]
        lasting = ", ".join(text for text in guards if not text.endswith(".grad is None"))
        self._lasting = eval(f"lambda: [{lasting}]", room)
        self._then = self._lasting()
        now = self._read()
        self._types = [*map(type, now)]  # arrays come first
        self._layouts = [_layout(x) for x in now if type(x) is np.ndarray]
        self._changes = eval(f"lambda r: [{', '.join(state.changes)}]", room) if state.changes else None

    def held_now(self, leaves: list[Any]) -> list[Any] | None:
        """What the function holds, to be given to the program; None if the program is not for what it holds, or for these arguments."""
        try:
            now = self._guards()
            if len(now) != len(self.before) or not all(map(is_, now, self.before)):
                if len(now) != len(self.before) or not all(map(is_same, now, self.before)):
                    return None
                self.before = now
            held: list[Any] = self._read()
            if held and (
                [*map(type, held)] != self._types
                or (self._layouts and [*map(_layout, held[: len(self._layouts)])] != self._layouts)
            ):
                return None
            if self._rest is not None and [*map(_form, self._rest())] != self._forms:
                return None
        except _NO_PLACE:  # something is not there any more
            return None
        if self._answers is not None and [*map(bool, _several(self._answers(*leaves, *held)))] != self._assumed:
            return None
        if self._written is not None and (written := self._written()):
            require_apart(written, leaves, [*held, *self._lent()])
        return held

    def pull(self, graph: Graph, arguments: tuple[Any, ...], options: dict[str, Any]) -> "Compilation":
        """The program for the gradients of a result."""
        return Compilation(self.f, arguments, options, lambda f: Pull(self.derived(f), graph, self.tensors))

    def held_then(self, then: dict[str, Any]) -> list[Any]:
        """What the function held at another call, by its places."""
        return [then.get(text, value) for text, value in zip(self.places, self._read(), strict=True)]

    def would_fit(self) -> bool:
        """Whether it is still for what the function holds, gradients and the numbers in arrays aside."""
        try:
            now = self._lasting()
        except _NO_PLACE:
            return False
        return len(now) == len(self._then) and all(map(is_same, now, self._then))

    def run(self, leaves: list[Any], held: list[Any]) -> Any:
        """The results for these arrays."""
        if self.swapped:
            leaves = [x.astype(self.inputs[i].dtype) if i in self.swapped else x for i, x in enumerate(leaves)]
        results = _several(self.compute(*leaves, *held))
        if self._again:
            results = [*results]
            for i in self._again:
                results[i] = np.array(results[i])
        return results

    @property
    def changes_something(self) -> bool:
        """Whether the function changes something that it holds."""
        return self._changes is not None

    def change(self, results: Any) -> None:
        """Put what the function changes in its places, all at once."""
        if self._changes is not None:
            with preserving:
                at_once(call, self._changes(results))()


def recorded(things: Any, derived: Any, arguments: Any, options: Any) -> tuple[Recording, list[Any], list[str]]:
    """A recording, the guards of its program and what they give now."""
    f, *others = things
    held = Held(things if others else f)
    lifted = held.usual_numbers()
    first = Recording(f, derived, arguments, options, held, lifted)
    while changed := first.state.changed_numbers - lifted:  # what the function itself changes is an input
        lifted |= changed
        first = Recording(f, derived, arguments, options, held, lifted)
    require_none(first.trace)
    recording = Recording(f, derived, arguments, options, held, lifted, before=first)
    require_same(
        [*first.trace.effects, *first.results],
        [*recording.trace.effects, *recording.results],
        first.returned,
        recording.returned,
    )
    for trace in (first.trace, recording.trace):
        trace.steps.clear()
    guards = [*held.guards(lifted), *recording.state.alike]
    return recording, held.read(f"[{', '.join(guards)}]"), guards


def _asked(trace: Any) -> list[Value]:
    return in_order(trace.assumed)


def _executed(writer: Writer) -> Callable[..., Any]:
    """The function that a writer has written."""
    text = writer.text()
    filename = f"<compiled {writer.name} {id(writer):x}>"
    linecache.cache[filename] = len(text), None, text.splitlines(keepends=True), filename
    room = {**writer.room.objects}
    exec(compile(text, filename, "exec"), room)
    room |= writer.room.functions  # as they are recorded, where the page imports them as they are called
    function: Callable[..., Any] = room[writer.name]
    return function


def _form(x: Any) -> Any:
    return _layout(x) if type(x) is np.ndarray else type(x)


def _several(results: Any) -> Any:
    return results if isinstance(results, tuple) else (results,)


def _function_name(f: Any) -> str:
    """A name for the compiled function: what a transform is of, if f is one."""
    name = getattr(f, "__name__", type(f).__name__).rpartition("(")[2].rstrip(")")
    return name if name.isidentifier() else "f"
