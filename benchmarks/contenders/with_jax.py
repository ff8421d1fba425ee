"""JAX on the CPU: the whole step compiled as one function that updates its parameters in place.

No chains: unrolled, they take seconds to compile, and what then runs records nothing.
"""

from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.problems import LEARNING_RATE, Array, ConvNetwork, Network

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


def convolutional_loss(parameters: list[Any], x: Any, t: Any, relu_first: bool) -> Any:
    """With the channels last, and the largest of 2 x 2 from a reshape: on the CPU that is fastest."""
    W1, b1, W2, b2, W3, b3 = parameters
    h = jax.lax.conv_general_dilated(x, W1, (1, 1), "VALID", dimension_numbers=("NHWC", "OIHW", "NHWC")) + b1
    n, height, width, channels = h.shape
    h = (jax.nn.relu(h) if relu_first else h).reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
    h = h if relu_first else jax.nn.relu(h)
    h = jax.nn.relu(h.transpose(0, 3, 1, 2).reshape(n, -1) @ W2 + b2)
    return -jax.nn.log_softmax(h @ W3 + b3)[jax.numpy.arange(len(t)), t].mean()


@partial(jax.jit, static_argnames="relu_first", donate_argnums=0)
def convolutional_step(parameters: list[Any], x: Any, t: Any, relu_first: bool) -> tuple[Any, list[Any]]:
    value, gradients = jax.value_and_grad(convolutional_loss)(parameters, x, t, relu_first)
    return value, [p - LEARNING_RATE * g for p, g in zip(parameters, gradients, strict=True)]


class ConvolutionStep:
    def __init__(self, network: ConvNetwork) -> None:
        x, t = network.images_and_labels()
        self.x, self.t = jax.numpy.asarray(x.transpose(0, 2, 3, 1)), jax.numpy.asarray(t)
        self.parameters = [jax.numpy.array(p) for p in network.parameters()]
        self.relu_first = network.relu == "before"

    def gradients(self) -> tuple[float, list[Array]]:
        value, gradients = jax.value_and_grad(convolutional_loss)(self.parameters, self.x, self.t, self.relu_first)
        return float(value), [np.asarray(g) for g in gradients]

    def __call__(self) -> float:
        value, self.parameters = convolutional_step(self.parameters, self.x, self.t, self.relu_first)
        jax.block_until_ready(self.parameters)
        return float(value)
