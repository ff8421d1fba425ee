"""Storage: which values share memory, how long each array is needed, and so which may be written over."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_ko.compiler.program import Value


class Storage:
    """The memory of the values of a program.

    Whether a view is one is found out by trying it on an array whose numbers are never touched: a reshape may be a copy.
    """

    def __init__(self, values: list[Value], results: Iterable[Value]) -> None:
        self.owner: dict[Value, Value] = {}  # the value in whose memory a value lies
        self.last: dict[Value, int] = {}  # of each owner: the number of the last value that is computed from it
        self._dummies: dict[Value, Any] = {}
        for i, value in enumerate(values):
            self.owner[value], self._dummies[value] = self._placed(value)
            for x in value.values:
                self.last[self.owner[x]] = i
            self.last.setdefault(self.owner[value], i)
        for value in results:
            self.last[self.owner[value]] = len(values)

    def _placed(self, value: Value) -> tuple[Value, Any]:
        if value.operation == "view":
            (x,), (how, to) = value.inputs, value.settings
            before = self._dummies[x]
            after = before[to] if how == "index" else np.broadcast_to(before, to) if how == "broadcast_to" else getattr(before, how)(to)
            if not after.size or np.may_share_memory(before, after):
                return self.owner[x], after
            return value, after
        return value, empty(value)

    def is_view(self, value: Value) -> bool:
        """Whether a value lies in the memory of another."""
        return self.owner[value] is not value

    def is_contiguous(self, value: Value) -> bool:
        return bool(self._dummies[value].flags.c_contiguous)

    def dies(self, value: Value, i: int) -> bool:
        """Whether value number i is the last that needs the memory of a value."""
        return self.last[self.owner[value]] <= i


def empty(value: Value) -> Any:
    """An array of its shape, dtype and memory order."""
    if value.order is None:
        return np.empty(value.shape, value.dtype)
    back = [value.order.index(axis) for axis in range(len(value.order))]
    return np.empty([value.shape[axis] for axis in value.order], value.dtype).transpose(back)
