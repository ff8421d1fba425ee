"""A bar where a check takes long and somebody is watching; nothing otherwise."""

import sys
import types
from typing import ClassVar

import pytest

import tinygrad_ko as tg
from tinygrad_ko.check.functions import progress


class FakeBar:
    made: ClassVar[list["FakeBar"]] = []

    def __init__(self, **options):
        self.updates, self.closed, self.options = 0, False, options
        FakeBar.made.append(self)

    def update(self):
        self.updates += 1

    def close(self):
        self.closed = True


@pytest.fixture
def watched(monkeypatch):
    FakeBar.made.clear()
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    monkeypatch.setitem(sys.modules, "tqdm", types.SimpleNamespace(tqdm=FakeBar))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)


def test_a_long_check_shows_a_bar_and_takes_it_away(watched):
    report = tg.check_gradient(tg.sin, [1.0])
    (bar,) = FakeBar.made
    assert bar.closed
    assert bar.options["initial"] + bar.updates == report.evaluations


def test_it_is_taken_away_after_an_error(watched):
    calls = iter(range(100))

    def failing(x):
        if next(calls) == 20:
            raise TypeError("no")
        return tg.sin(x)

    with pytest.raises(TypeError, match="no"):
        tg.check_gradient(failing, [1.0])
    assert FakeBar.made[0].closed


def test_nobody_watching_no_bar(watched, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    tg.check_gradient(tg.sin, [1.0])
    assert FakeBar.made == []


def test_a_short_check_has_none(watched, monkeypatch):
    monkeypatch.setattr(progress, "_PATIENCE", 60.0)
    tg.check_gradient(tg.sin, [1.0])
    assert FakeBar.made == []


def test_without_tqdm_there_is_none(watched, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert tg.check_gradient(tg.sin, [1.0]).verdict == "agrees"
