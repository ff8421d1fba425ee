"""How the outputs of the layers are distributed: whether they are spread out, saturated or all nearly the same."""

from collections.abc import Callable, Mapping
from functools import partial
from math import ceil
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import explain
from tinygrad_ko.pictures.canvas import BLUE, Floats, check_axes, floats, label, some_finite, title
from tinygrad_ko.pictures.hangul import drawable, numbered
from tinygrad_ko.state.preserve import preserving_state
from tinygrad_ko.state.reachable import reachable

_ACROSS = 5  # histograms in a row, at most
_BINS = 30
_FUNCTIONS = (FunctionType, BuiltinFunctionType, np.ufunc, partial)  # layers, where a list of a module holds them


def activation_histograms(what: Any, x: Any = None) -> Any:
    """Draw a histogram of the outputs of each layer, with their mean and standard deviation.

    `what` is a model, which is called with x in the mode it is in (training, or after `eval()`), and is afterwards as it was; or
    a dict or list of arrays. The layers of a model are the modules in it that call no others, and functions in lists such as
    that of `Sequential`, in the order in which they are called; of the book's networks they are those in `layers`, or the operations.
    Returns an array of Axes, one for each.

    Raises ValueError if there is nothing to draw, TypeError for what is no model and no arrays; ModuleNotFoundError without
    matplotlib; and what the model raises.

    >>> import tinygrad_ko as tg
    >>> model = tg.nn.Sequential(tg.nn.Affine(64, 50, rng=0), tg.nn.Sigmoid(), tg.nn.Affine(50, 10, rng=0))
    >>> axes = activation_histograms(model, np.random.default_rng(0).random((100, 64)))
    """
    name = "activation_histograms"
    check_axes(name)
    found = _outputs(what, x, name)
    names = drawable([text for text, _ in found], name)
    layers = [some_finite(floats(array, name, f"layer {text}"), name, f"layer {text}") for text, array in found]
    import matplotlib.pyplot as plt

    across, down = min(len(layers), _ACROSS), ceil(len(layers) / _ACROSS)
    size = (max(2.3 * across + 0.4, 3.2), 2.5 * down)
    grid = plt.subplots(down, across, figsize=size, squeeze=False, layout="constrained")[1]
    numbered(*grid.flat)
    for ax, text, array in zip(grid.flat, names, layers, strict=False):
        _histogram(ax, text, array)
    for ax in grid.flat[len(layers) :]:
        ax.remove()
    for ax in grid[:, 0]:
        label(ax, y=("share of the values", "값의 비율"))
    return grid.ravel()[: len(layers)]


def _histogram(ax: Any, text: str, array: Floats) -> None:
    values = array[np.isfinite(array)]
    low, high = float(values.min()), float(values.max())
    middle, least = low / 2 + high / 2, 1e-6 * max(abs(low), abs(high)) or 1.0
    same = high - low < least  # numbers that hardly differ are one bar in the middle
    if same:
        low = middle - least * (_BINS // 2 + 0.5) / _BINS
        high = low + least
    ax.hist(values, _BINS, range=(low, high), weights=np.full(values.size, 1 / values.size), color=BLUE)
    title(ax, text)
    scale = max(abs(low), abs(high)) or 1.0  # so that squares of large numbers stay finite
    mean, std = (f"{find(values / scale) * scale:.3g}" for find in (np.mean, np.std))
    lost = array.size - values.size
    english = f"mean {mean}, std {std}" + (f"\n{lost:,} NaN or inf left out" if lost else "")
    label(ax, (english, f"평균 {mean}, 표준편차 {std}" + (f"\nNaN 또는 inf {lost:,}개 제외" if lost else "")))
    ax.locator_params(nbins=4)
    ax.tick_params(labelsize="small")
    if same:
        ax.set_xticks([middle], [f"{middle:.4g}"])


def _outputs(what: Any, x: Any, name: str) -> list[tuple[str, Any]]:
    network = hasattr(what, "layer_outputs")  # one of the book's
    model = network or (callable(what) and hasattr(what, "forward"))
    if model != (x is not None):
        need, korean = "x is for a model, and this is none", "x는 모델과 함께 넘겨야 합니다"
        if model:
            need, korean = "a model needs x, what it is called with", "모델은 x와 함께 넘겨야 합니다"
        raise explain(
            ValueError(f"{name}: {need}: {type(what).__name__}"),
            f"{name}: {korean}. 받은 값의 종류: {type(what).__name__}",
        )
    if model:
        outputs = what.layer_outputs(x) if network else _layer_outputs(what, x)
        pairs = [(f"{i}. {kind}", y) for i, (kind, y) in enumerate(outputs, 1)]
    elif isinstance(what, Mapping):
        pairs = [(str(key), array) for key, array in what.items()]
    elif isinstance(what, list | tuple):
        pairs = [(str(i), array) for i, array in enumerate(what, 1)]
    elif isinstance(what, Handle) or hasattr(what, "__array_namespace__"):
        pairs = [("", what)]
    else:
        raise explain(
            TypeError(f"{name} takes a model and x, or a dict or list of arrays, not {type(what).__name__}"),
            f"{name}에는 모델과 x, 또는 배열의 dict나 list를 넘겨야 합니다. 받은 값의 종류: {type(what).__name__}",
        )
    if not pairs:
        raise explain(
            ValueError(f"{name}: there are no layers to draw"),
            f"{name}: 그릴 계층이 없습니다. 빈 리스트나 dict를 넘기지 않았는지 확인하십시오.",
        )
    return pairs


def _layer_outputs(model: Any, x: Any) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    with preserving_state(model):  # which puts back the attributes that are set here
        for part in list(reachable(model)):
            if hasattr(part, "forward") and hasattr(part, "__dict__") and not isinstance(part, type):
                for name, items in list(vars(part).items()):
                    if isinstance(items, list):
                        heard = [_heard(f, _name(f), found, True) if isinstance(f, _FUNCTIONS) else f for f in items]
                        setattr(part, name, heard)
                call = getattr(part, "_computes", "forward")
                setattr(part, call, _heard(getattr(part, call), type(part).__name__, found))
        model(x)
    return found


def _heard(
    f: Callable[..., Any], name: str, found: list[tuple[str, Any]], arrays_only: bool = False
) -> Callable[..., Any]:
    """f, but what it returns is added to `found` unless a call inside it was. A function that returns no array is no layer."""

    def call(*inputs: Any, **options: Any) -> Any:
        before = len(found)
        y = f(*inputs, **options)
        array = isinstance(y, Handle) or hasattr(y, "__array_namespace__")
        if len(found) == before and (array or not arrays_only):
            found.append((name, y))
        return y

    return call


def _name(f: Any) -> str:
    return str(getattr(getattr(f, "func", f), "__name__", type(f).__name__))
