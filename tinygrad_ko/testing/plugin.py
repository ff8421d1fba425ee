"""The pytest plugin: which gradient checks have failed, in a line each, and how many checks a run has made.

The full report is in the error that such a check raises.

Every run of pytest loads it where the package is installed, so it imports next to nothing until a check has run, and prints
nothing if none has. `-p no:tinygrad_ko` leaves it out.
"""

from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

_COUNTS: pytest.StashKey[Counter[str]] = pytest.StashKey()
_NOTE = "gradient check"


def pytest_configure(config: pytest.Config) -> None:
    """Listen to every gradient check until the end of the run."""
    from tinygrad_ko.check.reports.report import listeners

    counts = config.stash[_COUNTS] = Counter[str]()

    def heard(report: Any) -> None:
        counts.update({"checks": 1, "evaluations": report.evaluations, report.verdict: 1})

    listeners.append(heard)
    config.add_cleanup(lambda: listeners.remove(heard))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: "pytest.CallInfo[None]") -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note with a test that a gradient check has ended what the judge said, and a script of it; pytest-xdist hands such notes over."""
    from tinygrad_ko.check.reports.report import GradientMismatch, GradientUndecided

    outcome = yield
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, GradientMismatch | GradientUndecided):
        outcome.user_properties.append((_NOTE, _in_one_line(error)))
        if script := error.report.script() if hasattr(error, "report") else "":
            outcome.sections.append(("a script that makes this gradient check again", script))
    return outcome


def _in_one_line(error: Any) -> str:
    """What a failed check found, in one line."""
    blame = error.report.blame if hasattr(error, "report") else None
    if blame is None:
        return str(error).partition("\n")[0]
    where = f", called at {blame.line}" if blame.line else ""
    said = f"{blame.entry}: the formula gives {blame.analytic:.6g}, the slope is {blame.numeric:.6g}"
    return f"{blame.op or error.report.name}{where}: {said}" + (f"; {blame.suggestion}" if blame.suggestion else "")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a process of pytest-xdist: hand the counts over."""
    if hasattr(session.config, "workeroutput"):
        counts = session.config.stash[_COUNTS]
        session.config.workeroutput["tinygrad_ko"] = dict(counts)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Where pytest-xdist collects its processes: take their counts over (one that crashed has none)."""
    theirs: dict[str, int] = getattr(node, "workeroutput", {}).get("tinygrad_ko", {})
    node.config.stash[_COUNTS].update(theirs)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """One line for each test that a gradient check has ended, and one on all gradient checks."""
    counts = config.stash[_COUNTS]
    notes = [
        f"{test.nodeid}: {text}"
        for test in terminalreporter.stats.get("failed", [])
        for name, text in test.user_properties
        if name == _NOTE
    ]
    if notes:
        terminalreporter.section("gradient checks")
    for note in notes:
        terminalreporter.write_line(note)
    if counts["checks"]:
        terminalreporter.write_line(
            f"gradient checks: {counts['checks']:,} ({counts['evaluations']:,} evaluations), "
            f"{counts['mismatch']:,} mismatches, {counts['undecided']:,} undecided"
        )
