"""Clusters: what one call of a Module, a decorated function or a `with tg.scope` block made, as boxes in boxes."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Literal

from tinygrad_ko.drawing.vertices import Vertex


@dataclass(eq=False, slots=True, repr=False)
class Cluster:
    """Operations, and other clusters, that belong together. There are four kinds:

    - "call": what one call of a Module or a decorated function made, or a `with tg.scope` block;
    - "row": equal blocks, one after another, of which the first is drawn. Its items are the blocks;
    - "block": one of these that is not one call. The whole graph is a block too;
    - "run": a part of a long list of items, drawn as one node.
    """

    kind: Literal["call", "row", "block", "run"]
    name: str = ""
    parent: "Cluster | None" = None
    items: "list[Item]" = field(default_factory=list)  # operations and clusters, in order of time
    parameters: int = 0  # how many numbers are in the leaves inside

    @property
    def times(self) -> int:
        return len(self.parent.items) if self.parent and self.parent.kind == "row" else 1


Item = Vertex | Cluster


def cluster_tree(ops: list[Vertex]) -> Cluster:
    """The cluster of all operations, in it those of the calls that they were made in."""
    root = Cluster("block")
    made: dict[int, Cluster] = {}  # by the identity of the call
    for v in ops:
        cluster = root
        for call in v.scope:
            if id(call) not in made:
                made[id(call)] = Cluster("call", str(call), cluster)
                cluster.items.append(made[id(call)])
            cluster = made[id(call)]
        cluster.items.append(v)
    return root


def clusters_in(root: Cluster, drawn: bool = False) -> Iterator[Cluster]:
    """A cluster and those in it, each before what is in it, in order of time; or only those that are drawn: of a row the first."""
    unread = [root]
    while unread:
        cluster = unread.pop()
        yield cluster
        items = cluster.items[:1] if drawn and cluster.kind == "row" else cluster.items
        unread.extend(item for item in reversed(items) if isinstance(item, Cluster))


def vertices_in(items: list[Item]) -> Iterator[Vertex]:
    """The vertices in some items, in order."""
    unread = items[::-1]
    while unread:
        item = unread.pop()
        if isinstance(item, Cluster):
            unread.extend(reversed(item.items))
        else:
            yield item


def around(cluster: Cluster | None) -> Iterator[Cluster]:
    """A cluster, the one around it, and so on to the outermost."""
    while cluster:
        yield cluster
        cluster = cluster.parent


def common(a: Cluster, b: Cluster) -> Cluster:
    """The smallest cluster that has both inside."""
    outer = set(around(a))
    return next(cluster for cluster in around(b) if cluster in outer)


def size_of(item: Item) -> int:
    """The numbers in a leaf, or in the leaves inside a cluster."""
    if isinstance(item, Cluster):
        return item.parameters
    return prod(item.shape or ()) if item.kind == "leaf" else 0
