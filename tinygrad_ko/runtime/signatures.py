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
