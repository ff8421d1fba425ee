"""Small arrays, where the calls are what costs. Of four numbers `a * b` takes 270 ns, `a *= b` 230, `np.multiply(a, b, out=a)` 310; `1 - a`
450, and 270 if NumPy need not make an array of the 1 first. Two NumPy scalars are multiplied in 40 ns, two arrays without axes in 290.
"""

from math import isfinite
from typing import Any

import numpy as np

from tinygrad_ko.compiler.program import Value

FEW = 2_048  # bytes of a small array
_NAMES = {0.0: "zero", 1.0: "one", 2.0: "two", 0.5: "half", -1.0: "minus_one"}


def ready(number: Any, user: Value) -> np.ndarray[Any, Any] | None:
    """The array that a ufunc makes of a number beside a small array; None where the number does as well."""
    if user.operation != "ufunc" or not user.shape or user.nbytes > FEW or type(number) not in (int, float):
        return None
    dtypes = {x.dtype for x in user.values}
    if len(dtypes) != 1 or (dtype := dtypes.pop()).kind != "f" or not isfinite(number) or abs(number) > np.finfo(dtype).max:
        return None
    return np.array(number, dtype)


def name(number: Any) -> str:
    """What it is called at the top of the page."""
    return _NAMES.get(float(number), "number")


def wants_scalars(value: Value, users: list[Value]) -> bool:
    """Whether an input is one number, which is better taken out of its array: where it is only computed with."""
    is_array = value.shape == () and "number" not in value.settings
    return is_array and len(users) > 1 and all(x.operation == "ufunc" for x in users)
