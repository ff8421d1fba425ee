"""Comparisons, logic and bits of each element. Through their results, truth values and integers, no gradient goes: of Tensors they are
constants. Arguments broadcast as in NumPy.
"""

from tinygrad_ko.arrays.library import namespace
from tinygrad_ko.arrays.operands import operand
from tinygrad_ko.engine.graph import Handle, wrap
from tinygrad_ko.errors import refused


def equal(x1, x2, /):
    """Whether x1 is x2; NaN is not itself."""
    return _answer("equal", x1, x2)


def not_equal(x1, x2, /):
    """Whether x1 is another number than x2."""
    return _answer("not_equal", x1, x2)


def less(x1, x2, /):
    """Whether x1 is below x2."""
    return _answer("less", x1, x2)


def less_equal(x1, x2, /):
    """Whether x1 is x2 or below it."""
    return _answer("less_equal", x1, x2)


def greater(x1, x2, /):
    """Whether x1 is above x2.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor([1.0, -2.0], requires_grad=True)
    >>> tg.greater(x, 0)
    Tensor([ True, False], shape=(2,), dtype=bool)
    """
    return _answer("greater", x1, x2)


def greater_equal(x1, x2, /):
    """Whether x1 is x2 or above it."""
    return _answer("greater_equal", x1, x2)


def isfinite(x, /):
    """Whether x is neither infinite nor NaN."""
    return _answer("isfinite", x)


def isinf(x, /):
    """Whether x is infinite."""
    return _answer("isinf", x)


def isnan(x, /):
    """Whether x is NaN."""
    return _answer("isnan", x)


def signbit(x, /):
    """Whether x has a minus sign; -0.0 has one."""
    return _answer("signbit", x)


def logical_and(x1, x2, /):
    """Whether both are true (not 0)."""
    return _answer("logical_and", x1, x2)


def logical_or(x1, x2, /):
    """Whether one of the two, or both, is true (not 0)."""
    return _answer("logical_or", x1, x2)


def logical_xor(x1, x2, /):
    """Whether one of the two is true (not 0), and not both."""
    return _answer("logical_xor", x1, x2)


def logical_not(x, /):
    """Whether x is false (0)."""
    return _answer("logical_not", x)


def bitwise_and(x1, x2, /):
    """The bits that are set in both: `x1 & x2`, of integers or truth values."""
    return _answer("bitwise_and", x1, x2)


def bitwise_or(x1, x2, /):
    """The bits that are set in one of the two, or in both: `x1 | x2`, of integers or truth values."""
    return _answer("bitwise_or", x1, x2)


def bitwise_xor(x1, x2, /):
    """The bits that are set in one of the two, and not in both: `x1 ^ x2`, of integers or truth values."""
    return _answer("bitwise_xor", x1, x2)


def bitwise_invert(x, /):
    """The bits that are not set: `~x`, of integers or truth values."""
    return _answer("bitwise_invert", x)


def bitwise_left_shift(x1, x2, /):
    """x1 with its bits moved x2 places to the left: `x1 << x2`, of integers."""
    return _answer("bitwise_left_shift", x1, x2)


def bitwise_right_shift(x1, x2, /):
    """x1 with its bits moved x2 places to the right: `x1 >> x2`, of integers."""
    return _answer("bitwise_right_shift", x1, x2)


def _answer(name, *xs):
    kind = next((type(x) for x in xs if isinstance(x, Handle)), None)
    arrays = [x.stable_array() if isinstance(x, Handle) else operand(x, name) for x in xs]
    try:
        found = getattr(namespace(*arrays), name)(*arrays)
    except Exception as error:
        raise refused(error, name, tuple(arrays)) from None
    return found if kind is None else wrap(kind, found)
