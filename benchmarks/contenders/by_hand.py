"""The yardstick: what a skilled author writes in NumPy alone.

In place, no needless temporary, no gradient that nobody asked for. It keeps one promise that an engine keeps
too: all gradients exist before the first parameter changes.
"""

from collections.abc import Callable

import numpy as np

from benchmarks.contenders.by_hand_convolution import ConvolutionStep
from benchmarks.contenders.by_hand_lstm import RecurrentStep
from benchmarks.contenders.by_hand_optimizers import OptimizerStep
from benchmarks.problems import LEARNING_RATE, Array, Formula, Layers, Lookup, Network, chain_inputs

__all__ = ["ConvolutionStep", "OptimizerStep", "RecurrentStep", "TrainingStep", "chain", "formula", "lookup"]


def sigmoid(h: Array) -> None:
    np.negative(h, out=h)
    np.exp(h, out=h)
    h += 1
    np.reciprocal(h, out=h)


def sigmoid_back(g: Array, h: Array) -> None:
    g *= h
    np.subtract(1, h, out=h)
    g *= h


def relu(h: Array) -> None:
    np.maximum(h, 0, out=h)


def relu_back(g: Array, h: Array) -> None:
    g *= h > 0


ACTIVATIONS = {"sigmoid": (sigmoid, sigmoid_back), "relu": (relu, relu_back)}


def loss_and_gradients(x: Array, t: Array, layers: Layers, activation: str) -> tuple[float, list[Array]]:
    """Mean cross entropy of the scores, and its gradients in the order W, b, W, b, ..."""
    activate, activate_back = ACTIVATIONS[activation]
    kept = []  # what went into each layer
    h = x
    for W, b in layers[:-1]:
        kept.append(h)
        h = h @ W
        h += b
        activate(h)
    kept.append(h)
    W, b = layers[-1]
    scores = h @ W
    scores += b

    n = len(t)
    own = np.arange(n), t
    scores -= scores.max(axis=1, keepdims=True)
    right = scores[own]
    g = np.exp(scores, out=scores)
    total = g.sum(axis=1, keepdims=True)
    loss = (np.log(total).sum() - right.sum()) / n
    g /= total  # the probabilities, and from here on the gradient of the scores
    g[own] -= 1
    g /= n

    gradients = []
    for i in range(len(layers) - 1, -1, -1):
        h = kept.pop()
        gradients.append(g.sum(axis=0))
        gradients.append(h.T @ g)
        if i:
            g = g @ layers[i][0].T
            activate_back(g, h)
    gradients.reverse()
    return float(loss), gradients


class TrainingStep:
    def __init__(self, network: Network) -> None:
        self.x, self.t = network.images_and_labels()
        self.layers = network.layers()
        self.activation = network.activation
        self.parameters = [p for layer in self.layers for p in layer]

    def gradients(self) -> tuple[float, list[Array]]:
        return loss_and_gradients(self.x, self.t, self.layers, self.activation)

    def __call__(self) -> float:
        loss, gradients = self.gradients()
        for p, g in zip(self.parameters, gradients, strict=True):
            g *= LEARNING_RATE
            p -= g
        return loss


def multiply_add_tanh(x: Array, w: Array, b: Array, count: int) -> list[Array]:
    tanh = np.tanh
    kept, v = [], x
    for _ in range(count // 3):
        kept.append(v)
        v = tanh(v * w + b)
    g, gw, gb = np.ones(x.shape), np.zeros(x.shape), np.zeros(x.shape)
    while kept:
        g = g * (1 - v * v)
        v = kept.pop()
        gb += g
        gw += g * v
        g = g * w
    return [g, gw, gb]


def sin_exp_log(x: Array, count: int) -> list[Array]:
    sin, cos, exp, log = np.sin, np.cos, np.exp, np.log
    kept, v = [], x
    for _ in range(count // 3):
        e = exp(sin(v))
        kept.append((v, e))
        v = log(e)
    g = np.ones(x.shape)
    while kept:
        v, e = kept.pop()
        g = g / e * e * cos(v)
    return [g]


def chain(kind: str, shape: tuple[int, ...], count: int) -> Callable[[], list[Array]]:
    x, w, b = chain_inputs(shape)
    if kind == "sin, exp, log":
        return lambda: sin_exp_log(x, count)
    return lambda: multiply_add_tanh(x, w, b, count)


def by_bincount(table: Array, ids: Array, g: Array) -> Array:
    """One bin for each number of the table; the sums are double."""
    if g.ndim == 1:
        return np.bincount(ids, weights=g, minlength=len(table)).astype(g.dtype, copy=False)
    width = g.shape[1]
    bins = (ids[:, None] * width + np.arange(width)).ravel()
    sums = np.bincount(bins, weights=g.ravel(), minlength=table.size)
    return sums.reshape(table.shape).astype(g.dtype, copy=False)


def by_sorting(table: Array, ids: Array, g: Array) -> Array:
    """Equal ids side by side, and one sum for each run of them."""
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    starts = np.flatnonzero(np.concatenate(([True], ids[1:] != ids[:-1])))
    gradient = np.zeros_like(table)
    gradient[ids[starts]] = np.add.reduceat(g[order], starts, axis=0)
    return gradient


def by_add_at(table: Array, ids: Array, g: Array) -> Array:
    """NumPy's own function for it."""
    gradient = np.zeros_like(table)
    np.add.at(gradient, ids, g)
    return gradient


WAYS = {"bincount": by_bincount, "sort, reduceat": by_sorting, "add.at": by_add_at}


def lookup(problem: Lookup, way: str) -> Callable[[], list[Array]]:
    table, ids, g = problem.inputs()

    def run() -> list[Array]:
        looked_up = table[ids]
        return [WAYS[way](table, ids, g.reshape(looked_up.shape))]

    return run


def formula(problem: Formula) -> Callable[[], list[Array]]:
    """Each operation and its rule as they stand, in arrays that are made once."""
    x, w, b = problem.inputs()
    a, p, q, r, f, g, gx, gw, gb = (np.empty_like(x) for _ in range(9))

    def run() -> list[Array]:
        np.multiply(x, w, out=a)
        np.add(a, b, out=a)
        np.tanh(a, out=a)
        np.multiply(x, a, out=p)
        np.square(p, out=q)
        np.add(q, 1, out=q)
        np.sqrt(q, out=r)
        np.log(r, out=f)
        np.subtract(f, x, out=f)
        np.negative(f, out=f)
        np.exp(f, out=f)
        np.divide(f, q, out=f)
        f.sum()

        np.divide(
            f, r, out=g
        )  # the gradient of f is 1; the exponential is its own slope, and f what goes to its argument
        np.divide(g, r, out=g)
        np.multiply(g, -0.5, out=g)  # through the logarithm and the square root
        np.subtract(g, np.divide(f, q, out=gw), out=g)  # and through the quotient
        np.multiply(g, p, out=g)
        np.multiply(g, 2, out=g)
        np.add(f, np.multiply(g, a, out=gx), out=gx)
        np.multiply(g, x, out=g)
        np.multiply(a, a, out=gb)
        np.subtract(1, gb, out=gb)
        np.multiply(gb, g, out=gb)
        np.multiply(gb, x, out=gw)
        np.add(gx, np.multiply(gb, w, out=g), out=gx)
        return [gx, gw, gb]

    return run
