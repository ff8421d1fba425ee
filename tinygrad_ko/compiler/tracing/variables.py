"""Variables: the name of the variable that a result is stored in, found in the bytecode that follows the instruction that computes it."""

import dis
from bisect import bisect
from functools import cache
from keyword import iskeyword
from types import CodeType
from typing import Any

RETURNED = "return"  # a keyword, so no variable's name: the function returns the result

# Instructions: those that store, those that do nothing, and those named LOAD_ that also pop what is on the stack.
_STORES = {"STORE_FAST", "STORE_FAST_MAYBE_NULL", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF"}
_NOTHING = {"NOP", "CACHE", "EXTENDED_ARG", "RESUME", "NOT_TAKEN"}
_POPPING = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER")


@cache
def stored_in(code: CodeType, offset: int, number: int | None) -> str | None:
    """The variable, attribute or key that the result of the instruction at an offset is stored in (of a result that is unpacked: its part
    of that number), RETURNED if it is returned, or None if it is used in another way or the key is not an identifier.
    """
    name = _stored_in(code, offset, number)
    if not isinstance(name, str):
        return None
    is_name = name.isidentifier() and not iskeyword(name) and name != "_"
    return name if is_name or name == RETURNED else None


def _stored_in(code: CodeType, offset: int, number: int | None) -> Any:
    """The same, and any other constant key too. Follows the result on the stack through the instructions."""
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
            only_pushes = name == "PUSH_NULL" or (name.startswith("LOAD_") and not name.startswith(_POPPING))
            if step.opcode in dis.hasjrel or (not only_pushes and above < max(1, 1 - effect)):
                return None
            above += effect
        before = step
    return None


@cache
def _instructions(code: CodeType) -> list[dis.Instruction]:
    return [*dis.get_instructions(code)]
