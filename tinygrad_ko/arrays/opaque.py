"""Arrays that are traced: they record what is computed from them (see `compiler`), and have no numbers that could be looked at.

An opaque function looks at the numbers in its arrays, or works on their memory: what traces arrays takes it whole, as one call.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

TRACED: set[Any] = set()  # the types of arrays that are traced, as soon as there are any


def opaque(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a function of arrays that depends on more than their shapes and dtypes: a traced array records one call of it, by its
    method `traced_call`, in place of what happens inside.

    It is pure, and its results own their memory (see `lends`); or it returns None, and is a check. So that its text can be copied into a
    file, it stands in a module, is given NumPy in place of `xp`, and needs nothing but that, its neighbours and `explain`.
    """

    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        if TRACED and (traced := first_traced(arguments)) is not None:
            return traced.traced_call(function, arguments, options)
        return function(*arguments, **options)

    return call


def lends(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a function whose result may be one of its arguments as it is: what traces it lets that argument live as long."""
    vars(function)["lends"] = True
    return function


def is_traced(x: Any) -> bool:
    """Whether x is an array that is traced, or an index or a list with such arrays in it."""
    return first_traced(x) is not None


def certain(condition: Any) -> bool:
    """Whether a condition on numbers holds. That of traced ones is not certain: what is done then is right for all numbers, and has the
    same bits.
    """
    return type(condition) not in TRACED and bool(condition)


def either(condition: Any, then: Callable[..., Any], otherwise: Callable[..., Any], arrays: tuple[Any, ...]) -> Any:
    """then(*arrays) if one condition on numbers holds, else otherwise(*arrays). Where numbers are traced both are computed."""
    if type(condition) in TRACED:
        return condition.traced_choice(then, otherwise, arrays)
    return then(*arrays) if condition else otherwise(*arrays)


def first_traced(x: Any) -> Any:
    """x, or the first part of a tuple or list, if it is traced; else None."""
    if type(x) is tuple or type(x) is list:
        for part in x:
            kind = type(part)
            if kind in TRACED:
                return part
            if (kind is tuple or kind is list) and (found := first_traced(part)) is not None:
                return found
    return x if type(x) in TRACED else None
