"""Files: what a traced function reads from one would be the same at every call, and what it writes would not be written again."""

import builtins
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from tinygrad_ko.compiler.tracing.unreadable import unsupported

_TRACER = f"{__name__.rpartition('.tracing.')[0]}.recording"


@contextmanager
def closed() -> Iterator[None]:
    """Inside the block open() is refused in this thread, as it is called by np.load and Path.read_text too; imports may call it."""
    thread: int | None = get_ident()
    before = builtins.open

    def opened(file: Any, *arguments: Any, **options: Any) -> Any:
        if get_ident() == thread and not _is_import():
            raise unsupported(f"open({file!r})")
        return before(file, *arguments, **options)

    builtins.open = io.open = opened
    try:
        yield
    finally:
        builtins.open = io.open = before
        thread = None  # a module that was imported meanwhile may have kept it


def _is_import() -> bool:
    """Whether the function that is traced imports something just now; the whole program may be imported itself."""
    frame: Any = sys._getframe(2)
    while frame and frame.f_globals.get("__name__") != _TRACER:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
