"""A compilation: a function is traced, the trace goes through the passes, and the text of the page is executed. Its guards decide whether
the program is for a later call.
"""

import linecache
from collections.abc import Callable
from functools import partial
from itertools import compress
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
from tinygrad_ko.compiler.state.state import State, in_array, in_tensor, require_apart
from tinygrad_ko.compiler.tracing.trace import Trace
from tinygrad_ko.compiler.vjp import VJP, op_named
from tinygrad_ko.engine.graph import wrap
from tinygrad_ko.runtime.atomic import at_once
from tinygrad_ko.state.preserve import preserving
from tinygrad_ko.tensor.tensor import Tensor

_layout = attrgetter("shape", "dtype", "strides")
_NO_PLACE = (KeyError, IndexError, AttributeError, TypeError, ValueError)


class Compilation:
    """One program of a function: its source and executed function, its guards, and what happens with its results."""

    def __init__(
        self,
        f: Callable[..., Any],
        arguments: tuple[Any, ...],
        options: dict[str, Any],
        derived: Callable[[Any], Any] = lambda f: f,
    ) -> None:
        self.f, self.derived, self.vjps = f, derived, dict[Any, Compilation]()
        places = [*parameter_names(derived(f), len(arguments)), *options]
        trees = zip(places, [*arguments, *options.values()], strict=True)
        # The objects that may hold state: f, and the models and functions among the arguments.
        self.holders = (f, *(part for place, tree in trees for part in checked(tree, place)))
        with preserving:
            recording, self._guard_values, guards = recorded(self.holders, derived, arguments, options)
        state, trace = recording.state, recording.trace
        self.forms = state.held.forms()
        values, results = with_loops(*simplified(recording.results, trace.effects))
        needed = {*values, *results, *_assumed_values(trace)}
        read = {text: value for text, value in state.inputs.items() if value in needed}
        self.inputs = [*recording.inputs, *read.values()]
        writer = self.writer = Writer(_function_name(f), self.inputs, values, results)
        self.compute = _executed(writer)
        self.returned, self.tensors, self.byteswapped = recording.returned, recording.tensors, recording.byteswapped
        self.streams = recording.streams_of(trace.effects)
        self.op = op_named(_function_name(f))
        # A value that is several results is copied: each result has memory of its own.
        self._repeated = [i for i, value in enumerate(results) if value in results[:i] and not value.is_number]
        self._assumed_answers = [*trace.assumed.values()]
        assumptions = Writer("assumed", self.inputs, _assumed_values(trace), [*trace.assumed])
        self._assumptions = _executed(assumptions) if self._assumed_answers else None
        self._bind(state, guards, [*read])

    def _bind(self, state: State, guards: list[str], read: list[str]) -> None:
        """Compile the expressions that guard the program, read the state and write the changes back: a lambda for each list of them."""
        functions = {"np": np, "in_tensor": in_tensor, "in_array": in_array, "tensor": partial(wrap, Tensor)}
        namespace = {**state.held.namespace, **functions}

        def compiled(texts: list[str], parameter: str = "") -> Callable[..., list[Any]]:
            function: Callable[..., list[Any]] = eval(f"lambda {parameter}: [{', '.join(texts)}]", namespace)
            return function

        self._guards, self._read, self._exposed = compiled(guards), compiled(read), compiled(state.exposed)
        self._written = compiled(state.written) if state.written else None
        self._changes = compiled(state.changes, "r") if state.changes else None
        # Arrays that are not inputs, but on whose shapes the program may depend.
        unread = [text for text in state.loose if text not in read]
        self._unread = compiled(unread) if unread else None
        self._unread_layouts = [*map(_layout_or_type, self._unread())] if self._unread is not None else []
        self.places = read
        self._structure = compiled([text for text in guards if not text.endswith(".grad is None")])
        self._traced_structure = self._structure()
        now = self._read()
        self._types = [*map(type, now)]
        self._are_arrays = [kind is np.ndarray for kind in self._types]
        self._layouts = [*map(_layout, compress(now, self._are_arrays))]

    def held_now(self, leaves: list[Any]) -> list[Any] | None:
        """The state that the program reads; None if a guard fails, so that it is not the program for this state or these arguments."""
        try:
            now = self._guards()
            if len(now) != len(self._guard_values) or not all(map(is_, now, self._guard_values)):
                if len(now) != len(self._guard_values) or not all(map(is_same, now, self._guard_values)):
                    return None
                self._guard_values = now
            held: list[Any] = self._read()
            if held and (
                [*map(type, held)] != self._types
                or (self._layouts and [*map(_layout, compress(held, self._are_arrays))] != self._layouts)
            ):
                return None
            if self._unread is not None and [*map(_layout_or_type, self._unread())] != self._unread_layouts:
                return None
        except _NO_PLACE:  # a place does not exist any more
            return None
        if self._assumptions is not None:
            answers = as_tuple(self._assumptions(*leaves, *held))
            if [*map(bool, answers)] != self._assumed_answers:
                return None
        if self._written is not None and (written := self._written()):
            require_apart(written, leaves, [*held, *self._exposed()])
        return held

    def vjp(self, graph: Graph, arguments: tuple[Any, ...], options: dict[str, Any]) -> "Compilation":
        """The program for the vector-Jacobian product of a result."""
        return Compilation(self.f, arguments, options, lambda f: VJP(self.derived(f), graph, self.tensors))

    def held_at(self, saved: dict[str, Any]) -> list[Any]:
        """The state that the program reads, as it was saved by place at another call."""
        return [saved.get(text, value) for text, value in zip(self.places, self._read(), strict=True)]

    def has_same_structure(self) -> bool:
        """Whether the guards hold that are not about gradients: the state has other numbers at most."""
        try:
            now = self._structure()
        except _NO_PLACE:
            return False
        return len(now) == len(self._traced_structure) and all(map(is_same, now, self._traced_structure))

    def run(self, leaves: list[Any], held: list[Any]) -> Any:
        """The results of the program."""
        if self.byteswapped:
            leaves = [x.astype(self.inputs[i].dtype) if i in self.byteswapped else x for i, x in enumerate(leaves)]
        results = as_tuple(self.compute(*leaves, *held))
        if self._repeated:
            return [np.array(x) if i in self._repeated else x for i, x in enumerate(results)]
        return results

    @property
    def changes_something(self) -> bool:
        """Whether the function changes its state."""
        return self._changes is not None

    def change(self, results: Any) -> None:
        """Write the changes of the state back, all or none."""
        if self._changes is not None:
            with preserving:
                at_once(call, self._changes(results))()


def recorded(holders: Any, derived: Any, arguments: Any, options: Any) -> tuple[Recording, list[Any], list[str]]:
    """A recording of a function, the guards of its program, and their values now.

    Numbers that the function itself changes, like a counter, must be inputs: with each that is found the function is traced again. The last
    trace is done twice, from the same state, and both must agree.
    """
    f, *others = holders
    held = Held(holders if others else f)
    lifted = held.usual_numbers()
    first = Recording(f, derived, arguments, options, held, lifted)
    while changed := first.state.changed_numbers - lifted:
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
    guards = [*held.guards(lifted), *recording.state.equal_numbers]
    return recording, held.read(f"[{', '.join(guards)}]"), guards


def _assumed_values(trace: Trace) -> list[Value]:
    """The values from which the conditions are computed that the trace branched on."""
    return in_order(trace.assumed)


def _executed(writer: Writer) -> Callable[..., Any]:
    """The function that a writer has written. Its text is in linecache, so that tracebacks and debuggers show it."""
    text = writer.text()
    filename = f"<compiled {writer.name} {id(writer):x}>"
    linecache.cache[filename] = len(text), None, text.splitlines(keepends=True), filename
    namespace = {**writer.page_globals.objects}
    exec(compile(text, filename, "exec"), namespace)
    namespace |= writer.page_globals.functions  # the recorded objects, in place of those that the page imports
    function: Callable[..., Any] = namespace[writer.name]
    return function


def _layout_or_type(x: Any) -> Any:
    """Shape, dtype and strides of an array; the type of anything else."""
    return _layout(x) if type(x) is np.ndarray else type(x)


def as_tuple(results: Any) -> tuple[Any, ...]:
    """The results of a program, of which a single one is returned by itself."""
    return results if isinstance(results, tuple) else (results,)


def _function_name(f: Any) -> str:
    """A name for the compiled function: the name of f or, of a transform like grad(f), of the function inside."""
    name = getattr(f, "__name__", type(f).__name__).rpartition("(")[2].rstrip(")")
    return name if name.isidentifier() else "f"
