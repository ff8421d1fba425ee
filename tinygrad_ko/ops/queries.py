"""Queries of an array: truth values, counts and positions.

They have no gradient: of Tensors they are constants. `axis` is None (all), an int or, but for `argmax` and `argmin`, a tuple of
ints; with `keepdims` the axes stay, with length 1.
"""

import math

from tinygrad_ko.arrays.library import namespace
from tinygrad_ko.arrays.opaque import certain
from tinygrad_ko.arrays.operands import operand
from tinygrad_ko.engine.graph import Handle, wrap
from tinygrad_ko.errors import refused
from tinygrad_ko.ops.inputs import as_operand, as_plain_array, gives_constants
from tinygrad_ko.runtime.suggestions import explained


@explained
def all(x, /, *, axis=None, keepdims=False):
    """Whether all elements are true (not 0); true if there are none.

    >>> import tinygrad_ko as tg
    >>> tg.all([[1.0, 2.0], [3.0, 0.0]], axis=1)
    array([ True, False])
    """
    return _answer("all", x, axis=axis, keepdims=keepdims)


@explained
def any(x, /, *, axis=None, keepdims=False):
    """Whether any element is true (not 0); false if there are none."""
    return _answer("any", x, axis=axis, keepdims=keepdims)


@explained
def count_nonzero(x, /, *, axis=None, keepdims=False):
    """How many elements are not 0."""
    return _answer("count_nonzero", x, axis=axis, keepdims=keepdims)


@explained
def argmax(x, /, *, axis=None, keepdims=False):
    """The index of the largest element, of equal ones the first, along the axis; with `axis=None` in the flattened array.

    Raises ValueError where there are no elements.

    >>> import tinygrad_ko as tg
    >>> tg.argmax([[1.0, 3.0, 2.0], [9.0, 7.0, 8.0]], axis=1)
    array([1, 0])
    """
    return _answer("argmax", x, axis=axis, keepdims=keepdims)


@explained
def argmin(x, /, *, axis=None, keepdims=False):
    """The index of the smallest element, as `argmax` gives that of the largest."""
    return _answer("argmin", x, axis=axis, keepdims=keepdims)


@gives_constants
def nonzero(x, /):
    """Where the elements stand that are not 0: for each axis an array of their places along it.

    >>> import tinygrad_ko as tg
    >>> tg.nonzero([[0.0, 5.0], [7.0, 0.0]])
    (array([0, 1]), array([1, 0]))
    """
    x = as_operand(x, "nonzero")
    try:
        return tuple(namespace(x).nonzero(x))
    except Exception as error:
        raise refused(error, "nonzero", (x,)) from None


@gives_constants
def isin(x1, x2, /, *, invert=False):
    """Whether each element of x1 is one of those of x2; with `invert` whether it is none of them."""
    x1, x2 = operand(x1, "isin"), operand(x2, "isin")
    try:
        return namespace(x1, x2).isin(x1, x2, invert=invert)
    except Exception as error:
        raise refused(error, "isin", (x1, x2)) from None


def _answer(name, x, **options):
    array = as_plain_array(x, name)
    try:
        found = getattr(namespace(array), name)(array, **options)
    except Exception as error:
        raise refused(error, name, (array,)) from None
    return wrap(type(x), found) if isinstance(x, Handle) else found


def divisible(x):
    """Whether dividing a product by its factors loses no digits: not near 0 or infinity, nor where the quotient is differentiated again."""
    if isinstance(x, Handle):
        return False
    size = namespace(x).abs(x)
    return all((size > 1e-30) & (size < 1e30))


def or_nan(chosen, count):
    """What was chosen, and how many; where nothing was, everything, and NaN of them."""
    if certain(all(count)):
        return chosen, count
    xp = namespace(chosen)
    none = count == 0
    return chosen | none, xp.where(none, math.nan, count)
