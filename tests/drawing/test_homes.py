"""Where everything stands, and how many parameters are where."""

from math import prod

from hypothesis import given

from tests.drawing.programs import programs
from tinygrad_ko.drawing.blocks import find
from tinygrad_ko.drawing.grouping import Group, around, groups, tree
from tinygrad_ko.drawing.homes import count_parameters, homes
from tinygrad_ko.drawing.reading import Vertex
from tinygrad_ko.drawing.rows import Rows


def settled(graph: list[Vertex]) -> tuple[Group, Rows, dict[Vertex, Group]]:
    root = tree([v for v in graph if v.kind == "op"])
    rows = find(graph, root)
    return root, rows, homes(graph, root, rows)


@given(programs)
def test_operations_stand_in_their_groups_and_the_rest_outside(graph: list[Vertex]) -> None:
    root, _, home = settled(graph)
    assert set(home) == set(graph)
    for v in graph:
        if v.kind == "op":
            assert v in home[v].items
        elif v.kind in ("input", "result"):
            assert home[v] is root


@given(programs)
def test_a_leaf_stands_where_it_is_used_first_or_around_all_other_groups_that_use_it(graph: list[Vertex]) -> None:
    """A group that is around does not count: it may take the leaf from inside, for it does so later."""
    root, rows, home = settled(graph)
    for leaf in (v for v in graph if v.kind in ("leaf", "constant") and v not in rows.places):
        users = [user for user in graph for source, _ in user.sources if source is leaf]
        uses = []
        for user in users:
            entered = rows.places.get(user)
            uses.append(entered[0].row.parent or root if entered else home[user])
        expected = uses[0]
        for here in uses:
            if here not in around(expected):
                expected = next(group for group in around(expected) if group in around(here))
        assert home[leaf] is expected


@given(programs)
def test_what_each_of_equal_blocks_has_of_its_own_stands_in_the_block(graph: list[Vertex]) -> None:
    _, rows, home = settled(graph)
    for v, places in rows.places.items():
        for row, number in places:
            assert row.items[number - 1] in list(around(home[v]))


@given(programs)
def test_nothing_else_stands_in_a_block(graph: list[Vertex]) -> None:
    _, rows, home = settled(graph)
    for v in graph:
        assert sum(group.kind == "row" for group in around(home[v])) == len(rows.places.get(v, []))
        assert home[v].kind in ("call", "block")


@given(programs)
def test_every_parameter_counts_once_where_it_stands_and_around(graph: list[Vertex]) -> None:
    root, _, home = settled(graph)
    count_parameters(home, root)
    for group in groups(root):
        inside = [v for v in graph if v.kind == "leaf" and group in around(home[v])]
        assert group.parameters == sum(prod(v.shape or ()) for v in inside)
    assert root.parameters == sum(prod(v.shape or ()) for v in graph if v.kind == "leaf")
