"""Rows of a table that are looked up with repeats, and the gradient that goes back to them.

By hand there are three ways to add up at repeated ids, and none is the fastest everywhere: the comparison is with whichever is
the fastest for the problem. (A lookup of a thousand single numbers is mostly what an engine costs whatever it computes; that
has its bar among the small operations.)
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from benchmarks import contenders
from benchmarks.agreement import DisagreementError, compare_gradients
from benchmarks.contenders import by_hand
from benchmarks.problems import LOOKUPS, Array, Lookup
from benchmarks.report import Row, duration
from benchmarks.timing import quartiles, take_turns

BAR = 1.3  # times the fastest way by hand
WAYS = {"bincount": by_hand.by_bincount, "sort, reduceat": by_hand.by_sorting, "add.at": by_hand.by_add_at}


def rows(peers: bool, rounds: int) -> Iterator[Row]:
    makers: dict[str, Callable[..., Callable[[], list[Array]]]] = {
        f"by hand: {name}": partial(by_hand.lookup, way=way) for name, way in WAYS.items()
    }
    makers |= {n: m.lookup for n, m in contenders.available(peers).items() if n != "by hand" and hasattr(m, "lookup")}
    for problem in LOOKUPS:
        yield from problem_rows(problem, makers, rounds)


def problem_rows(
    problem: Lookup, makers: dict[str, Callable[..., Callable[[], list[Array]]]], rounds: int
) -> Iterator[Row]:
    task = f"lookup of {problem.title}"
    table, ids, g = problem.inputs()
    running: dict[str, Callable[[], list[Array]]] = {}
    for name, make in makers.items():
        run = make(table, ids, g)
        try:
            compare_gradients(run(), by_hand.lookup(table, ids, g)(), problem.dtype)
        except DisagreementError as error:
            yield Row(task, name, f"wrong: {error}", met=False)
        else:
            running[name] = run
    taken = take_turns(running, rounds)
    best = taken[min((name for name in taken if name.startswith("by hand")), key=lambda name: np.median(taken[name]))]
    judged = problem.width is not None or problem.count >= 10_000
    for name, seconds in taken.items():
        low, middle, high = quartiles([a / b for a, b in zip(seconds, best, strict=True)])
        ours = name == "tinygrad_ko" and judged
        yield Row(
            task,
            name,
            duration(quartiles(seconds)[1]),
            f"{middle:.2f} x",
            f"{low:.2f} to {high:.2f}; {duration(min(seconds))}",
            f"<= {BAR:.2f} x" if ours else "",
            middle <= BAR if ours else None,
        )
