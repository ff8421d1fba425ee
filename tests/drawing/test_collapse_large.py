"""What is drawn of a graph of any size: whole if it is small, folded by itself if it is too large, and then said."""

from collections.abc import Callable
from itertools import groupby
from math import ceil, prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.drawing.programs import Chain, programs
from tests.drawing.test_collapse import circle, clustered, onward, uses
from tinygrad_ko.drawing import collapse as collapsing
from tinygrad_ko.drawing.clusters import Cluster, Item, around, vertices_in
from tinygrad_ko.drawing.collapse import _BUDGET, _FEW, _READABLE, _SMALL, Collapsed, collapse
from tinygrad_ko.drawing.vertices import Source, Vertex
from tinygrad_ko.engine.graph import Call


def ends(content: Collapsed) -> list[tuple[Any, Any]]:
    return [(arrow.tail, arrow.head) for arrow in content.arrows]


def operations(graph: list[Vertex]) -> int:
    return sum(v.kind == "op" for v in graph)


# ------------------------------------------------------------------ small ones


@pytest.mark.parametrize("more", [0, 1])
def test_a_small_graph_is_drawn_whole(more: int) -> None:
    c = Chain()
    h = c.x
    for _ in range(_SMALL - 2 + more):
        h = c.op("a", h)
    graph = c.finished()
    assert len(graph) == _SMALL + more
    assert len(collapse(graph).drawn) == (3 if more else _SMALL)
    assert len(collapse(graph, unroll=True).drawn) == _SMALL + more


@given(programs, st.integers(0, 3))
def test_within_the_budget_it_is_as_asked(graph: list[Vertex], depth: int) -> None:
    content, (whole, _) = collapse(graph, depth, unroll=True), clustered(graph, unroll=True)
    expected = whole.collapsed(depth)
    if expected.effort() <= _BUDGET:
        assert (len(content.drawn), len(content.arrows)) == (len(expected.drawn), len(expected.arrows))
        assert content.notes == []
    else:
        assert content.notes[0][0].startswith(
            f"{operations(graph):,} operations, folded to {len(content.drawn):,} nodes"
        )


# ------------------------------------------------------------------ how much it is


def test_effort_counts_nodes_boxes_and_where_arrows_pass_others_by() -> None:
    x, scope = Vertex("input", "x"), (Call("A"), Call("B"))
    a = Vertex("op", "a", sources=[Source(x, "x")], scope=scope)
    b = Vertex("op", "b", sources=[Source(a, "x")], scope=scope[:1])
    c = Vertex("op", "c", sources=[Source(b, "x"), Source(x, "y")])
    y = Vertex("result", "y", sources=[Source(c, "")])
    whole, _ = clustered([x, a, b, c, y])
    assert [whole.collapsed(depth).effort() for depth in (2, 1, 0)] == [5 + 2 + 2, 5 + 1 + 2, 4 + 0 + 1]


@given(programs)
def test_an_arrow_passes_by_what_may_stand_between_its_ends(graph: list[Vertex]) -> None:
    """How far a thing is from the end is how many arrows there are on the longest way."""
    content = clustered(graph)[0].collapsed(0)
    far, before = dict.fromkeys(content.drawn, 0), None
    while far != before:
        before = far.copy()
        for tail, head in ends(content):
            far[tail] = max(far[tail], far[head] + 1)
    boxes = {cluster for home in content.drawn.values() for cluster in around(home) if cluster is not content.root}
    passing = sum(far[tail] - far[head] - 1 for tail, head in ends(content))
    assert content.effort() == len(content.drawn) + len(boxes) + passing


# ------------------------------------------------------------------ runs

CUTS = (programs, st.integers(-1, 3), st.integers(1, 12))


@given(*CUTS)
def test_long_lists_are_cut_into_runs(graph: list[Vertex], depth: int, parts: int) -> None:
    whole, _ = clustered(graph)
    lists = whole.long_lists(depth)
    found = whole.runs(lists, parts)
    length = ceil(sum(map(len, lists.values())) / parts)
    for cluster, items in lists.items():
        leaves = [v for v in whole.shown if whole.home[v] is cluster and v.kind in ("leaf", "constant")]
        assert [item for item in items if item not in leaves] == cluster.items
        assert set(items) == {*cluster.items, *leaves}
        for run, piece in groupby(items, key=found.get):
            inside = list(piece)
            assert len(items) > length or run is None
            assert 1 < len(inside) <= length or run is None
            if run:
                assert (run.kind, run.parent, run.items) == ("run", cluster, inside)
                inner = [v for v in graph if v in inside or any(outer in inside for outer in around(whole.home[v]))]
                assert run.parameters == sum(prod(v.shape or ()) for v in inner if v.kind == "leaf")


@given(*CUTS[:2])
def test_a_leaf_is_just_before_what_uses_it_first(graph: list[Vertex], depth: int) -> None:
    whole, _ = clustered(graph)
    for cluster, items in whole.long_lists(depth).items():
        for leaf in (v for v in items if isinstance(v, Vertex) and v.kind in ("leaf", "constant")):
            user = next(v for v in graph if any(source is leaf for source, _ in v.sources))
            after = next(item for item in items[items.index(leaf) :] if item in cluster.items)
            assert after in [user, *around(whole.home[user])] or user.kind == "result"


@given(*CUTS)
def test_with_runs_the_picture_is_a_quotient_too(graph: list[Vertex], depth: int, parts: int) -> None:
    whole, rows = clustered(graph)
    found = whole.runs(whole.long_lists(depth), parts)
    content = whole.collapsed(depth, found)
    open_ = {run.parent for run in found.values()}
    stand: dict[Vertex, Item] = {}
    for v in graph:
        drawn = rows.drawn(v)
        outside_in = list(around(whole.home[drawn]))[::-1]
        closed = [
            found.get(cluster, cluster) for cluster in outside_in if cluster in found or shut(cluster, depth, open_)
        ]
        stand[v] = closed[0] if closed else found.get(drawn, drawn)
    used = {(stand[a], stand[b]) for a, b, _ in uses(graph, rows) if not onward(a, b, rows)}
    assert set(content.drawn) == set(stand.values())
    assert set(ends(content)) == {(a, b) for a, b in used if a is not b}
    assert not circle(content.arrows)
    assert len(content.drawn) == whole.count(depth, found)
    assert set(content.drawn) == {end for both in ends(content) for end in both}


def shut(cluster: Cluster, depth: int, open_: set[Any]) -> bool:
    return cluster.kind == "call" and cluster not in open_ and sum(g.kind == "call" for g in around(cluster)) > depth


# ------------------------------------------------------------------ large ones


@given(programs, st.integers(5, 40), st.integers(0, 3))
def test_above_the_budget_little_is_left_and_it_is_said(graph: list[Vertex], budget: int, depth: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collapsing, "_BUDGET", budget)
        patch.setattr(collapsing, "_READABLE", budget // 2)
        patch.setattr(collapsing, "_SMALL", 0)
        content = collapse(graph, depth)
    whole, _ = clustered(graph)
    if whole.collapsed(min(depth, whole.levels)).effort() <= budget:
        assert content.notes == []
    else:
        assert content.notes[0][0].startswith(
            f"{operations(graph):,} operations, folded to {len(content.drawn):,} nodes"
        )
    assert not circle(content.arrows)


def chain(c: Chain, n: int) -> None:
    """No part of it repeats."""
    h = c.x
    for i in range(n):
        h = c.op(str(i), h)


def scopes(c: Chain, n: int) -> None:
    """Beside one another."""
    h = c.x
    for i in range(n // 4):
        c.scope = (Call(f"{i}th"),)
        for k in range(4):
            h = c.op(str(k), h)
    c.scope = ()


def in_a_scope(c: Chain, n: int) -> None:
    """All in one, and in it in others."""
    h = c.x
    for i in range(n // 4):
        c.scope = (*c.scope[:1], Call(f"{i}th")) if i else (Call("all"), Call("0th"))
        for k in range(4):
            h = c.op(str(k), h)


def deep(c: Chain, n: int) -> None:
    """One in another."""
    h = c.x
    for i in range(100):
        c.scope = (*c.scope, Call(f"{i}th"))
        for k in range(n // 100):
            h = c.op(str(k * k % 89), h)


def tangle(c: Chain, n: int) -> None:
    """Each of two any."""
    made = [c.x, c.y]
    for i in range(n):
        made.append(c.op(str(i), *(made[c.random.randrange(len(made))] for _ in range(2))))


def leaves(c: Chain, n: int) -> None:
    """Each used twice, by operations that are far from one another."""
    h, own = c.x, [c.own() for _ in range(n // 2)]
    for i, w in enumerate([*own, *own]):
        h = c.op(str(i), h, w)


def one_leaf(c: Chain, n: int) -> None:
    """Used by all."""
    h = c.x
    for i in range(n):
        h = c.op(str(i), h, c.w)


def inputs(c: Chain, n: int) -> None:
    """Many, and each is used once."""
    h = c.x
    for i in range(n):
        h = c.op(str(i), h, c.new("input", f"x{i}"))


def results(c: Chain, n: int) -> None:
    """Nothing else but leaves."""
    for i in range(n):
        c.new("result", f"y{i}", c.own())


SHAPES = [chain, scopes, in_a_scope, deep, tangle, leaves, one_leaf, inputs, results]


@pytest.mark.parametrize("shape", SHAPES)
def test_of_ten_thousand_operations_few_nodes_are_left(shape: Callable[[Chain, int], None]) -> None:
    c = Chain()
    shape(c, 10_000)
    graph = c.finished()
    content = collapse(graph)
    assert 3 <= len(content.drawn) <= 2 * _READABLE + 2 * _FEW
    assert content.effort() <= 2 * _READABLE + 2 * _FEW
    assert f"folded to {len(content.drawn):,} nodes" in content.notes[0][0]
    inside = {v for drawn in content.drawn for v in (vertices_in([drawn]))}
    assert inside >= {v for v in graph if v.kind in ("op", "input", "result")}


@pytest.mark.slow
def test_a_hundred_thousand_operations() -> None:
    c = Chain()
    chain(c, 100_000)
    content = collapse(c.finished())
    assert len(content.drawn) <= 2 * _READABLE
    assert content.notes[0][0].startswith("100,000 operations")
