"""JAX on the CPU: the whole step compiled as one function that updates its parameters in place.

No chains: unrolled, they take seconds to compile, and what then runs records nothing.
"""

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.problems import LEARNING_RATE, Array, Network

jax: Any = import_module("jax")
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_cpu_enable_async_dispatch", False)


def loss(parameters: list[Any], x: Any, t: Any, activation: str) -> Any:
    activate = getattr(jax.nn, activation)
    h = x
    for W, b in zip(parameters[0:-2:2], parameters[1:-2:2], strict=True):
        h = activate(h @ W + b)
    scores = h @ parameters[-2] + parameters[-1]
    return -jax.nn.log_softmax(scores)[jax.numpy.arange(len(t)), t].mean()


@partial(jax.jit, static_argnames="activation", donate_argnums=0)
def step(parameters: list[Any], x: Any, t: Any, activation: str) -> tuple[Any, list[Any]]:
    value, gradients = jax.value_and_grad(loss)(parameters, x, t, activation)
    return value, [p - LEARNING_RATE * g for p, g in zip(parameters, gradients, strict=True)]


class TrainingStep:
    def __init__(self, network: Network) -> None:
        self.x, self.t = (jax.numpy.asarray(array) for array in network.images_and_labels())
        self.parameters = [jax.numpy.array(p) for layer in network.layers() for p in layer]
        self.activation = network.activation

    def gradients(self) -> tuple[float, list[Array]]:
        value, gradients = jax.value_and_grad(loss)(self.parameters, self.x, self.t, self.activation)
        return float(value), [np.asarray(g) for g in gradients]

    def __call__(self) -> float:
        value, self.parameters = step(self.parameters, self.x, self.t, self.activation)
        jax.block_until_ready(self.parameters)
        return float(value)
