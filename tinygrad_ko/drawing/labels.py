"""The text in labels and tooltips: a value, a shape, an operation, in few words."""

import re
from collections.abc import Iterator
from functools import lru_cache
from inspect import Parameter, getdoc
from pathlib import PurePath
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.arrays.memory import bytes_of
from tinygrad_ko.drawing.escape import shortened
from tinygrad_ko.drawing.vertices import Vertex, as_numpy
from tinygrad_ko.engine.graph import Node
from tinygrad_ko.engine.rule import Op
from tinygrad_ko.runtime.source import formula_text
from tinygrad_ko.state.saved import wholes

_ROWS, _COLUMNS = 3, 4  # an array of so many numbers is shown whole
FEW = 12  # numbers of an array that are read one by one
_LONGEST = 28  # characters of an option
_EPS = np.finfo(np.float64).eps


def _number(x: Any, digits: int = 4) -> str:
    """A number with so many significant digits; with all before the point up to ten million; a whole one with all of its own."""
    if not isinstance(x, float | np.floating):
        return str(x)
    x = float(x) + 0.0  # so that -0 is 0
    return f"{x:.0f}" if 10.0**digits <= abs(x) < 1e7 else f"{x:.{digits}g}"


def value_lines(value: Any) -> list[str]:
    """An array or number in few lines: its numbers if they are few, else how they are distributed."""
    x = as_numpy(value)
    if x is None:
        return [type(value).__name__]
    if x.size == 0:
        return ["empty"]
    if x.ndim == 0:
        return [_number(x[()])]
    if x.ndim <= 2 and x.size // x.shape[-1] <= _ROWS and x.shape[-1] <= _COLUMNS:
        return ["  ".join(map(_number, row)) for row in x.reshape(-1, x.shape[-1])]
    return list(_distribution(x))


def brief(value: Any) -> str:
    """An array or number on one line."""
    x = as_numpy(value)
    said = "; ".join(value_lines(value)).replace("  ", " ")
    return (
        said if x is None or x.ndim == 0 else f"[{said}]" if x.size <= FEW else f"{'×'.join(map(str, x.shape))}[{said}]"
    )


def _distribution(x: Array) -> Iterator[str]:
    if x.dtype == bool:
        yield f"True {np.count_nonzero(x):,} of {x.size:,}"
        return
    finite = x[np.isfinite(x)]
    if finite.size and finite.min() == finite.max():
        yield f"{'all' if finite.size == x.size else 'else'} {_number(finite[0])}"
    elif finite.size:
        if x.dtype.kind == "f":
            wide = finite.astype(np.float64)
            scale = float(np.max(np.abs(wide)))  # so that squares of large numbers stay finite
            mean, std = np.mean(wide / scale), np.std(wide / scale)
            mean *= abs(mean) > _EPS  # else it is round-off
            yield f"{_number(mean * scale, 3)} ± {_number(std * scale, 3)}"
        yield f"{_number(finite.min(), 3)} … {_number(finite.max(), 3)}"
    if finite.size < x.size:
        nans = int(np.count_nonzero(np.isnan(x)))
        infinite = x.size - finite.size - nans
        yield ", ".join(f"{n:,} {name}" for n, name in ((nans, "NaN"), (infinite, "infinite")) if n)


def byte_size(count: int) -> str:
    """A number of bytes: `8 B`, `314 kB`, `4 MB`."""
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= one:
            return f"{float(f'{count / one:.3g}'):g} {unit}"
    return f"{count} B"


def counted(n: int, noun: str) -> str:
    """How many there are of something: `1 parameter`, `2,084 parameters`."""
    return f"{n:,} {noun}{'s' * (n != 1)}"


def kind_of(vertex: Vertex) -> str:
    """Shape and dtype, as far as they are known: `(100, 50) float64`; a single number has no shape to speak of."""
    if vertex.shape is None:
        return ""
    return " ".join([str(vertex.shape)] * bool(vertex.shape) + [str(vertex.dtype)] * (vertex.dtype is not None))


def memory(node: Node) -> dict[str, int]:
    """The bytes of each saved value of a node, by its word."""
    taken = {word: sum(map(bytes_of, wholes(value).values())) for word, value in node.saved.items()}
    return {word: count for word, count in taken.items() if count}


def options(node: Node) -> list[str]:
    """The options that an operation was called with, where they are not the usual ones and were seen: `axis=1`."""
    if not node.seen:
        return []
    usual = {p.name: p.default for p in node.op.signature.parameters.values()}
    told = {name: v for name, v in node.seen.options.items() if not _same(v, usual.get(name, Parameter.empty))}
    return [f"{shortened(name, _LONGEST)}={brief_option(v)}" for name, v in told.items() if _is_plain(v)]


def _is_plain(value: Any) -> bool:
    """Whether a user could have written an option: what an operation has made for itself says little."""
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return hasattr(value, "shape") or isinstance(value, bool | int | float | str | slice | type(None) | type(Ellipsis))


def _same(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and not hasattr(a, "shape") and bool(a == b))


def brief_option(value: Any) -> str:
    """An option in few characters."""
    if hasattr(value, "shape") and value.shape:
        return f"{value.dtype} {value.shape}"
    if isinstance(value, slice):
        parts = [value.start, value.stop, *([] if value.step is None else [value.step])]
        return ":".join("" if part is None else brief_option(part) for part in parts)
    if isinstance(value, tuple | list) and any(isinstance(part, slice) or hasattr(part, "shape") for part in value):
        return shortened("[" + ", ".join(map(brief_option, value)) + "]", _LONGEST)
    text = "..." if value is Ellipsis else re.sub(r" at 0x[0-9a-f]+", "", repr(value))  # the same in every run
    return shortened(text, _LONGEST)


def explanation(node: Node) -> str:
    """All that is known of an operation, for a tooltip: what it computes, its formulas, what it saves, who called it."""
    lines = [_rule(node.op)]
    if taken := memory(node):
        lines.append(f"keeps {', '.join(f'{word} {byte_size(count)}' for word, count in taken.items())}")
    if node.seen and node.seen.line:
        lines.append(f"called at {PurePath(node.seen.line).name}")
    return "\n".join(lines)


@lru_cache(maxsize=1024)
def _rule(op: Op) -> str:
    summary = (getdoc(op.function) or "").split("\n\n")[0].replace("\n", " ")
    formulas = [(a, formula) for a, formula in op.formulas.items() if formula and a in op.arguments]
    lines = [f"{op.name}({', '.join(op.arguments)})", *filter(None, [summary])]
    return "\n".join([*lines, *(f"gradient of {a}: {formula_text(formula)}" for a, formula in formulas)])
