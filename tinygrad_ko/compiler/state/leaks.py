"""Leaks: Symbols that are referenced after their trace has ended, by an object whose change the program cannot repeat."""

import gc
from collections import deque
from sys import getrefcount
from types import CellType, FrameType, FunctionType, TracebackType
from typing import Any

from tinygrad_ko.compiler.refusals import leaked
from tinygrad_ko.compiler.tracing.symbols import Symbol
from tinygrad_ko.compiler.tracing.trace import Trace

_USUAL = 5  # references to a trace: of its recording, state and namespace, of the parameter here and of the call of getrefcount
_BETWEEN = (list, tuple, dict, set, deque, CellType, FunctionType)  # containers, which something else keeps alive
_PASSING = (FrameType, TracebackType, BaseException)  # of calls that end
_PACKAGE = __name__.partition(".")[0] + "."


def require_none(trace: Trace) -> None:
    """Raise TypeError if a Symbol of this trace is kept alive. Each Symbol refers to the trace, so the trace's reference count shows it."""
    if getrefcount(trace) > _USUAL:
        gc.collect()  # a reference cycle of the user's keeps nothing alive for long
        symbols = [x for x in gc.get_referrers(trace) if isinstance(x, Symbol)]
        if symbols and (keeper := _keeper(symbols)):
            raise leaked(keeper)


def _keeper(symbols: list[Any]) -> str:
    """The type of the object that keeps one of the Symbols alive, or an empty text if only frames do."""
    seen, level, kinds = {id(symbols)}, symbols, list[str]()
    while level:
        found = [x for x in gc.get_referrers(*level) if id(x) not in seen and not isinstance(x, _PASSING)]
        seen |= {id(x) for x in (level, found, *found)}
        level = [x for x in found if isinstance(x, _BETWEEN) or type(x).__module__.startswith(_PACKAGE)]
        kinds = kinds or [type(x).__name__ for x in level]
        for x in found:
            if not isinstance(x, _BETWEEN) and not type(x).__module__.startswith(_PACKAGE):
                return (kinds or [type(x).__name__])[0]
    return ""
