"""Does f read x itself, where what is moved is a copy of x? Then f does not see the change, and the derivative comes out as 0.

`lambda W: net.loss(x, t)` ignores its argument and reads the array that the network holds. So x is moved too, for one call
and by a long step: if the value of f changes, it reads x. x is restored bit for bit, whatever happens.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array, beside
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import described, explain

Cure = tuple[str, str]  # in English and in Korean
LENGTHS = (3.0, -3.0, 100.0, -100.0)  # of the long steps, in sizes of the numbers


def hold_to_its_argument(what: str, f: Callable[[Any], Any], x: Any, argument: Any, zero: bool, cure: Cure) -> None:
    """Raise ValueError if f reads x beside its argument, a copy of x. `zero`: the derivative came out as exactly 0. Then an x
    that cannot be moved (read-only, a tuple) is refused too, unless long steps of the argument move f.
    """
    with np.errstate(all="ignore"):
        rest, fault = outcome(f, argument), None
        with moved(x) as wholly:
            answer = outcome(f, argument)
        if not same(rest, outcome(f, argument)):
            return  # it is another value at every call: that says nothing of x
        if not same(rest, answer):
            said = "f reads x itself, but a copy of x is moved, so its derivative would be wrong"
            korean = "f는 인수가 아니라 x 자체를 읽는데, 값을 바꾸어 보는 것은 x의 사본이므로 미분값이 틀립니다."
            fault = said, korean
        elif zero and not wholly and all(same(rest, outcome(f, beyond(argument, k))) for k in LENGTHS):
            said = "f does not change with its argument, a copy of x; whether it reads x itself cannot be seen, for x cannot be changed"
            korean = "인수(x의 사본)를 바꾸어도 f가 변하지 않습니다. x의 값은 바꿀 수 없으므로 f가 x 자체를 읽는지 확인할 수 없습니다."
            fault = said, korean
    if fault:
        error = ValueError(f"{what}: {fault[0]} (x is {described(x)}); {cure[0]}")
        raise explain(error, f"{what}: {fault[1]} {cure[1]}") from (answer if isinstance(answer, Exception) else None)


def outcome(f: Callable[[Any], Any], argument: Any) -> Any:
    """The value of f as an array, or the error that it raises."""
    try:
        value = f(argument)
    except Exception as error:
        return error
    return np.asarray(value.stable_array() if isinstance(value, Handle) else value)


def same(a: Any, b: Any) -> bool:
    """Whether two outcomes are equal. NaN equals NaN; an error equals an error of its type, and no value."""
    if isinstance(a, Exception) or isinstance(b, Exception):
        return type(a) is type(b)
    return a.shape == b.shape and bool(np.all((a == b) | ((a != a) & (b != b))))


@contextmanager
def moved(x: Any) -> Iterator[bool]:
    """Inside this block the numbers of x are others, in place, as far as they can be written to; whether all of them can."""
    stores = list(stores_of(x))
    kept = [None if store is None else store.copy() for store in stores]
    try:
        for store in stores:
            if isinstance(store, list):
                store[:] = [n + float(step(n, LENGTHS[0])) if is_number(n) else n for n in store]
            elif store is not None:
                store[...] = store + step(store, LENGTHS[0])
        yield all(store is not None for store in stores)
    finally:
        for store, was in zip(stores, kept, strict=True):
            if store is not None:
                store[slice(None) if isinstance(store, list) else ...] = was


def stores_of(x: Any) -> Iterator[Any]:
    """The arrays and lists that the numbers of x stand in; None for those that cannot be written to."""
    x = x.writable_array() if isinstance(x, Handle) else x
    if isinstance(x, list | tuple):
        if any(map(is_number, x)):
            yield x if isinstance(x, list) else None
        for part in x:
            if not is_number(part):
                yield from stores_of(part)
    else:
        yield x if isinstance(x, np.ndarray) and x.flags.writeable else None


def is_number(value: Any) -> bool:
    """Whether a value is a number: nobody can write to it."""
    return isinstance(value, int | float | np.generic)


def beyond(argument: Any, length: float) -> Any:
    """An argument of any library, moved by a long step."""
    array = argument.stable_array() if isinstance(argument, Handle) else argument
    return argument + beside(array, step(array, length))


def step(x: Any, length: float) -> Array:
    """A long step of each number of x, no two alike, some up and some down; none of what is not finite."""
    x = np.asarray(x, dtype=np.float64)
    waves = np.cos(np.arange(1, x.size + 1)).reshape(x.shape)
    return np.where(np.isfinite(x), length * waves * (1 + np.abs(x)), 0.0)
