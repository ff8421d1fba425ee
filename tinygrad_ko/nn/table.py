"""The rows of a summary, what a layer returned and what it holds, and the table that they are printed as."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from unicodedata import east_asian_width

_DEEPEST = 12  # so many levels are indented
_OUTPUTS = 4  # and so many outputs of one layer are listed


class Output(NamedTuple):
    """One value that a layer returned, and its name or place there. What is no array has the shape None, and as dtype its type."""

    name: str
    shape: tuple[int, ...] | None
    dtype: str


@dataclass
class Row:
    """One call of a layer (0: none), what it returned, and, in the row of its first call, what it holds itself."""

    path: str
    layer: str
    depth: int = 0
    call: int = 0
    outputs: list[Output] = field(default_factory=list)
    parameters: int = 0
    bytes: int = 0


def outputs_of(value: Any, name: str = "") -> list[Output]:
    """What a layer returned, taken out of tuples, lists and dicts."""
    if isinstance(value, tuple | list | dict) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [out for key, item in items for out in outputs_of(item, f"{name}.{key}" if name else str(key))]
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return [Output(name, tuple(value.shape), str(value.dtype))]
    return [Output(name, None, "None" if value is None else type(value).__name__)]


def call_text(inputs: tuple[Any, ...], options: dict[str, Any]) -> str:
    """What a layer is called with, in a sentence: `(100, 784) float64`."""
    given = [out for value in (inputs, options) if value for out in outputs_of(value)]
    return _shortened([_shape_text(out) + (f" {out.dtype}" if out.shape is not None else "") for out in given])


def _shortened(texts: list[str]) -> str:
    more = [f"... {len(texts) - _OUTPUTS:,} more"] if len(texts) > _OUTPUTS else []
    return ", ".join(texts[:_OUTPUTS] + more)


def cells(rows: list[Row]) -> Iterator[tuple[str, ...]]:
    """The rows as text: name, shapes, dtypes, parameters, bytes. A path is told from that of the row around it."""
    outer: list[str] = []  # the paths of the rows around this one
    for row in rows:
        del outer[row.depth :]
        path = row.path.removeprefix(f"{outer[-1]}.") if outer and outer[-1] else row.path
        outer.append(row.path)
        name = "  " * min(row.depth, _DEEPEST) + (f"[{row.depth}] " if row.depth > _DEEPEST else "")
        name += f"{path} {row.layer}".strip() + (f" (call {row.call})" if row.call > 1 else "")
        shown = _shortened([*map(_shape_text, row.outputs)]) if row.call else "not called"
        dtypes = dict.fromkeys(out.dtype for out in row.outputs if out.shape is not None)
        counts = [f"{row.parameters:,}", f"{row.bytes:,}"] if row.parameters else ["", ""]
        yield name, shown, ", ".join(dtypes), *counts


def _shape_text(out: Output) -> str:
    text = out.dtype if out.shape is None else str(out.shape)
    return text if out.name.replace(".", "").isdecimal() or not out.name else f"{out.name} {text}"


def aligned(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Lines of text under each other; numbers stand at the right."""
    chosen = [columns, *(row if len(columns) == len(row) else (row[0], *row[-2:]) for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*chosen, strict=True)]
    lines = []
    for row in chosen:
        gaps = [" " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True)]
        left = [cell + gap for cell, gap in zip(row[:-2], gaps, strict=False)]
        lines.append("  ".join([*left, gaps[-2] + row[-2], gaps[-1] + row[-1]]).rstrip())
    return lines


def _width(text: str) -> int:
    """How many columns of a terminal a text takes: a Korean letter takes two."""
    return sum(1 + (east_asian_width(letter) in "WF") for letter in text)
