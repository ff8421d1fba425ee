"""The picture is a quotient of the graph: every vertex has something that stands for it, and the arrows follow."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from tests.drawing.programs import programs
from tinygrad_ko.drawing.blocks import find
from tinygrad_ko.drawing.folding import Arrow, Folding, Stand
from tinygrad_ko.drawing.grouping import Group, around, tree
from tinygrad_ko.drawing.reading import Source, Vertex
from tinygrad_ko.drawing.rows import Place, Rows
from tinygrad_ko.engine.graph import Call

DEPTHS = st.integers(0, 5)


def folding(graph: list[Vertex], unroll: bool = False) -> tuple[Folding, Rows]:
    root = tree([v for v in graph if v.kind == "op"])
    rows = Rows() if unroll else find(graph, root)
    return Folding(graph, root, rows), rows


def stands(graph: list[Vertex], depth: int, whole: Folding, rows: Rows) -> dict[Vertex, Stand]:
    """What stands for a vertex: the outermost box around what is drawn for it that is deeper than `depth`, or this itself."""
    found: dict[Vertex, Stand] = {}
    for v in graph:
        drawn = rows.drawn(v)
        calls = [group for group in around(whole.home[drawn]) if group.kind == "call"][::-1]
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
    whole, rows = folding(graph)
    content = whole.folded(depth)
    assert set(content.drawn) == set(stands(graph, depth, whole, rows).values())
    assert len(content.drawn) == whole.count(depth)
    for drawn, group in content.drawn.items():
        assert group is (drawn.parent if isinstance(drawn, Group) else whole.home[drawn])


@given(programs, DEPTHS)
def test_the_arrows_are_those_of_the_graph(graph: list[Vertex], depth: int) -> None:
    """Between two things that stand for vertices is an arrow exactly if there is one between some of these vertices; but from
    one of equal blocks to the next there is another kind of arrow.
    """
    whole, rows = folding(graph)
    stand = stands(graph, depth, whole, rows)
    ends = {(stand[source], stand[user]) for source, user, _ in uses(graph, rows) if not onward(source, user, rows)}
    arrows = whole.folded(depth).arrows
    assert {(arrow.tail, arrow.head) for arrow in arrows} == {(a, b) for a, b in ends if a is not b}
    assert len({(arrow.tail, arrow.head, arrow.uses[0].argument) for arrow in arrows}) == len(arrows)


@given(programs, DEPTHS)
def test_from_one_block_to_the_next_arrows_go_onward(graph: list[Vertex], depth: int) -> None:
    whole, rows = folding(graph)
    stand, expected = stands(graph, depth, whole, rows), set()
    for source, user, argument in uses(graph, rows):
        if onward(source, user, rows):
            a, b = stand[source], stand[user]
            row = left(source, user, rows)[0].row
            if row in around(a if isinstance(a, Group) else whole.home[a]):  # else it is in a closed box
                expected.add((a, b, argument if isinstance(b, Vertex) and len(b.sources) > 1 else ""))
    content = whole.folded(depth)
    assert set(content.onward) == expected
    assert len(content.onward) == len(expected)


@given(programs, DEPTHS)
def test_an_arrow_carries_the_values_that_flow(graph: list[Vertex], depth: int) -> None:
    """Into the first of equal blocks and inside of it its own; out of a row those of all blocks that give some."""
    whole, rows = folding(graph)
    stand = stands(graph, depth, whole, rows)
    expected: dict[tuple[Stand, Stand, str], dict[Vertex, None]] = defaultdict(dict)
    for source, user, argument in uses(graph, rows):
        a, b = stand[source], stand[user]
        if a is not b and not onward(source, user, rows):
            expected[a, b, argument * (isinstance(a, Vertex) and isinstance(b, Vertex))][source] = None
    found = {}
    for arrow in whole.folded(depth).arrows:
        both = isinstance(arrow.tail, Vertex) and isinstance(arrow.head, Vertex)
        found[arrow.tail, arrow.head, arrow.uses[0].argument * both] = arrow.values
    assert found == {key: list(values) for key, values in expected.items()}


@given(programs, DEPTHS)
def test_an_arrow_tells_which_block_gives_the_value(graph: list[Vertex], depth: int) -> None:
    whole, rows = folding(graph)
    for arrow in whole.folded(depth).arrows:
        seen = set(around(arrow.tail if isinstance(arrow.tail, Group) else whole.home[arrow.tail]))
        giving = [place for place in left(arrow.uses[0].source, arrow.uses[0].user, rows) if place.row in seen]
        if all(number == len(row.items) for row, number in giving):
            assert arrow.giver == ("the last" if giving else "")
        else:
            assert arrow.giver == "no. " + ".".join(str(number) for _, number in giving)


@given(programs, DEPTHS)
def test_there_is_no_way_back(graph: list[Vertex], depth: int) -> None:
    assert not circle(folding(graph)[0].folded(depth).arrows)


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
    content = folding(graph)[0].folded(depth)
    assert set(content.drawn) == {end for arrow in content.arrows for end in (arrow.tail, arrow.head)}


@given(programs)
def test_less_depth_is_fewer_nodes(graph: list[Vertex]) -> None:
    whole, _ = folding(graph)
    counts = [whole.count(depth) for depth in range(whole.levels + 2)]
    assert counts == sorted(counts)
    assert counts[-1] == counts[-2]


@given(programs)
def test_depth_0_closes_all_boxes(graph: list[Vertex]) -> None:
    content = folding(graph)[0].folded(0)
    for drawn, group in content.drawn.items():
        assert all(outer.kind != "call" for outer in around(group))
        assert isinstance(drawn, Vertex) or drawn.kind == "call"


@given(programs)
def test_unrolled_and_open_the_picture_is_the_graph(graph: list[Vertex]) -> None:
    whole, rows = folding(graph, unroll=True)
    content = whole.folded(whole.levels)
    assert list(content.drawn) == graph
    assert [(arrow.tail, arrow.head, arrow.uses[0].argument) for arrow in content.arrows] == uses(graph, rows)
    assert not content.onward


def test_each_use_has_an_arrow() -> None:
    """Also where `stack` takes a value twice in its list."""
    x, w = Vertex("input", "x"), Vertex("leaf", "w")
    stack = Vertex("op", "stack", sources=[Source(v, f"xs[{i}]") for i, v in enumerate((x, w, x))])
    square = Vertex("op", "multiply", sources=[Source(stack, "a"), Source(stack, "b")])
    whole, _ = folding([x, w, stack, square])
    arrows = whole.folded(0).arrows
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
    whole, _ = folding(graph)
    assert [whole.count(0), whole.count(1), whole.levels] == [10_002, 10_002, 1]
    assert len(whole.folded(0).arrows) == 30_000
    assert whole.root.parameters == 3


def test_ten_thousand_scopes_in_one_another_with_a_leaf_each() -> None:
    graph, scope = [Vertex("input", "x")], tuple[Call, ...]()
    for i in range(10_000):
        scope, leaf = (*scope[: i % 100], Call("s")), Vertex("leaf", "w", shape=(1,))
        graph += [leaf, Vertex("op", str(i), scope=scope, sources=[Source(leaf, "a"), Source(graph[-1], "b")])]
    whole, _ = folding(graph)
    assert [whole.levels, whole.count(0), whole.count(50), whole.count(100)] == [100, 101, 10_101, 20_001]
    assert whole.root.parameters == 10_000
