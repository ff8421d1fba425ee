"""Detects a function that reads x itself (a captured variable) where numerical differentiation moves a copy of x.

So `lambda W: net.loss(x, t)` reads the array that the network holds, and its derivative comes out as 0. Therefore x itself is moved
too, for one call and by a long step, and restored bit for bit: if the value of f changes, f reads x.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array, beside
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import described, explain

_STEPS = (3.0, -3.0, 100.0, -100.0)  # long steps, relative to the size of the numbers


def require_argument_used(caller: str, f: Any, x: Any, argument: Any, zero: bool, cure: tuple[str, str]) -> None:
    """Raise ValueError if f reads x beside its argument, a copy of x; or if that cannot be seen and the derivative is 0 (`zero`)."""
    with np.errstate(all="ignore"):
        before = _outcome(f, argument)
        with _perturbed(x) as wholly:
            answer = _outcome(f, argument)
        if not _equal(before, _outcome(f, argument)):
            return  # it is another value at every call: that says nothing of x
        if not _equal(before, answer):
            fault = "f reads x itself, but a copy of x is moved, so its derivative would be wrong"
            korean = "f는 인수가 아니라 x 자체를 읽는데, 값을 바꾸어 보는 것은 x의 사본이므로 미분값이 틀립니다."
        elif zero and not wholly and all(_equal(before, _outcome(f, _far(argument, step))) for step in _STEPS):
            fault = "f does not change with its argument, a copy of x; whether it reads x itself cannot be seen, for x cannot be changed"
            korean = "인수(x의 사본)를 바꾸어도 f가 변하지 않습니다. x의 값은 바꿀 수 없으므로 f가 x 자체를 읽는지 확인할 수 없습니다."
        else:
            return
    error = ValueError(f"{caller}: {fault} (x is {described(x)}); {cure[0]}")
    korean = f"{caller}: {korean} x의 종류: {described(x)}. {cure[1]}"
    raise explain(error, korean) from (answer if isinstance(answer, Exception) else None)


def _outcome(f: Callable[[Any], Any], argument: Any) -> Any:
    try:
        value = f(argument)
    except Exception as error:
        return error
    return np.asarray(value.stable_array() if isinstance(value, Handle) else value)


def _equal(a: Any, b: Any) -> bool:
    # NaN equals NaN; an error equals an error of its type, and no value.
    if isinstance(a, Exception) or isinstance(b, Exception):
        return type(a) is type(b)
    return a.shape == b.shape and bool(np.all((a == b) | ((a != a) & (b != b))))


@contextmanager
def _perturbed(x: Any) -> Iterator[bool]:
    """Inside this block the numbers of x are others, in place, where they can be written to; yields whether all of them can."""
    stores = list(_stores(x))
    writable = [store for store in stores if store is not None]
    saved = [copy(numbers[place]) for numbers, place in writable]
    try:
        for numbers, place in writable:
            numbers[place] = numbers[place] + _long_step(numbers[place], _STEPS[0])
        yield len(writable) == len(stores)
    finally:
        for (numbers, place), before in zip(writable, saved, strict=True):
            numbers[place] = before


def _stores(x: Any) -> Iterator[tuple[Any, Any] | None]:
    """Where the numbers of x can be written to, as an array or list and an index; None for those that cannot."""
    x = x.writable_array() if isinstance(x, Handle) else x
    if isinstance(x, list | tuple):
        for i, part in enumerate(x):
            if is_plain_number(part):
                yield (x, i) if isinstance(x, list) else None
            else:
                yield from _stores(part)
    else:
        yield (x, ...) if isinstance(x, np.ndarray) and x.flags.writeable else None


def is_plain_number(value: Any) -> bool:
    """Whether a value is a number and no array: nobody can write to it."""
    return isinstance(value, int | float | np.generic)


def _far(argument: Any, length: float) -> Any:
    array = argument.stable_array() if isinstance(argument, Handle) else argument
    return argument + beside(array, _long_step(array, length))


def _long_step(x: Any, length: float) -> Array:
    """A step for each number of x, no two alike, some up and some down; 0 where x is not finite."""
    x = np.asarray(x, dtype=np.float64)
    waves = np.cos(np.arange(1, x.size + 1)).reshape(x.shape)
    return np.where(np.isfinite(x), length * waves * (1 + np.abs(x)), 0.0)
