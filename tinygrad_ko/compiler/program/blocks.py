"""Blocks: elementwise work on large arrays, done a few rows at a time, so that what is between stays in the processor's cache.

Values are the same to the last bit, but for sums over all rows: they are the sums of the sums of the blocks.
"""

from dataclasses import dataclass
from typing import Any

from tinygrad_ko.compiler.program.values import Value, in_order

LARGE = 524_288  # bytes: from here on work is done in blocks
BLOCK = 262_144  # bytes of a block, or a row if that is longer

_FEW = 3  # operations that are worth a loop: two are as well done in the memory of one of their arrays
_FAR = 50  # values that lie between one of a loop and the next
_ELEMENTWISE = {"ufunc", "where", "astype", "power"}


@dataclass(eq=False)
class Loop:
    """What is done with each block: `inputs` stand for the inputs of its value, whole ones or blocks of them, `outputs` become blocks of
    results or, if they are sums over the rows, parts of a sum.
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
    """The values of a program in their order, and its results, with loops in place of elementwise work on large arrays."""
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
        placed |= dict.fromkeys(inside, placed[loop])  # those that nobody else needs
        for v, result in replaced.items():
            placed[v] = result.altered(inputs=(placed[loop],))
            ordered.append(placed[v])
    return ordered, [placed[value] for value in results]


def _is_large(value: Value, large: int) -> bool:
    """Whether a value is one with which a loop may begin."""
    wide = value.operation in _ELEMENTWISE and value.order is None and bool(value.shape)
    return wide and value.size > 0 and value.nbytes >= large


def _group(
    values: list[Value], at: int, placed: dict[Value, Value], large: int
) -> tuple[dict[Value, None], list[Value]]:
    """Values that one loop can compute: from one on, whatever depends on nothing that comes after the loop; and what comes before it."""
    length, inside, later = values[at].shape[0], dict[Value, None](), set[Value]()
    before, between = list[Value](), list[Value]()
    waits = False  # whether something that is done beside comes after the loop, and so all that is done after it
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
        return False  # all of its rows are needed for each row
    return value.operation in _ELEMENTWISE and all(_fits(x, value) for x in value.values)


def _fits(x: Value, value: Value) -> bool:
    return len(x.shape) < len(value.shape) or (len(x.shape) == len(value.shape) and x.shape[0] in (1, value.shape[0]))


def _is_sum(value: Value, inside: Any) -> bool:
    """Whether a value is the sum of parts that blocks give."""
    if value.operation != "reduce" or value.inputs[0] not in inside:
        return False
    function, axes, keepdims, _ = value.settings
    return (
        function == "add" and not keepdims and 0 in axes and (len(axes) == 1 or len(axes) == len(value.inputs[0].shape))
    )


def _looped(inside: list[Value], needed: set[Value], block: int) -> tuple[Value, dict[Value, Value]]:
    """A loop, and what takes the place of the values that it computes and others need."""
    length = max(inside, key=lambda v: v.nbytes).shape[0]
    rows = max(1, min(length, block * length // max(v.nbytes for v in inside)))
    rows = next(
        (n for n in range(rows, rows // 2, -1) if length % n == 0), rows
    )  # blocks of one length, if there is one
    outputs = [v for v in inside if v in needed]
    known = set(inside)
    sums = {v for v in inside if _is_sum(v, known)}
    new, outer, inputs = dict[Value, Value](), list[Value](), list[Value]()
    given = dict[
        tuple[Value, bool], Value
    ]()  # what comes from outside, whole or in blocks; one value may be wanted as both

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
