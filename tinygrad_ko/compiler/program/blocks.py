"""Blocks: loop fusion and blocking. Elementwise operations on large arrays with one number of rows become one loop over blocks of rows, so
that intermediate results stay in the processor's cache, and only the outputs of the loop are whole arrays.

Results keep every bit, except for sums over the rows, which are sums of the sums of blocks.
"""

from dataclasses import dataclass
from typing import Any

from tinygrad_ko.compiler.program.values import Value, in_order

LARGE = 524_288  # bytes of an array, from which on a loop pays
BLOCK = 262_144  # bytes of a block; a block has at least one row

_FEW = 3  # the fewest elementwise operations of a loop: one or two are as fast with `out=`
_FAR = 50  # the search for more values ends after so many that do not belong to the loop
_ELEMENTWISE = {"ufunc", "where", "astype", "power"}


@dataclass(eq=False)
class Loop:
    """The body of a loop over `length` rows, `rows` at a time, as a program of its own. Its `inputs` are blocks of the inputs of the loop
    (settings: True) or whole arrays (False); each of its `outputs` is a block of a result or, where `is_sum`, a part of a sum over all
    rows.
    """

    rows: int
    length: int
    inputs: list[Value]
    values: list[Value]
    outputs: list[Value]
    is_sum: list[bool]


def with_loops(
    results: list[Value], effects: list[Value], large: int = LARGE, block: int = BLOCK
) -> tuple[list[Value], list[Value]]:
    """The values of a program in their order, and its results, with loops in place of elementwise operations on large arrays."""
    values, users = in_order([*effects, *results]), dict[Value, list[Value]]()
    for value in values:
        for x in value.values:
            users.setdefault(x, []).append(value)
    placed, ordered = dict[Value, Value](), list[Value]()

    def place(value: Value) -> None:
        inputs = tuple([placed[x] if isinstance(x, Value) else x for x in value.inputs])
        placed[value] = value if inputs == value.inputs else value.altered(inputs=inputs)
        ordered.append(placed[value])

    for at, value in enumerate(values):
        if value in placed:
            continue
        inside, before = _group(values, at, placed, large) if _is_large(value, large) else ({}, [])
        if len([v for v in inside if v.operation in _ELEMENTWISE]) < _FEW:
            place(value)
            continue
        for x in before:
            place(x)
        needed = {v for v in inside if v in results or any(user not in inside for user in users[v])}
        loop, replaced = _looped([*inside], needed, block)
        place(loop)
        placed |= dict.fromkeys(inside, placed[loop])  # values that are used inside of the loop alone
        for v, result in replaced.items():
            placed[v] = result.altered(inputs=(placed[loop],))
            ordered.append(placed[v])
    return ordered, [placed[value] for value in results]


def _is_large(value: Value, large: int) -> bool:
    """Whether a loop may begin with a value."""
    wide = value.operation in _ELEMENTWISE and value.order is None and bool(value.shape)
    return wide and value.size > 0 and value.nbytes >= large


def _group(
    values: list[Value], at: int, placed: dict[Value, Value], large: int
) -> tuple[dict[Value, None], list[Value]]:
    """The values that one loop can compute, beginning with that at a position, and the values that have to be computed before the loop.

    A value that depends on a whole result of the loop comes after it (`later`), and so do all that depend on that, and effects after one.
    """
    length, inside, later = values[at].shape[0], dict[Value, None](), set[Value]()
    before, between = list[Value](), list[Value]()
    waits = False  # whether an effect comes after the loop, and so every later effect
    for value in values[at:]:
        if value in placed:
            continue
        if len(between) > _FAR:
            break
        if any(x in later for x in value.values) or (waits and value.is_effect):
            later.add(value)
        elif _is_by_rows(value, length, inside, large):
            inside[value] = None
        elif _is_sum(value, inside):
            inside[value] = None
            later.add(value)
        elif any(x in inside for x in value.values):
            later.add(value)
        waits |= value.is_effect and value in later
        if value not in inside:
            between.append(value)
        else:
            before += [x for x in between if x not in later]
            between = []
    return inside, before


def _is_by_rows(value: Value, length: int, inside: Any, large: int) -> bool:
    """Whether each row of a value depends on one row of the others."""
    joins = any(x in inside for x in value.values)
    if (
        value.order is not None
        or value.shape[:1] != (length,)
        or not value.size
        or not (joins or value.nbytes >= large)
    ):
        return False
    if value.operation == "reduce":
        return joins and 0 not in value.settings[1]
    if value.operation == "view":
        how, _to = value.settings
        return joins and how == "reshape" and value.inputs[0].shape[:1] == (length,)
    if any(x in inside and len(x.shape) < len(value.shape) for x in value.values):
        return False  # it is broadcast along the rows, so that each row needs all of it
    return value.operation in _ELEMENTWISE and all(_fits(x, value) for x in value.values)


def _fits(x: Value, value: Value) -> bool:
    """Whether an input is used row by row, or broadcast along the rows."""
    return len(x.shape) < len(value.shape) or (len(x.shape) == len(value.shape) and x.shape[0] in (1, value.shape[0]))


def _is_sum(value: Value, inside: Any) -> bool:
    """Whether a value is a sum over the rows: the sum of the sums of blocks."""
    if value.operation != "reduce" or value.inputs[0] not in inside:
        return False
    function, axes, keepdims, _ = value.settings
    return (
        function == "add" and not keepdims and 0 in axes and (len(axes) == 1 or len(axes) == len(value.inputs[0].shape))
    )


def _looped(inside: list[Value], needed: set[Value], block: int) -> tuple[Value, dict[Value, Value]]:
    """A value for the loop over the values `inside`, and its result for each of them that is `needed` outside."""
    length = max(inside, key=lambda v: v.nbytes).shape[0]
    rows = max(1, min(length, block * length // max(v.nbytes for v in inside)))
    divisors = (n for n in range(rows, rows // 2, -1) if length % n == 0)
    rows = next(divisors, rows)  # blocks of equal length, if that is possible
    outputs = [v for v in inside if v in needed]
    known = set(inside)
    sums = {v for v in inside if _is_sum(v, known)}
    new, outer, inputs = dict[Value, Value](), list[Value](), list[Value]()
    # The inputs, by the values outside and whether in blocks: one value may be needed in both forms.
    given = dict[tuple[Value, bool], Value]()

    def entered(x: Any, user: Value) -> Any:
        if not isinstance(x, Value) or x in new or (x.operation in ("full", "constant") and x.shape == ()):
            return new.get(x, x) if isinstance(x, Value) else x
        sliced = len(x.shape) == len(user.shape) and x.shape[:1] == (length,)
        if (x, sliced) not in given:
            shape = (rows, *x.shape[1:]) if sliced else x.shape
            given[x, sliced] = Value("input", (), (sliced,), shape, x.dtype, x.order, x.origin, x.name)
            outer.append(x)
            inputs.append(given[x, sliced])
        return given[x, sliced]

    for v in inside:
        shape = v.shape if v in sums else (rows, *v.shape[1:])
        settings = ("reshape", (-1, *v.settings[1][1:])) if v.operation == "view" else v.settings
        new[v] = v.altered(inputs=tuple([entered(x, v) for x in v.inputs]), settings=settings, shape=shape)
    loop = Loop(
        rows,
        length,
        inputs,
        [new[v] for v in inside],
        [new[v] for v in outputs],
        [v in sums for v in outputs],
    )
    whole = Value("loop", tuple(outer), (loop,), (), outputs[0].dtype, origin=inside[0].origin, rank=inside[0].rank)
    return whole, {v: v.altered(operation="result", inputs=(whole,), settings=(i,)) for i, v in enumerate(outputs)}
