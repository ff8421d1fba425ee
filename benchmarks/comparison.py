"""Contenders that do the same work, each in a process of its own, and a row of the table for each."""

from collections.abc import Callable, Iterator, Mapping
from statistics import median

from benchmarks.agreement import DisagreementError, compare_all, numbered
from benchmarks.problems import Array
from benchmarks.process import FailedError, Process, Turn, Work, started
from benchmarks.report import Row, duration
from benchmarks.timing import quartiles, take_turns

OURS = "tinygrad_ko"
Answers = Mapping[str, Array | float]


def gradients(process: Process) -> Answers:
    """What a work that returns gradients is judged by."""
    return numbered(process.call())


def compared(
    task: str,
    works: Mapping[str, Work],
    rounds: int,
    *,
    dtype: str = "float64",
    answers: Callable[[Process], Answers] = gradients,
    bar: float | None = None,
    against: str = "by hand",
    of: str = OURS,
    count: int = 1,
) -> Iterator[Row]:
    """Rows with the CPU time of each contender and its ratio, round by round, to the one called `against`, or to the fastest of those
    whose names begin so. Who gives other `answers` is not timed. `bar` is the most that the ratio may be for the one called `of`. With
    `count`, figures are those of one of so many operations of a call.
    """
    agreeing, expected = dict(works), None
    for name in sorted(works, key=lambda name: not name.startswith(against)):  # the yardstick is asked first
        try:
            with Process(works[name]) as process:  # not the one that is timed: its memory is fresh
                got = answers(process)
            if expected is None and name.startswith(against):
                expected = got
            compare_all(got, got if expected is None else expected, dtype)
        except NotImplementedError:
            del agreeing[name]
        except (DisagreementError, FailedError, RecursionError) as error:
            del agreeing[name]
            yield Row(task, name, f"{type(error).__name__}: {error}", met=False)
    with started(agreeing) as processes:
        taken = take_turns(processes, rounds)
    yield from rows_of(task, taken, bar=bar, against=against, of=of, count=count)


def rows_of(
    task: str,
    taken: Mapping[str, list[Turn]],
    *,
    bar: float | None = None,
    against: str = "by hand",
    of: str = OURS,
    count: int = 1,
) -> Iterator[Row]:
    """The rows of turns that were taken."""
    yardsticks = [turns for name, turns in taken.items() if name.startswith(against)]
    fastest = min(yardsticks, key=lambda turns: median(turn.cpu for turn in turns), default=[])
    for name, turns in taken.items():
        ratios = [a.cpu / b.cpu for a, b in zip(turns, fastest, strict=True)] if fastest not in ([], turns) else []
        yield timed(task, name, turns, ratios, bar if name == of else None, count)


def timed(task: str, name: str, turns: list[Turn], ratios: list[float], bar: float | None, count: int) -> Row:
    """A row: the median time of one operation, and how it stands against the yardstick; the yardstick itself has no ratios."""
    low, middle, high = quartiles(ratios) if ratios else (0.0, 0.0, 0.0)
    return Row(
        task,
        name,
        duration(median(turn.cpu for turn in turns) / count),
        f"{middle:.2f}" if ratios else "",
        f"{low:.2f} to {high:.2f}" if ratios else "",
        duration(min(turn.cpu for turn in turns) / count),
        f"{median(turn.faults for turn in turns):,.0f}",
        f"{sum(turn.system for turn in turns) / sum(turn.cpu for turn in turns):.0%}",
        "" if bar is None else f"<= {bar:.2f}",
        None if bar is None or not ratios else middle <= bar,
    )
