"""The numerical gradient of the book: the central difference with h = 1e-4, element by element.

It is the reference that learners know, with the book's figures to the last digit, and has no error estimate:
its typical relative error is 1e-9, but where x is so large that x + h == x it is 0. `check_gradient` is what checks gradients.

Source: Koki Saitoh, "Deep Learning from Scratch", chapter 4.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array, is_floating, namespace
from tinygrad_ko.check.slopes.captured import is_plain_number, require_argument_used
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import astype

_IN_FLOAT64 = (
    "make it float64 and writable where f reads it, as in net.params['W1'] = W = W.astype(float)",
    "f가 읽는 배열을 net.params['W1'] = W = W.astype(float)처럼 쓰기 가능한 float64 배열로 바꾸십시오.",
)
BY_ARGUMENT = (
    "let f compute from its argument, or take numerical_gradient, which moves a float64 array in place",
    "f가 자신의 인수로 계산하게 하거나, float64 배열의 값을 제자리에서 바꾸는 numerical_gradient를 쓰십시오.",
)


def numerical_diff(f: Callable[[Any], Any], x: Any, h: float = 1e-4) -> Any:
    """The derivative of f at x by a central difference, (f(x + h) - f(x - h)) / (2h).

    `x` is a number, or an array if f works on each element; the result has its shape. f must compute from its argument: x itself
    stays where it is. Raises ValueError if the result is 0 because f reads an array x instead (a number has no such place).

    >>> numerical_diff(lambda x: 0.01 * x**2 + 0.1 * x, 5)
    0.1999999999990898
    """
    _require_step(h)
    given, x = x, _as_float64(x)
    slope = (f(x + h) - f(x - h)) / (2 * h)
    if not is_plain_number(given) and not np.any(slope.stable_array() if isinstance(slope, Handle) else slope):
        require_argument_used("numerical_diff", f, given, x * 1.0, True, BY_ARGUMENT)
    return slope


def numerical_gradient(f: Callable[[Any], Any], x: Any, h: float = 1e-4) -> Array:
    """The gradient of f at the array x: one central difference for each of its elements, so 2 * x.size evaluations of
    f.

    `f` takes the array and returns one number. A writable float64 array is changed in place, one element at a time,
    and restored bit for bit whatever happens: so a function that ignores its argument and reads the same array
    elsewhere, as `lambda w: net.loss(x, t)` does, sees the change. A Tensor of float64 is treated so too. Other
    dtypes, read-only arrays and lists of floats are copied to float64 first, and moved themselves for one call at the end, to see
    whether f reads them elsewhere. The result is a float64 array in the shape of x.

    Raises TypeError for an array of integers; ValueError if f does not return one number, or if it reads elsewhere what was
    copied: let it read a float64 array. What can be copied but not changed (a read-only array, a tuple) is refused where f does not
    move with the copy at all; if f reads it in one term and the copy in another, the first is missing from the gradient.

    >>> numerical_gradient(lambda x: x[0] ** 2 + x[1] ** 2, np.array([3.0, 4.0]))
    array([6., 8.])
    """
    _require_step(h)
    seen = x.writable_array() if isinstance(x, Handle) else x
    array = np.asarray(seen)
    if array.dtype.kind != "f":
        raise explain(
            TypeError(f"numerical_gradient moves floating point numbers by h, not {array.dtype}: pass x.astype(float)"),
            f"numerical_gradient: 자료형이 {array.dtype}인 배열에는 h를 더할 수 없습니다. x.astype(float)로 변환하여 넘기십시오.",
        )
    copied = not isinstance(seen, np.ndarray) or array.dtype != np.float64 or not array.flags.writeable
    array = array.astype(np.float64) if copied else array
    argument = array if copied else x

    def value(index: tuple[int, ...], at: float) -> float:
        array[index] = at
        return one_number(f(argument))

    grad = np.zeros(array.shape)
    for index in np.ndindex(array.shape):
        here: Any = array[index]
        try:
            grad[index] = (value(index, here + h) - value(index, here - h)) / (2 * h)
        finally:
            array[index] = here
    if copied and grad.size:
        require_argument_used("numerical_gradient", lambda a: one_number(f(a)), x, array, not grad.any(), _IN_FLOAT64)
    return grad


def gradient_descent(
    f: Callable[[Any], Any], init_x: Any, lr: float = 0.01, step_num: int = 100, history: bool = False
) -> Any:
    """Walk downhill from `init_x`: `step_num` times x -= lr * numerical_gradient(f, x).

    Returns the last x, a new float64 array (`init_x` stays as it is); with `history=True` also the x before each
    step, in the shape (step_num, *x.shape). Raises ValueError if f reads `init_x` itself, which does not walk, and not its argument.

    >>> gradient_descent(lambda x: x[0] ** 2 + x[1] ** 2, np.array([-3.0, 4.0]), lr=0.1, step_num=100)
    array([-6.11110793e-10,  8.14814391e-10])
    """
    if step_num < 0:
        raise explain(
            ValueError(f"step_num must not be below 0, not {step_num}"),
            f"step_num에는 0 이상인 정수를 넘겨야 합니다. 받은 값: {step_num}",
        )
    x = np.array(init_x, dtype=np.float64)
    trace = []
    for k in range(step_num):
        trace.append(x.copy())
        gradient = numerical_gradient(f, x)
        if k == 0 and x.size and not gradient.any():
            require_argument_used("gradient_descent", f, init_x, x, True, BY_ARGUMENT)
        x -= lr * gradient
    return (x, np.array(trace).reshape(step_num, *x.shape)) if history else x


def _as_float64(x: Any) -> Any:
    # A step of 1e-4 is nothing in half precision, and little in single precision.
    if not hasattr(x, "dtype") or not is_floating(x.dtype):
        return x
    xp = namespace(x.stable_array() if isinstance(x, Handle) else x)
    return astype(x, xp.float64) if xp.finfo(x.dtype).bits < 64 else x


def _require_step(h: float) -> None:
    if not 0 < h < float("inf"):
        raise explain(
            ValueError(f"the step h must be above 0 and finite, not {h}"),
            f"h는 0보다 크고 유한한 수여야 합니다. 받은 값: {h}",
        )


def one_number(value: Any) -> float:
    """The value of f, as a float."""
    array = np.asarray(value.stable_array() if isinstance(value, Handle) else value)
    if array.size != 1:
        raise explain(
            ValueError(f"f must return one number, but it returned shape {array.shape}; reduce it, as np.sum does"),
            f"f는 수 하나를 반환해야 하는데, 반환값은 형상이 {array.shape}인 배열입니다. np.sum 등으로 수 하나로 만드십시오.",
        )
    if array.dtype.kind not in "biuf":
        raise explain(
            TypeError(f"f must return one number, but it returned {type(value).__name__}; is there a return missing?"),
            f"f는 수 하나를 반환해야 합니다. 반환값의 자료형: {type(value).__name__}. return을 빠뜨리지 않았는지 확인하십시오.",
        )
    return float(array.reshape(()))
