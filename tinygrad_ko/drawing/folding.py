"""What is drawn of a graph: boxes for the scopes and Modules that its operations were made in, closed to one node below some
depth, and of equal blocks in a row the first.

That is a quotient of the graph: every vertex has something that stands for it in the picture, and the arrows follow.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from tinygrad_ko.drawing.grouping import Group, Item, around, groups
from tinygrad_ko.drawing.homes import count_parameters, homes
from tinygrad_ko.drawing.reading import Vertex
from tinygrad_ko.drawing.rows import Place, Rows

Stand = Vertex | Group  # what can be drawn as a node
Words = tuple[str, str]  # in English and in Korean
NOTHING: Mapping[Item, Group] = MappingProxyType({})
LISTED = 16  # a value that stands in one list so often has an arrow each time; of the rest one is drawn


class Use(NamedTuple):
    """A use of a value, and between which vertices its arrow is drawn if all boxes are open."""

    source: Vertex
    user: Vertex
    argument: str
    again: int  # how often the value stands before in the same list, `*xs`
    tail: Vertex
    head: Vertex
    left: list[Place]  # the blocks that it leaves, the outermost first
    onward: Group | None  # the row in which it goes from one block to the next


@dataclass(eq=False, slots=True, repr=False)
class Arrow:
    """One arrow of the picture: from where to where, and the uses that it stands for: several where a box is closed, or where
    each of equal blocks gives or takes a value.
    """

    tail: Stand
    head: Stand
    uses: list[Use]

    @property
    def values(self) -> list[Vertex]:
        """What flows, each value once; into an operation as often as it takes it."""
        boxes = isinstance(self.tail, Group) or isinstance(self.head, Group)
        return [source for source, _ in dict.fromkeys((use.source, 0 if boxes else use.again) for use in self.uses)]

    @property
    def giver(self) -> str:
        """Which of equal blocks gives the first value, where only the first block is drawn: "the last", "no. 3"; in a row in a
        row, which of the inner row too. Nothing if the value comes from no row that is seen.
        """
        left = self.uses[0].left
        if isinstance(self.tail, Group):
            seen = set(around(self.tail))
            left = [place for place in left if place.row in seen]
        if all(place.number == len(place.row.items) for place in left):
            return "the last" if left else ""
        return "no. " + ".".join(str(place.number) for place in left)


@dataclass(eq=False, slots=True, repr=False)
class Folded:
    """A picture's content: the outermost group, what is drawn as a node in which group, the arrows in order of time, and from
    where to where a value goes from each of equal blocks to the next.
    """

    root: Group
    drawn: dict[Stand, Group]
    arrows: list[Arrow]
    onward: list[tuple[Stand, Stand, str]]  # and as which argument, where there are several
    notes: list[Words] = field(default_factory=list)  # what was left out without being asked for


class Folding:
    """What is drawn of a graph, for any depth."""

    def __init__(self, graph: list[Vertex], root: Group, rows: Rows) -> None:
        self.root = root
        self.home = homes(graph, root, rows)
        count_parameters(self.home, root)
        self.level: dict[Group, int] = {}  # in how many boxes of calls a group is, its own counted
        for group in groups(root):
            self.level[group] = self.level[group.parent] + (group.kind == "call") if group.parent else 0
        self.levels = max(self.level[group] for group in groups(root, drawn=True))
        self.shown = [v for v in graph if v not in rows.mirror]
        self.uses = list(uses(graph, rows))

    def stands(self, depth: int, runs: Mapping[Item, Group]) -> dict[Vertex, Stand]:
        """What is drawn for every vertex that is shown if all boxes are open: itself, or the closed box that it is in. Boxes
        deeper than `depth` are closed, apart from those whose items are in `runs`: these are nodes.
        """
        cut = {run.parent for run in runs.values()}
        closed: dict[Group, Group | None] = {}
        for group, level in self.level.items():
            outer = closed[group.parent] if group.parent else None
            shut = group.kind == "call" and level > depth and group not in cut
            closed[group] = outer or runs.get(group) or (group if shut else None)
        return {v: closed[self.home[v]] or runs.get(v) or v for v in self.shown}

    def count(self, depth: int, runs: Mapping[Item, Group] = NOTHING) -> int:
        """How many nodes are drawn."""
        return len(set(self.stands(depth, runs).values()))

    def folded(self, depth: int, runs: Mapping[Item, Group] = NOTHING) -> Folded:
        """The content of the picture."""
        stands = self.stands(depth, runs)
        drawn = {s: (s.parent or self.root) if isinstance(s, Group) else self.home[s] for s in stands.values()}
        found: dict[tuple[Stand, Stand, str, int], list[Use]] = {}
        onward: dict[tuple[Stand, Stand, str], None] = {}
        for use in self.uses:
            tail, head = stands[use.tail], stands[use.head]
            if use.onward:
                if tail is not head or isinstance(tail, Vertex) or use.onward in around(tail):  # else the box hides it
                    several = isinstance(head, Vertex) and len(head.sources) > 1
                    onward[tail, head, use.argument if several else ""] = None
            elif tail is not head:
                boxes = isinstance(tail, Group) or isinstance(head, Group)
                key = ("", 0) if boxes else (list_of(use.argument), min(use.again, LISTED))
                found.setdefault((tail, head, *key), []).append(use)
        arrows = [Arrow(tail, head, together) for (tail, head, _, _), together in found.items()]
        return Folded(self.root, drawn, arrows, list(onward))


def uses(graph: list[Vertex], rows: Rows) -> Iterator[Use]:
    """The uses of values that are drawn: of equal blocks those in the first, and of the others what flows out of their row."""
    for user in graph:
        head = rows.drawn(user)
        before = Counter[tuple[Vertex, str]]()
        for source, argument in user.sources:
            again = before[source, list_of(argument)]
            before[source, list_of(argument)] += 1
            left, entered = rows.between(source, user)
            if head is user or left:
                onward = left[0].row if left and entered and left[0].row is entered[0].row else None
                yield Use(source, user, argument, again, rows.drawn(source), head, left, onward)


def list_of(argument: str) -> str:
    """The argument `*xs` that an entry of it, `xs[3]`, belongs to; any other argument itself."""
    return argument.partition("[")[0]
