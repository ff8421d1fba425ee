"""The picture is a quotient of the graph: every vertex has something that stands for it, and the arrows follow."""

from collections import defaultdict
from math import prod

from hypothesis import given
from hypothesis import strategies as st

from tests.drawing.programs import programs
from tinygrad_ko.drawing.clusters import Cluster, Item, around, cluster_tree, clusters_in
from tinygrad_ko.drawing.collapse import Arrow, _ClusteredGraph
from tinygrad_ko.drawing.repetition import Place, Rows, equal_rows
from tinygrad_ko.drawing.vertices import Source, Vertex
from tinygrad_ko.engine.graph import Call

DEPTHS = st.integers(0, 5)


def clustered(graph: list[Vertex], unroll: bool = False) -> tuple[_ClusteredGraph, Rows]:
    root = cluster_tree([v for v in graph if v.kind == "op"])
    rows = Rows() if unroll else equal_rows(graph, root)
    return _ClusteredGraph(graph, root, rows), rows


def stands(graph: list[Vertex], depth: int, whole: _ClusteredGraph, rows: Rows) -> dict[Vertex, Item]:
    """What stands for a vertex: the outermost box around what is drawn for it that is deeper than `depth`, or this itself."""
    found: dict[Vertex, Item] = {}
    for v in graph:
        drawn = rows.drawn(v)
        calls = [cluster for cluster in around(whole.home[drawn]) if cluster.kind == "call"][::-1]
        found[v] = calls[depth] if len(calls) > depth else drawn
    return found


def uses(graph: list[Vertex], rows: Rows) -> list[tuple[Vertex, Vertex, str]]:
    """What is used by whom, and as what. Of what is mirrored only what comes out of a row: it is wired like what it mirrors."""
    every = [(source, user, argument) for user in graph for source, argument in user.sources]
    return [use for use in every if use[1] not in rows.mirror or left(use[0], use[1], rows)]


def onward(source: Vertex, user: Vertex, rows: Rows) -> bool:
    """Whether a value goes from one of equal blocks to another one of the same row."""
    giving = {place.row: place.number for place in rows.places.get(source, [])}
    return any(giving.get(row, number) != number for row, number in rows.places.get(user, []))


def left(source: Vertex, user: Vertex, rows: Rows) -> list[Place]:
    """The blocks that a value leaves."""
    return [place for place in rows.places.get(source, []) if place not in rows.places.get(user, [])]


@given(programs, DEPTHS)
def test_every_vertex_has_something_that_stands_for_it(graph: list[Vertex], depth: int) -> None:
    whole, rows = clustered(graph)
    content = whole.collapsed(depth)
    assert set(content.drawn) == set(stands(graph, depth, whole, rows).values())
    assert len(content.drawn) == whole.count(depth)
    for drawn, cluster in content.drawn.items():
        assert cluster is (drawn.parent if isinstance(drawn, Cluster) else whole.home[drawn])


@given(programs, DEPTHS)
def test_the_arrows_are_those_of_the_graph(graph: list[Vertex], depth: int) -> None:
    """Between two things that stand for vertices is an arrow exactly if there is one between some of these vertices; but from
    one of equal blocks to the next there is another kind of arrow.
    """
    whole, rows = clustered(graph)
    stand = stands(graph, depth, whole, rows)
    ends = {(stand[source], stand[user]) for source, user, _ in uses(graph, rows) if not onward(source, user, rows)}
    arrows = whole.collapsed(depth).arrows
    assert {(arrow.tail, arrow.head) for arrow in arrows} == {(a, b) for a, b in ends if a is not b}
    assert len({(arrow.tail, arrow.head, arrow.uses[0].argument) for arrow in arrows}) == len(arrows)


@given(programs, DEPTHS)
def test_from_one_block_to_the_next_arrows_go_onward(graph: list[Vertex], depth: int) -> None:
    whole, rows = clustered(graph)
    stand, expected = stands(graph, depth, whole, rows), set()
    for source, user, argument in uses(graph, rows):
        if onward(source, user, rows):
            a, b = stand[source], stand[user]
            row = left(source, user, rows)[0].row
            if row in around(a if isinstance(a, Cluster) else whole.home[a]):  # else it is in a closed box
                expected.add((a, b, argument if isinstance(b, Vertex) and len(b.sources) > 1 else ""))
    content = whole.collapsed(depth)
    assert set(content.onward) == expected
    assert len(content.onward) == len(expected)


@given(programs, DEPTHS)
def test_an_arrow_carries_the_values_that_flow(graph: list[Vertex], depth: int) -> None:
    """Into the first of equal blocks and inside of it its own; out of a row those of all blocks that give some."""
    whole, rows = clustered(graph)
    stand = stands(graph, depth, whole, rows)
    expected: dict[tuple[Item, Item, str], dict[Vertex, None]] = defaultdict(dict)
    for source, user, argument in uses(graph, rows):
        a, b = stand[source], stand[user]
        if a is not b and not onward(source, user, rows):
            expected[a, b, argument * (isinstance(a, Vertex) and isinstance(b, Vertex))][source] = None
    found = {}
    for arrow in whole.collapsed(depth).arrows:
        both = isinstance(arrow.tail, Vertex) and isinstance(arrow.head, Vertex)
        found[arrow.tail, arrow.head, arrow.uses[0].argument * both] = arrow.values
    assert found == {key: list(values) for key, values in expected.items()}


@given(programs, DEPTHS)
def test_an_arrow_tells_which_block_gives_the_value(graph: list[Vertex], depth: int) -> None:
    whole, rows = clustered(graph)
    for arrow in whole.collapsed(depth).arrows:
        seen = set(around(arrow.tail if isinstance(arrow.tail, Cluster) else whole.home[arrow.tail]))
        giving = [place for place in left(arrow.uses[0].source, arrow.uses[0].user, rows) if place.row in seen]
        if all(number == len(row.items) for row, number in giving):
            assert arrow.giver == ("the last" if giving else "")
        else:
            assert arrow.giver == "no. " + ".".join(str(number) for _, number in giving)


@given(programs, DEPTHS)
def test_there_is_no_way_back(graph: list[Vertex], depth: int) -> None:
    assert not circle(clustered(graph)[0].collapsed(depth).arrows)


def circle(arrows: list[Arrow]) -> bool:
    """Whether some arrows make a circle: take away, again and again, those that end where none begins."""
    ends = [(arrow.tail, arrow.head) for arrow in arrows]
    while ends:
        tails = {tail for tail, _ in ends}
        rest = [(tail, head) for tail, head in ends if head in tails]
        if len(rest) == len(ends):
            return True
        ends = rest
    return False


@given(programs, DEPTHS)
def test_nothing_hangs_in_the_air(graph: list[Vertex], depth: int) -> None:
    content = clustered(graph)[0].collapsed(depth)
    assert set(content.drawn) == {end for arrow in content.arrows for end in (arrow.tail, arrow.head)}


@given(programs)
def test_less_depth_is_fewer_nodes(graph: list[Vertex]) -> None:
    whole, _ = clustered(graph)
    counts = [whole.count(depth) for depth in range(whole.levels + 2)]
    assert counts == sorted(counts)
    assert counts[-1] == counts[-2]


@given(programs)
def test_depth_0_closes_all_boxes(graph: list[Vertex]) -> None:
    content = clustered(graph)[0].collapsed(0)
    for drawn, cluster in content.drawn.items():
        assert all(outer.kind != "call" for outer in around(cluster))
        assert isinstance(drawn, Vertex) or drawn.kind == "call"


@given(programs)
def test_unrolled_and_open_the_picture_is_the_graph(graph: list[Vertex]) -> None:
    whole, rows = clustered(graph, unroll=True)
    content = whole.collapsed(whole.levels)
    assert list(content.drawn) == graph
    assert [(arrow.tail, arrow.head, arrow.uses[0].argument) for arrow in content.arrows] == uses(graph, rows)
    assert not content.onward


def test_each_use_has_an_arrow() -> None:
    """Also where `stack` takes a value twice in its list."""
    x, w = Vertex("input", "x"), Vertex("leaf", "w")
    stack = Vertex("op", "stack", sources=[Source(v, f"xs[{i}]") for i, v in enumerate((x, w, x))])
    square = Vertex("op", "multiply", sources=[Source(stack, "a"), Source(stack, "b")])
    whole, _ = clustered([x, w, stack, square])
    arrows = whole.collapsed(0).arrows
    assert [(a.tail, a.head, len(a.uses), a.values) for a in arrows] == [
        (x, stack, 1, [x]),
        (w, stack, 1, [w]),
        (x, stack, 1, [x]),
        (stack, square, 1, [stack]),
        (stack, square, 1, [stack]),
    ]


def test_ten_thousand_scopes_beside_one_another_that_share_a_leaf_and_give_to_one() -> None:
    graph = [Vertex("leaf", "w", shape=(3,))]
    for i in range(10_000):
        graph.append(Vertex("op", str(i), scope=(Call("s"),), sources=[Source(graph[0], "a"), Source(graph[-1], "b")]))
    graph.append(Vertex("op", "sum", sources=[Source(v, f"xs[{i}]") for i, v in enumerate(graph)]))
    whole, _ = clustered(graph)
    assert [whole.count(0), whole.count(1), whole.levels] == [10_002, 10_002, 1]
    assert len(whole.collapsed(0).arrows) == 30_000
    assert whole.root.parameters == 3


def test_ten_thousand_scopes_in_one_another_with_a_leaf_each() -> None:
    graph, scope = [Vertex("input", "x")], tuple[Call, ...]()
    for i in range(10_000):
        scope, leaf = (*scope[: i % 100], Call("s")), Vertex("leaf", "w", shape=(1,))
        graph += [leaf, Vertex("op", str(i), scope=scope, sources=[Source(leaf, "a"), Source(graph[-1], "b")])]
    whole, _ = clustered(graph)
    assert [whole.levels, whole.count(0), whole.count(50), whole.count(100)] == [100, 101, 10_101, 20_001]
    assert whole.root.parameters == 10_000


# ------------------------------------------------------------------ where everything stands, and how many parameters are where


@given(programs)
def test_operations_stand_in_their_groups_and_the_rest_outside(graph: list[Vertex]) -> None:
    whole, _ = clustered(graph)
    root, home = whole.root, whole.home
    assert set(home) == set(graph)
    for v in graph:
        if v.kind == "op":
            assert v in home[v].items
        elif v.kind in ("input", "result"):
            assert home[v] is root


@given(programs)
def test_a_leaf_stands_where_it_is_used_first_or_around_all_other_groups_that_use_it(graph: list[Vertex]) -> None:
    """A cluster that is around does not count: it may take the leaf from inside, for it does so later."""
    whole, rows = clustered(graph)
    root, home = whole.root, whole.home
    for leaf in (v for v in graph if v.kind in ("leaf", "constant") and v not in rows.places):
        users = [user for user in graph for source, _ in user.sources if source is leaf]
        uses = []
        for user in users:
            entered = rows.places.get(user)
            uses.append(entered[0].row.parent or root if entered else home[user])
        expected = uses[0]
        for here in uses:
            if here not in around(expected):
                expected = next(cluster for cluster in around(expected) if cluster in around(here))
        assert home[leaf] is expected


@given(programs)
def test_what_each_of_equal_blocks_has_of_its_own_stands_in_the_block(graph: list[Vertex]) -> None:
    whole, rows = clustered(graph)
    for v, places in rows.places.items():
        for row, number in places:
            assert row.items[number - 1] in list(around(whole.home[v]))


@given(programs)
def test_nothing_else_stands_in_a_block(graph: list[Vertex]) -> None:
    whole, rows = clustered(graph)
    for v in graph:
        assert sum(cluster.kind == "row" for cluster in around(whole.home[v])) == len(rows.places.get(v, []))
        assert whole.home[v].kind in ("call", "block")


@given(programs)
def test_every_parameter_counts_once_where_it_stands_and_around(graph: list[Vertex]) -> None:
    whole, _ = clustered(graph)
    root, home = whole.root, whole.home
    for cluster in clusters_in(root):
        inside = [v for v in graph if v.kind == "leaf" and cluster in around(home[v])]
        assert cluster.parameters == sum(prod(v.shape or ()) for v in inside)
    assert root.parameters == sum(prod(v.shape or ()) for v in graph if v.kind == "leaf")
