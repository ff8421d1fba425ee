"""The yardstick of the optimizers: their formulas in place, with one array to spare for each parameter."""

import numpy as np

from benchmarks.problems import OPTIMIZERS, Array, Network


def sgd(p: Array, g: Array, spare: Array, lr: float) -> None:
    np.multiply(g, lr, out=spare)
    p -= spare


def momentum(p: Array, g: Array, spare: Array, v: Array, lr: float, momentum: float) -> None:
    v *= momentum
    v -= np.multiply(g, lr, out=spare)
    p += v


def adam(p: Array, g: Array, spare: Array, m: Array, v: Array, step: int, lr: float, weight_decay: float = 0.0) -> None:
    if weight_decay:
        p *= 1 - lr * weight_decay
    m *= 0.9
    m += np.multiply(g, 0.1, out=spare)
    np.multiply(g, g, out=spare)
    spare *= 0.001
    v *= 0.999
    v += spare
    np.multiply(v, 1 / (1 - 0.999**step), out=spare)
    np.sqrt(spare, out=spare)
    spare += 1e-8
    np.divide(m, spare, out=spare)
    spare *= lr / (1 - 0.9**step)
    p -= spare


class OptimizerStep:
    def __init__(self, name: str, network: Network) -> None:
        self.parameters, self.gradients = network.parameters_and_gradients()
        self.name, self.settings, self.steps = name, OPTIMIZERS[name], 0
        self.spare, self.m, self.v = ([np.zeros_like(p) for p in self.parameters] for _ in range(3))

    def __call__(self) -> None:
        self.steps += 1
        for p, g, spare, m, v in zip(self.parameters, self.gradients, self.spare, self.m, self.v, strict=True):
            if self.name == "SGD":
                sgd(p, g, spare, **self.settings)
            elif self.name == "Momentum":
                momentum(p, g, spare, v, **self.settings)
            else:
                adam(p, g, spare, m, v, self.steps, **self.settings)

    def values(self) -> list[Array]:
        return self.parameters
