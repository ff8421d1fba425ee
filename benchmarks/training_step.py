"""One step of SGD: forward, loss, backward, update. What an engine costs where matrices are large."""

from collections.abc import Iterator
from typing import Any

from benchmarks import contenders
from benchmarks.agreement import DisagreementError, compare, compare_gradients
from benchmarks.problems import STEPS
from benchmarks.report import Row, duration
from benchmarks.timing import quartiles, take_turns


def require_agreement(step: Any, reference: Any, dtype: str) -> None:
    """The same loss and gradients, and after three steps still the same loss: the update is checked too."""
    loss, gradients = step.gradients()
    expected_loss, expected = reference.gradients()
    compare("loss", loss, expected_loss, dtype)
    compare_gradients(gradients, expected, dtype)
    for i in range(3):
        compare(f"loss before step {i}", step(), reference(), dtype)


def compared(task: str, kind: str, network: Any, bar: float, peers: bool, rounds: int) -> Iterator[Row]:
    """A row for every contender that has this kind of step."""
    modules = {name: module for name, module in contenders.available(peers).items() if hasattr(module, kind)}
    running: dict[str, Any] = {}
    for name, module in modules.items():
        step = getattr(module, kind)(network)
        try:
            require_agreement(step, getattr(modules["by hand"], kind)(network), network.dtype)
        except DisagreementError as error:
            yield Row(task, name, f"wrong: {error}", met=False)
        else:
            running[name] = step
    taken = take_turns(running, rounds)
    by_hand = taken["by hand"]
    for name, seconds in taken.items():
        low, middle, high = quartiles([a / b for a, b in zip(seconds, by_hand, strict=True)])
        yield Row(
            task,
            name,
            duration(quartiles(seconds)[1]),
            f"{middle:.2f} x",
            f"{low:.2f} to {high:.2f}; {duration(min(seconds))}",
            f"<= {bar:.2f} x" if name == "tinygrad_ko" else "",
            middle <= bar if name == "tinygrad_ko" else None,
        )


def rows(peers: bool, rounds: int) -> Iterator[Row]:
    for network, bar in STEPS:
        yield from compared(f"step {network.title}", "TrainingStep", network, bar, peers, rounds)
