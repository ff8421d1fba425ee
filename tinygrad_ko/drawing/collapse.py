"""Collapse: the quotient graph that is drawn. Clusters are closed to one node below some depth; of equal blocks in a row the first
is drawn; what is too large to be laid out is closed until few nodes are left. Every vertex has a node that stands for it.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from tinygrad_ko.drawing.clusters import Cluster, Item, around, cluster_tree, clusters_in, common, size_of, vertices_in
from tinygrad_ko.drawing.repetition import Place, Rows, equal_rows
from tinygrad_ko.drawing.vertices import Vertex

_SMALL = 30  # so many nodes are drawn whole: nobody gets lost among them
_BUDGET = 2000  # more than so much effort is not made: Graphviz would take long for it, and nobody could read it
_READABLE = 60  # so much is left then
_FEW = 16  # of more inputs, or more results, one node is drawn
_LISTED = 16  # a value that stands in one list so often has an arrow each time; of the rest one is drawn

Words = tuple[str, str]  # in English and in Korean
_NOTHING: Mapping[Item, Cluster] = MappingProxyType({})


class _Use(NamedTuple):
    """A use of a value, and between which vertices its arrow is drawn if all boxes are open."""

    source: Vertex
    user: Vertex
    argument: str
    again: int  # how often the value stands before in the same list, `*xs`
    tail: Vertex
    head: Vertex
    left: list[Place]  # the blocks that it leaves, the outermost first
    onward: Cluster | None  # the row in which it goes from one block to the next


@dataclass(eq=False, slots=True, repr=False)
class Arrow:
    """An arrow, and the uses that it stands for: several where a box is closed, or where each of equal blocks gives or takes a value."""

    tail: Item
    head: Item
    uses: list[_Use]

    @property
    def values(self) -> list[Vertex]:
        boxes = isinstance(self.tail, Cluster) or isinstance(self.head, Cluster)
        return [source for source, _ in dict.fromkeys((use.source, 0 if boxes else use.again) for use in self.uses)]

    @property
    def giver(self) -> str:
        """Which of equal blocks, of which the first is drawn, gives the value: "the last", "no. 3", in a row in a row "no. 3.1"."""
        left = self.uses[0].left
        if isinstance(self.tail, Cluster):
            seen = set(around(self.tail))
            left = [place for place in left if place.row in seen]
        if all(place.number == len(place.row.items) for place in left):
            return "the last" if left else ""
        return "no. " + ".".join(str(place.number) for place in left)


@dataclass(eq=False, slots=True, repr=False)
class Collapsed:
    """What is drawn: nodes with their clusters, arrows in order of time, and where values go `onward` from each equal block."""

    root: Cluster
    drawn: dict[Item, Cluster]
    arrows: list[Arrow]
    onward: list[tuple[Item, Item, str]]  # and as which argument, where there are several
    notes: list[Words] = field(default_factory=list)  # what was left out without being asked for

    def path_lengths(self) -> dict[Item, int]:
        after: dict[Item, int] = {}
        for arrow in reversed(self.arrows):
            after[arrow.tail] = max(after.get(arrow.tail, 0), after.get(arrow.head, 0) + 1)
        return after

    def effort(self) -> int:
        """How much Graphviz has to lay out: nodes, boxes, and every place where an arrow passes others by."""
        boxes = {box for cluster in set(self.drawn.values()) for box in around(cluster) if box.parent}
        after = self.path_lengths()
        passing = sum(max(after[arrow.tail] - after.get(arrow.head, 0) - 1, 0) for arrow in self.arrows)
        return len(self.drawn) + len(boxes) + passing


class _ClusteredGraph:
    def __init__(self, vertices: list[Vertex], root: Cluster, rows: Rows) -> None:
        self.root = root
        self.home = _homes(vertices, root, rows)
        for v, cluster in self.home.items():
            if numbers := size_of(v):
                for outer in around(cluster):
                    outer.parameters += numbers
        self.level: dict[Cluster, int] = {}  # in how many boxes of calls a cluster is, its own counted
        for cluster in clusters_in(root):
            self.level[cluster] = self.level[cluster.parent] + (cluster.kind == "call") if cluster.parent else 0
        self.levels = max(self.level[cluster] for cluster in clusters_in(root, drawn=True))
        self.shown = [v for v in vertices if v not in rows.mirror]
        self.uses = list(_uses(vertices, rows))

    def representatives(self, depth: int, runs: Mapping[Item, Cluster]) -> dict[Vertex, Item]:
        """The node that is drawn for each vertex: itself, its run, or the box it is in if that is deeper and not cut into runs."""
        cut = {run.parent for run in runs.values()}
        closed: dict[Cluster, Cluster | None] = {}
        for cluster, level in self.level.items():
            outer = closed[cluster.parent] if cluster.parent else None
            shut = cluster.kind == "call" and level > depth and cluster not in cut
            closed[cluster] = outer or runs.get(cluster) or (cluster if shut else None)
        return {v: closed[self.home[v]] or runs.get(v) or v for v in self.shown}

    def count(self, depth: int, runs: Mapping[Item, Cluster] = _NOTHING) -> int:
        return len(set(self.representatives(depth, runs).values()))

    def collapsed(self, depth: int, runs: Mapping[Item, Cluster] = _NOTHING) -> Collapsed:
        stands_for = self.representatives(depth, runs)
        drawn = {s: (s.parent or self.root) if isinstance(s, Cluster) else self.home[s] for s in stands_for.values()}
        found: dict[tuple[Item, Item, str, int], list[_Use]] = {}
        onward: dict[tuple[Item, Item, str], None] = {}
        for use in self.uses:
            tail, head = stands_for[use.tail], stands_for[use.head]
            if use.onward:
                if tail is not head or isinstance(tail, Vertex) or use.onward in around(tail):  # else the box hides it
                    several = isinstance(head, Vertex) and len(head.sources) > 1
                    onward[tail, head, use.argument if several else ""] = None
            elif tail is not head:
                boxes = isinstance(tail, Cluster) or isinstance(head, Cluster)
                key = ("", 0) if boxes else (_list_of(use.argument), min(use.again, _LISTED))
                found.setdefault((tail, head, *key), []).append(use)
        arrows = [Arrow(tail, head, together) for (tail, head, _, _), together in found.items()]
        return Collapsed(self.root, drawn, arrows, list(onward))

    def within(self, budget: int, depth: int, runs: Mapping[Item, Cluster] = _NOTHING) -> Collapsed | None:
        if self.count(depth, runs) <= budget and (content := self.collapsed(depth, runs)).effort() <= budget:
            return content
        return None

    def readable(self) -> Collapsed:
        """As much as is readable: boxes are open to some depth, and one deeper their items are cut into runs."""
        depth = bisect_left(range(self.levels + 1), True, key=lambda d: self.within(_READABLE, d) is None) - 1
        lists, parts = self.long_lists(depth), _READABLE // 2
        while not (content := self.within(2 * _READABLE, depth, self.runs(lists, parts))) and parts > 1:
            parts //= 2
        return content or self.collapsed(depth, self.runs(lists, 1))

    def long_lists(self, depth: int) -> dict[Cluster, list[Item]]:
        """The items of all clusters that are seen but closed at some depth: a leaf just before what uses it first."""
        time = {v: i for i, v in enumerate(self.shown)}
        used: dict[Vertex, int] = {}
        for use in self.uses:
            used.setdefault(use.tail, time[use.head])
        lists: dict[Cluster, list[tuple[float, Item]]] = {
            cluster: [(time[next(vertices_in([item]))], item) for item in cluster.items]
            for cluster in clusters_in(self.root, drawn=True)
            if cluster.kind != "row" and self.level[cluster] == depth + 1
        }
        starts = {cluster: [start for start, _ in items] for cluster, items in lists.items()}
        for leaf in self.shown:
            if leaf.kind in ("leaf", "constant") and (before := starts.get(self.home[leaf])) is not None:
                place = bisect_right(before, used[leaf])
                lists[self.home[leaf]].append((before[place - 1] - 0.5 if place else -1, leaf))
        return {c: [item for _, item in sorted(items, key=lambda pair: pair[0])] for c, items in lists.items()}

    def runs(self, lists: dict[Cluster, list[Item]], parts: int) -> dict[Item, Cluster]:
        """The long lists are cut into about so many runs. For every item the run that it is in, if it is not alone."""
        length = -(-sum(map(len, lists.values())) // parts)
        long = [(cluster, items) for cluster, items in lists.items() if len(items) > length]
        cut = [(cluster, items[i : i + length]) for cluster, items in long for i in range(0, len(items), length)]
        for kind in ("input", "result"):
            outside: list[Item] = [v for v in self.shown if v.kind == kind]
            if len(outside) > _FEW:
                cut.append((self.root, outside))
        found: dict[Item, Cluster] = {}
        for cluster, items in cut:
            if len(items) > 1:
                run = Cluster("run", parent=cluster, items=items, parameters=sum(map(size_of, items)))
                found |= dict.fromkeys(items, run)
        return found


def collapse(vertices: list[Vertex], depth: int | None = None, unroll: bool = False) -> Collapsed:
    """Close boxes deeper than `depth`, draw one of equal blocks unless told to `unroll`, and fold what is above the budget."""
    ops = [v for v in vertices if v.kind == "op"]
    root = cluster_tree(ops)
    rows = equal_rows(vertices, root) if len(vertices) > _SMALL and not unroll else Rows()
    graph = _ClusteredGraph(vertices, root, rows)
    content = graph.within(_BUDGET, graph.levels if depth is None else min(depth, graph.levels))
    if content is None:
        content = graph.readable()
        many, few = f"{len(ops):,}", f"{len(content.drawn):,}"
        english = f"{many} operations, folded to {few} nodes: draw a part of it to see more"
        korean = f"연산이 많아 접어서 그렸습니다. 연산: {many}개, 노드: {few}개. 더 자세히 보려면 그래프의 일부만 그리십시오."
        content.notes.append((english, korean))
    return content


def _homes(graph: list[Vertex], root: Cluster, rows: Rows) -> dict[Vertex, Cluster]:
    """The cluster that every vertex stands in. A parameter or constant stands in the cluster that uses it first; if another one
    uses it, then around both (but what is only around the cluster may take it from inside, later). In one of equal blocks it
    stands only if every one has one of its own. Inputs and results stand outside.
    """
    home = {item: cluster for cluster in clusters_in(root) for item in cluster.items if isinstance(item, Vertex)}
    for user in graph:
        for leaf, _ in user.sources:
            if leaf.kind in ("leaf", "constant"):
                left, entered = rows.between(leaf, user)
                if not left:  # who uses it outside of its block does not count
                    here = (entered[0].row.parent if entered else home.get(user)) or root
                    place = home.setdefault(leaf, here)
                    if here not in around(place):
                        home[leaf] = common(here, place)
    return {v: home.get(v, root) for v in graph}


def _uses(graph: list[Vertex], rows: Rows) -> Iterator[_Use]:
    """The uses of values that are drawn: of equal blocks those in the first, and of the others what flows out of their row."""
    for user in graph:
        head = rows.drawn(user)
        before = Counter[tuple[Vertex, str]]()
        for source, argument in user.sources:
            again = before[source, _list_of(argument)]
            before[source, _list_of(argument)] += 1
            left, entered = rows.between(source, user)
            if head is user or left:
                onward = left[0].row if left and entered and left[0].row is entered[0].row else None
                yield _Use(source, user, argument, again, rows.drawn(source), head, left, onward)


def _list_of(argument: str) -> str:
    """The argument `*xs` that an entry of it, `xs[3]`, belongs to; any other argument itself."""
    return argument.partition("[")[0]
