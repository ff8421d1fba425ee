"""In which dtype an op computes where its arguments are neither float64 nor float32.

- float16 is for storing numbers. An op computes in float32 and rounds its result once, and so do its formulas: a sum of squares of
  numbers up to 65,504 does not overflow, and a count goes beyond 2,048. (NumPy keeps both in float16.)
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
    """The forward of an op for arguments of any dtype."""
    forward, first = record.forward, int(record.takes_xp)
    sloped = [record.formulas[a] is not None for a in record.arguments]

    def compute(*given: Any, **options: Any) -> Any:
        dtypes = [v.dtype if isinstance(v, np.ndarray | np.generic) else None for v in given[first:]]
        if any(map(is_half, dtypes)):
            those = dtypes if record.variadic else [d for d, yes in zip(dtypes, sloped, strict=True) if yes]
            wanted = np.result_type(np.float16, *[d for d in those if d is not None])
            return rounded(forward(*map(widened, given), **options), wanted if any(map(is_half, those)) else None)
        if any(d is not None and d.kind in "biu" and d.itemsize < 4 for d in dtypes) and not any(map(is_float, dtypes)):
            out = forward(*[long(v) for v in given], **options)
            if is_float(getattr(out[0] if record.keeps else out, "dtype", None)):
                return out
        return forward(*given, **options)

    return forward if hasattr(forward, "moves") else compute


def rounded(results: Any, wanted: Any) -> Any:
    """The results of a forward, the output of float32 in the dtype that is wanted; what is kept stays as it is."""
    out, *kept = results if isinstance(results, tuple) else (results,)
    if is_half(wanted) and getattr(out, "dtype", None) == np.float32:
        out = out.astype(wanted)
    return (out, *kept) if isinstance(results, tuple) else out


def is_float(dtype: Any) -> bool:
    """Whether it is a dtype of NumPy's floating numbers."""
    return dtype is not None and dtype.kind == "f"


def long(value: Any) -> Any:
    """Integers and truth values of NumPy as int64."""
    whole = isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biu" and value.dtype.itemsize < 4
    return value.astype(np.int64) if whole else value


def halves(values: tuple[Any, ...]) -> bool:
    """Whether there is a float16 of NumPy among some values."""
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
