"""Ctrl-C at every point of a call where Python looks at signals: after a call, at the start of a function, and where a loop turns."""

import dis
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

LOOKS = ("CALL", "RESUME", "JUMP_BACKWARD")  # how the instructions begin after which it does


@contextmanager
def interrupt_at(point: int) -> Iterator[None]:
    """Raise KeyboardInterrupt at such a point, after so many others, in the functions of Python that are called inside."""
    left = point
    last: dict[Any, str] = {}  # the instruction of each frame before this one

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal left
        frame.f_trace_opcodes = True
        if event == "opcode":
            looked = last.get(frame, "").startswith(LOOKS)
            last[frame] = dis.opname[frame.f_code.co_code[frame.f_lasti]]
            left -= looked
            if looked and left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    gc.disable()  # what collects has functions of Python too
    sys._getframe().f_trace_opcodes = True  # Python 3.12 wants to know before it begins to trace
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
        gc.enable()


def all_or_nothing(begin: Callable[[], Any], change: Callable[[Any], Any], look: Callable[[Any], Any]) -> int:
    """Begin anew for each such point of `change`, interrupt it there, and see that what `look` shows of the subject is as it
    was before or as it is afterwards. Returns the number of points.
    """
    whole = begin()
    old = look(whole)
    change(whole)
    new = look(whole)
    assert old != new
    seen = {old: 0, new: 0}
    for point in range(10**6):
        subject = begin()
        try:
            with interrupt_at(point):
                change(subject)
        except KeyboardInterrupt:
            found = look(subject)
            assert found in seen, f"interrupted at point {point}, it is changed in part"
            seen[found] += 1
        else:
            break
    assert all(seen.values()), "never interrupted before it was done, or never afterwards"
    return point
