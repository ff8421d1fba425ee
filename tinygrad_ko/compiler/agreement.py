"""Agreement of two traces from the same state. Where they differ, the function depends on something that the compiler does not see, like a
clock or a counter, and the value that it had in the trace must not become a constant.
"""

import re
from typing import Any

from tinygrad_ko.compiler.program.values import Called, Value, in_order
from tinygrad_ko.compiler.refusals import differs, out_of_sight

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def require_same(first: list[Value], second: list[Value], returned: Any, returned_again: Any) -> None:
    """Raise TypeError unless the results of two traces are computed by the same operations from equal constants, and returned in the same
    structure.
    """
    pairs = dict[Value, Value]()
    one, other = in_order(first), in_order(second)
    for a, b in zip(one, other, strict=False):
        if a is b:
            continue
        if (what := _difference(a, b, pairs)) is not None:
            raise differs(what, b.origin.line or _user(a, one))
        if a.operation == "constant" and a.settings[1] is b.settings[1] and a.settings[1].flags.writeable:
            raise out_of_sight(a.shape, _user(a, one))
        pairs[a] = b
    if len(one) != len(other) or _text(returned) != _text(returned_again):
        raise differs("return", "")


def _difference(a: Value, b: Value, pairs: dict[Value, Value]) -> str | None:
    """What differs between two values, whose inputs correspond as in `pairs`; None if nothing does."""
    if a.operation == b.operation == "constant":
        same = (a.shape, a.dtype) == (b.shape, b.dtype) and a.settings[0].tobytes() == b.settings[0].tobytes()
        return None if same else f"{b.dtype}{list(b.shape)}"
    if (a.operation, a.shape, a.dtype, len(a.inputs)) != (b.operation, b.shape, b.dtype, len(b.inputs)):
        return b.origin.op or b.operation
    for x, y in zip(a.inputs, b.inputs, strict=True):
        if isinstance(x, Value):
            if pairs.get(x, x) is not y:
                return b.origin.op or b.operation
        elif _text(x) != _text(y):
            return repr(y)
    return None if [*map(_text, a.settings)] == [*map(_text, b.settings)] else (b.origin.op or b.operation)


def _text(setting: Any) -> str:
    """The text of a setting, without addresses in memory."""
    if isinstance(setting, Called):
        return _text((setting.name, setting.arguments, setting.options))
    return _ADDRESS.sub("", repr(setting))


def _user(constant: Value, values: list[Value]) -> str:
    """The line of the first operation that uses a constant."""
    return next((v.origin.line for v in values if constant in v.values), "")
