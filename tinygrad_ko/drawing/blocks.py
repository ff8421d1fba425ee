"""Equal blocks in a row are found, and put into a group of which the first is drawn.

Equal are blocks with the same operations on values of the same shapes, wired alike. Each takes its values from itself, from
the block before, from parameters of its own, from something that all of them take, or from blocks of an earlier row (as the
gradient of a deep network does). Numbers and options may differ.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from tinygrad_ko.drawing.grouping import Group, Item, groups, vertices_in
from tinygrad_ko.drawing.reading import Vertex
from tinygrad_ko.drawing.repeats import Run, repeats
from tinygrad_ko.drawing.rows import Place, Rows
from tinygrad_ko.drawing.wiring import Wires, equal_in_a_row, wires

COUNTED = "0123456789_-. "  # the end of a name that only tells equal blocks apart: block3, layer 12
LEAST = 4  # so many equal blocks in a row are drawn as one
TURNS = 3  # what looks alike may be wired alike only every second or third time
TRIES = 2  # so many places with few values between blocks are tried


def find(graph: list[Vertex], root: Group) -> Rows:
    """The rows of equal blocks in a graph. They become groups below `root`."""
    finder = Finder(graph, root)
    unfinished = [finder.fold(root)]
    while unfinished:
        inner = next(unfinished[-1], None)
        if inner is None:
            unfinished.pop()
        else:
            unfinished.append(finder.fold(inner))
    return finder.rows


class Finder:
    """Looks for equal blocks, in order of time, and in a group before in the groups that it has inside."""

    def __init__(self, graph: list[Vertex], root: Group) -> None:
        self.rows = Rows()
        self.looks = looks(root)
        self.first_users: dict[Vertex, Vertex] = {}
        for user in graph:
            for source, _ in user.sources:
                self.first_users.setdefault(source, user)

    def fold(self, group: Group) -> Iterator[Group]:
        """Put the equal blocks among the items of a group into rows. Yields the groups inside, each to be folded before this
        goes on: a row may take its values from an earlier one in there.
        """
        items, group.items, end = group.items, [], 0
        for start, period, length in [*repeats([self.looks[item] for item in items], LEAST), Run(len(items), 1, 0)]:
            alike = items[start : start + length]
            for item in chain(items[end:start], self.in_rows(group, alike, period)):
                group.items.append(item)
                inner = item.items[0] if isinstance(item, Group) and item.kind == "row" else item
                if isinstance(inner, Group):
                    yield inner
            end = start + length

    def in_rows(self, group: Group, items: list[Item], period: int) -> Iterator[Item]:
        """The items, with rows in place of equal blocks."""
        end = 0
        for start, blocks, wired in self.equal(items, period):
            yield from items[end:start]
            yield self.row(group, blocks, wired)
            end = start + len(blocks) * len(blocks[0])
        yield from items[end:]

    def equal(self, items: list[Item], period: int) -> list[tuple[int, list[list[Item]], list[Wires]]]:
        """Where rows of equal blocks begin, the blocks, and their wires; for the seams with which there are the most blocks."""
        best: list[tuple[int, list[list[Item]], list[Wires]]] = []
        most = 0
        for size in range(period, period * TURNS + 1, period):
            for start in seams(items, size):
                blocks = [items[i : i + size] for i in range(start, len(items) - size + 1, size)]
                wired = wires([list(vertices_in(block)) for block in blocks], self.rows, self.first_users)
                spans = list(equal_in_a_row(wired, LEAST))
                if (count := sum(last - first for first, last in spans)) > most:
                    best, most = [(start + size * i, blocks[i:k], wired[i:k]) for i, k in spans], count
                if most == len(blocks):
                    return best
            if best:
                break
        return best

    def row(self, group: Group, blocks: list[list[Item]], wired: list[Wires]) -> Group:
        """The row of some equal blocks, in a group."""
        row = Group("row", parent=group)
        for k, items in enumerate(blocks):
            block = items[0] if len(items) == 1 else None
            if not isinstance(block, Group):
                block = Group("block", items=items)
                for item in items:
                    if isinstance(item, Group):
                        item.parent = block
            block.parent = row
            row.items.append(block)
            equal = dict(zip(vertices_in(items), vertices_in(blocks[0]), strict=True))
            # What the first takes in place of what the others take from the block before is no part of it: ask the second.
            for (here, _), (first, _), (_, wire) in zip(wired[k], wired[0], wired[max(k, 1)], strict=True):
                if wire[0] == "own":
                    equal[here] = first
            for here, first in equal.items():
                self.rows.places.setdefault(here, []).append(Place(row, k + 1))
                if k:
                    self.rows.mirror[here] = first
        return row


def seams(items: list[Item], size: int) -> list[int]:
    """Where the first of equal blocks may begin. There is a choice if a part of a block is left over: where the fewest values go
    from one block to the next, or at once, or so that the last block ends at the end.
    """
    over = len(items) % size
    if not over:
        return [0]
    made = {v: i for i, item in enumerate(items[: 3 * size]) for v in vertices_in([item])}
    used: dict[Vertex, int] = {}  # by which item last, not more than a block later
    for user, i in made.items():
        used |= {source: i for source, _ in user.sources if source in made and i <= made[source] + size}
    going = [0] * (3 * size)  # how many values go from before an item to it or past it
    for v, last in used.items():
        for i in range(made[v] + 1, last + 1):
            going[i] += 1
    best = sorted(range(over + 1), key=lambda start: going[start + size])
    return list(dict.fromkeys([*best[:TRIES], 0, over]))


def looks(root: Group) -> dict[Item, int]:
    """A number for everything in a group: equal for what looks alike, apart from where it takes its values from."""
    numbers: dict[Any, int] = {}
    found: dict[Item, int] = {}
    for group in reversed(list(groups(root))):
        for item in group.items:
            if isinstance(item, Vertex):
                look: Any = (item.name, item.shape, item.dtype, tuple([argument for _, argument in item.sources]))
                found[item] = numbers.setdefault(look, len(numbers))
        look = (group.name.rstrip(COUNTED), *[found[item] for item in group.items])
        found[group] = numbers.setdefault(look, len(numbers))
    return found
