"""How learning went: the loss of every step, and the accuracies."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_ko.errors import explain
from tinygrad_ko.pictures.canvas import (
    BLUE,
    GREY,
    VERMILLION,
    Floats,
    axes,
    broken_line,
    check_axes,
    floats,
    label,
    legend,
    some_finite,
)
from tinygrad_ko.pictures.hangul import numbered, words

_LONGEST = 501  # steps that are averaged at most: the time to compute it grows with that


def learning_curves(losses: Any, train_accuracies: Any = None, test_accuracies: Any = None, *, ax: Any = None) -> Any:
    """Draw the loss of every step, and beside it the accuracies on training and on test data.

    `losses` is a list or array of numbers; from 50 on a line of their moving average is drawn as well. Accuracies are a list
    with one for every epoch, or a dict `{step: accuracy}`. A loss or accuracy that is NaN or infinite leaves a gap and
    a cross at the upper edge.

    Returns the Axes, or with accuracies an array of two Axes; `ax` says where to draw: Axes, or two of them.

    Raises ValueError if there is nothing to draw, or the two lists of accuracies differ in length; TypeError for what is not
    numbers; ModuleNotFoundError without matplotlib.

    >>> ax = learning_curves([2.3, 1.1, 0.6, 0.4])
    >>> left, right = learning_curves([2.3, 1.1, 0.6, 0.4], [0.7, 0.9], [0.6, 0.8])
    """
    name = "learning_curves"
    losses = some_finite(_line(losses, name, "losses"), name, "losses")
    drawn = {
        what: _points(accuracies, name, what)
        for what, accuracies in (("train_accuracies", train_accuracies), ("test_accuracies", test_accuracies))
        if accuracies is not None
    }
    by_step = [isinstance(a, Mapping) for a in (train_accuracies, test_accuracies) if a is not None]
    lengths = [len(x) for x, _ in drawn.values()]
    if len(set(by_step)) > 1 or (not any(by_step) and len(set(lengths)) > 1):
        raise explain(
            ValueError(
                f"{name}: train_accuracies and test_accuracies must be lists of one length, or two dicts {{step: accuracy}}"
            ),
            f"{name}: train_accuracies와 test_accuracies는 길이가 같은 리스트이거나, 둘 다 {{step: 정확도}} 꼴의 dict여야 합니다.",
        )
    left, *right = _panels(ax, name, 2 if drawn else 1)
    _draw_losses(left, losses)
    for ax in right:
        _draw_accuracies(ax, drawn, by_step[0])
    return np.array([left, *right]) if right else left


def _draw_losses(ax: Any, losses: Floats) -> None:
    steps = np.arange(1.0, len(losses) + 1)
    window = min(len(losses) // 50 * 2 + 1, _LONGEST)
    if len(losses) < 50:
        broken_line(ax, steps, losses, "-", ".", color=BLUE, label=words("loss", "손실"))
    else:
        text = words("each step", "반복별 손실")
        broken_line(ax, steps, losses, "-", ".", color=GREY, alpha=0.8, linewidth=0.7, label=text)
        smooth = np.convolve(np.where(np.isfinite(losses), losses, np.nan), np.full(window, 1 / window), "valid")
        text = words(f"moving average of {window} steps", f"이동 평균 ({window}회)")
        ax.plot(steps[window // 2 : len(losses) - window // 2], smooth, color=BLUE, label=text)
    if np.nanmin(losses) >= 0 and ax.get_yscale() == "linear":
        ax.set_ylim(bottom=0)
    label(ax, ("step", "반복 횟수"), ("loss", "손실"))
    _whole_steps(ax)
    legend(ax, "upper right")


def _draw_accuracies(ax: Any, drawn: dict[str, tuple[Floats, Floats]], by_step: bool) -> None:
    styles = {
        "train_accuracies": ("-", "o", BLUE, words("training data", "훈련 데이터")),
        "test_accuracies": ("--", "s", VERMILLION, words("test data", "시험 데이터")),
    }
    for what, (x, y) in drawn.items():
        style, marker, color, text = styles[what]
        broken_line(ax, x, y, style, marker, color=color, label=text, markersize=4)
    label(ax, ("step", "반복 횟수") if by_step else ("epoch", "에폭"), ("accuracy", "정확도"))
    _whole_steps(ax)
    ax.grid(alpha=0.3)
    legend(ax, "lower right")


def _whole_steps(ax: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    if ax.get_xscale() == "linear":
        ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))


def _line(value: Any, name: str, what: str) -> Floats:
    """A list of numbers; Tensors of one element are numbers."""
    array = floats(value, name, what)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise explain(
            ValueError(f"{name}: {what} must be a list of numbers, but has shape {array.shape}"),
            f"{name}: {what}에는 수의 리스트를 넘겨야 합니다. 받은 형상: {array.shape}",
        )
    return array


def _points(accuracies: Any, name: str, what: str) -> tuple[Floats, Floats]:
    if isinstance(accuracies, Mapping):
        x = _line(list(accuracies), name, f"the steps of {what}")
        y = _line(list(accuracies.values()), name, what)
        order = np.argsort(x)
        return x[order], some_finite(y[order], name, what)
    y = some_finite(_line(accuracies, name, what), name, what)
    return np.arange(1.0, len(y) + 1), y


def _panels(ax: Any, name: str, count: int) -> list[Any]:
    if count == 1:
        check_axes(name, ax)
        return [axes(ax, (5.5, 3.6))]
    check_axes(name)
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(1, count, figsize=(9, 3.6), layout="constrained")[1]
    given = list(np.ravel(np.asarray(ax, dtype=object)))
    if len(given) != count:
        raise explain(
            ValueError(
                f"{name}: with accuracies ax must be two Axes, as figure.subplots(1, 2) makes, not {len(given)}"
            ),
            f"{name}: 정확도도 그릴 때는 ax에 figure.subplots(1, 2)로 만든 Axes 두 개를 넘겨야 합니다. 받은 개수: {len(given)}",
        )
    for part in given:
        check_axes(name, part)
    numbered(*given)
    return given
