"""How blocks are wired, in words that equal blocks have in common."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.drawing.programs import Chain
from tinygrad_ko.drawing.reading import Vertex
from tinygrad_ko.drawing.rows import Rows
from tinygrad_ko.drawing.wiring import Wires, alike, equal_in_a_row, wires

ANY = Vertex("input", "x")
WIRES = st.sampled_from([("before", 0), ("inside", 0), ("own", 0), ("elsewhere", 0), ("elsewhere", 1)])


def blocks(c: Chain, n: int, ops: int) -> list[list[Vertex]]:
    """The operations of a graph in blocks of so many."""
    graph = [v for v in c.graph if v.kind == "op"]
    assert len(graph) == n * ops
    return [graph[i : i + ops] for i in range(0, n * ops, ops)]


def test_the_four_places_that_a_value_comes_from() -> None:
    c = Chain()
    h = c.x
    for _ in range(3):
        h = c.op("b", c.op("a", h, c.own()), c.w)
    users = {source: user for user in reversed(c.graph) for source, _ in user.sources}
    words = [[place for _, (place, _) in wired] for wired in wires(blocks(c, 3, 2), Rows(), users)]
    assert words[0] == ["elsewhere", "own", "inside", "elsewhere"]
    assert words[1:] == [["before", "own", "inside", "elsewhere"]] * 2


@given(st.lists(st.lists(WIRES, min_size=2, max_size=2), max_size=9), st.integers(1, 4))
def test_rows_are_as_long_as_they_can_be(words: list[list[tuple[str, int]]], least: int) -> None:
    """Cut where two neighbours differ; the first of a row may take from elsewhere what the others take from the one before."""
    wired: list[Wires] = [[(ANY, word) for word in block] for block in words]
    spans = list(equal_in_a_row(wired, least))
    assert all(last - first >= least for first, last in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    for first, last in spans:
        inside = [alike(wired[i], wired[i + 1], is_first=i == first) for i in range(first, last - 1)]
        assert all(inside)
        assert last == len(wired) or not alike(wired[last - 1], wired[last], is_first=last - 1 == first)


@given(WIRES, WIRES)
def test_only_the_first_may_take_from_outside_what_comes_from_the_block_before(
    a: tuple[str, int], b: tuple[str, int]
) -> None:
    assert alike([(ANY, a)], [(ANY, b)], is_first=False) == (a == b)
    assert alike([(ANY, a)], [(ANY, b)], is_first=True) == (a == b or (b[0] == "before" and a[0] != "inside"))
