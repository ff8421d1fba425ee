"""Chains of operations on four numbers, or on one: what recording an operation and walking back costs.

The figure is microseconds per recorded operation: forward, backward and the end of the graph together. The
comparison subtracts the same bare NumPy calls, forward and backward, written by hand. (What NumPy makes of
0-d arrays are scalars, whose operators take a tenth of the time; the hand-written chain has that advantage
there.)
"""

from collections.abc import Callable, Iterator

from benchmarks import contenders
from benchmarks.agreement import DisagreementError, compare_gradients
from benchmarks.problems import CHAINS, Array
from benchmarks.report import Row, duration
from benchmarks.timing import quartiles, take_turns

OVERHEAD_BAR = 1.3e-6  # seconds per operation above bare NumPy
LONG_BAR = 3.0  # seconds for the longest chain
SHORT, LONG = 999, 999_999  # multiples of three
GROWTH = (SHORT, 9_999, 99_999, LONG)


def agreeing(
    kind: str, shape: tuple[int, ...], count: int, peers: bool
) -> tuple[dict[str, Callable[[], list[Array]]], list[Row]]:
    """The chains that give the hand-written gradients, and rows for those that do not."""
    runs: dict[str, Callable[[], list[Array]]] = {}
    wrong = []
    for name, module in contenders.available(peers).items():
        if hasattr(module, "chain"):
            run = module.chain(kind, shape, count)
            try:
                compare_gradients(run(), runs.get("by hand", run)(), "float64")
            except (DisagreementError, RecursionError) as error:
                wrong.append(Row("", name, f"{type(error).__name__}: {error}", met=False))
            else:
                runs[name] = run
    return runs, wrong


def chain_rows(kind: str, shape: tuple[int, ...], count: int, peers: bool, rounds: int) -> Iterator[Row]:
    task = f"{count:,} ops: {kind}, shape {shape}"
    runs, wrong = agreeing(kind, shape, count, peers)
    for row in wrong:
        yield Row(task, row.contender, row.figure, met=row.met)
    taken = take_turns(runs, rounds)
    for name, seconds in taken.items():
        low, above, high = quartiles([(a - b) / count for a, b in zip(seconds, taken["by hand"], strict=True)])
        middle = quartiles(seconds)[1]
        bar, met = "", None
        if name == "tinygrad_ko" and count == SHORT:
            bar, met = f"<= +{OVERHEAD_BAR * 1e6:.1f} us", above <= OVERHEAD_BAR
        if name == "tinygrad_ko" and count == LONG:
            bar, met = f"<= {duration(LONG_BAR)} in all", middle <= LONG_BAR
        yield Row(
            task,
            name,
            f"{middle / count * 1e6:.2f} us per op" + (f", {duration(middle)}" if count > SHORT else ""),
            f"{above * 1e6:+.2f} us",
            f"{low * 1e6:+.2f} to {high * 1e6:+.2f}; {min(seconds) / count * 1e6:.2f} us",
            bar,
            met,
        )


def rows(peers: bool, rounds: int) -> Iterator[Row]:
    for kind in CHAINS:
        for shape in ((4,), ()):
            yield from chain_rows(kind, shape, SHORT, peers, rounds)
    for count in GROWTH[1:]:  # does an operation cost the same in a long chain?
        yield from chain_rows(CHAINS[0], (4,), count, False, min(rounds, max(3, 300_000 // count)))
