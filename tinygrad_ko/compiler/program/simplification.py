"""Simplification: algebraic rewriting, constant folding and removal of redundant broadcasts and views.

One pass in topological order; each rule rewrites a value whose inputs are simplified already. Every rule keeps the last bit of every
result: so x + 0 stays (-0.0 + 0 is 0.0), and x * 0 too (NaN).
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from tinygrad_ko.compiler.program.values import Value, in_order

_ELEMENTWISE = {"ufunc", "where", "power"}  # operations that broadcast their inputs


def simplified(results: list[Value], effects: list[Value]) -> tuple[list[Value], list[Value]]:
    """The results and the effects of an equivalent program with fewer values."""
    new: dict[Value, Value] = {}
    for value in in_order([*effects, *results]):
        inputs = tuple([new[x] if isinstance(x, Value) else x for x in value.inputs])
        now = value if inputs == value.inputs else value.altered(inputs=inputs)
        for rule in _RULES:
            now = rule(now)
        new[value] = value.simplified = now
    return [new[value] for value in results], [new[value] for value in effects]


def _scalar(x: Any) -> Any:
    """The number that fills an input; None if its elements may differ."""
    if not isinstance(x, Value):
        return x
    while x.operation == "view" and x.settings[0] in ("broadcast_to", "reshape"):
        x = x.inputs[0]
    return x.settings[0] if x.operation == "full" else None


def _without_broadcasts(value: Value) -> Value:
    """Remove explicit broadcasts that an elementwise operation does by itself; arrays filled with one number become that number."""
    if value.operation not in _ELEMENTWISE:
        return value
    inputs = [*value.inputs]
    for i, x in enumerate(inputs):
        others = [y.shape for j, y in enumerate(inputs) if j != i and isinstance(y, Value)]
        is_stretched = isinstance(x, Value) and others and np.broadcast_shapes(*others) == value.shape
        if is_stretched and x.dtype == value.dtype and (number := _scalar(x)) is not None:
            inputs[i] = number
        is_broadcast = isinstance(inputs[i], Value) and x.operation == "view" and x.settings[0] == "broadcast_to"
        if is_broadcast and np.broadcast_shapes(*others, x.inputs[0].shape) == value.shape:
            inputs[i] = x.inputs[0]
    return value if (*inputs,) == value.inputs else value.altered(inputs=tuple(inputs))


def _without_ones(value: Value) -> Value:
    """x for 1 * x, x * 1 and x / 1."""
    if _is_a(value, "multiply"):
        pairs = [value.inputs, value.inputs[::-1]]
    elif _is_a(value, "divide"):
        pairs = [value.inputs]
    else:
        return value
    for x, one in pairs:
        same = isinstance(x, Value) and not x.is_number and (x.shape, x.dtype) == (value.shape, value.dtype)
        if same and _scalar(one) == 1:
            return x
    return value


def _is_a(value: Any, function: str) -> bool:
    """Whether an input is the result of a ufunc of that name."""
    return isinstance(value, Value) and value.operation == "ufunc" and value.settings == (function,)


def _without_signs(value: Value) -> Value:
    """x for -(-x), a - x for a + -x, a + x for a - -x, and b - x for -x + b. (The sign of a NaN may change.)"""
    if value.dtype.kind != "f" or value.operation != "ufunc":
        return value
    (function,), inputs = value.settings, value.inputs
    if function == "negative":
        return inputs[0].inputs[0] if _is_a(inputs[0], "negative") else value
    if function in _OPPOSITE and _is_a(inputs[1], "negative") and inputs[1].dtype == value.dtype:
        return value.altered(settings=(_OPPOSITE[function],), inputs=(inputs[0], *inputs[1].inputs))
    if function == "add" and _is_a(inputs[0], "negative") and inputs[0].dtype == value.dtype:
        return value.altered(settings=("subtract",), inputs=(inputs[1], *inputs[0].inputs))
    return value


_OPPOSITE = {"add": "subtract", "subtract": "add"}


def _powers(value: Value) -> Value:
    """The ufuncs that NumPy itself computes x ** 2, x ** 0.5 and x ** -1 of an array with (not of a scalar), and x for x ** 1."""
    if value.operation != "power" or not value.shape or value.dtype.kind != "f" or value.inputs[0].dtype != value.dtype:
        return value
    x, exponent = value.inputs
    if isinstance(exponent, Value) or type(exponent) not in (int, float):
        return value
    if exponent == 1:
        return x
    if exponent in _POWERS:
        return value.altered(operation="ufunc", inputs=(x,), settings=(_POWERS[exponent],))
    return value


_POWERS = {2: "square", 0.5: "sqrt", -1: "reciprocal"}


def _folded(value: Value) -> Value:
    """Constant folding: an operation on arrays filled with one number fills an array with one number."""
    numbers = [_scalar(x) for x in value.inputs]
    if value.operation == "ufunc" and all(n is not None for n in numbers):
        number = getattr(np, value.settings[0])(*numbers)
        return value.altered(operation="full", inputs=(), settings=(value.dtype.type(number),))
    if value.operation == "astype" and numbers[0] is not None:
        return value.altered(operation="full", inputs=(), settings=(np.asarray(numbers[0]).astype(value.dtype)[()],))
    if value.operation == "view" and value.inputs[0].operation == "full":
        return _one_number(value)
    return value


def _one_number(value: Value) -> Value:
    """A view of an array filled with one number, as `full`. Its strides stay the same, 0 where it was broadcast: a matrix product may add
    in another order then.
    """
    (x,), (how, _to) = value.inputs, value.settings
    before = x.settings[1] if len(x.settings) > 1 else x.shape
    if how == "reshape" and prod(before) == 1:
        before = (1,) * len(value.shape)
    elif how == "reshape" and before == x.shape:
        before = value.shape
    elif how != "broadcast_to" and value.shape:
        return value
    settings = (x.settings[0],) if before == value.shape or not value.shape else (x.settings[0], before)
    return value.altered(operation="full", inputs=(), settings=settings)


def _short_chains(value: Value) -> Value:
    """Merge a view of a view into one, and remove views that change nothing."""
    if value.operation != "view":
        return value
    (x,), (how, to) = value.inputs, value.settings
    if x.operation == "view" and x.settings[0] == how == "transpose":
        axes = tuple(x.settings[1][axis] for axis in to)
        value = value.altered(inputs=x.inputs, settings=("transpose", axes))
        return x.inputs[0] if axes == (*range(len(axes)),) else value
    if x.operation == "view" and x.settings[0] == how == "reshape":
        return _short_chains(value.altered(inputs=x.inputs))
    return x if how in ("reshape", "broadcast_to") and x.shape == value.shape else value


def _sums_of_one(value: Value) -> Value:
    """A reduction along axes of length 1 is a reshape."""
    if (
        value.operation != "reduce"
        or value.size != value.inputs[0].size
        or value.settings[0] not in ("add", "maximum", "minimum")
    ):
        return value
    if value.dtype != value.inputs[0].dtype or (value.settings[0] == "add" and value.dtype.kind == "f"):
        return value  # a sum of floats is not: 0 + -0.0 is 0.0
    return _short_chains(value.altered(operation="view", settings=("reshape", value.shape)))


_RULES: list[Callable[[Value], Value]] = [
    _without_broadcasts,
    _without_ones,
    _without_signs,
    _powers,
    _folded,
    _short_chains,
    _sums_of_one,
]
