"""One step of training: forward, loss, backward, update. What an engine costs where matrices are large."""

from collections.abc import Iterator
from typing import Any

from benchmarks import contenders
from benchmarks.agreement import numbered
from benchmarks.comparison import Answers, compared
from benchmarks.problems import CONVOLUTIONS, LSTM, RESIDUALS, STEPS, TRANSFORMER
from benchmarks.process import Process
from benchmarks.report import Row


def answers(step: Process) -> Answers:
    """The loss and the gradients, and the losses of three steps: the update is judged too."""
    loss, gradients = step.call("gradients")
    return {"loss": loss, **numbered(gradients)} | {f"loss before step {i}": step.call() for i in range(3)}


def rows(peers: bool, rounds: int) -> Iterator[Row]:
    problems: list[tuple[str, Any, float | None]] = [
        *(("TrainingStep", *each) for each in STEPS),
        *(("ConvolutionStep", *each) for each in CONVOLUTIONS),
        *(("ResidualStep", *each) for each in RESIDUALS),
        ("RecurrentStep", LSTM, None),
        ("TransformerStep", TRANSFORMER, None),
    ]
    for kind, network, bar in problems:
        works = contenders.works(kind, network, peers=peers)
        if kind == "TrainingStep":
            works["tinygrad_ko, x @ W + b"] = contenders.work("tinygrad_ko", "OperatorStep", network)
        against = "torch" if kind in ("ResidualStep", "TransformerStep") else "by hand"  # by hand it would be a library
        yield from compared(
            f"step {network.title}", works, rounds, dtype=network.dtype, answers=answers, bar=bar, against=against
        )
