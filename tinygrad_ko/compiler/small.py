"""Small arrays, where the calls are what costs. Of four numbers `a * b` takes 270 ns, `a *= b` 230, `np.multiply(a, b, out=a)` 310; `1 - a`
450, and 270 if NumPy need not make an array of the 1 first. Two NumPy scalars are multiplied in 40 ns, two arrays without axes in 290.
"""

from typing import Any

import numpy as np

from tinygrad_ko.compiler.program import Value
from tinygrad_ko.compiler.storage import SMALL


def ready(number: Any, user: Value) -> np.ndarray[Any, Any] | None:
    """The array that a ufunc makes of a number beside a small array; None where the number does as well."""
    if user.operation != "ufunc" or not user.shape or user.nbytes > SMALL or type(number) not in (int, float):
        return None
    beside = user.values[0]
    if len(user.values) > 1 or beside.is_number or beside.dtype.kind != "f" or not abs(number) <= np.finfo(beside.dtype).max:
        return None
    return np.array(number, beside.dtype)


def wants_scalars(value: Value, users: list[Value]) -> bool:
    """Whether an input is one number, which is better taken out of its array: where it is only computed with."""
    return value.shape == () and not value.is_number and len(users) > 1 and all(x.operation == "ufunc" for x in users)
