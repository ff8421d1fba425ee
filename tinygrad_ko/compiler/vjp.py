"""The vector-Jacobian product of one result of a compiled function, as a function that is compiled itself."""

from collections.abc import Callable
from typing import Any

from tinygrad_ko.compiler.results import Graph, leaves_in
from tinygrad_ko.engine.graph import Handle, Switch
from tinygrad_ko.engine.rule import Op, validated
from tinygrad_ko.tensor.tensor import grad


def op_named(name: str) -> Op:
    """The op of the nodes of a compiled function: a name for messages and drawings."""
    return validated(lambda *inputs: None, {"inputs": None}, False, (), name if name[:1] != "_" else "f")


class VJP:
    """The gradients of the variables, as a function of the gradient g of one result of f and of the arguments of f."""

    def __init__(self, f: Callable[..., Any], graph: Graph, tensors: list[Handle]) -> None:
        self.f, self.graph, self.tensors = f, graph, tensors
        self.__name__ = f"vjp_{getattr(f, '__name__', 'f')}"

    def __call__(self, g: Any, /, *arguments: Any, **options: Any) -> list[Any]:
        higher = isinstance(g, Handle)  # whether the gradients are to be differentiated themselves
        with Switch(record=True):
            y = leaves_in(self.f(*arguments, **options))[self.graph.leaf]
        variables = [*_variables_in([*arguments, *options.values()]), *self.tensors]
        wanted = [variables[i] for i in self.graph.variables]
        found: list[Any] = grad(y, wanted, g, create_graph=higher)
        return found if higher else [tensor.stable_array() for tensor in found]


def _variables_in(trees: list[Any]) -> list[Handle]:
    """The Tensors in some trees that require a gradient."""
    found = [leaf for tree in trees for leaf in leaves_in(tree)]
    return [leaf for leaf in found if isinstance(leaf, Handle) and leaf._node is not None]
