"""Contenders that do the same work, each in a process of its own, and a row of the table for each."""

from collections.abc import Callable, Iterator, Mapping
from statistics import median

from benchmarks.agreement import DisagreementError
from benchmarks.process import Process, Turn, Work, started
from benchmarks.report import Row, duration
from benchmarks.timing import quartiles, take_turns

OURS = "tinygrad_ko"
Agree = Callable[[Process, Process], None]  # raises DisagreementError


def compared(
    task: str,
    works: Mapping[str, Work],
    rounds: int,
    *,
    agree: Agree | None = None,
    bar: float | None = None,
    against: str = "by hand",
    count: int = 1,
) -> Iterator[Row]:
    """Rows with the CPU time of each contender and its ratio, round by round, to the one called `against`, or to the fastest of those
    whose names begin so. Who disagrees with it is not timed. `bar` is the most that the ratio may be for our own. With `count`,
    figures are those of one of so many operations of a call.
    """
    agreeing = dict(works)
    reference = next((work for name, work in works.items() if name.startswith(against)), None)
    for name, work in works.items() if agree and reference else ():
        try:
            with Process(work) as one, Process(reference) as other:  # not those that are timed: their memory is fresh
                agree(one, other)
        except NotImplementedError:
            del agreeing[name]
        except (DisagreementError, RecursionError) as error:
            del agreeing[name]
            yield Row(task, name, f"{type(error).__name__}: {error}", met=False)
    with started(agreeing) as processes:
        taken = take_turns(processes, rounds)
    bases = [turns for name, turns in taken.items() if name.startswith(against)]
    fastest = min(bases, key=lambda turns: median(turn.cpu for turn in turns), default=[])
    for name, turns in taken.items():
        ratios = [a.cpu / b.cpu for a, b in zip(turns, fastest, strict=True)] if fastest else []
        yield timed(task, name, turns, ratios, bar if name == OURS else None, count)


def timed(task: str, name: str, turns: list[Turn], ratios: list[float], bar: float | None, count: int) -> Row:
    """A row: the median time of one operation, and how it stands against the others."""
    low, middle, high = quartiles(ratios) if ratios else (0.0, 0.0, 0.0)
    return Row(
        task,
        name,
        duration(median(turn.cpu / count for turn in turns)),
        f"{middle:.2f}" if ratios else "",
        f"{low:.2f} to {high:.2f}" if ratios else "",
        duration(min(turn.cpu / count for turn in turns)),
        f"{median(turn.faults for turn in turns):,.0f}",
        f"{sum(turn.system for turn in turns) / sum(turn.cpu for turn in turns):.0%}",
        "" if bar is None else f"<= {bar:.2f}",
        None if bar is None or not ratios else middle <= bar,
    )
