"""A chapter of the course is a page of Markdown that runs: its cells, what they print, and the notebook that is made of it.

    ```python
    1 + 1              # a cell: what a notebook would show for its last line is its output, and what it prints
    ```

    ```text
    2                  # right after a cell: its output, as the tests compare it; `...` stands for what is measured
    ```

    <!-- 그림: 접선 -->    a cell that draws, or gives a page: this line says what is to be seen, and the picture takes its place

    <details>          a solution: not in the notebook, and the checks that follow it in the page say 맞았습니다

`python -m docs.site.chapters` writes the outputs anew.
"""

import ast
import contextlib
import doctest
import io
import json
import linecache
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COURSE = Path(__file__).resolve().parents[1] / "course"
_CELL = re.compile(
    r"```python\n(?P<code>.*?)```\n(?:\n```text\n(?P<output>.*?)```\n)?(?:\n<!-- 그림: (?P<picture>.*?) -->\n)?", re.S
)
_FOLDED = re.compile(r"<details>\n.*?</details>\n", re.S)
_SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Cell:
    """One cell: its code, the output the page has for it, what its picture shows, and where it stands in the text."""

    code: str
    output: str
    picture: str
    folded: bool
    start: int
    end: int


@dataclass(frozen=True)
class Result:
    """What a cell gave: its text, and its pictures as (ending, contents); one that ends in html is a page to step through."""

    text: str
    pictures: list[tuple[str, bytes]]

    def agrees(self, cell: Cell) -> bool:
        """Whether the page says what was printed, and speaks of a picture if there is one."""
        printed = doctest.OutputChecker().check_output(cell.output, self.text, _SAME) if cell.output else not self.text
        return printed and bool(self.pictures) == bool(cell.picture)


def chapters() -> list[Path]:
    """The chapters, in order."""
    return sorted(COURSE.glob("[0-9][0-9]-*.md"))


def cells(text: str) -> list[Cell]:
    """The cells of a page."""
    folded = [(m.start(), m.end()) for m in _FOLDED.finditer(text)]
    found = []
    for m in _CELL.finditer(text):
        inside = any(start < m.start() < end for start, end in folded)
        found.append(Cell(m["code"], m["output"] or "", m["picture"] or "", inside, m.start(), m.end()))
    return found


class Kernel:
    """Runs cells one after the other, as a notebook does: the value of the last expression is shown, or what it drew."""

    def __init__(self, name: str) -> None:
        os.environ.setdefault("MPLBACKEND", "Agg")
        for _ in _figures():  # what others have drawn and left open is not of this page
            pass
        self.name, self.count, self.names = name, 0, {"__name__": "__main__"}

    def run(self, code: str) -> Result:
        """Run one cell."""
        self.count += 1
        file = f"<{self.name}, 칸 {self.count}>"
        linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
        body = ast.parse(code, file).body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        printed, value = io.StringIO(), None
        with contextlib.redirect_stdout(printed):
            exec(compile(ast.Module(body, []), file, "exec"), self.names)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), file, "eval"), self.names)
        pictures = [*_figures(), *_drawing(value)]
        if value is not None and not pictures:
            print(repr(value), file=printed)
        return Result(printed.getvalue(), pictures)


def _figures() -> Iterator[tuple[str, bytes]]:
    if "matplotlib.pyplot" not in sys.modules:
        return
    plt: Any = sys.modules["matplotlib.pyplot"]
    for number in plt.get_fignums():
        written = io.BytesIO()
        plt.figure(number).savefig(written, format="png", dpi=110, bbox_inches="tight")
        plt.close(number)
        yield "png", written.getvalue()


def _drawing(value: Any) -> Iterator[tuple[str, bytes]]:
    if hasattr(value, "svg"):
        yield "svg", value.svg().encode()
    if hasattr(value, "html"):
        yield "html", value.html.encode()


def notebook(text: str) -> str:
    """The chapter as a notebook: its cells without outputs, and without the solutions."""
    text = _FOLDED.sub("", text)
    parts, at = [], 0
    for cell in cells(text):
        parts += [_markdown(text[at : cell.start]), _code(cell.code)]
        at = cell.end
    parts = [part for part in [*parts, _markdown(text[at:])] if part["source"]]
    for i, part in enumerate(parts):
        part["id"] = f"cell-{i}"
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps(
        {"cells": parts, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, ensure_ascii=False, indent=1
    )


def _markdown(text: str) -> dict[str, Any]:
    text = re.sub(r"\]\((\d\d-[\w-]+)\.md", r"](\1.ipynb", re.sub(r"<!--.*?-->\n?", "", text, flags=re.S)).strip()
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(code: str) -> dict[str, Any]:
    source = code.rstrip("\n").splitlines(keepends=True)
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}


def renewed(name: str, text: str) -> str:
    """A chapter with the outputs that its cells give now, where they are not those that it has."""
    kernel, parts, at = Kernel(name), [], 0
    for cell in cells(text):
        result = kernel.run(cell.code)
        if result.agrees(cell):
            continue
        printed = f"\n```text\n{result.text.rstrip()}\n```\n" if result.text else ""
        seen = f"\n<!-- 그림: {cell.picture or '무엇이 보이는지 적으십시오'} -->\n" if result.pictures else ""
        parts += [text[at : cell.start], f"```python\n{cell.code}```\n{printed}{seen}"]
        at = cell.end
    return "".join([*parts, text[at:]])


if __name__ == "__main__":
    for path in chapters():
        path.write_text(renewed(path.stem, path.read_text(encoding="utf-8")), encoding="utf-8")
