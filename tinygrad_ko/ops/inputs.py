"""What users pass, as what a function that is composed of ops can work with."""

import operator
from functools import wraps

import numpy as np

from tinygrad_ko.arrays.dtypes import is_half, widened
from tinygrad_ko.arrays.library import as_array, is_floating, namespace
from tinygrad_ko.arrays.operands import operand
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import astype


def library(x):
    """The namespace of an array, or of the array in a Tensor."""
    return namespace(x._array if isinstance(x, Handle) else x)


def numbers(x, name):
    """An array or a Tensor of floating numbers; of integers, float64. Raises TypeError, with the name of the function,
    for what is not real.
    """
    x = shaped(x, name)
    return x if is_floating(x.dtype) else astype(x, library(x).float64)


def shaped(x, name):
    """x, or an array of it if it is a list or a number, for the function of that name. Raises TypeError, with that name, for
    what is not real.
    """
    return x if isinstance(x, Handle) else as_array(operand(x, name))


def in_float32(function):
    """Decorator of a function that is composed of ops: where its floats are float16, it computes in float32 and rounds its result
    once, as an op does.
    """

    @wraps(function)
    def inside(*arguments, **options):
        dtypes = [x.dtype for x in (*arguments, *options.values()) if hasattr(x, "dtype") and is_floating(x.dtype)]
        if not any(map(is_half, dtypes)):
            return function(*arguments, **options)
        out = function(*map(widened, arguments), **{name: widened(x) for name, x in options.items()})
        return astype(out, np.float16) if all(map(is_half, dtypes)) else out

    return inside


def from_front(axis, ndim, name):
    """An axis counted from the front, for the function of that name; raises AxisError if it is not there."""
    if not -ndim <= whole(axis, name) < ndim:
        raise explain(
            np.exceptions.AxisError(f"{name}: there is no axis {axis} in an array of {ndim} axes"),
            f"{name}: 축이 {ndim}개인 배열에 축 {axis}번은 없습니다.",
        )
    return whole(axis, name) % ndim


def whole(number, name):
    """An int, from whatever stands for one, for the function of that name; raises TypeError for anything else."""
    try:
        return operator.index(number)
    except TypeError:
        raise explain(
            TypeError(f"{name}: an integer is needed, not {number!r}"),
            f"{name}: 정수가 필요합니다. 받은 값: {number!r}",
        ) from None


def bare(x, name):
    """The array of a Tensor, or of whatever else was given to the function of that name."""
    return x.stable_array() if isinstance(x, Handle) else shaped(x, name)


def unwrapped(argument):
    """The same arguments with arrays where there were Tensors."""
    if isinstance(argument, Handle):
        return argument.stable_array()
    if isinstance(argument, list | tuple):
        return type(argument)(map(unwrapped, argument))
    return argument
