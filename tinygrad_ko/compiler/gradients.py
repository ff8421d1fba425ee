"""Gradients through a compiled function: each result of a call is one node of the graph, whose parents are the variables.

In backward the vector-Jacobian product of a result gives the gradients of the variables. It is a function of arrays and compiled like any
other, so its results can be differentiated again: gradients of any order.
"""

import operator
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from heapq import heappush
from typing import Any

from tinygrad_ko.arrays.dtypes import accumulation_dtype
from tinygrad_ko.arrays.library import cast
from tinygrad_ko.arrays.memory import own
from tinygrad_ko.compiler.arguments import is_input, leaves_and_key
from tinygrad_ko.compiler.compilation import Compilation
from tinygrad_ko.compiler.refusals import changed_since, drawn_meanwhile
from tinygrad_ko.compiler.results import Graph, leaves_in
from tinygrad_ko.engine.accumulate import accumulated
from tinygrad_ko.engine.graph import Handle, Node, Switch, current, next_order, wrap
from tinygrad_ko.errors import already_freed
from tinygrad_ko.func.trees import mapped
from tinygrad_ko.runtime.atomic import at_once
from tinygrad_ko.state.preserve import preserving


class Invocation:
    """A call of a program: what its results are built from, and what their nodes save for backward."""

    __slots__ = ("arguments", "held", "leaves", "options", "program", "saved_arguments", "states", "tensors")

    def __init__(
        self,
        program: Compilation,
        leaves: list[Any],
        tensors: dict[int, Handle],
        held: list[Any],
        arguments: Any,
        options: Any,
    ) -> None:
        self.program, self.leaves, self.tensors, self.held = program, leaves, tensors, held
        self.arguments, self.options, self.saved_arguments = arguments, options, False
        self.states: tuple[list[Any], list[bytes]] = [], []  # the states of its random streams, before and after

    def given(self, number: int) -> Any:
        """The argument with a number."""
        return self.tensors.get(number, self.leaves[number])

    def node(self, graph: Graph, array: Any) -> Node:
        """The node of a result. What a backward() of the function itself has freed needs no arguments any more."""
        if graph.live and not self.saved_arguments:
            self.arguments, self.options, self.saved_arguments = _own([*self.arguments]), _own(self.options), True
        return _Result(self, graph, array)

    def run(self) -> Any:
        """The results of the program. The states of its random streams are saved: backward draws the same numbers again."""
        streams = self.program.streams
        if not streams:
            return self.program.run(self.leaves, self.held)
        with preserving:
            before = [stream.state() for stream in streams]
            self.states = before, []
            results = self.program.run(self.leaves, self.held)
            self.states = before, _bytes_of(streams) if self.program.returned.differentiable else []
        return results

    def returned(self, results: Any) -> Any:
        """What the function returns."""
        made = self.program.returned.build(results, self)
        self.leaves, self.tensors = [], {}  # nodes of the results keep this call alive, but need these no more
        return made

    def vjp(self, graph: Graph, g: Any) -> list[Any]:
        """The gradients of the variables, from the gradient g of a result, for the arguments and the state at the time of the call."""
        program, arguments = self.program, (g, *self.arguments)
        with Switch(record=isinstance(g, Handle)), preserving:
            leaves, tensors, key = leaves_and_key(arguments, self.options, current.get().record)
            if (vjp := program.vjps.get((graph, key))) is None:
                if not program.has_same_structure():
                    raise changed_since(program.op.name)
                vjp = program.vjp(graph, arguments, self.options)
                program.vjps[graph, key] = vjp
            held = vjp.held_at(dict(zip(program.places, self.held, strict=True)))
        with Switch(record=isinstance(g, Handle)), replaying(program.streams, self.states[0]):
            call = Invocation(vjp, leaves, tensors, held, arguments, self.options)
            found: list[Any] = call.returned(call.run())
            if _bytes_of(program.streams) != self.states[1]:
                raise drawn_meanwhile(program.op.name)
        return found


@contextmanager
def replaying(streams: list[Any], states: list[Any]) -> Iterator[None]:
    """Inside the block random streams continue from these states; afterwards they are where they were. One thread at a time."""
    if not streams:
        yield
        return
    with preserving:
        before = [stream.state() for stream in streams]
        begin, end = (
            at_once(operator.call, [stream.setting(state) for stream, state in zip(streams, each, strict=True)])
            for each in (states, before)
        )
        try:
            begin()
            yield
        finally:
            end()


def _bytes_of(streams: list[Any]) -> list[bytes]:
    """The states of random streams as bytes, which can be compared."""
    return [pickle.dumps(stream.state()) for stream in streams]


def _own(tree: Any) -> Any:
    """Copies of arguments, unless nobody else can write to them."""

    if not tree:
        return tree

    def leaf(x: Any, place: str) -> Any:
        if isinstance(x, Handle):
            return wrap(type(x), x.stable_array(), x._node)
        return own(x) if is_input(x) else x

    return mapped(leaf, tree, "")


class _Result(Node):
    """The node of a result of a compiled function."""

    __slots__ = ("call", "graph", "op", "parents", "scope")

    call: Invocation | None

    def __init__(self, call: Invocation, graph: Graph, array: Any) -> None:
        nodes: list[Any] = [t._node for t in call.tensors.values() if t._node is not None] if call.tensors else []
        nodes += [tensor._node for tensor in call.program.tensors]
        self.parents, self.op = tuple([nodes[i] for i in graph.variables]), call.program.op
        self.call, self.graph, self.scope = call if graph.live else None, graph, current.get().scope
        self.shape, self.dtype, self.order, self.live = array.shape, array.dtype, next_order(), True

    @property
    def saved(self) -> Any:
        """The saved values, for drawings and checkpoints."""
        return {} if self.call is None else {"inputs": [*leaves_in(self.call.arguments), *self.call.held]}

    def contributions(self, g: Any) -> Iterator[tuple[str, Node, Any]]:
        """The gradients of the Tensors that it was computed from."""
        if self.call is None or not self.graph.live:
            raise already_freed(self.op.name)
        parts = self.call.vjp(self.graph, g)
        for parent, part in zip(self.parents, parts, strict=True):
            if parent is not None:
                yield "inputs", parent, part

    def propagate(self, g: Any, gradients: dict[Node, Any], pending: list[Any], free: bool) -> None:
        """Add the contributions to the gradients of the parents."""
        for _, parent, part in self.contributions(g):
            part = cast(part, accumulation_dtype(parent.dtype))
            if parent in gradients:
                gradients[parent] = accumulated(gradients[parent], part)
            else:
                gradients[parent] = part
                if parent.op is not None:
                    heappush(pending, (parent.order, parent))
        if free:
            self.live, self.call = False, None
