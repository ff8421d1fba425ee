"""Repetition: equal blocks in a row are found, and put into a cluster of which the first is drawn.

Equal are blocks with the same operations on values of the same shapes, wired alike. Each takes its values from itself, from
the block before, from parameters of its own, from something that all of them take, or from blocks of an earlier row (as the
gradient of a deep network does). Numbers and options may differ.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinygrad_ko.drawing.clusters import Cluster, Item, clusters_in, vertices_in
from tinygrad_ko.drawing.vertices import Vertex

_COUNTED = "0123456789_-. "  # the end of a name that only tells equal blocks apart: block3, layer 12
_LEAST = 4  # so many equal blocks in a row are drawn as one
_LONGEST = 128  # so many items at most are one unit
_TURNS = 3  # what looks alike may be wired alike only every second or third time


class Place(NamedTuple):
    """A block in a row of equal ones."""

    row: Cluster
    number: int  # from 1 on


class Rows:
    """The rows of equal blocks in a graph. `mirror` has for what is in all but the first block what is drawn for it: the same
    in the first. `places` has for what is in blocks these blocks, the outermost first.
    """

    def __init__(self) -> None:
        self.mirror: dict[Vertex, Vertex] = {}
        self.places: dict[Vertex, list[Place]] = {}

    def drawn(self, vertex: Vertex) -> Vertex:
        while vertex in self.mirror:
            vertex = self.mirror[vertex]
        return vertex

    def between(self, source: Vertex, user: Vertex) -> tuple[list[Place], list[Place]]:
        """The blocks that a value leaves on its way to a user, and those that it enters, the outermost first."""
        giving, taking = self.places.get(source, []), self.places.get(user, [])
        both = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(giving, taking, strict=False)))
        return giving[both:], taking[both:]


class _Run(NamedTuple):
    """Where a sequence repeats: `length` items from `start` on, each equal to the one `period` before it."""

    start: int
    period: int
    length: int


def repeats(sequence: Sequence[int], least: int) -> list[_Run]:
    """Runs of equal units, `least` of them or more and perhaps a part of another, that lie apart, from left to right: first the
    longest was taken, then the longest in what was left. Of runs that are as long the one with the shortest unit counts, then
    the leftmost.

    >>> repeats([9, 1, 2, 1, 2, 1, 2, 1, 7, 7, 7, 7], least=3)
    [_Run(start=1, period=2, length=7), _Run(start=8, period=1, length=4)]
    """
    items, found = np.asarray(sequence), list[_Run]()
    for period in range(1, min(_LONGEST, len(items) // least) + 1):
        stretches = _stretches(items[:-period] == items[period:])
        found += [_Run(a, period, b - a + period) for a, b in stretches if b - a + period >= least * period]
    found.sort(key=lambda run: (-run.length, run.period, run.start))
    free, taken = np.ones(len(items), dtype=bool), list[_Run]()
    for start, period, length in found:
        here = free[start : start + length]
        for first, end in _stretches(here):
            if end - first >= least * period:
                taken.append(_Run(start + first, period, end - first))
                here[first:end] = False
    return sorted(taken)


def _stretches(true: NDArray[np.bool]) -> list[list[int]]:
    """Where all are True, as far as it goes: the first place of every such stretch, and the first place after it."""
    pairs: list[list[int]] = np.flatnonzero(np.diff(true, prepend=False, append=False)).reshape(-1, 2).tolist()
    return pairs


def equal_rows(graph: list[Vertex], root: Cluster) -> Rows:
    """The rows of equal blocks in a graph. They become clusters below `root`."""
    finder = _Finder(graph, root)
    finder.fold(root)
    return finder.rows


class _Row(NamedTuple):
    start: int  # of the first block among the items of the cluster
    blocks: list[list[Item]]
    following: dict[Vertex, Vertex]  # for what is in a block the same in the next one


class _Finder:
    def __init__(self, graph: list[Vertex], root: Cluster) -> None:
        self.rows, self.structures = Rows(), _structures(root)
        self.first_users: dict[Vertex, Vertex] = {}
        for user in graph:
            for source, _ in user.sources:
                self.first_users.setdefault(source, user)

    def fold(self, cluster: Cluster) -> None:
        # In order of time, with what is inside: a row may take its values from an earlier one.
        items, cluster.items, end = cluster.items, [], 0
        for run in [*repeats([self.structures[item] for item in items], _LEAST), _Run(len(items), 1, 0)]:
            self.add(cluster, items[end : run.start])
            end = run.start
            for row in self.equal_blocks(items, run):
                self.add(cluster, [*items[end : row.start], self.cluster(row)])
                end = row.start + sum(map(len, row.blocks))

    def add(self, cluster: Cluster, items: list[Item]) -> None:
        for item in items:
            cluster.items.append(item)
            if isinstance(item, Cluster):
                item.parent = cluster
                inner = item.items[0] if item.kind == "row" else item
                if isinstance(inner, Cluster):
                    self.fold(inner)

    def equal_blocks(self, items: list[Item], run: _Run) -> list[_Row]:
        """The rows in a run of items that look alike, from the seam with which there are the most equal blocks."""
        items = items[: run.start + run.length]
        for size in range(run.period, run.period * _TURNS + 1, run.period):
            found = [self.wired_alike(items, run.start + seam, size) for seam in _seams(items[run.start :], size)]
            if best := max(found, key=lambda rows: sum(len(row.blocks) for row in rows)):
                return best
        return []

    def wired_alike(self, items: list[Item], at: int, size: int) -> list[_Row]:
        blocks = [items[i : i + size] for i in range(at, len(items) - size + 1, size)]
        wiring = _Wiring([list(vertices_in(block)) for block in blocks], self.rows, self.first_users)
        return [_Row(at + size * i, blocks[i:k], wiring.following) for i, k in wiring.equal_spans()]

    def cluster(self, found: _Row) -> Cluster:
        row = Cluster("row")
        for items in found.blocks:
            block = items[0]
            if len(items) > 1 or not isinstance(block, Cluster):
                block = Cluster("block", items=items)
                for item in items:
                    if isinstance(item, Cluster):
                        item.parent = block
            block.parent = row
            row.items.append(block)
        made = list(vertices_in(found.blocks[0]))
        leaves = (leaf for user in made for leaf, _ in user.sources if leaf.kind != "op")
        for first in dict.fromkeys([*made, *(leaf for leaf in leaves if found.following.get(leaf, leaf) is not leaf)]):
            here = first
            for number in range(1, len(row.items) + 1):
                self.rows.places.setdefault(here, []).append(Place(row, number))
                if number > 1:
                    self.rows.mirror[here] = first
                here = found.following.get(here, first)
        return row


class _Wiring:
    """How blocks, lists of operations that look alike, are wired. `following` maps what is in a block to the same in the next."""

    def __init__(self, blocks: list[list[Vertex]], rows: Rows, first_users: dict[Vertex, Vertex]) -> None:
        self.blocks, self.rows = blocks, rows
        pairs = [pair for one, two in pairwise(blocks) for pair in zip(one, two, strict=True)]
        self.following = dict(pairs)
        self.before = {b: a for a, b in pairs}
        # In which block a vertex is. A leaf is in the one that uses it first, if no other block does.
        self.number: dict[Vertex, int | None] = {v: k for k, block in enumerate(blocks) for v in block}
        for k, block in enumerate(blocks):
            for user in block:
                for leaf, _ in user.sources:
                    if leaf.kind not in ("leaf", "constant"):
                        continue
                    if self.number.get(leaf, k) != k:
                        self.number[leaf] = None
                    elif first_users[leaf] is user and rows.places.get(leaf) == rows.places.get(user):
                        self.number[leaf] = k

    def equal_spans(self) -> Iterator[tuple[int, int]]:
        first = 0
        for k in range(len(self.blocks)):
            if k + 1 == len(self.blocks) or not self.alike(k, first):
                if k + 1 - first >= _LEAST:
                    yield first, k + 1
                first = k + 1

    def alike(self, k: int, first: int) -> bool:
        return all(
            self.same_place(a, b, k, first)
            for one, two in zip(self.blocks[k], self.blocks[k + 1], strict=True)
            for (a, _), (b, _) in zip(one.sources, two.sources, strict=True)
        )

    def same_place(self, a: Vertex, b: Vertex, k: int, first: int) -> bool:
        """Whether block k takes a from where the next one takes b."""
        here, there = self.number.get(a), self.number.get(b)
        if there == k + 1:  # from inside, or a leaf of its own
            alike = here == k and (a.kind, a.shape, a.dtype) == (b.kind, b.shape, b.dtype)
            return alike and self.following.setdefault(a, b) is b and self.before.setdefault(b, a) is a
        if there == k:  # from the block before; in its place the first of a row may take any value that it has not made
            if k == first and here == k and a.kind != "op":
                return self.following.setdefault(a, a) is a  # a leaf that only this block takes is no part of the row
            return self.before.get(b) is a or (k == first and here != k)
        return here != k - 1 and self.rows.drawn(a) is self.rows.drawn(b)


def _seams(items: list[Item], size: int) -> list[int]:
    # There is a choice if a part of a block is left over: where the fewest values go from one block to the next, or at once, or
    # so that the last block ends at the end.
    def handed_on(start: int) -> int:
        made = set(vertices_in(items[start : start + size]))
        taken = {source for user in vertices_in(items[start + size : start + 2 * size]) for source, _ in user.sources}
        return len(made & taken)

    over = len(items) % size
    return list(dict.fromkeys([min(range(over + 1), key=handed_on), 0, over]))


def _structures(root: Cluster) -> dict[Item, int]:
    """A number for everything in a cluster: equal for what looks alike, apart from where it takes its values from."""
    numbers: dict[Any, int] = {}
    found: dict[Item, int] = {}
    for cluster in reversed(list(clusters_in(root))):
        for item in cluster.items:
            if isinstance(item, Vertex):
                look: Any = (item.name, item.shape, item.dtype, tuple([argument for _, argument in item.sources]))
                found[item] = numbers.setdefault(look, len(numbers))
        look = (cluster.name.rstrip(_COUNTED), *[found[item] for item in cluster.items])
        found[cluster] = numbers.setdefault(look, len(numbers))
    return found
