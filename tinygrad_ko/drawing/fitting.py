"""A graph that is too large to be drawn is folded by itself, until few nodes are left."""

from bisect import bisect_right
from collections.abc import Mapping

from tinygrad_ko.drawing.blocks import find
from tinygrad_ko.drawing.folding import NOTHING, Folded, Folding, Stand
from tinygrad_ko.drawing.grouping import Group, Item, groups, tree, vertices_in
from tinygrad_ko.drawing.homes import parameters
from tinygrad_ko.drawing.reading import Vertex
from tinygrad_ko.drawing.rows import Rows

SMALL = 30  # so many nodes are drawn whole: nobody gets lost among them
BUDGET = 2000  # more than so much effort is not made: Graphviz would take long for it, and nobody could read it
READABLE = 60  # so much is left then
FEW = 16  # of more inputs, or more results, one node is drawn


def fold(graph: list[Vertex], depth: int | None = None, unroll: bool = False) -> Folded:
    """Decide what is drawn. Boxes deeper than `depth` are closed; `unroll` draws every one of equal blocks. Above the budget
    boxes are closed, and long lists of operations cut into runs, until few nodes are left.
    """
    root = tree([v for v in graph if v.kind == "op"])
    folding = Folding(graph, root, find(graph, root) if len(graph) > SMALL and not unroll else Rows())
    depth = folding.levels if depth is None else min(depth, folding.levels)
    content = within(BUDGET, folding, depth)
    if content is None:
        content = fitted(folding)
        ops = sum(v.kind == "op" for v in graph)
        content.notes.append(
            (
                f"{ops:,} operations, folded to {len(content.drawn):,} nodes: draw a part of it to see more",
                "연산이 많아 접어서 그렸습니다. 더 자세히 보려면 그래프의 일부만 그리십시오.",
            )
        )
    return content


def within(budget: int, folding: Folding, depth: int, runs: Mapping[Item, Group] = NOTHING) -> Folded | None:
    """The content of the picture; None if it takes more effort."""
    if folding.count(depth, runs) > budget:
        return None
    content = folding.folded(depth, runs)
    return content if effort(content) <= budget else None


def effort(content: Folded) -> int:
    """How much Graphviz has to lay out: nodes, boxes, and every place where an arrow passes others by."""
    boxes = set[Group]()
    for group in content.drawn.values():
        while group.parent and group not in boxes:
            boxes.add(group)
            group = group.parent
    after = to_the_end(content)
    passing = sum(max(after[arrow.tail] - after.get(arrow.head, 0) - 1, 0) for arrow in content.arrows)
    return len(content.drawn) + len(boxes) + passing


def to_the_end(content: Folded) -> dict[Stand, int]:
    """How many arrows there are from a node to the end, at most."""
    after: dict[Stand, int] = {}
    for arrow in reversed(content.arrows):
        after[arrow.tail] = max(after.get(arrow.tail, 0), after.get(arrow.head, 0) + 1)
    return after


def fitted(folding: Folding) -> Folded:
    """As much as is readable: boxes are open to some depth, and one deeper their items are cut into runs."""
    low, high = -1, folding.levels
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if within(READABLE, folding, middle) else (low, middle - 1)
    lists, parts = long_lists(folding, low), READABLE // 2
    while parts > 1:
        if content := within(2 * READABLE, folding, low, runs(folding, lists, parts)):
            return content
        parts //= 2
    return folding.folded(low, runs(folding, lists, 1))


def long_lists(folding: Folding, depth: int) -> dict[Group, list[Item]]:
    """The items of all groups that are seen but closed at some depth: a leaf just before what uses it first."""
    time = {v: i for i, v in enumerate(folding.shown)}
    used: dict[Vertex, int] = {}
    leaves: dict[Group, list[Vertex]] = {}
    for use in folding.uses:
        used.setdefault(use.tail, time[use.head])
    for v in folding.shown:
        if v.kind in ("leaf", "constant"):
            leaves.setdefault(folding.home[v], []).append(v)
    lists: dict[Group, list[Item]] = {}
    for group in groups(folding.root, drawn=True):
        if group.kind != "row" and folding.level[group] == depth + 1:
            starts = [time[next(vertices_in([item]))] for item in group.items]
            dated: list[tuple[float, Item]] = list(zip(starts, group.items, strict=True))
            for leaf in leaves.get(group, []):
                place = bisect_right(starts, used[leaf])
                dated.append((starts[place - 1] - 0.5 if place else -1, leaf))
            lists[group] = [item for _, item in sorted(dated, key=lambda pair: pair[0])]
    return lists


def runs(folding: Folding, lists: dict[Group, list[Item]], parts: int) -> dict[Item, Group]:
    """The long lists are cut into about so many runs. For every item the run that it is in, if it is not alone."""
    length = -(-sum(map(len, lists.values())) // parts)
    long = [(group, items) for group, items in lists.items() if len(items) > length]
    cut = [(group, items[i : i + length]) for group, items in long for i in range(0, len(items), length)]
    for kind in ("input", "result"):
        outside: list[Item] = [v for v in folding.shown if v.kind == kind]
        if len(outside) > FEW:
            cut.append((folding.root, outside))
    found: dict[Item, Group] = {}
    for group, items in cut:
        if len(items) > 1:
            run = Group("run", parent=group, items=items, parameters=sum(map(parameters, items)))
            found |= dict.fromkeys(items, run)
    return found
