"""Activations as layers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tinygrad_ko import nn
from tinygrad_ko.cli.training import ACTIVATIONS

LAYERS: dict[Any, Any] = {
    nn.Sigmoid(): tg.sigmoid,
    nn.Tanh(): tg.tanh,
    nn.Relu(): tg.relu,
    nn.LeakyRelu(): tg.leaky_relu,
    nn.LeakyRelu(0.3): lambda x: tg.leaky_relu(x, negative_slope=0.3),
    nn.Elu(): tg.elu,
    nn.Elu(2.0): lambda x: tg.elu(x, alpha=2.0),
    nn.Softplus(): tg.softplus,
    nn.Gelu(): tg.gelu,
    nn.Gelu("tanh"): lambda x: tg.gelu(x, approximate="tanh"),
    nn.Silu(): tg.silu,
}


@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=2, max_side=4), elements=st.floats(-30, 30)))
def test_each_is_the_function_of_its_name(x):
    for layer, function in LAYERS.items():
        np.testing.assert_array_equal(layer(tg.Tensor(x)).numpy(), function(x))
        assert layer.parameters() == []


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_gradients_go_through(layer):
    model = nn.Sequential(nn.Affine(3, 4, rng=0), layer, nn.Affine(4, 2, rng=1))
    tg.check_gradient(model, np.random.default_rng(0).normal(size=(5, 3)), order=2, effort="quick")


def test_an_unknown_kind_of_gelu_is_refused_when_the_layer_is_made():
    with pytest.raises(ValueError, match="approximate"):
        nn.Gelu("erf")


def test_the_names_on_the_command_line_are_those_of_the_layers():
    assert {name.replace("-", "").title() for name in ACTIVATIONS} == {
        type(layer).__name__.lower().title() for layer in LAYERS
    }
