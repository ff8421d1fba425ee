"""Storage: alias analysis (which values are views of others), liveness (when each array is used last) and buffer reuse.

An operation writes its result into memory that is dead by then: in place, into that of an input of the same shape, dtype and memory order
that nothing after it reads, or with `out=` into that of another dead array.
"""

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from tinygrad_ko.compiler.program.values import Value

SMALL = 2_048  # bytes of a small array: see small.py
REUSED_FROM = 65_536  # bytes, from which on the memory of dead arrays is reused: allocating less costs next to nothing


class Storage:
    """The memory of the values of a program.

    `fixed` are values that neither reuse memory nor give theirs: those nested in an expression and parts of sums. Whether a reshape is a
    view or a copy depends on the strides, so each view is taken of an uninitialised array, and asked whether it shares memory.
    """

    def __init__(
        self,
        values: list[Value],
        results: Iterable[Value],
        fixed: Collection[Value] = (),
        reused_from: int = REUSED_FROM,
    ) -> None:
        self.owner: dict[Value, Value] = {}  # the value that owns the memory of a value: itself, unless it is a view
        self.last: dict[Value, int] = {}  # of each owner, the position of the last operation that reads its memory
        self.shared: dict[Value, set[Value]] = {}  # of a call that may alias: the owners of its inputs
        self.over: dict[Value, Value] = {}  # the dead value whose memory a value reuses
        self._dummies: dict[Value, Any] = {}
        for i, value in enumerate(values):
            self.owner[value] = self._owner(value)
            if _may_alias(value):
                owners = {self.owner[x] for x in value.values}
                self.shared[value] = owners.union(*(self.shared.get(x, ()) for x in owners))
            for x in (value, *value.values):
                self.last[self.owner.setdefault(x, x)] = i  # numbers have no place in the order of a loop
        for value in results:
            self.last[self.owner[value]] = len(values)
        for value in reversed(values):
            for x in self.shared.get(value, ()):
                self.last[x] = max(self.last[x], self.last[value])
        self._fixed, self._reused_from = fixed, reused_from
        self._plan(values)

    def _owner(self, value: Value) -> Value:
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
        """For every value choose dead memory to write it into, if there is any: that of an input, in place, or an idle array."""
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
            elif _can_write(value) and value.nbytes >= self._reused_from and idle.get(_kind(value)):
                self.over[value] = idle[_kind(value)].pop()
            for x in ending:
                if x.nbytes >= self._reused_from:
                    idle.setdefault(_kind(x), []).append(x)

    def _in_place(self, value: Value, x: Value) -> bool:
        if value.operation == "put":
            return value.inputs[0] is x
        # A view of x that is read by the same operation would change meanwhile.
        others = [
            y for y in value.values if y is not x and (self.owner[y] is x or x in self.shared.get(self.owner[y], ()))
        ]
        return value.operation == "ufunc" and bool(value.shape) and not others

    def places(self, outputs: list[Value]) -> dict[Value, Value | None]:
        """The values for which an array is to be allocated before the loop, and the output that ends up in it through reuse, if any."""
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
    """Whether its operation takes `out=`."""
    return value.operation in ("ufunc", "matmul") or (value.operation == "reduce" and not value.settings[3])


def _may_alias(value: Value) -> bool:
    """Whether a value is a result of a call that may share memory with its arguments."""
    if value.operation == "result":
        return _may_alias(value.inputs[0])
    return value.operation == "call" and bool(value.settings[0].may_alias)


def _is_ours(value: Value) -> bool:
    """Whether the program has allocated its memory, and nobody else has seen it."""
    if value.operation == "result" and value.inputs[0].operation == "loop":
        return bool(value.shape)
    return value.operation not in ("input", "constant", "full", "call", "result", "loop")


def _is_named(value: Value) -> bool:
    """Whether the user has named a value: of two dead arrays the one without a name is written over."""
    return bool(value.name or value.origin.name)


def _kind(value: Value) -> Any:
    return value.shape, value.dtype, value.order


def empty(value: Value, dtype: np.dtype[Any]) -> Any:
    """An array of its shape and memory order."""
    if value.order is None:
        return np.empty(value.shape, dtype)
    back = [value.order.index(axis) for axis in range(len(value.order))]
    return np.empty([value.shape[axis] for axis in value.order], dtype).transpose(back)
