"""Fair timing on a busy machine: contenders take turns, and a ratio compares figures of one round."""

import time
from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.process import Process, Turn

TURN = 0.02  # seconds that one contender runs before the next one does


def seconds_of(work: Callable[[], object], repeats: int = 1) -> float:
    """The mean time of one call, in seconds."""
    start = time.perf_counter()
    for _ in range(repeats):
        work()
    return (time.perf_counter() - start) / repeats


def take_turns(processes: Mapping[str, Process], rounds: int) -> dict[str, list[Turn]]:
    """The turns of each contender, one in each round: A B C, C B A, A B C, ...

    A turn lasts about 20 ms, or one call where that takes longer.
    """
    repeats = {name: max(1, round(TURN / max(p.turn(1).wall, 1e-6))) for name, p in processes.items()}
    taken: dict[str, list[Turn]] = {name: [] for name in processes}
    for i in range(rounds):
        for name in reversed([*processes]) if i % 2 else processes:
            taken[name].append(processes[name].turn(repeats[name]))
    return taken


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """The lower quartile, the median and the upper quartile."""
    low, middle, high = np.percentile(values, (25, 50, 75))
    return float(low), float(middle), float(high)
