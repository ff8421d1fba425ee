"""The text of a formula, found from the function; and what is said where there is none."""

import functools
import linecache
import subprocess
import sys
import types
from pathlib import Path

import pytest

from tests.ops.table import OPS
from tinygrad_ko.runtime.source import definition, formula_text

ROOT = Path(__file__).resolve().parents[1]


def slope(g, x):
    return g * x


class Slope:
    def __call__(self, g, x):
        return g * x


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (lambda g, out: g * out * (1 - out), "g * out * (1 - out)"),
        (lambda g: g if g is None else '한글 | "x"', "g if g is None else '한글 | \"x\"'"),
        (slope, "slope"),
        (Slope(), "Slope"),
        (Slope().__call__, "__call__"),
        (functools.partial(slope, x=2), "partial"),
        (abs, "abs"),
    ],
)
def test_the_text_of_a_formula(formula, text):
    assert formula_text(formula) == text


def test_lambdas_on_one_line_are_told_apart():
    assert [formula_text(f) for f in (lambda g: g * 2, lambda g: g * 3, lambda g: g * 2.0)] == [
        "g * 2",
        "g * 3",
        "g * 2.0",
    ]


def test_a_lambda_over_several_lines_is_one_expression():
    long = lambda g, x: (
        g  # a comment
        * x
    )
    assert formula_text(long) == "g * x"


def test_annotations_do_not_hide_a_formula():
    def slope(g: float, /, x: float = 2.0, *rest: float, **more: float) -> float:
        return g * x

    assert definition(slope.__code__, slope.__globals__) is not None


def test_a_source_that_is_not_there_or_no_longer_the_right_one_is_not_shown(monkeypatch):
    text = "f = lambda g: g * 2\n"
    room: dict[str, types.FunctionType] = {}
    exec(compile(text, "<typed>", "exec"), room)
    assert formula_text(room["f"]) == "..."
    for lines, shown in ((text, "g * 2"), (text.replace("*", "+"), "..."), ("(", "...")):
        monkeypatch.setitem(linecache.cache, "<typed>", (len(lines), None, lines.splitlines(True), "<typed>"))
        assert formula_text(room["f"]) == shown


def test_the_source_of_every_shipped_formula_is_found():
    for op in OPS.values():
        for argument in op.op.differentiable:
            formula = op.op.formulas[argument]
            assert isinstance(formula, types.FunctionType)
            assert definition(formula.__code__, formula.__globals__) is not None


def test_importing_the_package_does_not_wait_for_it():
    code = "import sys, tinygrad_ko; print('tinygrad_ko.runtime.source' in sys.modules, 'tinygrad_ko.pictures' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert answer.stdout == "False False\n"
