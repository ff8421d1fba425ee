"""Recurrent layers over whole sequences: what they compute, in which order, how exactly, and what they refuse."""

import warnings
from typing import Any

import array_api_strict
import numpy as np
import pytest

import tinygrad_ko as tg
from tests.ops.rows.recurrence import gru_by_hand, lstm_by_hand
from tests.ops.test_array_api import orders, strict
from tinygrad_ko.check import check_gradient
from tinygrad_ko.ops.networks import recurrence

STEPS, BATCH, INPUTS, HIDDEN = 5, 3, 4, 2
SHAPES: dict[str, list[tuple[int, ...]]] = {
    "lstm": [(STEPS, BATCH, INPUTS), (INPUTS, 8), (HIDDEN, 8), (8,), (BATCH, HIDDEN), (BATCH, HIDDEN)],
    "gru": [(STEPS, BATCH, INPUTS), (INPUTS, 6), (HIDDEN, 6), (6,), (6,), (BATCH, HIDDEN)],
}
BOTH = pytest.mark.parametrize("name", SHAPES)
OP = {"lstm": recurrence.lstm_states, "gru": recurrence.gru_states}
IN_STEPS = {
    "lstm": (recurrence._lstm_in_place, recurrence._lstm_by_steps),
    "gru": (recurrence._gru_in_place, recurrence._gru_by_steps),
}


def numbers(name, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in SHAPES[name]]


def call(name, *arguments):
    """All states in one array."""
    return tg.stack(tg.lstm(*arguments)) if name == "lstm" else tg.gru(*arguments)


def of_op(name, dtype=np.float64, steps=STEPS):
    """Products, recurrent weights and what else the op takes."""
    _, _, W, _, *rest = numbers(name)
    return [a.astype(dtype) for a in (3 * waves(0, steps, BATCH, W.shape[1]), W, *rest)]


def waves(phase, *shape):
    return np.cos(phase + np.arange(np.prod(shape))).reshape(shape)


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def leaves_of(arrays) -> list[Any]:
    return [tg.Tensor(a, requires_grad=True) for a in arrays]


# ---------------------------------------------------------------- the layers of other libraries


def test_the_weights_of_pytorch_are_transposes():
    """Of torch.nn.LSTM(2, 2) and GRU(2, 2), version 2.13, whose parameters are waves(0), ... waves(3): the last states."""
    x, h0, c0 = waves(5, 3, 2, 2), waves(6, 2, 2), waves(7, 2, 2)
    h, c = tg.lstm(x, waves(0, 8, 2).T, waves(1, 8, 2).T, waves(2, 8) + waves(3, 8), h0, c0)
    np.testing.assert_allclose(h[-1], [[0.1784188959, 0.030080300926], [0.018389590356, -0.010815563838]], atol=1e-12)
    np.testing.assert_allclose(c[-1], [[0.405695733072, 0.213248702319], [0.23346291247, -0.046017223675]], atol=1e-12)
    h = tg.gru(x, waves(0, 6, 2).T, waves(1, 6, 2).T, waves(2, 6), waves(3, 6), h0)
    np.testing.assert_allclose(h[-1], [[0.565369504371, 0.772339120706], [0.833547182206, -0.075345105399]], atol=1e-12)


# ---------------------------------------------------------------- shapes and states


def test_the_hidden_and_the_cell_states_have_names():
    result = tg.lstm(*numbers("lstm"))
    h, c = result
    assert result.h is h
    assert result.c is c
    np.testing.assert_allclose([h, c], lstm_by_hand(*numbers("lstm")), rtol=1e-13)


@BOTH
@pytest.mark.parametrize("batch", [(), (1,), (0,), (2, 3)])
def test_any_axes_may_stand_between_steps_and_inputs(name, batch):
    x, Wx, Wh, b, *_ = numbers(name)
    x = np.random.default_rng(1).standard_normal((STEPS, *batch, INPUTS))
    flat = x.reshape(STEPS, int(np.prod(batch)), INPUTS)
    out, expected = call(name, x, Wx, Wh, b), call(name, flat, Wx, Wh, b)
    assert out.shape == (*expected.shape[:-2], *batch, HIDDEN)
    np.testing.assert_allclose(out.reshape(expected.shape), expected, rtol=1e-13)


@BOTH
def test_a_sequence_in_two_parts(name):
    """The last states of the first part are the first of the second: values and gradients are those of the whole."""
    whole, parts = leaves_of(numbers(name)), leaves_of(numbers(name))
    x, *weights = parts
    first = call(name, x[:2], *weights)
    if name == "lstm":
        out = tg.concat([first, call(name, x[2:], *weights[:3], *first[:, -1])], axis=1)
    else:
        out = tg.concat([first, call(name, x[2:], *weights[:4], first[-1])])
    expected = call(name, *whole)
    np.testing.assert_allclose(out.data, expected.data, rtol=1e-12)
    g = np.random.default_rng(2).standard_normal(out.shape)
    out.backward(g)
    expected.backward(g)
    for a, b in zip(parts, whole, strict=True):
        np.testing.assert_allclose(a.grad, b.grad, rtol=1e-11, atol=1e-13)


@BOTH
def test_without_biases_and_states_they_are_0(name):
    x, Wx, Wh, *rest = numbers(name)
    given = call(name, x, Wx, Wh, *(np.zeros_like(v) for v in rest))
    np.testing.assert_allclose(call(name, x, Wx, Wh), given, rtol=1e-14)


def test_one_state_may_be_given_without_the_other():
    x, Wx, Wh, b, h0, c0 = numbers("lstm")
    np.testing.assert_allclose(tg.stack(tg.lstm(x, Wx, Wh, b, c0=c0)), lstm_by_hand(x, Wx, Wh, b, c0=c0), rtol=1e-13)
    np.testing.assert_allclose(tg.stack(tg.lstm(x, Wx, Wh, h0=h0)), lstm_by_hand(x, Wx, Wh, h0=h0), rtol=1e-13)
    x, Wx, Wh, b, bh, h0 = numbers("gru")
    np.testing.assert_allclose(tg.gru(x, Wx, Wh, bh=bh, h0=h0), gru_by_hand(x, Wx, Wh, bh=bh, h0=h0), rtol=1e-13)


@BOTH
def test_lists_are_arrays_and_nothing_given_is_written_to(name):
    given = numbers(name)
    copies = [a.copy() for a in given]
    for a in given:
        a.flags.writeable = False
    out = call(name, *(a.tolist() for a in given))
    np.testing.assert_array_equal(call(name, *given), out)
    call(name, *leaves_of(given)).backward(np.ones(out.shape))
    for a, b in zip(given, copies, strict=True):
        np.testing.assert_array_equal(a, b)


# ---------------------------------------------------------------- gradients


@BOTH
@pytest.mark.parametrize("seed", range(2))
def test_the_whole_of_it_is_judged_and_runs_on_arrays_of_the_standard(name, seed):
    """Products of the inputs, biases, first states and all: the op itself is in the table of all ops."""
    arrays = numbers(name, seed)
    by_hand = lstm_by_hand if name == "lstm" else gru_by_hand
    np.testing.assert_allclose(call(name, *arrays), by_hand(*arrays), rtol=1e-12, atol=1e-14)
    check_gradient(lambda *arguments: call(name, *arguments), *arrays, order=2, rng=seed)
    ours, theirs = (
        orders(lambda *arguments: call(name, *arguments), arrays, lambda shape: waves(0, *shape), convert)
        for convert in (np.asarray, strict)
    )
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(b.data), a.data, rtol=1e-10, atol=1e-12)


def gradients(f, arrays, at, convert):
    """Of the argument `at` alone, the others being constants, at both orders."""
    given: list[Any] = [convert(a) for a in arrays]
    given[at] = x = tg.Tensor(given[at], requires_grad=True)
    out = f(*given)
    first = tg.grad(out, x, convert(waves(0, *out.shape)), create_graph=True)
    tg.sum(first * first + tg.sum(out)).backward()
    return np.asarray(first.data), np.asarray(x.grad)


@BOTH
@pytest.mark.parametrize("steps", [1, 3])
def test_one_argument_alone_has_the_gradient_that_it_has_among_all(name, steps):
    f, arrays = OP[name], of_op(name, steps=steps)
    leaves = leaves_of(arrays)
    out = f(*leaves)
    out.backward(waves(0, *out.shape))
    for at, leaf in enumerate(leaves):
        first, second = gradients(f, arrays, at, np.asarray)
        np.testing.assert_allclose(first, leaf.grad, rtol=1e-12, atol=1e-14)
        for a, b in zip(gradients(f, arrays, at, array_api_strict.asarray), (first, second), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


@BOTH
def test_the_gradients_of_three_orders_are_those_of_the_steps_written_one_by_one(name):
    """What is recorded is the formula, not its numbers."""
    found = []
    for f in (lambda *args: IN_STEPS[name][1](*args)[0], OP[name]):
        leaves = leaves_of(of_op(name))
        out = f(*leaves)
        grads = tg.grad(out, leaves, waves(0, *out.shape), create_graph=True)
        orders = [grads]
        for _ in range(2):
            orders.append(tg.grad(sum(tg.sum(v * v) for v in orders[-1]), leaves, create_graph=True))
        found.append([v.numpy() for grads in orders for v in grads])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10)


# ---------------------------------------------------------------- numbers


@BOTH
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_in_place_the_numbers_are_the_same(name, dtype):
    in_place, by_steps = (f(*of_op(name, dtype)) for f in IN_STEPS[name])
    for a, b in zip(in_place, by_steps, strict=True):
        assert a.dtype == b.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=16 * np.finfo(dtype).eps, atol=2 * np.finfo(dtype).eps)


@BOTH
def test_dtypes(name):
    arrays = numbers(name)
    exact = call(name, *arrays)
    for dtype, rtol in ((np.float32, 1e-5), (np.float16, 1e-2)):
        leaves = leaves_of([a.astype(dtype) for a in arrays])
        out = call(name, *leaves)
        out.backward(np.ones(out.shape))
        assert {out.dtype, *(leaf.grad.dtype for leaf in leaves)} == {np.dtype(dtype)}
        np.testing.assert_allclose(out.data, exact, rtol=rtol, atol=rtol)
    assert call(name, *(a.astype(np.float32) if i else a for i, a in enumerate(arrays))).dtype == np.float64
    whole = [np.round(a).astype(int) for a in arrays]
    np.testing.assert_array_equal(call(name, *whole), call(name, *(a.astype(float) for a in whole)))


@BOTH
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_float32_with_float64_is_float64_in_either_place(name, dtype):
    arrays = numbers(name)
    for at in range(len(arrays)):
        leaves = leaves_of(
            [a.astype(np.float32) if (i == at) == (dtype == np.float32) else a for i, a in enumerate(arrays)]
        )
        out = call(name, *leaves)
        out.backward(np.ones(out.shape))
        assert out.dtype == np.float64
        assert [leaf.grad.dtype for leaf in leaves] == [leaf.dtype for leaf in leaves]
        np.testing.assert_allclose(out.data, call(name, *arrays), rtol=1e-5, atol=1e-5)


@BOTH
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_far_out_nothing_overflows(name, dtype):
    """At 1000 and -1000 gates are open or shut."""
    x = np.array([[1000.0], [-1000.0]], dtype)
    W, still = np.ones((1, 4 if name == "lstm" else 3), dtype), np.zeros((1, 4 if name == "lstm" else 3), dtype)
    leaves = leaves_of([x, W, still])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = call(name, *leaves)
        out.backward(np.ones(out.shape, dtype))
    expected = [[np.tanh(1), 0], [1, 0]] if name == "lstm" else [0, -1]
    np.testing.assert_allclose(out.data.squeeze(), expected, rtol=1e-6)
    assert all(np.all(np.isfinite(leaf.grad)) for leaf in leaves)


def test_the_slope_of_an_open_gate_has_all_its_digits():
    """In float32 1 - sigmoid(15) has two digits: the slope is not computed from it."""
    a = np.array([[[12.0, 13.0, 0.5, 15.0]]], np.float32)
    z: Any = tg.Tensor(a, requires_grad=True)
    still, state = np.zeros((1, 4), np.float32), np.full((1, 1), 0.5, np.float32)
    h = recurrence.lstm_states(z, still, state, state)[0]
    h.sum().backward()
    i, f, n, o = a.ravel().astype(float)
    s = lambda x: 1 / (1 + np.exp(-x))
    c = s(f) * 0.5 + s(i) * np.tanh(n)
    by_c = s(o) * (1 - np.tanh(c) ** 2)
    slopes = [by_c * np.tanh(n) * s(i) * s(-i), by_c * 0.5 * s(f) * s(-f), by_c * s(i) * (1 - np.tanh(n) ** 2)]
    np.testing.assert_allclose(z.grad.ravel(), [*slopes, np.tanh(c) * s(o) * s(-o)], rtol=1e-6)


# ---------------------------------------------------------------- refused


@BOTH
@pytest.mark.parametrize(
    ("at", "shape", "message"),
    [
        (0, (4,), r"x needs shape \(steps, ..., inputs\).*not \(4,\).*x\[:, None\]"),
        (0, (0, 3, 4), r"a step at least, not \(0, 3, 4\)"),
        (0, (5, 3, 7), r"x, Wx and Wh have shapes \(5, 3, 7\)"),
        (1, (9, 4), r"Wx needs shape \(inputs, . \* hidden\).*\(9, 4\) and \(\d, \d\)\n"),
        (2, (9, 2), r"Wh \(hidden, . \* hidden\).*\(9, 2\)\n"),
        (2, (), r"and \(\)"),
        (3, (3,), r"so b needs shape \(\d,\), not \(3,\)"),
        (-1, (2,), r"so .0 needs shape \(3, 2\), not \(2,\)\n"),
        (-1, (1, 3, 2), r"so .0 needs shape \(3, 2\), not \(1, 3, 2\); of PyTorch's states pass h0=h\[0\]"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(name, at, shape, message):
    arrays = numbers(name)
    arrays[at] = np.zeros(shape)
    with pytest.raises(ValueError, match=rf"^{name}: .*{message}") as caught:
        call(name, *arrays)
    assert korean(caught.value)


@BOTH
@pytest.mark.parametrize("turned", [[1], [2], [1, 2]])
def test_weights_of_pytorch_are_to_be_transposed(name, turned):
    arrays = numbers(name)
    for at in turned:
        arrays[at] = arrays[at].T
    with pytest.raises(ValueError, match=r"PyTorch's weights are their transposes, W\.T") as caught:
        call(name, *arrays)
    assert korean(caught.value)


def test_the_states_of_pytorch_are_given_one_by_one():
    x, Wx, Wh, b, h0, c0 = numbers("lstm")
    with pytest.raises(ValueError, match=r"pass h0=h\[0\], c0=c\[0\]") as caught:
        tg.lstm(x, Wx, Wh, b, (h0[None], c0[None]))
    assert korean(caught.value)


def test_the_recurrent_bias_of_a_gru_is_refused_by_its_name():
    arrays = numbers("gru")
    arrays[4] = np.zeros(5)
    with pytest.raises(ValueError, match=r"so bh needs shape \(6,\), not \(5,\)"):
        tg.gru(*arrays)


@BOTH
def test_what_are_no_numbers_is_refused(name):
    x, Wx, Wh, *_ = numbers(name)
    with pytest.raises(TypeError, match=rf"^{name}: expected real numbers, got None"):
        call(name, x, Wx, None)
    with pytest.raises(TypeError, match=name):
        call(name, x, Wx, Wh, "b")
