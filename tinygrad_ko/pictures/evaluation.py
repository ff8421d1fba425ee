"""Functions of one number or two, at many points: for pictures, whatever they are made of, and leaving nothing behind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from tinygrad_ko import check
from tinygrad_ko.check.slopes.differentiation import directional_derivative
from tinygrad_ko.check.slopes.numerical import one_number
from tinygrad_ko.engine.graph import Switch
from tinygrad_ko.errors import explain
from tinygrad_ko.pictures.canvas import Floats
from tinygrad_ko.state.preserve import preserving_state
from tinygrad_ko.tensor.tensor import Tensor, grad

Range = tuple[float, float]


def values_at(f: Callable[[Any], Any], points: Any, name: str) -> Floats:
    """The value of f at each point, a copy or a Tensor of it; NaN outside the domain: where f raises ValueError or ArithmeticError.
    Raises what f raises if it has no value at all, and ValueError if none is finite.
    """
    with preserving_state(f), np.errstate(all="ignore"), _noting_arguments(name, np.ndim(points)):
        f = taking_arrays(f, points[len(points) // 2])
        return _evaluated(lambda point: one_number(f(np.array(point)[()])), points, np.empty(len(points)), name)


def gradients_at(f: Callable[[Any], Any], points: Floats, name: str) -> Floats:
    """The gradient of f at each point, NaN outside its domain. One that backpropagation found is checked: f may have hidden a
    part of itself from it. Raises GradientMismatch if it is wrong.
    """
    recorded_at = []

    def gradient(point: Floats) -> Floats:
        g, by_backpropagation = _gradient(f, point)
        if by_backpropagation and np.isfinite(g).all():
            recorded_at.append(point)
        return g

    with preserving_state(f), np.errstate(all="ignore"), _noting_arguments(name, 2):
        found = _evaluated(gradient, points, np.empty(points.shape), name)
        if recorded_at:
            with suppress(check.GradientUndecided):
                check.check_gradient(f, recorded_at[len(recorded_at) // 3], wrt=0, effort="quick", rng=0)
    return found


def _evaluated(f: Callable[[Any], Any], points: Any, found: Floats, name: str) -> Floats:
    outside: Exception | None = None
    for i, point in enumerate(points):
        try:
            found[i] = f(point)
        except (ValueError, ArithmeticError) as error:
            found[i], outside = np.nan, outside or error
    if not np.isfinite(found).reshape(len(points), -1).all(axis=1).any():
        raise outside or explain(
            ValueError(f"{name}: f has no finite value anywhere in this range"),
            f"{name}: 이 범위에서는 f의 값이 모두 NaN이거나 무한대입니다. 다른 범위를 지정하십시오.",
        )
    return found


def _gradient(f: Callable[[Any], Any], point: Floats) -> tuple[Floats, bool]:
    # By backpropagation if f takes a Tensor and returns one that depends on it, else measured, NaN at a jump; and whether it was
    # the former.
    x = Tensor(point, requires_grad=True)
    try:
        with Switch(record=True):
            y = f(x)
    except Exception:  # whatever a function of arrays makes of a Tensor; what is wrong with f is seen below
        y = None
    if isinstance(y, Tensor) and y.requires_grad and y.size == 1:
        if not np.isfinite(one_number(y)):  # a formula may have a slope where f has no value, as that of log below 0
            return np.full(point.shape, np.nan), True
        try:
            return grad(y, x).numpy(), True
        except RuntimeError:  # it depends on other Tensors, not on x
            pass
    f = taking_arrays(f, point)
    slopes = [directional_derivative(lambda p: one_number(f(p)), point, along) for along in np.eye(len(point))]
    return np.array([np.nan if slope.kind == "jump" else slope.value for slope in slopes]), False


def taking_arrays(f: Callable[[Any], Any], point: Any) -> Callable[[Any], Any]:
    """f, or f of a Tensor if it takes nothing else."""
    try:
        f(np.array(point)[()])
    except (ValueError, ArithmeticError):  # outside its domain
        return f
    except Exception:
        try:
            f(Tensor(point))
        except Exception:
            return f  # whose error is the better one
        return lambda x: f(Tensor(x))
    return f


@contextmanager
def _noting_arguments(name: str, ndim: int) -> Iterator[None]:
    try:
        yield
    except TypeError as error:
        if ndim == 2:
            error.add_note(
                f"{name} calls f(x) with one array of two numbers; for f(x0, x1) pass lambda x: f(x[0], x[1])"
            )
            error.add_note(
                f"{name}: 수 두 개로 된 배열 x를 f(x)에 넘깁니다. f(x0, x1) 꼴의 함수라면 lambda x: f(x[0], x[1])을 넘기십시오."
            )
        raise


def interval(value: Any, name: str, what: str) -> Range:
    """A range from a lower to a higher number."""
    try:
        low, high = map(float, value)
    except (TypeError, ValueError):
        low = high = np.nan
    if not (np.isfinite([low, high]).all() and low < high):
        raise explain(
            ValueError(f"{name}: {what} must be two numbers, the lower first, not {value!r}"),
            f"{name}: {what}에는 수 두 개, (작은 수, 큰 수)를 넘겨야 합니다. 받은 값: {value!r}",
        )
    return low, high
