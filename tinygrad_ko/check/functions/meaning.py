"""Gradients that are not meant to be the slope: straight-through estimators, reversal layers, what is detached on purpose."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_checking = ContextVar("checking", default=False)  # whether a gradient check computes just now, in this thread or task


@contextmanager
def in_check() -> Iterator[None]:
    """In this block a gradient check computes."""
    before = _checking.set(True)
    try:
        yield
    finally:
        _checking.reset(before)


def meant_as(other: Callable[P, Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Say whose gradient a function is meant to have: a decorator. A gradient check computes that other function in its place.

    A straight-through estimator has the gradient of `lambda x: x`, a reversal layer that of `lambda x: -x`, and what is detached on
    purpose that of a constant, such as `lambda x: np.ones(x.shape)`. What stands around it is then checked as if nothing were
    meant otherwise; the function itself is not. Outside of checks it computes what it always does.

    >>> import tinygrad_ko as tg
    >>> @meant_as(lambda x: x)
    ... def quantised(x):
    ...     return x + (tg.round(8 * x) / 8 - x).detach()
    >>> quantised(tg.Tensor([0.3])).tolist()
    [0.25]
    >>> tg.check_gradient(lambda x: tg.sin(quantised(x)), [0.3, 1.2]).verdict
    'agrees'
    """

    def decorate(f: Callable[P, R]) -> Callable[P, R]:
        @wraps(f)
        def either(*args: P.args, **kwargs: P.kwargs) -> R:
            chosen: Any = other if _checking.get() else f
            result: R = chosen(*args, **kwargs)
            return result

        return either

    return decorate
