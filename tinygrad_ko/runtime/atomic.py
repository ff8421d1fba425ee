"""What neither Ctrl-C nor a fork may tear apart: changes that are made all at once, and locks."""

import os
from _thread import RLock  # as threading has it, without importing threading
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import starmap
from typing import Any


def at_once(change: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> Callable[[], Any]:
    """A call, to be made once, that calls `change` with each of the arguments.

    Python looks at signals between two steps of its own code, never inside a function written in C. If `change` is one, such as
    `setattr` or `operator.setitem`, and its arguments run no code of Python's either, then all is done or nothing.

    >>> import numpy as np
    >>> from operator import setitem
    >>> a, b = np.zeros(2), np.zeros(2)
    >>> at_once(setitem, [(a, ..., 1.0), (b, 0, 2.0)])()
    deque([], maxlen=0)
    >>> a, b
    (array([1., 1.]), array([2., 0.]))
    """
    return partial(deque, starmap(change, arguments), maxlen=0)


def taking_turns() -> Any:
    """A lock that threads take in turn, one thread as often as it likes."""
    return open_in_children(RLock())


def open_in_children(lock: Any) -> Any:
    """A lock that a forked child finds open.

    The child has one thread, the one that forked. A lock that another one held would never be given back there, so it is made anew
    in the child.
    """

    def forked() -> None:
        if not (hasattr(lock, "_is_owned") and lock._is_owned()):
            lock._at_fork_reinit()

    if hasattr(os, "register_at_fork"):  # where there is no fork, there is no need
        os.register_at_fork(after_in_child=forked)
    return lock
