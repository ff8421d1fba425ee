"""Writes docs/rules.md, the table of the rule book, from the rule book itself: `python -m docs.rules`.

A function's text is the first paragraph of its docstring, its gradients are the source of its formulas, what it keeps is
what those name. Dtypes are tried out at a call from the tests' own table, which is also what the judge checks it with.
"""

import importlib
import inspect
import pkgutil
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_ko as tg
from tests.ops.domains import Row, sample
from tests.ops.table import EQUIVALENT, ROWS
from tinygrad_ko import ops
from tinygrad_ko.runtime.source import formula_text

TARGET = Path(__file__).with_name("rules.md")
HEAD = """# The rule book

Written by `python -m docs.rules` from the rule book itself; a test holds it to that. Functions marked with `tg.linalg` or `tg.special`
live there.

Every function here is held against the numerical judge at **orders 1 and 2**, and in float32, at shapes, axes and values that
Hypothesis draws; {mutants:,} mistakes were put into the formulas one at a time, and the judge (or, where slopes are infinite, limits that
are written down) caught all but {equivalent} that are right too at both orders, each listed with the reason; and each function runs on
the arrays of any library of the array API standard.
*Dtypes* are the floats that come out as they went in, and what integers become; float16 is computed in float32 and rounded once.
The convention at a kink holds at every order: so `relu(x) - relu(-x)` has the slope 0 at 0, and the square of a length, such as
`abs(x) ** 2`, has the second derivative 0 where the length is 0. Write `x`, `x * x`, `sum(x * x)` or `var(x)`, which are smooth.
In a formula `g` is the gradient of the output and `out` the output. *Keeps* is what a graph holds on to until backward.

"""


def public() -> dict[Any, str]:
    """Every public function of the rule book, with the name that users call it by."""
    names: dict[Any, str] = {}
    for home, room in (("tg", tg), ("tg.linalg", tg.linalg), ("tg.special", tg.special)):
        for name in getattr(room, "__all__", ()):
            value = getattr(room, name)
            if inspect.isfunction(value) and value.__module__.startswith(ops.__name__ + "."):
                names.setdefault(value, f"{home}.{name}")
    return names


def sections() -> Iterator[tuple[str, str, list[Any]]]:
    """The files of the rule book in the order of their names: path, first line, the functions defined there."""
    names = public()
    for info in pkgutil.walk_packages(ops.__path__, f"{ops.__name__}."):
        module = importlib.import_module(info.name)
        here = [f for f in vars(module).values() if inspect.isfunction(f) and f.__module__ == module.__name__]
        found = [f for f in dict.fromkeys(here) if f in names]
        if found:
            yield info.name.removeprefix(f"{tg.__name__}.").replace(".", "/"), paragraph(module).rstrip("."), found


def paragraph(documented: Any) -> str:
    """The first paragraph of a docstring, on one line."""
    return re.sub(r"\s+", " ", (inspect.getdoc(documented) or "").split("\n\n")[0]).strip()


def behind(function: Any) -> list[Any]:
    """The ops that a public function stands for: itself, or those of its file that carry its name."""
    if hasattr(function, "op"):
        return [function.op]
    room = vars(importlib.import_module(function.__module__)).values()
    return [f.op for f in room if hasattr(f, "op") and f.op.name == function.__name__]


def formula(slope: Any) -> str:
    """The source of a formula: the expression, or for a function with a name of its own that name."""
    if slope is None:
        return "none"
    return f"`{cell(formula_text(slope))}`" if slope.__name__ == "<lambda>" else f"{formula_text(slope)}, in its file"


def gradients(function: Any) -> str:
    """The formulas of the ops behind a function: of its arguments, and of the kept values that these name."""
    lines = []
    for record in behind(function):
        for name, slope in record.formulas.items():
            if name in record.arguments:
                lines.append(f"{name}: {formula(slope)}")
            elif slope is not None:
                lines.append(f"where {name} is {formula(slope)}")
    return "<br>".join(lines)


def kept(function: Any) -> str:
    return ", ".join(dict.fromkeys(f"`{word}`" for record in behind(function) for word in record.saved))


def cell(text: str) -> str:
    """A text that stands in a cell of a table."""
    return text.replace("|", "\\|")


def outcomes(function: Any, row: Row, dtype: Any) -> Iterator[Any]:
    """What comes out of the calls of the table, the smallest first, with their numbers in another dtype, recorded if it can be."""
    calls = [c for c in sample(row, 3) if any(is_number(a) and a.size for a in c[0])]
    for arguments, options in reversed(calls):
        values = [np.asarray(np.ceil(np.abs(a)), dtype) if is_number(a) else a for a in arguments]
        if np.dtype(dtype).kind == "f":
            values = [tg.Tensor(a, requires_grad=True) if is_number(a) else a for a in values]
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                out = function(*values, **options)
        except np.linalg.LinAlgError:  # a matrix of whole numbers may be singular where that of the call is not
            continue
        except (TypeError, ValueError):
            return
        yield out[0] if isinstance(out, tuple | list) else out


def outcome(function: Any, row: Row, dtype: Any) -> Any:
    """What comes out of the smallest call that is not refused."""
    return next(outcomes(function, row, dtype), None)


def is_number(a: Any) -> bool:
    return isinstance(a, np.ndarray) and a.dtype == float


def tried(public_function: Any) -> tuple[Any, Row] | None:
    """The function that stands in the tests' table: itself, one of its name that makes one result of several, or the op
    behind it. None for what has no gradient and no place there.
    """
    named = [f for f in ROWS if f is public_function or f.__name__ == public_function.__name__]
    found = [*named, *(record.function for record in behind(public_function))]
    return (found[0], ROWS[found[0]]) if found else None


def dtypes(function: Any, row: Row) -> str:
    """The floating dtypes that stay what they are, and what becomes of integers."""
    floats = [d for d in (np.float16, np.float32, np.float64) if getattr(outcome(function, row, d), "dtype", None) == d]
    whole = [str(out.dtype) for out in outcomes(function, row, np.int64) if hasattr(out, "dtype")]
    become = max(
        whole, default=""
    )  # by the alphabet: int64 where some call gives it, though a power of an inverse is float64
    return f"float {' '.join(str(8 * np.dtype(d).itemsize) for d in floats)}" * bool(
        floats
    ) + f", int to {become}" * bool(whole)


def line(function: Callable[..., Any], name: str) -> str:
    """The row of a function."""
    slopes, known = gradients(function), tried(function)
    if not slopes:
        recorded = known and getattr(outcome(*known, np.float64), "requires_grad", False)
        slopes = "composed of other ops" if recorded else "none: a constant"
    signature = cell(f"{name}{inspect.signature(function)}")
    return f"| `{signature}` | {cell(paragraph(function))} | {slopes} | {kept(function)} | {dtypes(*known) if known else ''} |"


def text() -> str:
    """The whole table."""
    from tinygrad_ko.testing import mutants

    names = public()
    made = sum(len(mutants(f)) for f in ROWS if hasattr(f, "op"))
    parts = [HEAD.format(mutants=made, equivalent=sum(map(len, EQUIVALENT.values())))]
    for file, title, functions in sections():
        parts.append(
            f"## {title} (`{file}.py`)\n\n| function | what it computes | gradient | keeps | dtypes |\n|---|---|---|---|---|\n"
        )
        parts.append("\n".join(line(f, names[f]) for f in functions) + "\n\n")
    return "".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
