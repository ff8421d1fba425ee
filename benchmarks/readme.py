"""Writes the tables of the READMEs from the figures: `python -m benchmarks --readme`. What stands around them is written by hand.

A table goes between the markers `<!-- speed: NAME -->` and `<!-- end of NAME -->`, in every file that has them. Contenders are columns.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.comparison import OURS
from benchmarks.report import Row

ROOT = Path(__file__).parents[1]
FILES = (ROOT / "README.md", ROOT / "README.ko.md", ROOT / "docs" / "speed.md")
FIGURES = {
    "memory",
    "import",
    "numerical",
}  # parts whose cells are figures; those of the others are ratios to the yardstick
TABLES = ("steps", "ops", "compiled", "elementwise", "optimizers", "embedding", "functions", *sorted(FIGURES))
BOLD = (OURS, "compiled")
IN_SHORT = "compiled_in_short"  # the table of compiled programs without double precision
MARKED = re.compile(r"<!-- speed: (\w+) -->\n(.*?)<!-- end of \1 -->", re.DOTALL)


def cell(row: Row, figures: bool) -> str:
    """The ratio and its quartiles, or the figure of the yardstick; ours are bold."""
    shown = row.figure if figures or not row.against else row.against
    bold = f"**{shown}**" if row.contender in BOLD else shown
    return bold if shown == row.figure else f"{bold} ({row.spread})"


def goal(row: Row) -> str:
    return row.bar + ", missed" * (row.met is False)


def table(rows: Iterable[Row], figures: bool = False) -> str:
    """A line for each task; with a column for the goals, one for the page faults of ours and one for reasons, where there are any. Ours is
    the contender that has a goal, or else the engine.
    """
    tasks: dict[str, dict[str, Row]] = {}
    for row in rows:
        tasks.setdefault(row.task, {})[row.contender] = row
    contenders = dict.fromkeys(name for found in tasks.values() for name in found)
    nobody = Row("", "", "")
    ours = [next((row for row in found.values() if row.bar), found.get(OURS, nobody)) for found in tasks.values()]
    columns = [["", *tasks]]
    for name in contenders:
        cells = [cell(found[name], figures) if name in found else "" for found in tasks.values()]
        columns.append([f"**{name}**" if name in BOLD else name, *cells])
    columns.append(["goal", *map(goal, ours)])
    columns.append(["page faults of ours", *(row.faults for row in ours)])
    columns.append(["why", *(row.why for row in ours)])
    columns = [column for column in columns if any(column[1:])]
    head, *lines = zip(*columns, strict=True)
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ("---",) * len(head), *lines))


def in_short(rows: Iterable[Row]) -> list[Row]:
    """The rows of single precision, of NumPy by hand and of those that have a compiler."""
    contenders = ("by hand", *BOLD, "torch", "jax.jit")
    return [row for row in rows if not row.task.endswith("float64") and row.contender in contenders]


def filled(text: str, tables: Mapping[str, str]) -> str:
    """The text with these tables between its markers. Raises KeyError for a marker without a table."""
    return MARKED.sub(lambda found: f"<!-- speed: {found[1]} -->\n{tables[found[1]]}<!-- end of {found[1]} -->", text)


def write(parts: Mapping[str, list[Row]], circumstances: list[str]) -> None:
    """All tables of all files."""
    tables = {name: table(rows, name in FIGURES) for name, rows in parts.items()}
    tables[IN_SHORT] = table(in_short(parts["compiled"]))
    tables["circumstances"] = "; ".join(circumstances) + "\n"
    texts = {path: filled(path.read_text(encoding="utf-8"), tables) for path in FILES}
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
