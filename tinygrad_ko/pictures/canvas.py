"""What the pictures of learning share: the Axes they are drawn on, their colours, their marks, and the numbers they take.

matplotlib is imported inside the calls, so that nobody waits for it who draws nothing. Where the user gives no Axes a
picture makes a pyplot figure, which `plt.show()` and notebooks know; pyplot is not imported otherwise.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ko.arrays.operands import operand
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import explain
from tinygrad_ko.pictures.hangul import lettered, numbered, words
from tinygrad_ko.runtime.install import install

Floats = NDArray[np.float64]
Words = tuple[str, str]  # in English and in Korean

# Told apart by the colour blind, too (Okabe and Ito, "Color Universal Design", 2008).
BLUE, VERMILLION = "#0072B2", "#D55E00"
COLOURS = (VERMILLION, BLUE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#999999"


def check_axes(name: str, ax: Any = None, projection: str = "rectilinear") -> None:
    """Raise ModuleNotFoundError if matplotlib is missing, TypeError if `ax` is given but not Axes of this projection."""
    try:
        from matplotlib.axes import Axes
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "matplotlib":
            raise
        raise explain(
            ModuleNotFoundError(f"{name} needs matplotlib: {install('plots')}", name="matplotlib"),
            f"{name}: 그림을 그리려면 matplotlib이 필요합니다. 다음 명령으로 설치하십시오: {install('plots')}",
        ) from None
    if ax is not None and (not isinstance(ax, Axes) or ax.name != projection):
        solid = projection == "3d"
        kind, korean, made = ("3-d", "3차원", 'projection="3d"') if solid else ("plain", "평면", "")
        got = f"{ax.name} Axes" if isinstance(ax, Axes) else type(ax).__name__
        raise explain(
            TypeError(f"{name}: ax must be {kind} Axes, as figure.add_subplot({made}) makes, not {got}"),
            f"{name}: ax에는 figure.add_subplot({made})로 만든 {korean} Axes를 넘겨야 합니다. 받은 값: {got}",
        )


def axes(ax: Any, size: tuple[float, float], projection: str = "rectilinear") -> Any:
    """The Axes that were given, else those of a new pyplot figure of `size` in inches; the numbers at their ticks can be drawn."""
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(figsize=size, layout="compressed").add_subplot(projection=projection)
    numbered(ax)
    return ax


def title(ax: Any, text: str) -> None:
    """Write a title."""
    lettered(ax.set_title(text))


def label(ax: Any, x: Words | None = None, y: Words | None = None) -> None:
    """Say what is along the axes."""
    if x is not None:
        lettered(ax.set_xlabel(words(*x)))
    if y is not None:
        lettered(ax.set_ylabel(words(*y)))


def legend(ax: Any, loc: str = "best") -> None:
    """Say what the lines are, if there is more than one kind."""
    if len(ax.get_legend_handles_labels()[1]) > 1:
        lettered(*ax.legend(loc=loc).get_texts())


def broken_line(ax: Any, x: Floats, y: Floats, line: str, marker: str, **options: Any) -> None:
    """A line with a gap, and a cross above it, where y is NaN or infinite. Points are marked: all if few, else those between two gaps."""
    finite = np.isfinite(y)
    beside = np.pad(finite, 1)
    marked = np.flatnonzero(finite & ~beside[:-2] & ~beside[2:]) if len(y) > 40 else np.arange(len(y))
    points: dict[str, Any] = {"marker": marker, "markevery": marked.tolist()} if marked.size else {}
    ax.plot(x, np.where(finite, y, np.nan), line, **points, **options)
    if not finite.all():
        mark_gaps(ax, x[~finite], np.full(int((~finite).sum()), 0.97), transform=ax.get_xaxis_transform())


def mark_gaps(ax: Any, x: Any, y: Any, color: str = VERMILLION, **options: Any) -> None:
    """Mark where a value is NaN or infinite, with one entry in the legend for all such marks."""
    text = words("NaN or inf", "NaN 또는 inf")
    known = text in ax.get_legend_handles_labels()[1]
    ax.plot(x, y, "x", markersize=5, clip_on=False, color=color, label="_" if known else text, **options)


def floats(value: Any, name: str, what: str) -> Floats:
    """Real numbers from an array, a Tensor, a list of numbers, arrays or Tensors. Raises TypeError for anything else, ValueError
    if there are none, or if they make no array.
    """
    if isinstance(value, Handle):
        value = np.asarray(value.stable_array())
    elif isinstance(value, list | tuple):
        parts = [np.asarray(part.stable_array()) if isinstance(part, Handle) else part for part in value]
        try:
            value = np.array(parts)
        except ValueError:
            raise explain(
                ValueError(f"{name}: {what} must be one array, but its parts have different shapes"),
                f"{name}: {what}의 원소들은 형상이 달라 배열 하나가 되지 않습니다. 형상을 모두 같게 하십시오.",
            ) from None
    if value is None:
        raise explain(
            TypeError(f"{name}: {what} must be numbers, not None; is there a return missing where it is made?"),
            f"{name}: {what}에는 수를 넘겨야 하는데 None을 받았습니다. 값을 만드는 함수에서 return을 빠뜨리지 않았는지 확인하십시오.",
        )
    array = np.asarray(operand(value, f"{name}: {what}"), dtype=np.float64)
    if array.size == 0:
        raise explain(
            ValueError(f"{name}: {what} must not be empty, but has shape {array.shape}"),
            f"{name}: {what}에 그릴 값이 하나도 없습니다. 받은 형상: {array.shape}",
        )
    return array


def some_finite(array: Floats, name: str, what: str) -> Floats:
    """The array, if there is anything in it to draw."""
    if not np.isfinite(array).any():
        raise explain(
            ValueError(
                f"{name}: {what} holds nothing but NaN and infinity: there is nothing to draw; was the learning rate too large?"
            ),
            f"{name}: {what}의 값이 모두 NaN이거나 무한대이므로 그릴 수 없습니다. 학습률이 너무 크지 않은지 확인하십시오.",
        )
    return array
