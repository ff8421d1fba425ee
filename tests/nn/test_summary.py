"""A summary is what a real call shows, and nothing of the call is left."""

import re
import sys
import tracemalloc
from collections.abc import Callable
from math import prod
from threading import Thread
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.drawing.pictured import boxes
from tinygrad_ko import nn
from tinygrad_ko.nn.table import Output


def korean(error: BaseException) -> bool:
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def double(x: Any) -> Any:
    return x * 2


# ------------------------------------------------------------------ any network

LEAVES: list[Callable[[], Any]] = [
    lambda: nn.Affine(3, 3, rng=0),
    lambda: nn.BatchNorm(3),
    lambda: nn.Dropout(0.5),
    lambda: nn.Dropout(0.5, rng=1),
    nn.Relu,
    lambda: double,
    lambda: tg.tanh,
]
TREES: Any = st.recursive(st.sampled_from(LEAVES), lambda inner: st.lists(inner, max_size=3), max_leaves=12)


def built(tree: Any, made: list[Any]) -> Any:
    """A network like a tree; of a third of the layers one is taken that is there already."""
    if not isinstance(tree, list):
        if len(made) % 3 == 2:
            return made[0]
        made.append(tree())
        return made[-1]
    return nn.Sequential(*[built(part, made) for part in tree])


def expected(layer: Any, path: str, depth: int, calls: dict[Any, int], names: dict[int, str]) -> list[Any]:
    """The rows of a network by another way: names, depths and calls."""
    is_module = isinstance(layer, nn.Module)
    path = names.setdefault(id(layer), path) if is_module else path
    calls[path] = calls.get(path, 0) + 1
    rows = [(path, type(layer).__name__ if is_module else layer.__name__, depth, calls[path])]
    for i, part in enumerate(layer.layers if isinstance(layer, nn.Sequential) else []):
        rows += expected(part, f"{path}.layers.{i}" if path else f"layers.{i}", depth + 1, calls, names)
    return rows


def state(model: Any) -> Any:
    """All that a call may change, and where the random numbers stand."""
    parts = [model]
    for part in parts:
        parts += part.layers if isinstance(part, nn.Sequential) else []
    modules: list[Any] = [part for part in parts if isinstance(part, nn.Module)]
    tensors = {name: (t._array, t.node, t.grad) for name, t in model.named_tensors().items()}
    flat = [(name, *map(id, kept), kept[0].tolist()) for name, kept in tensors.items()]
    streams = [m.rng.bit_generator.state for m in modules if getattr(m, "rng", None) is not None]
    attributes = [[(name, id(value)) for name, value in vars(m).items()] for m in modules]
    stream = np.random.get_state(legacy=False)["state"]
    return flat, streams, attributes, list(map(id, parts)), stream["key"].tolist(), stream["pos"]


@given(tree=st.lists(TREES, max_size=4), train=st.booleans(), graded=st.booleans())
def test_rows_are_the_calls_and_nothing_is_left(tree: Any, train: bool, graded: bool) -> None:
    model = built(tree, []).train(train)
    x = np.arange(12.0).reshape(4, 3)
    if graded and model.parameters():
        model(tg.Tensor(x)).sum().backward()
    before = state(model)
    summary = model.summary(x)
    assert state(model) == before
    rows = [(row.path, row.layer, row.depth, row.call) for row in summary.rows]
    assert rows == expected(model, "", 0, {}, {})
    assert all(row.outputs == [Output("", (4, 3), "float64")] for row in summary.rows)
    tensors = model.named_tensors().values()
    assert summary.parameters == sum(row.parameters for row in summary.rows) == sum(t.size for t in tensors)
    assert summary.trained == sum(p.size for p in model.parameters())
    assert summary.bytes == sum(row.bytes for row in summary.rows) == 8 * summary.parameters
    assert len(str(summary).splitlines()) == len(rows) + 4
    still = model.summary()
    assert state(model) == before
    assert still.kept is None
    assert (still.parameters, still.trained, still.bytes) == (summary.parameters, summary.trained, summary.bytes)
    assert {row.path for row in still.rows} == {row.path for row in summary.rows}
    assert all(row.call == 0 and row.outputs == [] for row in still.rows)


@given(
    shape=st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda n: (*n, 3)),
    dtype=st.sampled_from(["f4", "f8"]),
)
def test_a_shape_is_as_good_as_an_array(shape: tuple[int, ...], dtype: str) -> None:
    model = nn.Sequential(nn.Affine(3, 2, dtype=dtype), tg.sigmoid)
    by_shape, by_array = model.summary(shape), model.summary(np.ones(shape, dtype))
    assert by_shape.rows == by_array.rows
    assert by_shape.title == by_array.title
    assert by_shape.rows[0].outputs == [Output("", (*shape[:-1], 2), str(np.dtype(dtype)))]
    assert model.summary(shape, dtype="f8").rows[0].outputs[0].dtype == "float64"
    assert model.summary(tg.Tensor(np.ones(shape, dtype))).rows == by_array.rows


# ------------------------------------------------------------------ one network


class Net(nn.Module):
    """Layers that are called twice, shared, in a dict, called by their `forward`, and never called."""

    def __init__(self) -> None:
        self.cell = nn.Affine(3, 3, rng=0)
        self.tied = nn.Affine(3, 3, rng=1)
        self.tied.W = self.cell.W
        self.cell.b.requires_grad = False
        self.heads = {"a": nn.Affine(3, 2, rng=2), "나": nn.Sequential(nn.Affine(3, 1, rng=3), nn.Sigmoid())}
        self.idle = nn.Sequential(nn.Affine(3, 4, rng=4))
        self.scale = tg.Tensor(np.ones(3, np.float32), requires_grad=True)

    def forward(self, x: Any, *, times: int = 2) -> Any:
        for _ in range(times):
            x = self.cell(x)
        return {"a": self.heads["a"].forward(x), "b": (self.heads["나"](x), None), "many": [x] * 4, "n": 3}


def test_the_table() -> None:
    assert (
        str(Net().summary((4, 3)))
        == """\
Net called with (4, 3) float64, in training
  layer                   output shape                                               dtype    parameters  bytes
  Net                     a (4, 2), b.0 (4, 1), b.1 None, many.0 (4, 3), ... 4 more  float64           3     12
    cell Affine           (4, 3)                                                     float64          12     96
    cell Affine (call 2)  (4, 3)                                                     float64
    heads.a Affine        (4, 2)                                                     float64           8     64
    heads.나 Sequential   (4, 1)                                                     float64
      layers.0 Affine     (4, 1)                                                     float64           4     32
      layers.1 Sigmoid    (4, 1)                                                     float64
    tied Affine           not called                                                                   3     24
    idle Sequential       not called
    idle.layers.0 Affine  not called                                                                  16    128
  46 parameters, 43 trained and 3 not; 356 bytes
  the graph of the result keeps 256 bytes more until backward()
  counted once: tied.W is cell.W"""
    )


def test_the_table_without_a_call() -> None:
    assert (
        str(Net().eval().summary())
        == """\
Net, not called: summary(x) also shows what each layer returns
  layer                  parameters  bytes
  Net                             3     12
    cell Affine                  12     96
    tied Affine                   3     24
    heads.a Affine                8     64
    heads.나 Sequential
      layers.0 Affine             4     32
      layers.1 Sigmoid
    idle Sequential
      layers.0 Affine            16    128
  46 parameters, 43 trained and 3 not; 356 bytes
  counted once: tied.W is cell.W"""
    )


def test_options_and_several_inputs() -> None:
    assert [row.call for row in Net().summary((1, 3), times=4).rows if row.path == "cell"] == [1, 2, 3, 4]
    summary = nn.SoftmaxWithLoss().summary((5, 10), t=np.zeros(5, int))
    assert summary.title == "SoftmaxWithLoss called with (5, 10) float64, t (5,) int64, in training"
    assert summary.rows[0].outputs == [Output("", (), "float64")]
    assert "no parameters" in str(summary)
    words = nn.Embedding(1, 3)
    assert words.summary((2, 5), dtype=int).rows[0].outputs == words.summary([[0] * 5] * 2).rows[0].outputs


class Written(nn.Module):
    """`__call__` in place of `forward`."""

    def __init__(self) -> None:
        self.layer = nn.Affine(3, 2, rng=0)

    def __call__(self, x: Any) -> Any:
        return tg.stack([self.layer(x)] * 2)


class Below(Written):
    """Around the `__call__` of the class above."""

    def __call__(self, x: Any) -> Any:
        return tg.concat([super().__call__(x)] * 2)


class Around(nn.Affine):
    """Around a `forward`."""

    def __call__(self, x: Any) -> Any:
        return tg.stack([super().__call__(x), self.forward(x)])


class Mixin:
    """From a class that is no Module."""

    def __call__(self, x: Any) -> Any:
        beside: Any = super()
        return tg.stack([beside.__call__(x)] * 3)


class Mixed(Mixin, nn.Affine):
    pass


class Same(nn.Affine):
    __call__ = nn.Affine.forward


CALLS: list[Any] = [
    (Written, (), [("", "Written", 0, (2, 5, 2)), ("layer", "Affine", 1, (5, 2))]),
    (Below, (), [("", "Below", 0, (4, 5, 2)), ("layer", "Affine", 1, (5, 2))]),
    (Around, (3, 2), [("", "Around", 0, (2, 5, 2))]),
    (Mixed, (3, 2), [("", "Mixed", 0, (3, 5, 2))]),
    (Same, (3, 2), [("", "Same", 0, (5, 2))]),
]


@pytest.mark.parametrize(("kind", "arguments", "rows"), CALLS, ids=lambda part: getattr(part, "__name__", ""))
def test_a_call_of_a_class_s_own_is_a_call(kind: Any, arguments: Any, rows: Any) -> None:
    model = kind(*arguments)
    before = state(model)
    summary = model.summary((5, 3))
    assert [(row.path, row.layer, row.depth, row.outputs[0].shape) for row in summary.rows] == rows
    assert state(model) == before
    assert [row.call for row in nn.Sequential(model, lambda y: y).summary((5, 3)).rows] == [1] * (len(rows) + 2)
    assert list(held(tg.draw(model, np.ones((5, 3))))) == [layer for _, layer, _, _ in reversed(rows)]
    assert list(held(tg.draw(lambda x: model(x), np.ones((5, 3))))) == [layer for _, layer, _, _ in reversed(rows)]
    assert "input x" in tg.draw(model, np.ones((5, 3))).source
    tg.check_gradient(model, np.ones((5, 3)))
    with pytest.raises(TypeError, match=r"the function takes \(x"):
        tg.draw(model)


def held(drawing: Any) -> Any:
    return (title.partition(" ")[0] for title in boxes(drawing))


def test_one_network_in_two_others_has_a_row_for_each_call() -> None:
    shared = Written()
    rows = (
        nn.Sequential(nn.Sequential(shared), nn.Sequential(lambda y: tg.sum(y[0]) * np.ones((1, 3)), shared))
        .summary((5, 3))
        .rows
    )
    assert [(row.path, row.call) for row in rows if row.layer == "Written"] == [
        ("layers.0.layers.0", i) for i in (1, 2)
    ]


def test_the_mode_is_kept() -> None:
    model = nn.Sequential(nn.BatchNorm(3))
    assert model.summary((2, 3)).title.endswith("in training")
    assert model.eval().summary((1, 3)).title.endswith("after eval()")
    assert not model[0].training


def test_a_function_in_a_list_is_a_layer_and_elsewhere_is_none() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            self.loss, self.pair, self.named = double, (double,), {"f": double}
            self.steps: list[Any] = [double, np.negative]

        def forward(self, x: Any) -> Any:
            assert [f.__name__ for f in self.steps] == ["double", "negative"]
            return self.steps[0](self.loss(self.pair[0](self.named["f"](x))))

    rows = [(row.path, row.layer, row.call) for row in Mixed().summary((2, 3)).rows]
    assert rows == [("", "Mixed", 1), ("steps.0", "double", 1), ("steps.1", "negative", 0)]
    assert [row.path for row in Mixed().summary().rows] == ["", "steps.0", "steps.1"]


def test_a_shape_is_filled_with_ones_or_with_ids_that_exist() -> None:
    with pytest.raises(ZeroDivisionError, match=r"\[1.0, 1.0\]"):
        nn.Sequential(fail_with).summary((2,))
    with pytest.raises(ZeroDivisionError, match=r"\[0, 0\]"):
        nn.Sequential(fail_with).summary((2,), dtype=int)


@pytest.mark.parametrize("layers", [(nn.Embedding(5, 3),), (lambda ids: tg.Tensor([1.0, 2.0])[ids],)])
def test_where_ids_are_needed_the_cure_is_named(layers: Any) -> None:
    model = nn.Sequential(*layers)
    assert model.summary((2, 3), dtype=int).rows[0].outputs[0].shape in ((2, 3, 3), (2, 3))
    with pytest.raises((TypeError, IndexError)) as caught:
        model.summary((2, 3))
    assert caught.value.__notes__[-2].endswith(
        "dtype=int fills a shape with whole numbers, as in summary((2, 3), dtype=int)"
    )
    assert "summary((2, 3), dtype=int)" in caught.value.__notes__[-1]


def fail_with(x: Any) -> Any:
    raise ZeroDivisionError(str(x.tolist()))


def test_an_input_is_not_written_to() -> None:
    class Writer(nn.Module):
        def forward(self, x: Any, y: Any) -> Any:
            x += 1
            y.data += 1
            return x

    x, y = np.zeros(3), tg.Tensor(np.zeros(3))
    Writer().summary(x, y)
    assert x.tolist() == y.tolist() == [0, 0, 0]


def test_a_network_of_the_book() -> None:
    net = nn.TwoLayerNet(784, 100, 10)
    summary = net.summary()
    assert (summary.parameters, summary.trained, summary.bytes, summary.kept) == (79_510, 79_510, 636_080, None)
    assert [(row.path, row.outputs[0].shape, row.parameters) for row in summary.rows] == [
        (name, p.shape, p.size) for name, p in net.params.items()
    ]
    net.params["b2"] = np.zeros(10, int)
    assert net.summary().trained == 79_500


# ------------------------------------------------------------------ the graph


@pytest.mark.parametrize("way", ["plain", "checkpoint", "no grad inside", "eval"])
def test_what_the_graph_keeps_is_what_it_takes(way: str) -> None:
    layers: list[Any] = [
        nn.Affine(200, 200),
        tg.tanh,
        nn.BatchNorm(200),
        nn.Dropout(0.3),
        nn.Relu(),
        nn.Affine(200, 200),
    ]
    model = nn.Sequential(*layers, tg.tanh, lambda x: (x.T**2).T, lambda x: x[:, ::2].T)
    if way == "checkpoint":
        model = nn.Sequential(nn.Affine(200, 200), lambda x, inner=model: tg.func.checkpoint(inner, x))
    if way == "no grad inside":
        model.layers.insert(3, lambda x: x.detach())
    model.train(way != "eval")
    x = tg.Tensor(np.ones((500, 200)))
    with tg.no_grad():  # of this summary() knows better: what is asked for is the memory of a training step
        kept = model.summary(x).kept
    assert kept is not None
    model(x)
    tracemalloc.start()
    y = model(x)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert y._array.base is not None  # a view of what took memory too
    beside = y._array.base.nbytes
    assert abs(taken - beside - kept) < 0.02 * kept + 20_000


def test_what_a_result_hides_is_not_guessed() -> None:
    class Hidden(nn.Module):
        def forward(self, x: Any) -> Any:
            return type("Answer", (), {"y": x * 2})()

    assert Hidden().summary((2, 3)).kept is None
    assert Hidden().summary((2, 3)).rows[0].outputs == [Output("", None, "Answer")]


# ------------------------------------------------------------------ large networks


@pytest.mark.slow
def test_a_long_network_is_printed_shortened() -> None:
    model = nn.Sequential(*[nn.Affine(1, 1, rng=0) for _ in range(10_000)])
    summary = model.summary((1, 1))
    text = str(summary)
    assert len(summary.rows) == 10_001
    assert len(text.splitlines()) == 65
    assert "... 9,941 rows are not shown; .rows has all 10,001" in text
    assert "layers.9999 Affine" in text
    assert "20,000 parameters, all trained" in text


def test_many_shared_parameters_are_told_shortened() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Affine(1, 1)
            self.ties = [self.layer.W] * 20

    summary = Tied().summary()
    assert len(summary.shared) == 20
    assert "... and 5 more; .shared has all 20" in str(summary)
    assert summary.parameters == 2


def test_a_deep_network_is_listed() -> None:
    model: Any = nn.Affine(2, 2)
    for _ in range(1000):
        model = nn.Sequential(model)
    summary = model.summary()
    assert summary.rows[-1].depth == 1000
    assert "[1000] layers.0 Affine" in str(summary)
    assert max(map(len, str(summary).splitlines())) < 100


def test_a_network_that_can_be_called_can_be_summarised() -> None:
    def nested(depth: int) -> Any:
        model: Any = nn.Affine(2, 2)
        for _ in range(depth):
            model = nn.Sequential(model)
        return model

    def works(depth: int) -> bool:
        try:
            nested(depth)(np.ones((1, 2)))
        except RecursionError:
            return False
        return True

    limit = sys.getrecursionlimit()
    deepest = max(depth for depth in range(50, 1000, 5) if works(depth))
    assert len(nested(deepest).summary((1, 2)).rows) == deepest + 1
    assert sys.getrecursionlimit() == limit


# ------------------------------------------------------------------ errors


def broken() -> Any:
    model = nn.Sequential(nn.BatchNorm(3), nn.Dropout(0.5), nn.Sequential(nn.Affine(4, 2)))
    return model


def test_an_error_names_the_layer_and_leaves_nothing() -> None:
    model = broken()
    before = state(model)
    with pytest.raises(ValueError, match="affine") as caught:
        model.summary((5, 3))
    notes = [note for note in caught.value.__notes__ if "summary" in note]
    assert notes[0] == (
        "in summary: layers.2.layers.0 Affine was called with (5, 3) float64; a shape has the batch in it"
    )
    assert len(notes) == 2  # and not again for the layers around it
    assert korean(caught.value)
    assert state(model) == before


def test_an_error_that_is_caught_inside_is_told() -> None:
    class Careful(nn.Module):
        def __init__(self) -> None:
            self.first, self.second = nn.Affine(4, 2), nn.Affine(3, 2)

        def forward(self, x: Any) -> Any:
            try:
                return self.first(x)
            except ValueError:
                return self.second(x)

    rows = Careful().summary((5, 3)).rows
    assert rows[1].outputs == [Output("", None, "raised ValueError")]
    assert (rows[2].depth, rows[2].outputs[0].shape) == (1, (5, 2))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda m: m.summary((None, 3)), r"\(None, 3\) is no shape"),
        (lambda m: m.summary((-1, 3)), r"\(-1, 3\) is no shape"),
        (lambda m: m.summary([(2, 3), (4, 5)]), r"one after the other, summary\(\(2, 3\), \(4, 5\)\)"),
        (lambda m: m.summary(((2, 3),)), r"not in a tuple"),
        (lambda m: m.summary(np.ones((2, 3)), dtype=float), "dtype goes with a shape"),
        (lambda m: m.summary(dtype=float), "dtype goes with a shape"),
    ],
)
def test_what_is_no_input_is_refused(call: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match) as caught:
        call(nn.Affine(3, 2))
    assert re.match("summary: ", str(caught.value))
    assert korean(caught.value)


def test_a_tuple_that_is_no_shape_is_an_input() -> None:
    class First(nn.Module):
        def forward(self, x: Any) -> Any:
            return x[0]

    assert First().summary((np.ones(4), 3)).rows[0].outputs == [Output("", (4,), "float64")]
    assert First().summary((1.5, 2)).rows[0].outputs == [Output("", None, "float")]


# ------------------------------------------------------------------ threads


def test_calls_of_other_threads_are_not_seen() -> None:
    inner, answers = nn.Affine(3, 2, rng=0), []

    class Waiting(nn.Module):
        def __init__(self) -> None:
            self.inner = inner

        def forward(self, x: Any) -> Any:
            thread = Thread(target=lambda: answers.append(inner(np.ones((7, 3))).shape))
            thread.start()
            thread.join()
            return self.inner(x)

    summary = Waiting().summary((2, 3))
    assert answers == [(7, 2)]
    assert [row.outputs[0].shape for row in summary.rows] == [(2, 2), (2, 2)]
    assert [row.call for row in summary.rows] == [1, 1]


def test_threads_may_summarise_one_network() -> None:
    model, found = nn.Sequential(nn.BatchNorm(3), lambda x: double(x), nn.Affine(3, 2, rng=0)), []
    before = state(model)
    threads = [Thread(target=lambda n=n: found.append((n, model.summary((n, 3))))) for n in range(2, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((n, prod(s.rows[-1].outputs[0].shape or ()), len(s.rows)) for n, s in found) == [
        (n, 2 * n, 4) for n in range(2, 6)
    ]
    assert all(s.rows[2].layer.startswith("lambda at test_summary.py") for _, s in found)
    assert state(model) == before
