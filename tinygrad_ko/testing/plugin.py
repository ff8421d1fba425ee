"""The pytest plugin: what a failed gradient check has measured, and how many checks a run has made.

It is loaded by every run of pytest where the package is installed, so it imports next to nothing until a check has run,
and says nothing if none has. `-p no:tinygrad_ko` leaves it out.
"""

from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

COUNTS: pytest.StashKey[Counter[str]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Listen to every gradient check until the end of the run."""
    from tinygrad_ko.check.report import listeners

    counts = config.stash[COUNTS] = Counter[str]()

    def heard(report: Any) -> None:
        counts.update({"checks": 1, "evaluations": report.evaluations, report.verdict: 1})

    listeners.append(heard)
    config.add_cleanup(lambda: listeners.remove(heard))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: "pytest.CallInfo[None]") -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the report of the judge to that of a test which its error has ended."""
    from tinygrad_ko.check.report import GradientMismatch, GradientUndecided

    outcome = yield
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, GradientMismatch | GradientUndecided) and hasattr(error, "report"):
        outcome.sections.append(("gradient check", str(error.report)))
    return outcome


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a process of pytest-xdist: hand the counts over."""
    if hasattr(session.config, "workeroutput"):
        counts = session.config.stash[COUNTS]
        session.config.workeroutput["tinygrad_ko"] = dict(counts)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Where pytest-xdist collects its processes: take their counts over (one that crashed has none)."""
    theirs: dict[str, int] = getattr(node, "workeroutput", {}).get("tinygrad_ko", {})
    node.config.stash[COUNTS].update(theirs)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """One line on all gradient checks."""
    counts = config.stash[COUNTS]
    if counts["checks"]:
        terminalreporter.write_line(
            f"gradient checks: {counts['checks']:,} ({counts['evaluations']:,} evaluations), "
            f"{counts['mismatch']:,} mismatches, {counts['undecided']:,} undecided"
        )
