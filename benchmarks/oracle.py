"""How good is the numerical derivative of the gradient check, and what does it cost on a network?

The mutants and the false alarms are tests (tests/ops/test_mutants.py, test_false_alarms.py; -s prints their figures), the
comparison with other checkers is benchmarks/checkers.py.
"""

from collections.abc import Iterator

import numpy as np

from benchmarks.process import Work, started
from benchmarks.report import Row, duration
from benchmarks.timing import quartiles, seconds_of, take_turns
from tinygrad_ko.check import check_gradient, numerical_gradient
from tinygrad_ko.check.verdicts.verdict import Effort
from tinygrad_ko.nn import TwoLayerNet

FUNCTIONS, SEED = 1000, 20261120
EVERY = 400  # one parameter of this many is perturbed for the book's way


def rows(rounds: int) -> Iterator[Row]:
    yield from calibration()
    yield from large_network(rounds)


def calibration() -> Iterator[Row]:
    try:
        from tests.check.functions import calibration
    except ModuleNotFoundError as error:
        yield Row("calibration", f"{error.name} is not installed", "")
        return
    for contender, quick in (("ladder", False), ("two steps", True)):
        found = calibration(SEED, FUNCTIONS, quick)
        task = f"slopes of {FUNCTIONS:,} random functions, {contender}"
        bars = [(found["covered"] >= 0.995, ">= 99.5 %"), (found["estimate over error"] <= 100, "<= 100")]
        bars.append((found["evaluations"] <= 17, "<= 17"))
        figures = (
            ("error estimate covers the error", f"{found['covered']:.2%}"),
            ("error estimate over error, median", f"{found['estimate over error']:.3g}"),
            ("evaluations, median", f"{found['evaluations']:g} (at most {found['most evaluations']:g})"),
        )
        for (what, figure), (met, bar) in zip(figures, bars, strict=True):
            yield Row(task, what, figure, bar="" if quick else bar, met=None if quick else met)
        yield Row(task, "relative error, median", f"{found['relative error']:.1e}")


class Checked:
    """A network of 784-100-10 and 100 images, whose gradient a call checks: `effort` is that of the check, or nothing for one forward."""

    def __init__(self, effort: Effort | None) -> None:
        rng = np.random.default_rng(0)
        self.net, self.effort = TwoLayerNet(784, 100, 10, rng=0), effort
        self.x, self.t = rng.random((100, 784)), rng.integers(0, 10, 100)

    def __call__(self) -> int:
        """How many evaluations it took."""
        if self.effort is None:
            return int(self.net.loss(self.x, self.t) * 0 + 1)
        net = self.net
        report = check_gradient(net.loss_of, net.params, self.x, self.t, wrt=list(net.params), effort=self.effort)
        return report.evaluations

    def by_differences(self) -> tuple[int, float]:
        """How many parameters there are, and the seconds of a difference for each, from a sample of them."""
        net, x, t = self.net, self.x, self.t
        parameters = sum(p.size for p in net.params.values())
        sample = net.params["W1"].reshape(-1)[::EVERY]  # a view: the network sees each of its numbers move
        seconds = seconds_of(lambda: numerical_gradient(lambda _: net.loss(x, t), sample))
        return parameters, seconds / sample.size * parameters


def large_network(rounds: int) -> Iterator[Row]:
    efforts = {"one projection": "quick", "one of each argument, one nearby": "usual", "one forward": None}
    works = {what: Work("benchmarks.oracle", "Checked", (effort,)) for what, effort in efforts.items()}
    with started(works) as processes:
        parameters, seconds = processes["one forward"].call("by_differences")
        evaluations = {what: process.call() for what, process in processes.items()}
        taken = take_turns(processes, max(3, rounds // 6))
    task = f"all {parameters:,} parameters of 784-100-10, 100 images"
    for what, turns in taken.items():
        low, middle, high = quartiles([turn.cpu for turn in turns])
        bar = 0.05 if what == "one projection" else None
        yield Row(
            task,
            f"{what}, {evaluations[what]} evaluation{'s' * (evaluations[what] > 1)}",
            duration(middle),
            spread=f"{duration(low)} to {duration(high)}",
            bar=f"<= {duration(bar)}" if bar else "",
            met=middle <= bar if bar else None,
        )
    yield Row(
        task, f"the book: one number at a time, {2 * parameters:,} evaluations", f"{duration(seconds)}, extrapolated"
    )
