"""What a graph keeps until backward, and how much memory that takes."""

from collections.abc import Iterable, Iterator
from typing import Any

from tinygrad_ko.arrays import Array, bytes_of, whole
from tinygrad_ko.graph import Handle, Node
from tinygrad_ko.recompute import Segment


def kept(node: Node) -> dict[str, Any]:
    """What a node keeps, by the words of its formulas; a checkpoint keeps the inputs of its function."""
    if isinstance(node, Segment):
        return {"inputs": [node.call.inputs, node.call.options]} if node.call else {}
    return {word: getattr(node, f"kept_{word}") for word in node.op.kept} if node.op else {}


def kept_bytes(nodes: Iterable[Node], beside: Any = ()) -> int:
    """How many bytes of arrays some nodes keep, each array once, without those that are there anyway. A view keeps all of
    the array that it is a view of.
    """
    held = wholes([list(kept(node).values()) for node in nodes])
    return sum(bytes_of(held[key]) for key in held.keys() - wholes(beside).keys())


def wholes(values: Any) -> dict[int, Array]:
    """The arrays among some values, each with all the memory that it refers to."""
    arrays = [x._array if isinstance(x, Handle) else x for x in leaves_of(values)]
    found = [whole(x) for x in arrays if hasattr(x, "__array_namespace__")]
    return {id(x): x for x in found}


def leaves_of(value: Any) -> Iterator[Any]:
    """What stands in lists, tuples and dicts."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list | tuple | dict):
            waiting += value.values() if isinstance(value, dict) else value
        else:
            yield value
