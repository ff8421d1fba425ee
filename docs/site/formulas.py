"""Formulas as pictures that are made when the site is: matplotlib draws them, and no page loads anything from elsewhere."""

import io
import re
from typing import Any
from zlib import crc32

import matplotlib
from matplotlib.mathtext import math_to_image


def picture(formula: str) -> str:
    """A formula as SVG of the colour of the text around it, standing on its line."""
    written = io.StringIO()
    with matplotlib.rc_context({"mathtext.fontset": "cm", "svg.fonttype": "path", "svg.hashsalt": formula}):
        depth = math_to_image(f"${formula}$", written, format="svg", prop=None, dpi=72, color="#123456")
    svg = written.getvalue().partition("<svg")[2]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S).replace("#123456", "currentColor")
    width, height = (float(x) for x in re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg).groups())  # type: ignore[union-attr]
    size = f'style="width:{width / 10:.3f}em;height:{height / 10:.3f}em;vertical-align:{-depth / 10:.3f}em"'
    svg = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', size, svg, count=1)
    mark = f"f{crc32(formula.encode()):x}-"  # many formulas share a page
    svg = re.sub(r'(id="|href="#|url\(#)', rf"\1{mark}", svg)
    return f'<svg role="math" aria-label="{_quoted(formula)}" {svg}'


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def _inline(translator: Any, node: Any) -> None:
    from docutils.nodes import SkipNode

    translator.body.append(picture(node.astext()))
    raise SkipNode


def _display(translator: Any, node: Any) -> None:
    from docutils.nodes import SkipNode

    lines = [line.strip().replace(r"\frac", r"\dfrac") for line in node.astext().split(r"\\") if line.strip()]
    translator.body.append(f'<div class="math">{"<br>".join(map(picture, lines))}</div>\n')
    raise SkipNode


def setup(app: Any) -> dict[str, bool]:
    """What Sphinx calls."""
    app.add_html_math_renderer("mathtext", (_inline, None), (_display, None))
    return {"parallel_read_safe": True}
