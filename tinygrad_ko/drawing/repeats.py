"""Parts of a sequence that stand several times in a row."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LONGEST = 128  # so many items at most are one unit


class Run(NamedTuple):
    """Where a sequence repeats: `length` items from `start` on, each equal to the one `period` before it."""

    start: int
    period: int
    length: int


def repeats(sequence: Sequence[int], least: int) -> list[Run]:
    """Runs of equal units, `least` of them or more and perhaps a part of another, that lie apart, from left to right: first the
    longest was taken, then the longest in what was left. Of runs that are as long the one with the shortest unit counts, then
    the leftmost.

    >>> repeats([9, 1, 2, 1, 2, 1, 2, 1, 7, 7, 7, 7], least=3)
    [Run(start=1, period=2, length=7), Run(start=8, period=1, length=4)]
    """
    items, found = np.asarray(sequence), list[Run]()
    for period in range(1, min(LONGEST, len(items) // least) + 1):
        starts, ends = stretches(items[:-period] == items[period:])
        lengths = ends - starts + period
        pairs = zip(starts.tolist(), lengths.tolist(), strict=True)
        found += [Run(start, period, length) for start, length in pairs if length >= least * period]
    found.sort(key=lambda run: (-run.length, run.period, run.start))
    free, taken = np.ones(len(items), dtype=bool), list[Run]()
    for start, period, length in found:
        here = free[start : start + length]
        for first, end in zip(*stretches(here), strict=True):
            if end - first >= least * period:
                taken.append(Run(start + int(first), period, int(end - first)))
                here[first:end] = False
    return sorted(taken)


def stretches(true: NDArray[np.bool]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where all are True, as far as it goes: the first place of every such stretch, and the first place after it.

    >>> stretches(np.array([True, True, False, True]))
    (array([0, 3]), array([2, 4]))
    """
    changes = np.flatnonzero(np.diff(true, prepend=False, append=False))
    return changes[::2], changes[1::2]
