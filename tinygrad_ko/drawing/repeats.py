"""Parts of a sequence that stand several times in a row."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LONGEST = 64  # so many items at most are one unit


class Run(NamedTuple):
    """`times` units of `period` items each, from `start` on."""

    start: int
    period: int
    times: int


def repeats(sequence: Sequence[int], least: int) -> list[Run]:
    """The longest runs of equal units, `least` of them or more, from left to right and apart; of runs that are as long, the
    one with the shortest unit.

    >>> repeats([9, 1, 2, 1, 2, 1, 2, 7, 7, 7, 7], least=3)
    [Run(start=1, period=2, times=3), Run(start=7, period=1, times=4)]
    """
    items = np.asarray(sequence)
    best = np.zeros(len(items), dtype=int)  # how many items the best run from here covers
    period = np.ones(len(items), dtype=int)
    for p in range(1, min(LONGEST, len(items) // least) + 1):
        covered = (agreeing(items[:-p] == items[p:]) // p + 1) * p
        better = np.flatnonzero((covered >= least * p) & (covered > best[: len(covered)]))
        best[better], period[better] = covered[better], p
    runs, i = [], 0
    while i < len(items):
        if best[i]:
            runs.append(Run(i, int(period[i]), int(best[i] // period[i])))
        i += max(int(best[i]), 1)
    return runs


def agreeing(same: np.ndarray) -> np.ndarray:
    """For each place, how many in a row are True from there on.

    >>> agreeing(np.array([True, True, False, True]))
    array([2, 1, 0, 1])
    """
    places = np.arange(len(same))
    ends = np.where(same, len(same), places)  # the nearest False at or after each place
    return np.minimum.accumulate(ends[::-1])[::-1] - places
