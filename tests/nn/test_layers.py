"""Layers: what they compute, and that their gradients are the slopes they have."""

import copy
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tinygrad_ko.nn import (
    Affine,
    Dropout,
    Embedding,
    Flatten,
    Module,
    Relu,
    Sequential,
    Sigmoid,
    SoftmaxWithLoss,
    he,
)

SIZES = st.integers(1, 4)
SEEDS = st.integers(0, 2**32 - 1)


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


@given(SEEDS, SIZES, SIZES, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
def test_affine_is_x_times_w_plus_b(seed, n, m, batch):
    rng = np.random.default_rng(seed)
    layer, x = Affine(n, m, rng=seed), rng.normal(size=(*batch, n))
    assert layer.b.tolist() == [0] * m
    layer.b.data += rng.normal(size=m)
    expected = x @ layer.W.numpy() + layer.b.numpy()
    for form in (x, tg.Tensor(x), tg.Tensor(x, requires_grad=True)):
        out = layer(form)
        assert isinstance(out, tg.Tensor)
        np.testing.assert_allclose(out.numpy(), expected, rtol=1e-12, atol=1e-12)


@given(SEEDS, SIZES, SIZES, hnp.array_shapes(min_dims=1, max_dims=2, max_side=3))
def test_affine_gradients(seed, n, m, batch):
    layer, x = Affine(n, m, rng=seed), np.random.default_rng(seed).normal(size=(*batch, n))

    def f(x, W, b):
        layer.W, layer.b = W, b
        return tg.sin(layer(x))

    tg.check_gradient(f, x, layer.W.numpy(), np.full(m, 0.1), order=2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, "float32"])
def test_affine_in_a_dtype(dtype):
    layer: Any = Affine(3, 2, dtype=dtype, rng=0)
    out = layer(tg.Tensor(np.ones((4, 3), dtype)))
    assert layer.W.dtype == layer.b.dtype == out.dtype == np.dtype(dtype)
    out.sum().backward()
    assert layer.W.grad.dtype == layer.b.grad.dtype == np.dtype(dtype)


def test_affine_begins_with_what_it_was_told():
    np.testing.assert_array_equal(Affine(3, 2, rng=4).W.numpy(), Affine(3, 2, rng=4).W.numpy())
    np.random.seed(4)
    expected = np.random.randn(3, 2) * np.sqrt(2 / 3)
    np.random.seed(4)
    np.testing.assert_allclose(Affine(3, 2, init=he).W.numpy(), expected, rtol=1e-15)


@pytest.mark.parametrize("kind", [Affine, Embedding])
@pytest.mark.parametrize("wrong", [0, -1, 2.0, "3", None, (2,)], ids=repr)
def test_a_size_that_is_no_whole_number_of_at_least_1_is_refused(kind, wrong):
    for place, name in enumerate({Affine: ("in_features", "out_features"), Embedding: ("num", "dim")}[kind]):
        sizes: list[Any] = [2, 2]
        sizes[place] = wrong
        said = f"{kind.__name__}: {name} must be a whole number of at least 1, not {wrong!r}"
        with pytest.raises(ValueError if isinstance(wrong, int) else TypeError, match=re.escape(said)) as caught:
            kind(*sizes)
        assert caught.value.__notes__ == [f"{kind.__name__}: {name} 값은 1 이상의 정수여야 합니다. 받은 값: {wrong!r}"]


def test_inputs_of_a_wrong_width_are_refused():
    with pytest.raises(
        ValueError, match=r"x has 4 columns, but W has 3 rows, in shapes \(5, 4\) and \(3, 2\).*Affine\(4, 2\)"
    ) as caught:
        Affine(3, 2)(tg.Tensor(np.ones((5, 4))))
    assert korean(caught.value)


@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=2, max_side=4), elements=st.floats(-30, 30)))
def test_sigmoid_and_relu_are_the_functions_of_their_names(x):
    np.testing.assert_array_equal(Sigmoid()(tg.Tensor(x)).numpy(), tg.sigmoid(x))
    np.testing.assert_array_equal(Relu()(tg.Tensor(x)).numpy(), np.maximum(x, 0))
    assert Sigmoid().parameters() == Relu().parameters() == []


def test_the_slope_of_relu_is_0_at_0():
    x: Any = tg.Tensor([-1.0, 0.0, 2.0], requires_grad=True)
    Relu()(x).sum().backward()
    assert x.grad.tolist() == [0, 0, 1]


def test_softmax_with_loss_is_the_exact_cross_entropy():
    scores, t = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, 2, 1, 1])
    leaf: Any = tg.Tensor(scores, requires_grad=True)
    loss = SoftmaxWithLoss()(leaf, t)
    loss.backward()
    assert loss.item() == tg.softmax_cross_entropy(scores, t)
    np.testing.assert_allclose(leaf.grad, (tg.softmax(scores) - np.eye(3)[t]) / 4, rtol=1e-13)
    assert SoftmaxWithLoss()(leaf, np.eye(3)[t]).item() == pytest.approx(loss.item(), rel=1e-14)


def test_sequential_is_one_after_the_other():
    layers = [Affine(2, 3, rng=0), Relu(), Affine(3, 4, rng=1), Sigmoid()]
    model, x = Sequential(*layers), tg.Tensor(np.ones((5, 2)))
    expected = x
    for layer in layers:
        expected = layer(expected)
    np.testing.assert_array_equal(model(x).numpy(), expected.numpy())
    assert (len(model), list(model), model[0], model[-1]) == (4, layers, layers[0], layers[3])
    assert list(model.named_parameters()) == ["layers.0.W", "layers.0.b", "layers.2.W", "layers.2.b"]


def test_an_empty_sequential_is_the_identity():
    x = tg.Tensor([1.0])
    assert Sequential()(x) is x


def test_sequential_takes_functions_too():
    assert Sequential(tg.exp, tg.log)(tg.Tensor([2.0])).tolist() == pytest.approx([2.0])


@pytest.mark.parametrize(
    ("wrong", "what"),
    [(3, "int"), ([Relu()], "list"), (None, "NoneType"), (Relu, "class Relu")],
    ids=str,
)
def test_what_is_no_layer_is_refused_when_the_network_is_made(wrong, what):
    with pytest.raises(TypeError, match=f"layer 1 is no layer but {what}; pass them one by one") as caught:
        Sequential(Relu(), wrong)
    assert f"1번 계층이 계층도 함수도 아닙니다({what})" in caught.value.__notes__[0]


def test_a_shared_layer_gets_both_parts_of_its_gradient():
    shared: Any = Affine(2, 2, rng=0)
    x = np.ones((1, 2))
    Sequential(shared, Sigmoid(), shared)(tg.Tensor(x)).sum().backward()

    def f(W, b):
        return tg.sum(tg.matmul(tg.sigmoid(tg.matmul(x, W) + b), W) + b)

    p: Any
    for p in shared.parameters():
        numeric = tg.numerical_gradient(lambda _: f(shared.W.numpy(), shared.b.numpy()), p)
        np.testing.assert_allclose(p.grad, numeric, rtol=1e-7)
    assert len(Sequential(shared, shared).parameters()) == 2


def test_the_names_of_modules_are_in_the_graph():
    class Tower(Module):
        def __init__(self):
            self.body = Sequential(Affine(2, 2, rng=0))

        def forward(self, x):
            return self.body(x) * 2.0

    y = Tower()(tg.Tensor(np.ones((1, 2))))
    assert y.node.scope == ("Tower",)
    assert y.node.parents[0].scope == ("Tower", "Sequential", "Affine")
    assert (y * 2.0).node.scope == ()


def test_a_model_of_layers_learns_the_digits():
    (x_train, t_train), (x_test, t_test) = tg.data.load_digits()
    model = Sequential(Affine(64, 32, init=he, rng=0), Relu(), Affine(32, 10, rng=1))
    optimizer, rng = tg.optim.Adam(model.parameters(), lr=0.01), np.random.default_rng(0)
    for _ in range(12):
        for x, t in tg.data.minibatches(x_train, t_train, 50, rng):
            optimizer.zero_grad()
            tg.softmax_cross_entropy(model(x), t).backward()
            optimizer.step()
    assert (model(x_test).argmax(axis=1) == t_test).mean() >= 0.95


# ---------------------------------------------------------------- Dropout, Embedding, Flatten


def test_dropout_is_the_function_and_goes_on_drawing():
    layer, rng, x = Dropout(0.3, rng=5), np.random.default_rng(5), np.ones((4, 5))
    outs = [layer(tg.Tensor(x)).numpy() for _ in range(3)]
    for out in outs:
        np.testing.assert_array_equal(out, tg.dropout(x, 0.3, rng=rng))
    assert not np.array_equal(outs[0], outs[1])


def test_dropout_obeys_the_global_seed():
    layer, x = Dropout(0.5), np.ones(30)
    np.random.seed(4)
    first = layer(tg.Tensor(x)).numpy()
    np.random.seed(4)
    np.testing.assert_array_equal(layer(tg.Tensor(x)).numpy(), first)


def test_dropout_is_for_training_only():
    model, x = Sequential(Affine(3, 3, rng=0), Dropout(0.5, rng=0)), tg.Tensor(np.ones((2, 3)))
    whole = model[0](x).numpy()
    assert not np.array_equal(model(x).numpy(), whole)
    assert np.array_equal(model.eval()(x).numpy(), whole)
    assert not np.array_equal(model.train()(x).numpy(), whole)


@pytest.mark.parametrize("p", [-0.5, 1.0, float("nan")])
def test_a_p_that_is_no_share_is_refused_when_the_layer_is_made(p):
    with pytest.raises(ValueError, match=r"p must be in \[0, 1\)") as caught:
        Dropout(p)
    assert korean(caught.value)


@pytest.mark.parametrize("rng", [None, 3])
def test_dropout_can_be_copied(rng):
    """A source of random numbers that could not be copied would make the model so."""
    layer = Dropout(0.5, rng=rng)
    other = copy.deepcopy(layer)
    outs = []
    for each in (layer, other):
        np.random.seed(0)
        outs.append(each(tg.Tensor(np.ones(20))).tolist())
    assert outs[0] == outs[1]


@given(SEEDS, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
def test_embedding_gives_one_row_for_each_id_and_adds_up_their_gradients(seed, shape):
    rng = np.random.default_rng(seed)
    layer: Any = Embedding(5, 3, rng=seed)
    ids, g = rng.integers(0, 5, shape), rng.normal(size=(*shape, 3))
    out = layer(ids)
    np.testing.assert_array_equal(out.numpy(), layer.W.numpy()[ids])
    out.backward(g)
    expected = np.zeros((5, 3))
    np.add.at(expected, ids, g)
    np.testing.assert_allclose(layer.W.grad, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("ids", [[1, 3], (1, 3), np.array([1, 3], np.uint8), tg.Tensor(np.array([1, 3]))], ids=repr)
def test_ids_in_every_form(ids):
    layer = Embedding(4, 2, rng=0)
    np.testing.assert_array_equal(layer(ids).numpy(), layer.W.numpy()[[1, 3]])
    np.testing.assert_array_equal(layer(3).numpy(), layer.W.numpy()[3])


@pytest.mark.parametrize(
    ("ids", "bad"), [([0, 4], 4), ([0, -1], -1), (7, 7), (np.array([[255]], np.uint8), 255)], ids=str
)
def test_ids_without_a_row_are_refused(ids, bad):
    """A negative one would count from the end without a word."""
    with pytest.raises(ValueError, match=rf"id {bad}( at position .*)? is not one of the 4 rows 0\.\.3") as caught:
        Embedding(4, 2)(ids)
    assert korean(caught.value)


@pytest.mark.parametrize("ids", [[0.0, 1.0], [True, False], ["a"], tg.Tensor([1.0])], ids=repr)
def test_ids_that_are_not_integers_are_refused(ids):
    with pytest.raises(TypeError, match="ids must be integers") as caught:
        Embedding(4, 2)(ids)
    assert korean(caught.value)


def test_the_rows_of_an_embedding_begin_as_told():
    assert Embedding(2000, 3, rng=0).W.numpy().std() == pytest.approx(1, abs=0.05)
    layer = Embedding(2, 3, init=tg.nn.normal(0.01), dtype=np.float32, rng=0)
    assert (layer.W.dtype, abs(layer.W.numpy()).max() < 0.1) == (np.float32, True)


@pytest.mark.parametrize(
    ("shape", "flat"), [((2, 3, 4), (2, 12)), ((2, 3), (2, 3)), ((2,), (2, 1)), ((0, 3, 4), (0, 12)), ((2, 0), (2, 0))]
)
def test_flatten_puts_each_sample_in_a_row(shape, flat):
    x: Any = tg.Tensor(np.arange(np.prod(shape)).reshape(shape) * 1.0, requires_grad=True)
    out = Flatten()(x)
    np.testing.assert_array_equal(out.numpy(), x.numpy().reshape(flat))
    out.backward(np.ones(flat))
    assert x.grad.shape == shape
    assert Flatten()(x.numpy()).shape == flat


def test_a_number_cannot_be_flattened():
    with pytest.raises(ValueError, match="Flatten: x needs a shape of") as caught:
        Flatten()(tg.Tensor(1.0))
    assert korean(caught.value)
