"""The learning curve of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tinygrad_ko.cli.console import say
from tinygrad_ko.pictures.curves import learning_curves
from tinygrad_ko.runtime.files import whole_file
from tinygrad_ko.runtime.install import install


def learning_curve(losses: Sequence[float], epochs: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw the loss of every iteration and the accuracies of every epoch, without a display. Without matplotlib: say so."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        cure = install("plots")
        say(f"no {path.name}: {cure}", f"학습 곡선을 그리려면 matplotlib을 설치하십시오: {cure}")
        return
    figure = Figure(figsize=(9, 3.6), layout="constrained")  # not one of pyplot, which may look for a display
    if epochs:
        accuracies = ([row[f"{part}_accuracy"] for row in epochs] for part in ("train", "test"))
        learning_curves(losses, *accuracies, ax=figure.subplots(1, 2))
    else:
        learning_curves(losses, ax=figure.subplots())
    with whole_file(path) as file:
        figure.savefig(file, format="png", dpi=120)
