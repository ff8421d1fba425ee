"""A recording: one trace of a function, with Symbols in place of its arguments and state."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

from tinygrad_ko.compiler.arguments import TracedArguments, parameter_names
from tinygrad_ko.compiler.program.values import Value
from tinygrad_ko.compiler.results import Results
from tinygrad_ko.compiler.state.held import Held
from tinygrad_ko.compiler.state.state import Result, State
from tinygrad_ko.compiler.tracing.draws import Draws, Stream
from tinygrad_ko.compiler.tracing.files import closed
from tinygrad_ko.compiler.tracing.symbols import Symbol
from tinygrad_ko.compiler.tracing.trace import Trace
from tinygrad_ko.compiler.tracing.unreadable import none_caught
from tinygrad_ko.engine.graph import Handle, Node, Switch
from tinygrad_ko.runtime.inlining import inlining

# While a function is traced NumPy does not warn, as the program will at every call. Errors are handled by a function that does nothing, so
# that those that an op ignores ("ignore") can be told from the rest.
_QUIETLY: Any = {
    "divide": "call",
    "over": "call",
    "invalid": "call",
    "under": "ignore",
    "call": lambda kind, flag: None,
}


class Recording:
    """One trace: the inputs, the results, the structure in which they are returned, and the changes of the state.

    The function that is traced is `derived(f)`: f itself, or its vector-Jacobian product.
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
        self.trace: Trace = Trace(before.trace.steps if before is not None else [])
        self.results: list[Value] = []
        self.arrays: list[Any] = []  # the results in this call
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
            stack.enter_context(closed())
            traced = TracedArguments(trees, self.trace, self.state.stand_in)
            self.inputs, self.byteswapped = traced.inputs, traced.byteswapped
            function = derived(self.state.stand_in(f))
            with none_caught():
                answer = function(
                    *[traced.trees[name] for name in names], **{key: traced.trees[key] for key in options}
                )
            traced.require_unchanged()
            self.returned = Results(answer, traced.given, self.state.originals, [*traced.nodes, *nodes], self._named)

    def _named(self, symbol: Symbol, place: str) -> Result:
        """Note a result that is returned, named by its key in the returned dict if it has no name: `new_key` if an input has that name."""
        value, key = symbol.value, place.rpartition("[")[2].rstrip("]")
        if value.name is None and value.origin.name is None and value.origin.of is None and key[:1] in ("'", '"'):
            name = key.strip("'\"")
            known = {value.name for value in self.inputs}
            value.name = f"new_{name}" if name in known else name if name.isidentifier() else None
        return self._keep(symbol)

    def streams_of(self, effects: list[Value]) -> list[Stream]:
        """The random streams that the effects draw from."""
        drawn = {value.settings[0].name.rpartition(".")[0] for value in effects if value.operation == "call"}
        return [stream for stream in self._streams if stream.name in drawn]

    def _keep(self, symbol: Symbol) -> Result:
        if symbol.value.is_number and symbol.value in self.results:  # of arrays each is one of its own
            return Result(self.results.index(symbol.value))
        self.results.append(symbol.value)
        self.arrays.append(symbol.array)
        return Result(len(self.results) - 1)
