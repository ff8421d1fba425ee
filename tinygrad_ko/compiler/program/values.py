"""A program: values, each computed from earlier ones by a function of NumPy's, in the order in which they were recorded."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from math import prod
from operator import attrgetter, ge
from typing import Any

import numpy as np

_ranks = count()


@dataclass(frozen=True, slots=True)
class Origin:
    """What a value is of."""

    op: str = ""
    line: str = ""  # file:line of the user's; in backward, of the call that it is the backward of
    name: str | None = None  # of the user's variable that it is stored in, or that what is made of it is
    inner: str | None = None  # of the variable of the op's, or of the op that a formula calls
    ignored: tuple[str, ...] = ()  # floating-point errors that are meant to happen
    argument: str = ""  # in backward: the argument of the op whose gradient it is
    formula: str = ""  # and its formula
    of: Any = None  # and the value whose gradient it is
    call: Any = None  # and the value that the op gave
    letters: dict[str, Any] = field(
        default_factory=dict
    )  # and what the letters of the formula stand for: values and numbers


@dataclass(eq=False, slots=True)
class Value:
    """A value of a program. `operation` says how it is computed from its inputs, which are values and numbers:

    input                    it is passed; settings: its name
    constant                 an array that is there from the start; settings: the array
    full                     one number everywhere; settings: the number and, where that is stretched, the shape from which
    number                   a sign of Python's between numbers of Python's; settings: the sign
    ufunc                    a function of NumPy's, element by element; settings: its name
    where, astype, power     element by element too
    reduce                   a ufunc along axes; settings: its name, the axes, keepdims, whether by rows
    matmul                   a product of matrices
    view                     the same numbers in another shape; settings: reshape, transpose, broadcast_to or index, and to what
    take, put                an index that holds arrays, for reading and for writing; settings: the index
    call                     any other function; settings: a Called
    result                   one of the results of a call; settings: which
    """

    operation: str
    inputs: tuple[Any, ...] = field(repr=False)  # its text would have that of each again and again
    settings: tuple[Any, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: tuple[int, ...] | None = None  # its axes from the longest stride to the shortest, if it is not in C order
    origin: Origin = field(default_factory=Origin, repr=False)
    name: str | None = None
    rank: int = field(
        default_factory=_ranks.__next__
    )  # in the order of recording; one that is made from it has the same
    is_number: bool = False  # one of Python's own, which gives an array no dtype
    now: "Value | None" = None  # what it was simplified to
    is_effect: bool = False  # whether its call does something beside (a check, a draw), which is done once and in the order of recording

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
class Slot:
    """Stands for an input in the arguments of a call."""

    number: int


@dataclass(eq=False, slots=True)
class Called:
    """A function and its arguments, with places for the arrays."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    lends: bool = field(default=False, repr=False)  # whether a result may lie in the memory of an input
    results: int = field(default=0, repr=False)  # if it gives a tuple or a list: how many

    def __call__(self, inputs: list[Any]) -> Any:
        return self.function(*with_inputs(self.arguments, inputs), **with_inputs(self.options, inputs))


def with_inputs(template: Any, inputs: list[Any]) -> Any:
    """A template of arguments with the inputs at their places."""
    if isinstance(template, Slot):
        return inputs[template.number]
    return mapped_inside(lambda part: with_inputs(part, inputs), template)


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


def memory_order(array: Any) -> tuple[int, ...] | None:
    """The axes of an array from the longest stride to the shortest; None in C order."""
    steps = [abs(s) for s in array.strides]
    if 0 in steps or all(map(ge, steps, steps[1:])):
        return None
    return tuple(sorted(range(len(steps)), key=lambda axis: -steps[axis]))


def filled_with(full: Value) -> Any:
    """The array that a `full` is."""
    number, *before = full.settings
    if full.order:
        back = [full.order.index(axis) for axis in range(len(full.order))]
        return np.full([full.shape[axis] for axis in full.order], number, full.dtype).transpose(back)
    if not before:
        return np.full(full.shape, number, full.dtype)
    return np.broadcast_to(np.full(before[0], number, full.dtype), full.shape)


def in_order(results: Iterable[Value]) -> list[Value]:
    """The results and all that they are computed from, in the order in which they were recorded, inputs before what is made of them."""
    recorded = sorted(_behind(results), key=attrgetter("rank"))
    effects = [value for value in recorded if value.is_effect]
    before = dict(zip(effects[1:], effects, strict=False))
    found = dict[Value, None]()
    for value in recorded:
        waiting = [value]
        while waiting:  # most often for itself alone: a loop over blocks needs what was recorded after its first value
            now = waiting[-1]
            needed = [*now.values, before[now]] if now in before else now.values
            missing = [x for x in needed if x not in found]
            waiting += reversed(missing)
            if not missing:
                found[waiting.pop()] = None
    return [*found]


def _behind(results: Iterable[Value]) -> set[Value]:
    """The results and all that they are computed from."""
    found, waiting = set[Value](), [*results]
    while waiting:
        value = waiting.pop()
        if value not in found:
            found.add(value)
            waiting += value.values
    return found
