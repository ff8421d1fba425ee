"""The pytest plugin: a section for a check that fails, one line at the end, and nothing for those who check nothing."""

import importlib
import re
import subprocess
import sys
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from tinygrad_ko.check.reports.report import listeners
from tinygrad_ko.runtime.install import install
from tinygrad_ko.testing import plugin

FILE = """
    import pytest
    import tinygrad_ko as tg

    @tg.op(x=lambda g, x: g * x)
    def halved(x):
        return x * x

    def test_right():
        tg.check_gradient(tg.sin, [0.5])

    def test_wrong():
        tg.check_gradient(halved, [1.5])

    def test_unseen():
        tg.check_gradient(tg.log, [-1.0])

    def test_expected():
        with pytest.raises(tg.GradientMismatch):
            tg.check_gradient(halved, [1.5])

    def test_something_else():
        error = AssertionError("another error with a report")
        error.report = "not ours"
        raise error
"""


def lines(result, word):
    return [line for line in result.outlines if word in line]


def test_a_check_that_fails_has_a_line_and_the_run_another(pytester):
    pytester.makepyfile(FILE)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, failed=3)
    (line,) = lines(result, "gradient checks: ")
    assert line.startswith("gradient checks: 4 (")
    assert line.endswith(" evaluations), 2 mismatches, 1 undecided")
    table = [line for line in result.outlines if re.match(r"E +argument +shape", line)]
    assert len(table) == 1  # the report, once, in the error
    assert len(lines(result, "a script that makes this gradient check again")) == 2
    assert "tg.check_gradient(tg.log, x)" in result.outlines


def test_the_line_says_what_is_wrong(pytester):
    pytester.makepyfile(FILE)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--tb=no")
    (wrong,) = lines(result, "::test_wrong: ")
    assert (
        "halved: d out[0] / d x[0]: the formula gives 1.5, the slope is 3; the ratio is 1/2: a constant factor" in wrong
    )
    (unseen,) = lines(result, "::test_unseen: ")
    assert "log: cannot decide: log gives nan at out[0]" in unseen


def test_nothing_is_said_where_nothing_is_checked(pytester):
    pytester.makepyfile("def test_nothing(): pass")
    assert not lines(pytester.runpytest_inprocess(), "gradient")


def test_it_can_be_left_out(pytester):
    pytester.makepyfile(FILE)
    result = pytester.runpytest_inprocess("-p", "no:tinygrad_ko")
    result.assert_outcomes(passed=2, failed=3)
    assert not lines(result, "- gradient check -")
    assert not lines(result, "gradient checks: ")


def test_it_stops_listening(pytester):
    before = list(listeners)
    pytester.makepyfile(FILE)
    pytester.runpytest_inprocess()
    assert listeners == before


def test_counts_of_other_processes_are_added():
    """What pytest-xdist does, without it: a process leaves its counts, the one that collects them adds them up."""
    worker = SimpleNamespace(stash=pytest.Stash(), workeroutput={})
    worker.stash[plugin._COUNTS] = Counter(checks=2, evaluations=30, agrees=2)
    session: Any = SimpleNamespace(config=worker)
    plugin.pytest_sessionfinish(session)
    collector = SimpleNamespace(stash=pytest.Stash())
    collector.stash[plugin._COUNTS] = Counter()
    for node in (
        SimpleNamespace(workeroutput=worker.workeroutput),
        SimpleNamespace(workeroutput=worker.workeroutput),
        SimpleNamespace(),
    ):
        node.config = collector
        plugin.pytest_testnodedown(node)
    assert collector.stash[plugin._COUNTS] == {"checks": 4, "evaluations": 60, "agrees": 4}


def test_it_does_not_import_hypothesis():
    code = "import sys, tinygrad_ko.testing.plugin; print('hypothesis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_what_needs_hypothesis_says_so_where_it_is_missing():
    code = """
import sys
sys.modules["hypothesis"] = None
import tinygrad_ko.testing
try:
    from tinygrad_ko.testing import check_op
except ImportError as error:
    print(ascii([str(error), *error.__notes__]))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert f"tinygrad_ko.testing.check_op needs Hypothesis: {install('testing')}" in out
    assert out.count(install("testing")) == 2


def test_a_name_that_is_not_there():
    testing: Any = importlib.import_module("tinygrad_ko.testing")  # type checkers read its stub

    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        testing.no_such_name
    assert all(getattr(testing, name) is not None for name in testing.__all__)


def test_mutants_is_the_function_whichever_way_it_was_imported():
    """A module of the package has the same name."""
    code = "{}; import tinygrad_ko.testing; from tinygrad_ko.testing import mutants; print(callable(mutants))"
    for first in (
        "import tinygrad_ko",
        "import tinygrad_ko.testing.mutation",
        "from tinygrad_ko.testing import check_op",
    ):
        out = subprocess.run(
            [sys.executable, "-c", code.format(first)], capture_output=True, text=True, check=True
        ).stdout
        assert out == "True\n"
