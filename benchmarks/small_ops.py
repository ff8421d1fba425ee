"""Chains of operations on four numbers, or on one: what recording an operation and walking back costs.

The figure is microseconds per recorded operation: forward, backward and the end of the graph together. It is compared with the
same bare NumPy calls, forward and backward, written by hand. (What NumPy makes of 0-d arrays are scalars, whose operators take a
tenth of the time; the hand-written chain has that advantage there.)
"""

from collections.abc import Iterator

from benchmarks import contenders
from benchmarks.comparison import compared
from benchmarks.problems import CHAINS
from benchmarks.report import Row

SHORT, LONG = 999, 999_999  # multiples of three
GROWTH = (9_999, 99_999, LONG)
BARS = {(4,): 2.0, (): 2.5}


def rows(peers: bool, rounds: int) -> Iterator[Row]:
    for kind in CHAINS:
        for shape, bar in BARS.items():
            task = f"{SHORT:,} ops: {kind}, shape {shape}, each"
            works = contenders.works("chain", kind, shape, SHORT, peers=peers)
            yield from compared(task, works, rounds, bar=bar, count=SHORT)
    for count in GROWTH:  # does an operation cost the same in a long chain?
        works = contenders.works("chain", CHAINS[0], (4,), count, peers=False)
        turns = min(rounds, max(3, 300_000 // count))
        yield from compared(f"{count:,} ops: {CHAINS[0]}, shape (4,), each", works, turns, count=count)
