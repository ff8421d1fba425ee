"""The page as a file: one HTML document with its style, its program and its data, under a policy that lets it load nothing."""

import html
import json
import os
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.files import whole_file

Language = Literal["ko", "en"]
# As the browser reads them.
_SCRIPTS = [f"{name}.js" for name in ("words", "layout", "view", "arrays", "card", "path", "panel", "run", "page")]
_HEIGHT = 760  # of the frame in a notebook, in pixels


class Page:
    """The page of `drawing.page()`. A notebook shows it in the cell; `html` is its text, `path` the file it was written to, if any."""

    def __init__(self, text: str, path: Path | None) -> None:
        self.html, self.path = text, path

    def _repr_html_(self) -> str:
        # In a frame of its own, which may run the page's program and reach nothing of the notebook.
        frame = f'sandbox="allow-scripts" style="width:100%;height:{_HEIGHT}px;border:0" title="tinygrad_ko"'
        return f'<iframe srcdoc="{html.escape(self.html)}" {frame}></iframe>'

    def __repr__(self) -> str:
        shown = (
            f"{self.path}: open it in a browser" if self.path else "show it in a notebook, or .page('backprop.html')"
        )
        return f"a page that steps through backpropagation: {shown}"


def page_of(data: dict[str, Any], path: str | os.PathLike[str] | None, language: Language | None) -> Page:
    """The page of some content (see `content`), written to a file if a path is given."""
    if language not in (None, "ko", "en"):
        raise explain(
            ValueError(f"page: language must be 'ko', 'en' or None, not {language!r}"),
            f"page: language에는 'ko', 'en', None 중 하나를 넘겨야 합니다. 받은 값: {language!r}",
        )
    target = None if path is None else Path(path)
    if target is not None and target.suffix.lower() not in (".html", ".htm"):
        raise explain(
            ValueError(f"page: {target.name!r} must end in .html"),
            f"page: 파일 이름은 .html로 끝나야 합니다. 받은 값: {target.name!r}",
        )
    text = _document(data | {"language": language})
    if target is not None:
        with whole_file(target) as file:
            file.write(text.encode("utf-8", "replace"))  # a name may have half of a surrogate pair
    return Page(text, target)


def _document(data: dict[str, Any]) -> str:
    """The HTML. The policy allows this style and this program, by their hashes, and nothing else: no network, no other script."""
    style = _part("page.css")
    program = "\n".join(['"use strict";', *map(_part, _SCRIPTS)])
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(program)}'; base-uri 'none'; form-action 'none'"
    holes = {
        "policy": html.escape(policy, quote=True).replace("&#x27;", "'"),
        "title": html.escape(data["name"]),
        "style": style,
        "words": _inert(json.loads(_part("words.json"))),
        "data": _inert(data),
        "program": program,
    }
    text = _part("page.html")
    first, *rest = text.split("{{")
    return first + "".join(holes[hole] + after for hole, after in (piece.split("}}", 1) for piece in rest))


def _part(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _inert(value: Any) -> str:
    """JSON to stand inside a script element: without `<`, no text in it can end the element or open a comment."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
