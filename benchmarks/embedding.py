"""Rows of a table that are looked up with repeats, and the gradient that goes back to them.

By hand there are three ways to add up at repeated ids, and none is the fastest everywhere: the comparison is with whichever is
the fastest for the problem. (A lookup of a thousand single numbers is mostly what an engine costs whatever it computes; that
has its bar among the small operations.)
"""

from collections.abc import Iterator

from benchmarks import contenders
from benchmarks.comparison import compared
from benchmarks.contenders.by_hand import WAYS
from benchmarks.problems import LOOKUPS
from benchmarks.report import Row

BAR = 1.3  # times the fastest way by hand


def rows(peers: bool, rounds: int) -> Iterator[Row]:
    for problem in LOOKUPS:
        works = {f"by hand: {way}": contenders.work("by hand", "lookup", problem, way) for way in WAYS}
        works |= {name: w for name, w in contenders.works("lookup", problem, peers=peers).items() if name != "by hand"}
        judged = problem.width is not None or problem.count >= 10_000
        yield from compared(
            f"lookup of {problem.title}",
            works,
            rounds,
            dtype=problem.dtype,
            bar=BAR if judged else None,
        )
