"""Fair timing on a busy machine: contenders take turns, and a ratio compares figures of one round."""

import gc
import time
from collections.abc import Callable, Mapping

import numpy as np

TURN = 0.005  # seconds that one contender runs before the next one does


def seconds_of(work: Callable[[], object], repeats: int = 1) -> float:
    """The mean time of one call, in seconds."""
    start = time.perf_counter()
    for _ in range(repeats):
        work()
    return (time.perf_counter() - start) / repeats


def take_turns(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds per call of each contender, one figure per round: A B C, A B C, ...

    A turn lasts about 5 ms, or one call where that takes longer. Short calls get one more, untimed, at the
    start of a turn, to warm the caches. The garbage collector stays on, as users have it, and has nothing
    left to collect when a round starts.
    """
    repeats = {}
    for name, work in contenders.items():
        work()
        repeats[name] = max(1, round(TURN / seconds_of(work)))
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        gc.collect()
        for name, work in contenders.items():
            if repeats[name] > 1:
                work()
            taken[name].append(seconds_of(work, repeats[name]))
    return taken


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """The lower quartile, the median and the upper quartile."""
    low, middle, high = np.percentile(values, (25, 50, 75))
    return float(low), float(middle), float(high)
