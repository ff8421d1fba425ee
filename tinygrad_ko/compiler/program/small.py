"""Small arrays, where the calls are what costs. Of four numbers `a * b` takes 270 ns, `a *= b` 230, `np.multiply(a, b, out=a)` 310; `1 - a`
450, and 270 if NumPy need not make an array of the 1 first. Two NumPy scalars are multiplied in 40 ns, two arrays without axes in 290.
"""

from collections import Counter
from typing import Any

import numpy as np

from tinygrad_ko.compiler.program.storage import SMALL
from tinygrad_ko.compiler.program.values import Value

_OFTEN = 8  # uses of a number on a page


def arrays_of_numbers(values: list[Value]) -> dict[Any, np.ndarray[Any, Any]]:
    """The numbers that often stand beside small arrays, by what `beside` says of them, as the arrays that ufuncs make of them."""
    uses = Counter(key for value in values for x in value.inputs if (key := number_beside(x, value)) is not None)
    return {key: np.array(key[1], key[2]) for key, count in uses.items() if count >= _OFTEN}


def number_beside(number: Any, user: Value) -> Any:
    """What tells one number from another, and its dtype, if it stands beside a small array of floats; None otherwise."""
    if user.operation != "ufunc" or not user.shape or user.nbytes > SMALL or type(number) not in (int, float):
        return None
    x, *others = user.values
    if others or x.is_number or x.dtype.kind != "f" or not abs(number) <= np.finfo(x.dtype).max:
        return None
    return repr(number), number, x.dtype


def wants_scalars(value: Value, users: list[Value]) -> bool:
    """Whether an input is one number, which is better taken out of its array: where it is only computed with."""
    return value.shape == () and not value.is_number and len(users) > 1 and all(x.operation == "ufunc" for x in users)
