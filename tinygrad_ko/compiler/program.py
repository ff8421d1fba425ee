"""A program: values, each computed from earlier ones by a function of NumPy's, in the order in which they were recorded."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from itertools import count
from math import prod
from typing import Any

import numpy as np

from tinygrad_ko.compiler.origin import Origin


@dataclass(eq=False, slots=True)
class Value:
    """A value of a program. `operation` says how it is computed from its inputs, which are values and numbers:

    input                    it is passed; settings: "number" if it is a number of Python's
    constant                 an array that is there from the start; settings: the array
    full                     one number everywhere; settings: the number and, where that is stretched, the shape from which
    ufunc                    a function of NumPy's, element by element; settings: its name
    where, astype, power     element by element too
    reduce                   a ufunc along axes; settings: its name, the axes, keepdims, whether by rows
    matmul                   a product of matrices
    view                     the same numbers in another shape; settings: reshape, transpose, broadcast_to or index, and to what
    take, put                an index that holds arrays, for reading and for writing; settings: the index
    call                     any other function; settings: a Call
    result                   one of the results of a call; settings: which
    """

    operation: str
    inputs: tuple[Any, ...]
    settings: tuple[Any, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: tuple[int, ...] | None = None  # its axes from the longest stride to the shortest, if it is not in C order
    origin: Origin = field(default_factory=Origin)
    name: str | None = None
    number: int = field(default_factory=count().__next__)  # in the order in which values are recorded; no two in a program have the same

    @property
    def values(self) -> list["Value"]:
        """The inputs that are values."""
        return [x for x in self.inputs if isinstance(x, Value)]

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def altered(self, **changes: Any) -> "Value":
        """A new value like this one, but for the changes."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Place:
    """Stands for an input in the arguments of a call."""

    number: int


@dataclass(eq=False, slots=True)
class Call:
    """A function and its arguments, with places for the arrays."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    lends: bool = False  # whether a result may lie in the memory of an input

    def __call__(self, inputs: list[Any]) -> Any:
        return self.function(*filled(self.arguments, inputs), **filled(self.options, inputs))


def filled(template: Any, inputs: list[Any]) -> Any:
    """A template of arguments with the inputs at their places."""
    if isinstance(template, Place):
        return inputs[template.number]
    return mapped_inside(lambda part: filled(part, inputs), template)


def mapped_inside(change: Callable[[Any], Any], part: Any) -> Any:
    """A list, tuple or dict with its parts changed; a slice too; anything else as it is."""
    if isinstance(part, slice):
        return slice(change(part.start), change(part.stop), change(part.step))
    if isinstance(part, dict):
        return {key: change(x) for key, x in part.items()}
    if isinstance(part, list | tuple):
        new = map(change, part)
        return type(part)(*new) if hasattr(part, "_fields") else type(part)(new)
    return part


def filled_with(full: Value) -> Any:
    """The array that a `full` is."""
    number, *before = full.settings
    if not before:
        return np.full(full.shape, number, full.dtype)
    return np.broadcast_to(np.full(before[0], number, full.dtype), full.shape)


def in_order(results: Iterable[Value]) -> list[Value]:
    """The results and all that they are computed from, in the order in which they were recorded: the user's, and then that of
    backpropagation. But what is computed from a value comes after it.
    """
    users, missing = dict[Value, list[Value]](), dict[Value, int]()
    waiting, ready = [*results], list[tuple[int, Value]]()
    while waiting:
        if (value := waiting.pop()) not in missing:
            missing[value] = len(value.values)
            for x in value.values:
                users.setdefault(x, []).append(value)
                waiting.append(x)
            if not missing[value]:
                ready.append((value.number, value))
    ordered = list[Value]()
    heapify(ready)
    while ready:
        _, value = heappop(ready)
        ordered.append(value)
        for user in users.get(value, ()):
            missing[user] -= 1
            if not missing[user]:
                heappush(ready, (user.number, user))
    return ordered
