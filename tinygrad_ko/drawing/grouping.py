"""The groups of a graph: what one call of a Module, a decorated function or a `with tg.scope` block made."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tinygrad_ko.drawing.reading import Vertex

FANOUT = 16  # in so many runs a long list of operations is cut


@dataclass(eq=False, slots=True)
class Group:
    """What one call of a Module, a decorated function or a `with tg.scope` block made; or equal blocks in a row; or just a
    run of operations.
    """

    name: str
    parent: "Group | None" = None
    items: list[Any] = field(default_factory=list)  # operations and groups, in order of time; of equal blocks all
    period: int = 0  # how many of the items are one of the equal blocks
    run: bool = False
    parameters: int = 0  # how many numbers are in the leaves inside
    entering: set[Vertex] = field(default_factory=set)  # what flows into the first of equal blocks: no part of it

    @property
    def times(self) -> int:
        """How many equal blocks it is."""
        return len(self.items) // self.period if self.period else 1


def tree(ops: list[Vertex]) -> Group:
    """The group of all operations, with the groups that they were made in."""
    root = Group("")
    of_call: dict[int, Group] = {}
    for v in ops:
        group = root
        for call in v.scope:
            if id(call) not in of_call:
                of_call[id(call)] = inner = Group(str(call), group)
                group.items.append(inner)
            group = of_call[id(call)]
        group.items.append(v)
    return root


def operations(item: Any) -> Iterator[Vertex]:
    """The operations in an item, in order."""
    unread = [item]
    while unread:
        item = unread.pop()
        if isinstance(item, Group):
            unread.extend(reversed(item.items))
        else:
            yield item


def cut(root: Group) -> None:
    """Make runs of the items of every group that has many, and again of the items of a long run."""
    unread = [root]
    while unread:
        group = unread.pop()
        if len(group.items) > 2 * FANOUT and not group.period:
            size = -(-len(group.items) // FANOUT)
            runs = []
            for i in range(0, len(group.items), size):
                run = Group("", group, group.items[i : i + size], run=True)
                adopt(run)
                runs.append(run)
            group.items = list(runs)
        unread.extend(item for item in group.items if isinstance(item, Group))


def adopt(group: Group) -> None:
    """Tell the groups in a group that they are."""
    for item in group.items:
        if isinstance(item, Group):
            item.parent = group
