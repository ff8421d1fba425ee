"""Which font draws Korean, what is said without one, and that no box ever stands for a letter."""

import warnings

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.font_manager import FontEntry

from tests.pictures.conftest import LATIN, make_font
from tinygrad_ko import pictures
from tinygrad_ko.pictures import hangul


@pytest.fixture
def fonts(monkeypatch, tmp_path):
    """Say which fonts matplotlib lists, and which others the system has: (family, letters, options) each."""

    def install(listed=(), fresh=()):
        def made(family, letters, **options):
            return make_font(tmp_path / f"{family}{len(list(tmp_path.iterdir()))}.ttf", family, letters, **options)

        entries = [
            FontEntry(fname=made(family, letters, **options), name=family, style="normal", weight=weight)
            for family, letters, weight, options in listed
        ]
        files = [made(family, letters, **options) for family, letters, options in fresh]
        monkeypatch.setattr(font_manager.fontManager, "ttflist", entries)
        monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [*files, *(e.fname for e in entries)])
        return [e.fname for e in entries], files

    yield install
    hangul._korean_font.cache_clear()


@pytest.fixture(autouse=True)
def found_anew():
    hangul._korean_font.cache_clear()


HANGUL = "가나힣손실"


def test_the_likelier_of_the_known_fonts_is_taken(fonts):
    (_, _, gothic), _ = fonts(
        [("Dotum", HANGUL, 400, {}), ("Strange", HANGUL, 400, {}), ("Malgun Gothic", HANGUL, 400, {})]
    )
    assert hangul._korean_font() == gothic


def test_a_font_for_running_text_is_taken(fonts):
    (_, regular), _ = fonts([("NanumGothic", HANGUL, 700, {}), ("NanumGothic", HANGUL, 400, {})])
    assert hangul._korean_font() == regular


def test_a_font_that_is_gone_or_without_hangul_is_passed_over(fonts, tmp_path):
    (gone, _, there), _ = fonts(
        [("Pretendard", HANGUL, 400, {}), ("NanumGothic", LATIN, 400, {}), ("Gulim", HANGUL, 400, {})]
    )
    (tmp_path / gone).unlink()
    assert hangul._korean_font() == there


def test_a_font_that_was_installed_after_matplotlib_made_its_list_is_found(fonts):
    _, (_, regular) = fonts(
        [("DejaVu Sans", LATIN, 400, {})], [("NanumGothic", HANGUL, {"style": "Bold"}), ("NanumGothic", HANGUL, {})]
    )
    assert hangul._korean_font() == regular


def test_a_file_that_is_no_font_does_no_harm(fonts, monkeypatch, tmp_path):
    fonts([("DejaVu Sans", LATIN, 400, {})])
    (tmp_path / "broken.ttf").write_bytes(b"not a font")
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(tmp_path / "broken.ttf")])
    assert hangul._korean_font() is None


def test_any_font_with_hangul_will_do_but_one_of_boxes(fonts):
    _, (_, some) = fonts(
        [("DejaVu Sans", LATIN, 400, {})], [("AAA", HANGUL, {"boxes": True}), ("Unheard Of", HANGUL, {})]
    )
    assert hangul._korean_font() == some
    hangul._korean_font.cache_clear()
    (bold,), _ = fonts([("Unheard Of", HANGUL, 700, {})])
    assert hangul._korean_font() == bold
    hangul._korean_font.cache_clear()
    fonts([("Last Resort", HANGUL, 400, {"boxes": True})])
    assert hangul._korean_font() is None


def test_words_are_korean_only_where_they_can_be_drawn(monkeypatch, korean_file):
    monkeypatch.setattr(hangul, "_korean_font", lambda: korean_file)
    assert hangul.words("loss", "손실") == "손실"
    with matplotlib.rc_context({"text.usetex": True}):
        assert hangul.words("loss", "손실") == "loss"
    monkeypatch.setattr(hangul, "_korean_font", lambda: None)
    assert hangul.words("loss", "손실") == "loss"


def test_the_korean_font_is_given_to_the_texts_that_need_it_and_nothing_else_changes(korean):
    ax = plt.figure().add_subplot()
    title, label = ax.set_title("손실", fontsize=17, color="red"), ax.set_xlabel("loss -1")
    hangul.lettered(title, label)
    assert (title.get_fontproperties().get_file(), title.get_fontsize(), title.get_color()) == (korean, 17, "red")
    assert label.get_fontproperties().get_file() is None
    assert ax.xaxis.label.get_fontsize() == matplotlib.font_manager.FontProperties(size="medium").get_size_in_points()


def test_a_user_s_text_is_drawn_as_it_is_where_it_can_be(korean):
    assert hangul.drawable(["3 → 8", "고양이", 7], "images") == ["3 → 8", "고양이", "7"]
    assert hangul.drawable(["고양이 \N{MINUS SIGN}1"], "images") == ["고양이 -1"]  # that font has no minus sign


def test_a_letter_that_no_font_has_is_a_question_mark_and_a_warning(english):
    with pytest.warns(
        UserWarning, match=r"images: no font here .* '고양이 3'; for Korean install .* NanumGothic"
    ) as caught:
        assert hangul.drawable(["dog", "고양이 3"], "images") == ["dog", "??? 3"]
    assert "물음표로 표시합니다" in str(caught[0].message)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: pictures.weights(np.ones((4, 1)), titles=["고양이"]),
        lambda: pictures.filters(np.ones((1, 1, 2, 2)), titles=["고양이"]),
        lambda: pictures.images(np.ones((2, 3)), ["고양이"]),
    ],
)
def test_the_warning_names_the_line_of_the_call(draw, english):
    with pytest.warns(UserWarning, match="no font here") as caught:
        draw()
    assert caught[0].filename == __file__


def test_a_letter_that_the_korean_font_has_not_is_one_too(korean):
    with pytest.warns(UserWarning, match="'고양이 漢'"):
        assert hangul.drawable(["고양이 漢"], "images") == ["고양이 ?"]


def test_the_user_s_own_korean_font_is_used_and_its_missing_minus_sign_is_not(korean_file, monkeypatch):
    monkeypatch.setattr(hangul, "_korean_font", lambda: None)
    listed = [*font_manager.fontManager.ttflist, FontEntry(fname=korean_file, name="Made Korean", weight=400)]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", listed)
    with matplotlib.rc_context({"font.family": "Made Korean"}), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert hangul.words("loss", "손실") == "손실"
        assert hangul.drawable(["고양이"], "images") == ["고양이"]
        figure = plt.figure()
        ax = figure.add_subplot()
        ax.plot([-2, -1], [-2, -1])
        hangul.numbered(ax)
        text = ax.set_title("손실 \N{MINUS SIGN}1")
        hangul.lettered(text)
        figure.canvas.draw()
    assert text.get_text() == "손실 -1"
    assert text.get_fontproperties().get_file() is None
    assert "\N{MINUS SIGN}2.0" in [label.get_text() for label in ax.get_xticklabels()]
