"""The clusters of a graph are the scopes that its operations were made in."""

from hypothesis import given
from hypothesis import strategies as st

from tests.drawing.programs import programs
from tinygrad_ko.drawing.clusters import Cluster, around, cluster_tree, clusters_in, vertices_in
from tinygrad_ko.drawing.vertices import Vertex
from tinygrad_ko.engine.graph import Call


def ops(graph: list[Vertex]) -> list[Vertex]:
    return [v for v in graph if v.kind == "op"]


def scope_of(cluster: Cluster) -> list[str]:
    """The names of a cluster and those around it, but for the root."""
    return [g.name for g in around(cluster)][-2::-1]


@given(programs)
def test_every_operation_is_in_the_groups_that_it_was_made_in(graph: list[Vertex]) -> None:
    root = cluster_tree(ops(graph))
    assert list(vertices_in(root.items)) == ops(graph)
    for cluster in clusters_in(root):
        for item in cluster.items:
            if isinstance(item, Cluster):
                assert item.parent is cluster
                assert item.items
            else:
                assert list(item.scope) == scope_of(cluster)


@given(programs)
def test_one_call_is_one_group(graph: list[Vertex]) -> None:
    """Two calls of one function have equal names and are two clusters."""
    root = cluster_tree(ops(graph))
    calls = {id(call) for v in ops(graph) for call in v.scope}
    assert len(list(clusters_in(root))) == len(calls) + 1


@given(st.lists(st.integers(0, 3), max_size=30))
def test_threads_that_record_at_once_keep_their_groups(turns: list[int]) -> None:
    calls = [Call(str(n)) for n in range(3)]
    graph = [Vertex("op", "p", scope=(calls[n],) if n < 3 else ()) for n in turns]
    root = cluster_tree(graph)
    for cluster in clusters_in(root):
        inside = [v for v in graph if [str(call) for call in v.scope] == scope_of(cluster)]
        assert [item for item in cluster.items if isinstance(item, Vertex)] == inside


def test_of_a_row_the_first_block_is_drawn() -> None:
    root = Cluster("block")
    row = Cluster("row", parent=root)
    row.items = [Cluster("call", "A", row, [Vertex("op", "p")]) for _ in range(3)]
    root.items = [row]
    assert [block.times for block in clusters_in(row) if block is not row] == [3, 3, 3]
    assert [row.times, root.times] == [1, 1]
    assert list(clusters_in(root)) == [root, row, *row.items]
    assert list(clusters_in(root, drawn=True)) == [root, row, row.items[0]]


def test_ten_thousand_scopes_in_one_another_and_beside_one_another() -> None:
    calls = [Call(str(n)) for n in range(10_000)]
    deepest = Vertex("op", "p", scope=tuple(calls))
    root = cluster_tree([deepest, *(Vertex("op", "p", scope=(Call("x"),)) for _ in range(10_000)), deepest])
    assert len(list(clusters_in(root))) == 20_001
    assert list(vertices_in(root.items)).count(deepest) == 2
