"""A step of each optimizer on the parameters of a network, with gradients that are there already."""

from collections.abc import Iterator

from benchmarks import contenders
from benchmarks.comparison import Answers, compared
from benchmarks.problems import OPTIMIZERS, PARAMETERS
from benchmarks.process import Process
from benchmarks.report import Row

BAR = 1.10


def answers(step: Process) -> Answers:
    """The parameters after three steps."""
    for _ in range(3):
        step.call()
    return {f"parameter {i}": p for i, p in enumerate(step.call("values"))}


def rows(peers: bool, rounds: int) -> Iterator[Row]:
    parameters = sum(p.size for layer in PARAMETERS.layers() for p in layer)
    for name in OPTIMIZERS:
        works = contenders.works("OptimizerStep", name, PARAMETERS, peers=peers)
        if "torch" in works:
            works["torch, fused"] = contenders.work("torch", "OptimizerStep", name, PARAMETERS, True)
        task = f"{name}, {parameters:,} parameters, {PARAMETERS.dtype}"
        yield from compared(task, works, rounds, dtype=PARAMETERS.dtype, answers=answers, bar=BAR)
