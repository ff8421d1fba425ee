"""What holds for every picture of learning: where it is drawn, what it changes, in which language, and what is refused."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.text import Text

import tinygrad_ko as tg
from tinygrad_ko import nn, pictures
from tinygrad_ko.runtime.install import install

ROOT = Path(__file__).resolve().parents[2]
RNG = np.random.default_rng(0)
MODEL = nn.Sequential(nn.Affine(4, 3, rng=0), tg.sigmoid, nn.Dropout(0.5), nn.Affine(3, 2, rng=0))


def bowl(x):
    return x[0] ** 2 + x[1] ** 2


def valley(x):
    return np.log(x[0]) + x[1]


LOSSES = [*np.exp(-np.arange(60.0)), np.nan]
CALLS: dict[str, Any] = {  # each picture with everything that it may have to say
    "learning_curves": lambda **ax: pictures.learning_curves(LOSSES, [0.1, np.inf, 0.3], [0.1, 0.2, 0.25], **ax),
    "weights": lambda **ax: pictures.weights([[1.0], [-2.0], [np.nan], [0.0]], **ax),
    "filters": lambda **ax: pictures.filters(RNG.normal(size=(2, 3, 3, 3)), **ax),
    "images": lambda **ax: pictures.images(np.where(np.eye(8) > 0, np.nan, 1.0), -1, **ax),
    "activation_histograms": lambda: pictures.activation_histograms({"a": [1.0, -2.0, np.nan], "b": [1.0, 1.0]}),
    "gradient_field": lambda **ax: pictures.gradient_field(valley, **ax),
    "contour": lambda **ax: pictures.contour(
        lambda x: -bowl(x), {"SGD": [(1, 1), (0, 0)], "Adam": [(1, -1), (0, 0)]}, **ax
    ),
    "tangent_line": lambda **ax: pictures.tangent_line(np.log, 1.0, **ax),
    "wireframe": lambda **ax: pictures.wireframe(bowl, **ax),
}
WORDLESS = {"contour", "wireframe"}  # letters of mathematics and names of the user's
ONE_PANEL = [name for name in CALLS if name not in ("learning_curves", "activation_histograms")]

every_picture = pytest.mark.parametrize("name", CALLS)


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def drawn(result):
    """The figure, drawn: a letter without a glyph would be a warning, and that an error."""
    (figure,) = {ax.figure for ax in np.ravel(result)}
    figure.canvas.draw()
    return figure


def test_every_picture_of_learning_is_tested_here():
    homes = {"curves", "histograms", "mosaics", "plane", "tangents"}
    assert set(CALLS) == {n for n in pictures.__all__ if getattr(pictures, n).__module__.rpartition(".")[2] in homes}


@every_picture
def test_without_a_korean_font_every_text_is_english(name, english):
    said = texts(drawn(CALLS[name]()))
    assert said
    assert not re.search("[가-힣]", "".join(said))


@every_picture
def test_with_a_korean_font_the_words_are_korean(name, korean):
    figure = drawn(CALLS[name]())
    said = [text for text in texts(figure) if re.search("[a-z가-힣]{3,}", re.sub(r"\$.*?\$|mathdefault", "", text))]
    assert bool(re.search("[가-힣]", "".join(said))) is (name not in WORDLESS)
    for text in figure.findobj(Text):
        hangul = re.search("[가-힣]", text.get_text())
        assert text.get_fontproperties().get_file() == (korean if hangul else None)


@every_picture
def test_it_makes_one_pyplot_figure_of_its_own(name):
    result = CALLS[name]()
    assert len(plt.get_fignums()) == 1
    assert drawn(result) is plt.gcf()


@pytest.mark.parametrize("name", ONE_PANEL)
def test_it_is_drawn_where_the_user_says_without_pyplot(name, english):
    figure = Figure()
    ax = figure.add_subplot(projection="3d" if name == "wireframe" else None)
    assert CALLS[name](ax=ax) is ax
    assert ax.has_data()
    figure.canvas.draw()
    assert plt.get_fignums() == []


def everything():
    """What other programs share with a picture."""
    stream = np.random.get_state(legacy=False)["state"]
    return dict(matplotlib.rcParams), list(fontManager.ttflist), np.geterr(), stream["key"].tolist(), stream["pos"]


@every_picture
def test_nothing_global_is_changed(name):
    plt.rcParams["lines.linewidth"] = 3.0
    np.random.seed(5)
    before = everything()
    drawn(CALLS[name]())
    assert everything() == before


@every_picture
def test_without_matplotlib_it_says_what_to_install(name, monkeypatch):
    for module in [module for module in sys.modules if module.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModuleNotFoundError) as caught:
        CALLS[name]()
    assert str(caught.value) == f"{name} needs matplotlib: {install('plots')}"
    assert f"설치하십시오: {install('plots')}" in caught.value.__notes__[0]


def test_another_missing_module_is_not_blamed_on_matplotlib(monkeypatch):
    class Broken:
        def __getattr__(self, name):
            raise ModuleNotFoundError("No module named 'kiwisolver'", name="kiwisolver")

    monkeypatch.setitem(sys.modules, "matplotlib.axes", Broken())
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'kiwisolver'$"):
        CALLS["wireframe"]()


@pytest.mark.parametrize("name", ONE_PANEL)
@pytest.mark.parametrize("ax", [Figure(), np.zeros(2), "ax"], ids=["Figure", "array", "str"])
def test_what_is_no_axes_is_refused(name, ax):
    with pytest.raises(TypeError, match=f"{name}: ax must be .* Axes, as .* makes, not {type(ax).__name__}") as caught:
        CALLS[name](ax=ax)
    assert "Axes를 넘겨야 합니다" in caught.value.__notes__[0]


def test_axes_of_another_kind_are_refused():
    flat, deep = Figure().add_subplot(), Figure().add_subplot(projection="3d")
    with pytest.raises(TypeError, match=r"wireframe: ax must be 3-d Axes, .*not rectilinear Axes"):
        pictures.wireframe(bowl, ax=flat)
    with pytest.raises(TypeError, match=r"contour: ax must be plain Axes, .*not 3d Axes"):
        pictures.contour(bowl, ax=deep)


BAD = [
    ("learning_curves", ([],), ValueError, "losses must not be empty"),
    ("learning_curves", ([np.nan, np.inf],), ValueError, "losses holds nothing but NaN and infinity"),
    ("learning_curves", ([[1.0, 2.0]],), ValueError, r"losses must be a list of numbers, but has shape \(1, 2\)"),
    ("learning_curves", (3.0,), ValueError, r"losses must be a list of numbers, but has shape \(\)"),
    ("learning_curves", (["a"],), TypeError, "losses: expected real numbers"),
    ("learning_curves", ([[1.0], [1.0, 2.0]],), ValueError, "losses must be one array, but its parts have different"),
    ("learning_curves", (np.ma.array([1.0], mask=[True]),), TypeError, "a MaskedArray has rules of its own"),
    ("learning_curves", ([1.0], [0.5, 0.6], [0.5]), ValueError, "must be lists of one length"),
    ("learning_curves", ([1.0], [0.5], {1: 0.5}), ValueError, "must be lists of one length, or two dicts"),
    ("learning_curves", ([1.0], []), ValueError, "train_accuracies must not be empty"),
    ("learning_curves", ([1.0], None, {}), ValueError, "the steps of test_accuracies must not be empty"),
    ("learning_curves", ([1.0], [np.nan]), ValueError, "train_accuracies holds nothing but NaN"),
    ("weights", (np.zeros(4),), ValueError, r"W must have the shape \(inputs, units\), not \(4,\)"),
    ("weights", (np.zeros((5, 2)),), ValueError, r"5 numbers make no image of 2 x 2: pass shape=\(height, width\)"),
    ("weights", (np.zeros((6, 2)), (2, 2)), ValueError, "6 numbers make no image of 2 x 2: it has 4"),
    (
        "weights",
        (np.zeros((6, 2)), 6),
        ValueError,
        r"shape must be \(height, width\), two whole numbers above 0, not 6",
    ),
    ("weights", (np.zeros((6, 2)), (1.5, 4)), ValueError, "two whole numbers"),
    ("weights", (np.full((4, 2), np.nan),), ValueError, "W holds nothing but NaN"),
    ("weights", (np.zeros((0, 2)),), ValueError, r"W must not be empty, but has shape \(0, 2\)"),
    ("filters", (np.zeros((4, 2)),), ValueError, r"W must have the shape \(filters, channels, height, width\)"),
    ("filters", (np.full((2, 2, 3, 3), np.inf),), ValueError, "W holds nothing but NaN"),
    ("images", (np.zeros(5),), ValueError, r"x of shape \(5,\) holds no grey images; it must be"),
    ("images", (np.zeros((2, 3, 4, 4)),), ValueError, r"x of shape \(2, 3, 4, 4\) holds no grey images; it must be"),
    ("images", (np.zeros((1, 1, 1, 4, 4)),), ValueError, "holds no grey images"),
    ("images", (3.0,), ValueError, r"x of shape \(\) holds no grey images"),
    (
        "images",
        (np.zeros((16, 16)),),
        ValueError,
        r"may be one image or 16 flattened ones: pass shape=\(16, 16\) or .*\(4, 4\)",
    ),
    ("images", (np.zeros((2, 4)), [1, 2, 3]), ValueError, "labels must have one for each image: 3 for 2"),
    ("images", (np.full((3, 3), np.nan),), ValueError, "x holds nothing but NaN"),
    ("activation_histograms", ([],), ValueError, "there are no layers to draw"),
    ("activation_histograms", ({"a": []},), ValueError, "layer a must not be empty"),
    ("activation_histograms", ({"a": [np.nan]},), ValueError, "layer a holds nothing but NaN"),
    ("activation_histograms", (3,), TypeError, "takes a model and x, or a dict or list of arrays, not int"),
    ("activation_histograms", (MODEL,), ValueError, "a model needs x, what it is called with: Sequential"),
    ("activation_histograms", ([1.0], [2.0]), ValueError, "x is for a model, and this is none: list"),
    ("gradient_field", (lambda x: x,), ValueError, r"f must return one number, but it returned shape \(2,\)"),
    ("gradient_field", (lambda x: None,), TypeError, "is there a return missing"),
    ("gradient_field", (lambda x: x[0] * np.nan,), ValueError, "f has no finite value anywhere in this range"),
    ("gradient_field", (bowl, (1, 0)), ValueError, r"x0 must be two numbers, the lower first, not \(1, 0\)"),
    ("gradient_field", (bowl, (0, 1), (0, np.inf)), ValueError, "x1 must be two numbers"),
    ("contour", (bowl, [1.0, 2.0]), ValueError, r"path must have the shape \(steps, 2\).* not \(2,\)"),
    ("contour", (bowl, np.zeros((4, 3))), ValueError, r"path must have the shape \(steps, 2\).* not \(4, 3\)"),
    ("contour", (bowl, []), ValueError, "path must not be empty"),
    ("contour", (bowl, {"a": [(np.nan, 1), (1, np.nan)]}), ValueError, "path holds nothing but NaN"),
    ("contour", (lambda x: x,), ValueError, "f must return one number"),
    ("contour", (bowl, None, 3), ValueError, "x0 must be two numbers"),
    ("wireframe", (lambda x: np.inf,), ValueError, "f has no finite value anywhere"),
    ("wireframe", (bowl, (0, 1), "ab"), ValueError, "x1 must be two numbers"),
    ("tangent_line", (np.sin, [1.0, 2.0]), TypeError, "x must be one number"),
    ("tangent_line", (np.sin, "1"), TypeError, "x must be one number"),
    ("tangent_line", (np.sin, 1.0, (2, 2)), ValueError, "xlim must be two numbers"),
    ("tangent_line", (abs, 0.0), ValueError, r"f has no slope at x = 0 \(kink, -1 \| 1\), so no tangent line"),
    ("tangent_line", (np.floor, 2.0), ValueError, r"f has no slope at x = 2 \(jump"),
    ("tangent_line", (lambda x: np.inf, 2.0), ValueError, r"f has no slope at x = 2 \(not finite"),
    ("tangent_line", (lambda x: np.zeros(3), 2.0), ValueError, "f must return one number"),
]


@pytest.mark.parametrize(("name", "arguments", "kind", "said"), BAD)
def test_bad_input_is_refused_in_both_languages_and_leaves_no_figure(name, arguments, kind, said):
    with pytest.raises(kind, match=said) as caught:
        getattr(pictures, name)(*arguments)
    assert re.search("[가-힣]", caught.value.__notes__[0])
    assert plt.get_fignums() == []


def test_without_a_display_it_works_too(tmp_path):
    code = "import tinygrad_ko as tg\ntg.pictures.images([[0.0, 1.0]]).figure.savefig('image.png')"
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND")}
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert (tmp_path / "image.png").read_bytes().startswith(b"\x89PNG")
