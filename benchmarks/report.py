"""One table for every figure, as aligned text or as Markdown, and the machine it was measured on."""

import os
import platform
from collections.abc import Iterable
from dataclasses import astuple, dataclass

import numpy as np

from tinygrad_ko.cli import blas

HEAD = ("task", "contender", "CPU time", "against", "quartiles", "best", "page faults", "system", "bar", "met", "why")


@dataclass(frozen=True)
class Row:
    task: str
    contender: str
    figure: str
    against: str = ""
    spread: str = ""
    best: str = ""
    faults: str = ""  # of one call
    in_system: str = ""  # the share of the time that the kernel had
    bar: str = ""
    met: bool | None = None
    why: str = ""  # what explains the figure where it is a large one

    def cells(self) -> tuple[str, ...]:
        return (*astuple(self)[:-2], "" if self.met is None else "yes" if self.met else "NO", self.why)


def duration(seconds: float) -> str:
    """Three digits and a unit.

    >>> duration(0.000189)
    '189 us'
    """
    units = ((1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
    size, unit = next((each for each in units if seconds >= 0.9995 * each[0]), units[-1])
    return f"{float(f'{seconds / size:.3g}'):,g} {unit}"


def aligned(rows: Iterable[Row]) -> str:
    """Columns of text; a task's name is written once."""
    lines = [HEAD, *(row.cells() for row in rows)]
    width = [max(map(len, column)) for column in zip(*lines, strict=True)]
    written, last = [], ""
    for cells in lines:
        shown = ("" if cells[0] == last else cells[0], *cells[1:])
        last = cells[0]
        written.append("  ".join(cell.ljust(n) for cell, n in zip(shown, width, strict=True)).rstrip())
    return "\n".join(written)


def markdown(rows: Iterable[Row]) -> str:
    """The same as a Markdown table."""
    lines = [HEAD, ("---",) * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def kernels() -> str:
    """The library behind NumPy's matmul; where threadpoolctl is installed, also its kernels and threads. Every contender on NumPy
    inherits the same choice of them.
    """
    built = blas.built_with()["Build Dependencies"]["blas"]
    used = [f"{each.get('architecture')} kernels, {each['num_threads']} thread" for each in blas.loaded()]
    asked = os.environ.get("OPENBLAS_CORETYPE")
    chosen = f"OPENBLAS_CORETYPE={asked}" if asked else "OPENBLAS_CORETYPE not set"
    return (
        f"{built['name']} {built['version']} ({'; '.join(used) or 'kernels unknown without threadpoolctl'}; {chosen})"
    )


def machine() -> list[str]:
    """What a reader needs to judge the figures: the machine and how busy it is, and what computes."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return [
        f"{blas.processor()}, {os.cpu_count()} cores{load}, {platform.system()}",
        f"Python {platform.python_version()}, NumPy {np.__version__}, {kernels()}",
    ]
