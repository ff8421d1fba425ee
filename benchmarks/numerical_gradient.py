"""What backprop is for: the gradient of 39,760 parameters in one walk, against two forwards for each."""

from collections.abc import Iterator

import numpy as np

import tinygrad_ko as tg
from benchmarks.contenders.engine import TrainingStep
from benchmarks.problems import SMALL, Array
from benchmarks.process import Work, started
from benchmarks.report import Row, duration
from benchmarks.timing import quartiles, seconds_of, take_turns

EVERY = 80  # one parameter of this many is perturbed, unless all are asked for
H = 1e-4


class Backprop:
    """The gradient of all parameters, by calling it; and that of some by differences."""

    def __init__(self, every: int) -> None:
        self.step, self.every = TrainingStep(SMALL), every

    def __call__(self) -> None:
        self.step.optimizer.zero_grad()
        self.step.loss().backward()

    def differences(self) -> tuple[Array, Array, float]:
        """The gradient of some parameters by backprop, by differences, and the seconds that the latter took."""
        x, t = SMALL.images_and_labels()
        arrays = [p for layer in SMALL.layers() for p in layer]
        theta = np.concatenate([p.ravel() for p in arrays])
        W1, b1, W2, b2 = (
            part.reshape(p.shape)  # views into theta
            for part, p in zip(np.split(theta, np.cumsum([p.size for p in arrays])[:-1]), arrays, strict=True)
        )

        def loss(_: Array) -> float:
            """Forward on bare arrays; it sees each perturbation through W1, b1, W2 and b2."""
            return float(tg.softmax_cross_entropy(tg.sigmoid(x @ W1 + b1) @ W2 + b2, t))

        found: list[Array] = []
        seconds = seconds_of(lambda: found.append(tg.numerical_gradient(loss, theta[:: self.every], H)))
        analytic = np.concatenate([g.ravel() for g in self.step.gradients()[1]])
        return analytic[:: self.every], found[0], seconds


def rows(full: bool, rounds: int) -> Iterator[Row]:
    every = 1 if full else EVERY
    with started({"backprop": Work("benchmarks.numerical_gradient", "Backprop", (every,))}) as processes:
        turns = take_turns(processes, rounds)["backprop"]
        analytic, numeric, seconds = processes["backprop"].call("differences")
    parameters = sum(p.size for layer in SMALL.layers() for p in layer)
    seconds *= parameters / len(numeric)
    low, middle, high = quartiles([turn.cpu for turn in turns])
    how = "all perturbed" if full else f"extrapolated from {len(numeric)} of them"
    task = f"gradient of all {parameters:,} parameters, {SMALL.title}"
    yield Row(task, "backprop", duration(middle), spread=f"{duration(low)} to {duration(high)}")
    yield Row(
        task,
        f"differences, h = {H:g}, {how}",
        duration(seconds),
        f"{seconds / middle:,.0f}",
    )
    off = np.max(np.abs(numeric - analytic))
    yield Row(task, "greatest difference", f"{off:.1e}, the largest entry is {np.max(np.abs(analytic)):.1e}")
