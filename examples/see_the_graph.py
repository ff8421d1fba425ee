"""Four computational graphs, drawn: the book's apples, TwoLayerNet, a network of 50 layers, a second derivative.

    python examples/see_the_graph.py --out pictures     # writes four .svg files
    python examples/see_the_graph.py                    # only tells what they would show

Above an arrow stands the value that goes forward, below it the gradient that comes back. In a notebook the last line of a
cell is enough: tg.draw(price, 100.0, 2.0, 1.1)
"""

import argparse
from pathlib import Path

import numpy as np

import tinygrad_ko as tg
from tinygrad_ko import nn


def apples():
    """Two apples at 100, and 10 percent of tax. If an apple costs 1 more, all of it costs 2.2 more."""

    def price(apple, count, tax):
        return apple * count * tax

    return tg.draw(price, 100.0, 2.0, 1.1)


def two_layer_net():
    """The loss of the book's network for a batch of digits, and what comes back to each parameter."""
    (x_train, t_train), _ = tg.data.load_digits()
    net = nn.TwoLayerNet(64, 50, 10, rng=0)
    # x를 Tensor로 넘기면 학습할 때처럼 상수가 됩니다. 배열로 넘기면 기울기도 구합니다.
    return tg.draw(net.loss_of, net.params, tg.Tensor(x_train[:100]), t_train[:100])


class Block(nn.Module):
    """Two layers, and their input added to what they make of it."""

    def __init__(self, width, rng):
        self.first, self.second = nn.Affine(width, width, rng=rng), nn.Affine(width, width, rng=rng)

    def forward(self, x):
        return x + 0.1 * self.second(tg.relu(self.first(x)))


def fifty_layers():
    """Of 24 equal blocks the first is drawn. depth=1 closes every box to one node."""
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Affine(64, 32, rng=rng), *[Block(32, rng) for _ in range(24)], nn.Affine(32, 10, rng=rng))
    return tg.draw(model, tg.Tensor(rng.random((100, 64))))


def second_derivative_of_tanh():
    """A gradient is computed too, so it has a graph: here that of the gradient of the gradient."""
    x = tg.Tensor(0.5, requires_grad=True, name="x")
    with tg.watch():
        first = tg.grad(tg.tanh(x), x, create_graph=True)
        first.name = "tanh'"
        second = tg.grad(first, x, create_graph=True)
        second.name = "tanh''"
    return tg.draw(second)


PICTURES = (apples, two_layer_net, fifty_layers, second_derivative_of_tanh)

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write the pictures here")
    folder = parser.parse_args().out
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    for picture in PICTURES:
        drawing = picture()
        nodes = drawing.source.count(" fillcolor=")
        print(f"{picture.__name__}: {nodes} nodes. {picture.__doc__}")
        if folder:
            print(f"  {drawing.save(folder / f'{picture.__name__}.svg')}")
