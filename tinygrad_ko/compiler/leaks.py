"""Leaks: Symbols that are still there when a trace has ended, in something that is no state of the function."""

import gc
from collections import deque
from sys import getrefcount
from typing import Any

from tinygrad_ko.compiler.refusals import leaked
from tinygrad_ko.compiler.symbols import Symbol
from tinygrad_ko.compiler.trace import Trace
from tinygrad_ko.engine.graph import Handle

_USUAL = 5  # of the recording, its state, its namespace, of the parameter here and of the call of getrefcount
_KEEPERS = (list, tuple, dict, set, deque, Handle)


def require_none(trace: Trace) -> None:
    """Raise TypeError if a Symbol of this trace is left: each refers to the trace, so counting its references tells."""
    if getrefcount(trace) > _USUAL:
        gc.collect()  # a cycle of the user's is nobody who keeps it
        for symbol in [x for x in gc.get_referrers(trace) if isinstance(x, Symbol)]:
            raise leaked(_keeper(symbol))


def _keeper(symbol: Symbol) -> str:
    """What keeps a Symbol, in words."""
    found: Any = symbol
    for _ in range(3):
        keepers = [x for x in gc.get_referrers(found) if isinstance(x, _KEEPERS) or hasattr(x, "__dict__")]
        if not keepers:
            break
        found = keepers[0]
        if not isinstance(found, Handle):
            break
    return type(found).__name__
