"""The yardstick of the optimizers: their formulas in place, with one array to spare for each parameter."""

from collections.abc import Callable

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


def optimizer_step(name: str, network: Network) -> Callable[[], list[Array]]:
    """A step that returns the parameters."""
    arrays, gradients = network.parameters_and_gradients()
    settings, kept = OPTIMIZERS[name], [(np.zeros_like(p), np.zeros_like(p)) for p in arrays]
    spare = [np.empty_like(p) for p in arrays]
    steps = 0

    def run() -> list[Array]:
        nonlocal steps
        steps += 1
        for p, g, s, (m, v) in zip(arrays, gradients, spare, kept, strict=True):
            if name == "SGD":
                sgd(p, g, s, **settings)
            elif name == "Momentum":
                momentum(p, g, s, v, **settings)
            else:
                adam(p, g, s, m, v, steps, **settings)
        return arrays

    return run
