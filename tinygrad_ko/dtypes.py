"""In which dtype an op computes where its arguments are neither float64 nor float32.

- float16 is for storing numbers. An op computes in float32 and rounds its result once, and so do its formulas, which get the output
  before it was rounded: a sum of squares of numbers up to 65,504 does not overflow, and a count goes beyond 2,048. (NumPy keeps
  both in float16.)
- Where floats are computed from integers or truth values alone, they are float64. (NumPy makes float16 of 8 bits.)

Arrays of other libraries are computed with as they are.
"""

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np

from tinygrad_ko.arrays import is_half, widened
from tinygrad_ko.graph import Node
from tinygrad_ko.rule import Op


def moves(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a forward that moves numbers and computes none: it works on float16 as it stands, and may return a view."""
    vars(forward)["moves"] = True
    return forward


def careful(record: Op) -> Callable[..., Any]:
    """The forward of an op for arguments of any dtype; a result of float16 is not rounded yet."""
    forward, first = record.forward, int(record.takes_xp)

    def compute(*given: Any, **options: Any) -> Any:
        values = given[first:]
        if halves(values):
            return forward(*map(widened, given), **options)
        if any(map(is_small, values)) and not any(is_float(v) or is_uint64(v) for v in values):
            wide = forward(*[v.astype(np.int64) if is_small(v) else v for v in given], **options)
            if is_float(wide[0] if record.keeps else wide):
                return wide
            results = forward(*given, **options)
            # Integers stay integers. (np.round makes float16 of truth values.)
            return wide if is_float(results[0] if record.keeps else results) else results
        return forward(*given, **options)

    return forward if hasattr(forward, "moves") else compute


def rounding(record: Op) -> Callable[..., Any]:
    """What becomes of the output of an op, given its arguments: one of float32 that NumPy would have in float16 is rounded."""
    sloped = [record.formulas[a] is not None for a in record.arguments]

    def rounded(out: Any, values: tuple[Any, ...]) -> Any:
        if not is_float(out) or out.dtype != np.float32 or hasattr(record.forward, "moves"):
            return out
        those = values if record.variadic else [v for v, yes in zip(values, sloped, strict=True) if yes]
        dtypes = [v.dtype for v in those if isinstance(v, np.ndarray | np.generic)]
        return out.astype(np.float16) if any(map(is_half, dtypes)) and is_half(np.result_type(*dtypes)) else out

    return rounded


def is_float(value: Any) -> bool:
    """Whether it is an array of floating numbers, or one of NumPy's."""
    return isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "f"


def is_small(value: Any) -> bool:
    """Whether it is an array of truth values or integers of 8 or 16 bits."""
    return isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biu" and value.dtype.itemsize < 4


def is_uint64(value: Any) -> bool:
    """Whether it is an array of the only integers that int64 would make floats of."""
    return isinstance(value, np.ndarray | np.generic) and value.dtype == np.uint64


def halves(values: tuple[Any, ...]) -> bool:
    """Whether there is an array of float16 among some values."""
    return any(isinstance(v, np.ndarray | np.generic) and is_half(v.dtype) for v in values)


def back_in_float32(node: Any, g: Any, due: dict[Node, Any], waiting: list[Any], free: bool) -> None:
    """`back` of a node with float16 among its values: the formulas get float32 of all of them."""
    wide = copy(node)
    for word in node.op.kept:
        setattr(wide, f"kept_{word}", widened(getattr(node, f"kept_{word}")))
    super(type(node), wide).back(widened(g), due, waiting, free)
    node.live = wide.live
    for word in node.op.kept:
        if getattr(wide, f"kept_{word}") is None:
            setattr(node, f"kept_{word}", None)
