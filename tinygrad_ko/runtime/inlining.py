"""Inlining: where a compiled function (a `Compiled`) is called as it is. Inside another one, with whose program it is written; and where
somebody looks into the calls that it makes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

inlined: ContextVar[bool] = ContextVar("inlined", default=False)


@contextmanager
def inlining() -> Iterator[None]:
    """Inside the block compiled functions are called as they are, in this thread or task alone."""
    before = inlined.set(True)
    try:
        yield
    finally:
        inlined.reset(before)
