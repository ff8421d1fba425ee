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
from tinygrad_ko.compiler.recording import Recording
from tinygrad_ko.compiler.results import Graph
from tinygrad_ko.compiler.state.held import Held, is_same
from tinygrad_ko.compiler.state.leaks import require_none
from tinygrad_ko.compiler.state.state import in_array, in_tensor, require_apart
from tinygrad_ko.compiler.vjp import VJP, op_named
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
        self.f, self.derived, self.vjps = f, derived, dict[Any, Compilation]()
        trees = zip(
            [*parameter_names(derived(f), len(arguments)), *options], [*arguments, *options.values()], strict=True
        )
        self.holders = (f, *(part for place, tree in trees for part in checked(tree, place)))  # what holds state
        with preserving:
            recording, self._guard_values, guards = recorded(self.holders, derived, arguments, options)
        state, trace = recording.state, recording.trace
        values, kept = with_loops(*simplified(recording.results, trace.effects))
        needed = {*values, *kept}
        read = {
            text: value for text, value in state.inputs.items() if value in needed or value in _assumed_values(trace)
        }
        self.inputs = [*recording.inputs, *read.values()]
        writer = self.writer = Writer(_function_name(f), self.inputs, values, kept)
        self.source = writer.text()
        self.compute = _executed(writer)
        self.returned, self.tensors, self.byteswapped = recording.returned, recording.tensors, recording.byteswapped
        self.streams = recording.streams_of(trace.effects)
        self.op = op_named(_function_name(f))
        # Where one array would be two results, the later ones are copies: each belongs to whoever has it.
        self._repeated = [i for i, value in enumerate(kept) if value in kept[:i] and not value.is_number]
        self._assumed_answers = [*trace.assumed.values()]
        assumptions = Writer("assumed", self.inputs, _assumed_values(trace), [*trace.assumed])
        self._assumptions = _executed(assumptions) if self._assumed_answers else None

        namespace = {
            **state.held.namespace,
            "np": np,
            "in_tensor": in_tensor,
            "in_array": in_array,
            "tensor": partial(wrap, Tensor),
        }
        self._guards = eval(f"lambda: [{', '.join(guards)}]", namespace)
        self._read = eval(f"lambda: [{', '.join(read)}]", namespace)
        self._written = eval(f"lambda: [{', '.join(state.written)}]", namespace) if state.written else None
        self._exposed = eval(f"lambda: [{', '.join(state.exposed)}]", namespace)
        unread = [text for text in state.loose if text not in read]  # of which a program may use the shape
        self._unread = eval(f"lambda: [{', '.join(unread)}]", namespace) if unread else None
        self._unread_layouts = [*map(_layout_or_type, self._unread())] if self._unread is not None else []
        self.places = [*read]
        structure = ", ".join(text for text in guards if not text.endswith(".grad is None"))
        self._structure = eval(f"lambda: [{structure}]", namespace)
        self._traced_structure = self._structure()
        now = self._read()
        self._types = [*map(type, now)]  # arrays come first
        self._layouts = [_layout(x) for x in now if type(x) is np.ndarray]
        self._changes = eval(f"lambda r: [{', '.join(state.changes)}]", namespace) if state.changes else None

    def held_now(self, leaves: list[Any]) -> list[Any] | None:
        """What the function holds, to be given to the program; None if the program is not for what it holds, or for these arguments."""
        try:
            now = self._guards()
            if len(now) != len(self._guard_values) or not all(map(is_, now, self._guard_values)):
                if len(now) != len(self._guard_values) or not all(map(is_same, now, self._guard_values)):
                    return None
                self._guard_values = now
            held: list[Any] = self._read()
            if [*map(type, held)] != self._types or [*map(_layout, held[: len(self._layouts)])] != self._layouts:
                return None
            if self._unread is not None and [*map(_layout_or_type, self._unread())] != self._unread_layouts:
                return None
        except _NO_PLACE:  # something is not there any more
            return None
        if (
            self._assumptions is not None
            and [*map(bool, _several(self._assumptions(*leaves, *held)))] != self._assumed_answers
        ):
            return None
        if self._written is not None and (written := self._written()):
            require_apart(written, leaves, [*held, *self._exposed()])
        return held

    def vjp(self, graph: Graph, arguments: tuple[Any, ...], options: dict[str, Any]) -> "Compilation":
        """The program for the gradients of a result."""
        return Compilation(self.f, arguments, options, lambda f: VJP(self.derived(f), graph, self.tensors))

    def held_at(self, then: dict[str, Any]) -> list[Any]:
        """What the function held at another call, by its places."""
        return [then.get(text, value) for text, value in zip(self.places, self._read(), strict=True)]

    def has_same_structure(self) -> bool:
        """Whether it is still for what the function holds, gradients and the numbers in arrays aside."""
        try:
            now = self._structure()
        except _NO_PLACE:
            return False
        return len(now) == len(self._traced_structure) and all(map(is_same, now, self._traced_structure))

    def run(self, leaves: list[Any], held: list[Any]) -> Any:
        """The results for these arrays."""
        if self.byteswapped:
            leaves = [x.astype(self.inputs[i].dtype) if i in self.byteswapped else x for i, x in enumerate(leaves)]
        results = _several(self.compute(*leaves, *held))
        if self._repeated:
            results = [*results]
            for i in self._repeated:
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


def recorded(holders: Any, derived: Any, arguments: Any, options: Any) -> tuple[Recording, list[Any], list[str]]:
    """A recording, the guards of its program and what they give now."""
    f, *others = holders
    held = Held(holders if others else f)
    lifted = held.usual_numbers()
    first = Recording(f, derived, arguments, options, held, lifted)
    while changed := first.state.changed_numbers - lifted:  # what the function itself changes is an input
        lifted |= changed
        first = Recording(f, derived, arguments, options, held, lifted)
    require_none(first.trace)
    recording = Recording(f, derived, arguments, options, held, lifted)
    require_same(
        [*first.trace.effects, *first.results],
        [*recording.trace.effects, *recording.results],
        first.returned,
        recording.returned,
    )
    guards = [*held.guards(lifted), *recording.state.equal_numbers]
    return recording, held.read(f"[{', '.join(guards)}]"), guards


def _assumed_values(trace: Any) -> list[Value]:
    return in_order(trace.assumed)


def _executed(writer: Writer) -> Callable[..., Any]:
    """The function that a writer has written."""
    text = writer.text()
    filename = f"<compiled {writer.name} {id(writer):x}>"
    linecache.cache[filename] = len(text), None, text.splitlines(keepends=True), filename
    namespace = {**writer.page_globals.objects}
    exec(compile(text, filename, "exec"), namespace)
    namespace |= writer.page_globals.functions  # as they are recorded, where the page imports them as they are called
    function: Callable[..., Any] = namespace[writer.name]
    return function


def _layout_or_type(x: Any) -> Any:
    return _layout(x) if type(x) is np.ndarray else type(x)


def _several(results: Any) -> Any:
    return results if isinstance(results, tuple) else (results,)


def _function_name(f: Any) -> str:
    """A name for the compiled function: what a transform is of, if f is one."""
    name = getattr(f, "__name__", type(f).__name__).rpartition("(")[2].rstrip(")")
    return name if name.isidentifier() else "f"
