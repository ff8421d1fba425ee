"""How good is the judge's measurement, and what does it cost on a network?

The mutants and the false alarms are tests (tests/ops/test_mutants.py, test_false_alarms.py; -s prints their figures), the
comparison with other checkers is benchmarks/checkers.py.
"""

from collections.abc import Iterator

import numpy as np

from benchmarks.report import Row, duration
from benchmarks.timing import quartiles, seconds_of, take_turns

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
        bars = [(found["covered"] >= 0.995, ">= 99.5 %"), (found["claim over error"] <= 100, "<= 100")]
        bars.append((found["evaluations"] <= 17, "<= 17"))
        figures = (
            ("claim covers the error", f"{found['covered']:.2%}"),
            ("claim over error, median", f"{found['claim over error']:.3g}"),
            ("evaluations, median", f"{found['evaluations']:g} (at most {found['most evaluations']:g})"),
        )
        for (what, figure), (met, bar) in zip(figures, bars, strict=True):
            yield Row(task, what, figure, bar="" if quick else bar, met=None if quick else met)
        yield Row(task, "relative error, median", f"{found['relative error']:.1e}")


def large_network(rounds: int) -> Iterator[Row]:
    import tinygrad_ko as tg
    from tinygrad_ko.check.gradient import Effort
    from tinygrad_ko.nn import TwoLayerNet

    rng = np.random.default_rng(0)
    net = TwoLayerNet(784, 100, 10, rng=0)
    x, t = rng.random((100, 784)), rng.integers(0, 10, 100)

    def check(effort: Effort) -> tg.check.Report:
        return tg.check_gradient(net.loss_of, net.params, x, t, wrt=list(net.params), effort=effort)

    contenders = {"quick": lambda: check("quick"), "usual": lambda: check("usual"), "forward": lambda: net.loss(x, t)}
    taken = {name: quartiles(seconds) for name, seconds in take_turns(contenders, max(3, rounds // 6)).items()}
    parameters = check("quick").numbers
    task = f"all {parameters:,} parameters of 784-100-10, 100 images"
    efforts: tuple[tuple[Effort, str], ...] = (("quick", "one projection"), ("usual", "two of each argument"))
    for effort, what in efforts:
        low, middle, high = taken[effort]
        met = middle <= 0.05 if effort == "quick" else None
        figure = f"{duration(middle)}, {check(effort).evaluations} evaluations"
        bar = "" if met is None else "50 ms"
        yield Row(task, what, figure, spread=f"{duration(low)} to {duration(high)}", bar=bar, met=met)
    sample = net.params["W1"].reshape(-1)[::EVERY]  # a view: the network sees each of its numbers move
    seconds = seconds_of(lambda: tg.numerical_gradient(lambda _: net.loss(x, t), sample)) / sample.size * parameters
    figure = f"{duration(seconds)}, {2 * parameters:,} evaluations, extrapolated from {sample.size} numbers"
    yield Row(task, "the book: one number at a time", figure)
    yield Row(task, "one forward", duration(taken["forward"][1]))
