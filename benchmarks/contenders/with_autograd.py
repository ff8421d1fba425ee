"""HIPS autograd."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.problems import LEARNING_RATE, Array, Network, chain_inputs

autograd: Any = import_module("autograd")
anp: Any = import_module("autograd.numpy")


def loss(parameters: list[Any], x: Array, t: Array, activation: str) -> Any:
    h = x
    for W, b in zip(parameters[0:-2:2], parameters[1:-2:2], strict=True):
        z = anp.dot(h, W) + b
        h = 1 / (1 + anp.exp(-z)) if activation == "sigmoid" else anp.where(z > 0, z, 0)
    scores = anp.dot(h, parameters[-2]) + parameters[-1]
    scores = scores - anp.max(scores, axis=1, keepdims=True)
    right = scores[anp.arange(len(t)), t]
    return anp.mean(anp.log(anp.sum(anp.exp(scores), axis=1)) - right)


loss_and_gradients = autograd.value_and_grad(loss)


class TrainingStep:
    def __init__(self, network: Network) -> None:
        self.x, self.t = network.images_and_labels()
        self.parameters = [p for layer in network.layers() for p in layer]
        self.activation = network.activation

    def gradients(self) -> tuple[float, list[Array]]:
        value, gradients = loss_and_gradients(self.parameters, self.x, self.t, self.activation)
        return float(value), gradients

    def __call__(self) -> float:
        value, gradients = self.gradients()
        for p, g in zip(self.parameters, gradients, strict=True):
            g *= LEARNING_RATE
            p -= g
        return value


def chain(kind: str, shape: tuple[int, ...], count: int) -> Callable[[], list[Array]]:
    x, w, b = chain_inputs(shape)

    def sin_exp_log(x: Any) -> Any:
        for _ in range(count // 3):
            x = anp.log(anp.exp(anp.sin(x)))
        return anp.sum(x)

    def multiply_add_tanh(x: Any, w: Any, b: Any) -> Any:
        for _ in range(count // 3):
            x = anp.tanh(x * w + b)
        return anp.sum(x)

    if kind == "sin, exp, log":
        one = autograd.grad(sin_exp_log)
        return lambda: [one(x)]
    three = autograd.grad(multiply_add_tanh, argnum=(0, 1, 2))
    return lambda: list(three(x, w, b))
