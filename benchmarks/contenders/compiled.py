"""tinygrad_ko again, each of its steps compiled by `tg.compile`. The first call, which compiles, is not timed."""

from collections.abc import Callable
from typing import Any

import tinygrad_ko as tg
from benchmarks.contenders import engine
from benchmarks.problems import Array, Formula, chain_inputs


class _Compiled:
    """A step of the engine's; what happens between two losses is one compiled function."""

    optimizer: Any
    loss: Callable[[], tg.Tensor]
    update: Callable[[], None]

    def step(self) -> tg.Tensor:
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        self.update()
        return loss

    def __call__(self) -> float:
        if not hasattr(self, "compiled"):
            self.compiled = tg.compile(self.step)
        return float(self.compiled().item())


class TrainingStep(_Compiled, engine.TrainingStep):
    pass


class ConvolutionStep(_Compiled, engine.ConvolutionStep):
    pass


class TransformerStep(_Compiled, engine.TransformerStep):
    pass


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
