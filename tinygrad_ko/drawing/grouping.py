"""The groups of a graph: what one call of a Module, a decorated function or a `with tg.scope` block made."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from tinygrad_ko.drawing.reading import Vertex


@dataclass(eq=False, slots=True, repr=False)
class Group:
    """Operations, and other groups, that belong together. There are four kinds:

    - "call": what one call of a Module or a decorated function made, or a `with tg.scope` block;
    - "row": equal blocks, one after another, of which the first is drawn. Its items are the blocks;
    - "block": one of these that is not one call. The whole graph is a block too;
    - "run": a part of a long list of items, drawn as one node.
    """

    kind: Literal["call", "row", "block", "run"]
    name: str = ""
    parent: "Group | None" = None
    items: "list[Item]" = field(default_factory=list)  # operations and groups, in order of time
    parameters: int = 0  # how many numbers are in the leaves inside

    @property
    def times(self) -> int:
        """How many equal groups it is one of."""
        return len(self.parent.items) if self.parent and self.parent.kind == "row" else 1


Item = Vertex | Group


def tree(ops: list[Vertex]) -> Group:
    """The group of all operations, in it the groups that they were made in."""
    root = Group("block")
    made: dict[int, Group] = {}  # by the identity of the call
    for v in ops:
        unknown = []
        group = root
        for call in reversed(v.scope):
            if id(call) in made:
                group = made[id(call)]
                break
            unknown.append(call)
        for call in reversed(unknown):
            inner = Group("call", str(call), group)
            group.items.append(inner)
            made[id(call)] = group = inner
        group.items.append(v)
    return root


def groups(root: Group, drawn: bool = False) -> Iterator[Group]:
    """A group and those in it, each before what is in it, in order of time; or only those that are drawn: of a row the first."""
    unread = [root]
    while unread:
        group = unread.pop()
        yield group
        items = group.items[:1] if drawn and group.kind == "row" else group.items
        unread.extend(item for item in reversed(items) if isinstance(item, Group))


def vertices_in(items: list[Item]) -> Iterator[Vertex]:
    """The vertices in some items, in order."""
    unread = items[::-1]
    while unread:
        item = unread.pop()
        if isinstance(item, Group):
            unread.extend(reversed(item.items))
        else:
            yield item


def around(group: Group | None) -> Iterator[Group]:
    """A group, the one around it, and so on to the outermost."""
    while group:
        yield group
        group = group.parent
