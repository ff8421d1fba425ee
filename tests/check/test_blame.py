"""Blame that is never wrong: what is right by itself and wrong in a graph is named, with its kind."""

import time

import numpy as np
import pytest

import tinygrad_ko as tg
from tests.check.cases import op_of
from tinygrad_ko.check import GradientMismatch, check_gradient

X = np.array([[0.5, -1.2, 0.8], [0.3, 0.9, -0.4]])


def message(f, *inputs, **options) -> str:
    with pytest.raises(GradientMismatch) as caught:
        check_gradient(f, *inputs, **options)
    assert caught.value.__notes__
    blame = caught.value.report.blame
    assert blame
    return str(caught.value)


def writing(g, x):
    g *= 2 * x
    return g


def test_a_formula_that_writes_to_its_gradient():
    square = op_of("square_", np.square, writing)
    text = message(lambda x: square(x) + tg.sin(x) + square(x * 1.0), X)
    assert "op square_" in text
    assert "writes to g" in text
    assert "writes to g" in message(lambda x: tg.sin(x) + square(x), X)


def test_a_formula_that_writes_to_its_gradient_by_itself():
    """Nothing is wrong yet: only where another operation needs the same gradient."""
    square = op_of("square_", np.square, writing)
    assert "the formula of square_ for 'x'" in (text := message(square, X))
    assert "writes to g" in text


def test_a_forward_that_returns_one_buffer():
    buffer = np.empty(X.shape)

    def tanh_(x):
        return np.tanh(x, out=buffer)

    f = tg.op(x=lambda g, out: g * (1 - out * out))(tanh_)
    text = message(lambda x: f(x) * 1.0 + f(2 * x) * 1.0, X)
    assert "op tanh_" in text
    assert "one buffer" in text


def test_a_formula_that_returns_one_buffer():
    buffer = np.empty(X.shape)

    def slope(g, x):
        np.multiply(g, np.cos(x), out=buffer)
        return buffer

    f = op_of("sin_", np.sin, slope)

    def both(x):
        a, b = tg.tanh(x), tg.tanh(2 * x)
        return f(a) + f(b)

    text = message(both, X)
    assert "op sin_" in text
    assert "one buffer" in text


def test_the_mask_of_the_last_call():
    last = {}

    def relu_(x):
        last["mask"] = x > 0
        return np.where(last["mask"], x, 0.0)

    f = tg.op(x=lambda g: g * last["mask"])(relu_)
    text = message(lambda x: f(x) + f(1 - 2 * x), X)
    assert "op relu_" in text
    assert "keeps state" in text


def test_the_same_tensor_twice():
    @tg.op(a=lambda g, a, b: g * b * (0.5 if a is b else 1), b=lambda g, a: g * a)
    def times(a, b):
        return a * b

    def f(x):
        y = tg.sin(x)
        return times(y, y)

    text = message(f, X)
    assert "op times" in text
    assert "one array passed twice" in text


@pytest.mark.parametrize("view", [lambda x: x.T, lambda x: x[::-1].T])
def test_other_orders_in_memory(view):
    def slope(g, x):
        along = np.asarray(x).ravel(order="K")  # as it lies in memory
        return g * 2 * along.reshape(np.shape(x))

    square = op_of("square_", np.square, slope)
    check_gradient(square, X)
    text = message(lambda x: square(view(x)), X)
    assert "op square_" in text
    assert "lie in memory" in text


def test_cotangents_of_stride_0():
    def slope(g, x):
        return g * 2 * x if 0 not in np.asarray(g).strides else g * x

    square = op_of("square_", np.square, slope)
    text = message(lambda x: tg.sum(square(x), axis=0), X)
    assert "op square_" in text
    assert "memory" in text


@pytest.mark.parametrize(
    ("f", "named"),
    [
        (lambda x: x * tg.Tensor(x.numpy()), "'b' of multiply"),
        (lambda x: tg.sin(x) + tg.Tensor(np.sum(x.numpy() ** 2)), "'b' of add"),
        (lambda x: tg.tanh(tg.sin(x) * x.detach()), "'b' of multiply"),
        (lambda x: tg.matmul(tg.sin(x), tg.exp(x).detach().T), "'b' of matmul"),
    ],
)
def test_what_is_outside_the_graph_is_named(f, named):
    text = message(f, X)
    assert named in text
    assert "outside the graph" in text
    assert f"{__file__}:" in text


def test_a_turn_of_a_loop():
    wrong = op_of("tanh", np.tanh, lambda g, out: g * (1 - out * out) * (1.01 if out.flat[0] > 0.5 else 1.0))

    def f(x):
        for k in range(8):
            x = wrong(x + (0.5 if k == 5 else 0.0))
        return x

    assert "call 6 of 8 at this line" in message(f, [0.1, 0.2])


@pytest.mark.slow
@pytest.mark.parametrize("where", ["in the middle", "cut at the end"])
def test_a_long_graph_is_quick_to_blame(where):
    wrong = op_of("tanh", np.tanh, lambda g, out: g * (1 - out * out) * 1.01)

    def f(x):
        y = x
        for k in range(5000):
            y = y + tg.sin(y) * 1e-4 if k != 2500 or where != "in the middle" else wrong(y)
        return y if where == "in the middle" else y * y.detach()

    since = time.process_time()
    text = message(f, np.array([0.5, 1.0, -0.3, 0.2]), effort="quick")
    assert ("op tanh" if where == "in the middle" else "'b' of multiply") in text
    assert time.process_time() - since < 5  # 1.6 s of one core
