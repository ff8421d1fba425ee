"""The signature of a function or of a Module, whatever its annotations name."""

import inspect
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

if sys.version_info >= (3, 14):
    from annotationlib import Format

    # Annotations are evaluated when somebody asks; they may name what only a type checker imports.
    of_function = partial(inspect.signature, annotation_format=Format.FORWARDREF)
else:
    of_function = inspect.signature


def signature(f: Callable[..., Any]) -> inspect.Signature:
    """The signature of a function; that of a Module is that of the method which its call ends in."""
    if isinstance(f, np.ufunc) and not hasattr(f, "__signature__"):  # an older NumPy's
        names = ["x"] if f.nin == 1 else [f"x{i + 1}" for i in range(f.nin)]
        return inspect.Signature([inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names])
    return of_function(f if inspect.isfunction(f) else getattr(f, getattr(f, "_computes", "forward"), f))


def parameters(f: Callable[..., Any]) -> dict[str, bool]:
    """The parameters of a function, and of each whether it can be given by its place and by its name."""
    if inspect.isfunction(f) and vars(f).keys().isdisjoint({"__wrapped__", "__signature__"}):
        code = f.__code__  # it is read in a fifth of the time of a signature: at every import those of all formulas are
        unusual = code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
        if not (unusual or code.co_posonlyargcount or code.co_kwonlyargcount):
            return dict.fromkeys(code.co_varnames[: code.co_argcount], True)
    return {name: p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for name, p in signature(f).parameters.items()}
