"""Storage: which values share memory, how long each array is needed, and so which may be written over."""

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from tinygrad_ko.compiler.program import Value

WORTH_IT = (
    65_536  # bytes: from here on an array that is no longer needed is written over; below, a new one costs nothing
)
SMALL = 2_048  # bytes: below, NumPy has an array ready before `out=` is parsed

_WRITE_ANYWHERE = {"ufunc", "matmul", "reduce"}  # what can write its result into a given array


class Storage:
    """The memory of the values of a program.

    Whether a view is one is found out by trying it on an array whose numbers are never touched: a reshape may be a copy.
    """

    def __init__(self, values: list[Value], results: Iterable[Value], nested: Collection[Value] = ()) -> None:
        self.owner: dict[Value, Value] = {}  # the value in whose memory a value lies
        self.last: dict[Value, int] = {}  # of each owner: the number of the last value that is computed from it
        self.over: dict[Value, Value] = {}  # the value whose memory a value takes over
        self._dummies: dict[Value, Any] = {}
        for i, value in enumerate(values):
            self.owner[value], self._dummies[value] = self._placed(value)
            for x in (value, *value.values):
                self.last[self.owner[x]] = i
        for value in results:
            self.last[self.owner[value]] = len(values)
        self.lent: set[Value] = set()  # values that may lie in the memory of others, which then live as long
        for value in values:
            if (value.operation == "call" and value.settings[0].lends) or (
                value.operation == "result" and value.inputs[0] in self.lent
            ):
                self.lent.add(value)
        for value in reversed(values):
            if value in self.lent:
                for x in value.values:
                    self.last[self.owner[x]] = max(self.last[self.owner[x]], self.last[self.owner[value]])
        self._plan(values, nested)

    def _placed(self, value: Value) -> tuple[Value, Any]:
        if value.operation == "view":
            (x,), (how, to) = value.inputs, value.settings
            before = self._dummies[x]
            after = (
                before[to]
                if how == "index"
                else np.broadcast_to(before, to)
                if how == "broadcast_to"
                else getattr(before, how)(to)
            )
            if not after.size or np.may_share_memory(before, after):
                return self.owner[x], after
            return value, after
        return value, empty(value)

    def _plan(self, values: list[Value], nested: Collection[Value]) -> None:
        """Find for every value an array that is not needed any more: one of its inputs, which it then changes in place, or another."""
        idle = dict[Any, list[Value]]()
        for i, value in enumerate(values):
            ending = [
                x for x in dict.fromkeys(self.owner[x] for x in value.values) if self.last[x] == i and _is_ours(x)
            ]
            own = [x for x in ending if x in value.values and _kind(x) == _kind(value) and self._in_place(value, x)]
            if value in nested:  # it is no array of its own
                pass
            elif own:
                self.over[value] = min(own, key=_is_named)
                ending.remove(self.over[value])
            elif value.operation in _WRITE_ANYWHERE and value.nbytes >= WORTH_IT and idle.get(_kind(value)):
                self.over[value] = idle[_kind(value)].pop()
            for x in ending:
                if x.nbytes >= WORTH_IT:
                    idle.setdefault(_kind(x), []).append(x)

    def _in_place(self, value: Value, x: Value) -> bool:
        if value.operation == "put":
            return value.inputs[0] is x
        others = [
            y for y in value.values if y is not x and self.owner[y] is x
        ]  # a view of it, which would change meanwhile
        return value.operation == "ufunc" and value.nbytes > SMALL and not others

    def is_view(self, value: Value) -> bool:
        """Whether a value lies in the memory of another."""
        return self.owner[value] is not value


def _is_ours(value: Value) -> bool:
    return value.operation not in ("input", "constant", "full", "call", "result")


def _is_named(value: Value) -> bool:
    """Whether a value is one that the user knows: another array is rather written over."""
    return bool(value.name or value.origin.name)


def _kind(value: Value) -> Any:
    return value.shape, value.dtype, value.order


def empty(value: Value) -> Any:
    """An array of its shape, dtype and memory order."""
    if value.order is None:
        return np.empty(value.shape, value.dtype)
    back = [value.order.index(axis) for axis in range(len(value.order))]
    return np.empty([value.shape[axis] for axis in value.order], value.dtype).transpose(back)
