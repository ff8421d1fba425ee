"""The one table that all tests of the rule book are made from: a row for every op, gathered from the files in `rows`.

A file of rows has `ROWS` and, where a mutant of one of its ops is right too, `EQUIVALENT`: the mutant, and why nobody can catch it.
"""

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.ops.domains import Row

HERE = Path(__file__).parent
FILES = [importlib.import_module(f"tests.ops.rows.{m.name}") for m in pkgutil.iter_modules([str(HERE / "rows")])]

ROWS: dict[Callable[..., Any], Row] = {f: row for file in FILES for f, row in file.ROWS.items()}
EQUIVALENT: dict[str, dict[str, str]] = {
    op: why for file in FILES for op, why in vars(file).get("EQUIVALENT", {}).items()
}
OPS = {f.__name__: f for f in ROWS if hasattr(f, "op")}
