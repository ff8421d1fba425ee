"""The result of a gradient check: every projection, a table of them, and the diagnosis of a wrong gradient."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from math import inf
from typing import Any, Literal

from tinygrad_ko.check.reports.record import CheckCall, as_json, loaded_versions, point
from tinygrad_ko.check.slopes.slope import EPS, HasError, Slope, tolerance

Verdict = Literal["agrees", "subgradient", "mismatch", "undecided"]
_COLUMNS = ("argument", "shape", "order", "projections", "{}", "difference", "error", "evaluations", "verdict")


@dataclass(frozen=True)
class Projection:
    """One number of the gradient, <J^T c, d> for a random cotangent c and direction d: by the formulas, and measured.

    `size` is the sum of the absolute terms of the analytic value, which its round-off is relative to (`eps`); `rtol` is how exactly f
    is computed, by what the caller said.
    """

    order: int
    argument: str
    analytic: float
    size: float
    slope: Slope
    verdict: Verdict
    rtol: float = 0.0
    eps: float = EPS

    @property
    def difference(self) -> float:
        return abs(self.analytic - self.slope.value)

    @property
    def tolerance(self) -> float:
        """The distance allowed: twice the error estimate of the measurement, the round-off of the analytic value, and `rtol` of its
        size.
        """
        return tolerance(self.slope.error, self.size, self.eps) + self.rtol * self.reference

    @property
    def reference(self) -> float:
        """The size of what is compared."""
        return max(self.size, abs(self.slope.value))

    @property
    def resolution(self) -> float:
        """The relative error that would just be seen; infinite where both slopes are 0."""
        return self.tolerance / self.reference if self.reference else inf


@dataclass(frozen=True)
class Blame(HasError):
    """The diagnosis of a wrong gradient: one entry of it, the values there, and what its ratio to the true one suggests.

    `entry` names the derivative, such as `d out[0] / d x[0, 3]`. Where one operation is wrong, `op` is its name and
    `formula` the place of the formula; in a larger graph `line` is the line of the user's code that called it, `scope` the
    modules it was called in, and `turn` which call of how many at that line it is. `outside`: the argument of that operation was computed
    outside the graph.
    """

    argument: str
    entry: str
    index: tuple[int, ...]
    analytic: float
    numeric: float
    error: float
    suggestion: str
    korean: str
    there: str = ""
    op: str | None = None
    formula: str | None = None
    line: str | None = None
    scope: tuple[str, ...] = ()
    turn: tuple[int, int] = (1, 1)
    outside: bool = False

    @property
    def ratio(self) -> float:
        """Analytic over numeric; infinite where the true derivative is 0."""
        return self.analytic / self.numeric if self.numeric else float("inf")


@dataclass
class Report:
    """The result of a gradient check; it prints as a table. Its first line has the resolution: a relative error above it would be seen.

    `verdict` is `agrees` (every projection did), `mismatch` or `undecided` (`unfinished` where f raised an error). `numbers`
    is how many numbers the checked arguments hold, `evaluations` how often f was computed. `points` holds the inputs, by name, as they were
    checked. `tg.draw(report)` draws the function, if it has a graph, with the operation that is blamed.
    """

    name: str
    verdict: Literal["unfinished", "agrees", "mismatch", "undecided"] = "unfinished"
    projections: list[Projection] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    numbers: int = 0
    evaluations: int = 0
    blame: Blame | None = None
    nearby: set[int] = field(
        default_factory=set
    )  # the orders at which all arguments together were measured a thousandth away too
    doubt: tuple[str, str] | None = None  # why it is undecided, in both languages
    call: CheckCall | None = None
    points: dict[str, Any] = field(default_factory=dict)
    has_graph: bool = False
    column: str = "formulas"  # what the gradient is computed by, above its values

    def script(self) -> str:
        """Python of a few lines that makes this check again, to paste into an issue: imports, the functions, the inputs, the call.

        A function that cannot be imported stands there with its source if that is complete in itself; what cannot be written down is left
        open, with a comment that says what belongs there.
        """
        return self.call.script() if self.call else ""

    def certificate(self, mutants: Any = None) -> dict[str, Any]:
        """What a build server keeps of a check, as plain values that JSON can hold: the verdict, the points at which it was checked, for
        each argument what was compared and how finely, and the versions of all that it depends on.

        `mutants` is a MutationScore of the same function: how many wrong formulas the check that it was given caught.

        >>> import tinygrad_ko as tg
        >>> found = tg.check_gradient(tg.tanh, [0.5, -1.0]).certificate()
        >>> found["verdict"], found["points"]["x"]["values"], found["options"]["effort"]
        ('agrees', [0.5, -1.0], 'usual')
        """
        options = dict(self.call.options) if self.call else {}
        options |= {"rng": options["rng"] if isinstance(options.get("rng"), int) else None} if options else {}
        found = {"name": self.name, "verdict": self.verdict, "evaluations": self.evaluations, "numbers": self.numbers}
        found |= {"rows": self.rows(), "remarks": self.remarks}
        found |= {"blame": self.blame and asdict(self.blame) | {"ratio": self.blame.ratio}}
        found |= {"check": self.call.check if self.call else "check_gradient", "options": options}
        found |= {"points": {label: point(x) for label, x in self.points.items()}, "versions": loaded_versions()}
        if mutants is not None:
            of = {"total": mutants.total, "caught": mutants.caught}
            found["mutants"] = of | {name: list(map(str, getattr(mutants, name))) for name in ("survived", "undecided")}
        plain: dict[str, Any] = as_json(found)
        return plain

    def rows(self) -> list[dict[str, Any]]:
        """One row for each argument and order, of its worst projection: what the table shows, as plain values."""
        found: dict[tuple[int, str], list[Projection]] = {}
        for p in self.projections:
            found.setdefault((p.order, p.argument), []).append(p)
        rows = []
        for (order, argument), projections in found.items():
            worst = max(projections, key=lambda p: (p.verdict == "mismatch", p.verdict == "undecided", p.difference))
            row: dict[str, Any] = {"argument": argument, "shape": self.shapes.get(argument), "order": order}
            row |= {
                "projections": len(projections) + (order in self.nearby),
                "analytic": worst.analytic,
                "numeric": worst.slope.value,
            }
            row |= {"difference": worst.difference, "error": worst.slope.error, "tolerance": worst.tolerance}
            row |= {"resolution": worst.resolution, "evaluations": sum(p.slope.evaluations for p in projections)}
            rows.append(row | {"kind": worst.slope.kind, "verdict": worst.verdict})
        return rows

    def table(self) -> list[str]:
        table = [[name.format(self.column) for name in _COLUMNS]]
        for row in self.rows():
            cells = row | {self.column: f"{row['analytic']:.6g}", "shape": "" if row["shape"] is None else row["shape"]}
            cells |= {name: f"{row[name]:.1e}" for name in ("difference", "error")}
            cells["verdict"] += f" ({row['kind']})" if row["kind"] != "smooth" else ""
            table.append([str(cells[name]) for name in table[0]])
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [f"  {'  '.join(map(str.ljust, line, widths))}".rstrip() for line in table] if len(table) > 1 else []
        return [*lines, *(f"  * {remark}" for remark in self.remarks)]

    def __str__(self) -> str:
        says = {"agrees": "the gradient agrees", "mismatch": "the gradient is wrong"}.get(self.verdict, self.verdict)
        seen = [p for p in self.projections if p.verdict == "agrees" and p.resolution <= max(1e-3, 10 * p.rtol)]
        how_well = ""
        if self.verdict == "agrees" and seen:
            if rtol := seen[0].rtol:
                off = max(p.difference / (p.reference or 1) for p in seen)
                says += f" to {off:.1e}, within rtol={rtol:g} and what can be seen"
            how_well = f"resolution {max(p.resolution for p in seen):.0e}, "
        head = f"{self.name}: {says}; {how_well}{self.evaluations:,} evaluations"
        if self.verdict == "agrees" and 2 * self.numbers > self.evaluations:
            head += f" (one number at a time would take {2 * self.numbers:,})"
        return "\n".join([head, *self.table()])

    __repr__ = __str__


class GradientMismatch(AssertionError):
    """The analytic gradient is not the derivative of the function. `report` has all that was measured, `report.blame` where."""

    report: Report


class GradientUndecided(AssertionError):
    """The derivative cannot be measured well enough to say whether the gradient is right: that is no pass. `report` says why."""

    report: Report


# Called with the report of every finished check; the pytest plugin counts them.
listeners: list[Callable[[Report], None]] = []


@contextmanager
def without_listeners() -> Iterator[None]:
    """No listener is called for the checks in this block: they are parts of another, or meant to fail."""
    saved, listeners[:] = listeners[:], []
    try:
        yield
    finally:
        listeners[:] = saved
