"""Recurrent layers, against a loop over steps and samples."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.ops.domains import Row, draw_array, real
from tinygrad_ko.ops.networks import recurrence


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_by_hand(x, Wx, Wh, b=None, h0=None, c0=None):
    """The hidden and the cell states in one array, of x (steps, batch, inputs)."""
    (steps, batch, _), hidden = x.shape, len(Wh)
    h, c = (np.zeros((steps + 1, batch, hidden)) for _ in range(2))
    h[0], c[0] = 0 if h0 is None else h0, 0 if c0 is None else c0
    for t in range(steps):
        for s in range(batch):
            a = x[t, s] @ Wx + h[t, s] @ Wh + (0 if b is None else b)
            i, f, n, o = np.split(a, 4)
            c[t + 1, s] = sigmoid(f) * c[t, s] + sigmoid(i) * np.tanh(n)
            h[t + 1, s] = sigmoid(o) * np.tanh(c[t + 1, s])
    return np.stack([h[1:], c[1:]])


def gru_by_hand(x, Wx, Wh, b=None, bh=None, h0=None):
    """The states of x (steps, batch, inputs)."""
    (steps, batch, _), hidden = x.shape, len(Wh)
    h = np.zeros((steps + 1, batch, hidden))
    h[0] = 0 if h0 is None else h0
    for t in range(steps):
        for s in range(batch):
            from_x, from_h = x[t, s] @ Wx + (0 if b is None else b), h[t, s] @ Wh + (0 if bh is None else bh)
            (r, u, n), (r_h, u_h, n_h) = np.split(from_x, 3), np.split(from_h, 3)
            u = sigmoid(u + u_h)
            h[t + 1, s] = (1 - u) * np.tanh(n + sigmoid(r + r_h) * n_h) + u * h[t, s]
    return h[1:]


@st.composite
def states(draw, gates, arguments):
    """What an op takes: products, recurrent weights, and biases or states in the shapes that are named."""
    steps, batch, hidden = draw(st.integers(1, 3)), draw(st.integers(0, 2)), draw(st.integers(1, 2))
    shapes = {"bias": (gates * hidden,), "state": (batch, hidden)}
    z = draw_array(draw, st.just((steps, batch, gates * hidden)), real)
    W = draw_array(draw, st.just((hidden, gates * hidden)), real)
    return (z, W, *(draw_array(draw, st.just(shapes[a]), real) for a in arguments)), {}


def from_products(by_hand):
    """The same of z: its numbers are the inputs, and their weights 1."""
    return lambda z, W, *rest: by_hand(z, np.eye(z.shape[-1]), W, None, *rest)


ROWS: dict[Callable[..., Any], Row] = {
    recurrence.lstm_states: Row(states(4, ["state", "state"]), from_products(lstm_by_hand)),
    recurrence.gru_states: Row(states(3, ["bias", "state"]), from_products(gru_by_hand)),
}

LAYOUT = "it says how the weights lie in memory, nothing more"
LAID_OUT = "missing function: in _backward_weights: return permute_dims(reshape(W, (hidden, gates, hidden)), (1, 2, 0))"

EQUIVALENT: dict[str, dict[str, str]] = {
    "lstm_states": {
        f"lstm.args: {LAID_OUT}": LAYOUT,
        "lstm.args: missing function: in _lstm_back: d = slopes[t, :4, ...] * [d_c, d_c, d_c, d_h]": "a list is stacked by itself",
    },
    "gru_states": {f"gru.args: {LAID_OUT}": LAYOUT},
}
