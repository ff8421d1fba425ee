"""`tinygrad-ko demo`: train a small network on digits, and measure its gradient by backpropagation and numerically."""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from timeit import timeit
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check import numerical_gradient
from tinygrad_ko.cli.console import duration, program, progress_bar, say
from tinygrad_ko.cli.options import add_command, at_least
from tinygrad_ko.data import load_digits, sample_minibatch
from tinygrad_ko.nn import TwoLayerNet
from tinygrad_ko.runtime.install import install
from tinygrad_ko.tensor.tensor import Tensor

_ITERATIONS, _BATCH, _LR = 2000, 100, 1.0
_SAMPLE = 20  # parameters that are differentiated numerically
_REPEATS = 21  # of the loss and of backpropagation, the quickest of which counts
_PICTURE = Path("runs", "demo", "network.svg")


def add_demo(commands: Any) -> None:
    """Add this command to the parser."""
    parser = add_command(commands, "demo", _run, help="train a small network and measure what its gradient costs")
    parser.add_argument("--seed", type=at_least(0), default=0, help="of everything random (default 0)")


def _run(args: argparse.Namespace) -> int:
    rng = np.random.default_rng(args.seed)
    train, test = load_digits()
    net = TwoLayerNet(64, 50, 10, rng=rng)
    _learn(net, train, test, rng)
    batch = sample_minibatch(*train, _BATCH, rng)
    _save_picture(net, batch, _PICTURE)

    book_net = TwoLayerNet(784, 100, 10, rng=rng)
    book_batch = rng.random((_BATCH, 784)), rng.integers(10, size=_BATCH)
    _print_comparison(_measure(net, batch, rng), _measure(book_net, book_batch, rng))

    say("\nWhat next", "다음에는 이렇게 해 보십시오.")
    say(f"  {program()} train --hidden 100 --out runs/mine")
    say("      your own network: its parameters and its learning curve in a folder")
    say(f"  {program()} check tinygrad_ko:sigmoid --order 2")
    say("      hold a gradient, and the gradient of the gradient, against measurement")
    say("  README.md")
    say("      write an operation of your own: a function and one line of calculus")
    return 0


def _learn(net: TwoLayerNet, train: Any, test: Any, rng: np.random.Generator) -> None:
    (x_train, t_train), (x_test, t_test) = train, test
    say("A network learns to read handwritten digits", "신경망이 손글씨 숫자 읽는 법을 배웁니다.")
    say(f"\n  {len(x_train):,} images of 8x8 pixels to learn from, {len(x_test)} others to be tested on")
    say(f"  network 64-50-10: {sum(a.size for a in net.params.values()):,} parameters, small random numbers at first")
    say("\n  iteration      loss   right on training images   on test images")

    started, testing = time.perf_counter(), 0.0
    bar = progress_bar(_ITERATIONS)
    for i in range(_ITERATIONS + 1):
        if i % (_ITERATIONS // 5) == 0:
            pause = time.perf_counter()
            row = net.loss(x_train, t_train), net.accuracy(x_train, t_train), net.accuracy(x_test, t_test)
            bar.write(f"  {i:9,}  {row[0]:8.4f} {row[1]:25.1%} {row[2]:16.1%}")
            testing += time.perf_counter() - pause
        if i < _ITERATIONS:
            x_batch, t_batch = sample_minibatch(x_train, t_train, _BATCH, rng)
            grad = net.gradient(x_batch, t_batch)
            for key in net.params:
                net.params[key] -= _LR * grad[key]
            bar.update()
    bar.close()
    seconds = time.perf_counter() - started - testing

    accuracy = net.accuracy(x_test, t_test)
    say(
        f"\n  Learned in {duration(seconds)}. Test accuracy: {accuracy:.4f}",
        f"  처음 보는 숫자 {len(x_test)}장 가운데 {round(accuracy * len(x_test))}장을 맞혔습니다.",
    )


def _save_picture(net: TwoLayerNet, batch: tuple[Array, Array], path: Path) -> None:
    from tinygrad_ko.drawing.drawing import draw  # here, so that the other commands run where graphviz is missing

    def loss(params: dict[str, Any], x: Any, t: Array) -> Any:
        return net.loss_of(params, x, t)

    x, t = batch
    picture = draw(loss, net.params, Tensor(x), t)  # as a Tensor x is a constant, as in training
    say()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            written = picture.save(path)
        except RuntimeError:
            written = picture.save(path.with_suffix(".dot"))
        page = picture.page(path.with_suffix(".html")).path
    except OSError as error:
        say(
            f"  The graph of its loss is not written: {error}",
            f"  손실의 계산 그래프를 저장하지 못했습니다. 원인: {error}",
        )
        return
    say(
        f"  The graph of its loss, with values and gradients: {written}",
        f"  손실의 계산 그래프를 값, 기울기와 함께 저장했습니다: {written}",
    )
    if written != path:
        say(
            f"  It is text: to see it, install Graphviz, or type this, and run it again:\n  {install('draw')}",
            f"  그림으로 보려면 Graphviz를 설치하거나 다음 명령을 실행하십시오.\n  {install('draw')}\n"
            "  그런 다음 다시 실행하면 그림으로 저장됩니다.",
        )
    say(
        f"  A page that steps through backpropagation: {page}",
        f"  역전파를 한 단계씩 보여 주는 페이지: {page}",
    )


@dataclass
class _Cost:
    layers: str
    parameters: int
    evaluation: float  # seconds for the loss, once
    backprop: float  # seconds for the gradient, all of it
    difference: float
    largest: float

    @property
    def evaluations(self) -> int:
        # Central differences need two for each parameter.
        return 2 * self.parameters

    @property
    def numerical(self) -> float:
        return self.evaluations * self.evaluation

    @property
    def times_faster(self) -> str:
        # Of backpropagation, to two digits.
        return f"{float(f'{self.numerical / self.backprop:.2g}'):,.0f}"


def _measure(net: TwoLayerNet, batch: tuple[Array, Array], rng: np.random.Generator) -> _Cost:
    """Of the loss and the gradient, which take turns, the quickest call counts, so that other programs on the processor do not."""
    every = [(name, i) for name, array in net.params.items() for i in range(array.size)]
    places = [every[k] for k in rng.choice(len(every), _SAMPLE, replace=False)]

    def loss_at(values: Array) -> float:
        for (name, i), value in zip(places, values, strict=True):
            net.params[name].flat[i] = value
        return net.loss(*batch)

    values = np.array([net.params[name].flat[i] for name, i in places])
    numeric = numerical_gradient(loss_at, values)
    loss_at(values)  # every parameter is what it was
    grad = net.gradient(*batch)
    analytic = np.array([grad[name].flat[i] for name, i in places])

    losses, gradients = [], []
    for _ in range(_REPEATS):
        losses.append(timeit(lambda: net.loss(*batch), number=1))
        gradients.append(timeit(lambda: net.gradient(*batch), number=1))
    return _Cost(
        layers="-".join(str(n) for n in (*net.params["W1"].shape, net.params["W2"].shape[1])),
        parameters=len(every),
        evaluation=min(losses),
        backprop=min(gradients),
        difference=float(np.max(np.abs(analytic - numeric))),
        largest=float(np.max(np.abs(analytic))),
    )


def _print_comparison(here: _Cost, book: _Cost) -> None:
    both = (here, book)
    rows = [
        ("network", [f"{c.layers}{end}" for c, end in zip(both, (", above", ", the book"), strict=True)]),
        ("parameters", [f"{c.parameters:,}" for c in both]),
        ("", ["", ""]),
        ("one evaluation of the loss", [duration(c.evaluation) for c in both]),
        ("  numerically: how many of them", [f"{c.evaluations:,}" for c in both]),
        ("  so all parameters take at least", [duration(c.numerical) for c in both]),
        ("backpropagation: all parameters", [duration(c.backprop) for c in both]),
        ("  times faster", [c.times_faster for c in both]),
        ("", ["", ""]),
        (f"largest of {_SAMPLE} random gradients", [f"{c.largest:.1e}" for c in both]),
        ("  largest difference of both ways", [f"{c.difference:.1e}" for c in both]),
    ]
    say("\nOne gradient, two ways", "기울기를 구하는 두 가지 방법을 비교합니다.")
    say("\n  Numerically: move one parameter a little up and down, see how the loss")
    say("  changes, then the next one. Each takes two evaluations of the loss.")
    say("  By backpropagation: one evaluation, then the chain rule back through it, once.")
    say()
    for label, cells in rows:
        say(f"  {label:32}{cells[0]:>20}{cells[1]:>22}".rstrip())
    say(f"\n  Each time is the best of {_REPEATS}, for one batch of {_BATCH} images (random ones for the")
    say(f"  book's network). A step of that network is sometimes said to need {_BATCH * book.parameters:,}")
    say(f"  evaluations: {_BATCH} images x {book.parameters:,} parameters. But the images of a batch are")
    say("  evaluated together, and each parameter needs two.")
    say(
        f"\n  All {_ITERATIONS:,} iterations above: {duration(_ITERATIONS * here.backprop)} of backpropagation,"
        f" or {duration(_ITERATIONS * here.numerical)} numerically.",
        f"  여기서는 역전파가 수치 미분보다 {here.times_faster}배 빨랐고,",
        f"  {_SAMPLE}개 매개변수에서 두 기울기의 차이는 가장 커도 {here.difference:.1e}였습니다.",
    )
