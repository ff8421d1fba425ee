"""Ctrl-C at every point of a call where Python could look at signals, and more: before each single instruction."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupt_before(instruction: int) -> Iterator[None]:
    """Raise KeyboardInterrupt before so many instructions of Python have been executed in the functions called inside."""
    left = instruction

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal left
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # Python 3.12 wants to know before it begins to trace
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def all_or_nothing(begin: Callable[[], Any], change: Callable[[Any], Any], look: Callable[[Any], Any]) -> int:
    """Begin anew for each instruction of `change`, interrupt it there, and see that what `look` shows of the subject is as it
    was before or as it is afterwards. Returns the number of instructions.
    """
    whole = begin()
    old = look(whole)
    change(whole)
    new = look(whole)
    assert old != new
    seen = {old: 0, new: 0}
    for instruction in range(10**6):
        subject = begin()
        try:
            with interrupt_before(instruction):
                change(subject)
        except KeyboardInterrupt:
            found = look(subject)
            assert found in seen, f"interrupted before instruction {instruction}, it is changed in part"
            seen[found] += 1
        else:
            break
    assert all(seen.values()), "never interrupted before it was done, or never afterwards"
    return instruction
