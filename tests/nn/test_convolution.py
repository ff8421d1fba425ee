"""Layers with windows: their functions, their first weights, their gradients, and what is refused."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko.nn import AvgPool1d, AvgPool2d, Conv1d, Conv2d, Flatten, MaxPool1d, MaxPool2d, Relu, Sequential, xavier

RNG = np.random.default_rng(0)
OPTIONS: Any = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}


@pytest.mark.parametrize(
    ("layer", "function", "x"), [(Conv1d, tg.conv1d, (3, 4, 9)), (Conv2d, tg.conv2d, (3, 4, 9, 8))]
)
def test_a_layer_is_its_function(layer, function, x):
    x = RNG.normal(size=x)
    made = layer(4, 6, 3, **OPTIONS, rng=0)
    made.b.data += RNG.normal(size=6)
    expected = function(x, made.W.numpy(), made.b.numpy(), **OPTIONS)
    for form in (x, tg.Tensor(x), tg.Tensor(x, requires_grad=True)):
        np.testing.assert_array_equal(made(form).numpy(), expected)
    assert list(made.named_parameters()) == ["W", "b"]
    assert made.W.shape == (6, 2, *(3,) * (x.ndim - 2))


def test_gradients():
    layer, x = Conv2d(2, 3, (2, 3), padding="same", rng=0), RNG.normal(size=(2, 2, 4, 5))
    assert tg.check_gradient(layer, x, order=2).verdict == "agrees"
    sequences = Conv1d(2, 3, 2, rng=0)
    assert list(tg.check_gradient(sequences, x[:, :, 0]).shapes) == ["x", "W", "b"]


@pytest.mark.parametrize(
    ("layer", "function", "shape"),
    [
        (MaxPool1d, tg.max_pool1d, (2, 3, 7)),
        (AvgPool1d, tg.avg_pool1d, (2, 3, 7)),
        (MaxPool2d, tg.max_pool2d, (2, 3, 7, 6)),
        (AvgPool2d, tg.avg_pool2d, (2, 3, 7, 6)),
    ],
)
def test_pooling_layers_are_their_functions(layer, function, shape):
    x = RNG.normal(size=shape)
    np.testing.assert_array_equal(layer(3)(tg.Tensor(x)).numpy(), function(x, 3))
    np.testing.assert_array_equal(layer(3, 2, padding=1)(tg.Tensor(x)).numpy(), function(x, 3, 2, 1))
    assert layer(3).parameters() == []


def test_first_weights_are_scaled_by_what_a_window_sees():
    layer = Conv2d(8, 400, 3, groups=2, rng=0)
    assert layer.W.numpy().std() == pytest.approx(np.sqrt(2 / (4 * 3 * 3)), rel=0.02)
    assert Conv1d(8, 400, 5, init=xavier, rng=0).W.numpy().std() == pytest.approx(np.sqrt(1 / 40), rel=0.02)
    assert not layer.b.numpy().any()
    np.testing.assert_array_equal(Conv2d(1, 2, 3, rng=4).W.numpy(), Conv2d(1, 2, 3, rng=4).W.numpy())
    np.random.seed(4)
    first = Conv2d(1, 2, 3).W.numpy()
    assert not np.array_equal(first, Conv2d(1, 2, 3).W.numpy())
    np.random.seed(4)
    np.testing.assert_array_equal(Conv2d(1, 2, 3).W.numpy(), first)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_network_in_a_dtype(dtype):
    model = Sequential(Conv2d(1, 3, 3, dtype=dtype, rng=0), MaxPool2d(2), Relu(), Flatten())
    out = model(tg.Tensor(np.ones((2, 1, 6, 6), dtype)))
    assert (out.shape, out.dtype) == ((2, 12), dtype)
    out.sum().backward()
    assert [p.grad.dtype for p in model.parameters() if p.grad is not None] == [dtype, dtype]


def test_saved_and_loaded(tmp_path):
    first, second = (Sequential(Conv2d(1, 3, 3, rng=seed)) for seed in (0, 1))
    second.load(first.save(tmp_path / "conv"))
    np.testing.assert_array_equal(first[0].W.numpy(), second[0].W.numpy())


@pytest.mark.parametrize(
    ("arguments", "options", "named"),
    [
        ((0, 1, 3), {}, "in_channels must be a whole number of at least 1, not 0"),
        ((1, 0, 3), {}, "out_channels must be"),
        ((1, 1, 0), {}, "size must be a whole number of at least 1, or a pair of them, not 0"),
        ((1, 1, (1, 2, 3)), {}, "size must be"),
        ((2, 4, 3), {"groups": 0}, "groups must be"),
        ((3, 4, 3), {"groups": 2}, "3 channels in and 4 out cannot be split into 2 groups"),
        ((4, 3, 3), {"groups": 2}, "4 channels in and 3 out cannot be split into 2 groups"),
    ],
)
def test_layers_that_make_no_sense_are_refused(arguments, options, named):
    with pytest.raises(ValueError, match="Conv2d: ") as caught:
        Conv2d(*arguments, **options)
    assert named in str(caught.value)
    assert any("가" <= letter <= "힣" for note in caught.value.__notes__ for letter in note)


def test_images_with_other_channels_are_refused():
    with pytest.raises(
        ValueError, match=r"x of shape \(2, 3, 5, 5\) has 3 channels, but W of shape \(4, 1, 3, 3\) is for 1"
    ):
        Conv2d(1, 4, 3)(np.ones((2, 3, 5, 5)))
