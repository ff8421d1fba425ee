"""A graph as data: every operation once, every argument in its place, the gradients that belong to them."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko.arrays.library import Array
from tinygrad_ko.drawing.drawing import _backward
from tinygrad_ko.drawing.vertices import Names, Vertex, gradient_parts, passed, read_graph
from tinygrad_ko.engine.backprop import gradients
from tinygrad_ko.testing import graphs


def leaf(*values: float, name: str | None = None) -> tg.Tensor:
    return tg.Tensor(values[0] if len(values) == 1 else list(values), requires_grad=True, name=name)


def vertices_of(y: Any) -> list[Vertex]:
    return read_graph([("y", y)], Names())


def kinds(y: Any) -> list[str]:
    return [f"{v.kind} {v.name}".strip() for v in vertices_of(y)]


def arrows(y: Any) -> list[tuple[str, str, str]]:
    """Every arrow: from, to, as which argument."""
    return [(s.vertex.name or s.vertex.kind, v.name, s.argument) for v in vertices_of(y) for s in v.sources]


@given(graphs())
def test_what_flows_back_into_a_value_is_its_gradient(program: Any) -> None:
    """The gradients on all arrows out of a value add up to the gradient that the engine finds for it."""
    with tg.watch():
        inputs = [tg.Tensor(x, requires_grad=True) for x in program.inputs]
        y = tg.sum(program(*inputs))
    vertices = vertices_of(y)
    _backward(y, vertices)
    total: dict[Vertex, Array] = {}
    for v in vertices:
        paid = gradient_parts(v.node) if v.kind == "op" and v.node else {}
        for source, argument in v.sources:
            if argument in paid:
                total[source] = total.get(source, 0) + paid[argument]
    inner = [v for v in vertices if v.kind in ("op", "leaf") and v.node is not y.node]
    assert {v for v in total if v.node} == set(inner)
    assert y.node is not None
    found = gradients(y.node, np.float64(1), wanted={v.node for v in inner if v.node})
    for v in inner:
        assert v.node is not None
        np.testing.assert_allclose(total[v], found[v.node], rtol=1e-12, atol=1e-12)


@given(graphs())
def test_values_are_what_the_program_computes(program: Any) -> None:
    with tg.watch():
        inputs = [tg.Tensor(x, requires_grad=True) for x in program.inputs]
        y = tg.sum(program(*inputs))
    for v in vertices_of(y):
        if v.kind == "op":
            assert v.node is not None
            again = v.node.op.function(
                *(passed(v, s.argument) for s in v.sources), **(v.node.seen.options if v.node.seen else {})
            )
            np.testing.assert_array_equal(again, v.value)
            assert np.shape(v.value) == v.shape


def test_every_value_stands_after_its_sources_and_the_result_last() -> None:
    x = leaf(1, 2, name="x")
    y = tg.sum(x * x + x)
    assert kinds(y) == ["leaf x", "op multiply", "op add", "op sum", "result y"]
    assert arrows(y) == [
        ("x", "multiply", "a"),
        ("x", "multiply", "b"),
        ("multiply", "add", "a"),
        ("x", "add", "b"),
        ("add", "sum", "x"),
        ("sum", "y", ""),
    ]


def test_arguments_of_a_variadic_operation_are_numbered() -> None:
    x = leaf(1, 2, name="x")
    y = tg.concat([x, np.array([3.0]), x * 2])
    assert [arrow for arrow in arrows(y) if arrow[1] == "concat"] == [
        ("x", "concat", "xs[0]"),
        ("constant", "concat", "xs[1]"),
        ("multiply", "concat", "xs[2]"),
    ]


def test_a_constant_array_that_is_used_twice_is_one_vertex() -> None:
    x, c = leaf(1, 2), tg.Tensor([3.0, 4.0])
    for watched in (False, True):
        with tg.watch() if watched else tg.scope("plain"):
            y = x * c + tg.exp(x) * c
        constants = [v for v in vertices_of(y) if v.kind == "constant"]
        assert len(constants) == 1
        assert constants[0].value.tolist() == [3, 4]


def test_equal_constants_are_two_vertices_and_so_are_numbers() -> None:
    x = leaf(1, 2)
    with tg.watch():
        y = x * np.array([3.0, 4.0]) + x * np.array([3.0, 4.0]) + x * 5.0 + x * 5.0
    assert [v.shape for v in vertices_of(y) if v.kind == "constant"] == [(2,), (2,), (), ()]


def test_what_is_not_known_of_a_constant_is_left_open() -> None:
    """Without watch a sum keeps nothing of its summands."""
    (constant,) = (v for v in vertices_of(leaf(1, 2) + np.array([3.0, 4.0])) if v.kind == "constant")
    assert (constant.value, constant.dtype) == (None, None)


def test_labels_and_conditions_are_arguments_too() -> None:
    x = leaf(1, 2, name="x")
    with tg.watch():
        y = tg.where(np.array([True, False]), x, 0.0)
    assert [(s.argument, s.vertex.kind) for v in vertices_of(y) for s in v.sources if v.name == "where"] == [
        ("condition", "constant"),
        ("x", "leaf"),
        ("y", "constant"),
    ]


def test_an_absent_argument_is_no_vertex() -> None:
    with tg.watch():
        y = tg.clip(leaf(1, 2), None, 1.5)
    assert [s.argument for v in vertices_of(y) for s in v.sources if v.name == "clip"] == ["x", "max"]


def test_the_walk_stops_at_inputs() -> None:
    before = tg.exp(leaf(1, 2, name="w"))
    y = tg.sin(before)
    names = Names()
    assert before.node is not None
    names.inputs[before.node] = "before"
    assert [f"{v.kind} {v.name}" for v in read_graph([("y", y)], names)] == ["input before", "op sin", "result y"]


def test_several_results_share_their_graph() -> None:
    x = leaf(1, 2, name="x")
    h = tg.exp(x)
    found = read_graph([("sine", tg.sin(h)), ("cosine", tg.cos(h))], Names())
    assert [v.name for v in found] == ["x", "exp", "sin", "cos", "sine", "cosine"]


def test_a_checkpoint_is_one_operation() -> None:
    w = leaf(1, 2, name="w")
    y = tg.func.checkpoint(lambda x: tg.exp(tg.sin(w * x)), tg.Tensor([1.0, 2.0]))
    assert kinds(y) == ["leaf w", "op checkpoint", "result y"]


def test_the_graph_of_a_gradient_is_a_graph() -> None:
    x = leaf(0.5, name="x")
    with tg.watch():
        second = tg.grad(tg.grad(tg.tanh(x), x, create_graph=True), x, create_graph=True)
    vertices = vertices_of(second)
    _backward(second, vertices)
    t = np.tanh(0.5)
    (total,) = [sum(gradient_parts(v.node)["x"] for v in vertices if v.name == "tanh" and v.node)]
    assert second.item() == pytest.approx(-2 * t * (1 - t**2))
    assert total == pytest.approx(-2 * (1 - t**2) ** 2 + 4 * t**2 * (1 - t**2))


@given(st.integers(2, 6))
def test_rows_that_are_looked_up_twice_pay_twice(n: int) -> None:
    with tg.watch():
        table = tg.Tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
        y = tg.sum(table[[1] * n])
    vertices = vertices_of(y)
    _backward(y, vertices)
    (lookup,) = [v.node for v in vertices if v.name == "getitem"]
    assert lookup is not None
    np.testing.assert_array_equal(gradient_parts(lookup)["x"], [[0, 0], [n, n], [0, 0]])
