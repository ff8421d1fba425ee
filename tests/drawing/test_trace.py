"""`tg.trace_gradient`: where a gradient is lost."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko.drawing.trace import GradientTrace


def traced(f: Callable[[Any], Any], w: Any) -> GradientTrace:
    leaf = tg.Tensor(np.asarray(w), requires_grad=True, name="w")
    with tg.watch(), np.errstate(all="ignore"):
        loss = f(leaf)
    return tg.trace_gradient(loss, leaf)


LOST = {
    "dead": (lambda w: tg.sum(tg.relu(w * 3 - 9)), [1.0, 2.0], "relu"),
    "kink": (lambda w: tg.sum(tg.relu(w * 3 - 3)), [1.0, 1.0], "relu"),
    "saturated": (lambda w: tg.sum(tg.sigmoid(w * 50)), [1.0, 2.0], "sigmoid"),
    "factor": (lambda w: tg.sum(tg.sin(w) * 0), [1.0, 2.0], "multiply"),
    "saturated at 1": (lambda w: tg.sum(tg.sigmoid(w * 1000)), [1.0, 2.0], "sigmoid"),
    "cancels in softmax": (lambda w: tg.sum(tg.softmax(w)), [1.0, 1.0], "softmax"),
    "cancels": (lambda w: tg.sum(w * 3) - tg.sum(w * 3), [1.0, 2.0], None),
    "infinite": (lambda w: tg.sum(tg.sqrt(w - 1)), [1.0, 1.0], "sqrt"),
    "at 0": (lambda w: tg.sum((w - 1) ** 2), [1.0, 1.0], "pow"),
    "flat": (lambda w: tg.sum(tg.sign(w)), [1.0, 2.0], "sign"),
    "nan": (lambda w: tg.sum(tg.sqrt(w)), [-1.0, 4.0], "sqrt"),
}


@pytest.mark.parametrize("kind", LOST)
def test_the_cause_is_named_with_its_operation_and_line(kind: str) -> None:
    f, w, operation = LOST[kind]
    cause = traced(f, w).cause
    assert cause is not None
    assert cause.mark is not None
    assert kind.startswith(cause.mark.kind)
    assert operation in (cause.operation, None)
    assert "test_trace.py:" in cause.line


def test_a_gradient_that_arrives_has_no_cause() -> None:
    trace = traced(lambda w: tg.sum(tg.exp(w) * 2), [0.0, 0.0])
    assert trace.cause is None
    assert [edge.operation for edge in trace.edges] == ["sum", "multiply", "exp"]
    assert trace.norm == pytest.approx(np.sqrt(8))
    assert str(trace).startswith("∂L/∂w: norm 2.828\n")


def test_the_first_loss_counts_not_a_saturation_after_it() -> None:
    trace = traced(lambda w: tg.sum(tg.sigmoid(w * 50) * 0), [1.0])
    assert trace.cause is not None
    assert trace.cause.operation == "multiply 2"


HEALTHY = {
    "a mean of many": lambda w: tg.mean(w * np.ones(2000)),
    "a logarithm of large numbers": lambda w: tg.sum(tg.log(w + 5000)),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_small_derivative_is_no_saturation(name: str) -> None:
    assert traced(HEALTHY[name], [1.0]).cause is None


def test_a_gradient_that_vanishes_bit_by_bit_is_said() -> None:
    def deep(w: Any) -> Any:
        for _ in range(20):
            w = tg.sigmoid(w)
        return tg.sum(w)

    assert "기울기 소실: 연산 21개" in str(traced(deep, [1.0]))


def test_nan_of_the_forward_pass_is_named_where_it_appears_first() -> None:
    trace = traced(lambda w: tg.sum(tg.log(w) * 2), [-1.0, 1.0])
    assert trace.first_nan.startswith("log (test_trace.py:")
    assert "순전파에서 이미 NaN" in str(trace)


def test_nan_counts_before_a_factor_0() -> None:
    cause = traced(lambda w: tg.sum(tg.sqrt(w) * 0), [0.0]).cause
    assert cause is not None
    assert (cause.operation, cause.mark and cause.mark.kind) == ("sqrt", "nan")


def test_of_several_ways_the_largest_is_followed() -> None:
    trace = traced(lambda w: tg.sum(w * 0.01) + tg.sum(tg.exp(w)), [1.0])
    assert [edge.operation for edge in trace.edges] == ["add", "sum 2", "exp"]


def test_a_detached_parameter_is_found_where_it_enters_as_a_constant() -> None:
    v, w = (tg.Tensor([1.0, 2.0], requires_grad=True, name=name) for name in "vw")
    with tg.watch():
        loss = tg.sum(v * w.detach())
    trace = tg.trace_gradient(loss, w)
    assert trace.norm is None
    assert re.fullmatch(
        r"w\.detach\(\) \(test_trace\.py:\d+\) -> b of multiply \(test_trace\.py:\d+\)", trace.detached[0]
    )
    assert "상수로 쓰였습니다" in str(trace)


def test_what_was_computed_from_a_parameter_and_detached_is_found_too() -> None:
    v, w = (tg.Tensor([1.0, 2.0], requires_grad=True, name=name) for name in "vw")
    with tg.watch():
        h = tg.tanh(w)
        loss = tg.sum(v * h.detach())
    (entry,) = tg.trace_gradient(loss, w).detached
    assert entry.startswith("h.detach() (test_trace.py:")
    assert tg.trace_gradient(loss, tg.Tensor([1.0, 2.0], requires_grad=True)).detached == []


def test_a_parameter_whose_numbers_are_a_constant_is_found() -> None:
    v, w = (tg.Tensor([1.0, 2.0], requires_grad=True, name=name) for name in "vw")
    with tg.watch():
        loss = tg.sum(v * w.numpy())
    assert (
        tg.trace_gradient(loss, w)
        .detached[0]
        .startswith("a constant of equal numbers, by no_grad or numpy -> b of multiply (test_trace.py:")
    )


def test_it_needs_no_watch_and_deposits_nothing() -> None:
    w = tg.Tensor([1.0, 2.0], requires_grad=True)
    loss = tg.sum(tg.sign(w))
    assert tg.trace_gradient(loss, w, parameters={"weight": w}).parameter == "weight"
    assert w.grad is None


def test_what_cannot_be_traced_is_refused() -> None:
    w = tg.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match="w must be a Tensor, not ndarray"):
        tg.trace_gradient(tg.sum(w), np.ones(2))  # type: ignore[arg-type]  # what a user may do
    with pytest.raises(ValueError, match=r"one number, not \[2\]"):
        tg.trace_gradient(w * 2, w)
    loss = tg.sum(w * w)
    loss.backward()
    with pytest.raises(RuntimeError, match="freed the saved values"):
        tg.trace_gradient(loss, w)
