"""Storage: which values share memory, how long each array is needed, and so which may be written over."""

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from tinygrad_ko.compiler.program.values import Value

SMALL = 2_048  # bytes of a small array: see small.py
WORTH_IT = (
    65_536  # bytes: from here on an array that is no longer needed is written over; below, a new one costs nothing
)


class Storage:
    """The memory of the values of a program.

    Fixed are values that are no array, or each time another: they take over no memory. Whether a view is one is found out by trying it
    on an array whose numbers are never touched: a reshape may be a copy.
    """

    def __init__(
        self, values: list[Value], results: Iterable[Value], fixed: Collection[Value] = (), worth_it: int = WORTH_IT
    ) -> None:
        self.owner: dict[Value, Value] = {}  # the value in whose memory a value lies
        self.last: dict[Value, int] = {}  # of each owner: the number of the last value that is computed from it
        self.shared: dict[Value, set[Value]] = {}  # of what a call lends: the owners of memory in which it may lie
        self.over: dict[Value, Value] = {}  # the value whose memory a value takes over
        self._dummies: dict[Value, Any] = {}
        for i, value in enumerate(values):
            self.owner[value] = self._placed(value)
            if _is_lent(value):
                owners = {self.owner[x] for x in value.values}
                self.shared[value] = owners.union(*(self.shared.get(x, ()) for x in owners))
            for x in (value, *value.values):
                self.last[self.owner.setdefault(x, x)] = i  # numbers have no place in the order of a loop
        for value in results:
            self.last[self.owner[value]] = len(values)
        for value in reversed(values):
            for x in self.shared.get(value, ()):
                self.last[x] = max(self.last[x], self.last[value])
        self._fixed, self._worth_it = fixed, worth_it
        self._plan(values)

    def _placed(self, value: Value) -> Value:
        if value.operation != "view":
            return value
        (x,), (how, to) = value.inputs, value.settings
        before = self._dummies[x] if x in self._dummies else empty(x, np.dtype(np.int8))
        if how == "index":
            after = before[to]
        else:
            after = np.broadcast_to(before, to) if how == "broadcast_to" else getattr(before, how)(to)
        self._dummies[value] = after
        return self.owner[x] if not after.size or np.may_share_memory(before, after) else value

    def _plan(self, values: list[Value]) -> None:
        """Find for every value an array that is not needed any more: one of its inputs, which it then changes in place, or another."""
        idle = dict[Any, list[Value]]()
        for i, value in enumerate(values):
            ending = [
                x
                for x in dict.fromkeys(self.owner[x] for x in value.values)
                if self.last[x] == i and _is_ours(x) and x not in self._fixed
            ]
            own = [x for x in ending if x in value.values and _kind(x) == _kind(value) and self._in_place(value, x)]
            if value in self._fixed:
                pass
            elif own:
                self.over[value] = min(own, key=_is_named)
                ending.remove(self.over[value])
            elif _can_write(value) and value.nbytes >= self._worth_it and idle.get(_kind(value)):
                self.over[value] = idle[_kind(value)].pop()
            for x in ending:
                if x.nbytes >= self._worth_it:
                    idle.setdefault(_kind(x), []).append(x)

    def _in_place(self, value: Value, x: Value) -> bool:
        if value.operation == "put":
            return value.inputs[0] is x
        # A view of it would change meanwhile.
        others = [
            y for y in value.values if y is not x and (self.owner[y] is x or x in self.shared.get(self.owner[y], ()))
        ]
        return value.operation == "ufunc" and bool(value.shape) and not others

    def places(self, outputs: list[Value]) -> dict[Value, Value | None]:
        """The values that can be written into an array that is there, and the output whose memory that is in the end, if any."""
        ends = dict[Value, Value | None]()
        for output in outputs:
            begin = output
            while begin in self.over:
                begin = self.over[begin]
            ends[begin] = output
        return {v: ends.get(v) for v in self.owner if _can_write(v) and v not in self.over and v not in self._fixed}

    def is_view(self, value: Value) -> bool:
        """Whether a value lies in the memory of another."""
        return self.owner[value] is not value


def _can_write(value: Value) -> bool:
    """Whether it can be computed into an array that is there."""
    return value.operation in ("ufunc", "matmul") or (value.operation == "reduce" and not value.settings[3])


def _is_lent(value: Value) -> bool:
    """Whether a value may lie in the memory of what it is computed from."""
    if value.operation == "result":
        return _is_lent(value.inputs[0])
    return value.operation == "call" and bool(value.settings[0].lends)


def _is_ours(value: Value) -> bool:
    if value.operation == "result" and value.inputs[0].operation == "loop":
        return bool(value.shape)
    return value.operation not in ("input", "constant", "full", "call", "result", "loop")


def _is_named(value: Value) -> bool:
    """Whether a value is one that the user knows: another array is rather written over."""
    return bool(value.name or value.origin.name)


def _kind(value: Value) -> Any:
    return value.shape, value.dtype, value.order


def empty(value: Value, dtype: np.dtype[Any]) -> Any:
    """An array of its shape and memory order."""
    if value.order is None:
        return np.empty(value.shape, dtype)
    back = [value.order.index(axis) for axis in range(len(value.order))]
    return np.empty([value.shape[axis] for axis in value.order], dtype).transpose(back)
