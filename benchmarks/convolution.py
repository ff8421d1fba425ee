"""One step of SGD of the book's convolutional network, against im2col by hand."""

from collections.abc import Iterator

from benchmarks.problems import CONVOLUTION
from benchmarks.report import Row
from benchmarks.training_step import compared

BAR = 1.15  # times the hand-written step


def rows(peers: bool, rounds: int) -> Iterator[Row]:
    yield from compared(f"step {CONVOLUTION.title}", "ConvolutionStep", CONVOLUTION, BAR, peers, rounds)
