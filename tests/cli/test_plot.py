"""The picture that `tinygrad-ko train` leaves: whole or not at all."""

import sys

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure

from tinygrad_ko.cli.plot import learning_curve
from tinygrad_ko.runtime.install import install

EPOCHS = [
    {"epoch": 1, "iteration": 3, "loss": 2.0, "train_accuracy": 0.3, "test_accuracy": 0.25},
    {"epoch": 2, "iteration": 6, "loss": 1.0, "train_accuracy": 0.6, "test_accuracy": 0.5},
]
LOSSES = [2.3, 2.0, 1.7, 1.2, 1.0, 0.8]


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved."""
    figures = []
    save = Figure.savefig

    def watched(figure, *arguments, **options):
        figures.append(figure)
        save(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", watched)
    return figures


def test_losses_and_accuracies_are_drawn_without_pyplot(tmp_path, drawn):
    path = tmp_path / "learning.png"
    learning_curve(LOSSES, EPOCHS, path)
    assert path.read_bytes().startswith(b"\x89PNG")
    left, right = drawn[0].axes
    assert left.get_lines()[0].get_ydata().tolist() == LOSSES
    assert [line.get_xydata().tolist() for line in right.get_lines()] == [
        [[1, 0.3], [2, 0.6]],
        [[1, 0.25], [2, 0.5]],
    ]
    assert plt.get_fignums() == []


def test_before_the_first_epoch_ends_there_are_losses_only(tmp_path, drawn):
    learning_curve(LOSSES, [], tmp_path / "learning.png")
    assert len(drawn[0].axes) == 1


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "learning.png"
    path.write_bytes(b"old")

    def fail(figure, file, **_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="No space"):
        learning_curve(LOSSES, EPOCHS, path)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("learning.png", b"old")]


def test_without_matplotlib_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    learning_curve(LOSSES, EPOCHS, tmp_path / "learning.png")
    assert f"no learning.png: {install('plots')}" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
