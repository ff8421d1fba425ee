"""The learning curve of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tinygrad_ko.cli.console import say
from tinygrad_ko.files import whole_file


def learning_curve(losses: Sequence[float], epochs: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw the loss of every iteration and the accuracies of every epoch, without a display. Without matplotlib: say so."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        say(
            f"no {path.name}: pip install 'tinygrad_ko[plots]'",
            "학습 곡선을 그리려면 pip install 'tinygrad_ko[plots]'으로 matplotlib을 설치합니다.",
        )
        return
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(range(1, len(losses) + 1), losses, color="0.75", linewidth=0.8, label="each iteration")
    left.set(xlabel="iteration", ylabel="loss", ylim=(0, None))
    right.set(xlabel="epoch", ylabel="accuracy")
    right.grid(alpha=0.3)
    if epochs:
        left.plot(
            [row["iteration"] for row in epochs], [row["loss"] for row in epochs], "C0.-", label="mean of each epoch"
        )
        numbers = [row["epoch"] for row in epochs]
        right.plot(numbers, [row["train_accuracy"] for row in epochs], "C0.-", label="training images")
        right.plot(numbers, [row["test_accuracy"] for row in epochs], "C1.-", label="test images")
        right.legend()
    left.legend()
    with whole_file(path) as file:
        figure.savefig(file, format="png", dpi=120)
