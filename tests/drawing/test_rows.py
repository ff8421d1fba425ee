"""What a picture says where of equal blocks only the first is drawn: everything in it is true."""

from typing import Any

import numpy as np

import tinygrad_ko as tg
from tests.drawing.pictured import Arrow, arrows, boxes, nodes
from tinygrad_ko import nn
from tinygrad_ko.drawing.labels import value_lines as lines

RNG = np.random.default_rng(0)


def leaf(*shape: int, name: str) -> Any:
    return tg.Tensor(RNG.normal(size=shape), requires_grad=True, name=name)


def between(drawing: Any, tail: str, head: str) -> list[Arrow]:
    """The arrows that are not to the next block."""
    return [a for a in arrows(drawing) if (a.tail, a.head) == (tail, head) and not a.above[0].startswith("to the next")]


def onward(drawing: Any) -> list[tuple[str, str]]:
    return [(a.tail, a.head) for a in arrows(drawing) if a.above[:1] and a.above[0].startswith("to the next")]


def said(drawing: Any, name: str) -> list[list[str]]:
    return [lines for lines in nodes(drawing).values() if lines[0] == name]


class Recurrent:
    """h = tanh(x[t] @ wx + h @ wh), from zeros on."""

    def __init__(self) -> None:
        self.wx, self.wh, self.x = leaf(3, 4, name="wx"), leaf(4, 4, name="wh"), RNG.normal(size=(12, 2, 3))

    def states(self, x: Any) -> list[Any]:
        found = [tg.Tensor(np.zeros((2, 4)))]
        for t in range(len(x)):
            found.append(tg.tanh(x[t] @ self.wx + found[-1] @ self.wh))
        return found[1:]

    def run(self, x: Any) -> Any:
        return tg.sum(self.states(x)[-1])

    def run_all(self, x: Any) -> Any:
        return tg.sum(tg.stack(self.states(x)))


def test_a_recurrent_network_is_one_time_and_an_arrow_to_the_next() -> None:
    net = Recurrent()
    drawing = tg.draw(net.run, net.x)
    assert boxes(drawing) == ["× 12 (drawn: the first)"]
    assert onward(drawing) == [("tanh", "@")]
    assert len(said(drawing, "@")) == 2
    assert not any("parameters" in box for box in boxes(drawing))  # they are common to all, and stand outside


def test_inside_are_the_values_of_the_first_block_and_out_of_the_row_comes_that_of_the_last() -> None:
    net = Recurrent()
    drawing = tg.draw(net.run, net.x)
    (inside,), (out,) = between(drawing, "+", "tanh"), between(drawing, "tanh", "sum")
    states = net.states(net.x)
    assert inside.above == ["(2, 4) float64", *lines(net.x[0] @ net.wx.numpy())]
    assert out.above == ["(2, 4) float64 of the last", *lines(states[-1].numpy())]


def test_what_is_common_to_all_blocks_tells_the_whole_gradient() -> None:
    net = Recurrent()
    drawing = tg.draw(net.run, net.x)
    x = tg.Tensor(net.x, requires_grad=True)
    net.run(x).backward()
    assert said(drawing, "wh") == [["wh", *lines(net.wh.grad)]]
    assert said(drawing, "x") == [["x", *lines(x.grad)]]


def test_values_that_leave_all_blocks_are_counted() -> None:
    net = Recurrent()
    (arrow,) = between(tg.draw(net.run_all, net.x), "tanh", "stack")
    assert (arrow.above, arrow.below) == (["xs[0]: 12 × (2, 4) float64"], [])


def test_blocks_beside_one_another_have_no_arrow_to_the_next() -> None:
    models = [nn.Sequential(nn.Affine(3, 4, rng=i), nn.Relu(), nn.Affine(4, 2, rng=i)) for i in range(6)]
    drawing = tg.draw(lambda x: tg.stack([model(x) for model in models]), RNG.normal(size=(5, 3)))
    assert "Sequential × 6 (drawn: the first) · 26 parameters each" in boxes(drawing)
    assert onward(drawing) == []


def test_a_value_of_a_block_in_the_middle_says_whose_it_is() -> None:
    layers = [nn.Affine(4, 4, rng=i) for i in range(12)]

    def taps(x: Any) -> list[Any]:
        found = []
        for layer in layers:
            x = tg.relu(layer(x))
            found.append(x)
        return [found[3], found[-1]]

    drawing = tg.draw(taps, RNG.normal(size=(2, 4)))
    assert [a.above[0] for a in arrows(drawing) if a.tail == "relu" and not a.above[0].startswith("to the next")] == [
        "(2, 4) float64 of no. 4",
        "(2, 4) float64 of the last",
    ]


def test_parameters_that_decay_stay_in_their_blocks() -> None:
    model = nn.Sequential(nn.Affine(3, 4, rng=0), *[nn.Sequential(nn.Affine(4, 4, rng=i), nn.Relu()) for i in range(8)])

    def loss(x: Any) -> Any:
        return tg.sum(model(x)) + sum((tg.sum(p**2) for p in model.parameters()), 0.0)

    drawing = tg.draw(loss, RNG.normal(size=(2, 3)), parameters=model)
    titles = boxes(drawing)
    assert "Sequential · 176 parameters" in titles
    assert "Sequential × 8 (drawn: the first) · 20 parameters each" in titles
    assert "× 8 (drawn: the first)" in titles
    assert [a.above for a in between(drawing, "layers.1.layers.0.W", "pow")] == [["8 × (4, 4) float64"]]


def test_the_row_of_parameters_that_decay_is_as_long_as_that_of_their_layers() -> None:
    """Weights and biases in turn, and some of other shapes before and behind."""
    layers = [layer for i in range(9) for layer in (nn.Relu(), nn.Affine(8, 8, rng=i))]
    model = nn.Sequential(nn.Affine(12, 8, rng=0), *layers, nn.Relu(), nn.Affine(8, 3, rng=9))

    def loss(x: Any) -> Any:
        return tg.sum(model(x)) + sum((tg.sum(p**2) for p in model.parameters()), 0.0)

    titles = boxes(tg.draw(loss, RNG.normal(size=(5, 12)), parameters=model))
    assert "× 9 (drawn: the first) · 72 parameters each" in titles
    assert "× 9 (drawn: the first)" in titles


def test_blocks_are_cut_where_the_fewest_values_go_on() -> None:
    """The addition before looks like the last of a block, the normalization behind like the first."""
    weights, position = [leaf(4, 4, name=f"w{i}") for i in range(6)], leaf(2, 4, name="position")

    def normalized(x: Any) -> Any:
        return x / tg.sqrt(tg.mean(x * x, axis=-1, keepdims=True))

    def residual(x: Any) -> Any:
        h = x + position
        for w in weights:
            h = h + normalized(h) @ w
        return tg.sum(normalized(h))

    drawing = tg.draw(residual, RNG.normal(size=(2, 4)))
    assert boxes(drawing) == ["× 6 (drawn: the first) · 16 parameters each"]
    assert {tail for tail, _ in onward(drawing)} == {"+"}


def test_the_gradient_of_a_deep_network_is_two_rows() -> None:
    weights, x = [leaf(4, 4, name=f"w{i}") for i in range(8)], leaf(2, 4, name="x")
    with tg.watch():
        h = x
        for w in weights:
            h = tg.tanh(h @ w)
        (gradient,) = tg.grad(tg.sum(h), [x], create_graph=True)
    drawing = tg.draw(gradient)
    assert boxes(drawing).count("× 8 (drawn: the first)") == 1
    assert "× 8 (drawn: the first) · 16 parameters each" in boxes(drawing)
    assert {a.above[0] for a in arrows(drawing) if a.tail == "tanh"} == {"8 × (2, 4) float64", "to the next: a"}


def test_what_comes_back_from_a_closed_box_is_what_all_in_it_pay() -> None:
    inner, x = nn.Sequential(nn.Affine(2, 2, rng=0), nn.Relu()), RNG.normal(size=(3, 2))

    def loss(x: Any) -> Any:
        with tg.scope("both"):
            return tg.sum(inner(x) * x)

    (arrow,) = between(tg.draw(loss, x, depth=0), "x", "both")
    given = tg.Tensor(x, requires_grad=True)
    loss(given).backward()
    assert arrow.below == lines(given.grad)
