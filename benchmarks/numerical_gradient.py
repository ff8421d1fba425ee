"""What backprop is for: the gradient of 39,760 parameters in one walk, against two forwards for each."""

from collections.abc import Iterator

import numpy as np

from benchmarks import contenders
from benchmarks.problems import SMALL, Array
from benchmarks.report import Row, duration
from benchmarks.timing import quartiles, seconds_of, take_turns

EVERY = 80  # one parameter of this many is perturbed, unless all are asked for
H = 1e-4


def flat_parameters() -> tuple[Array, list[Array]]:
    """All parameters as one vector, and W1, b1, W2, b2 as views into it."""
    arrays = [p for layer in SMALL.layers() for p in layer]
    theta = np.concatenate([p.ravel() for p in arrays])
    parts = np.split(theta, np.cumsum([p.size for p in arrays])[:-1])
    return theta, [part.reshape(p.shape) for part, p in zip(parts, arrays, strict=True)]


def rows(full: bool, rounds: int) -> Iterator[Row]:
    if "tinygrad_ko" not in contenders.available(peers=False):
        return
    import tinygrad_ko as tg

    x, t = SMALL.images_and_labels()
    theta, (W1, b1, W2, b2) = flat_parameters()
    chosen = theta if full else theta[::EVERY]

    def loss(_: Array) -> float:
        """Forward on bare arrays; it sees each perturbation through W1, b1, W2 and b2."""
        return float(tg.softmax_cross_entropy(tg.sigmoid(x @ W1 + b1) @ W2 + b2, t))

    step = contenders.load("tinygrad_ko").TrainingStep(SMALL)
    analytic = np.concatenate([g.ravel() for g in step.gradients()[1]])

    def backprop() -> None:
        step.optimizer.zero_grad()
        step.loss().backward()

    numeric: list[Array] = []
    numerical = seconds_of(lambda: numeric.append(tg.numerical_gradient(loss, chosen, H))) * theta.size / chosen.size
    seconds = take_turns({"backprop": backprop}, rounds)["backprop"]
    low, middle, high = quartiles(seconds)
    off = np.max(np.abs(numeric[0] - (analytic if full else analytic[::EVERY])))
    how = "all perturbed" if full else f"extrapolated from {chosen.size} of them"
    task = f"gradient of all {theta.size:,} parameters, {SMALL.title}"
    yield Row(
        task,
        "backprop",
        duration(middle),
        spread=f"{duration(low)} to {duration(high)}; {duration(min(seconds))}",
    )
    yield Row(
        task,
        f"differences, h = {H:g}",
        f"{duration(numerical)}, {how}",
        f"{numerical / middle:,.0f} x backprop",
    )
    yield Row(task, "greatest difference", f"{off:.1e}, the largest entry is {np.max(np.abs(analytic)):.1e}")
