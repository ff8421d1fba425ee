"""Histograms of what layers return: the numbers are theirs, and the model is afterwards as it was."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import nn
from tinygrad_ko.pictures import activation_histograms

X = np.random.default_rng(0).normal(size=(20, 4))


def bars(ax):
    """The edges and heights of a histogram."""
    heights = np.array([bar.get_height() for bar in ax.patches])
    return np.array(
        [*(bar.get_x() for bar in ax.patches), ax.patches[-1].get_x() + ax.patches[-1].get_width()]
    ), heights


def same(ax, values):
    heights, edges = np.histogram(np.ravel(values), 30)
    np.testing.assert_allclose(bars(ax)[0], edges, atol=1e-15)
    np.testing.assert_allclose(bars(ax)[1], heights / np.size(values))
    assert f"{np.mean(values):.3g}" in ax.get_xlabel()
    assert f"{np.std(values):.3g}" in ax.get_xlabel()


def test_every_layer_of_a_model_in_the_order_of_the_calls(english):
    first, second = nn.Affine(4, 6, rng=0), nn.Affine(6, 2, rng=1)
    model = nn.Sequential(first, tg.tanh, nn.Sequential(second, nn.Relu()), lambda x: x * 2)
    axes = activation_histograms(model, X)
    assert [ax.get_title() for ax in axes] == ["1. Affine", "2. tanh", "3. Affine", "4. Relu", "5. <lambda>"]
    z1 = first(X)
    z2 = second(tg.tanh(z1))
    for ax, values in zip(axes, (z1, tg.tanh(z1), z2, tg.relu(z2), 2 * tg.relu(z2)), strict=True):
        same(ax, values.numpy())
    assert axes[0].get_ylabel() == "share of the values"


def test_a_module_of_one_s_own_and_a_layer_that_is_called_twice():
    class Twice(nn.Module):
        def __init__(self):
            self.layers = {"inner": nn.Affine(4, 4, rng=0)}
            self.steps: list = [np.tanh, calls.append]

        def forward(self, x):
            self.steps[1](x)
            return self.layers["inner"](self.steps[0](self.layers["inner"](x)))

    calls: list = []
    model = Twice()
    steps = list(model.steps)
    axes = activation_histograms(model, X)
    assert [ax.get_title() for ax in axes] == ["1. Affine", "2. tanh", "3. Affine"]
    same(axes[2], model(X).numpy())
    assert model.steps == steps
    assert "forward" not in vars(model)
    assert [ax.get_title() for ax in activation_histograms(nn.Relu(), X)] == ["1. Relu"]


def test_a_module_with_a_call_of_its_own_is_a_layer(english):
    class Doubled(nn.Module):
        def __call__(self, x):
            return x * 2

    axes = tg.pictures.activation_histograms(nn.Sequential(Doubled(), nn.Relu()), np.ones((4, 3)))
    assert [ax.get_title() for ax in axes] == ["1. Doubled", "2. Relu"]


class Split(nn.Module):
    """A layer that returns two arrays."""

    def forward(self, x):
        return x[:, :1], x[:, self.at :]

    def __init__(self, at):
        self.at = at


def test_a_layer_that_returns_several_arrays():
    (ax,) = activation_histograms(Split(3), X)
    same(ax, X[:, [0, 3]])
    with pytest.raises(ValueError, match=r"layer 1\. Split must be one array, but its parts have different shapes"):
        activation_histograms(Split(2), X)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_called_in_its_mode_and_is_afterwards_as_it_was(training):
    dropout, norm = nn.Dropout(0.5, rng=0), nn.BatchNorm(4)
    model = nn.Sequential(nn.Affine(4, 4, rng=0), norm, dropout, tg.relu).train(training)
    tg.sum(model(X)).backward()
    twin = nn.Sequential(nn.Affine(4, 4, rng=0), nn.BatchNorm(4), nn.Dropout(0.5, rng=0), tg.relu).train(training)
    twin(X)
    layers, attributes = list(model.layers), [dict(vars(layer)) for layer in model.layers[:3]]
    arrays = {name: tensor.numpy() for name, tensor in model.named_tensors().items()}
    gradients = {name: np.array(tensor.grad) for name, tensor in model.named_parameters().items()}
    np.random.seed(0)
    np.random.random(3)

    axes = activation_histograms(model, X)

    same(axes[3], twin(X).numpy())  # what the next call would have been
    assert np.random.random() == np.random.RandomState(0).random(4)[3]
    assert model.layers == layers
    for layer, before in zip(model.layers[:3], attributes, strict=True):
        assert {k: v for k, v in vars(layer).items() if k != "rng"} == {k: v for k, v in before.items() if k != "rng"}
    for name, tensor in model.named_tensors().items():
        np.testing.assert_array_equal(tensor.numpy(), arrays[name])
    for name, tensor in model.named_parameters().items():
        np.testing.assert_array_equal(np.asarray(tensor.grad), gradients[name])
    assert model.training is norm.training is training
    np.testing.assert_array_equal(model(X).numpy(), nn_step(training))


def nn_step(training):
    """What the second call of such a model gives."""
    model = nn.Sequential(nn.Affine(4, 4, rng=0), nn.BatchNorm(4), nn.Dropout(0.5, rng=0), tg.relu).train(training)
    model(X)
    return model(X).numpy()


def test_a_model_that_fails_is_as_it_was_too():
    model = nn.Sequential(nn.BatchNorm(4), nn.Affine(3, 2, rng=0))
    with pytest.raises(ValueError, match="affine"):
        activation_histograms(model, X)
    assert all("forward" not in vars(layer) for layer in (model, *model.layers))
    np.testing.assert_array_equal(model[0].running_mean.numpy(), np.zeros(4))
    assert plt.get_fignums() == []


def test_arrays_by_name_and_without(korean):
    data = {"1층": X, 2: tg.Tensor(X, requires_grad=True)}
    axes = activation_histograms(data)
    assert [ax.get_title() for ax in axes] == ["1층", "2"]
    for ax in axes:
        same(ax, X)
    assert [ax.get_title() for ax in activation_histograms([X, X > 0])] == ["1", "2"]
    same(activation_histograms({1: X, "1": X + 1})[0], X)
    (ax,) = activation_histograms(X)
    same(ax, X)


def test_many_layers_stand_in_rows():
    axes = activation_histograms([X] * 7)
    assert axes.shape == (7,)
    assert len(plt.gcf().axes) == 7
    rows = {ax.get_subplotspec().rowspan.start for ax in axes}
    assert rows == {0, 1}


def test_what_is_not_finite_is_left_out_and_counted(english):
    (ax,) = activation_histograms([[1.0, 2.0, np.nan, np.inf, 4.0, 4.0]])
    assert bars(ax)[1].sum() == pytest.approx(1)
    assert ax.get_xlabel().splitlines() == ["mean 2.75, std 1.3", "2 NaN or inf left out"]


@pytest.mark.parametrize("value", [0.0, 1.0, -3e5, 1e300, 5e-324])
def test_values_that_hardly_differ_are_one_bar(value):
    (ax,) = activation_histograms([np.array([value, np.nextafter(value, 0), value])])
    assert sorted(bars(ax)[1])[-1] == pytest.approx(1)
    assert bars(ax)[0][15] < value < bars(ax)[0][16]
    (tick,) = ax.get_xticklabels()
    assert float(tick.get_text()) == pytest.approx(value, rel=1e-3)
    ax.figure.canvas.draw()
