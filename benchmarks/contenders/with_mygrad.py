"""MyGrad with its default settings."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.problems import LEARNING_RATE, Array, Network, chain_inputs

mygrad: Any = import_module("mygrad")
activations: Any = import_module("mygrad.nnet.activations")
losses: Any = import_module("mygrad.nnet.losses")


class TrainingStep:
    def __init__(self, network: Network) -> None:
        self.x, self.t = network.images_and_labels()
        self.layers = [(mygrad.tensor(W), mygrad.tensor(b)) for W, b in network.layers()]
        self.activate = getattr(activations, network.activation)
        self.parameters = [p for layer in self.layers for p in layer]

    def loss(self) -> Any:
        h = self.x
        for W, b in self.layers[:-1]:
            h = self.activate(mygrad.matmul(h, W) + b)
        W, b = self.layers[-1]
        return losses.softmax_crossentropy(mygrad.matmul(h, W) + b, self.t)

    def gradients(self) -> tuple[float, list[Array]]:
        loss = self.loss()
        loss.backward()
        return loss.item(), [p.grad.copy() for p in self.parameters]

    def __call__(self) -> float:
        loss = self.loss()
        loss.backward()
        for p in self.parameters:
            g = p.grad
            g *= LEARNING_RATE
            p.data -= g
        return float(loss.item())


def chain(kind: str, shape: tuple[int, ...], count: int) -> Callable[[], list[Array]]:
    x, w, b = (mygrad.tensor(array) for array in chain_inputs(shape))
    leaves = [x] if kind == "sin, exp, log" else [x, w, b]

    def run() -> list[Array]:
        v = x
        if kind == "sin, exp, log":
            for _ in range(count // 3):
                v = mygrad.log(mygrad.exp(mygrad.sin(v)))
        else:
            for _ in range(count // 3):
                v = mygrad.tanh(v * w + b)
        v.backward()
        return [leaf.grad for leaf in leaves]

    return run
