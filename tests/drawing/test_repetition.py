"""Equal blocks in a row: those that are said to be equal are equal, and those that were made equal are found."""

from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.drawing.programs import Chain, Loop, Op, Program, Scope, programs
from tinygrad_ko.drawing.clusters import Cluster, cluster_tree, clusters_in, vertices_in
from tinygrad_ko.drawing.repetition import _LEAST, _LONGEST, Place, Rows, _Run, _Wiring, equal_rows, repeats
from tinygrad_ko.drawing.vertices import Vertex


def folded(graph: list[Vertex]) -> tuple[list[Cluster], Rows]:
    """The rows of a graph that are drawn, and what is known of them."""
    root = cluster_tree([v for v in graph if v.kind == "op"])
    rows = equal_rows(graph, root)
    assert list(vertices_in(root.items)) == [v for v in graph if v.kind == "op"]
    assert all(
        item.parent is cluster for cluster in clusters_in(root) for item in cluster.items if isinstance(item, Cluster)
    )
    return [cluster for cluster in clusters_in(root, drawn=True) if cluster.kind == "row"], rows


def drawn(graph: list[Vertex]) -> list[str]:
    """The names of the operations that are drawn."""
    _, rows = folded(graph)
    return [v.name for v in graph if v.kind == "op" and v not in rows.mirror]


# ------------------------------------------------------------------ what is said to be equal is equal


@given(programs)
def test_a_row_is_made_of_enough_blocks(graph: list[Vertex]) -> None:
    found, rows = folded(graph)
    for row in found:
        assert len(row.items) >= _LEAST
        for i, block in enumerate(row.items):
            assert isinstance(block, Cluster)
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


@given(randoms, st.integers(_LEAST, 9), st.booleans())
def test_of_a_loop_one_time_is_drawn(random: Random, times: int, scoped: bool) -> None:
    inner = body(random, "a")
    graph = run(random, [Loop(times, [Scope("A", inner)] if scoped else inner, {})])
    (row,), _ = folded(graph)
    assert drawn(graph) == ["first", *(op.name for op in inner), "last"]
    assert len(row.items) == times
    assert row.items[0].name == ("A" if scoped else "")


@given(randoms, st.integers(_LEAST, 6), st.integers(_LEAST, 6))
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
    expected = [part if len(part) < _LEAST else part[:1] for part in parts]
    names = [op.name for part in expected for ops in part for op in ops]
    graph = run(random, [Loop(times, inner, {odd: other})])
    assert sorted(drawn(graph)) == sorted(["first", *names, "last"])  # a block need not begin where the loop did


@given(randoms, st.integers(_LEAST, 9))
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


def tied_later(c: Chain) -> None:
    """Two parameters in the first block, one twice in all others."""
    h = c.x
    for i in range(6):
        w = c.own()
        h = c.op("b", c.op("a", h, w), w if i else c.own())


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
        (tied_later, "a b a b", [5]),
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


@pytest.mark.parametrize(
    ("what", "values"), [("shape", [(2,), (1, 2)]), ("dtype", ["float32", "float64"]), ("kind", ["leaf", "constant"])]
)
def test_parameters_that_look_different_in_turn(what: str, values: list[Any]) -> None:
    """Equal are two times."""
    c = Chain()
    h = c.x
    for i in range(8):
        own = c.own()
        setattr(own, what, values[i % 2])
        h = c.op("a", h, own)
    assert drawn(c.finished()) == ["a", "a"]


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


# ------------------------------------------------------------------ from where to where blocks are wired alike


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=9))
def test_rows_are_as_long_as_they_can_be(pairs: list[tuple[bool, bool]]) -> None:
    """Cut where two neighbours differ: whether they do may be another question for the first two of a row."""
    wiring = _Wiring([[] for _ in range(len(pairs) + 1)], Rows(), {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "alike", lambda k, first: pairs[k][k == first])
        spans = list(wiring.equal_spans())
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
    for first, last in spans:
        assert last - first >= _LEAST
        assert all(pairs[k][k == first] for k in range(first, last - 1))
        assert last == len(pairs) + 1 or not pairs[last - 1][last - 1 == first]


@pytest.mark.parametrize(
    ("start", "may_be_first"),
    [("input", True), ("shared", True), ("own", True), ("own twice", False), ("inside", False)],
)
def test_only_the_first_may_take_from_outside_what_comes_from_the_block_before(start: str, may_be_first: bool) -> None:
    c = Chain()
    own = c.own()
    blocks: list[list[Vertex]] = []
    for k in range(2):
        a = c.op("a", own if k == 0 and start == "own twice" else c.own())
        first = {"input": c.x, "shared": c.w, "inside": a}.get(start, own)
        blocks.append([a, c.op("b", a, blocks[-1][1] if k else first)])
    users = {source: user for user in reversed(c.graph) for source, _ in user.sources}
    assert _Wiring(blocks, Rows(), users).alike(0, first=0) == may_be_first
    assert not _Wiring(blocks, Rows(), users).alike(0, first=-1)


# ------------------------------------------------------------------ parts of a sequence that stand several times in a row

UNITS = 3
SEQUENCES = st.lists(st.integers(0, 2), max_size=30)


def every_run(sequence: list[int]) -> list[_Run]:
    """All runs that cannot be made longer, by looking at every start and every period."""
    found = []
    for period in range(1, len(sequence) // UNITS + 1):
        for start in range(len(sequence)):
            length = period
            while start + length < len(sequence) and sequence[start + length] == sequence[start + length - period]:
                length += 1
            if length >= UNITS * period:
                found.append(_Run(start, period, length))
    return found


@given(SEQUENCES)
def test_runs_repeat_and_lie_apart(sequence: list[int]) -> None:
    runs = repeats(sequence, UNITS)
    for start, period, length in runs:
        part = sequence[start : start + length]
        assert length >= UNITS * period
        assert len(part) == length
        assert part[period:] == part[:-period]
    assert all(a.start + a.length <= b.start for a, b in pairwise(runs))


@given(SEQUENCES)
def test_the_longest_run_is_there_with_its_shortest_period(sequence: list[int]) -> None:
    every = every_run(sequence)
    first = min(every, key=lambda run: (-run.length, run.period, run.start), default=None)
    assert first is None or first in repeats(sequence, UNITS)


@given(SEQUENCES)
def test_in_what_is_left_nothing_repeats(sequence: list[int]) -> None:
    at = 0
    for start, _, length in [*repeats(sequence, UNITS), _Run(len(sequence), 1, 0)]:
        assert not every_run(sequence[at:start])
        at = start + length


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.integers(UNITS, 9), SEQUENCES, SEQUENCES)
def test_what_was_repeated_is_found(unit: list[int], times: int, before: list[int], after: list[int]) -> None:
    """Other numbers stand around it."""
    other = [[n + 10 for n in part] for part in (before, after)]
    runs = repeats([*other[0], *unit * times, *other[1]], UNITS)
    (run,) = (run for run in runs if len(before) <= run.start < len(before) + len(unit) * times)
    assert (run.start, run.length) == (len(before), len(unit) * times)
    assert len(unit) % run.period == 0


def test_a_shorter_run_in_front_does_not_break_a_longer_one() -> None:
    assert repeats([1, 1, 1, *[1, 1, 1, 2, 3] * 20], UNITS) == [_Run(0, 1, 3), _Run(3, 5, 100)]


@pytest.mark.parametrize(("period", "runs"), [(_LONGEST, 1), (_LONGEST + 1, 0)])
def test_units_are_not_longer_than_that(period: int, runs: int) -> None:
    assert len(repeats([*range(period)] * UNITS, UNITS)) == runs


@pytest.mark.parametrize(
    ("sequence", "runs"), [([7] * 100_000, 1), ([n * n % 7919 for n in range(100_000)], 0), ([1], 0), ([], 0)]
)
def test_long_sequences_and_short_ones(sequence: list[int], runs: int) -> None:
    assert len(repeats(sequence, UNITS)) == runs
