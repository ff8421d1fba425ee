"""Nesting: values that are used once may be written inside the expression that uses them, without a variable."""

from collections.abc import Collection

from tinygrad_ko.compiler.program.storage import REUSED_FROM, SMALL
from tinygrad_ko.compiler.program.values import Value

_MANY = 5  # operations on one line

_NESTED = {"ufunc", "power", "where", "astype", "reduce", "matmul", "take", "call", "number"}
_AROUND = _NESTED | {"put"}


def with_nested(values: list[Value], results: Collection[Value]) -> tuple[list[Value], set[Value]]:
    """The values, with nested ones and views moved to just before their first use; and the set of those that are nested.

    A value is nested if it is used once, within the same call of an op. A large one is not, so that its memory can be reused.
    """
    users, kept = dict[Value, list[Value]](), set(results)
    for value in values:
        for x in value.values:
            users.setdefault(x, []).append(value)
    number = {value: i for i, value in enumerate(values)}
    operations, nested, with_calls = dict.fromkeys(values, 1), set[Value](), set[Value]()
    for value in values:
        user = _only_user(value, users, kept)
        if user is None or value in kept or operations[value] + operations[user] > _MANY:
            continue
        if value.operation == "call":
            with_calls.add(value)
        if not _fits(value, user) or (value in with_calls and number[user] != number[value] + 1):
            continue  # calls are not moved past other operations
        nested.add(value)
        with_calls |= {user} if value in with_calls else set()
        operations[user] += operations[value]
    order = dict[Value, None]()

    def place(value: Value) -> None:
        for x in value.values:
            if x not in order:
                place(x)
        order[value] = None

    for value in values:
        if value not in nested and value.operation != "view":
            place(value)
    for value in values:
        if value not in order:
            place(value)
    return [*order], nested


def _only_user(value: Value, users: dict[Value, list[Value]], results: Collection[Value]) -> Value | None:
    """The only operation that uses a value, directly or through views; None if there are more."""
    while len(several := users.get(value, [])) == 1:
        if several[0].operation != "view" or several[0] in results:
            return several[0]
        value = several[0]
    return None


def _fits(value: Value, user: Value) -> bool:
    """Whether a value may stand inside the expression of its user."""
    if value.operation not in _NESTED or user.operation not in _AROUND or value.name is not None:
        return False
    if user.operation == "put" and user.inputs[0] is value:
        return False
    a, b = value.origin, user.origin
    if (a.op, a.line, a.argument, a.of, a.ignored) != (b.op, b.line, b.argument, b.of, b.ignored):
        return False
    if a.name != (b.name if a.op else None):
        return False
    in_place = user.operation == "ufunc" and (value.shape, value.dtype) == (user.shape, user.dtype)
    return value.nbytes <= SMALL or (not in_place and value.nbytes < REUSED_FROM)
