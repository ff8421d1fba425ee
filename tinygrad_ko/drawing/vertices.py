"""A graph as data: everything that has a value, and where it comes from, oldest first."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.drawing.assigned import assigned_name
from tinygrad_ko.engine.accumulate import total, unbroadcast
from tinygrad_ko.engine.graph import Call, Handle, Node, behind

Kind = Literal["input", "leaf", "constant", "op", "result"]


class Source(NamedTuple):
    """Where an operation takes one of its arguments from."""

    vertex: "Vertex"
    argument: str


class Cut(NamedTuple):
    """Where `detach` made a constant: the node it was cut off from, what that is called, and the line."""

    node: Node
    name: str
    line: str


@dataclass(eq=False, slots=True, repr=False)
class Vertex:
    """Something that has a value: what went in, what an operation computed, what came out."""

    kind: Kind
    name: str
    node: Node | None = None
    shape: tuple[int, ...] | None = None  # None where it is not known
    dtype: Any = None
    value: Any = None  # an array or a number, where it was seen
    scope: tuple[Call, ...] = ()
    sources: list[Source] = field(default_factory=list)
    users: int = 0  # how many arguments it is
    gradient: Any = None  # of an input or a leaf, where a backward was seen
    cut: Cut | None = None  # of a constant that was detached


class Names:
    """What inputs and leaves are called; a constant by the identity of what was passed, which lives as long as that counts."""

    def __init__(self) -> None:
        self.inputs: dict[Node, str] = {}
        self.leaves: dict[Any, str] = {}
        self.constants: dict[int, tuple[str, Any]] = {}

    def of(self, node: Node) -> str:
        """What an input or leaf is called; nothing if it has no name."""
        return self.inputs.get(node) or self.leaves.get(node) or str(getattr(node, "name", None) or "")


def read_graph(results: list[tuple[str, Handle]], names: Names) -> list[Vertex]:
    """The vertices of the graph behind some results, each after its sources, and the results last. The walk stops at the
    inputs: what they were computed from is not part of the picture.
    """
    vertices: list[Vertex] = []
    of_node: dict[Node, Vertex] = {}
    constants = _Constants(names, vertices)
    for node in behind(*(y._node for _, y in results), through=lambda node: node not in names.inputs):
        known = node, node.shape, node.dtype
        if node in names.inputs:
            vertex = Vertex("input", names.inputs[node], *known)
        elif node.op is None:
            vertex = Vertex("leaf", names.of(node), *known)
        else:
            vertex = Vertex("op", node.op.name, *known, node.seen.output if node.seen else None, node.scope)
            for argument, parent, place in _arguments(node):
                source = of_node[parent] if parent is not None else constants.vertex(node, argument, place)
                if source is not None:
                    source.users += 1
                    vertex.sources.append(Source(source, argument))
        of_node[node] = vertex
        vertices.append(vertex)
    for name, y in results:
        result = Vertex("result", name, y._node, y._array.shape, y._array.dtype)
        source = of_node[y._node] if y._node else constants.given(y)
        source.users += 1
        result.sources.append(Source(source, ""))
        vertices.append(result)
    return vertices


def _arguments(node: Node) -> Iterator[tuple[str, Node | None, int]]:
    """Every argument of the operation of a node: its name, the node it comes from if it is not a constant, its position."""
    op = node.op
    if op.variadic:
        yield from ((f"{op.arguments[0]}[{i}]", parent, i) for i, parent in enumerate(node.parents))
        return
    parents = dict(zip(op.differentiable, node.parents, strict=True))
    yield from ((a, parents.get(a), i) for i, a in enumerate(op.arguments))


def recorded_arguments(node: Any) -> list[str]:
    """The arguments of the operation of a node that get a gradient, in the order of its contributions."""
    return [argument for argument, parent, _ in _arguments(node) if parent is not None]


def passed(user: Vertex, argument: str) -> Any:
    """The array or number that an operation or result got as an argument, where it was seen."""
    if user.kind == "result":
        return user.sources[0].vertex.value
    if user.node is None or not user.node.seen:
        return None
    return next(user.node.seen.inputs[place] for a, _, place in _arguments(user.node) if a == argument)


class _Constants:
    """The arguments that are no part of the graph, as far as they can be known. A Tensor that is used twice is one vertex."""

    def __init__(self, names: Names, vertices: list[Vertex]) -> None:
        self.names, self.vertices = names, vertices
        self.known: dict[int, Vertex] = {}

    def vertex(self, node: Node, argument: str, place: int) -> Vertex | None:
        """The constant that stands in a place; None if there is nothing, or nothing is known of it."""
        name = argument.partition("[")[0]
        if node.seen:
            value, shape, (identity, origin) = node.seen.inputs[place], None, node.seen.given[place]
        else:
            value, shape, (identity, origin) = _kept(node, name, place), _kept(node, f"{name}_shape", place), (0, None)
        if value is None:
            unknown = not node.seen and name in node.op.differentiable
            return self.new("", None, shape) if unknown else None
        if identity in self.names.constants:
            return self.once(identity, self.names.constants[identity][0], value)
        vertex = self.once(id(value), "", value) if hasattr(value, "shape") and value.shape else self.new("", value)
        if origin:
            cut_off, line = origin
            vertex.cut = Cut(cut_off, self.names.of(cut_off) or assigned_name(cut_off) or _kind(cut_off), line)
        return vertex

    def given(self, y: Handle) -> Vertex:
        """A result that nothing was recorded for."""
        name = self.names.constants.get(id(y), ("", None))[0]
        return self.once(id(y if name else y._array), name, y._array)

    def once(self, identity: int, name: str, value: Any) -> Vertex:
        if identity not in self.known:
            self.known[identity] = self.new(name, value)
        return self.known[identity]

    def new(self, name: str, value: Any, shape: tuple[int, ...] | None = None) -> Vertex:
        shape, dtype = (value.shape, value.dtype) if hasattr(value, "dtype") else (shape, None)
        if isinstance(value, bool | int | float):
            shape = ()
        self.vertices.append(Vertex("input" if name else "constant", name, None, shape, dtype, value))
        return self.vertices[-1]


def _kind(node: Node) -> str:
    return "leaf" if node.op is None else str(node.op.name)


def _kept(node: Node, word: str, place: int) -> Any:
    value = node.saved.get(word)
    return value[place] if node.op.variadic and value else value


def gradient_parts(node: Node) -> dict[str, Array]:
    """The gradient that each argument of an operation gets, where a backward was seen: its formulas are evaluated once more."""
    if not node.seen or node.seen.gradient is None:
        return {}
    places = recorded_arguments(node)
    with np.errstate(all="ignore"):  # backward has warned already
        contributions = node.contributions(_bare(node.seen.gradient))
        return {
            place: total(unbroadcast(part, parent, node, argument, first=True))
            for place, (argument, parent, part) in zip(places, contributions, strict=True)
        }


def _bare(value: Any) -> Any:
    return value._array if isinstance(value, Handle) else value


def as_numpy(value: Any) -> Any:
    """A number or an array of any library as NumPy's; None if NumPy cannot read it."""
    try:
        return np.asarray(_bare(value))
    except (TypeError, ValueError, RuntimeError):
        return None
