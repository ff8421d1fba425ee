"""Korean in a picture that is made of dots: it takes a font that has Hangul, or Graphviz draws a box for each letter.

An SVG keeps the text, and whoever shows it has the font.
"""

import re
import shutil
import subprocess
import warnings

_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]")
_TOOLTIP = re.compile(r'tooltip=("(?:[^"\\]|\\.)*"|\S+)')  # which is in no such picture
_PATIENCE = 20.0  # seconds
_warned = False


def warn_of_boxes(source: str, stacklevel: int) -> None:
    """Warn, once, if a graph in DOT has labels in Korean and no font here can draw them."""
    global _warned
    if not _warned and _HANGUL.search(_TOOLTIP.sub("", source)) and _no_korean_font():
        _warned = True
        warnings.warn(
            "no font here has Hangul, so a box stands for each Korean letter in a PNG or PDF: install a font such as NanumGothic "
            "(apt install fonts-nanum), or save the drawing as .svg, which keeps the text\n"
            "한글 글꼴이 없어 PNG와 PDF에는 한글이 네모로 표시됩니다. 나눔고딕 같은 한글 글꼴을 설치하거나(apt install fonts-nanum) "
            ".svg로 저장하십시오.",
            stacklevel=stacklevel + 1,
        )


def _no_korean_font() -> bool:
    # Graphviz asks fontconfig. Without it (macOS and Windows, which come with such a font) the answer is not known.
    if not (program := shutil.which("fc-list")):
        return False
    try:
        done = subprocess.run([program, ":charset=ac00", "family"], capture_output=True, timeout=_PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return not done.stdout.strip()
