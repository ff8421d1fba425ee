"""`tg.draw`: what a picture says, that drawing changes nothing, and what is said where nothing can be drawn."""

import base64
import html
import json
import os
import pickle
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from examples import see_the_graph
from tests.drawing.pictured import arrows, boxes, nodes, shapes
from tinygrad_ko import nn
from tinygrad_ko.drawing import drawing as drawing_module
from tinygrad_ko.drawing import rendering
from tinygrad_ko.runtime.install import install
from tinygrad_ko.testing import graphs

THREE: Any = 3
needs_graphviz = pytest.mark.skipif(not list(rendering.renderers("svg")), reason="no Graphviz")


def names(drawing: Any) -> set[str]:
    return {said[0] for said in nodes(drawing).values()}


def arrow(drawing: Any, tail: str, head: str) -> Any:
    (found,) = (a for a in arrows(drawing) if (a.tail, a.head) == (tail, head))
    return found


def leaf(*values: float, name: str | None = None) -> Any:
    return tg.Tensor(values[0] if len(values) == 1 else list(values), requires_grad=True, name=name)


# ------------------------------------------------------------------ the four pictures


def test_the_apples_of_the_book() -> None:
    """100 times 2 times 1.1 is 220, and the gradients are 2.2, 110 and 200."""
    drawing = see_the_graph.apples()
    forward = {a.tail: (a.above[-1], a.below) for a in arrows(drawing)}
    assert {name: forward[name] for name in ("apple", "count", "tax")} == {
        "apple": ("100", ["2.2"]),
        "count": ("2", ["110"]),
        "tax": ("1.1", ["200"]),
    }
    middle, last = (a for a in arrows(drawing) if a.tail == "×")
    assert (middle.above[-1], middle.below) == ("200", ["1.1"])
    assert (last.head, last.above[-1], last.below) == ("price", "220", ["1"])


def test_two_layer_net_says_what_it_computes() -> None:
    drawing = see_the_graph.two_layer_net()
    assert sorted((a.tail, a.head) for a in arrows(drawing)) == sorted(
        [
            ("x", "affine"),
            ("W1", "affine"),
            ("b1", "affine"),
            ("affine", "sigmoid"),
            ("sigmoid", "affine"),
            ("W2", "affine"),
            ("b2", "affine"),
            ("affine", "softmax_cross_entropy"),
            ("t", "softmax_cross_entropy"),
            ("softmax_cross_entropy", "loss_of"),
        ]
    )
    with_gradients = {a.tail for a in arrows(drawing) if a.below}
    assert with_gradients == {"W1", "b1", "W2", "b2", "affine", "sigmoid", "softmax_cross_entropy"}
    assert arrow(drawing, "softmax_cross_entropy", "loss_of").above == [
        "float64",
        "2.303",
    ]  # log(10): it knows nothing yet
    assert "keeps x · 25.6 kB" in {line for said in nodes(drawing).values() for line in said}


@needs_graphviz
def test_two_layer_net_fits_one_screen() -> None:
    """Of 1,920 by 1,080 pixels of a 96th of an inch."""
    size = ElementTree.fromstring(see_the_graph.two_layer_net().svg()).attrib
    width, height = (float(size[side].removesuffix("pt")) * 96 / 72 for side in ("width", "height"))
    assert width <= 1920
    assert height <= 1080


def test_of_fifty_layers_one_block_is_drawn() -> None:
    drawing = see_the_graph.fifty_layers()
    assert "Block × 24 (drawn: the first) · 2,112 parameters each" in boxes(drawing)
    assert f"Sequential · {64 * 32 + 32 + 24 * 2112 + 32 * 10 + 10:,} parameters" in boxes(drawing)
    assert len(nodes(drawing)) < 30
    assert {"x", "relu", "+", "layers.1.first.W"} <= names(drawing)
    assert "layers.2.first.W" not in names(drawing)


def test_the_second_derivative_of_tanh() -> None:
    drawing = see_the_graph.second_derivative_of_tanh()
    t = np.tanh(0.5)
    (result,) = (a for a in arrows(drawing) if a.head == "tanh''")
    assert result.above[-1] == f"{-2 * t * (1 - t * t):.4g}"
    assert boxes(drawing) == ["gradient of tanh'"]
    assert sorted(names(drawing)) == sorted({"x", "tanh", "×", "+", "−", "-1", "1", "tanh''"})
    assert arrow(drawing, "x", "tanh").below == [f"{-2 * (1 - t * t) * (1 - 3 * t * t):.4g}"]  # the third


@needs_graphviz
@pytest.mark.parametrize("picture", see_the_graph.PICTURES, ids=lambda picture: picture.__name__)
def test_every_picture_can_be_rendered(picture: Any) -> None:
    root = ElementTree.fromstring(picture().svg())
    assert root.tag.endswith("svg")
    assert len(list(root.iter("{http://www.w3.org/2000/svg}text"))) > 10


# ------------------------------------------------------------------ what is drawn


def test_a_value_that_is_used_twice_tells_both_gradients_and_their_sum() -> None:
    drawing = tg.draw(lambda x: x * x + 3.0 * x, 2.0)
    assert sorted(a.below for a in arrows(drawing) if a.tail == "x") == [["2"], ["2"], ["3"]]
    assert nodes(drawing)["n0"] == ["x", "7"]


@pytest.mark.parametrize(
    ("f", "parts"),
    [
        (lambda x: tg.concat([x, x, x]), [["1  1"]] * 3),
        (lambda x: tg.concat([x, 2.0 * x, x]), [["1  1"], ["1  1"], ["2  2"]]),
        (lambda x: tg.stack([x, x]), [["1  1"]] * 2),
        (lambda x: tg.where(np.array([True, False]), x, x), [["0  1"], ["1  0"]]),
        (lambda x: tg.maximum(x, x), [["0.5  0.5"]] * 2),
        (lambda x: tg.einsum("i,i->", x, x), [["3  4"]] * 2),
        (lambda x: tg.einsum("i,i,i->i", x, x, x), [["9  16"]] * 3),
        (lambda x: tg.matmul(x, x.T), [["3  4"]] * 2),
        (lambda x: tg.reshape(x, (2, 1)) + x, [["2  2"]] * 2),
        (lambda x: tg.concat([x, x]) * tg.concat([x, x]), [["3  4"]] * 4),
    ],
)
@pytest.mark.parametrize("unroll", [False, True])
def test_each_use_of_a_value_has_its_own_arrow_and_gradient(f: Any, parts: Any, unroll: bool) -> None:
    drawing = tg.draw(lambda x: tg.sum(f(x)), [3.0, 4.0], unroll=unroll, direction="right")
    used = [a for a in arrows(drawing) if a.tail == "x"]
    assert sorted(a.below for a in used) == parts
    assert all(a.above[-1] == "3  4" for a in used)


def test_a_constant_in_a_list_has_an_arrow_each_time() -> None:
    c = tg.Tensor(np.ones(2))
    drawing = tg.draw(lambda x: tg.sum(tg.concat([c, x, c])), [3.0, 4.0])
    assert [a.above[0] for a in arrows(drawing) if a.tail == "constant"] == [
        "xs[0]: (2,) float64",
        "xs[2]: (2,) float64",
    ]
    assert len(arrows(tg.draw(lambda x: tg.sum(tg.concat([c, x, c])), [3.0, 4.0], hide="constants"))) == 3


def test_a_value_that_a_list_has_very_often_has_a_last_arrow_for_all_others() -> None:
    drawing = tg.draw(lambda x: tg.sum(tg.stack([x] * 5000)), 3.0)
    *each, last, _, _ = arrows(drawing)
    assert [a.below for a in each] == [["1"]] * 16
    assert (last.above, last.below) == (["xs[16]: 4,984 × float64"], [])
    assert nodes(drawing)["n0"] == ["x", "5000"]


def test_of_equal_blocks_each_use_in_a_list_has_an_arrow() -> None:
    def f(x: Any) -> Any:
        found = []
        for _ in range(12):
            x = tg.tanh(x * tg.sum(tg.concat([x, x])))
            found += [x, x]
        return tg.sum(tg.stack(found))

    drawing = tg.draw(f, [0.5, 0.25])
    assert boxes(drawing) == ["× 12 (drawn: the first)"]
    assert [(a.head, a.above) for a in arrows(drawing) if a.tail == "tanh"] == [
        ("stack", ["xs[0]: 12 × (2,) float64"]),
        ("stack", ["xs[1]: 12 × (2,) float64"]),
        ("concat", ["to the next: xs[0]"]),
        ("concat", ["to the next: xs[1]"]),
        ("×", ["to the next: a"]),
    ]


def test_into_a_closed_box_goes_one_arrow_with_all_that_comes_back() -> None:
    @tg.scope("twice")
    def twice(x: Any) -> Any:
        return tg.concat([x, x])

    assert [a.below for a in arrows(tg.draw(lambda x: tg.sum(twice(x)), [3.0, 4.0], depth=0)) if a.tail == "x"] == [
        ["2  2"]
    ]


def test_a_result_alone_shows_structure_and_shapes() -> None:
    x = tg.Tensor(np.ones((3, 4)), requires_grad=True, name="x")
    drawing = tg.draw(tg.sum(tg.sin(x)))
    assert [(a.tail, a.head, a.above, a.below) for a in arrows(drawing)] == [
        ("x", "sin", ["(3, 4) float64"], []),
        ("sin", "sum", ["(3, 4) float64"], []),
        ("sum", "result", ["float64"], []),
    ]


@pytest.mark.parametrize(
    ("y", "hidden", "missing"),
    [
        (lambda x: tg.sum(x * x), (), "no values or gradients"),
        (lambda x: tg.sum(x * x), "values", "no gradients"),
        (lambda x: tg.sum(x * x), "gradients", "no values"),
        (lambda x: x * x, (), "no values"),
        (lambda x: {"a": tg.sum(x * x), "b": x * 2.0}, (), "no values"),
        (lambda x: tg.func.checkpoint(tg.exp, x), (), "no values"),
        (lambda x: x * x, "values", ""),
        (lambda x: tg.sum(x * x), ["values", "gradients"], ""),
        (lambda x: x, (), ""),
    ],
)
def test_what_was_not_watched_is_said_with_the_cure(y: Any, hidden: Any, missing: str) -> None:
    x = leaf(1, 2)
    drawing = tg.draw(y(x), hide=hidden)
    assert drawing.note.partition(":")[0] == missing
    if missing:
        assert "with tg.watch():" in drawing.note
        assert "tg.draw(f, x)" in drawing.note
        assert all(html.escape(line) in drawing.source for line in drawing.note.split("; "))
        assert "with tg.watch():" in drawing.notes[0][1]
        assert drawing.note in repr(drawing)
    with tg.watch():
        watched = y(x)
    assert tg.draw(watched, hide=hidden).note == ""
    assert tg.draw(lambda x: y(x), [1.0, 2.0], hide=hidden).note == ""


def test_a_folded_picture_says_both() -> None:
    y: Any = leaf(1, 2)
    for i in range(3000):
        y = tg.sin(y) if i % 7 % 3 else y + 1.0
    drawing = tg.draw(y, unroll=True)
    assert [note.partition(" ")[0] for note, _ in drawing.notes] == ["3,000", "no"]
    assert drawing.note == "; ".join(english for english, _ in drawing.notes)


def test_under_watch_a_result_shows_values_and_gradients_before_and_after_backward() -> None:
    x = leaf(1.0, 2.0, name="x")
    with tg.watch():
        y = tg.sum(x * x)
    before = tg.draw(y).source
    y.backward()
    x.grad = None
    with tg.watch():
        other = tg.sum(tg.exp(x))
    other.backward()  # of something else
    assert tg.draw(y).source == before
    (result,) = (a for a in arrows(tg.draw(y)) if a.head == "result")
    assert (result.above, result.below) == (["float64", "5"], ["1"])
    assert [a.below for a in arrows(tg.draw(y)) if a.tail == "x"] == [["1  2"], ["1  2"]]


def test_no_gradient_is_shown_of_many_numbers() -> None:
    assert all(a.above and not a.below for a in arrows(tg.draw(tg.sin, [1.0, 2.0])))


@given(graphs())
def test_every_drawn_gradient_is_the_gradient(program: Any) -> None:
    """What is written at the inputs is what tg.grad finds, to the digits shown."""
    inputs = [tg.Tensor(x, requires_grad=True) for x in program.inputs]
    y = tg.sum(program(*inputs))
    truth = dict(zip("abc", tg.grad(y, inputs, allow_unused=True), strict=False))
    drawing = tg.draw(lambda *xs: tg.sum(program(*xs)), *program.inputs, unroll=True)
    said = {name: said for name, *said in nodes(drawing).values()}
    for i, x in enumerate(program.inputs):
        name = f"xs[{i}]"
        at = [a for a in arrows(drawing) if a.tail == name]
        if len(at) == 1 and x.size == 1:
            assert float(at[0].below[0]) == pytest.approx(truth["abc"[i]].item(), rel=1e-3, abs=1e-12)
        elif at and x.size == 1:
            assert float(said[name][0]) == pytest.approx(truth["abc"[i]].item(), rel=1e-3, abs=1e-12)


def test_names_come_from_arguments_modules_parameters_and_tensors() -> None:
    model = nn.Sequential(nn.Affine(2, 3, rng=0), nn.Relu())
    assert {"x", "layers.0.W", "layers.0.b", "Sequential"} <= names(tg.draw(model, np.ones((1, 2))))
    assert {"W", "b"} <= names(tg.draw(model(np.ones((1, 2)))))
    assert {"layers.0.W", "layers.0.b"} <= names(tg.draw(model(np.ones((1, 2))), parameters=model))
    w, v = leaf(1, name="weight"), leaf(2)
    assert {"weight", "leaf"} <= names(tg.draw(w * v))
    assert {"w", "v"} <= names(tg.draw(w * v, parameters={"w": w, "v": v}))
    assert {"w", "x"} <= names(tg.draw(lambda x: w * x, 3.0, parameters={"w": w}))
    assert {"y"} <= names(tg.draw({"y": w * v}))


def test_arguments_in_a_dict_are_parameters() -> None:
    drawing = tg.draw(lambda p, x: p["W"] * x, {"W": np.ones(2)}, np.ones(2))
    assert (shapes(drawing)["W"], shapes(drawing)["x"]) == ("cylinder", "box")


def test_a_tensor_among_the_inputs_stays_what_it_is() -> None:
    w = leaf(1, 2)
    drawing = tg.draw(lambda w, x, t: tg.sum(w * x) + t.sum(), w, tg.Tensor([3.0, 4.0]), np.array([1, 2]))
    assert arrow(drawing, "w", "×").below == ["3  4"]
    assert arrow(drawing, "x", "×").below == []
    assert arrow(drawing, "x", "×").above == ["(2,) float64", "3  4"]


def test_labels_are_known_by_their_name() -> None:
    drawing = tg.draw(lambda scores, t: tg.softmax_cross_entropy(scores, t), [[1.0, 2.0]], np.array([1]))
    assert arrow(drawing, "t", "softmax_cross_entropy").above == ["labels: (1,) int64", "1"]


def test_arguments_of_an_op_that_have_no_gradient_are_constants() -> None:
    drawing = tg.draw(tg.where, np.array([1.0, 0.0]), [1.0, 2.0], [3.0, 4.0])
    assert [a.below for a in arrows(drawing)][:3] == [[], [], []]
    scores = tg.draw(partial(tg.softmax_cross_entropy, t=np.array([1])), [[1.0, 2.0]])
    assert {"scores", "softmax_cross_entropy"} <= names(scores)


def test_the_numbers_of_the_book_are_whole_and_drawn() -> None:
    def price(apple: Any, count: Any, tax: Any) -> Any:
        return apple * count * tax

    assert tg.draw(price, 100, 2, 1.1).source == tg.draw(price, 100.0, 2.0, 1.1).source
    assert {"apple", "count"} <= names(tg.draw(lambda apple, count: apple * count, 100, 2))


def test_a_number_that_must_stay_an_int_is_told_of() -> None:
    def f(x: Any, n: Any) -> Any:
        for _ in range(n):
            x = tg.sin(x)
        return x

    with pytest.raises(TypeError) as caught:
        tg.draw(f, 1.0, 3)
    english, korean = caught.value.__notes__[-2:]  # after the note of the Tensor that range refused
    assert "[3]" in english
    assert "[3]" in korean
    assert "정수" in korean
    assert "sin" in names(tg.draw(lambda x: f(x, 3), 1.0))


@pytest.mark.parametrize("f", [nn.Embedding(5, 3, rng=0), lambda ids: tg.sum(nn.Embedding(5, 3, rng=0)(ids))])
def test_ids_that_are_no_whole_numbers_are_told_of(f: Any) -> None:
    with pytest.raises(TypeError) as caught:
        tg.draw(f, [1.0, 2.0])
    assert "x.astype(int)" in caught.value.__notes__[-2]
    assert "정수로" in caught.value.__notes__[-1]
    assert {"W", "getitem"} <= names(tg.draw(f, [1, 2]))
    with pytest.raises(TypeError, match="ids must be integers") as caught:
        tg.draw(f, tg.Tensor([1.0, 2.0]))  # of which no leaf was made
    assert not any("makes a leaf" in note for note in caught.value.__notes__)


def test_labels_and_what_is_no_number_pass_as_they_are() -> None:
    def f(x: Any, labels: Any, flag: Any, word: Any, nothing: Any) -> Any:
        assert (labels, flag, word, nothing) == ([0, 1], True, "sum", None)
        return tg.sum(x[labels])

    assert {"x", "getitem", "sum"} <= names(tg.draw(f, [1.0, 2.0], [0, 1], True, "sum", None))


def test_numbers_in_lists_tuples_and_dicts_are_leaves() -> None:
    def f(xs: Any, p: Any) -> Any:
        assert isinstance(xs, tuple)
        return xs[0] * xs[1] * p["a"] * p["inner"]["b"][0]

    a = leaf(2.0)
    assert {"xs[0]", "xs[1]", "a", "inner.b[0]"} <= names(
        tg.draw(f, (1.0, a), {"a": 2.0, "inner": {"b": [np.ones(2)]}})
    )
    assert a.name is None


def test_leaves_have_the_names_of_modules_and_variables_that_a_function_reads() -> None:
    model, scale = nn.Sequential(nn.Affine(2, 1, rng=0)), leaf(2.0)
    x = np.ones((1, 2))
    for f in (model, model.forward, lambda x: model(x), partial(model.forward)):
        assert {"layers.0.W", "layers.0.b"} <= names(tg.draw(f, x))
    assert {"scale", "layers.0.W"} <= names(tg.draw(lambda x: model(x) * scale, x))
    assert {"s", "layers.0.W"} <= names(tg.draw(lambda x: model(x) * scale, x, parameters={"s": scale}))


@pytest.mark.parametrize("call", ["loss", "predict", "gradient", "accuracy"])
def test_a_network_of_the_book_says_how_it_is_drawn(call: str) -> None:
    net = nn.TwoLayerNet(2, 2, 2, rng=0)
    with pytest.raises(TypeError, match=r"draw\(net, x\) draws the scores, draw\(net, x, t\) the loss") as caught:
        tg.draw(getattr(net, call), np.ones((1, 2)), np.array([1]))
    assert "draw(net, x, t)" in caught.value.__notes__[0]
    with pytest.raises(TypeError, match=r"draw\(net, x\) draws the scores"):
        tg.draw(net)
    assert names(tg.draw(net, np.ones((1, 2)))) >= set(net.params)


def test_no_gradient_goes_into_whole_numbers() -> None:
    drawing = tg.draw(lambda x: tg.astype(x * 2.0, int), 2.0)
    assert all(not a.below for a in arrows(drawing))


def test_a_leaf_that_was_changed_shows_what_each_operation_got() -> None:
    w = leaf(1.0, name="w")
    with tg.watch():
        a = w * 2.0
        w.data[...] = 5.0
        b = w * 3.0
        y = a + b
    assert sorted(a.above[-1] for a in arrows(tg.draw(y)) if a.tail == "w") == ["1", "5"]


def test_an_input_whose_own_graph_is_gone_is_an_input_like_any_other() -> None:
    h = leaf(1.0) * 5.0
    (h * 1.0).backward()
    assert sorted(a.below for a in arrows(tg.draw(lambda h: h * h, h)) if a.tail == "h") == [["5"], ["5"]]


def test_where_a_part_of_the_graph_is_gone_that_is_said() -> None:
    h = leaf(2.0) * 5.0
    unspent = tg.draw(lambda x: h * x + x, 3.0)
    assert [a.below for a in arrows(unspent) if a.tail == "x"] == [["10"], ["1"]]
    assert unspent.note == ""
    (h * 1.0).backward()
    drawing = tg.draw(lambda x: h * x + x, 3.0)
    assert drawing.note.startswith("no gradients: an earlier backward()")
    assert not any(a.below for a in arrows(drawing))


def test_results_of_one_name_are_both_drawn() -> None:
    a, b = leaf(1.0) * 2.0, leaf(1.0) * 3.0
    assert {"1", "'1'"} <= names(tg.draw({1: a, "'1'": b}))


def test_the_walk_stops_at_an_input() -> None:
    h = tg.exp(leaf(1, 2, name="w"))
    assert names(tg.draw(tg.sin, h)) == {"x", "sin"}


def test_a_function_may_return_several_results() -> None:
    def f(x: Any) -> Any:
        return {"sine": tg.sin(x), "cosine": tg.cos(x)}

    assert {"x", "sin", "cos", "sine", "cosine"} == names(tg.draw(f, [1.0, 2.0]))
    assert {"x", "sin", "g[0]", "g[1]"} == names(tg.draw(partial(g, 2.0), 3.0))


def test_each_result_has_the_name_of_its_place() -> None:
    def f(x: Any) -> Any:
        y = {"loss": tg.sum(x), "heads": {"a": x * 2.0, 3: [x + 1.0, (x - 1.0,)]}}
        return kind(y)

    kind: Any = dict
    heads = {"heads.a", "heads.3[0]", "heads.3[1][0]"}
    assert {"loss", *heads} <= names(tg.draw(f, [1.0, 2.0]))
    kind = lambda y: [y, {"loss": tg.sum(y["loss"])}]
    assert {"f[0].loss", "f[1].loss", *(f"f[0].{head}" for head in heads)} <= names(tg.draw(f, [1.0, 2.0]))
    w = leaf(1, 2)
    assert {"result[0].a", "result[1]"} <= names(tg.draw([{"a": w * 2.0}, w]))
    assert {"leaf", "2", "×", "b"} == names(tg.draw({"a": {}, "b": w * 2.0}))


def test_results_of_equal_names_are_all_drawn() -> None:
    w = leaf(1, 2)
    same = {1: w * 2.0, "1": w * 3.0, "a.b": w * 4.0, "a": {"b": w * 5.0}}
    assert sorted(a.head for a in arrows(tg.draw(same)) if a.tail == "×") == ["1", "1", "a.b", "a.b"]


def g(a: Any, x: Any) -> Any:
    return tg.sin(x), x


def test_kinds_are_told_apart_without_colours() -> None:
    """By their shape, and by what is not plain about their border."""
    w = leaf(1, 2, name="w")
    drawing = tg.draw(lambda x: tg.sum(tg.exp(w * x + 5.0)), [3.0, 4.0])
    kinds = {look(drawing, name) for name in ("w", "x", "5", "exp", "lambda at")}
    assert len(kinds) == 5


def look(drawing: Any, name: str) -> tuple[str, ...]:
    """What of a node's attributes can be seen in black and white."""
    (found,) = (n for n, said in nodes(drawing).items() if said[0].startswith(name))
    line = next(line for line in drawing.source.splitlines() if line.strip().startswith(f"{found} ["))
    return tuple(re.findall(r" (shape=\w+|peripheries=\d|style=\S+)", line))


def said(drawing: Any) -> set[str]:
    """Every line that can be read without pointing at anything."""
    on_arrows = [line for a in arrows(drawing) for line in (*a.above, *a.below)]
    return {*on_arrows, *(line for lines in nodes(drawing).values() for line in lines)}


@pytest.mark.parametrize(
    ("hidden", "gone"),
    [
        ("shapes", "(2,) float64"),
        ("values", "1.1  2.2"),
        ("gradients", "7.7  15.4"),
        ("kept", "keeps a, b · 16 B"),
        ("constants", "7"),
    ],
)
def test_less_can_be_shown(hidden: str, gone: str) -> None:
    def f(x: Any) -> Any:
        return tg.sum(x * x * 7.0 + x * 4.8)

    full = tg.draw(f, [1.1, 2.2])
    assert gone in said(full)
    for less in (tg.draw(f, [1.1, 2.2], hide=hidden), tg.draw(f, [1.1, 2.2], hide=[hidden, "kept"])):
        assert gone not in said(less)
        assert said(less) < said(full)


def test_it_runs_down_if_asked() -> None:
    assert "rankdir=LR" in tg.draw(tg.sin, 1.0).source
    down = tg.draw(tg.sin, 1.0, direction="down")
    assert "rankdir=TB" in down.source
    assert [(a.tail, a.head, a.above, a.below) for a in arrows(down)] == [
        ("x", "sin", ["float64", "1"], ["0.5403"]),
        ("sin", "sin", ["float64", "0.8415"], ["1"]),
    ]


def test_blocks_with_numbers_in_their_names_are_equal() -> None:
    x: Any = leaf(1.0, 2.0, name="x")
    for i in range(12):
        with tg.scope(f"block {i}"):
            x = tg.tanh(x * leaf(1.0, 2.0) + leaf(1.0, 2.0))
    assert boxes(tg.draw(x)) == ["block 0 × 12 (drawn: the first) · 4 parameters each"]


def test_a_long_graph_runs_down_by_itself() -> None:
    def f(x: Any, n: int) -> Any:
        for _ in range(n):
            x = tg.sin(tg.cos(x))
        return x

    short, long = (tg.draw(lambda x, n=n: f(x, n), 1.0) for n in (4, 5))
    assert "rankdir=LR" in short.source
    assert "rankdir=TB" in long.source
    assert "rankdir=LR" in tg.draw(lambda x: f(x, 5), 1.0, direction="right").source


def test_a_closed_module_is_one_node_with_its_parameters() -> None:
    model = nn.Sequential(nn.Affine(2, 3, rng=0), nn.Relu(), nn.Affine(3, 1, rng=0))
    (closed,) = (
        said
        for said in nodes(tg.draw(model, np.ones((1, 2)), depth=0)).values()
        if said[0] == "Sequential" and len(said) > 1
    )
    assert closed[:3] == ["Sequential", "13 parameters", "3 operations"]
    assert names(tg.draw(model, np.ones((1, 2)), depth=1)) == {"x", "Affine", "Relu", "Sequential"}


def test_above_the_budget_it_folds_and_says_so() -> None:
    rng = np.random.default_rng(0)
    y: Any = leaf(1, 2)
    for step in rng.integers(3, size=3000):
        y = [tg.sin, lambda y: y + 1.0, lambda y: tg.maximum(y, 0.0)][step](y)
    drawing = tg.draw(y)
    assert len(nodes(drawing)) < 300
    assert drawing.note.startswith("3,000 operations")
    assert all(html.escape(line) in drawing.source for line in drawing.note.split("; "))
    assert drawing.note in repr(drawing)


# ------------------------------------------------------------------ nothing changes


def test_drawing_changes_nothing() -> None:
    model = nn.Sequential(nn.Affine(3, 4, rng=0), nn.BatchNorm(4), nn.Dropout(0.5), nn.Affine(4, 1, rng=1))
    x = np.random.default_rng(0).random((5, 3))
    np.random.seed(3)
    tg.sum(model(x)).backward()
    before = {
        k: (t.numpy(), None if t.grad is None else t.grad.copy(), t.node) for k, t in model.named_tensors().items()
    }
    stream, copied = pickle.dumps(np.random.get_state()), x.copy()
    tg.draw(model, x)
    tg.draw(lambda x: tg.sum(model(x)), x, parameters=model)
    assert pickle.dumps(np.random.get_state()) == stream
    np.testing.assert_array_equal(x, copied)
    for name, (value, grad, node) in before.items():
        tensor = model.named_tensors()[name]
        np.testing.assert_array_equal(tensor.numpy(), value)
        np.testing.assert_array_equal(np.asarray(tensor.grad), np.asarray(grad))
        assert tensor.node is node


@given(graphs(), st.sampled_from(["fresh", "spent", "kept"]), st.booleans())
def test_drawing_leaves_a_graph_as_it_was(program: Any, state: str, watched: bool) -> None:
    inputs = [tg.Tensor(x, requires_grad=True) for x in program.inputs]
    with tg.watch() if watched else tg.scope("plain"):
        y: Any = tg.sum(program(*inputs))
    if state != "fresh":
        y.backward(keep_graph=state == "kept")
    seen = [gradient_of(node) for node in behind(y)]
    live = [node.live for node in behind(y)]
    grads = [x.grad if x.grad is None else x.grad.copy() for x in inputs]
    tg.draw(y)
    tg.draw(lambda: tg.sum(y * y))
    for now, then in zip([gradient_of(node) for node in behind(y)], seen, strict=True):
        assert now is then
    assert [node.live for node in behind(y)] == live
    for x, grad in zip(inputs, grads, strict=True):
        np.testing.assert_array_equal(np.asarray(x.grad), np.asarray(grad))
    if state == "spent":
        with pytest.raises(RuntimeError, match="earlier backward"):
            y.backward()
    else:
        y.backward()


def behind(y: Any) -> list[Any]:
    found, unread = [], [y.node]
    while unread:
        node = unread.pop()
        if node is not None and node not in found:
            found.append(node)
            unread.extend(node.parents)
    return found


def gradient_of(node: Any) -> Any:
    return node.seen.gradient if node.seen else None


def test_drawing_records_and_deposits_nothing_under_no_grad_either() -> None:
    w = leaf(1, 2)
    with tg.no_grad():
        drawing = tg.draw(lambda x: tg.sum(w * x), [3.0, 4.0])
        assert not (w * 2).requires_grad
    assert any(a.below for a in arrows(drawing))
    assert w.grad is None


def test_an_error_of_the_function_is_the_users_and_nothing_is_left() -> None:
    layer = nn.BatchNorm(2)

    def f(x: Any) -> Any:
        layer(x)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        tg.draw(f, np.ones((3, 2)), parameters=layer)
    assert layer.running_mean.tolist() == [0, 0]


def test_the_same_program_gives_the_same_text() -> None:
    code = "from examples import see_the_graph as s; print(*(p().source for p in s.PICTURES))"
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(see_the_graph.__file__).parents[1],
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1


# ------------------------------------------------------------------ what cannot be drawn


@pytest.mark.parametrize(
    ("call", "error", "words", "korean"),
    [
        (lambda: tg.draw(3.0), TypeError, "draw takes a Tensor, or a function and its inputs", "그릴 수 있는 것은"),
        (lambda: tg.draw([]), TypeError, "empty list", "그릴 수 있는 것은"),
        (lambda: tg.draw([leaf(1), 2]), TypeError, r"not int \(in result\[1\]\)", "그릴 수 있는 것은"),
        (
            lambda: tg.draw(lambda x: {"a": [x, {"b": None}]}, 1.0),
            TypeError,
            r"not NoneType \(in a\[1\].b\)",
            r"NoneType \(in a\[1\].b\)",
        ),
        (lambda: tg.draw({"a": {}}), TypeError, "empty dict", "그릴 수 있는 것은"),
        (lambda: tg.draw(tg.Tensor([1.0])), RuntimeError, "nothing was recorded", "그릴 계산 그래프가 없습니다"),
        (lambda: tg.draw(lambda x: x.numpy(), 1.0), TypeError, "must return a Tensor", "그릴 수 있는 것은"),
        (
            lambda: tg.draw(lambda x: x.detach(), 1.0),
            RuntimeError,
            "nothing was recorded",
            "그릴 계산 그래프가 없습니다",
        ),
        (
            lambda: tg.draw(lambda a, b: a * b),
            TypeError,
            r"'a'; the function takes \(a, b\).* draw\(f, x\)",
            "draw\\(f, x\\)",
        ),
        (lambda: tg.draw(nn.Relu()), TypeError, r"'x'; the function takes \(x", "draw\\(f, x\\)"),
        (
            lambda: tg.draw(nn.Relu, 1.0),
            TypeError,
            r"Relu is a class.* draw\(Relu\(...\), x\)",
            "클래스는 그릴 수 없습니다",
        ),
        (lambda: tg.draw(lambda x: tg.sum(np.asarray(x)), 1.0), TypeError, "would lose", "tg의 함수"),
        (lambda: tg.draw(leaf(1), 2.0), TypeError, "inputs are for a function", "draw\\(y\\)"),
        (lambda: tg.draw(tg.sin, 1.0, hide="colours"), ValueError, "hide has \\['colours'\\]", "쓸 수 있는 이름"),
        (lambda: tg.draw(tg.sin, 1.0, direction="up"), ValueError, "'right' or 'down'", "'up'"),
        (lambda: tg.draw(tg.sin, 1.0, depth=-1), ValueError, "depth must be", "0 이상의 정수"),
        (lambda: tg.draw(tg.sin, 1.0, hide=THREE), ValueError, "hide has \\[3\\]", "쓸 수 있는 이름"),
        (lambda: tg.draw(tg.sin, 1.0, depth=True), ValueError, "depth must be", "0 이상의 정수"),
    ],
)
def test_what_is_wrong_is_said_in_both_languages(call: Any, error: Any, words: str, korean: str) -> None:
    with pytest.raises(error, match=words) as caught:
        call()
    assert re.search(korean, "\n".join(caught.value.__notes__))


def test_where_a_gradient_cannot_be_given_the_way_out_is_told() -> None:
    @tg.op(x=lambda g: 1 / 0)
    def broken(x):
        return x * 2

    with pytest.raises(ZeroDivisionError) as caught:
        tg.draw(broken, 1.0)
    assert any("hide='gradients'" in note for note in caught.value.__notes__)
    assert "broken" in names(tg.draw(broken, 1.0, hide="gradients"))


# ------------------------------------------------------------------ where it is shown


@needs_graphviz
def test_a_notebook_shows_svg_and_where_it_is_not_trusted_png_of_the_same_size() -> None:
    bundle = tg.draw(tg.sin, 1.0)._repr_mimebundle_()
    root = ElementTree.fromstring(bundle["image/svg+xml"])
    assert root.tag.endswith("svg")
    assert bundle["text/plain"].startswith("a drawing of a graph")
    assert list(bundle) == ["text/plain", "image/svg+xml", "image/png"]
    json.dumps(bundle)
    png = base64.b64decode(bundle["image/png"], validate=True)
    assert png.startswith(b"\x89PNG")
    for i, side in enumerate(("width", "height")):
        pixels = float(root.attrib[side].removesuffix("pt")) * 96 / 72
        assert int.from_bytes(png[16 + 4 * i : 20 + 4 * i], "big") == pytest.approx(pixels, abs=2)


SVG, PNG = "image/svg+xml", "image/png"


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        ({}, [SVG, PNG]),
        ({"include": [SVG]}, [SVG]),
        ({"include": {PNG, "text/plain"}}, [PNG]),
        ({"include": {"text/plain"}}, []),
        ({"exclude": {PNG}}, [SVG]),
        ({"include": [SVG, PNG], "exclude": [SVG]}, [PNG]),
    ],
)
def test_only_what_is_asked_for_is_rendered(asked: Any, made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = []

    def answer(source: str, kind: str, dots: int = 0) -> bytes:
        kinds.append(kind)
        return b"<svg></svg>"

    monkeypatch.setattr(drawing_module, "rendered", answer)
    assert list(tg.draw(tg.sin, 1.0)._repr_mimebundle_(**asked)) == ["text/plain", *made]
    assert [{"svg": SVG, "png": PNG}[kind] for kind in kinds] == made


@pytest.mark.parametrize("error", [RuntimeError("no PNG"), TimeoutError("too slow")])
def test_where_there_is_no_png_there_is_svg(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(source: str, kind: str, dots: int = 0) -> bytes:
        if kind == "png":
            raise error
        return b"<svg></svg>"

    monkeypatch.setattr(drawing_module, "rendered", answer)
    bundle = tg.draw(tg.sin, 1.0)._repr_mimebundle_()
    assert list(bundle) == ["text/plain", SVG]
    assert bundle["text/plain"].startswith("a drawing of a graph")


def test_a_notebook_without_graphviz_shows_both_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "renderers", lambda kind: iter([]))
    (text,) = tg.draw(tg.sin, 1.0)._repr_mimebundle_().values()
    assert "apt install graphviz" in text
    assert install("draw") in text
    assert "설치" in text


def test_dot_can_be_saved_without_graphviz(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rendering, "renderers", lambda kind: iter([]))
    drawing = tg.draw(tg.sin, 1.0)
    assert drawing.save(tmp_path / "graph.dot").read_text(encoding="utf-8") == drawing.source
    with pytest.raises(RuntimeError, match="no Graphviz was found"):
        drawing.save(tmp_path / "graph.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["graph.dot"]


@needs_graphviz
@pytest.mark.parametrize(("ending", "start"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_it_is_saved_by_the_ending(ending: str, start: bytes, tmp_path: Path) -> None:
    path = tg.draw(tg.sin, 1.0).save(tmp_path / f"graph.{ending}")
    assert path.read_bytes().startswith(start)


@needs_graphviz
@given(st.text(max_size=60))
def test_any_name_can_be_drawn(name: str) -> None:
    with tg.scope(name):
        y = leaf(1, 2, name=name) * 2.0
    y.name = name
    assert tg.draw({name: y}, parameters={name: leaf(1)}).source


@needs_graphviz
def test_odd_names_are_rendered_as_they_are() -> None:
    odd = ['a<b>&"c"', "\\N\\G", "두 번째 층", "x\ny", "]>>;", "", " ", "<b>", "&amp;", "-", "한글 이름" * 30]
    y = sum((leaf(1, name=name) for name in odd), leaf(0))
    for name in odd:
        with tg.scope(name):
            y = y * 2.0
    drawing = tg.draw({name or "empty": y + 1.0 for name in odd})
    texts = {e.text for e in ElementTree.fromstring(drawing.svg()).iter("{http://www.w3.org/2000/svg}text")}
    assert {'a<b>&"c"', "\\N\\G", "두 번째 층", "]>>;", "<b>", "&amp;"} <= texts


LONG = "이름" * 15_000
HUGE = "n" * 30_000


def of_source(code: str) -> Any:
    room: dict[str, Any] = {"tg": tg}
    exec(code, room)
    return room


LONG_NAMES: dict[str, Any] = {
    "leaf": lambda: leaf(1, 2, name=LONG) * 2.0,
    "result": lambda: {LONG: leaf(1, 2) * 2.0},
    "key": lambda: {tuple(range(9000)): leaf(1, 2) * 2.0},
    "quotes": lambda: {"\"'<&>\\" * 9000: leaf(1, 2, name="\n" * 9000) * 2.0},
    "scope": lambda: tg.scope(LONG)(lambda: leaf(1, 2) * 2.0)(),
    "module": lambda: type(HUGE, (nn.Module,), {"forward": lambda self, x: x * 2.0})()(leaf(1, 2)),
    "op": lambda: of_source(f"@tg.op(x=lambda g: g)\ndef {HUGE}(x): return x * 1")[HUGE](leaf(1, 2)),
    "argument": lambda: of_source(f"@tg.op(x=None, {HUGE}=lambda g, {HUGE}: g)\ndef f(x, {HUGE}): return x * {HUGE}")["f"](1.0, leaf(1, 2)),
    "option": lambda: of_source(f"@tg.op(x=lambda g: g)\ndef f(x, *, {HUGE}=1): return x * 1")["f"](leaf(1, 2), **{HUGE: 2}),
    "docstring": lambda: of_source(f"@tg.op(x=lambda g: g)\ndef f(x):\n    '{LONG}'\n    return x * 1")["f"](leaf(1, 2)),
    "formula": lambda: of_source(f"@tg.op(x=lambda g: {HUGE}(g))\ndef f(x): return x * 1\ndef {HUGE}(g): return g")["f"](leaf(1, 2)),
    "parameters": lambda: tg.concat([leaf(1, 2, name=f"{i}{LONG}"[:2000]) for i in range(60)]),
}  # fmt: skip


@needs_graphviz
@pytest.mark.parametrize("depth", [None, 0])
def test_a_name_that_is_too_long_for_graphviz_is_shortened(depth: int | None) -> None:
    with tg.watch():
        y = {where: make() for where, make in LONG_NAMES.items()}
    root = ElementTree.fromstring(tg.draw(y, depth=depth, unroll=True).svg())
    texts = [e.text or "" for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert max(map(len, texts)) < 120
    assert sum("…" in text for text in texts) > 60


@needs_graphviz
@pytest.mark.parametrize("depth", [None, 0])
def test_the_whole_of_a_name_is_in_the_tooltip_where_it_fits(depth: int | None) -> None:
    name = "이름" * 300
    with tg.scope(name):
        y = leaf(1, 2, name=name) * 2.0
    root = ElementTree.fromstring(tg.draw({name: y}, depth=depth).svg())
    whole = [e.text for e in root.iter("{http://www.w3.org/2000/svg}title") if name in (e.text or "")]
    assert len(whole) == (3 if depth is None else 2)  # of the leaf, unless it is in the closed box, the box, the result


def test_functions_that_differ_in_how_blocks_are_chained_look_different() -> None:
    def f(step: Any) -> Any:
        def chain(a: Any, b: Any) -> Any:
            h = a * b
            for _ in range(40):
                h = step(a, b, h)
            return h

        return chain

    steps: list[Any] = [lambda a, b, h: h * h, lambda a, b, h: h * b, lambda a, b, h: a * h]
    drawings = [tg.draw(f(step), 1.0, 1.0, hide=["values", "gradients"]) for step in steps]
    assert len({re.sub(r"called at \S+", "", drawing.source) for drawing in drawings}) == 3
    assert [re.findall(r'"(to the next[^"]*)"', drawing.source) for drawing in drawings] == [
        ["to the next: a", "to the next: b"],
        ["to the next: a"],
        ["to the next: b"],
    ]


def test_a_leaf_that_all_blocks_share_tells_its_whole_gradient() -> None:
    W = leaf(0.5, name="W")

    def f(x: Any) -> Any:
        for _ in range(40):
            x = tg.tanh(x * W + W)
        return x

    drawing = tg.draw(f, 0.3)
    assert boxes(drawing) == ["× 40 (drawn: the first)"]
    truth = tg.grad(f(leaf(0.3)), W).item()
    assert ["W", f"{truth:.4g}"] in nodes(drawing).values()


@tg.op(x=lambda g, out: g * out * (out - 1))
def wrong_logistic(xp, x):
    return 1 / (1 + xp.exp(-x))


class TestReports:
    """`tg.draw(report)`: the function that was checked, with the operation that is blamed."""

    @staticmethod
    def report(f: Any, *inputs: Any, **options: Any) -> Any:
        with pytest.raises(tg.GradientMismatch) as error:
            tg.check_gradient(f, *inputs, **options)
        return error.value.report

    def test_the_blamed_operation_alone_is_marked(self) -> None:
        def f(x: Any) -> Any:
            return tg.sum(tg.tanh(wrong_logistic(x)) * tg.exp(x))

        report = self.report(f, [0.5, -1.0])
        picture = tg.draw(report)
        marked = [said for said in nodes(picture).values() if any(line.startswith("wrong: ") for line in said)]
        assert [said[0] for said in marked] == ["wrong_logistic"]
        assert f"wrong: {report.blame.entry}" in marked[0]
        assert f"{report.blame.analytic:.6g}, not {report.blame.numeric:.6g}" in marked[0]
        assert picture.source.count("penwidth=3") == 1
        assert len(nodes(picture)) == len(nodes(tg.draw(f, [0.5, -1.0])))

    def test_of_two_calls_the_one_on_the_blamed_line(self) -> None:
        def f(x: Any) -> Any:
            y = wrong_logistic(tg.astype(tg.zeros_like(x), np.float64) + 1.0)
            return tg.sum(wrong_logistic(x) * y)

        marked = [said for said in nodes(tg.draw(self.report(f, [0.5, -1.0]))).values() if "wrong: " in " ".join(said)]
        assert len(marked) == 1

    def test_in_a_closed_box(self) -> None:
        class Layer(nn.Module):
            def __init__(self) -> None:
                self.inner = nn.Affine(2, 2, rng=0)

            def forward(self, x: Any) -> Any:
                return wrong_logistic(self.inner(x))

        model = nn.Sequential(Layer(), nn.Affine(2, 1, rng=0))
        picture = tg.draw(self.report(model, np.ones((3, 2))), depth=0)
        assert sum("wrong: " in " ".join(said) for said in nodes(picture).values()) == 1

    def test_a_right_one_is_drawn_without_a_mark(self) -> None:
        picture = tg.draw(tg.check_gradient(tg.tanh, [0.5]))
        assert "wrong" not in picture.source

    def test_there_is_no_graph_of_numpys_functions(self) -> None:
        with pytest.raises(TypeError, match="draw: there is no graph of sin"):
            tg.draw(tg.check.check_grad(np.sin, np.cos, 0.5))
