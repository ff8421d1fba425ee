"""One step of training: forward, loss, backward, update. What an engine costs where matrices are large."""

from collections.abc import Iterator

from benchmarks import contenders
from benchmarks.agreement import numbered
from benchmarks.comparison import Answers, compared
from benchmarks.problems import CONVOLUTIONS, RECURRENT, RESIDUALS, STEPS, TRANSFORMER
from benchmarks.process import Process
from benchmarks.report import Row


def answers(step: Process) -> Answers:
    """The loss and the gradients, and the losses of three steps: the update is judged too."""
    loss, gradients = step.call("gradients")
    return {"loss": loss, **numbered(gradients)} | {f"loss before step {i}": step.call() for i in range(3)}


def rows(peers: bool, rounds: int) -> Iterator[Row]:
    kinds = {
        "TrainingStep": STEPS,
        "ConvolutionStep": CONVOLUTIONS,
        "ResidualStep": RESIDUALS,
        "RecurrentStep": RECURRENT,
        "TransformerStep": ((TRANSFORMER, 0.85),),
    }
    for kind, network, bar in [(kind, *each) for kind, some in kinds.items() for each in some]:
        works = contenders.works(kind, network, peers=peers)
        if kind == "TrainingStep":
            works["tinygrad_ko, x @ W + b"] = contenders.work("tinygrad_ko", "OperatorStep", network)
        # The goal of the others is PyTorch's step: by hand they would be libraries.
        against = "by hand" if kind in ("TrainingStep", "ConvolutionStep") else "torch"
        yield from compared(
            f"step {network.title}", works, rounds, dtype=network.dtype, answers=answers, bar=bar, against=against
        )
