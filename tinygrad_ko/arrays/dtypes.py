"""In which dtype an op computes where its arguments are neither float64 nor float32.

- float16 is for storing numbers. An op computes in float32 and rounds its result once, and its formulas work on what it computed:
  a sum of squares of numbers up to 65,504 does not overflow, and a count goes beyond 2,048. (NumPy keeps both in float16.)
- Where floats are computed from integers or truth values alone, they are float64. (NumPy makes float16 of 8 bits.)

Arrays of other libraries are computed with as they are.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import FLOAT32, FLOAT64, NUMPYS
from tinygrad_ko.arrays.lists import taking_lists
from tinygrad_ko.arrays.memory import Holder

_HALF = type(np.dtype(np.float16))


def moves(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a forward that moves numbers and computes none: it works on float16 as it stands, and may return a view."""
    vars(forward)["moves"] = True
    return forward


def in_any_dtype(
    forward: Any, compute: Callable[..., Any], differentiable: Iterable[bool], rounded: Callable[[Any], Any]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """How an op widens an argument, and the op for arguments of any dtype, made from how it computes on widened ones. It takes lists of
    Tensors too.
    """
    if hasattr(forward, "moves"):
        return lambda x: x, taking_lists(compute)

    def call(*given: Any, **options: Any) -> Any:
        if any(map(_is_small, given)) and not any(_is_float(x) or _numpy_dtype(x) == np.uint64 for x in given):
            wide = compute(*[x.astype(np.int64) if _is_small(x) else x for x in given], **options)
            if _is_float(wide):
                return wide
            out = compute(*given, **options)
            return wide if _is_float(out) else out  # integers stay integers. (np.round makes float16 of truth values.)
        out = compute(*given, **options)
        if options.get("dtype") is not None:  # it was asked for
            return out
        those = [x for x, yes in zip(given, differentiable, strict=False) if yes]
        dtypes = [dtype for x in those if (dtype := _numpy_dtype(x)) is not None]
        return rounded(out) if dtypes and is_half(np.result_type(*dtypes)) and _numpy_dtype(out) == FLOAT32 else out

    return widened, taking_lists(call)


def accumulation_dtype(dtype: Any) -> Any:
    """The dtype in which gradients of values of a dtype are added up: float32 for float16."""
    return FLOAT32 if is_half(dtype) else dtype


def widened(value: Any) -> Any:
    """float16 of NumPy as float32, also inside a Tensor; anything else as it is."""
    return value.astype(np.float32) if is_half(_numpy_dtype(value)) else value


def _numpy_dtype(value: Any) -> Any:
    """The dtype of an array or a number of NumPy's, also inside a Tensor; of anything else None."""
    array = value._array if isinstance(value, Holder) else value
    return array.dtype if isinstance(array, np.ndarray | np.generic) or type(array) in NUMPYS else None


def is_half(dtype: Any) -> bool:
    """Whether it is NumPy's float16."""
    return type(dtype) is _HALF  # in either byte order


def as_given(values: tuple[Any, ...], given: tuple[Any, ...], copies: bool) -> tuple[Any, ...]:
    """The values of arguments, those that were `given` in float16 in float16 again; copies of the arrays if told so."""
    halves = map(is_half, map(_numpy_dtype, given))
    again = [v.astype(np.float16) if half else v for v, half in zip(values, halves, strict=True)]
    return tuple([np.array(v) if copies and isinstance(v, np.ndarray) else v for v in again])


def any_unusual(values: tuple[Any, ...]) -> bool:
    """Whether an array among some values is neither float64 nor float32."""
    # A list takes half the time of a generator here.
    return bool([v for v in values if (d := getattr(v, "dtype", FLOAT64)) is not FLOAT64 and d is not FLOAT32])


def _is_float(value: Any) -> bool:
    return (dtype := _numpy_dtype(value)) is not None and dtype.kind == "f"


def _is_small(value: Any) -> bool:
    """Whether it holds truth values or integers of 8 or 16 bits."""
    return (dtype := _numpy_dtype(value)) is not None and dtype.kind in "biu" and dtype.itemsize < 4
