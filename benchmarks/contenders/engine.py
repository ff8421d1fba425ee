"""tinygrad_ko, used as its users do and with every check on."""

from collections.abc import Callable

import numpy as np

import tinygrad_ko as tg
from benchmarks.problems import (
    LEARNING_RATE,
    OPTIMIZERS,
    Array,
    ConvNetwork,
    Formula,
    Lookup,
    Network,
    Recurrent,
    Residual,
    Transformer,
    chain_inputs,
)

ACTIVATIONS = {"sigmoid": tg.sigmoid, "relu": tg.relu}


class Step:
    """A step of training, given `loss`."""

    x: tg.Tensor
    t: Array
    parameters: list[tg.Tensor]
    optimizer: tg.optim.Optimizer

    def loss(self) -> tg.Tensor:
        raise NotImplementedError

    def gradients(self) -> tuple[float, list[Array]]:
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        return float(loss.item()), [np.array(p.grad) for p in self.parameters]

    def update(self) -> None:
        self.optimizer.step()

    def __call__(self) -> float:
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        self.update()
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
    def __init__(self, network: ConvNetwork) -> None:
        self.relu_first = network.relu == "before"
        x, self.t = network.images_and_labels()
        self.x = tg.Tensor(x)
        self.parameters = [tg.Tensor(p, requires_grad=True) for p in network.parameters()]
        self.optimizer = tg.optim.SGD(self.parameters, lr=LEARNING_RATE)

    def loss(self) -> tg.Tensor:
        W1, b1, W2, b2, W3, b3 = self.parameters
        h = tg.conv2d(self.x, W1, b1)
        h = tg.max_pool2d(tg.relu(h), 2) if self.relu_first else tg.relu(tg.max_pool2d(h, 2))
        h = tg.relu(tg.affine(tg.reshape(h, (h.shape[0], -1)), W2, b2))
        return tg.softmax_cross_entropy(tg.affine(h, W3, b3), self.t)


class ResidualStep(Step):
    def __init__(self, network: Residual) -> None:
        x, self.t = network.images_and_labels()
        self.x, self.blocks = tg.Tensor(x), len(network.channels)
        self.parameters = [tg.Tensor(p, requires_grad=True) for p in network.parameters()]
        self.optimizer = tg.optim.SGD(self.parameters, lr=LEARNING_RATE)

    def loss(self) -> tg.Tensor:
        left = iter(self.parameters)

        def normed(x: tg.Tensor, stride: int = 1) -> tg.Tensor:
            x = tg.conv2d(x, next(left), stride=stride, padding=1)
            return tg.batch_norm(x, next(left), next(left))

        x = tg.relu(normed(self.x))
        for i in range(self.blocks):
            before = tg.conv2d(x, next(left), stride=2) if i else x
            x = tg.relu(normed(tg.relu(normed(x, 2 if i else 1))) + before)
        return tg.softmax_cross_entropy(tg.affine(tg.mean(x, axis=(2, 3)), next(left), next(left)), self.t)


class RecurrentStep(Step):
    def __init__(self, network: Recurrent) -> None:
        self.x, self.network = tg.Tensor(network.sequences()), network
        self.parameters = [tg.Tensor(p, requires_grad=True) for p in network.parameters()]
        self.optimizer = tg.optim.SGD(self.parameters, lr=LEARNING_RATE)

    def loss(self) -> tg.Tensor:
        if self.network.step_by_step:
            h = self.step_by_step()
        else:
            h = tg.lstm(self.x, *self.parameters).h if self.network.cell == "LSTM" else tg.gru(self.x, *self.parameters)
        return tg.mean(tg.square(h)) / 2

    def step_by_step(self) -> tg.Tensor:
        """The hidden states of an LSTM, each from what happens at its step."""
        W, U, b = self.parameters
        H = self.network.hidden
        h = c = tg.Tensor(np.zeros((self.network.batch, H), self.network.dtype))
        outputs = []
        for x in tg.unstack(self.x):
            z = tg.affine(x, W, b) + h @ U
            i, f = tg.split(tg.sigmoid(z[:, : 2 * H]), 2, axis=1)
            c = f * c + i * tg.tanh(z[:, 2 * H : 3 * H])
            h = tg.sigmoid(z[:, 3 * H :]) * tg.tanh(c)
            outputs.append(h)
        return tg.stack(outputs)


class TransformerStep(Step):
    def __init__(self, network: Transformer) -> None:
        self.ids, self.t = network.text()
        self.network = network
        self.parameters = [tg.Tensor(p, requires_grad=True) for p in network.parameters()]
        self.optimizer = tg.optim.AdamW(self.parameters, lr=network.learning_rate, weight_decay=network.weight_decay)
        self.past = np.tri(network.steps, dtype=bool)

    def attention(self, x: tg.Tensor, W: tg.Tensor, b: tg.Tensor) -> tg.Tensor:
        """What each place has learned from those up to its own, (batch, T, d) as it came."""
        batch, T, d = x.shape
        heads = tg.reshape(tg.affine(x, W, b), (batch, T, 3, self.network.heads, -1))
        q, k, v = tg.unstack(tg.permute_dims(heads, (2, 0, 3, 1, 4)))
        seen = tg.attention(q, k, v, self.past)
        return tg.reshape(tg.permute_dims(seen, (0, 2, 1, 3)), (batch, T, d))

    def loss(self) -> tg.Tensor:
        tokens, places, *blocks = self.parameters
        gamma, beta, W, b = blocks[-4:]
        x = tg.embedding(tokens, self.ids) + places
        for i in range(self.network.layers):
            g1, s1, W1, b1, W2, b2, g2, s2, W3, b3, W4, b4 = blocks[12 * i : 12 * i + 12]
            x = x + tg.affine(self.attention(tg.layer_norm(x, g1, s1), W1, b1), W2, b2)
            x = x + tg.affine(tg.gelu(tg.affine(tg.layer_norm(x, g2, s2), W3, b3)), W4, b4)
        scores = tg.affine(tg.layer_norm(x, gamma, beta), W, b)
        return tg.softmax_cross_entropy(tg.reshape(scores, (-1, scores.shape[-1])), self.t.ravel())

    def update(self) -> None:
        tg.optim.clip_grad_norm(self.parameters, self.network.max_norm)
        self.optimizer.step()


class OptimizerStep:
    def __init__(self, name: str, network: Network) -> None:
        arrays, gradients = network.parameters_and_gradients()
        self.parameters = [tg.Tensor(p, requires_grad=True) for p in arrays]
        for p, g in zip(self.parameters, gradients, strict=True):
            p.grad = g
        self.optimizer = getattr(tg.optim, name)(self.parameters, **OPTIMIZERS[name])

    def __call__(self) -> None:
        self.optimizer.step()

    def values(self) -> list[Array]:
        return [p.data for p in self.parameters]


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


def twelve_operations(x: tg.Tensor, w: tg.Tensor, b: tg.Tensor) -> tg.Tensor:
    """And a sum."""
    a = tg.tanh(x * w + b)
    q = tg.square(x * a) + 1
    r = tg.sqrt(q)
    return tg.sum(tg.exp(-(tg.log(r) - x)) / q)


def formula(problem: Formula) -> Callable[[], list[Array]]:
    x, w, b = (tg.Tensor(array, requires_grad=True) for array in problem.inputs())

    def run() -> list[Array]:
        for leaf in (x, w, b):
            leaf.zero_grad()
        twelve_operations(x, w, b).backward()
        return [np.asarray(leaf.grad) for leaf in (x, w, b)]

    return run
