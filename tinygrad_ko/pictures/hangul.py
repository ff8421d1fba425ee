"""Texts in Korean where a font on this machine can draw them and in English elsewhere, so that no box stands for a letter.

matplotlib's own font has no Hangul. The Korean font is given, as a file, to the texts that need it and to nothing else:
no setting of matplotlib is touched, and a font that was installed after matplotlib made its list of fonts is found too.
"""

import warnings
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.text import Text

_KNOWN = (  # fonts for running text, the likelier first
    *("Pretendard", "NanumGothic", "Nanum Gothic", "NanumBarunGothic", "Malgun Gothic", "Apple SD Gothic Neo"),
    *("AppleGothic", "Noto Sans KR", "Noto Sans CJK KR", "Noto Sans CJK JP", "Source Han Sans KR", "Source Han Sans K"),
    *("Spoqa Han Sans Neo", "IBM Plex Sans KR", "Gothic A1", "NanumSquare", "UnDotum", "Baekmuk Gulim", "Gulim"),
    *("Dotum", "NanumMyeongjo", "Noto Serif KR", "Noto Serif CJK KR", "AppleMyungjo", "UnBatang", "Batang"),
)
_MINUS = "\N{MINUS SIGN}"


def words(english: str, korean: str) -> str:
    """The Korean text if it can be drawn here, else the English one. LaTeX (`text.usetex`) gets the English one."""
    from matplotlib import rcParams

    able = not rcParams["text.usetex"] and (not _missing(korean, _usual_fonts()) or _korean_font() is not None)
    return korean if able else english


def lettered(*texts: "Text") -> None:
    """Give the Korean font to those texts that the usual font cannot draw, and a hyphen for a minus sign that it has not."""
    font = _korean_font()
    for text in texts:
        gaps = _missing(text.get_text(), _usual_fonts())
        if _MINUS in gaps:
            text.set_text(text.get_text().replace(_MINUS, "-"))
        if font is not None and gaps - {_MINUS}:
            properties = text.get_fontproperties().copy()
            properties.set_file(font)
            text.set_fontproperties(properties)


def numbered(*parts: Any) -> None:
    """Write the numbers at the ticks in matplotlib's own font where the usual one, a Korean one perhaps, has no minus sign."""
    if _missing(_MINUS, _usual_fonts()):
        for ax in parts:
            ax.tick_params(labelfontfamily="DejaVu Sans")


def drawable(texts: Iterable[object], name: str, stacklevel: int = 3) -> list[str]:
    """The user's own texts, to be drawn by the picture `name`. A letter that no font here has becomes a question mark, with
    a warning that says what helps.
    """
    font, shown, lost = _korean_font(), [], []
    for text in map(str, texts):
        gaps = _missing(text, _usual_fonts())
        if gaps and font is not None:
            text = text.replace(_MINUS, "-")
            gaps = _missing(text, [font])
        if gaps:
            lost.append(repr(text))
        shown.append("".join("?" if letter in gaps else letter for letter in text))
    if lost:
        warnings.warn(
            f"{name}: no font here can draw all letters of {', '.join(lost)}; for Korean install a font such as NanumGothic "
            f"and start Python anew\n{name}: 일부 글자를 그릴 수 있는 글꼴이 없어 물음표로 표시합니다. "
            "한글이라면 나눔고딕 같은 한글 글꼴을 설치하고 Python을 다시 시작하십시오.",
            stacklevel=stacklevel,
        )
    return shown


def _missing(text: str, fonts: list[str]) -> set[str]:
    """The letters of a text that none of the font files has."""
    from matplotlib.font_manager import get_font

    letters = {letter for letter in text if not letter.isspace()}
    for font in fonts:
        letters = {letter for letter in letters if not get_font(font).get_char_index(ord(letter))}
    return letters


def _usual_fonts() -> list[str]:
    from matplotlib import rcParams
    from matplotlib.font_manager import FontProperties, findfont

    return [str(findfont(FontProperties(family=[family]))) for family in rcParams["font.family"]]


@cache
def _korean_font() -> str | None:
    """The file of a font for Korean: one of the known ones, else any that has Hangul; None if there is none."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    listed = {entry.fname: entry.name for entry in fontManager.ttflist if _upright(entry.style, entry.weight)}
    known = _known_font(listed)
    if known is not None:
        return known
    every = {entry.fname for entry in fontManager.ttflist}
    fresh = {path: name for path in findSystemFonts() if path not in every for name in _family(path)}
    return _known_font(fresh) or next((path for path in sorted({*every, *fresh}) if _has_hangul(path)), None)


def _known_font(names: dict[str, str]) -> str | None:
    paths = (path for known in _KNOWN for path, name in sorted(names.items()) if name == known)
    return next(filter(_has_hangul, paths), None)


def _upright(style: str, weight: int | str) -> bool:
    return style == "normal" and (weight in ("normal", "regular", "book") or weight in range(350, 501))


def _opened(path: str) -> Any:
    from matplotlib.font_manager import get_font

    try:
        return get_font(path) if Path(path).is_file() else None  # it may be gone by now
    except (OSError, RuntimeError):  # not a font, or one that FreeType does not read
        return None


def _family(path: str) -> list[str]:
    font = _opened(path)
    return [font.family_name] if font and font.style_name in ("Regular", "Normal", "Book", "Medium") else []


def _has_hangul(path: str) -> bool:
    """Whether the font in a file has Hangul. A font of last resort has one box for all of it."""
    font = _opened(path)
    glyphs = [font.get_char_index(ord(letter)) for letter in "가나힣"] if font else [0]
    return 0 not in glyphs and len(set(glyphs)) == len(glyphs)
