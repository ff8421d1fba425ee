"""NumPy's functions of sets of numbers. Which numbers are in them has no gradient; that of each goes to the first of the equal elements."""

from typing import Any

import numpy as np

from tinygrad_ko.ops import indexing, shape
from tinygrad_ko.ops.inputs import as_operand, constant_answer, constants, first_handle, unwrapped
from tinygrad_ko.ops.sets import UniqueAll, UniqueCounts, UniqueInverse
from tinygrad_ko.tensor.numpys.joining import ravel
from tinygrad_ko.tensor.numpys.table import Table, named


def _unique(
    x: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """(In rising order, as any order is allowed where `sorted` is False.)"""
    x = as_operand(x, "unique")
    given = (return_index, return_inverse, return_counts)
    options = {"return_index": True, "return_inverse": True, "return_counts": True, "equal_nan": equal_nan}
    found = constant_answer(np.unique, (x,), options | {"axis": axis})
    values = indexing.take(ravel(x) if axis is None else x, found[1], axis or 0)
    return (values, *(part for part, wanted in zip(found[1:], given, strict=True) if wanted)) if any(given) else values


def _unique_all(x: Any) -> UniqueAll:
    return UniqueAll(*_unique(x, True, True, True, equal_nan=False))


def _unique_inverse(x: Any) -> UniqueInverse:
    values, _, inverse, _ = _unique_all(x)
    return UniqueInverse(values, inverse)


def _unique_counts(x: Any) -> UniqueCounts:
    values, _, _, counts = _unique_all(x)
    return UniqueCounts(values, counts)


def _union1d(a: Any, b: Any) -> Any:
    return _unique(shape.concat([ravel(a), ravel(b)]))


def _setdiff1d(a: Any, b: Any, assume_unique: bool = False) -> Any:
    """What is in a and not in b."""
    kind, a = type(first_handle((a, b))), ravel(a) if assume_unique else _unique(a)
    return constants(kind, a[np.isin(unwrapped(a), unwrapped(b), invert=True)])


def _setxor1d(a: Any, b: Any, assume_unique: bool = False) -> Any:
    """What is in one of the two alone."""
    return _unique(shape.concat([_setdiff1d(a, b, assume_unique), _setdiff1d(b, a, assume_unique)]))


FUNCTIONS: Table = named(np, (_unique, _unique_all, _unique_inverse, _unique_counts, _union1d, _setdiff1d, _setxor1d))
