"""Fonts made for the tests, so that they see the same on every machine: one with Hangul, one with boxes for everything, and none."""

import matplotlib
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from tinygrad_ko.pictures import hangul

LATIN = [chr(code) for code in range(32, 127)]
SYLLABLES = [chr(code) for code in range(ord("가"), ord("힣") + 1)]


def make_font(path, family, letters, style="Regular", boxes=False):
    """A font of triangles; with `boxes` one glyph stands for all letters."""
    glyphs = {letter: "all" if boxes else f"u{ord(letter):04X}" for letter in letters}
    order = [".notdef", *dict.fromkeys(glyphs.values())]
    pen = TTGlyphPen(None)
    for i, point in enumerate([(0, 0), (0, 700), (600, 700)]):
        (pen.lineTo if i else pen.moveTo)(point)
    pen.closePath()
    shape = pen.glyph()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(order)
    font.setupCharacterMap({ord(letter): glyph for letter, glyph in glyphs.items()})
    font.setupGlyf(dict.fromkeys(order, shape))
    font.setupHorizontalMetrics(dict.fromkeys(order, (700, 0)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": family, "styleName": style})
    font.setupOS2(sTypoAscender=800, usWinAscent=800, usWinDescent=200)
    font.setupPost()
    font.save(path)
    return str(path)


@pytest.fixture(scope="session")
def korean_file(tmp_path_factory):
    """A font with all syllables and without a minus sign, as most Korean fonts are."""
    return make_font(tmp_path_factory.mktemp("fonts") / "korean.ttf", "Made Korean", [*LATIN, *SYLLABLES])


@pytest.fixture
def korean(monkeypatch, korean_file):
    """A machine with a Korean font."""
    monkeypatch.setattr(hangul, "_korean_font", lambda: korean_file)
    return korean_file


@pytest.fixture
def english(monkeypatch):
    """A machine without one."""
    monkeypatch.setattr(hangul, "_korean_font", lambda: None)


@pytest.fixture(autouse=True)
def no_figure_stays():
    """Every test begins and ends without figures, and without a display."""
    import matplotlib.pyplot as plt

    plt.switch_backend("Agg")
    plt.close("all")
    with matplotlib.rc_context():
        yield
    plt.close("all")
