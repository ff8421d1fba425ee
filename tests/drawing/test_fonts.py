"""Where no font has Hangul a picture made of dots has boxes for it: that is said, once, with the cure."""

import shutil
import sys
import warnings

import pytest

import tinygrad_ko as tg
from tests.pictures.conftest import LATIN, SYLLABLES, make_font
from tinygrad_ko.drawing import drawing, fonts, rendering
from tinygrad_ko.drawing.fonts import _no_korean_font


@pytest.fixture(autouse=True)
def nobody_was_told(monkeypatch):
    monkeypatch.setattr(fonts, "_warned", False)


@pytest.fixture
def no_font(monkeypatch):
    monkeypatch.setattr(fonts, "_no_korean_font", lambda: True)


@pytest.fixture
def no_rendering(monkeypatch):
    """Pictures cost time, and here nobody looks at them."""
    monkeypatch.setattr(rendering, "rendered", lambda source, kind: b"<svg></svg>")
    monkeypatch.setattr(drawing, "rendered", lambda source, kind, dots=0: b"<svg></svg>")


def named(name):
    return tg.draw({name: tg.Tensor([1.0, 2.0], requires_grad=True) * 2.0})


@pytest.mark.parametrize("name", ["손실", "ㄱ", "\u1112\u1161\u11ab", "loss 손실"])
@pytest.mark.parametrize("ending", ["png", "PNG", "pdf"])
def test_the_warning_names_the_cure_at_the_callers_line(name, ending, no_font, no_rendering, tmp_path):
    with pytest.warns(UserWarning, match=r"no font here has Hangul.*apt install fonts-nanum.*\.svg") as caught:
        named(name).save(tmp_path / f"graph.{ending}")
    assert caught[0].filename == __file__
    assert "나눔고딕" in str(caught[0].message)
    assert (tmp_path / f"graph.{ending}").exists()


def said(function):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    return [str(warning.message) for warning in caught]


def test_it_comes_once(no_font, no_rendering, tmp_path):
    def save():
        for ending in ("png", "pdf", "png"):
            named("손실").save(tmp_path / f"graph.{ending}")
        named("손실")._repr_mimebundle_()

    assert len(said(save)) == 1


def test_nothing_is_said_where_nothing_is_wrong(monkeypatch, no_font, no_rendering, tmp_path):
    for ending in ("svg", "dot"):  # which keep the text
        assert said(lambda ending=ending: named("손실").save(tmp_path / f"graph.{ending}")) == []
    assert said(lambda: named("loss, 損失").save(tmp_path / "graph.png")) == []

    @tg.op(x=lambda g: g)
    def f(x):
        """두 배를 계산한다."""  # this is in a tooltip, which a PNG has not
        return x * 1

    picture = tg.draw(f, [1.0, 2.0])
    assert "두 배" in picture.source
    assert said(lambda: picture.save(tmp_path / "graph.png")) == []
    monkeypatch.setattr(fonts, "_no_korean_font", lambda: False)
    assert said(lambda: named("손실").save(tmp_path / "graph.png")) == []


def test_a_notebook_is_told_too_and_shows_the_picture_whatever_becomes_of_warnings(no_font, no_rendering):
    picture = named("손실")
    assert said(lambda: picture._repr_mimebundle_(include={"image/svg+xml"})) == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "image/png" in picture._repr_mimebundle_()
    fonts._warned = False
    assert len(said(picture._repr_mimebundle_)) == 1


@pytest.mark.skipif(not shutil.which("fc-list"), reason="needs fontconfig")
def test_fontconfig_is_asked(monkeypatch, tmp_path):
    (tmp_path / "fonts").mkdir()
    make_font(tmp_path / "fonts" / "latin.ttf", "Made Latin", LATIN)
    settings = tmp_path / "fonts.conf"
    cache = f"<cachedir>{tmp_path}/cache</cachedir>"
    settings.write_text(f"<fontconfig><dir>{tmp_path}/fonts</dir>{cache}</fontconfig>", encoding="utf-8")
    monkeypatch.setenv("FONTCONFIG_FILE", str(settings))
    assert _no_korean_font()
    make_font(tmp_path / "fonts" / "korean.ttf", "Made Korean", [*LATIN, *SYLLABLES])
    assert not _no_korean_font()


@pytest.mark.parametrize("code", ["raise SystemExit(1)", "import time; time.sleep(60)", None])
def test_where_it_cannot_be_known_nothing_is_said(code, monkeypatch, tmp_path):
    monkeypatch.setattr(fonts, "_PATIENCE", 0.5)
    program = tmp_path / "fc-list"
    monkeypatch.setenv("PATH", str(tmp_path))
    if code:
        program.write_text(f"#!{sys.executable}\n{code}\n", encoding="utf-8")
        program.chmod(0o755)
    assert not _no_korean_font()
