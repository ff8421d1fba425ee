"""The text of a formula, found from the function; and what is said where there is none."""

import functools
import linecache
import subprocess
import sys
import types
from pathlib import Path

import pytest

from tests.ops.table import OPS
from tinygrad_ko.arrays.opaque import either
from tinygrad_ko.runtime.source import compiled, definition, formula_text

ROOT = Path(__file__).resolve().parents[2]


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
        (lambda g, x: g * either(x > 0, lambda x: 1 / x, lambda x: x, (x,)), "g * (1 / x if x > 0 else x)"),
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
    formulas = [lambda g: g * 2, lambda g: g * 3, lambda g: g * 2.0]  # not in the assert, which pytest compiles anew
    assert [formula_text(f) for f in formulas] == ["g * 2", "g * 3", "g * 2.0"]


def test_equal_and_constant_lambdas_are_found():
    one, two, same, none = lambda: 1, lambda: 2, lambda: 1, lambda: None
    assert [formula_text(f) for f in (one, two, same, none)] == ["1", "2", "1", "None"]


def test_a_lambda_inside_another_or_among_its_defaults_is_told_apart():
    def made(y):
        return lambda x, f=lambda: 7: (x + y, lambda: x * y)

    assert formula_text(made(1)) == "(x + y, lambda: x * y)"
    assert [formula_text(f) for f in (made(1)(2)[1], *made(1).__defaults__)] == ["x * y", "7"]


def test_a_changed_definition_keeps_free_variables_and_leaves_out_defaults():
    def made(y):
        return lambda x, f=lambda: 7, *, k=1: f() + k + x * y

    function = made(10)
    tree = definition(function)
    assert tree is not None
    code = compiled(tree, function.__code__)
    again = types.FunctionType(code, {}, "again", function.__defaults__, function.__closure__)
    assert again(2, k=3) == function(2, k=3) == 30
    assert code.co_freevars == ("y",)


def test_a_lambda_over_several_lines_is_one_expression():
    long = lambda g, x: (
        g  # a comment
        * x
    )
    assert formula_text(long) == "g * x"


def test_annotations_do_not_hide_a_formula():
    def slope(g: float, /, x: float = 2.0, *rest: float, **more: float) -> float:
        return g * x

    assert definition(slope) is not None


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
            assert definition(formula) is not None


def test_importing_the_package_does_not_wait_for_it():
    code = "import sys, tinygrad_ko; print('tinygrad_ko.runtime.source' in sys.modules, 'tinygrad_ko.pictures' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert answer.stdout == "False False\n"
