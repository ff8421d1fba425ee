"""A picture of a graph becomes a file."""

import os
from collections.abc import Mapping
from pathlib import Path

from tinygrad_ko.drawing.rendering import KINDS, rendered
from tinygrad_ko.drawing.svg import readable
from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.files import whole_file


def saved(source: str, path: str | os.PathLike[str], light: Mapping[str, str], dark: Mapping[str, str]) -> Path:
    """Write a graph in DOT to a file of the kind that the ending says, whole or not at all. Returns the path written.

    An .svg file follows the reader's light or dark palette, .png and .pdf are as the source says, .dot and .gv are the
    source itself.

    Raises ValueError for another ending, FileNotFoundError for a folder that is not there, RuntimeError without a Graphviz
    that works.
    """
    target = Path(path)
    kind = target.suffix.lower().removeprefix(".")
    if kind not in (*KINDS, "dot", "gv"):
        raise explain(
            ValueError(f"save: {target.name!r} must end in .svg, .png, .pdf, .dot or .gv"),
            f"save: 파일 이름은 .svg, .png, .pdf, .dot, .gv 중 하나로 끝나야 합니다. 받은 값: {target.name!r}",
        )
    with whole_file(target) as file:
        if kind in KINDS:
            content = rendered(source, kind)
            file.write(readable(content.decode("utf-8"), light, dark).encode("utf-8") if kind == "svg" else content)
        else:
            file.write(source.encode("utf-8"))
    return target
