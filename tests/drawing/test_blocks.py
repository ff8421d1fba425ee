"""Equal blocks in a row: those that are said to be equal are equal, and those that were made equal are found."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.drawing.programs import Chain, Loop, Op, Program, Scope, programs
from tinygrad_ko.drawing.blocks import LEAST, find
from tinygrad_ko.drawing.grouping import Group, groups, tree, vertices_in
from tinygrad_ko.drawing.reading import Vertex
from tinygrad_ko.drawing.rows import Place, Rows


def folded(graph: list[Vertex]) -> tuple[list[Group], Rows]:
    """The rows of a graph that are drawn, and what is known of them."""
    root = tree([v for v in graph if v.kind == "op"])
    rows = find(graph, root)
    assert list(vertices_in(root.items)) == [v for v in graph if v.kind == "op"]
    assert all(item.parent is group for group in groups(root) for item in group.items if isinstance(item, Group))
    return [group for group in groups(root, drawn=True) if group.kind == "row"], rows


def drawn(graph: list[Vertex]) -> list[str]:
    """The names of the operations that are drawn."""
    _, rows = folded(graph)
    return [v.name for v in graph if v.kind == "op" and v not in rows.mirror]


# ------------------------------------------------------------------ what is said to be equal is equal


@given(programs)
def test_a_row_is_made_of_enough_blocks(graph: list[Vertex]) -> None:
    found, rows = folded(graph)
    for row in found:
        assert len(row.items) >= LEAST
        for i, block in enumerate(row.items):
            assert isinstance(block, Group)
            assert block.kind in ("call", "block")
            assert block.times == len(row.items)
            assert all(Place(row, i + 1) in rows.places[v] for v in vertices_in([block]))


@given(programs)
def test_what_is_mirrored_looks_like_what_it_mirrors(graph: list[Vertex]) -> None:
    _, rows = folded(graph)
    for v, first in rows.mirror.items():
        assert (v.kind, v.name, v.shape, v.dtype) == (first.kind, first.name, first.shape, first.dtype)
        assert [argument for _, argument in v.sources] == [argument for _, argument in first.sources]


@given(programs)
def test_what_is_mirrored_is_wired_like_what_it_mirrors(graph: list[Vertex]) -> None:
    """What comes from the block itself comes in the first from itself; what comes from the block before comes there from
    outside, and in the second from the first; what comes from outside comes from the same.
    """
    _, rows = folded(graph)
    second = {(rows.places[v][-1], first): v for v, first in rows.mirror.items()}
    for v, first in rows.mirror.items():
        row, number = rows.places[v][-1]
        for i, (source, _) in enumerate(v.sources):
            numbers = [place.number for place in rows.places.get(source, []) if place.row is row]
            there, here = first.sources[i].vertex, Place(row, 1)
            if numbers == [number]:
                assert rows.mirror[source] is there
            elif numbers:
                assert numbers == [number - 1]
                assert here not in rows.places.get(there, [])
                start = second[Place(row, 2), first].sources[i].vertex
                assert start is source if number == 2 else start is rows.mirror[source]
            else:
                assert here not in rows.places.get(there, [])
                assert rows.drawn(source) is rows.drawn(there)


@given(programs)
def test_a_leaf_in_a_block_is_used_by_no_other_block(graph: list[Vertex]) -> None:
    _, rows = folded(graph)
    for user in graph:
        for leaf, _ in user.sources:
            for place in rows.places.get(leaf, []) if leaf.kind != "op" else []:
                assert all(other == place for other in rows.places.get(user, []) if other.row is place.row)


# ------------------------------------------------------------------ what was made equal is found

KINDS = ("state", "local", "old", "outer", "shared", "own", "constant", "input")


def body(random: Random, name: str) -> list[Op]:
    """Operations that all look different, the last of which hands the state on."""
    taken = [[(random.choice(KINDS), random.randrange(3)) for _ in range(2)] for _ in range(random.randint(1, 5))]
    taken[-1][0], taken[0][0] = ("local", 0), ("state", 0)
    return [Op(f"{name}{i}", arguments) for i, arguments in enumerate(taken)]


def run(random: Random, statements: list[Op | Scope | Loop]) -> list[Vertex]:
    program = Program(random)
    program.run([Op("first", [("input", 0)]), *statements, Op("last", [("local", 0)])], program.inputs, [], 0, 1)
    return program.finished()


randoms = st.randoms(use_true_random=False)


@given(randoms, st.integers(LEAST, 9), st.booleans())
def test_of_a_loop_one_time_is_drawn(random: Random, times: int, scoped: bool) -> None:
    inner = body(random, "a")
    graph = run(random, [Loop(times, [Scope("A", inner)] if scoped else inner, {})])
    (row,), _ = folded(graph)
    assert drawn(graph) == ["first", *(op.name for op in inner), "last"]
    assert len(row.items) == times
    assert row.items[0].name == ("A" if scoped else "")


@given(randoms, st.integers(LEAST, 6), st.integers(LEAST, 6))
def test_of_a_loop_in_a_loop_one_time_is_drawn(random: Random, outer: int, inner: int) -> None:
    deep, end = body(random, "a"), body(random, "b")
    graph = run(random, [Loop(outer, [Loop(inner, deep, {}), *end], {})])
    assert [len(row.items) for row in folded(graph)[0]] == [outer, inner]
    assert drawn(graph) == ["first", *(op.name for op in [*deep, *end]), "last"]


@given(randoms, st.integers(3, 13), st.integers(0, 13))
def test_a_time_that_is_different_is_drawn_too(random: Random, times: int, odd: int) -> None:
    assume(odd < times)
    inner = body(random, "a")
    other = [op._replace(name="odd") if op is inner[-1] else op for op in inner]
    parts = [odd * [inner], [other], (times - odd - 1) * [inner]]
    expected = [part if len(part) < LEAST else part[:1] for part in parts]
    names = [op.name for part in expected for ops in part for op in ops]
    graph = run(random, [Loop(times, inner, {odd: other})])
    assert sorted(drawn(graph)) == sorted(["first", *names, "last"])  # a block need not begin where the loop did


@given(randoms, st.integers(LEAST, 9))
def test_a_row_may_take_from_an_earlier_row(random: Random, times: int) -> None:
    """In the same order or backwards, as gradients do."""
    inner = body(random, "a")
    for n in (0, 1):
        back = [Op("b0", [("paired", n)]), Op("b1", [("state", 0), ("local", 0)])]
        graph = run(random, [Loop(times, inner, {}), Loop(times, back, {})])
        assert drawn(graph) == ["first", *(op.name for op in inner), "b0", "b1", "last"]


# ------------------------------------------------------------------ one by one


def alternate(c: Chain) -> None:
    """Two parameters in turn: equal are two times."""
    h = c.x
    for i in range(10):
        h = c.op("a", h, (c.w, c.v)[i % 2])


def decay(c: Chain) -> None:
    """Parameters of blocks are used again, one after another."""
    h, total, used = c.x, c.y, []
    for _ in range(6):
        used.append(c.own())
        h = c.op("a", h, used[-1])
    for w in used:
        total = c.op("add", total, c.op("square", w))


def tied(c: Chain) -> None:
    """One parameter twice in a block is not two parameters."""
    h = c.x
    for i in range(8):
        w = c.own()
        h = c.op("b", c.op("a", h, w), w if i % 2 else c.own())


def second_before(c: Chain) -> None:
    """From the second last and the last: two of them are a block, and it takes what the block before has made."""
    a, b = c.x, c.y
    for _ in range(8):
        a, b = b, c.op("a", b, a)


def far_back(c: Chain) -> None:
    """From farther back than the block before: a block takes from outside what no drawn block takes."""
    made = [c.op(f"start {i}", c.x) for i in range(5)]
    for i in range(8):
        made.append(c.op("a", made[-1], made[i]))


def from_the_first(c: Chain) -> None:
    """What the first block makes, all others take from it: it is not like the others, and for the second it is the block before."""
    h, start = c.x, None
    for _ in range(6):
        a = c.op("a", h)
        start = start or a
        h = c.op("b", start)


def used_before(c: Chain) -> None:
    """Parameters that were used before, by operations that are all different, are in no block."""
    used, h = [c.own() for _ in range(6)], c.x
    for i, w in enumerate(used):
        c.op(f"use {i}", w)
    for w in used:
        h = c.op("a", h, w)


def beside(c: Chain) -> None:
    """Blocks that all take the same value, and give theirs to one."""
    c.op("sum", *[c.op("b", c.op("a", c.x, c.own())) for _ in range(2)])
    for _ in range(5):
        c.op("c", c.op("b", c.op("a", c.x, c.own())), c.y)


def seam(c: Chain) -> None:
    """The operation in front looks like the last of a block: there is a choice of where blocks begin."""
    h = c.op("c", c.x)
    for _ in range(6):
        a = c.op("a", h, c.own())
        h = c.op("c", c.op("b", h, a))


def begun_anew(c: Chain) -> None:
    """The fifth block takes from outside what others take from the block before: there another row begins."""
    h = c.x
    for i in range(10):
        h = c.op("a", c.y if i == 4 else h, c.own())


def chained_later(c: Chain) -> None:
    """The first five take the same, each of the others takes from the block before."""
    h = c.x
    for i in range(10):
        h = c.op("a", c.y if i < 5 else h, c.own())


def other_arguments(c: Chain) -> None:
    """As many arguments, but not the same ones: of three the second or the third is left out, in turn."""
    h = c.x
    for i in range(8):
        h = c.op("a", h, c.w)
        h.sources[1] = h.sources[1]._replace(argument="bc"[i % 2])


def late(c: Chain) -> None:
    """An operation at the end looks like the first of another block; and values of the block before are taken late."""
    h, first, third = c.x, c.x, c.y
    for i in range(9):
        start, late = c.op("a", h), c.op("b", third, c.x)
        old = c.op("c", c.x, first)
        h, first, third = c.op("d" if i != 8 else "e", late, third), start, old


@pytest.mark.parametrize(
    ("program", "names", "rows"),
    [
        (alternate, "a a", [5]),
        (decay, "a square add", [6, 6]),
        (tied, "a b a b", [4]),
        (second_before, "a a", [4]),
        (far_back, "start 0 start 1 start 2 start 3 start 4 " + "a " * 8, []),
        (from_the_first, "a b a b a b", [4]),
        (used_before, "use 0 use 1 use 2 use 3 use 4 use 5 " + "a " * 6, []),
        (beside, "a b a b sum a b c", [5]),
        (seam, "c a b c", [6]),
        (begun_anew, "a a", [4, 6]),
        (chained_later, "a a", [5, 5]),
        (other_arguments, "a a", [4]),
        (late, "a b c d a b c e", [8]),
    ],
)
def test_what_is_equal_and_what_is_not(program: Callable[[Chain], None], names: str, rows: list[int]) -> None:
    chain = Chain()
    program(chain)
    graph = chain.finished()
    assert " ".join(drawn(graph)) == names.strip(), program.__doc__
    assert [len(row.items) for row in folded(graph)[0]] == rows


def test_parameters_that_outer_blocks_share_are_in_no_inner_block() -> None:
    """Else the picture would say that every outer block has its own."""
    c = Chain()
    shared, h = [c.own() for _ in range(5)], c.x
    for _ in range(4):
        for w in shared:
            h = c.op("a", h, w)
        h = c.op("end", h)
    assert " ".join(drawn(c.finished())) == "a a a a a end"


@pytest.mark.slow
def test_a_hundred_thousand_operations() -> None:
    c = Chain()
    h = c.x
    for _ in range(50_000):
        h = c.op("b", c.op("a", h, c.own()))
    assert drawn(c.finished()) == ["a", "b"]
