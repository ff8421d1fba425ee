"""The intermediate representation: a graph of values, each computed once, by one operation, from earlier values."""

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
    """Where in the source a value comes from. The fields from `argument` on are those of values of the backward pass."""

    op: str = ""
    line: str = ""  # file:line in the user's code; in backward, that of the call in forward
    name: str | None = None  # the user's variable that the result of the call is stored in
    inner: str | None = None  # the variable inside of the op, or the op that a formula calls
    ignored: tuple[str, ...] = ()  # floating-point errors that NumPy is told to ignore (np.errstate)
    layers: tuple[str, ...] = ()  # the layers of a model that the op was called in, outermost first
    broadcasts: bool = False  # whether the op stretches its arguments, so that gradients are summed to their shapes
    argument: str = ""  # the argument of the op that the gradient is with respect to
    formula: str = ""  # the formula of that gradient
    of: Any = None  # the value that the gradient is with respect to
    call: Any = None  # the output of the op in forward
    letters: dict[str, Any] = field(default_factory=dict)  # what the variables of the formula stand for


@dataclass(eq=False, slots=True)
class Value:
    """A node of the program. `operation` is how it is computed from `inputs`, which are values and Python numbers, with static `settings`:

    input                    an argument of the program; in a loop, settings: whether it is a block of one
    constant                 an array known when traced; settings: a copy of it, and the array itself
    full                     one number everywhere; settings: the number and, if it is broadcast, the shape before that
    number                   an operator between Python numbers; settings: its sign
    ufunc                    a NumPy ufunc, element by element; settings: its name
    where, astype, power     element by element too
    reduce                   a ufunc along axes; settings: its name, the axes, keepdims, whether by rows (`quick` in arrays.library)
    matmul                   a matrix product
    view                     the same elements in another shape; settings: reshape, transpose, broadcast_to or index, and its argument
    take, put                reading and writing at an index that contains arrays; settings: the index, with Slots
    call                     any other function; settings: a Called
    loop                     a blocked loop; settings: a Loop of `blocks`
    result                   one of several results of a call or a loop; settings: its number
    """

    operation: str
    inputs: tuple[Any, ...] = field(repr=False)  # the text of a deep graph would be exponentially long
    settings: tuple[Any, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: tuple[int, ...] | None = None  # memory order: axes from the longest stride to the shortest; None is C order
    origin: Origin = field(default_factory=Origin, repr=False)
    name: str | None = None
    rank: int = field(default_factory=_ranks.__next__)  # its place in the order of recording; rewriting keeps it
    is_number: bool = False  # a Python number, which does not decide the dtype of a result (NumPy's weak promotion)
    simplified: "Value | None" = None  # the value that simplification has put in its place
    is_effect: bool = False  # a call with a side effect, a check or a random draw: never merged, dropped or reordered

    @property
    def values(self) -> list["Value"]:
        """The inputs that are values, without the numbers."""
        return [x for x in self.inputs if isinstance(x, Value)]

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def altered(self, **changes: Any) -> "Value":
        """A copy with other fields."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Slot:
    """A placeholder in a template of arguments or of an index: the input of that number comes here."""

    number: int


@dataclass(eq=False, slots=True)
class Called:
    """A function that is called as it is, and a template of its arguments, with Slots for the arrays."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    may_alias: bool = field(default=False, repr=False)  # whether a result may share memory with an input
    results: int = field(default=0, repr=False)  # the number of results if it returns a tuple or list, else 0

    def __call__(self, inputs: list[Any]) -> Any:
        return self.function(*with_inputs(self.arguments, inputs), **with_inputs(self.options, inputs))


def with_inputs(template: Any, inputs: list[Any]) -> Any:
    """A template with the inputs in place of its Slots."""
    if isinstance(template, Slot):
        return inputs[template.number]
    return mapped_inside(lambda part: with_inputs(part, inputs), template)


def mapped_inside(change: Callable[[Any], Any], part: Any) -> Any:
    """A list, tuple, dict or slice with a function applied to each part; anything else unchanged."""
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
    """The array that a value of the operation `full` stands for."""
    number, *before = full.settings
    if full.order:
        back = [full.order.index(axis) for axis in range(len(full.order))]
        return np.full([full.shape[axis] for axis in full.order], number, full.dtype).transpose(back)
    if not before:
        return np.full(full.shape, number, full.dtype)
    return np.broadcast_to(np.full(before[0], number, full.dtype), full.shape)


def in_order(results: Iterable[Value]) -> list[Value]:
    """The results and all that they are computed from (so no dead code), sorted topologically, as near to the order of recording as that
    allows; effects stay in their order.
    """
    recorded = sorted(_behind(results), key=attrgetter("rank"))
    effects = [value for value in recorded if value.is_effect]
    before = dict(zip(effects[1:], effects, strict=False))
    found = dict[Value, None]()
    for value in recorded:
        waiting = [value]
        while waiting:  # one step, except for a loop over blocks, whose inputs may be recorded after its first value
            now = waiting[-1]
            needed = [*now.values, before[now]] if now in before else now.values
            missing = [x for x in needed if x not in found]
            waiting += reversed(missing)
            if not missing:
                found[waiting.pop()] = None
    return [*found]


def _behind(results: Iterable[Value]) -> set[Value]:
    """The results and all that they are computed from, in no order."""
    found, waiting = set[Value](), [*results]
    while waiting:
        value = waiting.pop()
        if value not in found:
            found.add(value)
            waiting += value.values
    return found
