"""The demo itself, and that its figures follow from what was measured."""

import re
import time
import unicodedata

import numpy as np
import pytest

from tinygrad_ko.cli import demo, main
from tinygrad_ko.nn import TwoLayerNet


@pytest.fixture(scope="module")
def printed():
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("builtins.print", lambda *words, file=None: lines.append(" ".join(map(str, words))))
        assert main(["demo"]) == 0
    return "\n".join(lines)


def test_it_learns(printed):
    accuracy = re.search(r"Test accuracy: ([\d.]+)", printed)
    assert accuracy is not None
    assert float(accuracy[1]) >= 0.95


def test_it_counts(printed):
    assert re.search(r"parameters +3,760 +79,510\n", printed)
    assert re.search(r"how many of them +7,520 +159,020\n", printed)
    assert "7,951,000" in printed


def test_both_ways_agree(printed):
    figures = re.search(r"random gradients +(\S+) +(\S+)\n.*both ways +(\S+) +(\S+)\n", printed)
    assert figures is not None
    largest, largest_book, difference, difference_book = map(float, figures.groups())
    assert difference < 1e-6 * largest
    assert difference_book < 1e-6 * largest_book


def test_it_fits_a_console_of_80_columns(printed):
    def columns(line):
        return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)

    assert [line for line in printed.splitlines() if columns(line) > 80] == []


def test_it_ends_with_three_things_to_do(printed):
    end = printed[printed.index("What next") :]
    assert [word in end for word in (" train ", " check ", "README.md")] == [True] * 3


def test_the_command_that_it_suggests_works(capsys):
    assert main(["check", "tinygrad_ko:sigmoid", "--order", "2"]) == 0


class Clock:
    """Time that passes only where a test says so."""

    now = 0.0

    def __call__(self):
        return self.now


def test_what_other_programs_take_is_no_part_of_the_price(monkeypatch):
    """A call of the loss takes 1 and of the gradient 4, but most calls have to wait for 500."""
    clock, calls = Clock(), iter(range(10**6))

    def slow(work, seconds):
        def call(*batch):
            clock.now += seconds + (500 if next(calls) % 5 else 0)
            return work(*batch)

        return call

    net = TwoLayerNet(4, 3, 2, rng=0)
    monkeypatch.setattr(time, "perf_counter", clock)
    monkeypatch.setattr(net, "loss", slow(net.loss, 1))
    monkeypatch.setattr(net, "gradient", slow(net.gradient, 4))
    cost = demo.measure(net, (np.ones((5, 4)), np.zeros(5, int)), np.random.default_rng(0))
    assert (cost.parameters, cost.evaluations, cost.evaluation, cost.backprop) == (23, 46, 1, 4)
    assert (cost.numerical, cost.times_faster) == (46, "12")  # 46 / 4, to two digits


def test_measuring_leaves_the_network_as_it_was():
    net = TwoLayerNet(4, 3, 2, rng=0)
    before = {name: array.copy() for name, array in net.params.items()}
    demo.measure(net, (np.ones((5, 4)), np.zeros(5, int)), np.random.default_rng(0))
    for name, array in before.items():
        np.testing.assert_array_equal(net.params[name], array)


def test_the_seed_is_obeyed(monkeypatch, capsys):
    monkeypatch.setattr(demo, "ITERATIONS", 5)
    monkeypatch.setattr(demo, "REPEATS", 1)
    shown = []
    for seed in ("1", "1", "2"):
        assert main(["demo", "--seed", seed]) == 0
        shown.append(re.findall(r"^ +\d+ +\d\.\d{4} .*$", capsys.readouterr().out, re.M))
    assert len(shown[0]) == 6
    assert shown[0] == shown[1] != shown[2]
