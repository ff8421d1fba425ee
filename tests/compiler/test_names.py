"""What values of a program are called: as the user calls them."""

import re
import sys
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import nn
from tinygrad_ko.compiler.tracing.variables import RETURNED, stored_in

X = np.arange(1.0, 5.0)


class Holder:
    pass


def test_the_variable_that_takes_a_result_is_found_in_the_bytecode():
    held: Any = Holder()
    seen, table, x = list[Any](), dict[str, Any](), 0

    def g(*_: Any, number: Any = None) -> Any:
        frame = sys._getframe(1)
        seen.append(stored_in(frame.f_code, frame.f_lasti, number))
        return 1, 2

    def returned():
        return g()

    # ruff: noqa: F841, RUF059  # variables that nobody reads
    first = second = g(x)
    held.attribute = g(x)
    table["key"] = g(x)
    held.__dict__["inner"] = g(x)
    annotated: object = g(x)
    if walrus := g(x):
        pass
    one, other = g(x), g(x)
    left, right = g(number=1)
    left, right = g()
    total = g(x) + g(x)
    key = "key"
    table[key] = g(x)
    returned()
    for _part in g(x):
        pass
    assert seen == [
        *("first", "attribute", "key", "inner", "annotated", "walrus", "one", "other", "right", None),
        *(None, None, None, RETURNED, None),
    ]


def halved(x):
    return x / 2


def decorated(f):
    def whole(*arguments):
        return f(*arguments)

    return whole


@decorated
def doubled(x):
    return x * 2


def stores(x):
    held: Any = Holder()
    table = {}
    first = second = np.sin(x)
    held.attribute = np.cos(first)
    table["key"] = np.tan(held.attribute + second)
    return first, held.attribute, table["key"]


def unpacked(x):
    left, right = np.split(np.sin(x), 2)
    one, other = np.cos(left), np.tan(right)
    return left, right, one, other


def called(x):
    a = halved(x)
    b = doubled(a)
    square = lambda v: v * v
    c = square(b)
    return a, b, c


def in_one_line(x):
    y, z, w = np.sin(np.cos(x)), np.tan(x), np.exp(np.sinh(x))
    return y, z, w


def with_layers(x):
    hidden = nn.Affine(4, 3, rng=0)(x)
    active = tg.tanh(hidden)
    return hidden, active


@pytest.mark.parametrize(
    ("f", "names"),
    [
        (stores, ["first", "attribute", "key"]),
        (unpacked, ["left", "right", "one", "other"]),
        (called, ["a", "b", "c"]),
        (in_one_line, ["y", "z", "w"]),
        (with_layers, ["hidden", "active"]),
    ],
)
def test_values_have_the_names_of_the_users_variables(f, names):
    function: Any = tg.compile(f)
    for ours, theirs in zip(function(X), f(X), strict=True):
        assert ours.tolist() == theirs.tolist()
    lines = [line.split("#")[0].strip() for line in function.source.splitlines()]
    given = [line.split(" = ")[0] for line in lines if " = " in line] + re.findall(r"out=(\w+)", function.source)
    assert set(names) <= set(re.findall(r"\w+", " ".join(given)))
