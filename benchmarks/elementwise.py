"""A formula of twelve elementwise operations and its sum on millions of numbers: what memory costs where there is little to compute."""

from collections.abc import Iterator

from benchmarks import contenders
from benchmarks.comparison import compared
from benchmarks.problems import FORMULAS
from benchmarks.report import Row


def rows(peers: bool, rounds: int) -> Iterator[Row]:
    for problem in FORMULAS:
        works = contenders.works("formula", problem, peers=peers)
        yield from compared(problem.title, works, max(3, rounds // 3), dtype=problem.dtype)
