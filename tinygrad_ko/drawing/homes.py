"""Where everything stands: in which group each vertex is, and how many parameters each group has."""

from math import prod

from tinygrad_ko.drawing.grouping import Group, Item, groups
from tinygrad_ko.drawing.reading import Vertex
from tinygrad_ko.drawing.rows import Rows


def parameters(item: Item) -> int:
    """How many numbers are in a leaf, or in the leaves in a group."""
    if isinstance(item, Group):
        return item.parameters
    return prod(item.shape or ()) if item.kind == "leaf" else 0


def count_parameters(homes: dict[Vertex, Group], root: Group) -> None:
    """Tell every group how many numbers are in the leaves inside."""
    order = list(groups(root))
    for group in order:
        group.parameters = 0
    for v, group in homes.items():
        group.parameters += parameters(v)
    for group in reversed(order):
        if group.parent:
            group.parent.parameters += group.parameters


def homes(graph: list[Vertex], root: Group, rows: Rows) -> dict[Vertex, Group]:
    """The group that every vertex stands in. A parameter or constant stands in the group that uses it first; if another one
    uses it, then around both (but what is only around the group may take it from inside, later). In one of equal blocks it
    stands only if every one has one of its own. Inputs and results stand outside.
    """
    order = list(groups(root))
    first = {group: i for i, group in enumerate(order)}
    last = dict(first)  # the number of the last group inside
    for group in reversed(order):
        if group.parent:
            last[group.parent] = max(last[group.parent], last[group])
    home = {item: group for group in order for item in group.items if isinstance(item, Vertex)}
    for user in graph:
        for leaf, _ in user.sources:
            if leaf.kind not in ("leaf", "constant"):
                continue
            left, entered = rows.between(leaf, user)
            if left:  # who uses it outside of its block does not count
                continue
            here = (entered[0].row.parent if entered else home.get(user)) or root
            around = home.setdefault(leaf, here)
            if not first[here] <= first[around] <= last[here]:
                while around.parent and not first[around] <= first[here] <= last[around]:
                    around = around.parent
                home[leaf] = around
    return {v: home.get(v, root) for v in graph}
