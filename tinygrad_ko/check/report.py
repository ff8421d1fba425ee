"""What a gradient check has found: every projection, a table of them, and who is to blame."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from tinygrad_ko.check.slope import Slope, tolerance

Verdict = Literal["agrees", "subgradient", "mismatch", "undecided"]


@dataclass(frozen=True)
class Projection:
    """One number of the gradient, <J^T c, d> for a random cotangent c and direction d: by the formulas, and measured.

    `size` is the sum of the absolute terms of the analytic value: what it was rounded from.
    """

    order: int
    argument: str
    analytic: float
    size: float
    slope: Slope
    verdict: Verdict

    @property
    def difference(self) -> float:
        """How far the two are apart."""
        return abs(self.analytic - self.slope.value)

    @property
    def tolerance(self) -> float:
        """How far they may be apart: twice the claim of the measurement, and the round-off of the analytic value."""
        return tolerance(self.slope.claim, self.size)


@dataclass(frozen=True)
class Blame:
    """Where a gradient is wrong: one entry of it, the values there, and what its ratio to the true one suggests.

    `entry` names the derivative, such as `d out[0] / d x[0, 3]`. Where one operation is at fault, `op` is its name and
    `formula` the place of the formula; in a larger graph `line` is the line of the user's code that called it, and `scope` the
    modules it was called in.
    """

    argument: str
    entry: str
    index: tuple[int, ...]
    analytic: float
    numeric: float
    claim: float
    suggestion: str
    korean: str
    there: str = ""
    op: str | None = None
    formula: str | None = None
    line: str | None = None
    scope: tuple[str, ...] = ()

    @property
    def ratio(self) -> float:
        """Analytic over numeric; infinite where the true derivative is 0."""
        return self.analytic / self.numeric if self.numeric else float("inf")


@dataclass
class Report:
    """The result of a gradient check; it prints as a table.

    `verdict` is `agrees` (every projection did), `mismatch` or `undecided` (`unfinished` where f raised an error). `numbers`
    is how many numbers the checked arguments hold, `evaluations` how often f was computed.
    """

    name: str
    verdict: Literal["unfinished", "agrees", "mismatch", "undecided"] = "unfinished"
    projections: list[Projection] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    numbers: int = 0
    evaluations: int = 0
    blame: Blame | None = None

    def rows(self) -> list[dict[str, Any]]:
        """One row for each argument and order, of its worst projection: what the table shows, as plain values."""
        found: dict[tuple[int, str], list[Projection]] = {}
        for p in self.projections:
            found.setdefault((p.order, p.argument), []).append(p)
        rows = []
        for (order, argument), projections in found.items():
            worst = max(projections, key=lambda p: (p.verdict == "mismatch", p.verdict == "undecided", p.difference))
            row: dict[str, Any] = {"argument": argument, "shape": self.shapes.get(argument), "order": order}
            row |= {"projections": len(projections), "analytic": worst.analytic, "numeric": worst.slope.value}
            row |= {"difference": worst.difference, "claim": worst.slope.claim, "tolerance": worst.tolerance}
            row |= {"evaluations": sum(p.slope.evaluations for p in projections)}
            rows.append(row | {"kind": worst.slope.kind, "verdict": worst.verdict})
        return rows

    def table(self) -> list[str]:
        """The rows as lines of text, and the remarks."""
        lines = []
        table = [
            ("argument", "shape", "order", "projections", "formulas", "difference", "claim", "evaluations", "verdict")
        ]
        for row in self.rows():
            shape = "" if row["shape"] is None else str(row["shape"])
            worst = [f"{row['analytic']:.6g}", f"{row['difference']:.1e}", f"{row['claim']:.1e}"]
            verdict = row["verdict"] if row["kind"] == "smooth" else f"{row['verdict']} ({row['kind']})"
            counts = str(row["order"]), str(row["projections"])
            table.append((row["argument"], shape, *counts, *worst, str(row["evaluations"]), verdict))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        if len(table) > 1:
            lines += [
                "  " + "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in table
            ]
        return [*lines, *(f"  * {remark}" for remark in self.remarks)]

    def __str__(self) -> str:
        says = {"agrees": "the gradient agrees", "mismatch": "the gradient is wrong"}.get(self.verdict, self.verdict)
        head = f"{self.name}: {says}; {self.evaluations:,} evaluations"
        if self.verdict == "agrees" and 2 * self.numbers > self.evaluations:
            head += f" (one number at a time would take {2 * self.numbers:,})"
        return "\n".join([head, *self.table()])

    __repr__ = __str__


class GradientMismatch(AssertionError):
    """The analytic gradient is not the slope of the function. `report` has all that was measured, `report.blame` where."""

    report: Report


class GradientUndecided(AssertionError):
    """The slope cannot be seen well enough to say whether the gradient is right: that is no pass. `report` says why."""

    report: Report


listeners: list[Callable[[Report], None]] = []  # told of every finished check; the pytest plugin counts them


@contextmanager
def unheard() -> Iterator[None]:
    """Nobody is told of the checks in this block: they are parts of another, or meant to fail."""
    heard, listeners[:] = listeners[:], []
    try:
        yield
    finally:
        listeners[:] = heard
