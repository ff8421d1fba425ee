"""tinygrad_ko, used as its users do and with every check on."""

from collections.abc import Callable

import numpy as np

import tinygrad_ko as tg
from benchmarks.problems import LEARNING_RATE, Array, ConvNetwork, Lookup, Network, chain_inputs

ACTIVATIONS = {"sigmoid": tg.sigmoid, "relu": tg.relu}


class Step:
    """A step of SGD, given `loss`."""

    x: tg.Tensor
    t: Array
    parameters: list[tg.Tensor]
    optimizer: tg.optim.SGD

    def loss(self) -> tg.Tensor:
        raise NotImplementedError

    def gradients(self) -> tuple[float, list[Array]]:
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        return float(loss.item()), [np.array(p.grad) for p in self.parameters]

    def __call__(self) -> float:
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        self.optimizer.step()
        return float(loss.item())


class TrainingStep(Step):
    def __init__(self, network: Network) -> None:
        x, self.t = network.images_and_labels()
        self.x = tg.Tensor(x)
        self.layers = [
            (tg.Tensor(W, requires_grad=True), tg.Tensor(b, requires_grad=True)) for W, b in network.layers()
        ]
        self.activate = ACTIVATIONS[network.activation]
        self.parameters = [p for layer in self.layers for p in layer]
        self.optimizer = tg.optim.SGD(self.parameters, lr=LEARNING_RATE)

    def loss(self) -> tg.Tensor:
        h = self.x
        for W, b in self.layers[:-1]:
            h = self.activate(tg.affine(h, W, b))
        W, b = self.layers[-1]
        return tg.softmax_cross_entropy(tg.affine(h, W, b), self.t)


class OperatorStep(TrainingStep):
    """The same step with `h @ W + b` in place of `affine`."""

    def loss(self) -> tg.Tensor:
        h = self.x
        for W, b in self.layers[:-1]:
            h = self.activate(h @ W + b)
        W, b = self.layers[-1]
        return tg.softmax_cross_entropy(h @ W + b, self.t)


class ConvolutionStep(Step):
    """With relu after the pooling: the same as before it, and a quarter of its work."""

    def __init__(self, network: ConvNetwork) -> None:
        x, self.t = network.images_and_labels()
        self.x = tg.Tensor(x)
        self.parameters = [tg.Tensor(p, requires_grad=True) for p in network.parameters()]
        self.optimizer = tg.optim.SGD(self.parameters, lr=LEARNING_RATE)

    def loss(self) -> tg.Tensor:
        W1, b1, W2, b2, W3, b3 = self.parameters
        h = tg.relu(tg.max_pool2d(tg.conv2d(self.x, W1, b1), 2))
        h = tg.relu(tg.affine(tg.reshape(h, (h.shape[0], -1)), W2, b2))
        return tg.softmax_cross_entropy(tg.affine(h, W3, b3), self.t)


class CheckpointedStep(TrainingStep):
    """The same step, which keeps one value of every four layers and computes the others again."""

    def loss(self) -> tg.Tensor:
        def four(h: tg.Tensor, first: int) -> tg.Tensor:
            for W, b in self.layers[:-1][first : first + 4]:
                h = self.activate(tg.affine(h, W, b))
            return h

        h = self.x
        for first in range(0, len(self.layers) - 1, 4):
            h = tg.func.checkpoint(four, h, first)
        W, b = self.layers[-1]
        return tg.softmax_cross_entropy(tg.affine(h, W, b), self.t)


def multiply_add_tanh(x: tg.Tensor, w: tg.Tensor, b: tg.Tensor, count: int) -> tg.Tensor:
    v, tanh = x, tg.tanh
    for _ in range(count // 3):
        v = tanh(v * w + b)
    return v


def sin_exp_log(x: tg.Tensor, count: int) -> tg.Tensor:
    v, sin, exp, log = x, tg.sin, tg.exp, tg.log
    for _ in range(count // 3):
        v = log(exp(sin(v)))
    return v


def chain(kind: str, shape: tuple[int, ...], count: int) -> Callable[[], list[Array]]:
    x, w, b = (tg.Tensor(array, requires_grad=True) for array in chain_inputs(shape))
    seed = np.ones(shape)
    leaves = [x] if kind == "sin, exp, log" else [x, w, b]

    def run() -> list[Array]:
        for leaf in leaves:
            leaf.zero_grad()
        v = sin_exp_log(x, count) if kind == "sin, exp, log" else multiply_add_tanh(x, w, b, count)
        v.backward(seed)
        return [np.asarray(leaf.grad) for leaf in leaves]

    return run


def lookup(problem: Lookup) -> Callable[[], list[Array]]:
    table, ids, g = problem.inputs()
    W, seed = tg.Tensor(table, requires_grad=True), tg.Tensor(g)

    def run() -> list[Array]:
        W.zero_grad()
        (tg.embedding(W, ids) if W.ndim > 1 else W[ids]).backward(seed)
        return [np.asarray(W.grad)]

    return run
