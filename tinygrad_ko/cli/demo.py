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
from tinygrad_ko.cli.console import by_locale, duration, padded, program, progress_bar, say
from tinygrad_ko.cli.options import add_command, at_least
from tinygrad_ko.data import load_digits, sample_minibatch
from tinygrad_ko.nn import TwoLayerNet
from tinygrad_ko.runtime.install import install
from tinygrad_ko.tensor.tensor import Tensor

_ITERATIONS, _BATCH, _LR = 2000, 100, 1.0
_SAMPLE = 20  # parameters that are differentiated numerically
_REPEATS = 21  # of the loss and of backpropagation, the quickest of which counts
_SHOWN = 5  # images in the page that steps
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
    untrained = TwoLayerNet(64, 50, 10, rng=np.random.default_rng(args.seed))
    _save_pictures(net, untrained, batch, _PICTURE)

    book_net = TwoLayerNet(784, 100, 10, rng=rng)
    book_batch = rng.random((_BATCH, 784)), rng.integers(10, size=_BATCH)
    _print_comparison(_measure(net, batch, rng), _measure(book_net, book_batch, rng))

    say("\nWhat next", "다음에는 이렇게 해 보십시오.")
    say(f"  {program()} train --hidden 100 --out runs/mine")
    say(
        by_locale(
            "      your own network: its parameters and its learning curve in a folder",
            "      나만의 신경망을 학습하고, 매개변수와 학습 곡선을 폴더에 저장합니다.",
        )
    )
    say(f"  {program()} check tinygrad_ko:sigmoid --order 2")
    say(
        by_locale(
            "      hold a gradient, and the gradient of the gradient, against measurement",
            "      기울기와 2차 미분을 수치 미분과 비교하여 확인합니다.",
        )
    )
    say(by_locale("  README.md", "  README.ko.md"))
    say(
        by_locale(
            "      write an operation of your own: a function and one line of calculus",
            "      함수 하나와 미분 공식 한 줄로 나만의 연산을 만듭니다.",
        )
    )
    return 0


def _learn(net: TwoLayerNet, train: Any, test: Any, rng: np.random.Generator) -> None:
    (x_train, t_train), (x_test, t_test) = train, test
    say("A network learns to read handwritten digits", "신경망이 손글씨 숫자 읽는 법을 배웁니다.")
    parameters = sum(a.size for a in net.params.values())
    say(
        by_locale(
            f"\n  {len(x_train):,} images of 8x8 pixels to learn from, {len(x_test)} others to be tested on\n"
            f"  network 64-50-10: {parameters:,} parameters, small random numbers at first\n\n"
            "  iteration      loss   right on training images   on test images",
            f"\n  8x8 픽셀 이미지 {len(x_train):,}장으로 배우고, 다른 {len(x_test)}장으로 시험합니다.\n"
            f"  신경망 64-50-10: 매개변수 {parameters:,}개이며, 처음에는 작은 난수입니다.\n\n"
            "  반복 횟수      손실               훈련 정확도      시험 정확도",
        )
    )

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


def _drawing(net: TwoLayerNet, batch: tuple[Array, Array]) -> Any:
    from tinygrad_ko.drawing.drawing import draw  # here, so that the other commands run where graphviz is missing

    def loss(params: dict[str, Any], x: Any, t: Array) -> Any:
        return net.loss_of(params, x, t)

    x, t = batch
    return draw(loss, net.params, Tensor(x), t)  # as a Tensor x is a constant, as in training


def _save_pictures(net: TwoLayerNet, untrained: TwoLayerNet, batch: tuple[Array, Array], path: Path) -> None:
    """The graph of the network that has learned, and a page for it as it was before, when its gradients were not yet near 0."""
    picture = _drawing(net, batch)
    x, t = batch
    say()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            written = picture.save(path)
        except RuntimeError:
            written = picture.save(path.with_suffix(".dot"))
        page = _drawing(untrained, (x[:_SHOWN], t[:_SHOWN])).page(path.with_suffix(".html"), lr=_LR).path
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
        f"  The first backpropagation, step by step: {page}",
        f"  첫 역전파를 한 단계씩 보여 주는 페이지: {page}",
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
    ends = by_locale(", above", "(위)"), by_locale(", the book", "(책)")
    rows = [
        (by_locale("network", "신경망"), [f"{c.layers}{end}" for c, end in zip(both, ends, strict=True)]),
        (by_locale("parameters", "매개변수"), [f"{c.parameters:,}" for c in both]),
        ("", ["", ""]),
        (by_locale("one evaluation of the loss", "손실을 한 번 계산하는 시간"), [duration(c.evaluation) for c in both]),
        (
            by_locale("  numerically: how many of them", "  수치 미분에 필요한 계산 횟수"),
            [f"{c.evaluations:,}" for c in both],
        ),
        (
            by_locale("  so all parameters take at least", "  매개변수 전체에 걸리는 시간"),
            [duration(c.numerical) for c in both],
        ),
        (by_locale("backpropagation: all parameters", "역전파: 매개변수 전체"), [duration(c.backprop) for c in both]),
        (by_locale("  times faster", "  몇 배 빠른지"), [c.times_faster for c in both]),
        ("", ["", ""]),
        (
            by_locale(f"largest of {_SAMPLE} random gradients", f"무작위 {_SAMPLE}개 중 가장 큰 기울기"),
            [f"{c.largest:.1e}" for c in both],
        ),
        (
            by_locale("  largest difference of both ways", "  두 방법의 가장 큰 차이"),
            [f"{c.difference:.1e}" for c in both],
        ),
    ]
    say("\nOne gradient, two ways", "기울기를 구하는 두 가지 방법을 비교합니다.")
    say(
        by_locale(
            "\n  Numerically: move one parameter a little up and down, see how the loss\n"
            "  changes, then the next one. Each takes two evaluations of the loss.\n"
            "  By backpropagation: one evaluation, then the chain rule back through it, once.\n",
            "\n  수치 미분: 매개변수를 하나씩 조금 키우고 줄여 손실이 얼마나 변하는지 봅니다.\n"
            "  매개변수마다 손실을 두 번 계산합니다.\n"
            "  역전파: 손실을 한 번 계산하고, 연쇄법칙으로 한 번 거슬러 올라갑니다.\n",
        )
    )
    for label, cells in rows:
        say(f"  {padded(label, 32)}{padded(cells[0], 20, right=True)}{padded(cells[1], 22, right=True)}".rstrip())
    say(
        by_locale(
            f"\n  Each time is the best of {_REPEATS}, for one batch of {_BATCH} images (random ones for the\n"
            f"  book's network). A step of that network is sometimes said to need {_BATCH * book.parameters:,}\n"
            f"  evaluations: {_BATCH} images x {book.parameters:,} parameters. But the images of a batch are\n"
            "  evaluated together, and each parameter needs two.",
            f"\n  시간은 이미지 {_BATCH}장의 배치를 {_REPEATS}번 계산한 것 가운데 가장 짧은 것입니다.\n"
            f"  책의 신경망에는 난수 이미지를 넣었습니다. 한 걸음에 {_BATCH * book.parameters:,}번\n"
            f"  계산한다고 적은 글도 있습니다(이미지 {_BATCH}장 x 매개변수 {book.parameters:,}개).\n"
            "  그러나 배치의 이미지는 한꺼번에 계산하므로 이미지 수를 곱하지 않고,\n"
            "  매개변수마다 두 번씩 계산하므로 2를 곱합니다.",
        )
    )
    say(
        f"\n  All {_ITERATIONS:,} iterations above: {duration(_ITERATIONS * here.backprop)} of backpropagation,"
        f" or {duration(_ITERATIONS * here.numerical)} numerically.",
        f"  여기서는 역전파가 수치 미분보다 {here.times_faster}배 빨랐고,",
        f"  {_SAMPLE}개 매개변수에서 두 기울기의 차이는 가장 커도 {here.difference:.1e}였습니다.",
    )
