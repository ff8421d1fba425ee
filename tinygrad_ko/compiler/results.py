"""Results: what a traced function returned, as a plan of what every call of its program returns.

A result has the type that the function itself would give: an array, a NumPy scalar, a Python number, a Tensor. It belongs to the caller.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_ko.arrays.memory import own
from tinygrad_ko.compiler.program import Value
from tinygrad_ko.compiler.refusals import no_result
from tinygrad_ko.compiler.symbols import Symbol
from tinygrad_ko.engine.graph import Handle, Node, behind, wrap
from tinygrad_ko.func.trees import is_tree
from tinygrad_ko.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_ko.compiler.gradients import Call

_CONSTANT = (int, float, complex, str, bytes, type(None), type, np.dtype, np.generic, slice)


@dataclass(frozen=True, slots=True)
class Graph:
    """Where a result stands: which of the variables it was computed from, by their numbers, and whether a backward() has freed what is
    between. The variables are the Tensors among the arguments and those that the function holds, as far as they require a gradient.
    """

    leaf: int  # which of the leaves that the function returned
    variables: tuple[int, ...]
    live: bool


class Results:
    """Takes apart what a function returned in a trace, and makes the same of the results of a call.

    `given` are the arguments that are inputs, `kept` what may be returned as it is, by their identities; `variables` the nodes.
    """

    def __init__(self, answer: Any, given: dict[int, int], kept: dict[int, Any], variables: list[Node]) -> None:
        self.values = list[Value]()
        self.traced = list[Any]()
        self._given, self._kept, self._count = given, kept, 0
        self.refers = False  # whether a result is an argument, or has a node
        self._variables = {node: i for i, node in enumerate(variables)}
        self.made: Callable[[Any, Call], Any] = self._plan(answer, "")

    def _plan(self, tree: Any, place: str) -> Callable[[Any, "Call"], Any]:
        if not is_tree(tree):
            self._count += 1
            return self._leaf(tree, place)
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

    def _leaf(self, leaf: Any, place: str) -> Callable[[Any, "Call"], Any]:
        if id(leaf) in self._given:
            given, self.refers = self._given[id(leaf)], True
            return lambda results, call: call.given(given)
        if id(leaf) in self._kept:
            return lambda results, call: leaf
        array = leaf.stable_array() if isinstance(leaf, Handle) else leaf
        if isinstance(leaf, Handle):
            return self._tensor(leaf, array)
        if isinstance(array, Symbol):
            number = self._result(array)
            if isinstance(array.array, np.ndarray):
                return lambda results, call: results[number]
            if isinstance(array.array, np.generic):
                return lambda results, call: results[number][()]
            return lambda results, call: results[number].item()
        if isinstance(leaf, np.ndarray):
            return lambda results, call: np.array(leaf)
        if isinstance(leaf, list | tuple):  # of numbers
            return lambda results, call: own(leaf)
        if isinstance(leaf, _CONSTANT):
            return lambda results, call: leaf
        raise no_result(leaf, place)

    def _tensor(self, tensor: Handle, array: Any) -> Callable[[Any, "Call"], Any]:
        kind = type(tensor)
        if not isinstance(array, Symbol):
            required = tensor._node is not None
            return lambda results, call: Tensor(array, requires_grad=required)
        number, graph = self._result(array), self._graph(tensor._node)
        if graph is None:
            return lambda results, call: wrap(kind, results[number])
        self.refers = True
        return lambda results, call: wrap(kind, results[number], call.node(graph, results[number]))

    def _result(self, symbol: Symbol) -> int:
        self.values.append(symbol.value)
        self.traced.append(symbol.array)
        return len(self.values) - 1

    def _graph(self, node: Node | None) -> Graph | None:
        """Where a node of the trace stands; None if it depends on no variable."""
        found = behind(node, through=lambda n: n not in self._variables)
        variables = tuple(sorted(self._variables[n] for n in found if n in self._variables))
        live = all(n.live for n in found if n.op is not None and n not in self._variables)
        return Graph(self._count - 1, variables, live) if variables else None
