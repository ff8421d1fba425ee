"""What a graph keeps until backward, and how much memory that takes."""

from collections.abc import Iterable, Iterator
from typing import Any

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.arrays.memory import bytes_of, whole
from tinygrad_ko.engine.graph import Handle, Node


def saved_bytes(nodes: Iterable[Node], beside: Any = ()) -> int:
    """How many bytes of arrays some nodes keep, each array once, without those that are there anyway. A view keeps all of
    the array that it is a view of.
    """
    held = wholes([list(node.saved.values()) for node in nodes])
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
