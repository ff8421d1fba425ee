"""tinygrad_ko again, each step a compiled function from arrays to arrays. The first call, which compiles, is not timed."""

import time
from collections.abc import Callable
from typing import Any

import tinygrad_ko as tg
from benchmarks.contenders import engine
from benchmarks.problems import LEARNING_RATE, Array, ConvNetwork, Formula, Network, chain_inputs


def _seconds(made: Callable[[], Any], call: Callable[[Any], Any]) -> float:
    """The CPU time of the first call of what is made, less that of the second: the least of three."""
    found = []
    for _ in range(3):
        f = made()
        times = [time.process_time()]
        for _ in range(2):
            call(f)
            times.append(time.process_time())
        found.append(times[1] - times[0] - (times[2] - times[1]))
    return min(found)


class _Step:
    """A step of gradient descent. `loss` is of (parameters, x, t)."""

    def __init__(self, loss: Callable[..., Any], parameters: list[Array], x: Array, t: Array) -> None:
        value_and_gradients = tg.func.value_and_grad(loss)

        def step(parameters: list[Array], x: Array, t: Array) -> tuple[Array, list[Array]]:
            value, gradients = value_and_gradients(parameters, x, t)
            return value, [p - LEARNING_RATE * g for p, g in zip(parameters, gradients, strict=True)]

        self.parameters, self.x, self.t = parameters, x, t
        self.step, self._gradients = tg.compile(step), tg.compile(value_and_gradients)

    def seconds_to_compile(self) -> float:
        """What compiling takes, once all ops were used: the least of three."""
        self.step.f(self.parameters, self.x, self.t)
        return _seconds(lambda: tg.compile(self.step.f), lambda step: step(self.parameters, self.x, self.t))

    def gradients(self) -> tuple[float, list[Array]]:
        value, gradients = self._gradients(self.parameters, self.x, self.t)
        return float(value), gradients

    def __call__(self) -> float:
        value, self.parameters = self.step(self.parameters, self.x, self.t)
        return float(value)


class TrainingStep(_Step):
    def __init__(self, network: Network) -> None:
        activate = engine.ACTIVATIONS[network.activation]

        def loss(parameters: list[Any], x: Any, t: Any) -> tg.Tensor:
            h, pairs = x, [*zip(parameters[::2], parameters[1::2], strict=True)]
            for W, b in pairs[:-1]:
                h = activate(tg.affine(h, W, b))
            W, b = pairs[-1]
            return tg.softmax_cross_entropy(tg.affine(h, W, b), t)

        super().__init__(loss, [p for layer in network.layers() for p in layer], *network.images_and_labels())


class ConvolutionStep(_Step):
    def __init__(self, network: ConvNetwork) -> None:
        def loss(parameters: list[Any], x: Any, t: Any) -> tg.Tensor:
            W1, b1, W2, b2, W3, b3 = parameters
            h = tg.conv2d(x, W1, b1)
            h = tg.max_pool2d(tg.relu(h), 2) if network.relu == "before" else tg.relu(tg.max_pool2d(h, 2))
            h = tg.relu(tg.affine(tg.reshape(h, (h.shape[0], -1)), W2, b2))
            return tg.softmax_cross_entropy(tg.affine(h, W3, b3), t)

        super().__init__(loss, network.parameters(), *network.images_and_labels())


class TransformerStep(engine.TransformerStep):
    """A step that holds its parameters and its optimizer, as users write it. It ends without gradients: so these are no results, and new
    parameters may take their memory.
    """

    def step(self) -> tg.Tensor:
        loss = self.loss()
        loss.backward()
        self.update()
        self.optimizer.zero_grad()
        return loss

    def seconds_to_compile(self) -> float:
        super().__call__()
        self.optimizer.zero_grad()
        return _seconds(lambda: tg.compile(self.step), lambda step: step())

    def __call__(self) -> float:
        if not hasattr(self, "compiled"):
            self.optimizer.zero_grad()
            self.compiled = tg.compile(self.step)
        return float(self.compiled().item())


def chain(kind: str, shape: tuple[int, ...], count: int) -> Callable[[], list[Array]]:
    inputs = chain_inputs(shape)
    if kind == "sin, exp, log":
        gradients = tg.compile(tg.func.grad(lambda x: tg.sum(engine.sin_exp_log(x, count)), (0,)))
        return lambda: [*gradients(inputs[0])]
    gradients = tg.compile(tg.func.grad(lambda x, w, b: tg.sum(engine.multiply_add_tanh(x, w, b, count)), (0, 1, 2)))
    return lambda: [*gradients(*inputs)]


def formula(problem: Formula) -> Callable[[], list[Array]]:
    inputs = problem.inputs()
    value_and_gradients = tg.compile(tg.func.value_and_grad(engine.twelve_operations, (0, 1, 2)))
    return lambda: [*value_and_gradients(*inputs)[1]]
