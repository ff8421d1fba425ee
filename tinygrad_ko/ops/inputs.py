"""What users pass, as what a function that is composed of ops can work with."""

import operator
from functools import wraps
from math import inf

import numpy as np

from tinygrad_ko.arrays.dtypes import is_half, widened
from tinygrad_ko.arrays.indexing import listed
from tinygrad_ko.arrays.library import as_array, is_floating, is_real, namespace
from tinygrad_ko.arrays.lists import taking_lists
from tinygrad_ko.arrays.operands import operand
from tinygrad_ko.engine.codegen import constant
from tinygrad_ko.engine.graph import Handle, wrap
from tinygrad_ko.errors import described, explain
from tinygrad_ko.ops.elementwise import astype

_LISTS = (list, tuple)

# `name` is the name of the function that was called, for its errors.


def namespace_of(x):
    """The namespace of an array, or of the array in a Tensor."""
    return namespace(x._array if isinstance(x, Handle) else x)


def as_operand(x, name):
    """A Tensor or an array as it is, an array of a list or a number, one Tensor of a list of Tensors. TypeError if it is not real."""
    if isinstance(x, Handle) or (type(x) is np.ndarray and is_real(x)):
        return x
    if x is None:
        raise explain(
            TypeError(f"{name}: expected real numbers, got None"),
            f"{name}: 실수로 이루어진 배열이나 리스트를 넘겨야 합니다. 받은 값: None",
        )
    return _of_list(x, name) if type(x) in (list, tuple) else as_array(operand(x, name))


@taking_lists
def _of_list(x, name):
    return x if isinstance(x, Handle) else as_array(operand(x, name))


def as_floating(x, name):
    """An operand of floating numbers: integers become float64."""
    x = as_operand(x, name)
    return x if is_floating(x.dtype) else astype(x, namespace_of(x).float64)


def as_plain_array(x, name):
    """An operand as a plain array, of a Tensor its own."""
    return x.stable_array() if isinstance(x, Handle) else as_operand(x, name)


def unwrapped(argument):
    """An argument, or a list or tuple of them, with arrays in place of Tensors."""
    if isinstance(argument, Handle):
        return argument.stable_array()
    if isinstance(argument, _LISTS):
        return type(argument)(map(unwrapped, argument))
    return argument


def gives_constants(function):
    """Decorator of a function of arrays through which no gradient goes. Of Tensors, also in lists, it gives Tensors that are constants."""

    @wraps(function)
    def answer(*arguments, **options):
        return constant_answer(function, arguments, options)

    return answer


def constant_answer(function, arguments, options):
    """What such a function gives."""
    given = first_handle((*arguments, *options.values()) if options else arguments)
    if given is None:
        return function(*arguments, **options)
    return constants(type(given), function(*unwrapped(arguments), **{k: unwrapped(v) for k, v in options.items()}))


def first_handle(values):
    """The first Tensor among values and in their lists and tuples; None if there is none."""
    for value in values:
        if isinstance(value, Handle):
            return value
        if isinstance(value, list | tuple) and (found := first_handle(value)) is not None:
            return found
    return None


def constants(kind, value):
    """An array as a Tensor that is a constant, also in a tuple or a list; what is no array as it is."""
    if type(value) is np.ndarray or isinstance(value, np.generic):
        return wrap(kind, value)
    if isinstance(value, tuple | list):
        parts = [constants(kind, part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return wrap(kind, value) if hasattr(value, "__array_namespace__") and not isinstance(value, Handle) else value


def as_integers(value, name, argument):
    """An array of integers, from a sequence, an array or a constant Tensor of them; raises TypeError for anything else."""
    value = constant(value, name, argument) if isinstance(value, Handle) else listed(value)
    value = value if hasattr(value, "__array_namespace__") else np.asarray(value)
    if not str(value.dtype).rpartition(".")[2].startswith(("int", "uint")):
        raise explain(
            TypeError(f"{name}: {argument} must be integers, not {described(value)}"),
            f"{name}: {argument}에는 정수를 넘겨야 합니다. 받은 값: {described(value)}",
        )
    return value


def as_int(number, name):
    """An int, from whatever stands for one; raises TypeError for anything else."""
    try:
        return operator.index(number)
    except TypeError:
        raise explain(
            TypeError(f"{name}: an integer is needed, not {number!r}"),
            f"{name}: 정수가 필요합니다. 받은 값: {number!r}",
        ) from None


def normalized_axis(axis, ndim, name):
    """An axis counted from the front; raises AxisError if it is not there."""
    if not -ndim <= as_int(axis, name) < ndim:
        raise explain(
            np.exceptions.AxisError(f"{name}: there is no axis {axis} in an array of {ndim} axes"),
            f"{name}: 축이 {ndim}개인 배열에 축 {axis}번은 없습니다.",
        )
    return as_int(axis, name) % ndim


def normalized_axes(axes, ndim, name):
    """A list of axes counted from the front, from one axis or several; raises ValueError if one is named twice."""
    found = [normalized_axis(axis, ndim, name) for axis in (axes if isinstance(axes, tuple | list) else (axes,))]
    if len({*found}) < len(found):
        raise explain(ValueError(f"{name}: axis {axes} names an axis twice"), f"{name}: 축이 겹칩니다. 받은 값: {axes}")
    return found


def require_one_of(choices, value, name, option):
    """Raise ValueError if an option is none of its choices."""
    if value not in choices:
        words = ", ".join(map(repr, choices))
        raise explain(
            ValueError(f"{name}: {option} must be one of {words}, not {value!r}"),
            f"{name}: {option}에는 다음 중 하나를 넘겨야 합니다: {words}. 받은 값: {value!r}",
        )


def require_above_0(of="", *, finite=True, **settings):
    """Raise ValueError for a setting that is not above 0, or is infinite where it may not be; TypeError for what is no number."""
    for name, value in settings.items():
        try:
            right = value > 0 and not (finite and value == inf)
        except (TypeError, ValueError):
            raise _not_a_number(of, name, value) from None
        if not right:
            raise explain(
                ValueError(f"{of}{name} must be above 0{' and finite' if finite else ''}, not {value}"),
                f"{of}{name}: 0보다 큰{' 유한한' if finite else ''} 수여야 합니다. 받은 값: {value}",
            )


def require_below_1(of="", **settings):
    """Raise ValueError for a setting that is not in [0, 1), TypeError for what is no number."""
    for name, value in settings.items():
        try:
            right = 0 <= value < 1
        except (TypeError, ValueError):
            raise _not_a_number(of, name, value) from None
        if not right:
            raise explain(
                ValueError(f"{of}{name} must be in [0, 1), not {value}"),
                f"{of}{name}: 0 이상 1 미만인 수여야 합니다. 받은 값: {value}",
            )


def _not_a_number(of, name, value):
    given = f"an array of shape {value.shape}" if getattr(value, "shape", ()) else type(value).__name__
    return explain(
        TypeError(f"{of}{name} must be a number, not {given}"), f"{of}{name}: 수를 넘겨야 합니다. 받은 값: {given}"
    )


def in_float32(function):
    """Decorator of a composed function: float16 arguments are computed in float32, and the result is rounded once, as in an op."""

    @wraps(function)
    def inside(*arguments, **options):
        given = (*arguments, *options.values())
        if not any(map(is_half, [getattr(x, "dtype", None) for x in given])):
            return function(*arguments, **options)
        dtypes = [x.dtype for x in given if hasattr(x, "dtype") and is_floating(x.dtype)]
        out = function(*map(widened, arguments), **{name: widened(x) for name, x in options.items()})
        return astype(out, np.float16) if all(map(is_half, dtypes)) else out

    return inside
