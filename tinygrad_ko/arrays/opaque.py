"""Opaque functions: those that look at the numbers in their arrays, or work on their memory. Whoever traces arrays takes them whole."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from tinygrad_ko.arrays.library import PLAIN


def opaque(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a function of arrays that depends on more than their shapes and dtypes: an array that is traced records one call of
    it, by its method `traced_call`, in place of what happens inside.
    """

    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        for x in arguments:
            if type(x) not in PLAIN and hasattr(x, "traced_call"):
                return x.traced_call(function, arguments, options)
        return function(*arguments, **options)

    return call
