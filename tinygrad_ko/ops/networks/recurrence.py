"""Recurrent layers: a whole sequence in one op.

Only what a step cannot do without the one before is left in the loop. The inputs of all steps are multiplied by their weights at once,
before it, and the gradient of the recurrent weights is one product after it. The ops take the products z (steps, batch, gates * hidden)
and the recurrent weights W (hidden, gates * hidden); inside, gates lie one after the other, each (batch, hidden). Their formulas are
backpropagation through time, written with ops, so that they can be differentiated again.

Source: P. Werbos, "Backpropagation through time: what it does and how to do it", Proc. IEEE 78 (1990).
"""

from collections import namedtuple
from math import prod

import numpy as np

from tinygrad_ko.arrays.library import NUMPYS, beside, contiguous, quiet
from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import add, multiply
from tinygrad_ko.ops.hyperbolic import tanh
from tinygrad_ko.ops.inputs import as_floating, in_float32, unwrapped
from tinygrad_ko.ops.linalg.products import affine, matmul, matrix_product
from tinygrad_ko.ops.networks.activations import one_minus_sigmoid, sigmoid
from tinygrad_ko.ops.reduction import sum
from tinygrad_ko.ops.shape import concat, expand_dims, permute_dims, reshape, stack, unstack
from tinygrad_ko.runtime.suggestions import explained

LSTMResult = namedtuple("LSTMResult", "h c")


# Long short-term memory


@op(
    name="lstm",
    keeps="slopes",
    args=lambda g, out, args, slopes: _lstm_gradients(g, out, slopes, *args),
    slopes=lambda args: _lstm_by_steps(*args)[1],
)
def lstm_states(*args):
    """The hidden and the cell states of all steps in one array (2, steps, batch, hidden), from z, W and the states h and c before them.

    Kept are the slopes of each step (steps, 6, batch, hidden), so that the way back is a loop of products. With c' = f c + i n and h' = o
    tanh(c') they are those of c' in what i, f and n are computed from; of h' in what o is; of h' in c'; and of c' in c.
    """
    arrays = [floating(v) for v in args]
    return _lstm_in_place(*arrays) if all(type(v) in NUMPYS for v in arrays) else _lstm_by_steps(*arrays)


def _lstm_by_steps(z, W, h, c):
    """The definition. (Some libraries' arrays do not let a Tensor be the right operand of an operator: so there are functions.)"""
    z, W, start, hs, cs, computed_from = _by_gate(z, 4), _by_gate(W, 4), c, [], [], []
    for t in range(z.shape[0]):
        a = add(z[t, ...], matrix_product(h, W))
        i, f, _, o = unstack(sigmoid(a))
        c = multiply(f, c) + i * tanh(a[2, ...])
        h = tanh(c) * o
        hs.append(h)
        cs.append(c)
        computed_from.append(a)
    a, after = stack(computed_from), stack(cs)
    n, before, tanh_c = tanh(a[:, 2, ...]), _before(after, start), tanh(after)
    i, f, _, o = unstack(sigmoid(a), axis=1)
    not_i, not_f, _, not_o = unstack(one_minus_sigmoid(a), axis=1)
    by_gate = [i * not_i * n, before * (f * not_f), i * (1 - n * n), tanh_c * (o * not_o)]
    return stack([stack(hs), after]), stack([*by_gate, (1 - tanh_c * tanh_c) * o, f], axis=1)


@opaque
def _lstm_in_place(z, W, h, c):
    """The same numbers in 0.35 of the time (64 steps, 16 sequences, 128 hidden numbers): all arrays are made once.

    A gate's slope is s * (1 - s), where 1 - s is exp(-a) * s: no digits are lost where s is almost 1.
    """
    dtype, W = np.result_type(z, W, h, c), contiguous(_array_by_gate(W, 4))
    out, slopes = np.empty((2, z.shape[0], *h.shape), dtype), np.empty((z.shape[0], 6, *h.shape), dtype)
    slopes[:, :4], largest = _array_by_gate(z, 4), np.finfo(dtype).max
    gates, n, added = np.empty((4, *h.shape), dtype), np.empty(h.shape, dtype), np.empty(h.shape, dtype)
    i, f, _, o = gates
    with quiet(over="ignore"):  # exp(-a) may be infinite; but infinity times 0 would be NaN
        for slope, ht, ct in zip(slopes, *out, strict=True):
            a = slope[:4]
            a += np.matmul(h, W, out=gates)
            np.tanh(a[2], out=n)
            np.negative(a, out=a)
            np.exp(a, out=a)
            np.add(a, 1, out=gates)
            np.divide(1, gates, out=gates)
            np.minimum(a, largest, out=a)
            a *= gates
            a *= gates
            np.multiply(f, c, out=ct)
            ct += np.multiply(i, n, out=added)
            np.tanh(ct, out=ht)
            a[0] *= n
            a[1] *= c
            n *= n
            np.subtract(1, n, out=a[2])
            a[2] *= i
            a[3] *= ht
            np.multiply(ht, ht, out=added)
            np.subtract(1, added, out=slope[4])
            slope[4] *= o
            slope[5] = f
            ht *= o
            h, c = ht, ct
    return out, slopes


def _lstm_gradients(g, out, slopes, z, W, h0, c0):
    """Backpropagation through time."""
    d, d_h, d_c = _lstm_back(g, slopes, _backward_weights(W, 4))
    d_z = _side_by_side(d)
    return d_z, _of_weights(_before(out[0, ...], h0), d_z), d_h, d_c


def _lstm_back(g, slopes, back):
    """The gradients of what each gate is computed from, and of the first states."""
    if type(slopes) in NUMPYS:
        return _lstm_back_in_place(g, slopes, back)
    d_h, d_c, found = 0, 0, []
    for t in reversed(range(slopes.shape[0])):
        d_h = d_h + g[0, t, ...]
        d_c = d_c + g[1, t, ...] + d_h * slopes[t, 4, ...]
        d = slopes[t, :4, ...] * stack([d_c, d_c, d_c, d_h])
        found.append(d)
        d_h, d_c = sum(d @ back, axis=0), d_c * slopes[t, 5, ...]
    return stack(found[::-1]), d_h, d_c


@opaque
def _lstm_back_in_place(g, slopes, back):
    """The same in 0.8 of the time."""
    all_d, parts = slopes[:, :4].copy(), np.empty_like(slopes[0, :4])
    d_h, d_c = np.zeros((2, *parts.shape[1:]), parts.dtype)
    for t in reversed(range(len(slopes))):
        d = all_d[t]
        d_h += g[0, t]
        d_c += g[1, t]
        d_c += d_h * slopes[t, 4]
        d[:3] *= d_c
        d[3] *= d_h
        d_c *= slopes[t, 5]
        np.matmul(d, back, out=parts).sum(axis=0, out=d_h)
    return all_d, d_h, d_c


@explained
def lstm(x, Wx, Wh, b=None, h0=None, c0=None):
    """Long short-term memory over whole sequences: the hidden states h and the cell states c after every step.

    x (steps, ..., n), the first axis is time; Wx (n, 4 m), Wh (m, 4 m) and b (4 m,), or None for no bias; h0 and c0 (..., m), the states
    before the first step, or None for zeros. h and c have shape (steps, ..., m); the last states are h[-1] and c[-1].

        i, f, n, o = the four parts of x[t] @ Wx + h[t - 1] @ Wh + b
        c[t] = sigmoid(f) * c[t - 1] + sigmoid(i) * tanh(n)
        h[t] = sigmoid(o) * tanh(c[t])

    The order is that of PyTorch and Keras. Of a layer of PyTorch they are weight_ih_l0.T, weight_hh_l0.T and bias_ih_l0 + bias_hh_l0; of
    Keras the kernel, the recurrent kernel and the bias as they are, for `moveaxis(x, 1, 0)` of its batches. Source: Hochreiter and
    Schmidhuber (1997), with the forget gate of Gers, Schmidhuber and Cummins (2000).

    Raises ValueError for shapes that do not fit each other, or no step.

    >>> import numpy as np, tinygrad_ko as tg
    >>> x = tg.Tensor([[1.0], [0.0], [0.0]])
    >>> h, c = tg.lstm(x, np.full((1, 4), 2.0), np.zeros((1, 4)), b=np.array([0.0, 5.0, 0.0, 0.0]))
    >>> c.numpy().round(3)
    array([[0.849],
           [0.843],
           [0.838]])
    """
    return LSTMResult(*unstack(_lstm(x, Wx, Wh, b, h0, c0)))


@in_float32
def _lstm(x, Wx, Wh, b, h0, c0):
    args, shape = _laid_out("lstm", 4, x, Wx, Wh, b, {}, {"h0": h0, "c0": c0})
    return reshape(lstm_states(*args), (2, *shape))


# Gated recurrent units


@op(
    name="gru",
    keeps="a",
    args=lambda g, out, args, a: _gru_gradients(g, out, a, *args),
    a=lambda args: _gru_by_steps(*args)[1],
)
def gru_states(*args):
    """The states of all steps (steps, batch, hidden) from z, W, the recurrent biases b (gates * hidden,) and the state h before them. Kept
    is what the gates and the candidate are computed from, and the state's part of the candidate.
    """
    arrays = [floating(v) for v in args]
    return _gru_in_place(*arrays) if all(type(v) in NUMPYS for v in arrays) else _gru_by_steps(*arrays)


def _gru_by_steps(z, W, b, h):
    """The definition, as for the LSTM."""
    z, W, b, hs, kept = _by_gate(z, 3), _by_gate(W, 3), _by_gate(expand_dims(b), 3), [], []
    for t in range(z.shape[0]):
        of_h = add(matrix_product(h, W), b)
        gates = add(z[t, :2, ...], of_h[:2, ...])
        r, u = unstack(sigmoid(gates))
        candidate = add(z[t, 2, ...], r * of_h[2, ...])
        n = tanh(candidate)
        h = n - u * (n - h)
        hs.append(h)
        kept.append(concat([gates, stack([candidate, of_h[2, ...]])]))
    return stack(hs), stack(kept)


@opaque
def _gru_in_place(z, W, b, h):
    """The same numbers, in 0.6 of the time."""
    dtype, steps = np.result_type(z, W, b, h), z.shape[0]
    z, W, b = _array_by_gate(z, 3), contiguous(_array_by_gate(W, 3)), _array_by_gate(b[None], 3)
    out, a = np.empty((steps, *h.shape), dtype), np.empty((steps, 4, *h.shape), dtype)
    of_h, gates, n = np.empty((3, *h.shape), dtype), np.empty((2, *h.shape), dtype), np.empty(h.shape, dtype)
    r, u = gates
    with quiet(over="ignore"):  # exp(-a) may be infinite: then the gate is 0
        for zt, at, ht in zip(z, a, out, strict=True):
            np.matmul(h, W, out=of_h)
            of_h += b
            np.add(zt[:2], of_h[:2], out=at[:2])
            np.negative(at[:2], out=gates)
            np.exp(gates, out=gates)
            gates += 1
            np.divide(1, gates, out=gates)
            at[3] = of_h[2]
            np.multiply(r, of_h[2], out=at[2])
            at[2] += zt[2]
            np.tanh(at[2], out=n)
            np.subtract(n, h, out=ht)
            ht *= u
            np.subtract(n, ht, out=ht)
            h = ht
    return out, a


def _gru_gradients(g, out, a, z, W, b, h0):
    """With h' = n + u (h - n), the gradient of what each gate is computed from is that of h' times a factor, which needs no loop."""
    h = _before(out, h0)
    r, u = unstack(sigmoid(a[:, :2, ...]), axis=1)
    not_r, not_u = unstack(one_minus_sigmoid(a[:, :2, ...]), axis=1)
    n = tanh(a[:, 2, ...])
    of_n = not_u * (1 - n * n)
    factors = stack([of_n * a[:, 3, ...] * r * not_r, (h - n) * u * not_u, of_n, of_n * r], axis=1)
    back = _backward_weights(W, 3)
    d_h, found = 0, []
    for t in reversed(range(a.shape[0])):
        d_h = d_h + g[t, ...]
        d = factors[t, ...] * d_h
        found.append(d)
        d_h = d_h * u[t, ...] + sum(d[:2, ...] @ back[:2, ...], axis=0) + d[3, ...] @ back[2, ...]
    d = stack(found[::-1])
    d_of_h = _side_by_side(concat([d[:, :2, ...], d[:, 3:, ...]], axis=1))
    return _side_by_side(d[:, :3, ...]), _of_weights(h, d_of_h), sum(d_of_h, axis=(0, 1)), d_h


@explained
def gru(x, Wx, Wh, b=None, bh=None, h0=None):
    """Gated recurrent units over whole sequences: the states h after every step.

    x (steps, ..., n), the first axis is time; Wx (n, 3 m), Wh (m, 3 m), b and bh (3 m,), or None for no bias; h0 (..., m), the state before
    the first step, or None for zeros. h has shape (steps, ..., m); the last state is h[-1].

        r, u, n = the three parts of x[t] @ Wx + b
        s, v, p = the three parts of h[t - 1] @ Wh + bh
        n = tanh(n + sigmoid(r + s) * p)
        h[t] = n + sigmoid(u + v) * (h[t - 1] - n)

    The order is that of PyTorch: of a layer of it they are weight_ih_l0.T, weight_hh_l0.T, bias_ih_l0 and bias_hh_l0. Keras has the first
    two parts the other way round, and its biases are the rows of `bias`. The reset gate is applied after the product, as in both of them;
    in the paper, before. Source: Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014).

    Raises ValueError for shapes that do not fit each other, or no step.

    >>> import numpy as np, tinygrad_ko as tg
    >>> x = tg.Tensor([[1.0], [0.0], [0.0]])
    >>> tg.gru(x, np.array([[0.0, -2.0, 1.0]]), np.zeros((1, 3)), bh=np.array([0.0, 2.0, 0.0])).numpy().round(3)
    array([[0.381],
           [0.335],
           [0.295]])
    """
    return _gru(x, Wx, Wh, b, bh, h0)


@in_float32
def _gru(x, Wx, Wh, b, bh, h0):
    args, shape = _laid_out("gru", 3, x, Wx, Wh, b, {"bh": bh}, {"h0": h0})
    return reshape(gru_states(*args), shape)


# Both


def _laid_out(name, gates, x, Wx, Wh, b, biases, states):
    """What an op takes, z, W, the other biases and the states, and the shape of the states of all steps."""
    x, Wx, Wh = (as_floating(v, name) for v in (x, Wx, Wh))
    given = {n: v if v is None else as_floating(v, name) for n, v in ({"b": b} | biases | states).items()}
    _require_fitting(name, gates, x, Wx, Wh, given, states)
    (steps, *batch, _), hidden = x.shape, Wh.shape[0]
    b, *rest = given.values()
    z = matmul(x, Wx) if b is None else affine(x, Wx, b)
    z = reshape(z, (steps, prod(batch), gates * hidden))
    shapes = [*((gates * hidden,) for _ in biases), *((prod(batch), hidden) for _ in states)]
    zeros = [beside(unwrapped(z), np.zeros(shape), z.dtype) for shape in shapes]
    rest = [zero if v is None else reshape(v, zero.shape) for v, zero in zip(rest, zeros, strict=True)]
    return (z, Wh, *rest), (steps, *batch, hidden)


def _require_fitting(name, gates, x, Wx, Wh, given, states):
    """Raise ValueError for shapes that do not fit each other."""

    def refuse(what, korean):
        raise explain(ValueError(f"{name}: {what}"), f"{name}: {korean}")

    if x.ndim < 2 or not x.shape[0]:
        refuse(
            f"x needs shape (steps, ..., inputs) and a step at least, not {x.shape}; a sequence of numbers is x[:, None]",
            f"x의 형상은 (steps, ..., inputs)이고 시점이 하나 이상 있어야 합니다. 수 하나씩으로 된 시퀀스라면 x[:, None]을 넘기십시오. "
            f"받은 형상: {x.shape}",
        )
    width = gates * Wh.shape[0] if Wh.ndim else 0
    if not Wh.ndim or Wh.shape != (Wh.shape[0], width) or Wx.shape != (x.shape[-1], width):
        turned = Wx.shape == (width, x.shape[-1]) or (Wh.ndim == 2 and Wh.shape[0] == gates * Wh.shape[1])
        cure = "; PyTorch's weights are their transposes, W.T" * turned
        korean_cure = "PyTorch의 가중치라면 전치하여 W.T를 넘기십시오. " * turned
        refuse(
            f"Wx needs shape (inputs, {gates} * hidden) and Wh (hidden, {gates} * hidden), but x, Wx and Wh have shapes {x.shape}, "
            f"{Wx.shape} and {Wh.shape}{cure}",
            f"Wx의 형상은 (inputs, {gates} * hidden), Wh의 형상은 (hidden, {gates} * hidden)이어야 합니다. "
            f"{korean_cure}받은 x, Wx, Wh의 형상: {x.shape}, {Wx.shape}, {Wh.shape}",
        )
    state = (*x.shape[1:-1], Wh.shape[0])
    for argument, v in given.items():
        wanted = state if argument in states else (width,)
        if v is not None and v.shape != wanted:
            own = ", ".join(f"{n}={n[0]}[0]" for n in states) * (argument in states and v.ndim > len(wanted))
            refuse(
                f"x has shape {x.shape} and Wh {Wh.shape}, so {argument} needs shape {wanted}, not {v.shape}"
                + (f"; of PyTorch's states pass {own}" if own else ""),
                f"x의 형상이 {x.shape}, Wh의 형상이 {Wh.shape}이므로 {argument}의 형상은 {wanted}이어야 합니다. "
                + (f"PyTorch의 상태라면 {own}과 같이 넘기십시오. " if own else "")
                + f"받은 형상: {v.shape}",
            )


def _before(states, start):
    """The states before each step."""
    return concat([expand_dims(start), states[:-1, ...]])


def _by_gate(x, gates):
    """(..., n, gates * hidden) as (..., gates, n, hidden)."""
    *before, n, width = x.shape
    k = len(before)
    return permute_dims(reshape(x, (*before, n, gates, width // gates)), (*range(k), k + 1, k, k + 2))


def _array_by_gate(x, gates):
    """The same of an array of NumPy's."""
    *before, n, width = x.shape
    return x.reshape(*before, n, gates, width // gates).swapaxes(-3, -2)


def _side_by_side(d):
    """(steps, gates, batch, hidden) as (steps, batch, gates * hidden)."""
    steps, gates, batch, hidden = d.shape
    return reshape(permute_dims(d, (0, 2, 1, 3)), (steps, batch, gates * hidden))


def _of_weights(h, d):
    """The gradient of W, from the states before each step and the gradients of their products with it: one product for all steps."""
    h, d = (reshape(v, (prod(v.shape[:2]), v.shape[2])) for v in (h, d))
    return h.mT @ d


def _backward_weights(W, gates):
    """W by gate, each transposed."""
    hidden = W.shape[0]
    return contiguous(permute_dims(reshape(W, (hidden, gates, hidden)), (1, 2, 0)))
