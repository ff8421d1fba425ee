"""A recording: one call of a function with Symbols in place of its arguments and of what it holds."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

from tinygrad_ko.compiler.arguments import Entered, parameter_names
from tinygrad_ko.compiler.program.values import Value
from tinygrad_ko.compiler.refusals import none_caught
from tinygrad_ko.compiler.results import Results
from tinygrad_ko.compiler.state.held import Held
from tinygrad_ko.compiler.state.state import Result, State
from tinygrad_ko.compiler.tracing.draws import Draws, Stream
from tinygrad_ko.compiler.tracing.symbols import Symbol
from tinygrad_ko.compiler.tracing.trace import Trace
from tinygrad_ko.engine.graph import Handle, Node, Switch
from tinygrad_ko.runtime.inlining import inlining

# While a function is traced NumPy does not warn; the program does, each time. What is ignored on purpose can still be told from the rest.
_QUIETLY: Any = {
    "divide": "call",
    "over": "call",
    "invalid": "call",
    "under": "ignore",
    "call": lambda kind, flag: None,
}


class Recording:
    """What one call recorded: the inputs, the results, how they are returned, and the changes of what the function holds.

    Called is `derived(f)`, a function that is made of f, or f itself.
    """

    def __init__(
        self,
        f: Any,
        derived: Callable[[Any], Any],
        arguments: Any,
        options: dict[str, Any],
        held: Held,
        lifted: set[str],
        before: "Recording | None" = None,
    ) -> None:
        self.trace, self.results, self.arrays = (
            Trace(before.trace.steps if before is not None else []),
            list[Value](),
            list[Any](),
        )  # the results, and what they were in this call
        self.state = State(held, lifted, self.trace, self._keep)
        self.tensors: list[Handle] = [at.value for at in held.tensors.values() if at.value._node is not None]
        nodes: list[Node] = [t._node for t in self.tensors if t._node is not None]
        draws = Draws([(at.name, at.value) for at in held.generators.values()])
        self._streams = draws.streams
        names = parameter_names(derived(f), len(arguments))
        trees = dict(zip([*names, *options], [*arguments, *options.values()], strict=True))
        with ExitStack() as stack:
            standing = stack.enter_context(draws.recorded(self.trace))
            stack.enter_context(self.state.standing_in(standing))
            stack.enter_context(Switch(watch=True))
            stack.enter_context(np.errstate(**_QUIETLY))
            stack.enter_context(inlining())
            entered = Entered(trees, self.trace, self.state.stand_in)
            self.inputs, self.swapped = entered.inputs, entered.swapped
            function = derived(self.state.stand_in(f))
            with none_caught():
                answer = function(
                    *[entered.trees[name] for name in names], **{key: entered.trees[key] for key in options}
                )
            entered.require_unchanged()
            self.returned = Results(answer, entered.given, self.state.originals, [*entered.nodes, *nodes], self._named)

    def _named(self, symbol: Symbol, place: str) -> Result:
        """A result, named after the key under which it is returned if it has no name: as a new one if an input has that name."""
        value, key = symbol.value, place.rpartition("[")[2].rstrip("]")
        if value.name is None and value.origin.name is None and value.origin.of is None and key[:1] in ("'", '"'):
            name = key.strip("'\"")
            known = {value.name for value in self.inputs}
            value.name = f"new_{name}" if name in known else name if name.isidentifier() else None
        return self._keep(symbol)

    def streams_of(self, effects: list[Value]) -> list[Stream]:
        """The random streams that are drawn from."""
        drawn = {value.settings[0].name.rpartition(".")[0] for value in effects if value.operation == "call"}
        return [stream for stream in self._streams if stream.name in drawn]

    def _keep(self, symbol: Symbol) -> Result:
        self.results.append(symbol.value)
        self.arrays.append(symbol.array)
        return Result(len(self.results) - 1)
