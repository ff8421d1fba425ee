"""What an op accepts as an argument and returns as a result."""

from typing import Any

import numpy as np
from numpy import ndarray

from tinygrad_ko.arrays.library import NUMBERS, Array, as_array, is_floating, is_real, library_name, namespace
from tinygrad_ko.arrays.memory import Holder
from tinygrad_ko.errors import explain, mixed, no_array


def operand(value: Any, op: str = "Tensor") -> Any:
    """What an op works on: lists of numbers become float64, arrays and numbers stay; what is not real or no plain array is a TypeError."""
    if type(value) in NUMBERS or isinstance(value, np.float64) or (type(value) is ndarray and is_real(value)):
        return value
    if isinstance(value, int | float):  # of a member of an IntEnum NumPy would make an int64
        return int(value) if isinstance(value, int) else float(value)
    kind = type(value).__name__
    if isinstance(value, ndarray) and type(value) not in (ndarray, np.memmap):
        raise explain(
            TypeError(f"{op}: a {kind} has rules of its own; pass np.asarray(x)"),
            f"{op}: {kind}의 연산 규칙은 일반 배열과 다릅니다. np.asarray(x)로 바꾸어 넘기십시오.",
        )
    if getattr(value, "requires_grad", hasattr(value, "backward")):  # a tensor of PyTorch, MyGrad, ...
        home = type(value).__module__
        raise explain(
            TypeError(
                f"{op}: a {kind} of {home} has a graph of its own, which would be cut; pass its values as a NumPy array"
            ),
            f"{op}: {home} 라이브러리의 {kind}에는 따로 계산 그래프가 있어 그래프가 끊어집니다. 값만 NumPy 배열로 넘기십시오.",
        )
    if isinstance(value, Holder):  # a constant
        value = value.stable_array()
    array = value if hasattr(value, "__array_namespace__") else _array_of(value, op)
    if hasattr(value, "by_parts"):
        raise explain(
            TypeError(
                f"{op}: a {kind} holds complex numbers; compute with its parts x.real and x.imag, abs(x) and x.angle()"
            ),
            f"{op}: {kind}에는 복소수가 담겨 있습니다. x.real, x.imag, abs(x), x.angle()로 계산하십시오.",
        )
    if not is_real(array):
        raise explain(
            TypeError(f"{op}: expected real numbers, got {kind} (to NumPy: {array.dtype})"),
            f"{op}: 실수로 이루어진 배열이나 리스트를 넘겨야 합니다. 받은 값의 종류: {kind}, NumPy 자료형: {array.dtype}",
        )
    return array.astype(np.float64) if array is not value and array.dtype.kind in "iu" else array


def _array_of(value: Any, op: str) -> Any:
    try:
        return np.array(value)
    except TypeError as error:
        if not callable(getattr(type(value), "__array_ufunc__", None)):
            raise
        kind = type(value).__name__
        raise explain(
            TypeError(
                f"{op}: a {kind} that holds a Tensor comes first, as in d * x, for its own rules; or pass the Tensor in it"
            ),
            f"{op}: Tensor가 들어 있는 {kind}의 연산은 d * x처럼 그것을 앞에 쓰십시오. 그 안의 Tensor를 꺼내어 넘길 수도 있습니다.",
        ) from error


def result(out: Any, op: str, given: tuple[Any, ...], values: tuple[Any, ...]) -> Array:
    """The output of a forward, which must be an array of real numbers or a number, in the library of its arguments."""
    if isinstance(out, tuple | list) or not is_real(out := as_array(out)):
        raise no_array(op, out)
    pairs = zip(given, values, strict=True)
    arrays = [v for x, v in pairs if hasattr(v, "shape") and not (x is v and isinstance(v, np.generic))]
    if len(libraries := sorted({library_name(array) for array in [out, *arrays]})) > 1:
        raise mixed(op, libraries, values)
    return out


def floating(x: Any) -> Any:
    """x, with integers as float64: differences of unsigned integers would wrap around."""
    if isinstance(x, float) or (hasattr(x, "dtype") and is_floating(x.dtype)):
        return x
    return namespace(x).astype(x, namespace(x).float64) if hasattr(x, "dtype") else x * 1.0
