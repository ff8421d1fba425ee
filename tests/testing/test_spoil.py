"""Formulas that are spoiled in their source: each kind of mistake, and the ways to a source."""

import inspect
import linecache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.table import OPS
from tinygrad_ko.testing import korean
from tinygrad_ko.testing.spoil import is_zero, versions

where = tg.where


def one(formula, **options):
    """An op of one argument x, with any forward: here formulas are looked at, not used."""

    @tg.op(x=formula, **options)
    def probe(x):
        return +x

    return probe


def from_source(op):
    """What the source of the formula for x gives: kinds and texts."""
    return {(kind, text) for kind, text, _ in versions(op.op.formulas["x"], op.op)}


# Each kind of mistake, from the smallest formula that has it


def scaled(g, x):
    """Twice: a helper with a docstring."""
    factor = np.ones(x.shape)
    factor[0] = 2
    factor += 1e-9
    return g * factor


def twice_scaled(g, x):
    return scaled(g, x) + scaled(g, x)


def refusing(g):
    if len(g) > 5:
        raise ValueError(f"{len(g) + 1} is more than 5")
    while len(g) > 5:
        g = g[1:]
    return +g


KINDS: dict[str, tuple[Any, set[tuple[str, str]]]] = {
    "nothing": (lambda g: g, set()),
    "minus": (lambda g: -g, {("sign flip", "g")}),
    "plus": (
        lambda g, x: g + x,
        {("dropped term", "g"), ("dropped term", "x"), ("wrong operand", "g + out, out for x")},
    ),
    "difference": (
        lambda g, x: g * (x - 3),
        {
            ("missing factor", "g"),
            ("missing factor", "x - 3"),
            ("dropped term", "g * x"),
            ("dropped term", "g * 3"),
            ("sign flip", "g * (x + 3)"),
            ("wrong constant", "g * (x - 4)"),
            ("wrong operand", "g * (out - 3), out for x"),
        },
    ),
    "n - 1": (
        lambda g, x_shape: g / (x_shape[0] - 1),
        {
            ("missing factor", "g"),
            ("times for divided by", "g * (x_shape[0] - 1)"),
            ("N for N - 1", "g / x_shape[0]"),
            ("dropped term", "g / 1"),
            ("sign flip", "g / (x_shape[0] + 1)"),
            ("wrong constant", "g / (x_shape[1] - 1)"),
            ("wrong constant", "g / (x_shape[0] - 2)"),
        },
    ),
    "epsilon": (
        lambda g, x: g / (x + 1e-7),
        {
            ("missing factor", "g"),
            ("times for divided by", "g * (x + 1e-07)"),
            ("dropped term", "g / 1e-07"),
            ("epsilon dropped", "g / (x + 0.0)"),
            ("wrong operand", "g / (out + 1e-07), out for x"),
        },
    ),
    "power": (
        lambda g, x: g**x,
        {("wrong power", "g"), ("wrong power", "g ** (x + 1)"), ("wrong operand", "g ** out, out for x")},
    ),
    "square": (lambda g: g**2, {("wrong power", "g"), ("wrong constant", "g ** 3")}),
    "product": (
        lambda g, x: g @ x.mT,
        {("swapped operands", "x.mT @ g"), ("transposed", "g @ x"), ("wrong operand", "g @ out.mT, out for x")},
    ),
    "turned": (lambda g: g.T, {("transposed", "g")}),
    "words": (
        lambda g, out, x: where(out, g, x),
        {
            ("swapped operands", "where(out, x, g)"),
            ("wrong operand", "where(x, g, x)"),
            ("wrong operand", "where(out, g, out)"),
        },
    ),
    "cotangents": (
        lambda g: g * g.shape[0] + g,
        {
            ("dropped term", "g * g.shape[0]"),
            ("dropped term", "g"),
            ("missing factor", "g + g"),
            ("missing factor", "g.shape[0] + g"),
            ("ignored cotangent", "(g * 0 + 1) * g.shape[0] + g"),
            ("ignored cotangent", "g * g.shape[0] + (g * 0 + 1)"),
            ("wrong constant", "g * g.shape[1] + g"),
        },
    ),
    "function": (lambda g: tg.exp(g), {("missing function", "g")}),
    "operands": (
        lambda g: tg.maximum(g, 2.0),
        {("swapped operands", "tg.maximum(2.0, g)"), ("wrong constant", "tg.maximum(g, 3.0)")},
    ),
    "sum": (
        lambda g: g.sum(axis=1, keepdims=True),
        {
            ("missing function", "g"),
            ("mean for sum", "g.mean(axis=1, keepdims=True)"),
            ("wrong axis", "g.sum(keepdims=True)"),
            ("wrong constant", "g.sum(axis=2, keepdims=True)"),
            ("wrong constant", "g.sum(axis=1, keepdims=False)"),
        },
    ),
    "comparison": (
        lambda g, x: where(x >= 0.5, g, 0),
        {
            ("swapped operands", "where(x >= 0.5, 0, g)"),
            ("reversed comparison", "where(x <= 0.5, g, 0)"),
            ("wrong constant", "where(x >= 1.5, g, 0)"),
            ("wrong constant", "where(x >= 0.5, g, 1)"),
            ("wrong operand", "where(out >= 0.5, g, 0), out for x"),
        },
    ),
    "conditions": (
        lambda g, x: g if not (x is None or x == x) else -g,
        {
            ("one branch alone", "g"),
            ("one branch alone", "-g"),
            ("reversed condition", "g if x is None or x == x else -g"),
            ("dropped condition", "g if not x == x else -g"),
            ("dropped condition", "g if not x is None else -g"),
            ("reversed comparison", "g if not (x is not None or x == x) else -g"),
            ("reversed comparison", "g if not (x is None or x != x) else -g"),
            ("sign flip", "g if not (x is None or x == x) else g"),
            ("ignored cotangent", "g * 0 + 1 if not (x is None or x == x) else -g"),
            ("ignored cotangent", "g if not (x is None or x == x) else -(g * 0 + 1)"),
            ("wrong operand", "g if not (out is None or out == out) else -g, out for x"),
        },
    ),
    "types tell nothing": (
        lambda g: g.astype(g.dtype) if isinstance(g, tg.Tensor) else list(g),
        {
            ("one branch alone", "g.astype(g.dtype)"),
            ("one branch alone", "list(g)"),
            ("ignored cotangent", "(g * 0 + 1).astype(g.dtype) if isinstance(g, tg.Tensor) else list(g)"),
            ("ignored cotangent", "g.astype(g.dtype) if isinstance(g, tg.Tensor) else list(g * 0 + 1)"),
        },
    ),
    "helpers": (
        lambda g, x: twice_scaled(g, x),
        {
            ("wrong operand", "twice_scaled(g, out), out for x"),
            ("dropped term", "in twice_scaled: return scaled(g, x)"),
            ("ignored cotangent", "in twice_scaled: return scaled(g * 0 + 1, x) + scaled(g, x)"),
            ("ignored cotangent", "in twice_scaled: return scaled(g, x) + scaled(g * 0 + 1, x)"),
            ("missing function", "in scaled: factor = x.shape"),
            ("dropped statement", "in scaled: without factor[0] = 2"),
            ("wrong constant", "in scaled: factor[1] = 2"),
            ("wrong constant", "in scaled: factor[0] = 3"),
            ("dropped statement", "in scaled: without factor += 1e-09"),
            ("sign flip", "in scaled: factor -= 1e-09"),
            ("epsilon dropped", "in scaled: factor += 0.0"),
            ("missing factor", "in scaled: return g"),
            ("missing factor", "in scaled: return factor"),
        },
    ),
    "messages and loops are left": (
        lambda g: refusing(g),
        {
            ("missing function", "g"),
            ("reversed comparison", "in refusing: if len(g) < 5:"),
            ("wrong constant", "in refusing: if len(g) > 6:"),
            ("ignored cotangent", "in refusing: if len(g * 0 + 1) > 5:"),
            ("ignored cotangent", "in refusing: return +(g * 0 + 1)"),
        },
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_mistakes_of_a_formula(kind):
    formula, expected = KINDS[kind]
    assert from_source(one(formula)) == expected


def test_nothing_is_left_out_of_the_kinds():
    """What this file tests is what there is: the kinds that the shipped ops have."""
    shipped = {
        kind for f in OPS.values() for a in f.op.differentiable for kind, _, _ in versions(f.op.formulas[a], f.op)
    }
    tested = {kind for _, mistakes in KINDS.values() for kind, _ in mistakes}
    assert shipped <= tested <= korean.KINDS.keys()


# Where the source is found


def test_lambdas_on_one_line_are_told_apart():
    a, b, c = lambda g: g * 2, lambda g: g * 3, (lambda g: g * 2)
    texts = [{text for _, text in from_source(one(f))} for f in (a, b, c)]
    assert texts == [{"g", "2", "g * 3"}, {"g", "3", "g * 4"}, {"g", "2", "g * 3"}]


def test_constants_of_another_type_are_told_apart():
    a, b, c = lambda g: g * 1, lambda g: g * 1.0, lambda g: g * True
    assert [len(from_source(one(f))) for f in (a, b, c)] == [3, 3, 3]
    assert ("wrong constant", "g * 2.0") in from_source(one(b))
    assert ("wrong constant", "g * False") in from_source(one(c))


@given(st.floats(-3, 3), st.floats(-3, 3))
@settings(max_examples=20)
def test_a_closure_keeps_what_it_closes_over(k, shift):
    op = one(lambda g: g * k + shift)
    spoiled = {text: formula for _, text, formula in versions(op.op.formulas["x"], op.op)}
    assert spoiled["g * k"](2.0) == 2 * k
    assert spoiled["g + shift"](2.0) == 2 + shift


def test_a_closure_sees_what_is_assigned_later():
    k = 2.0
    op = one(lambda g: -g * k)
    spoiled = {text: formula for _, text, formula in versions(op.op.formulas["x"], op.op)}
    k = 5.0
    assert spoiled["g * k"](1.0) == 5


def decorated(function):
    return function


def test_a_def_is_a_formula_too():
    @decorated
    def slope(g, x):
        """It has a docstring, which is no formula, and annotations."""
        half: float = 0.5
        if g is None:
            return None
        return g * half * x

    assert {
        ("wrong constant", "half: float = 1.5"),
        ("reversed comparison", "if g is not None:"),
        ("missing factor", "g * half"),
        ("missing factor", "g * x"),
        ("missing factor", "half * x"),
        ("missing factor", "x"),
        ("ignored cotangent", "if g * 0 + 1 is None:"),
        ("ignored cotangent", "(g * 0 + 1) * half * x"),
        ("wrong operand", "g * half * out, out for x"),
    } == from_source(one(slope))


def forwarding(formula):
    def wrapped(*words):
        return formula(*words)

    vars(wrapped)["__signature__"] = inspect.signature(formula)
    return wrapped


class Slope:
    def __call__(self, g, x):
        return g * x


@pytest.mark.parametrize("formula", [forwarding(lambda g, x: g * x), Slope(), Slope().__call__])
def test_what_is_wrapped_or_no_function_is_not_spoiled(formula):
    assert from_source(one(formula)) == set()


EXECUTED = """
@tg.op(broadcasts=True, a=lambda g, b: g * b, b=lambda g, a: g * a)
def times(a, b):
    return a * b
"""


def executed(name):
    room: dict[str, Any] = {"tg": tg}
    exec(compile(EXECUTED, name, "exec"), room)
    return room["times"]


def test_a_source_that_is_not_there_is_not_spoiled():
    record = executed("<typed>").op
    assert versions(record.formulas["a"], record) == []


def test_a_source_that_is_no_longer_the_right_one_is_not_taken(monkeypatch):
    record = executed("<changed>").op
    other = EXECUTED.replace("g * b", "g + b")
    for text, found in ((EXECUTED, True), (other, False), ("(", False)):
        monkeypatch.setitem(linecache.cache, "<changed>", (len(text), None, text.splitlines(True), "<changed>"))
        assert bool(versions(record.formulas["a"], record)) == found


def test_an_honest_zero_is_known():
    zeros = {name for name, f in OPS.items() if all(is_zero(f.op.formulas[a]) for a in f.op.differentiable)}
    like = {"zeros_like", "identity_like"}
    assert zeros == like | {
        "sign",
        "step_function",
        "leaky_relu_slope",
        "floor_divide",
        "floor",
        "ceil",
        "trunc",
        "round",
        "gammasgn",
    }
    assert not is_zero(Slope())


@pytest.mark.parametrize("name", OPS)
def test_every_version_of_every_shipped_formula_can_be_asked(name):
    """What is spoiled in the source keeps to the words that a formula may name."""
    record = OPS[name].op
    vocabulary = {
        "g",
        "out",
        *record.arguments,
        *record.options,
        *record.keeps,
        *(f"{a}_shape" for a in record.arguments),
    }
    for argument in record.differentiable:
        for _, _, formula in versions(record.formulas[argument], record):
            assert set(inspect.signature(formula).parameters) <= vocabulary
