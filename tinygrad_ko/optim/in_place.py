"""Steps in the arrays that are there: an optimizer's formula is written down once, then made in place, block by block.

A formula computes new arrays from old ones. Called with stand-ins, `Unknown` for an array and `Setting` for a number, it leaves the list of
the ufuncs that it calls, and `placed` gives each result the memory of an array that is not needed any more: the new p that of the old one,
what is between a scratch array's. So a step takes the time of these ufuncs and little more, and its numbers are those of the formula.

All calls, for all parameters, are made by one function that is written in C, so Ctrl-C finds all parameters changed or none. A ufunc that
has its arrays can fail in one way: by an overflow or a division by 0, where these are errors. There, all is computed for trial before.
"""

import warnings
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import Context
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, repeat, starmap
from operator import call, itemgetter
from typing import Any, NamedTuple, TypeVar

import numpy as np

from tinygrad_ko.arrays.library import FLOAT32, FLOAT64, SCALARS, Array

BLOCK = 2**18  # numbers that one call changes: 1 or 2 MB, which stay in the processor's cache

F = TypeVar("F", bound=Callable[..., Any])


def elementwise(formula: F) -> F:
    """Decorator: the method does nothing but +, -, *, / and square roots of its arrays and of numbers that it computes by + - * / ** from
    `steps` and attributes of its optimizer. So it can be made in place.
    """
    vars(formula)["elementwise"] = True
    return formula


class Setting:
    """Stands for a number while a formula is written down: its text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __getattr__(self, name: str) -> "Setting":
        return Setting(f"{self.text}.{name}")

    def __getitem__(self, i: int) -> "Setting":
        return Setting(f"{self.text}[{i}]")

    def _with(self, sign: str, other: Any, reflected: bool = False) -> Any:
        if type(other) is Unknown:
            return NotImplemented
        parts = self.text, _text(other)
        return Setting(f"({f' {sign} '.join(reversed(parts) if reflected else parts)})")

    __sub__ = lambda self, other: self._with("-", other)
    __rsub__ = lambda self, other: self._with("-", other, True)
    __mul__ = lambda self, other: self._with("*", other)
    __truediv__ = lambda self, other: self._with("/", other)
    __pow__ = lambda self, other: self._with("**", other)


def _text(number: Any) -> str:
    return number.text if type(number) is Setting else repr(number)


class Unknown:
    """Stands for an array while a formula is written down; what is computed from it is another one."""

    def __init__(self, number: int, calls: list[Any], constants: list[str]) -> None:
        self.number, self.calls, self.constants = number, calls, constants

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *arguments: Any) -> "Unknown":
        """The result of a call. A number among the arguments is a constant: -1, -2, ..."""
        numbers = []
        for x in arguments:
            if type(x) is not Unknown:
                self.constants.append(_text(x))
            numbers.append(x.number if type(x) is Unknown else -len(self.constants))
        self.calls.append((ufunc, *numbers))
        return Unknown(len(self.calls) - 1, self.calls, self.constants)

    __add__ = lambda self, other: np.add(self, other)
    __sub__ = lambda self, other: np.subtract(self, other)
    __mul__ = lambda self, other: np.multiply(self, other)
    __rmul__ = lambda self, other: np.multiply(other, self)
    __truediv__ = lambda self, other: np.divide(self, other)


class Written(NamedTuple):
    """A formula that is written down."""

    calls: list[tuple[np.ufunc, Callable[[list[Any]], Any]]]  # each takes its part of [*old, g, *new, *scratch, *constants], the output last
    scratch: int  # how many scratch arrays there are
    constants: Callable[[Any, int], list[Any]]  # of an optimizer and a number of steps


@lru_cache(maxsize=64)
def written(updated: Callable[..., Any], decayed: Callable[..., Any] | None, memory: tuple[str, ...]) -> Written:
    """The formula of an optimizer that keeps such `memory`, after its weight decay if there is any."""
    n = 1 + len(memory)
    calls: list[Any] = [()] * (n + 1)  # each in the place of the number of its result; in front those of the arrays that are given
    constants: list[str] = []
    p, *kept, g = [Unknown(i, calls, constants) for i in range(n + 1)]
    settings = Setting("self")
    if decayed:
        g = decayed(settings, p, g)
    results = [new.number for new in updated(settings, p, g, Setting("steps"), **dict(zip(memory, kept, strict=True)))]

    last = {number: i for i, (_, *parts) in enumerate(calls[n + 1 :], n + 1) for number in parts}  # the call that reads it last
    last.update(dict.fromkeys(results, len(calls)))
    place = {i: i for i in range(n)}  # of a number, among new and scratch arrays: the old ones are where the new will be
    busy = [last.get(i, -1) for i in range(n)]  # the last call that reads what is in such a place
    placed = []
    for i, (ufunc, *parts) in enumerate(calls[n + 1 :], n + 1):
        own = [results.index(i)] if i in results else []
        read = [place[number] for number in parts if number in place]
        place[i] = next((at for at in (*own, *read, *range(n, len(busy))) if busy[at] <= i), len(busy))
        busy[place[i] : place[i] + 1] = [last.get(i, i)]
        placed.append((ufunc, itemgetter(*[x if x <= n else n + 1 + place[x] for x in (*parts, i)])))
    assert [place.get(number) for number in results] == [*range(n)], "an old value is read after the new one is there"
    return Written(placed, len(busy) - n, eval(f"lambda self, steps: [{', '.join(reversed(constants))}]"))


Block = tuple[Array, ...]  # p, what is kept for it, and g, in one shape


@dataclass(slots=True)
class Group:
    """Blocks of one dtype, and the formula that changes them, with its constants in that dtype."""

    formula: Written
    dtype: Any
    constants: list[Any]
    blocks: list[Block]

    @classmethod
    def of(cls, formula: Written, optimizer: Any, steps: int, dtype: Any) -> "Group | None":
        """None if the formula gives another dtype than that of its arrays, or the numbers are not all Python's, which have no say in it."""
        constants = formula.constants(optimizer, steps)
        if dtype not in (FLOAT32, FLOAT64) or not {*map(type, constants)} <= {*SCALARS}:
            return None
        return cls(formula, dtype, [repeat(np.array(c, dtype)) for c in constants], [])

    def calls(self, on_trial: bool) -> list[Iterable[Any]]:
        """Iterators that make the calls: on trial those that put all that is new into scratch arrays, and then those in place."""
        blocks, n = self.blocks, len(self.blocks[0]) - 1
        if any([block[0].size > BLOCK for block in blocks]):
            blocks = [part for block in blocks for part in _parts(block)]
        shapes = [(block[0].size, block[0].shape) for block in blocks]
        scratch = [
            [array[:size].reshape(shape) for size, shape in shapes]
            for array in [np.empty(max(shapes)[0], self.dtype) for _ in range(self.formula.scratch + n * on_trial)]
        ]
        old = [*zip(*blocks, strict=True)]
        in_place = [*old, *old[:-1], *scratch, *self.constants]
        trial = [[*old, *scratch, *self.constants]] if on_trial else []
        return [zip(*[map(ufunc, *pick(columns)) for ufunc, pick in self.formula.calls]) for columns in (*trial, in_place)]


def _parts(block: Block) -> list[Block]:
    """A block in parts of at most BLOCK numbers, which lie one after the other."""
    flat = [array.reshape(-1) for array in block]
    return [tuple([array[i : i + BLOCK] for array in flat]) for i in range(0, len(flat[0]), BLOCK)]


def make(name: str, groups: list[Group], changes: list[tuple[Any, ...]]) -> None:
    """Make the calls of all groups and then the changes, which are calls too: all or, if anything goes wrong, none."""
    on_trial = bool(groups) and _errors_wanted()
    calls = [group.calls(on_trial) for group in groups]
    if on_trial:
        deque(chain(*[trial for trial, _ in calls]), 0)
    _met.clear()
    _apart.copy().run(deque, chain(*[in_place for *_, in_place in calls], starmap(call, changes)), 0)
    if _met and not on_trial:
        modes = np.geterr()
        for kind in [kind for kind in _met if modes[_KINDS[kind]] == "warn"]:
            warnings.warn(f"{kind} encountered in the step of {name}", RuntimeWarning, stacklevel=3)


_HANDLED = frozenset({"raise", "call", "print", "log"})
_KINDS = {"divide by zero": "divide", "overflow": "over", "underflow": "under", "invalid value": "invalid"}

# Here a ufunc that overflows calls a method that is written in C: no Python code runs between two calls.
_met: dict[str, int] = {}
_apart = Context()
_apart.run(np.seterr, all="call")
_apart.run(np.seterrcall, _met.setdefault)


def _errors_wanted() -> bool:
    """Whether an overflow is an error, or runs somebody's code."""
    return not _HANDLED.isdisjoint(np.geterr().values()) or "error" in map(itemgetter(0), warnings.filters)
