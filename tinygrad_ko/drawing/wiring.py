"""How blocks are wired: where each takes its values from, in words that equal blocks have in common."""

from collections.abc import Iterator, Mapping
from typing import Any

from tinygrad_ko.drawing.reading import Vertex
from tinygrad_ko.drawing.rows import Rows

Wire = tuple[str, Any]  # from where, and what it is called there
Wires = list[tuple[Vertex, Wire]]


def wires(blocks: list[list[Vertex]], rows: Rows, first_users: Mapping[Vertex, Vertex]) -> list[Wires]:
    """For every block the values that its operations take, in order, and where from: from "inside" the block, from the block
    "before", from a parameter of its "own", or from "elsewhere". There it is the same for two blocks if one node is drawn.
    """
    names = called(blocks, rows, first_users)
    found = []
    for k, block in enumerate(blocks):
        taken: Wires = []
        for source in (source for user in block for source, _ in user.sources):
            maker, name = names.get(source, (None, None))
            if maker == k:
                taken.append((source, ("inside" if source.kind == "op" else "own", name)))
            elif maker == k - 1:
                taken.append((source, ("before", name)))
            else:
                taken.append((source, ("elsewhere", id(rows.drawn(source)))))
        found.append(taken)
    return found


def called(
    blocks: list[list[Vertex]], rows: Rows, first_users: Mapping[Vertex, Vertex]
) -> dict[Vertex, tuple[int, Any]]:
    """For what is in a block the number of the block, and what it is called there: equal blocks call it the same. A leaf is in
    the block that uses it first, if no other block does, and is called after that use.
    """
    names: dict[Vertex, tuple[int, Any]] = {v: (k, n) for k, block in enumerate(blocks) for n, v in enumerate(block)}
    shared = set[Vertex]()
    for user, (k, n) in list(names.items()):
        for leaf, argument in user.sources:
            if leaf.kind not in ("leaf", "constant"):
                continue
            if leaf in names and names[leaf][0] != k:
                shared.add(leaf)
            elif first_users[leaf] is user and rows.places.get(leaf) == rows.places.get(user):
                names.setdefault(leaf, (k, (n, argument, leaf.kind, leaf.shape, leaf.dtype)))
    return {v: name for v, name in names.items() if v not in shared}


def equal_in_a_row(wires: list[Wires], least: int) -> Iterator[tuple[int, int]]:
    """From where to where there are enough blocks in a row that are wired alike."""
    first = 0
    while first < len(wires):
        last = first + 1
        while last < len(wires) and alike(wires[last - 1], wires[last], is_first=last - 1 == first):
            last += 1
        if last - first >= least:
            yield first, last
        first = last


def alike(one: Wires, next_one: Wires, is_first: bool) -> bool:
    """Whether two blocks in a row are wired alike. What the second takes from the first, the first of all may take from
    anywhere but from itself.
    """
    return all(
        a == b or (is_first and b[0] == "before" and a[0] != "inside")
        for (_, a), (_, b) in zip(one, next_one, strict=True)
    )
