"""Results: the structure of what a function returned in its trace, from which every call builds what it returns.

A result has the type that the function itself would give: an array, a NumPy scalar, a Python number, a Tensor. It belongs to the caller.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_ko.arrays.memory import own
from tinygrad_ko.compiler.refusals import unknown_result
from tinygrad_ko.compiler.tracing.symbols import Symbol
from tinygrad_ko.engine.graph import Handle, Node, behind, wrap
from tinygrad_ko.func.trees import is_tree, mapped
from tinygrad_ko.tensor.tensor import Tensor

# Builds a part of what the function returns from the results of the program and the call.
Builder = Callable[[Any, Any], Any]
_CONSTANT = (int, float, complex, str, bytes, type(None), type, np.dtype, np.generic, slice, list, tuple)


@dataclass(frozen=True, slots=True)
class Graph:
    """How a result depends on the variables: the Tensors that require a gradient, first among the arguments, then in the state."""

    leaf: int  # the position of the result among the leaves that are returned
    variables: tuple[int, ...]  # the numbers of the variables that it depends on
    live: bool  # False if a backward() in the function has freed the graph between them


class Results:
    """Takes apart what a function returned in a trace; `build` makes the same of the results of a call.

    By the ids of their stand-ins in the trace, `given` has the numbers of arguments and `known` the objects of the state, which are
    returned as they are. `variables` are the nodes of the variables. `keep` adds a value to the results of the program.
    """

    def __init__(
        self,
        answer: Any,
        given: dict[int, int],
        known: dict[int, Any],
        variables: list[Node],
        keep: Callable[[Symbol, str], Any],
    ) -> None:
        self._given, self._known, self._keep = given, known, keep
        self._variables = {node: i for i, node in enumerate(variables)}
        self.form: list[tuple[str, Any]] = []  # each leaf in words: equal for equal structures
        self.differentiable = False  # whether backward() can be called on a result
        self.build = self._plan(answer, "")
        del self._given, self._known, self._keep, self._variables  # they refer to the trace

    def __repr__(self) -> str:
        return repr(self.form)

    def _plan(self, tree: Any, place: str) -> Builder:
        if not is_tree(tree):
            what, detail, build = self._leaf(tree, place)
            self.form.append((f"{place} {what}", detail))
            return build
        keys = [*tree] if isinstance(tree, dict) else [*range(len(tree))]
        parts = [self._plan(tree[key], f"{place}[{key!r}]") for key in keys]
        if isinstance(tree, dict):
            named = [*zip(keys, parts, strict=True)]
            return lambda results, call: {key: part(results, call) for key, part in named}
        if type(tree) is tuple:
            return lambda results, call: tuple([part(results, call) for part in parts])
        kind = type(tree)
        if hasattr(tree, "_fields"):
            return lambda results, call: kind(*[part(results, call) for part in parts])
        return lambda results, call: kind([part(results, call) for part in parts])

    def _leaf(self, leaf: Any, place: str) -> tuple[str, Any, Builder]:
        if id(leaf) in self._given:
            given = self._given[id(leaf)]
            return "argument", given, lambda results, call: call.given(given)
        if id(leaf) in self._known:
            outside = self._known[id(leaf)]
            return "held", type(leaf), lambda results, call: outside
        if isinstance(leaf, Symbol):
            return self._array(leaf, place)
        if isinstance(leaf, Handle):
            return self._tensor(leaf, leaf.stable_array(), place)
        if isinstance(leaf, np.ndarray):
            return "array", leaf.tobytes(), lambda results, call: np.array(leaf)
        if isinstance(leaf, _CONSTANT):
            return "constant", leaf, lambda results, call: own(leaf)
        raise unknown_result(leaf, place)

    def _array(self, symbol: Symbol, place: str) -> tuple[str, Any, Builder]:
        number = self._keep(symbol, place).number
        if isinstance(symbol.array, np.generic):
            return "scalar", number, lambda results, call: results[number][()]
        return "result", number, lambda results, call: results[number]

    def _tensor(self, tensor: Handle, array: Any, place: str) -> tuple[str, Any, Builder]:
        kind = type(tensor)
        if not isinstance(array, Symbol):
            required = tensor._node is not None
            return "Tensor", array.tobytes(), lambda results, call: Tensor(array, requires_grad=required)
        number, graph = self._keep(array, place).number, self._graph(tensor._node)
        if graph is None:
            return "Tensor", number, lambda results, call: wrap(kind, results[number])
        self.differentiable |= graph.live
        return (
            "node",
            (number, graph),
            lambda results, call: wrap(kind, results[number], call.node(graph, results[number])),
        )

    def _graph(self, node: Node | None) -> Graph | None:
        """Where a node of the trace stands; None if it depends on no variable."""
        found = behind(node, through=lambda n: n not in self._variables)
        variables = tuple(sorted(self._variables[n] for n in found if n in self._variables))
        live = all(n.live for n in found if n.op is not None and n not in self._variables)
        return Graph(len(self.form), variables, live) if variables else None


def leaves_in(tree: Any) -> list[Any]:
    """The leaves of a tree, in their order."""
    found: list[Any] = []
    mapped(lambda leaf, place: found.append(leaf), tree, "")
    return found
