"""The book's deeper networks: gradients by backpropagation, numerically and layer by layer; files; and the four functions on them."""

import pickle
from copy import deepcopy
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import nn
from tinygrad_ko.nn import book

rng = np.random.default_rng(0)
x, t = rng.random((6, 8)), np.array([0, 1, 2, 0, 1, 2])
images = rng.random((2, 1, 28, 28))
SMALL: dict[str, Any] = {f"conv_param_{i}": {"filter_num": 2} for i in range(1, 7)}


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def networks():
    return {
        "plain": book.MultiLayerNet(8, [5, 4], 3, rng=0),
        "decayed": book.MultiLayerNet(8, [5], 3, "sigmoid", "xavier", weight_decay_lambda=0.1, rng=0),
        "normalized": book.MultiLayerNetExtend(8, [5, 4], 3, use_batchnorm=True, rng=0),
        "all": book.MultiLayerNetExtend(
            8, [6], 3, weight_decay_lambda=0.01, use_dropout=True, dropout_ration=0.3, use_batchnorm=True, rng=0
        ),
    }


@pytest.mark.parametrize("name", networks())
def test_the_gradient_is_the_slope_of_the_loss_in_training(name):
    net = networks()[name]
    report = tg.check_gradient(net, x, t, wrt=list(net.params))
    assert report.verdict == "agrees"
    np.random.seed(0)
    numerical = net.numerical_gradient(x, t)
    gradient = net.gradient(x, t)  # with the same random numbers, for these were put back
    for key in net.params:
        np.testing.assert_allclose(gradient[key], numerical[key], atol=1e-5)


@pytest.mark.parametrize("name", networks())
def test_layer_by_layer_as_the_book_does_it(name):
    net = networks()[name]
    net.weight_decay_lambda = 0.0
    np.random.seed(1)
    gradient = net.gradient(x, t)
    taken = {key: layer for key, layer in net.layers.items() if layer.roles}
    found = [getattr(layer, f"d{role}") for layer in taken.values() for role in layer.roles]
    np.random.seed(1)
    out = x
    for layer in net.layers.values():
        mode = {"train_flg": True} if isinstance(layer, book.Dropout | book.BatchNormalization) else {}
        out = layer.forward(out, **mode)
    net.last_layer.forward(out, t)
    dout = net.last_layer.backward(1)
    for layer in reversed(net.layers.values()):
        dout = layer.backward(dout)
    by_hand = {
        name: getattr(layer, f"d{role}")
        for layer in taken.values()
        for role, name in zip(layer.roles, layer.names, strict=True)
    }
    assert by_hand.keys() == gradient.keys()
    for number, before, name in zip(by_hand.values(), found, by_hand, strict=True):
        np.testing.assert_allclose(number, before, atol=1e-14)
        np.testing.assert_allclose(number, gradient[name], atol=1e-14)


def test_a_check_and_a_picture_leave_running_averages_and_random_numbers_as_they_are():
    net = networks()["all"]
    net.gradient(x, t)
    before = deepcopy({key: vars(layer) for key, layer in net.layers.items() if key == "BatchNorm1"})
    np.random.seed(5)
    tg.check_gradient(net, x, t, effort="quick")
    tg.draw(net, x, t)
    net.summary(x)
    net.layer_outputs(x)
    assert np.random.rand() == np.random.RandomState(5).rand()
    layer = net.layers["BatchNorm1"]
    np.testing.assert_array_equal(layer.running_mean, before["BatchNorm1"]["running_mean"])
    np.testing.assert_array_equal(layer.running_var, before["BatchNorm1"]["running_var"])


def test_without_train_flg_nothing_is_left_out_and_averages_stay():
    net = networks()["all"]
    net.gradient(x, t)
    mean = net.layers["BatchNorm1"].running_mean
    np.testing.assert_array_equal(net.predict(x), net.predict(x))
    assert net.loss(x, t) == net.loss(x, t)
    assert net.layers["BatchNorm1"].running_mean is mean
    net.predict(x, train_flg=True)
    assert net.layers["BatchNorm1"].running_mean is not mean


def test_the_weight_decay_is_part_of_loss_and_gradient():
    net, plain = networks()["decayed"], networks()["decayed"]
    plain.weight_decay_lambda = 0.0
    weights = [net.params["W1"], net.params["W2"]]
    assert net.loss(x, t) - plain.loss(x, t) == pytest.approx(0.05 * sum(np.sum(W**2) for W in weights))
    np.testing.assert_allclose(net.gradient(x, t)["W1"], plain.gradient(x, t)["W1"] + 0.1 * weights[0])


@pytest.mark.parametrize(("chosen", "deviation"), [("relu", 0.25), ("He", 0.25), ("xavier", 32**-0.5), (0.01, 0.01)])
def test_first_weights(chosen, deviation):
    net = book.MultiLayerNet(32, [500], 10, weight_init_std=chosen, rng=0)
    assert np.std(net.params["W1"]) == pytest.approx(deviation, rel=0.03)
    np.random.seed(3)
    W = book.MultiLayerNet(32, [4], 10, weight_init_std=chosen).params["W1"]
    np.random.seed(3)
    np.testing.assert_allclose(W, deviation * np.random.randn(32, 4), rtol=1e-12)


def test_the_deep_network():
    net = book.DeepConvNet(**SMALL, hidden_size=5, rng=0)
    assert net.params["W7"].shape == (2 * 4 * 4, 5)
    kinds = "".join(type(layer).__name__[0] for layer in net.layers)
    assert kinds == "CRCRPCRCRPCRCRPARDAD"
    np.testing.assert_allclose(net.predict(images[0]), net.predict(images)[0])
    assert tg.check_gradient(net, images, np.array([3, 4]), wrt=list(net.params), effort="quick").verdict == "agrees"
    assert set(net.gradient(images, np.array([3, 4]))) == set(net.params)
    for i in (0, 15):
        assert net.layers[i].dW.shape == net.layers[i].W.shape
    assert net.accuracy(images, net.predict(images).argmax(axis=1), batch_size=1) == 1.0


def test_arrays_that_are_replaced_reach_the_layers():
    net = networks()["plain"]
    net.params["W1"] = np.zeros((8, 5))
    expected = net.predict(x)
    assert net.layers["Affine1"].W is net.params["W1"]
    out = x
    for layer in net.layers.values():
        out = layer.forward(out)
    np.testing.assert_array_equal(out, expected)


def test_arrays_that_are_assigned_to_layers_reach_params(tmp_path):
    net = networks()["normalized"]
    W, gamma = np.ones((8, 5)), np.full(5, 2.0)
    net.layers["Affine1"].W, net.layers["BatchNorm1"].gamma = W, gamma
    assert net.params["W1"] is W
    assert net.params["gamma1"] is gamma
    other = networks()["normalized"]
    other.load(net.save(tmp_path / "net"))
    np.testing.assert_array_equal(other.layers["Affine1"].W, W)
    np.testing.assert_array_equal(other.predict(x), net.predict(x))
    net.params = {name: array.copy() for name, array in other.params.items()}
    net.predict(x)
    net.layers["Affine1"].W += 1
    np.testing.assert_array_equal(net.params["W1"], W + 1)


def test_a_layer_that_would_not_be_trained_is_refused():
    net = networks()["plain"]
    net.layers["Affine1"] = book.Affine(np.ones((8, 5)), np.zeros(5))
    with pytest.raises(
        ValueError, match=r"layers\['Affine1'\] has parameters \(W, b\) that are not in params"
    ) as caught:
        net.gradient(x, t)
    assert korean(caught.value)
    net.layers["Affine1"] = net.layer(book.Affine, 1, W=np.ones((8, 5)), b=np.zeros(5))
    assert tg.check_gradient(net, x, t, effort="quick").verdict == "agrees"
    net.layers["Activation_function1"] = nn.Tanh()
    with pytest.raises(TypeError, match=r"layers\['Activation_function1'\] is a Tanh, not a Layer") as refused:
        net.predict(x)
    assert korean(refused.value)


@pytest.mark.parametrize("name", networks())
def test_one_sample_is_a_batch_of_one(name):
    net = networks()[name]
    np.testing.assert_allclose(net.predict(x[0]), net.predict(x)[0])
    assert net.loss(x[0], 1) == pytest.approx(net.loss(x[:1], [1]))


@pytest.mark.parametrize("name", networks())
def test_networks_are_copied_and_pickled_with_what_layers_keep(name):
    net = networks()[name]
    for layer in net.layers.values():
        layer.forward(
            x if layer.roles == () else np.ones((2, len(layer.W) if hasattr(layer, "W") else layer.gamma.size))
        )
    net.gradient(x, t)
    for other in (deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(other.predict(x), net.predict(x))
        other.params["W1"] += 1
        assert other.layers["Affine1"].W is other.params["W1"]
        assert not np.array_equal(other.params["W1"], net.params["W1"])
        with pytest.raises(RuntimeError, match="needs a forward before it"):
            other.layers["Affine1"].backward(1)


def test_names_and_sizes_that_are_none():
    with pytest.raises(ValueError, match="activation must be one of 'relu', 'sigmoid', not 'tanh'") as caught:
        book.MultiLayerNet(8, [5], 3, activation="tanh")
    assert korean(caught.value)
    with pytest.raises(ValueError, match="weight_init_std must be one of"):
        book.MultiLayerNet(8, [5], 3, weight_init_std="glorot")
    with pytest.raises(ValueError, match="MultiLayerNet: sizes"):
        book.MultiLayerNet(8, [0], 3)
    with pytest.raises(TypeError, match=r"a list of widths, such as \[100, 50\], not 5") as refused:
        book.MultiLayerNet(8, 5, 3)  # type: ignore[arg-type]  # what is refused
    assert korean(refused.value)
    with pytest.raises(TypeError, match="weight_init_std must be a number or a name"):
        book.MultiLayerNet(8, [5], 3, weight_init_std=None)  # type: ignore[arg-type]  # what is refused
    with pytest.raises(ValueError, match="accuracy: batch_size must be"):
        networks()["plain"].accuracy(x, t, batch_size=0)


@pytest.mark.parametrize("network", [nn.SimpleConvNet, book.DeepConvNet])
def test_images_and_filters_of_convolutional_networks(network):
    first = "conv_param" if network is nn.SimpleConvNet else "conv_param_1"
    for wrong, said in (
        ({first: {"filters": 3}}, rf"{first} has \['filters'\]"),
        ({first: {"filter_num": 0}}, "filter_num must be"),
        ({"input_dim": (28, 28)}, r"input_dim must be \(channels, height, width\)"),
        ({"input_dim": (0, 28, 28)}, r"input_dim\[0\] must be"),
    ):
        with pytest.raises(ValueError, match=said) as caught:
            network(**wrong)
        assert korean(caught.value)
    net = network((1, 8, 8), rng=0)
    for shape in ((2, 64), (2, 3, 8, 8), (2, 1, 9, 9)):
        with pytest.raises(ValueError, match=r"needs the shape \(1, 8, 8\) or \(n, 1, 8, 8\)"):
            net.predict(np.ones(shape))


def test_in_training_a_network_that_draws_or_averages_is_not_compiled():
    plain = networks()["plain"]
    step = tg.compile(plain.loss_and_gradient)
    for _ in range(2):
        loss, _ = step(x, t)
    np.testing.assert_allclose(loss, plain.loss(x, t))
    assert plain.layers["Affine1"].dW is None  # what is traced does not stay behind
    normalized = networks()["normalized"]
    normalized.gradient(x, t)
    predict = tg.compile(normalized.predict)
    for _ in range(2):
        np.testing.assert_array_equal(predict(x), normalized.predict(x))
    for name, layer in (("normalized", "BatchNormalization"), ("all", "BatchNormalization")):
        with pytest.raises(TypeError, match=f"nn.book.{layer} cannot be compiled in training") as caught:
            tg.compile(networks()[name].loss_and_gradient)(x, t)
        assert korean(caught.value)


# ---------------------------------------------------------------- files


def test_the_books_names_for_files(tmp_path):
    net, other = networks()["plain"], book.MultiLayerNet(8, [5, 4], 3, rng=1)
    path = tmp_path / "params.pkl"
    net.save_params(path)
    assert [file.name for file in tmp_path.iterdir()] == ["params.pkl"]
    other.load_params(path)
    np.testing.assert_array_equal(other.layers["Affine1"].W, net.params["W1"])
    np.testing.assert_array_equal(other.predict(x), net.predict(x))
    path.write_bytes(pickle.dumps({name: 2 * array for name, array in net.params.items()}))
    other.load_params(path)
    np.testing.assert_array_equal(other.params["W1"], 2 * net.params["W1"])


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (lambda: nn.ThreeLayerNet(), "it is of a network with 3 affine layers, 2-3-2-2"),
        (lambda: nn.TwoLayerNet(8, 7, 3), "it is of a network with 2 affine layers, 8-7-3"),
        (lambda: nn.SimpleNet(), "it is of a SimpleNet"),
        (
            lambda: nn.SimpleConvNet((1, 10, 10), {"filter_num": 2, "filter_size": 3}, hidden_size=4, output_size=3),
            "it is of a convolutional network with 1 convolution and 2 affine layers, 32-4-3",
        ),
        (lambda: nn.Sequential(nn.Affine(8, 3)), "it is of a Module"),
    ],
)
def test_a_file_of_another_network_is_named(other, said, tmp_path):
    path, net = other().save(tmp_path / "other"), nn.TwoLayerNet(8, 5, 3, rng=0)
    before = {name: array.copy() for name, array in net.params.items()}
    for load in (net.load, net.load_params):
        with pytest.raises(ValueError, match=said) as caught:
            load(path)
        assert korean(caught.value)
    assert all(np.array_equal(array, before[name]) for name, array in net.params.items())


# ---------------------------------------------------------------- the functions that look into a network


NETS = {
    "TwoLayerNet": (lambda: nn.TwoLayerNet(8, 5, 3, rng=0), x, ["affine", "sigmoid", "affine"]),
    "MultiLayerNet": (
        lambda: book.MultiLayerNet(8, [5], 3, rng=0),
        x,
        ["Affine1 Affine", "Activation_function1 Relu", "Affine2 Affine"],
    ),
    "SimpleConvNet": (
        lambda: nn.SimpleConvNet((1, 8, 8), {"filter_num": 2, "filter_size": 3}, 4, 3, rng=0),
        rng.random((6, 1, 8, 8)),
        ["conv2d", "max_pool2d", "relu", "affine", "relu", "affine"],
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_the_functions_that_look_into_a_network(name):
    make, inputs, layers = NETS[name]
    net = make()
    assert [text for text, _ in net.layer_outputs(inputs)] == layers
    np.testing.assert_allclose(net.layer_outputs(inputs)[-1][1], net.scores(inputs, net.params))
    summary = net.summary(inputs)
    assert [row.outputs[0].shape for row in summary.rows] == [y.shape for _, y in net.layer_outputs(inputs)]
    assert summary.parameters == sum(row.parameters for row in summary.rows) == sum(p.size for p in net.params.values())
    assert str(net.summary(inputs.shape)) == str(summary)
    with pytest.raises(ValueError, match="dtype goes with a shape"):
        net.summary(dtype=np.float32)
    assert tg.check_gradient(net, inputs, t.tolist(), effort="quick").verdict == "agrees"
    scores, loss = tg.draw(net, inputs), tg.draw(net, inputs, t)
    for parameter in net.params:
        assert parameter in scores.source
        assert parameter in loss.source
    assert "cross_entropy" in loss.source
    assert "cross_entropy" not in scores.source


def test_a_wrong_rule_in_a_network_is_found():
    @tg.op(x=lambda g, out: g * out * (out - 1))
    def logistic(xp, x):
        return 1 / (1 + xp.exp(-x))

    class Wrong(book.Sigmoid):
        def function(self, x):
            return logistic(x)

    net = book.MultiLayerNet(8, [5], 3, "sigmoid", rng=0)
    net.layers["Activation_function1"] = Wrong()
    with pytest.raises(tg.GradientMismatch, match="logistic"):
        tg.check_gradient(net, x, t)


def test_what_is_missing_is_said():
    net = nn.TwoLayerNet(8, 5, 3)
    with pytest.raises(TypeError, match=r"pass inputs and targets, \(net, x, t\)") as caught:
        tg.check_gradient(net, x)
    assert korean(caught.value)
    with pytest.raises(TypeError, match=r"draw\(net, x\) draws the scores") as caught:
        tg.draw(net)
    assert korean(caught.value)


def test_histograms_of_a_network():
    plt = pytest.importorskip("matplotlib.pyplot")
    net = book.MultiLayerNet(8, [5], 3, rng=0)
    titles = [ax.get_title() for ax in tg.pictures.activation_histograms(net, x)]
    plt.close("all")
    assert titles == ["1. Affine1 Affine", "2. Activation_function1 Relu", "3. Affine2 Affine"]


# ---------------------------------------------------------------- a network that is typed in


class Typed:
    """A network as the book's reader writes it, on the layers of the book."""

    def __init__(self):
        np.random.seed(0)
        self.params = {"W1": np.random.randn(8, 5), "b1": np.zeros(5), "W2": np.random.randn(5, 3), "b2": np.zeros(3)}
        self.layers: dict[str, Any] = {
            "Affine1": book.Affine(self.params["W1"], self.params["b1"]),
            "Sigmoid1": book.Sigmoid(),
            "Dropout1": book.Dropout(0.3),
            "Affine2": book.Affine(self.params["W2"], self.params["b2"]),
        }
        self.last = book.SoftmaxWithLoss()

    def loss(self, x, t):
        for layer in self.layers.values():
            x = layer.forward(x)
        return self.last.forward(x, t)

    def gradient(self, x, t):
        self.loss(x, t)
        dout = self.last.backward(1)
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        first, second = self.layers["Affine1"], self.layers["Affine2"]
        return {"W1": first.dW, "b1": first.db, "W2": second.dW, "b2": second.db}


class WithoutTheBatch(Typed):
    def gradient(self, x, t):
        gradient = super().gradient(x, t)
        return gradient | {"b1": len(x) * gradient["b1"]}


class WithAnEpsilon(Typed):
    """The loss of the book's chapter 4, whose 1e-7 its gradient does not know."""

    def loss(self, x, t):
        super().loss(x, t)
        return tg.cross_entropy_error(self.last.y, t)


def test_the_gradient_of_a_network_that_is_typed_in_is_checked():
    net = Typed()
    before = {name: array.copy() for name, array in net.params.items()}
    np.random.seed(7)
    report = tg.check_gradient(net, x, t)
    assert report.verdict == "agrees"
    assert [*report.shapes] == ["params['W1']", "params['b1']", "params['W2']", "params['b2']"]
    assert np.random.rand() == np.random.RandomState(7).rand()
    assert all(np.array_equal(array, before[name]) for name, array in net.params.items())
    assert net.layers["Affine1"].dW is None
    with pytest.raises(TypeError, match="pass inputs and targets"):
        tg.check_gradient(net, x)


def test_a_mistake_in_a_typed_gradient_is_named():
    with pytest.raises(tg.GradientMismatch, match=r"params\['b1'\]") as caught:
        tg.check_gradient(WithoutTheBatch(), x, t, wrt="params['b1']")
    assert "the ratio is 6" in str(caught.value)
    assert "test_networks.py" in str(caught.value)
    assert korean(caught.value)
    with pytest.raises(tg.GradientMismatch, match=r"a constant \(an epsilon\) that stands in the forward"):
        tg.check_gradient(WithAnEpsilon(), x, t)
    assert tg.check_gradient(WithAnEpsilon(), x, t, rtol=1e-5).verdict == "agrees"


class WithoutABias(Typed):
    def gradient(self, x, t):
        return {name: g for name, g in super().gradient(x, t).items() if name != "b2"}


def test_what_a_typed_network_lacks_is_said():
    with pytest.raises(ValueError, match=r"gives no gradient of \['b2'\]") as caught:
        tg.check_gradient(WithoutABias(), x, t)
    assert korean(caught.value)
    net = Typed()
    net.params["b1"] = net.params["b1"].astype(np.float32)
    with pytest.raises(TypeError, match=r"params\['b1'\] holds float32") as refused:
        tg.check_gradient(net, x, t)
    assert korean(refused.value)
    with pytest.raises(TypeError, match="pass inputs and targets"):
        tg.check_gradient(Typed(), x, t, keywords={"train": True})
