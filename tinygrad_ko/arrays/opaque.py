"""Traced arrays (see `compiler.tracing`) record the operations on them. A decision may not depend on their values: those of later calls
differ. Functions that do decide by values are either opaque, recorded as one call, or written with `certain` or `either`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from tinygrad_ko.arrays.memory import Holder

TRACED: set[Any] = set()  # the types of traced arrays; empty until the compiler is imported


def opaque(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a function whose control flow depends on the values in its arrays, or that writes to its own buffers. A traced array
    records one call of it (by its method `traced_call`) in place of the operations inside; of any other array it is the function itself.

    The function is pure and its results own their memory (unless `may_alias`), or it is a check: it raises or returns None. An exported
    file contains its source, so it is defined at the top level of a module and uses only NumPy (as `xp`), other functions of its module
    and `explain`.
    """

    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        if TRACED and (traced := first_traced(arguments)) is not None:
            return traced.traced_call(function, arguments, options)
        return function(*arguments, **options)

    return call


def may_alias(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of an opaque function whose result may share memory with an argument: the compiler must not reuse that memory meanwhile."""
    vars(function)["may_alias"] = True
    return function


def is_traced(x: Any) -> bool:
    """Whether x is a traced array, or a tuple or list that contains one."""
    return first_traced(x) is not None


def certain(condition: Any) -> bool:
    """Whether a condition that allows a short cut is known to hold. One on traced values is not: the general computation, which gives the
    same bits wherever the short cut is allowed, is recorded.
    """
    condition = _values(condition)
    return type(condition) not in TRACED and bool(condition)


def either(condition: Any, then: Callable[..., Any], otherwise: Callable[..., Any], arrays: tuple[Any, ...]) -> Any:
    """then(*arrays) if the condition, one bool, holds, else otherwise(*arrays). Of a traced condition both are recorded, and `where`
    chooses between them.
    """
    condition = _values(condition)
    if type(condition) in TRACED:
        return condition.traced_choice(then, otherwise, arrays)
    return then(*arrays) if condition else otherwise(*arrays)


def _values(condition: Any) -> Any:
    """A condition without the Tensor around it."""
    return condition.stable_array() if isinstance(condition, Holder) else condition


def first_traced(x: Any) -> Any:
    """x if it is a traced array, the first traced array in a tuple or list (nested ones too), or None."""
    if type(x) is tuple or type(x) is list:
        for part in x:
            kind = type(part)
            if kind in TRACED:
                return part
            if (kind is tuple or kind is list) and (found := first_traced(part)) is not None:
                return found
    return x if type(x) in TRACED else None
