"""Equal blocks in a row: found, compared wire by wire, and put into a group of which the first is drawn.

Equal are blocks with the same operations on values of the same shapes, wired alike: each to its own parameters or to common
ones, and to the block before. Numbers and options may differ.
"""

from collections.abc import Iterator
from typing import Any

from tinygrad_ko.drawing.grouping import Group, adopt, operations
from tinygrad_ko.drawing.reading import Vertex
from tinygrad_ko.drawing.repeats import repeats

LEAST = 4  # so many equal blocks in a row are drawn as one
Wire = tuple[Any, ...]  # where a block takes a value from: itself, the block before, a leaf of its own, or elsewhere
Wires = list[tuple[Vertex, Wire]]


class Blocks:
    """The equal blocks of a graph. `mirror` has for what is inside of all but the first what is in the first."""

    def __init__(self, vertices: list[Vertex], root: Group) -> None:
        self.mirror: dict[Vertex, Vertex] = {}
        self.place = {v: i for i, v in enumerate(vertices)}
        self.users: dict[Vertex, tuple[int, int]] = {}  # the places of the first and the last user
        for i, user in enumerate(vertices):
            for leaf, _ in user.sources:
                self.users[leaf] = (self.users.get(leaf, (i, i))[0], i)
        self.numbers: dict[Any, int] = {}
        self.looks: dict[Any, int] = {}
        groups, unread = [], [root]
        while unread:
            group = unread.pop()
            groups.append(group)
            unread.extend(item for item in group.items if isinstance(item, Group))
        for group in reversed(groups):  # the inner ones first
            self.fold(group)
            self.looks[group] = self.number("group", group.name, *map(self.look, group.items))

    def number(self, *facts: Any) -> int:
        """A number for these facts: equal for equal ones."""
        return self.numbers.setdefault(facts, len(self.numbers))

    def look(self, item: Any) -> int:
        """What an item looks like, without its wires."""
        if item not in self.looks:
            self.looks[item] = self.number("op", item.name, item.shape, item.dtype, len(item.sources))
        return self.looks[item]

    def fold(self, group: Group) -> None:
        """Put the equal blocks among the items of a group into groups."""
        runs = repeats([self.look(item) for item in group.items], LEAST)
        if not runs:
            return
        where = {v: (i, n) for i, item in enumerate(group.items) for n, v in enumerate(operations(item))}
        items, end = [], 0
        for run in runs:
            starts = [run.start + n * run.period for n in range(run.times)]
            wires = [self.wires(group.items[i : i + run.period], i, run.period, where) for i in starts]
            for first, last in alike_in_a_row(wires):
                items += group.items[end : starts[first]]
                end = starts[first] + (last - first) * run.period
                block = Group("", group, group.items[starts[first] : end], run.period)
                adopt(block)
                self.reflect(block, wires[first:last])
                self.looks[block] = self.number("blocks", block.times, *map(self.look, block.items[: run.period]))
                items.append(block)
        group.items = items + group.items[end:]

    def wires(self, unit: list[Any], start: int, period: int, where: dict[Vertex, tuple[int, int]]) -> Wires:
        """Where the operations of a block take their arguments from, in order."""
        inside = list(operations_of(unit))
        low, high = self.place[inside[0]], self.place[inside[-1]]
        found = []
        for v in inside:
            for source, _ in v.sources:
                wire: Wire = ("elsewhere", id(source))
                if source.kind == "op" and source in where:
                    i, n = where[source]
                    if start <= i < start + period:
                        wire = ("inside", i - start, n)
                    elif start - period <= i < start:
                        wire = ("before", i - start + period, n)
                elif source.kind in ("leaf", "constant"):
                    first, last = self.users[source]
                    if low <= first and last <= high:
                        wire = ("own", source.kind, source.shape, source.dtype)
                found.append((source, wire))
        return found

    def reflect(self, block: Group, wires: list[Wires]) -> None:
        """Say what mirrors what, and what flows into the first block where the others take it from the one before."""
        first = list(operations_of(block.items[: block.period]))
        for n in range(1, block.times):
            unit = operations_of(block.items[n * block.period : (n + 1) * block.period])
            self.mirror.update(zip(unit, first, strict=True))
            for (here, wire), (source, _) in zip(wires[n], wires[0], strict=True):
                if wire[0] == "own":
                    self.mirror[here] = source
        block.entering = {source for (source, _), (_, wire) in zip(*wires[:2], strict=True) if wire[0] == "before"}


def operations_of(items: list[Any]) -> list[Vertex]:
    """The operations in some items, in order."""
    return [v for item in items for v in operations(item)]


def alike_in_a_row(wires: list[Wires]) -> Iterator[tuple[int, int]]:
    """From where to where there are enough blocks in a row that are wired alike."""
    first = 0
    while first < len(wires):
        last = first + 1
        while last < len(wires) and alike(wires[last - 1], wires[last], last - 1 == first):
            last += 1
        if last - first >= LEAST:
            yield first, last
        first = last


def alike(before: Wires, after: Wires, is_first: bool) -> bool:
    """Whether two blocks in a row are wired alike. What the second takes from the first, the first may take from anywhere."""
    return len(before) == len(after) and all(
        a == b or (is_first and b[0] == "before" and a[0] != "inside")
        for (_, a), (_, b) in zip(before, after, strict=True)
    )
