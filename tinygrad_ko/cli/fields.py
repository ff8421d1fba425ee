"""The fields of a checkpoint: what each must hold. All of a checkpoint is validated before any of it is used."""

import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from reprlib import repr as shortened
from typing import Any, NamedTuple

import numpy as np

from tinygrad_ko.errors import explain

LARGEST = sys.float_info.max


class Field(NamedTuple):
    """What a field must be: in words of both languages, and as a condition."""

    text: str
    korean: str
    holds: Callable[[Any], bool]


Fields = Mapping[str, "Field | Fields"]


def whole_number(least: int, below: int | None = None) -> Field:
    """A whole number in a range."""
    text, korean = f"a whole number from {least}", f"{least} 이상인 정수"
    if below is not None:
        text, korean = f"{text} to {below - 1}", f"{least} 이상 {below - 1} 이하인 정수"
    return Field(text, korean, lambda x: type(x) is int and x >= least and (below is None or x < below))


def real_number(least: float = 0.0, most: float = LARGEST, *, zero: bool = True) -> Field:
    """A finite number in a range, which may leave out its lower end."""
    text, korean = f"a number from {least:g} to {most:g}", f"{least:g} 이상 {most:g} 이하인 수"
    if not zero:
        text, korean = f"a number above {least:g}", f"{least:g}보다 큰 수"
    return Field(text, korean, lambda x: type(x) in (int, float) and least <= x <= most and (zero or x > least))


def one_of(names: Collection[str]) -> Field:
    """One of some names."""
    shown = ", ".join(names)
    return Field(f"one of {shown}", f"{shown} 중 하나", lambda x: isinstance(x, str) and x in names)


def optional(field: Field) -> Field:
    """The same, or nothing."""
    return Field(f"null or {field.text}", f"null 또는 {field.korean}", lambda x: x is None or field.holds(x))


def list_field(field: Field) -> Field:
    """A list of such things."""
    holds = lambda x: type(x) is list and all(map(field.holds, x))
    return Field(f"a list, each {field.text}", f"목록(원소: {field.korean})", holds)


def rows_of(fields: Fields) -> Field:
    """A list of rows with these fields."""
    names = ", ".join(fields)
    return list_field(Field(f"a row of {names}", f"항목이 {names}인 행", lambda x: not any(_faults(x, fields))))


def array_of(shape: tuple[int | None, ...], dtype: Any, least: float, most: float) -> Field:
    """An array of numbers in a range; None stands for any length."""
    kind = np.dtype(dtype)
    text = f"an array of {kind}, shape {shape}, from {least:g} to {most:g}, no NaN"
    korean = f"배열(자료형 {kind}, 형상 {shape}, {least:g} 이상 {most:g} 이하, NaN 없음)"

    def holds(x: Any) -> bool:
        like = x.dtype == dtype and len(x.shape) == len(shape)
        like = like and all(n in (None, length) for n, length in zip(shape, x.shape, strict=True))
        return bool(like and np.all(least <= x) and np.all(x <= most))

    return Field(text, korean, holds)


GENERATOR: Fields = {  # PCG64, as numpy.random.default_rng makes it
    "bit_generator": one_of(["PCG64"]),
    "state": {"state": whole_number(0, 2**128), "inc": whole_number(0, 2**128)},
    "has_uint32": whole_number(0, 2),
    "uinteger": whole_number(0, 2**32),
}
EPOCH: Fields = {  # a row of the history
    "epoch": whole_number(1),
    "iteration": whole_number(1),
    "loss": real_number(-LARGEST),
    "train_accuracy": real_number(0, 1),
    "test_accuracy": real_number(0, 1),
}


def require_fields(path: Path, values: Any, fields: Fields) -> None:
    """Raise ValueError, with the name of the field, unless the values are these fields and each is what it must be."""
    for fault in _faults(values, fields):
        raise unfit(path, *fault)


def _faults(values: Any, fields: Fields, where: str = "") -> Iterator[tuple[str, str]]:
    if not isinstance(values, dict):
        name, shown = where or "about", shortened(values)
        yield f"{name} must be an object with fields, not {shown}", f"{name}(필요한 값: 객체, 저장된 값: {shown})"
        return
    prefix = where and f"{where}."
    for name in sorted(fields.keys() - values.keys()):
        yield f"{prefix}{name} is missing", f"{prefix}{name}(빠져 있음)"
    for name in sorted(values.keys() - fields.keys()):
        yield f"{prefix}{name} is unknown", f"{prefix}{name}(알 수 없는 항목)"
    for name, field in fields.items():
        if name not in values:
            continue
        value, full = values[name], prefix + name
        if not isinstance(field, Field):
            yield from _faults(value, field, full)
        elif not field.holds(value):
            shown = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else shortened(value)
            yield f"{full} must be {field.text}, not {shown}", f"{full}(필요한 값: {field.korean}, 저장된 값: {shown})"


def unfit(path: Path, why: str, korean: str) -> ValueError:
    """The error for a checkpoint that can be read, but is not one of this version."""
    return explain(
        ValueError(f"{path} is not a checkpoint of this version ({why})"),
        f"{path}: 이 버전에서 만든 체크포인트가 아닙니다. 맞지 않는 항목: {korean}",
    )
