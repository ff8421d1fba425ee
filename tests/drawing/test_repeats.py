"""Parts of a sequence that stand several times in a row, against looking at every part."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_ko.drawing.repeats import LONGEST, Run, repeats

LEAST = 3
SEQUENCES = st.lists(st.integers(0, 2), max_size=30)


def every_run(sequence: list[int]) -> list[Run]:
    """All runs that cannot be made longer, by looking at every start and every period."""
    found = []
    for period in range(1, len(sequence) // LEAST + 1):
        for start in range(len(sequence)):
            length = period
            while start + length < len(sequence) and sequence[start + length] == sequence[start + length - period]:
                length += 1
            if length >= LEAST * period:
                found.append(Run(start, period, length))
    return found


@given(SEQUENCES)
def test_runs_repeat_and_lie_apart(sequence: list[int]) -> None:
    runs = repeats(sequence, LEAST)
    for start, period, length in runs:
        part = sequence[start : start + length]
        assert length >= LEAST * period
        assert len(part) == length
        assert part[period:] == part[:-period]
    assert all(a.start + a.length <= b.start for a, b in pairwise(runs))


@given(SEQUENCES)
def test_the_longest_run_is_there_with_its_shortest_period(sequence: list[int]) -> None:
    every = every_run(sequence)
    first = min(every, key=lambda run: (-run.length, run.period, run.start), default=None)
    assert first is None or first in repeats(sequence, LEAST)


@given(SEQUENCES)
def test_in_what_is_left_nothing_repeats(sequence: list[int]) -> None:
    at = 0
    for start, _, length in [*repeats(sequence, LEAST), Run(len(sequence), 1, 0)]:
        assert not every_run(sequence[at:start])
        at = start + length


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.integers(LEAST, 9), SEQUENCES, SEQUENCES)
def test_what_was_repeated_is_found(unit: list[int], times: int, before: list[int], after: list[int]) -> None:
    """Other numbers stand around it."""
    other = [[n + 10 for n in part] for part in (before, after)]
    runs = repeats([*other[0], *unit * times, *other[1]], LEAST)
    (run,) = (run for run in runs if len(before) <= run.start < len(before) + len(unit) * times)
    assert (run.start, run.length) == (len(before), len(unit) * times)
    assert len(unit) % run.period == 0


def test_a_shorter_run_in_front_does_not_break_a_longer_one() -> None:
    assert repeats([1, 1, 1, *[1, 1, 1, 2, 3] * 20], LEAST) == [Run(0, 1, 3), Run(3, 5, 100)]


@pytest.mark.parametrize(("period", "runs"), [(LONGEST, 1), (LONGEST + 1, 0)])
def test_units_are_not_longer_than_that(period: int, runs: int) -> None:
    assert len(repeats([*range(period)] * LEAST, LEAST)) == runs


@pytest.mark.parametrize(
    ("sequence", "runs"), [([7] * 100_000, 1), ([n * n % 7919 for n in range(100_000)], 0), ([1], 0), ([], 0)]
)
def test_long_sequences_and_short_ones(sequence: list[int], runs: int) -> None:
    assert len(repeats(sequence, LEAST)) == runs
