"""One step of SGD: forward, loss, backward, update. What an engine costs where matrices are large."""

from collections.abc import Iterator
from typing import Any

from benchmarks import contenders
from benchmarks.agreement import DisagreementError, compare, compare_gradients
from benchmarks.problems import STEPS, Network
from benchmarks.report import Row, duration
from benchmarks.timing import quartiles, take_turns


def require_agreement(step: Any, reference: Any, network: Network) -> None:
    """The same loss and gradients, and after three steps still the same loss: the update is checked too."""
    loss, gradients = step.gradients()
    expected_loss, expected = reference.gradients()
    compare("loss", loss, expected_loss, network.dtype)
    compare_gradients(gradients, expected, network.dtype)
    for i in range(3):
        compare(f"loss before step {i}", step(), reference(), network.dtype)


def rows(peers: bool, rounds: int) -> Iterator[Row]:
    modules = contenders.available(peers)
    for network, bar in STEPS:
        task = f"step {network.title}"
        running: dict[str, Any] = {}
        for name, module in modules.items():
            step = module.TrainingStep(network)
            try:
                require_agreement(step, modules["by hand"].TrainingStep(network), network)
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
