"""One step of SGD: forward, loss, backward, update. What an engine costs where matrices are large."""

from collections.abc import Iterator
from functools import partial

from benchmarks import contenders
from benchmarks.agreement import compare, compare_gradients
from benchmarks.comparison import compared
from benchmarks.problems import CONVOLUTIONS, STEPS
from benchmarks.process import Process
from benchmarks.report import Row


def agree(dtype: str, step: Process, reference: Process) -> None:
    """The same loss and gradients, and after three steps still the same loss: the update is checked too."""
    loss, gradients = step.call("gradients")
    expected_loss, expected = reference.call("gradients")
    compare("loss", loss, expected_loss, dtype)
    compare_gradients(gradients, expected, dtype)
    for i in range(3):
        compare(f"loss before step {i}", step.call(), reference.call(), dtype)


def rows(peers: bool, rounds: int) -> Iterator[Row]:
    for kind, problems in (("TrainingStep", STEPS), ("ConvolutionStep", CONVOLUTIONS)):
        for network, bar in problems:
            works = contenders.works(kind, network, peers=peers)
            if kind == "TrainingStep":
                works["tinygrad_ko, x @ W + b"] = contenders.work("tinygrad_ko", "OperatorStep", network)
            yield from compared(f"step {network.title}", works, rounds, agree=partial(agree, network.dtype), bar=bar)
