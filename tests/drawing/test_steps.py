"""The steps of backpropagation: they are what the engine computes, and their text."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko import nn
from tinygrad_ko.drawing.steps import Backward, Forward, Steps, Update


def price(apple: Any, count: Any, tax: Any) -> Any:
    return apple * count * tax


def used_often(x: Any, w: Any) -> Any:
    h = x * w
    return h * h + h


def gradients(steps: Steps) -> dict[str, Any]:
    """What the steps say of each input and parameter."""
    ends = [v for v in steps.vertices if v.kind in ("input", "leaf") and v in steps.gradients]
    return {steps.titles[v]: steps.gradients[v] for v in ends}


def test_the_apples_of_the_book() -> None:
    """Two apples at 100 and 10 percent of tax: figure 5-14 of the book."""
    steps = tg.draw(price, 100.0, 2.0, 1.1).steps()
    assert [type(step) for step in steps] == [Forward, Forward, Backward, Backward, Backward]
    assert gradients(steps) == {"apple": pytest.approx(2.2), "count": pytest.approx(110.0), "tax": pytest.approx(200.0)}
    last = steps[-1]
    assert isinstance(last, Backward)
    apple, count = last.contributions
    assert (float(last.gradient), float(apple.local), apple.formula) == (1.1, 2.0, "g * b")
    assert (float(count.local), count.words) == (100.0, {"a": 100.0})
    assert [float(x) for x in steps.chain(apple.source)] == [1.0, 1.1, 2.0]


def test_the_text_of_a_value_that_is_used_three_times() -> None:
    said = str(tg.draw(used_often, 3.0, 2.0).steps())
    assert "multiply = h × h = 6 × 6 = 36" in said
    assert "∂L/∂h += 1 × 6 = 6    g * a\n          part (부분) 3 of 3, sum so far (지금까지의 합) 7 + 6 = 13" in said
    assert "∂L/∂x = 13 × 2 = 26" in said


def test_a_value_is_called_like_the_variable_it_is_assigned_to() -> None:
    def f(x: Any, w: Any) -> Any:
        z = x * w + 1
        for _ in range(2):
            h = tg.tanh(z)
        x = h * 2
        y = (x * 3).detach()
        return x + y - tg.exp(z)

    assert [title for v, title in tg.draw(f, 3.0, 2.0).steps().titles.items() if v.kind in ("op", "input")] == (
        ["x", "w", "multiply 1", "z", "h", "multiply 2", "add", "exp", "subtract"]
    )


def test_a_name_can_forge_no_numbers() -> None:
    x = tg.Tensor(2.0, requires_grad=True, name="\u202e1 × 2" + "long" * 100)
    with tg.watch():
        y = x * 3
    said = str(tg.draw(y).steps())
    assert "\u202e" not in said
    assert "long" * 30 not in said


def test_local_derivatives_of_a_matrix_product_are_no_array() -> None:
    x, w, b = np.arange(6.0).reshape(2, 3), np.ones((3, 4)), np.zeros(4)
    steps = tg.draw(lambda x, w, b: tg.sum(tg.tanh(tg.affine(x, w, b))), x, w, b).steps()
    parts = {steps.titles[c.source]: c for c in steps.contributions}
    assert parts["x"].local is None
    assert parts["x"].formula == "g @ W.mT"
    assert set(parts["x"].words) == {"W"}
    assert parts["affine"].local.shape == (2, 4)
    assert parts["b"].summed
    assert (parts["b"].part.shape, parts["b"].given.shape) == ((2, 4), (4,))


PROGRAMS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "apples": (price, (100.0, 2.0, 1.1)),
    "used often": (used_often, (3.0, 2.0)),
    "broadcast": (lambda x, b: tg.sum(tg.exp(x) * b + b), (np.arange(6.0).reshape(2, 3), np.ones(3))),
    "list": (lambda x, y: tg.sum(tg.concat([x, y, x]) ** 2), (np.arange(3.0), np.ones(2))),
    "indexed": (lambda x: tg.sum(x[1:] * x[[0, 0]]), (np.arange(3.0),)),
    "softmax": (lambda x: tg.softmax_cross_entropy(x, [2, 0]), (np.arange(6.0).reshape(2, 3),)),
    "float32": (lambda x: tg.sum(tg.sigmoid(x) * x), (np.arange(3, dtype=np.float32),)),
    "an input itself": (lambda x: x, (2.0,)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_are_those_of_the_engine_to_the_last_digit(name: str) -> None:
    f, inputs = PROGRAMS[name]
    leaves = [tg.Tensor(x, requires_grad=True) for x in inputs]
    f(*leaves).backward()
    found = gradients(tg.draw(f, *inputs).steps())
    for leaf, (title, g) in zip(leaves, found.items(), strict=True):
        assert np.array_equal(np.asarray(leaf.grad), g), title


@given(st.integers(0, 1000))
def test_gradients_of_random_programs_are_those_of_the_engine(seed: int) -> None:
    def program(*leaves: Any) -> Any:
        rng, values = np.random.default_rng(seed), list(leaves)
        for _ in range(8):
            a, b = (values[i] for i in rng.integers(0, len(values), 2))
            values.append([a * b, a + tg.sin(b), tg.tanh(a) - b][rng.integers(3)])
        return tg.sum(values[-1] * values[-2])

    inputs = [np.linspace(0.1, 0.9, 3), np.array(0.5), np.array([[0.3], [0.7]])]
    leaves = [tg.Tensor(x, requires_grad=True, name=f"x{i}") for i, x in enumerate(inputs)]
    with tg.watch():
        y = program(*leaves)
    steps = tg.draw(y).steps()
    y.backward()
    for leaf in leaves:
        if leaf.grad is not None:
            assert np.array_equal(leaf.grad, gradients(steps)[str(leaf.name)])
    for step in steps:
        if isinstance(step, Backward):
            for c in step.contributions:
                if c.local is not None:
                    assert np.allclose(step.gradient * c.local, c.part, rtol=1e-12, atol=0)


def test_the_update_is_a_step_of_sgd() -> None:
    (x, t), _ = tg.data.load_digits()
    net = nn.TwoLayerNet(64, 50, 10, rng=0)
    steps = tg.draw(net.loss_of, net.params, tg.Tensor(x[:5]), t[:5]).steps(lr=0.5)
    update, expected = steps[-1], net.gradient(x[:5], t[:5])
    assert isinstance(update, Update)
    assert {steps.titles[v] for v, *_ in update.leaves} == set(net.params)
    for v, old, g, new in update.leaves:
        name = steps.titles[v]
        assert np.allclose(g, expected[name], rtol=1e-12, atol=1e-15)
        assert np.array_equal(new, net.params[name] - 0.5 * g)
        assert np.array_equal(old, net.params[name])


def test_the_wrong_order_loses_what_has_not_arrived() -> None:
    steps = tg.draw(used_often, 3.0, 2.0).steps()
    wrong = steps.in_the_wrong_order()
    assert [(steps.titles[s.vertex], s.missing) for s in wrong] == [("add", 0), ("h", 2), ("multiply", 0)]
    assert [float(c.given) for c in wrong[1].contributions] == [2.0, 3.0]  # not 26 and 39


def test_the_wrong_order_of_a_tree_is_from_the_front() -> None:
    steps = tg.draw(price, 100.0, 2.0, 1.1).steps()
    wrong = steps.in_the_wrong_order()
    assert [(steps.titles[s.vertex], s.missing) for s in wrong] == [("multiply 1", 1), ("multiply 2", 0)]
    assert [float(c.given) for c in wrong[0].contributions] == [0.0, 0.0]


def test_a_drawing_leaves_the_graph_as_it_was() -> None:
    x = tg.Tensor(3.0, requires_grad=True)
    with tg.watch():
        y = x * x
    str(tg.draw(y).steps())
    assert x.grad is None
    y.backward()
    assert x.grad == 6.0


def test_without_values_or_gradients_these_steps_are_left_out() -> None:
    x = tg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    several = tg.draw(x * 2).steps()
    assert [type(step) for step in several] == [Forward]
    assert "the result has the shape [2]: draw its sum" in str(several)
    assert "결과가 2개입니다" in str(tg.draw([tg.sum(x), tg.sum(x * 2)]).steps())
    y = tg.sum(x * 2)
    assert "sum(multiply)" in str(tg.draw(y).steps())  # not watched: names, no values
    y.backward()
    freed = tg.draw(y).steps()
    assert [type(step) for step in freed] == [Forward, Forward]
    assert "an earlier backward() has freed the saved values" in str(freed)


def test_what_is_written_into_an_array_later_changes_no_step() -> None:
    w = np.array([1.0, 2.0])
    drawing = tg.draw(lambda w: tg.sum(w * w), w)
    w[:] = 99.0
    assert "multiply = w × w = [1 2] × [1 2] = [1 4]" in str(drawing.steps())


def test_arrays_of_another_library_step_too() -> None:
    xp = pytest.importorskip("array_api_strict")
    x = tg.Tensor(xp.asarray([1.0, 2.0, 3.0]), requires_grad=True, name="x")
    with tg.watch():
        y = tg.sum(tg.exp(x) * x)
    steps = tg.draw(y).steps()
    y.backward()
    assert np.array_equal(np.asarray(x.grad), np.asarray(gradients(steps)["x"]))
    assert all(c.local is not None for c in steps.contributions)
    assert tg.draw(y).page().html


@pytest.mark.parametrize("lr", [float("nan"), float("inf"), "0.1", None, True])
def test_a_learning_rate_is_a_finite_number(lr: Any) -> None:
    with pytest.raises(ValueError, match="lr must be a finite number"):
        tg.draw(price, 100.0, 2.0, 1.1).steps(lr)


def test_an_element_of_a_matrix_product_is_written_as_the_sum_that_it_is():
    x, w = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.5, -1.0, 2.0], [1.0, 0.0, 3.0]])
    said = str(tg.draw(lambda x, w: tg.sum((x @ w) * np.arange(3.0)), x, w).steps())
    assert "∂L/∂x = g @ b.mT = [3 6; 3 6]\n          [0, 1] = 0 × 1 + 1 × 0 + 2 × 3 = 6" in said
    assert "[1, 2] = 2 × 2 + 4 × 2 = 12" in said
    long = str(tg.draw(lambda x, w: tg.sum(x @ w), np.ones((1, 9)), np.ones((9, 9))).steps())
    assert "[0, 0] = 1 × 1 + 1 × 1 + 1 × 1 + … + 1 × 1 = 9" in long
