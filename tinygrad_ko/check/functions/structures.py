"""Structured inputs: arrays in dicts, lists, tuples and dataclasses, at any depth, taken apart and put together again."""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from tinygrad_ko.errors import explain
from tinygrad_ko.func.trees import are_numbers
from tinygrad_ko.tensor.tensor import Tensor


def _entries(x: Any) -> list[tuple[str, Any]] | None:
    """The parts of a structure, each with what leads to it; None for what is no structure: an array, a number, a list of numbers."""
    if isinstance(x, np.ndarray):  # most are, and f is called very often
        return None
    if isinstance(x, dict):
        return [(f".{key}", value) for key, value in x.items()]
    if isinstance(x, list | tuple) and (_holds_arrays(x) or (_holds_numbers(x) and not are_numbers(x))):
        names = [f".{name}" for name in x._fields] if hasattr(x, "_fields") else [f"[{i}]" for i in range(len(x))]
        return list(zip(names, x, strict=True))
    if is_dataclass(x) and not isinstance(x, type) and _holds_arrays([getattr(x, f.name) for f in fields(x) if f.init]):
        return [(f".{f.name}", getattr(x, f.name)) for f in fields(x) if f.init]
    return None


def taken_apart(x: Any, place: str) -> Iterator[tuple[str, Any]]:
    """The arrays and other values of a structure, each with its place. Those of a dict of arrays go by their keys alone.

    >>> [place for place, _ in taken_apart({"W": [np.ones(2), {"b": 1.0}]}, "")]
    ['W[0]', 'W[1].b']
    """
    entries = _entries(x)
    if entries is None:
        yield place, x
        return
    for way, value in entries:
        yield from taken_apart(value, (place + way).removeprefix("."))


def rebuilt(x: Any, values: Iterator[Any]) -> Any:
    """The same structure with other values, in the order of `taken_apart`."""
    entries = _entries(x)
    if entries is None:
        return next(values)
    new = [rebuilt(value, values) for _, value in entries]
    if isinstance(x, dict):
        return dict(zip(x, new, strict=True))
    if is_dataclass(x) and not isinstance(x, type):
        return replace(x, **{f.name: value for f, value in zip([f for f in fields(x) if f.init], new, strict=True)})
    make: Callable[..., Any] = type(x)
    return make(*new) if hasattr(x, "_fields") else make(new)


def duplicated(x: Any) -> Any:
    """The structure itself, so that nobody changes it from outside; the values are the same."""
    return rebuilt(x, iter([value for _, value in taken_apart(x, "")]))


def _holds_arrays(x: Any) -> bool:
    if isinstance(x, dict | tuple | list):
        return any(map(_holds_arrays, x.values() if isinstance(x, dict) else x))
    if is_dataclass(x) and not isinstance(x, type):
        return any(_holds_arrays(getattr(x, f.name)) for f in fields(x) if f.init)
    return isinstance(x, Tensor) or (isinstance(x, np.ndarray) and x.dtype.kind in "fc")


def _holds_numbers(x: Any) -> bool:
    """Whether a nested list has numbers alone. If its rows differ in length it is no array, but a structure of them."""
    return all(map(_holds_numbers, x)) if isinstance(x, list | tuple) else isinstance(x, float | int | np.generic)


def require_real(x: Any, place: str) -> None:
    """Raise TypeError for an input of which no gradient could be checked, and which would be passed on in silence."""
    cure = ("its real and its imaginary part", "실수부와 허수부를 나누어")
    if hasattr(x, "tocsr"):  # a sparse array of SciPy's
        kind, cure = type(x).__name__, ("x.toarray(), or the array of its values", "x.toarray()나 값의 배열을")
    elif isinstance(x, complex) or getattr(getattr(x, "dtype", None), "kind", "") == "c":
        kind = str(getattr(x, "dtype", "complex"))
    else:
        return
    raise explain(
        TypeError(f"the input {place!r} is {kind}, of which no gradient can be checked: pass {cure[0]}"),
        f"입력 {place!r}의 종류: {kind}. 기울기를 확인할 수 없는 입력입니다. {cure[1]} 넘기십시오.",
    )
