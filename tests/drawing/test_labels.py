"""What is said of values and operations: short, and true."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tinygrad_ko.drawing.labels import (
    _distribution,
    _number,
    brief_option,
    byte_size,
    counted,
    explanation,
    memory,
    options,
    value_lines,
)
from tinygrad_ko.state.saved import saved_bytes, wholes

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=30)


@given(hnp.arrays(st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.uint8, np.bool_]), SHAPES))
def test_any_array_is_said_in_three_lines_of_finite_length(x: Any) -> None:
    said = value_lines(x)
    assert 1 <= len(said) <= 3
    assert all(0 < len(line) <= 60 for line in said)


@given(hnp.arrays(np.float64, st.integers(13, 200), elements=st.floats(-1e300, 1e300)))
def test_the_range_and_the_mean_of_many_numbers_are_theirs(x: Any) -> None:
    text = " ".join(_distribution(x))
    if x.min() == x.max():
        assert text == f"all {_number(x[0])}"
        return
    mean, std, least, most = map(float, re.findall(r"-?[\d.]+(?:e[-+]\d+)?", text))
    scale = np.max(np.abs(x))
    assert least == pytest.approx(x.min(), rel=5e-3)
    assert most == pytest.approx(x.max(), rel=5e-3)
    assert mean / scale == pytest.approx(np.mean(x / scale), rel=5e-3, abs=1e-12)
    assert std / scale == pytest.approx(np.std(x / scale), rel=5e-3, abs=1e-12)


@given(hnp.arrays(np.float64, st.integers(13, 100)))
def test_numbers_that_are_not_finite_are_counted(x: Any) -> None:
    text = " ".join(_distribution(x))
    for count, word in ((np.isnan(x).sum(), "NaN"), (np.isinf(x).sum(), "infinite")):
        assert (f"{count} {word}" in text) == bool(count)


def test_few_numbers_are_shown_as_they_are() -> None:
    assert value_lines(np.array([1.5, -2.0])) == ["1.5  -2"]
    assert value_lines(np.arange(6).reshape(2, 3)) == ["0  1  2", "3  4  5"]
    assert value_lines(np.array([np.nan, np.inf])) == ["nan  inf"]
    assert value_lines(2.0) == ["2"]
    assert value_lines(True) == ["True"]
    assert value_lines(np.zeros((0, 3))) == ["empty"]


def test_numbers_have_four_digits_and_all_that_stand_before_the_point() -> None:
    assert [_number(x) for x in (220.00000000000003, -0.0, 1e-9, 1234567.8)] == ["220", "0", "1e-09", "1234568"]
    assert [_number(x) for x in (65536, True)] == ["65536", "True"]
    assert value_lines(np.array([[1.0, 2.5], [3.0, 4.0]])) == ["1  2.5", "3  4"]
    assert value_lines(np.arange(1000.0)) == ["500 ± 289", "0 … 999"]
    assert [counted(n, "parameter") for n in (1, 2084)] == ["1 parameter", "2,084 parameters"]


def test_a_mean_that_is_round_off_is_0() -> None:
    x = np.random.default_rng(0).normal(size=1000)
    x -= np.mean(x)
    assert abs(np.mean(x)) > 0
    assert value_lines(1e-10 * x)[0].startswith("0 ± ")
    assert not value_lines(1e-10 * x + 1e-20)[0].startswith("0 ± ")


def test_labels_have_no_mean() -> None:
    assert value_lines(np.arange(100) % 10) == ["0 … 9"]
    assert value_lines(np.arange(100) < 30) == ["True 30 of 100"]


def test_bytes_in_units() -> None:
    assert [byte_size(n) for n in (0, 999, 1000, 313_600, 10**9)] == ["0 B", "999 B", "1 kB", "314 kB", "1 GB"]


def test_what_is_kept_is_counted_once() -> None:
    x: Any = tg.Tensor(np.ones((10, 10)), requires_grad=True)
    y: Any = x * x
    assert memory(y.node) == {"a": 800, "b": 800}
    assert saved_bytes([y.node]) == 800
    assert saved_bytes([y.node], beside=[x]) == 0


def test_a_view_keeps_the_whole_array() -> None:
    x: Any = tg.Tensor(np.ones((10, 10)), requires_grad=True)
    y: Any = tg.exp(x)[0] * 2.0
    z: Any = tg.exp(x)[0] * tg.Tensor(np.ones(10), requires_grad=True)
    assert memory(y.node) == {}
    assert memory(z.node)["a"] == 800


def test_a_checkpoint_keeps_its_inputs() -> None:
    w: Any = tg.Tensor([1.0, 2.0], requires_grad=True)
    y: Any = tg.func.checkpoint(lambda x: tg.exp(w * x), np.ones(2))
    assert memory(y.node) == {"inputs": 16}
    y.sum().backward()
    assert y.node.saved == {}


def test_after_backward_nothing_is_kept() -> None:
    x: Any = tg.Tensor(np.ones(10), requires_grad=True)
    y: Any = tg.sin(x)
    y.sum().backward()
    assert memory(y.node) == {}


def test_lists_and_dicts_are_looked_into() -> None:
    a, b = np.ones(3), np.ones(4)
    assert {x.size for x in wholes([{"a": a}, (b, a[:2], "text", 1.0)]).values()} == {3, 4}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1, "1"),
        ((2, 3), "(2, 3)"),
        (slice(1, None), "1:"),
        (slice(None, None, -1), "::-1"),
        (slice(None), ":"),
        ((slice(None), 0), "[:, 0]"),
        (Ellipsis, "..."),
        (np.arange(4), "int64 (4,)"),
        ([0, 1], "[0, 1]"),
    ],
)
def test_options_are_written_as_one_would(value: Any, said: str) -> None:
    assert brief_option(value) == said


def test_only_unusual_options_are_told() -> None:
    x = tg.Tensor(np.ones((2, 3)), requires_grad=True)
    with tg.watch():
        results: list[Any] = [tg.sum(x), tg.sum(x, axis=1), tg.sum(x, axis=(0, 1), keepdims=True), x[0]]
    assert [options(y.node) for y in results] == [[], ["axis=1"], ["axis=(0, 1)", "keepdims=True"], ["index=0"]]
    assert options(tg.sum(x, axis=1).node) == []


def test_an_operation_is_explained_with_its_formulas() -> None:
    x = tg.Tensor([0.5], requires_grad=True)
    with tg.watch():
        y: Any = tg.tanh(x)
    text = explanation(y.node)
    assert text.splitlines()[0] == "tanh(x)"
    assert "gradient of x: g * (1.0 - out * out)" in text
    assert "keeps out 8 B" in text
    assert "called at test_labels.py:" in text
