"""LayerNorm and BatchNorm: training and afterwards, running averages, saving."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko.nn import Affine, BatchNorm, LayerNorm, Relu, Sequential, normal

BOTH = pytest.mark.parametrize("kind", [LayerNorm, BatchNorm], ids=lambda kind: kind.__name__)


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def batch(shape=(6, 3), seed=0):
    return np.random.default_rng(seed).normal(2, 3, size=shape)


def with_parameters(layer):
    """The layer with gamma and beta that can be seen."""
    layer.gamma.data[:] = [1.0, -2.0, 0.5]
    layer.beta.data[:] = [0.0, 1.0, 3.0]
    return layer


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5), (2, 3, 4, 5)])
def test_batch_norm_in_training_is_the_function(shape):
    layer, x = with_parameters(BatchNorm(3, eps=0.01)), batch(shape)
    expected = tg.batch_norm(x, layer.gamma.numpy(), layer.beta.numpy(), eps=0.01)
    for form in (x, tg.Tensor(x), tg.Tensor(x, requires_grad=True)):
        np.testing.assert_array_equal(layer(form).numpy(), expected)


def test_layer_norm_is_the_function_in_training_and_afterwards():
    layer, x = with_parameters(LayerNorm(3, eps=0.01)), batch((2, 4, 3))
    expected = tg.layer_norm(x, layer.gamma.numpy(), layer.beta.numpy(), eps=0.01)
    np.testing.assert_array_equal(layer(x).numpy(), expected)
    np.testing.assert_array_equal(layer.eval()(tg.Tensor(x)).numpy(), expected)


@pytest.mark.parametrize("shape", [(6, 3), (2, 3, 4, 5)])
@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_the_running_averages(shape, decay):
    layer, mean, var = BatchNorm(3, decay=decay), np.zeros(3), np.ones(3)
    for seed in range(3):
        x = batch(shape, seed)
        layer(tg.Tensor(x))
        axes = (0, *range(2, x.ndim))
        mean = decay * mean + (1 - decay) * x.mean(axis=axes)
        var = decay * var + (1 - decay) * x.var(axis=axes, ddof=1)
        np.testing.assert_allclose(layer.running_mean.numpy(), mean, rtol=1e-12)
        np.testing.assert_allclose(layer.running_var.numpy(), var, rtol=1e-12)


def test_the_running_averages_of_float16():
    """The variance of 0 and 1000 is beyond float16 on the way to it."""
    layer = BatchNorm(1)
    layer(np.array([[0.0], [1000.0]], np.float16))
    assert layer.running_mean.numpy() == 50
    np.testing.assert_allclose(layer.running_var.numpy(), 0.9 + 0.1 * 500_000)


def test_they_come_near_the_mean_and_variance_of_all_samples():
    layer = BatchNorm(3, decay=0.99)
    for seed in range(700):
        layer(batch((32, 3), seed))
    np.testing.assert_allclose(layer.running_mean.numpy(), 2, atol=0.2)
    np.testing.assert_allclose(layer.running_var.numpy(), 9, rtol=0.1)


@pytest.mark.parametrize("shape", [(6, 3), (2, 3, 4, 5), (1, 3)])
def test_afterwards_the_running_averages_are_used_and_left_alone(shape):
    layer = with_parameters(BatchNorm(3, eps=0.01)).eval()
    layer.running_mean.data[:] = [1.0, 2.0, 3.0]
    layer.running_var.data[:] = [4.0, 0.25, 9.0]
    x = np.moveaxis(batch(shape), 1, -1)
    scale = np.sqrt(np.array([4.0, 0.25, 9.0]) + 0.01)
    expected = (x - [1.0, 2.0, 3.0]) / scale * layer.gamma.numpy() + layer.beta.numpy()
    out = layer(tg.Tensor(np.moveaxis(x, -1, 1)))
    np.testing.assert_allclose(out.numpy(), np.moveaxis(expected, -1, 1), rtol=1e-13)
    assert layer.running_mean.tolist() == [1, 2, 3]
    assert layer.running_var.tolist() == [4, 0.25, 9]


def test_afterwards_a_sample_does_not_depend_on_its_neighbours():
    layer, x = BatchNorm(3), batch()
    layer(x)
    whole = layer.eval()(x).numpy()
    np.testing.assert_array_equal(np.concatenate([layer(x[i : i + 1]).numpy() for i in range(6)]), whole)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 2, 3)])
def test_gradients_of_batch_norm(training, shape):
    layer = with_parameters(BatchNorm(3)).train(training)

    def f(x, gamma, beta):
        layer.gamma, layer.beta = gamma, beta
        return tg.sin(layer(x))

    tg.check_gradient(f, batch(shape), layer.gamma.numpy(), layer.beta.numpy(), order=2)


def test_gradients_of_layer_norm():
    layer = with_parameters(LayerNorm(3))

    def f(x, gamma, beta):
        layer.gamma, layer.beta = gamma, beta
        return tg.sin(layer(x))

    tg.check_gradient(f, batch((4, 3)), layer.gamma.numpy(), layer.beta.numpy(), order=2)


def test_the_running_averages_are_saved_and_not_trained(tmp_path):
    layer = BatchNorm(3)
    layer(batch())
    assert list(layer.named_parameters()) == ["gamma", "beta"]
    assert list(layer.named_tensors()) == ["gamma", "beta", "running_mean", "running_var"]
    other = BatchNorm(3)
    other.load(layer.save(tmp_path / "layer"))
    np.testing.assert_array_equal(other.running_mean.numpy(), layer.running_mean.numpy())
    np.testing.assert_array_equal(other.running_var.numpy(), layer.running_var.numpy())
    assert not other.running_var.requires_grad
    np.testing.assert_array_equal(other.eval()(batch()).numpy(), layer.eval()(batch()).numpy())


def test_averages_that_move_do_not_reach_into_a_graph_recorded_before():
    layer = BatchNorm(3)
    layer(batch())
    x: Any = tg.Tensor(batch(), requires_grad=True)
    y, scale = layer.eval()(x), 1 / np.sqrt(layer.running_var.numpy() + 1e-5)
    layer.train()(batch(seed=5))
    y.backward(np.ones((6, 3)))
    np.testing.assert_allclose(x.grad, np.broadcast_to(scale, (6, 3)), rtol=1e-13)


def test_a_refused_batch_does_not_move_the_averages():
    layer = BatchNorm(3)
    for wrong in (batch((1, 3)), batch((6, 4)), batch((3,))):
        with pytest.raises(ValueError, match="batch_norm") as caught:
            layer(wrong)
        assert korean(caught.value)
    assert layer.running_mean.tolist() == [0, 0, 0]
    assert layer.eval()(batch((1, 3))).shape == (1, 3)
    with pytest.raises(ValueError, match=r"BatchNorm: an x of shape \(6, 4\) has 4 features") as caught:
        layer(batch((6, 4)))
    assert korean(caught.value)


@BOTH
def test_float32_stays(kind):
    layer = kind(3, dtype=np.float32, eps=np.float64(1e-5))  # a NumPy number would draw float64 in
    x: Any = tg.Tensor(batch().astype(np.float32), requires_grad=True)
    for mode in (True, False):
        out = layer.train(mode)(x)
        out.backward(np.ones((6, 3)))
        assert {out.dtype, x.grad.dtype, layer.gamma.grad.dtype} == {np.dtype(np.float32)}
    assert {tensor.dtype for tensor in layer.named_tensors().values()} == {np.dtype(np.float32)}


@BOTH
def test_settings_that_do_not_fit_are_refused(kind):
    for wrong, said in (
        ({"features": 0}, "features must be a whole number of at least 1, not 0"),
        ({"features": 2.0}, "features must be a whole number of at least 1, not 2.0"),
        ({"features": 2, "eps": 0.0}, "eps must be above 0 and finite, not 0.0"),
        ({"features": 2, "eps": float("inf")}, "eps must be above 0 and finite, not inf"),
        ({"features": 2, "eps": float("nan")}, "eps must be above 0 and finite, not nan"),
    ):
        refused = TypeError if wrong["features"] == 2.0 and "eps" not in wrong else ValueError
        with pytest.raises(refused, match=f"^{kind.__name__}: {said}\n") as caught:
            kind(**wrong)
        assert korean(caught.value)


@pytest.mark.parametrize("decay", [-0.1, 1, float("nan")])
def test_a_decay_that_is_no_share_is_refused(decay):
    with pytest.raises(ValueError, match=r"decay must be in \[0, 1\)") as caught:
        BatchNorm(2, decay=decay)
    assert korean(caught.value)


@BOTH
def test_a_network_that_begins_badly_learns_all_the_same(kind):
    """Weights that are too small: layer by layer the numbers and their gradients fade, unless they are normalised."""
    (x, t), _ = tg.data.load_digits()
    x, t = x[:500], t[:500]

    def trained(norm):
        widths, layers, rng = (64, 32, 32), list[Any](), np.random.default_rng(0)
        for n, m in pairwise(widths):
            layers += [Affine(n, m, init=normal(0.01), rng=rng), *([norm(m)] if norm else []), Relu()]
        model = Sequential(*layers, Affine(32, 10, init=normal(0.01), rng=rng))
        optimizer = tg.optim.SGD(model.parameters(), lr=0.2)
        for _ in range(120):
            optimizer.zero_grad()
            loss = tg.softmax_cross_entropy(model(x), t)
            loss.backward()
            optimizer.step()
        return (model.eval()(x).argmax(axis=1) == t).mean()

    assert trained(None) < 0.3 < 0.8 < trained(kind)
