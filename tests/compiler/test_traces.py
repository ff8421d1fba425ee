"""The two traces of a compilation: where the second does what the first did, it has the same values, and nothing is computed again."""

from typing import Any
from unittest.mock import Mock, call

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.compiler import compilation
from tinygrad_ko.compiler.recording import Recording
from tinygrad_ko.compiler.tracing import trace

counted = Mock()  # what objects of Python's library hold is no state of a function


@opaque
def squared(x):
    counted("squared")
    return x * x


@opaque
def require_some(x):
    counted("require_some")


def step(x, w):
    require_some(x)
    parts = np.split(squared(x) * np.arange(4.0), 2)
    return tg.sum(parts[0] * w + parts[1]), parts[1].astype(np.float32)


@pytest.fixture
def recordings(monkeypatch):
    """What is recorded, in a list."""
    found: list[Recording] = []

    class Kept(Recording):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            found.append(self)

    monkeypatch.setattr(compilation, "Recording", Kept)
    counted.reset_mock()
    return found


def test_the_second_trace_has_the_values_of_the_first(recordings):
    x, w = np.arange(4.0), np.ones(2)
    found = tg.compile(step)(x, w)
    first, second = recordings
    assert first.results == second.results  # the same objects: a Value is equal to itself alone
    assert first.trace.effects == second.trace.effects
    assert [first.trace.steps, second.trace.steps] == [[], []]  # no array is kept
    assert counted.mock_calls[:-2] == [
        call("require_some"),
        call("squared"),
        call("require_some"),
    ]  # a check is made in each
    assert [x.tolist() for x in found] == [x.tolist() for x in step(x, w)]


def test_what_there_is_no_room_for_is_computed_again(recordings, monkeypatch):
    monkeypatch.setattr(trace, "_KEPT", 0)
    x, w = np.arange(4.0), np.ones(2)
    found = tg.compile(step)(x, w)
    assert recordings[0].results == recordings[1].results
    assert counted.mock_calls[:-2] == [call("require_some"), call("squared")] * 2
    assert [x.tolist() for x in found] == [x.tolist() for x in step(x, w)]


def test_a_freed_result_keeps_no_arguments():
    w = tg.Tensor(np.ones(3), requires_grad=True)

    @tg.compile
    def trained(x):
        loss = tg.sum(w * x)
        loss.backward()
        return loss

    loss = trained(np.arange(3.0))
    assert (loss.node.saved, loss.node.parents) == ({}, (w.node,))
    with pytest.raises(RuntimeError, match="freed"):
        loss.backward()
