"""The exercises are judged themselves: a solution with one mistake in it is not taken for right."""

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest

from docs.site.chapters import Kernel, cells, chapters
from tinygrad_ko.check.reports.report import without_listeners
from tinygrad_ko.drawing.rendering import renderers

pytest.importorskip("matplotlib")
OTHER = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
RIGHT_TOO = {  # of two axes the last is 1
    "2-4": ["return y * (dout - np.sum(dout * y, axis=+1, keepdims=True))"],
    "10-2": ["return dout - dout.mean(axis=+1, keepdims=True)"],
}


def mistakes(code: str) -> Iterator[str]:
    """The code with one operator changed, one operand left out, one sign or one transpose forgotten."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and type(node.op) in OTHER:
            before, node.op = node.op, OTHER[type(node.op)]()
            yield ast.unparse(tree)
            node.op = before
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            node.op = ast.UAdd()
            yield ast.unparse(tree)
            node.op = ast.USub()
        for name, value in ast.iter_fields(node):
            shorter: list[Any] = []
            if isinstance(value, ast.BinOp):
                shorter = [value.left, value.right]
            elif isinstance(value, ast.Attribute) and value.attr == "T":
                shorter = [value.value]
            for part in shorter:
                setattr(node, name, part)
                yield ast.unparse(tree)
                setattr(node, name, value)


def line_that_differs(code: str, changed: str) -> list[str]:
    lines = set(ast.unparse(ast.parse(code)).splitlines())
    return [line.strip() for line in changed.splitlines() if line not in lines]


@pytest.mark.slow
@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_a_solution_with_a_mistake_is_not_right(path):
    kernel, tried, text = Kernel(path.stem), 0, path.read_text(encoding="utf-8")
    if "tg.draw(" in text and not list(renderers("svg")):
        pytest.skip("no Graphviz")
    with without_listeners():
        for cell in cells(text):
            found = re.findall(r'course\.check\("(\S+)"', cell.code)
            if cell.folded and found and "def test_" not in cell.code:
                for changed in mistakes(cell.code):
                    names = dict(kernel.names)
                    try:
                        said = kernel.run(changed).text
                    except Exception:  # the mistake is in what the cell does before it asks
                        said = ""
                    kernel.names = names
                    if "맞았습니다" in said:
                        assert line_that_differs(cell.code, changed) == RIGHT_TOO.get(found[0]), changed
                    tried += 1
            kernel.run(cell.code)
    assert tried > 3
