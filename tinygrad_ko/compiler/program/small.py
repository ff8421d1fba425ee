"""Small arrays, where time is spent on calls and not on numbers. For 4 elements `a * b` takes 270 ns, `a *= b` 230 and
`np.multiply(a, b, out=a)` 310; `1 - a` 450, but 270 if the 1 is an array already. Two NumPy scalars are multiplied in 40 ns, two arrays of
shape () in 290.
"""

from collections import Counter
from typing import Any

import numpy as np

from tinygrad_ko.compiler.program.storage import SMALL
from tinygrad_ko.compiler.program.values import Value

_OFTEN = 8  # uses of a number, from which on it is hoisted


def arrays_of_numbers(values: list[Value]) -> dict[Any, np.ndarray[Any, Any]]:
    """Arrays made once of the numbers that are often combined with small arrays, by the keys that `number_beside` gives."""
    uses = Counter(key for value in values for x in value.inputs if (key := number_beside(x, value)) is not None)
    return {key: np.array(key[1], key[2]) for key, count in uses.items() if count >= _OFTEN}


def number_beside(number: Any, user: Value) -> Any:
    """The key of a number (its text, which tells -0.0 from 0.0; itself; its dtype) if a ufunc combines it with one small array of floats,
    else None.
    """
    if user.operation != "ufunc" or not user.shape or user.nbytes > SMALL or type(number) not in (int, float):
        return None
    x, *others = user.values
    if others or x.is_number or x.dtype.kind != "f" or not abs(number) <= np.finfo(x.dtype).max:
        return None
    return repr(number), number, x.dtype


def wants_scalars(value: Value, users: list[Value]) -> bool:
    """Whether an input of shape () is better unpacked to a NumPy scalar: ufuncs alone use it, and more than one."""
    return value.shape == () and not value.is_number and len(users) > 1 and all(x.operation == "ufunc" for x in users)
