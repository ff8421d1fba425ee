"""What the tables share: a function by its name in NumPy, and the arguments that many of them have."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import SCALARS
from tinygrad_ko.engine.codegen import constant
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.ops import elementwise
from tinygrad_ko.ops.inputs import as_floating, as_operand, unwrapped

Table = dict[Any, Callable[..., Any]]


class Unsupported(TypeError):
    """Arguments that NumPy's function has and ours has not: the protocol refuses them by the name of the function."""


def named(room: Any, functions: Iterable[Callable[..., Any]]) -> Table:
    """A table of functions that have the names of NumPy's, with or without an underscore. (Some only newer versions of NumPy have.)"""
    names = {f.__name__.removeprefix("_"): f for f in functions}
    return {getattr(room, name): f for name, f in names.items() if hasattr(room, name)}


def in_dtype(x: Any, dtype: Any) -> Any:
    """x in another dtype, if one is given."""
    if dtype is None:
        return x
    x = as_operand(x, "astype")
    return x.astype(np.dtype(as_constant(dtype, "astype", "dtype")))


def are_nan(x: Any) -> Any:
    """Where a Tensor or an array is NaN: plain truth values."""
    values = unwrapped(x)
    return values != values


def together(name: str, *values: Any) -> list[Any]:
    """Operands of floating numbers. Python's numbers take the dtype of the others."""
    weak = [type(x) in SCALARS for x in values]
    if all(weak) or not any(weak):
        return [as_floating(x, name) for x in values]
    dtype = np.result_type(
        *(x if is_weak else as_floating(x, name).dtype for x, is_weak in zip(values, weak, strict=True))
    )
    return [np.asarray(x, dtype) if is_weak else as_floating(x, name) for x, is_weak in zip(values, weak, strict=True)]


def as_constant(value: Any, function: str, argument: str) -> Any:
    """An argument that has no derivative, or a list of such, without Tensors; raises TypeError for a Tensor that requires a gradient."""
    if isinstance(value, list | tuple):
        return type(value)(as_constant(part, function, argument) for part in value)
    return constant(value, function, argument) if isinstance(value, Handle) else value


def without_nan(x: Any, name: str, instead: Any) -> tuple[Any, Any]:
    """x with another number in place of NaN, and where it was none."""
    x = as_floating(x, name)
    bad = are_nan(x)
    return elementwise.where(bad, instead, x), ~bad
