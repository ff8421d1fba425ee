"""Variables: which variable of the user's takes what an instruction gives, read from the bytecode that follows it."""

import dis
from bisect import bisect
from functools import cache
from keyword import iskeyword
from types import CodeType
from typing import Any

RETURNED = "return"  # no variable has this name: what the instruction gives is what its function returns

_STORES = {"STORE_FAST", "STORE_FAST_MAYBE_NULL", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF"}
_NOTHING = {"NOP", "CACHE", "EXTENDED_ARG", "RESUME", "NOT_TAKEN"}
_TAKING = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER")  # other LOAD_ instructions only push


@cache
def taken_by(code: CodeType, offset: int, number: int | None) -> str | None:
    """The name of the variable, attribute or key that takes what the instruction at an offset gives, or if that is unpacked, its part of
    that number; RETURNED; or None if something else is made of it, or if it is no name.
    """
    name = _taken_by(code, offset, number)
    return (
        name
        if isinstance(name, str) and (name == RETURNED or (name.isidentifier() and not iskeyword(name) and name != "_"))
        else None
    )


def _taken_by(code: CodeType, offset: int, number: int | None) -> Any:
    steps = _instructions(code)
    at = bisect([step.offset for step in steps], offset) - 1  # the offset may be that of its caches
    if steps[at].opname == "UNPACK_SEQUENCE":
        return None
    above = 0  # how many values lie on the stack above the one that is followed
    before = steps[at]
    for step in steps[at + 1 :]:
        name, argument = step.opname, step.arg or 0
        if name in _STORES:
            if above == 0:
                return step.argval
            above -= 1
        elif name in ("STORE_FAST_STORE_FAST", "STORE_FAST_LOAD_FAST"):
            stores = name.count("STORE")
            if above < stores:
                return step.argval[above]
            above -= 2 * stores - 2
        elif name == "STORE_ATTR":
            if above < 2:
                return step.argval if above == 1 else None
            above -= 2
        elif name == "STORE_SUBSCR":
            if above < 3:
                return before.argval if above == 2 and before.opname == "LOAD_CONST" else None
            above -= 3
        elif name == "UNPACK_SEQUENCE" and above == 0:
            if number is None:
                return None
            above = number
        elif name == "COPY":
            above = 0 if argument == above + 1 else above + 1
        elif name == "SWAP":
            above = argument - 1 if above == 0 else 0 if above == argument - 1 else above
        elif name == "RETURN_VALUE":
            return RETURNED if above == 0 else None
        elif name not in _NOTHING:
            effect = dis.stack_effect(step.opcode, step.arg)
            only_pushes = name == "PUSH_NULL" or (name.startswith("LOAD_") and not name.startswith(_TAKING))
            if step.opcode in dis.hasjrel or (not only_pushes and above < max(1, 1 - effect)):
                return None
            above += effect
        before = step
    return None


@cache
def _instructions(code: CodeType) -> list[dis.Instruction]:
    return [*dis.get_instructions(code)]
