"""What a checkpoint must hold, field by field: all of it is judged before any of it is used."""

import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from reprlib import repr as shortened
from typing import Any, NamedTuple

import numpy as np

from tinygrad_ko.errors import explain

LARGEST = sys.float_info.max


class Must(NamedTuple):
    """What a field must be: in words, and as a condition."""

    be: str
    holds: Callable[[Any], bool]


Fields = Mapping[str, "Must | Fields"]


def whole(least: int, below: int | None = None) -> Must:
    """A whole number in a range."""
    words = f"a whole number from {least}" if below is None else f"a whole number from {least} to {below - 1}"
    return Must(words, lambda x: type(x) is int and x >= least and (below is None or x < below))


def number(least: float = 0.0, most: float = LARGEST, *, zero: bool = True) -> Must:
    """A finite number in a range, which may leave out its lower end."""
    words = f"a number from {least:g} to {most:g}" if zero else f"a number above {least:g}"
    return Must(words, lambda x: type(x) in (int, float) and least <= x <= most and (zero or x > least))


def one_of(names: Collection[str]) -> Must:
    """One of some names."""
    return Must(f"one of {', '.join(names)}", lambda x: isinstance(x, str) and x in names)


def none_or(must: Must) -> Must:
    """The same, or nothing."""
    return Must(f"null or {must.be}", lambda x: x is None or must.holds(x))


def all_of(must: Must) -> Must:
    """A list of such things."""
    return Must(f"a list, each {must.be}", lambda x: type(x) is list and all(map(must.holds, x)))


def rows_of(fields: Fields) -> Must:
    """A list of rows with these fields."""
    return all_of(Must(f"a row of {', '.join(fields)}", lambda x: fits(x, fields)))


def fits(values: Any, fields: Fields) -> bool:
    """Whether the values are these fields and each is what it must be."""
    try:
        judge(Path(), values, fields)
    except ValueError:
        return False
    return True


def array(shape: tuple[int | None, ...], dtype: Any, least: float, most: float) -> Must:
    """An array of numbers in a range; None stands for any length."""
    words = f"an array of {np.dtype(dtype)}, shape {shape}, from {least:g} to {most:g}, no NaN"

    def holds(x: Any) -> bool:
        like = x.dtype == dtype and len(x.shape) == len(shape)
        like = like and all(n in (None, length) for n, length in zip(shape, x.shape, strict=True))
        return bool(like and np.all(least <= x) and np.all(x <= most))

    return Must(words, holds)


GENERATOR: Fields = {  # PCG64, as numpy.random.default_rng makes it
    "bit_generator": one_of(["PCG64"]),
    "state": {"state": whole(0, 2**128), "inc": whole(0, 2**128)},
    "has_uint32": whole(0, 2),
    "uinteger": whole(0, 2**32),
}
EPOCH: Fields = {  # a row of the history
    "epoch": whole(1),
    "iteration": whole(1),
    "loss": number(-LARGEST),
    "train_accuracy": number(0, 1),
    "test_accuracy": number(0, 1),
}


def judge(path: Path, values: Any, fields: Fields, where: str = "") -> None:
    """Raise ValueError, with the name of the field, unless the values are these fields and each is what it must be."""
    if not isinstance(values, dict):
        raise unfit(path, f"{where or 'about'} must be an object with fields, not {shortened(values)}")
    for name in sorted(fields.keys() ^ values.keys()):
        raise unfit(path, f"{where}{'.' if where else ''}{name} is {'missing' if name in fields else 'unknown'}")
    for name, must in fields.items():
        full = f"{where}.{name}" if where else name
        if not isinstance(must, Must):
            judge(path, values[name], must, full)
        elif not must.holds(values[name]):
            raise unfit(path, f"{full} must be {must.be}, not {described(values[name])}")


def described(value: Any) -> str:
    """A value, shortly."""
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else shortened(value)


def unfit(path: Path, why: str) -> ValueError:
    """The error for a checkpoint that is whole, but not one of this version."""
    return explain(
        ValueError(f"{path} is not a checkpoint of this version ({why})"),
        f"{path}: 이 버전에서 만든 체크포인트가 아닙니다. 맞지 않는 항목: {why.split()[0]}",
    )
