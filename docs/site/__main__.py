"""Builds the site: `make docs`, or `python -m docs.site`. It is written to build/docs/html, and needs no network.

The pages are put together first, in build/docs/source: the English pages as they are, the reference made from the docstrings, and the
chapters of the course, each of which is run, so that its outputs, pictures and pages to step through are those of this build. Sphinx
makes the site of them.
"""

import os
import re
import shutil
import sys
from html import escape
from pathlib import Path

from docs.site.chapters import COURSE, Kernel, cells, chapters, notebook
from docs.site.glossary import linked, terms
from docs.site.reference import contents, pages

DOCS = COURSE.parent
ROOT = DOCS.parent
BUILD = ROOT / "build" / "docs"
SOURCE, HTML = BUILD / "source", BUILD / "html"
ENGLISH = ["guide", "rules", "oracle", "differentiable", "speed"]
AS_THEY_ARE = ["course/notebooks", "course/pages"]  # folders that Sphinx does not read


def assemble() -> None:
    """Write the pages that Sphinx reads."""
    shutil.rmtree(BUILD, ignore_errors=True)
    for folder in ("course/pictures", "api", *AS_THEY_ARE):
        (SOURCE / folder).mkdir(parents=True)
    shutil.copytree(DOCS / "pictures", SOURCE / "pictures")
    for name in ENGLISH:
        write(SOURCE / f"{name}.md", outside((DOCS / f"{name}.md").read_text(encoding="utf-8")))
    for name, text in pages():
        write(SOURCE / "api" / f"{name}.md", text)
    known = terms((COURSE / "glossary.md").read_text(encoding="utf-8"))
    for path in COURSE.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        if path in chapters():
            write(SOURCE / "course" / "notebooks" / f"{path.stem}.ipynb", notebook(text))
            text = linked(run(path.stem, text), known)
            text = text.replace("\n\n", f"\n\n[이 장을 노트북으로 내려받기](notebooks/{path.stem}.ipynb)\n\n", 1)
        if path.stem == "index":
            text += contents([chapter.stem for chapter in chapters()])
        write(SOURCE / "course" / path.name, outside(text))
    write(SOURCE / "index.md", (DOCS / "site" / "index.md").read_text(encoding="utf-8"))


def run(name: str, text: str) -> str:
    """A chapter with the outputs and pictures of its cells, as they come out here."""
    kernel, parts, at = Kernel(name), [], 0
    for number, cell in enumerate(cells(text), start=1):
        result = kernel.run(cell.code)
        if not result.agrees(cell):
            raise SystemExit(f"{name}, cell {number}: the page has\n{cell.output}\nand it gives\n{result.text}")
        parts += [text[at : cell.start], f"```python\n{cell.code}```\n"]
        if result.text:
            parts.append(f"\n:::{{code-block}} text\n:class: output\n\n{result.text.rstrip()}\n:::\n")
        for i, (ending, picture) in enumerate(result.pictures):
            file = SOURCE / "course" / ("pages" if ending == "html" else "pictures") / f"{name}-{number}-{i}.{ending}"
            file.write_bytes(picture)
            parts.append(f"\n{shown(file, cell.picture)}\n")
        at = cell.end
    return "".join([*parts, text[at:]])


def shown(file: Path, what: str) -> str:
    """A picture in a chapter, or a page in a frame."""
    picture = f"![{what}](pictures/{file.name})"
    if file.suffix == ".svg":  # opened by itself it can be enlarged, and tells the formulas of its operations
        return f'<a href="../_images/{file.name}">{picture}</a>'
    if file.suffix == ".html":
        frame = f'<iframe src="pages/{file.name}" title="{escape(what)}" loading="lazy"></iframe>'
        return f'{frame}\n\n<a href="pages/{file.name}">이 페이지만 크게 열기</a>'
    return picture


def outside(text: str) -> str:
    """Links to files of the repository that are no pages, as names: the site has no copy of them."""
    return re.sub(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(\.\./(?!course)[^)]*\)", r"\1", text)


def write(path: Path, text: str) -> None:
    """Write a page."""
    path.write_text(text, encoding="utf-8")


def build() -> int:
    """Make the site of the pages; a warning is an error."""
    from sphinx.cmd.build import main

    told = ["-q", "-W", "--keep-going", "-c", str(DOCS / "site"), "-d", str(BUILD / "read"), "-b", "html"]
    return main([*told, str(SOURCE), str(HTML)])


if __name__ == "__main__":
    assemble()
    failed = build()
    if not failed:
        for folder in AS_THEY_ARE:
            shutil.copytree(SOURCE / folder, HTML / folder)
        print(f"open {os.path.relpath(HTML / 'index.html')}")
    sys.exit(failed)
