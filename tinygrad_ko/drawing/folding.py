"""What is drawn of a graph: boxes for the scopes and Modules that its operations were made in, closed to one node below some
depth, and of blocks that stand in a row many times only the first.

That is a quotient of the graph: every vertex has something that stands for it in the picture, and the arrows follow.
"""

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from tinygrad_ko.drawing.blocks import Blocks
from tinygrad_ko.drawing.grouping import Group, cut, tree
from tinygrad_ko.drawing.reading import Vertex

BUDGET = 1500  # more than so many nodes are not drawn: Graphviz takes long for them, and nobody can read them
READABLE = 150  # so few are left then


Stand = Vertex | Group  # what can be drawn as a node


class Arrow(NamedTuple):
    """One arrow of the picture: from where to where, what flows (several values if blocks are closed), and to whom."""

    tail: Stand
    head: Stand
    values: list[Vertex]
    user: Vertex
    argument: str


@dataclass(eq=False, slots=True)
class Folded:
    """A picture's content: the outermost group, what is drawn as a node in which group, and the arrows."""

    root: Group
    drawn: dict[Stand, Group]
    arrows: list[Arrow]
    note: str  # what was left out without being asked for


def fold(vertices: list[Vertex], depth: int | None = None, unroll: bool = False) -> Folded:
    """Decide what is drawn. Boxes deeper than `depth` are closed; `unroll` draws every one of equal blocks. Above the budget
    of nodes boxes are closed, and long lists of operations cut into runs, until few are left.
    """
    ops = [v for v in vertices if v.kind == "op"]
    root = tree(ops)
    mirror = {} if unroll else Blocks(vertices, root).mirror
    folding = Folding(vertices, root, mirror)
    depth = folding.levels if depth is None else min(depth, folding.levels)
    note = ""
    if folding.count(depth) > BUDGET:
        cut(root)
        folding = Folding(vertices, root, mirror)
        low, high = -1, folding.levels  # the largest depth that is readable; fewer nodes with less depth
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if folding.count(middle) <= READABLE else (low, middle - 1)
        depth = low
        note = f"{len(ops):,} operations, folded to {folding.count(depth):,} nodes: draw a part of the graph, or give depth="
    return folding.folded(depth, note)


class Folding:
    """What stands for every vertex, for any depth."""

    def __init__(self, vertices: list[Vertex], root: Group, mirror: dict[Vertex, Vertex]) -> None:
        self.vertices, self.root, self.mirror = vertices, root, mirror
        self.groups: list[Group] = []  # every one after its parent
        self.level: dict[Group, int] = {}  # equal blocks and the group that they stand in are on one level
        self.rank: dict[Group, int] = {}  # how many groups are around it
        self.home: dict[Vertex, Group] = {}
        unread = [root]
        while unread:
            group = unread.pop()
            up = group.parent
            self.groups.append(group)
            self.rank[group] = self.rank[up] + 1 if up else 0
            self.level[group] = self.level[up] + (not group.period) if up else 0
            group.parameters = 0
            for item in group.items:
                if isinstance(item, Group):
                    unread.append(item)
                else:
                    self.home[item] = group
        self.levels = max(self.level.values())
        self.place_leaves()

    def place_leaves(self) -> None:
        """A parameter or constant belongs where all of its users are, inputs and results outside."""
        for user in self.vertices:
            for leaf, _ in user.sources:
                if leaf.kind != "op":
                    known = self.home.get(leaf)
                    here = self.home.get(user, self.root)
                    self.home[leaf] = here if known is None else self.common(known, here)
        for v in self.vertices:
            if v.kind in ("input", "result") or v not in self.home:
                self.home[v] = self.root
            elif v.kind != "op":
                around: Group | None = self.home[v]
                while around is not None:
                    if v in around.entering and around.parent is not None:
                        self.home[v] = around.parent
                    around = around.parent
            if v.kind == "leaf":
                around = self.home[v]
                while around is not None:
                    around.parameters += prod(v.shape or ())
                    around = around.parent

    def common(self, a: Group, b: Group) -> Group:
        """The smallest group that has both inside."""
        while a is not b:
            if self.rank[a] < self.rank[b]:
                a, b = b, a
            assert a.parent is not None
            a = a.parent
        return a

    def closed(self, depth: int) -> dict[Group, Group | None]:
        """For every group the outermost one around it that is closed, itself included."""
        found: dict[Group, Group | None] = {}
        for group in self.groups:
            outer = found[group.parent] if group.parent else None
            found[group] = outer or (group if self.level[group] > depth and not group.period else None)
        return found

    def stands(self, depth: int) -> dict[Vertex, Stand]:
        """What is drawn for every vertex."""
        closed = self.closed(depth)
        found: dict[Vertex, Stand] = {}
        for vertex in self.vertices:
            v = vertex
            while v in self.mirror:
                v = self.mirror[v]
            outer = closed[self.home[v]] if v.kind not in ("input", "result") else None
            found[vertex] = outer or v
        return found

    def count(self, depth: int) -> int:
        """How many nodes are drawn."""
        return len(set(self.stands(depth).values()))

    def folded(self, depth: int, note: str) -> Folded:
        """The content of the picture."""
        stands = self.stands(depth)
        drawn: dict[Stand, Group] = {}
        for v in self.vertices:
            stand = stands[v]
            if stand not in drawn:
                drawn[stand] = (stand.parent or self.root) if isinstance(stand, Group) else self.home[stand]
        arrows: list[Arrow] = []
        merged: dict[tuple[Stand, Stand], Arrow] = {}
        for user in self.vertices:
            if user in self.mirror:  # its arrows are those of what it mirrors
                continue
            for source, argument in user.sources:
                tail, head = stands[source], stands[user]
                if tail is head:
                    continue
                arrow = Arrow(tail, head, [source], user, argument)
                if isinstance(tail, Vertex) and isinstance(head, Vertex) and "[" not in argument:
                    arrows.append(arrow)
                elif (tail, head) not in merged:
                    merged[tail, head] = arrow
                    arrows.append(arrow)
                elif source not in merged[tail, head].values:
                    merged[tail, head].values.append(source)
        return Folded(self.root, drawn, arrows, note)
