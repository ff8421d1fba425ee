"""Atomic changes, which Ctrl-C does not interrupt, and locks that survive a fork."""

import os
from _thread import RLock  # as threading has it, without importing threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import starmap
from typing import Any


def at_once(change: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> Callable[[], Any]:
    """A call, to be made once, that calls `change` with each of the arguments.

    Python handles signals between two bytecode instructions, never inside a function written in C. If `change` is one, such as
    `setattr` or `operator.setitem`, and its arguments run no Python code either, then all changes are made or none.
    """
    return partial(deque, starmap(change, arguments), 0)  # of which it keeps none


def taking_turns() -> Any:
    """A lock that one thread holds at a time, as often as it likes."""
    return open_in_children(RLock())


def open_in_children(lock: Any) -> Any:
    """A lock that is open in a forked child: its one thread is the one that forked, and nobody there would release what another held."""

    def forked() -> None:
        if not (hasattr(lock, "_is_owned") and lock._is_owned()):
            lock._at_fork_reinit()

    if hasattr(os, "register_at_fork"):  # where there is no fork, there is no need
        os.register_at_fork(after_in_child=forked)
    return lock
