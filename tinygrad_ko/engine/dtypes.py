"""In which dtype an op computes where its arguments are neither float64 nor float32.

- float16 is for storing numbers. An op computes in float32 and rounds its result once, and its formulas work on what it computed:
  a sum of squares of numbers up to 65,504 does not overflow, and a count goes beyond 2,048. (NumPy keeps both in float16.)
- Where floats are computed from integers or truth values alone, they are float64. (NumPy makes float16 of 8 bits.)

Arrays of other libraries are computed with as they are.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import FLOAT32
from tinygrad_ko.engine.graph import Handle, wrap
from tinygrad_ko.engine.rule import Op


def moves(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a forward that moves numbers and computes none: it works on float16 as it stands, and may return a view."""
    vars(forward)["moves"] = True
    return forward


def careful(record: Op, compute: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """What an op makes of each argument, and the op for arguments of any dtype, given how it computes from what was made of them."""
    if hasattr(record.forward, "moves"):
        return lambda x: x, compute
    sloped = [record.variadic or record.formulas[a] is not None for a in record.arguments]

    def call(*given: Any, **options: Any) -> Any:
        if any(map(is_small, given)) and not any(is_float(x) or numpy_dtype(x) == np.uint64 for x in given):
            wide = compute(*[in_64_bits(x) if is_small(x) else x for x in given], **options)
            if is_float(wide):
                return wide
            out = compute(*given, **options)
            return wide if is_float(out) else out  # integers stay integers. (np.round makes float16 of truth values.)
        out = compute(*given, **options)
        those = given if record.variadic else [x for x, yes in zip(given, sloped, strict=True) if yes]
        dtypes = [dtype for x in those if (dtype := numpy_dtype(x)) is not None]
        return rounded(out) if dtypes and is_half(np.result_type(*dtypes)) and numpy_dtype(out) == FLOAT32 else out

    return widened, call


def rounded(out: Any) -> Any:
    """A result in float16; what its node keeps is not rounded."""
    if not isinstance(out, Handle):
        return out.astype(np.float16)
    out._array = out._array.astype(np.float16)
    if out._node:
        out._node.dtype = out._array.dtype
        if out._node.seen:
            out._node.seen.output = out._array
    return out


def within_walk(dtype: Any) -> Any:
    """The dtype of the gradient of a value of that dtype, until it reaches a leaf: parts of a float16 are added in float32."""
    return FLOAT32 if is_half(dtype) else dtype


def widened(value: Any) -> Any:
    """float16 of NumPy as float32, also inside a Tensor; anything else as it is."""
    return value.astype(np.float32) if is_half(numpy_dtype(value)) else value


def numpy_dtype(value: Any) -> Any:
    """The dtype of an array or a number of NumPy's, also inside a Tensor; of anything else None."""
    array = value._array if isinstance(value, Handle) else value
    return array.dtype if isinstance(array, np.ndarray | np.generic) else None


def is_half(dtype: Any) -> bool:
    """Whether it is NumPy's float16."""
    return isinstance(dtype, np.dtype) and dtype.kind == "f" and dtype.itemsize == 2


def is_float(value: Any) -> bool:
    """Whether it holds floating numbers of NumPy's."""
    return (dtype := numpy_dtype(value)) is not None and dtype.kind == "f"


def is_small(value: Any) -> bool:
    """Whether it holds truth values or integers of 8 or 16 bits."""
    return (dtype := numpy_dtype(value)) is not None and dtype.kind in "biu" and dtype.itemsize < 4


def in_64_bits(value: Any) -> Any:
    """Integers as int64, also inside a Tensor."""
    return wrap(type(value), in_64_bits(value._array)) if isinstance(value, Handle) else value.astype(np.int64)
