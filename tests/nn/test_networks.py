"""The networks of the book: plain arrays in, plain arrays out, and gradients that agree with the numerical ones."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko.nn import SimpleConvNet, SimpleNet, ThreeLayerNet, TwoLayerNet

SIZES = st.integers(1, 4)


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def random_net(kind, inputs, hidden, outputs, rng):
    """A network with weights and biases of size 1, and how many inputs and outputs it has."""
    if kind is SimpleNet:
        return SimpleNet(rng=rng), 2, 3
    if kind is TwoLayerNet:
        net = TwoLayerNet(inputs, hidden, outputs, weight_init_std=1.0, rng=rng)
        net.params["b1"] += rng.normal(size=hidden)
        net.params["b2"] += rng.normal(size=outputs)
        return net, inputs, outputs
    sizes = [inputs, hidden, hidden + 1, outputs]
    params: dict = {}
    for i, (n, m) in enumerate(itertools.pairwise(sizes), start=1):
        params |= {f"W{i}": rng.normal(size=(n, m)), f"b{i}": rng.normal(size=m)}
    return ThreeLayerNet(params), inputs, outputs


@st.composite
def problems(draw):
    """A network, inputs (one sample or a batch) and targets in every form."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from([SimpleNet, TwoLayerNet, ThreeLayerNet]))
    net, inputs, outputs = random_net(kind, draw(SIZES), draw(SIZES), draw(SIZES), rng)
    batch = draw(st.sampled_from([None, 1, 2, 3]))
    shape = () if batch is None else (batch,)
    labels = rng.integers(0, outputs, size=shape)
    form = draw(st.sampled_from(["labels", "one-hot", "integer one-hot", "soft", "list"]))
    if form == "labels":
        t = int(labels) if batch is None else labels.astype(draw(st.sampled_from([np.int64, np.uint8])))
    elif form == "list":
        t = labels.tolist()
    elif form == "soft":
        t = rng.dirichlet(np.ones(outputs), size=shape or None)
    else:
        t = np.eye(outputs, dtype=int if form == "integer one-hot" else np.float32)[labels]
    x = rng.normal(size=(*shape, inputs)).astype(draw(st.sampled_from([np.float64, np.float32])))
    return net, x, t


def same_network():
    """A small network with a batch of three."""
    rng = np.random.default_rng(0)
    net, _, _ = random_net(TwoLayerNet, 4, 3, 5, rng)
    return net, rng.normal(size=(3, 4)), np.array([0, 4, 2])


# ---------------------------------------------------------------- gradients


@given(problems())
def test_backpropagation_agrees_with_the_numerical_gradient(problem):
    net, x, t = problem
    exact, numeric = net.gradient(x, t), net.numerical_gradient(x, t)
    assert list(exact) == list(numeric) == list(net.params)
    for name, p in net.params.items():
        for g in (exact[name], numeric[name]):
            assert type(g) is np.ndarray
            assert (g.shape, g.dtype) == (p.shape, np.float64)
        np.testing.assert_allclose(exact[name], numeric[name], rtol=1e-6, atol=1e-7)


@given(problems())
def test_plain_numbers_and_arrays_come_out(problem):
    net, x, t = problem
    scores = net.predict(x)
    assert type(scores) is np.ndarray
    assert scores.shape[:-1] == x.shape[:-1]
    assert type(net.loss(x, t)) is float
    assert type(net.accuracy(x, t)) is float
    assert 0 <= net.accuracy(x, t) <= 1


@given(problems())
def test_nothing_is_changed_by_asking(problem):
    net, x, t = problem
    t = t if isinstance(t, int | list) else t.copy()
    params, kept = dict(net.params), {name: p.copy() for name, p in net.params.items()}
    x_kept, t_kept = x.copy(), np.array(t)
    for ask in (net.loss, net.accuracy, net.gradient, net.numerical_gradient):
        ask(x, t)
    net.predict(x)
    assert all(net.params[name] is p for name, p in params.items())
    for name, p in kept.items():
        assert net.params[name].tobytes() == p.tobytes()
    np.testing.assert_array_equal(x, x_kept)
    np.testing.assert_array_equal(np.array(t), t_kept)


@given(problems())
def test_no_gradient_shares_memory_with_anything(problem):
    net, x, t = problem
    first, second = net.gradient(x, t), net.gradient(x, t)
    inputs = [*net.params.values(), x, *([t] if isinstance(t, np.ndarray) else [])]
    arrays = [*first.values(), *second.values()]
    for a, b in [*itertools.combinations(arrays, 2), *itertools.product(arrays, inputs)]:
        assert not np.shares_memory(a, b)
    for name, g in first.items():
        assert g.flags.writeable
        g[...] = 7  # and writing to one gradient reaches nothing else
        assert np.array_equal(second[name], net.gradient(x, t)[name])


def test_numerical_gradient_has_the_name_of_the_other_text_too():
    net, x, t = same_network()
    by_one, by_other = net.numerical_gradient(x, t), net.numerical_gradient_params(x, t)
    for name in net.params:
        np.testing.assert_array_equal(by_one[name], by_other[name])


def test_the_gradient_does_not_depend_on_the_switches_around_it():
    """A network records for itself: the learner's own blocks do not change what `gradient` means."""
    net, x, t = same_network()
    expected = net.gradient(x, t)
    with tg.watch(), tg.scope("somewhere"):
        watched = net.gradient(x, t)
    with tg.no_grad():
        unrecorded = net.gradient(x, t)
    for name in net.params:
        np.testing.assert_array_equal(watched[name], expected[name])
        np.testing.assert_array_equal(unrecorded[name], expected[name])


# ---------------------------------------------------------------- params: changed in place, or replaced


@pytest.mark.parametrize("name", ["W1", "b1", "W2", "b2"])
@pytest.mark.parametrize("how", ["in place", "rebound", "all rebound"])
def test_the_next_call_sees_changed_params(name, how):
    net, x, t = same_network()
    loss, gradient, probabilities = net.loss(x, t), net.gradient(x, t), net.predict(x)
    change = np.linspace(0, 2, net.params[name].size).reshape(net.params[name].shape)
    if how == "in place":
        net.params[name] += change
    elif how == "rebound":
        net.params[name] = net.params[name] + change
    else:
        net.params = {**net.params, name: net.params[name] + change}
    assert net.loss(x, t) != loss
    assert not np.allclose(net.predict(x), probabilities)
    numeric = net.numerical_gradient(x, t)
    for key, g in net.gradient(x, t).items():
        assert not np.allclose(g, gradient[key])
        np.testing.assert_allclose(g, numeric[key], rtol=1e-6, atol=1e-8)


def test_one_array_may_be_two_parameters():
    """Shared weights: each name gets its own part of the gradient."""
    net, x, t = same_network()
    net.params["b1"] = net.params["b2"][:3]
    exact = net.gradient(x, t)
    separate = TwoLayerNet(4, 3, 5)
    separate.params = {name: p.copy() for name, p in net.params.items()}
    for name, g in separate.gradient(x, t).items():
        np.testing.assert_array_equal(exact[name], g)


def test_views_and_fortran_arrays_are_parameters_too():
    net, x, t = same_network()
    expected = net.gradient(x, t)
    both = np.concatenate([net.params["W1"].ravel(), net.params["b1"]])
    net.params |= {"W1": both[:12].reshape(4, 3), "b1": both[12:], "W2": np.asfortranarray(net.params["W2"])}
    numeric = net.numerical_gradient(x, t)
    for name, g in net.gradient(x, t).items():
        np.testing.assert_allclose(g, expected[name], rtol=1e-13)
        np.testing.assert_allclose(numeric[name], expected[name], rtol=1e-6, atol=1e-8)


def test_float32_parameters_get_float32_gradients_and_right_numerical_ones():
    """A numerical gradient of 0 for float32 parameters would be wrong without a word."""
    net, x, t = same_network()
    net.params = {name: p.astype(np.float32) for name, p in net.params.items()}
    exact, numeric = net.gradient(x, t), net.numerical_gradient(x, t)
    for name, g in exact.items():
        assert g.dtype == np.float32
        np.testing.assert_allclose(numeric[name], g, rtol=1e-3, atol=1e-5)


def test_read_only_parameters_get_right_gradients():
    net, x, t = same_network()
    for p in net.params.values():
        p.flags.writeable = False
    exact, numeric = net.gradient(x, t), net.numerical_gradient(x, t)
    for name, g in exact.items():
        np.testing.assert_allclose(numeric[name], g, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("method", ["gradient", "numerical_gradient"])
def test_integer_parameters_are_refused(method):
    """Their gradient would be rounded to whole numbers, and `params[key] -= lr * grad[key]` would fail."""
    net, x, t = same_network()
    net.params["b2"] = np.zeros(5, dtype=int)
    with pytest.raises(TypeError, match="int64") as caught:
        getattr(net, method)(x, t)
    assert korean(caught.value)


def test_a_parameter_may_be_a_list():
    net, x, t = same_network()
    expected = net.gradient(x, t)
    net.params["b2"] = net.params["b2"].tolist()
    np.testing.assert_array_equal(net.gradient(x, t)["b2"], expected["b2"])


def test_a_parameter_that_is_not_used_has_gradient_zero():
    net, x, t = same_network()
    net.params["unused"] = np.ones((2, 2))
    for gradient in (net.gradient(x, t), net.numerical_gradient(x, t)):
        np.testing.assert_array_equal(gradient["unused"], np.zeros((2, 2)))


# ---------------------------------------------------------------- how they begin


@given(st.integers(0, 2**32 - 1), SIZES, SIZES, SIZES, st.sampled_from([0.01, 1.0]))
def test_np_random_seed_gives_what_the_books_own_lines_draw(seed, inputs, hidden, outputs, std):
    np.random.seed(seed)
    W1 = std * np.random.randn(inputs, hidden)
    W2 = std * np.random.randn(hidden, outputs)
    after = np.random.random()
    np.random.seed(seed)
    net = TwoLayerNet(inputs, hidden, outputs, std)
    assert np.random.random() == after
    np.testing.assert_array_equal(net.params["W1"], W1)
    np.testing.assert_array_equal(net.params["W2"], W2)
    np.testing.assert_array_equal(net.params["b1"], np.zeros(hidden))
    np.testing.assert_array_equal(net.params["b2"], np.zeros(outputs))
    np.random.seed(seed)
    W = np.random.randn(2, 3)
    np.random.seed(seed)
    np.testing.assert_array_equal(SimpleNet().W, W)


def test_rng_is_a_seed_or_a_generator():
    first, second = TwoLayerNet(3, 2, 2, rng=5), TwoLayerNet(3, 2, 2, rng=np.random.default_rng(5))
    np.testing.assert_array_equal(first.params["W1"], second.params["W1"])
    np.testing.assert_array_equal(first.params["W2"], second.params["W2"])
    assert (SimpleNet(rng=1).W != SimpleNet(rng=2).W).all()


def test_two_networks_share_nothing():
    for make in (lambda: TwoLayerNet(2, 2, 2, rng=0), ThreeLayerNet):
        a, b = make(), make()
        for name in a.params:
            assert not np.shares_memory(a.params[name], b.params[name])


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("wrong", [0, -1, 2.5])
def test_sizes_that_are_no_whole_numbers_of_at_least_1_are_refused(place, wrong):
    sizes: list[Any] = [2, 2, 2]
    sizes[place] = wrong
    name = ("input_size", "hidden_size", "output_size")[place]
    refused = ValueError if isinstance(wrong, int) else TypeError
    with pytest.raises(
        refused, match=f"TwoLayerNet: {name} must be a whole number of at least 1, not {wrong}"
    ) as caught:
        TwoLayerNet(*sizes)
    assert korean(caught.value)


def test_simple_net_weights_can_be_set_and_changed_in_place():
    net = SimpleNet(rng=0)
    net.W = [[1, 2, 3], [4, 5, 6]]
    assert net.W.dtype == np.float64
    assert net.predict(np.array([1.0, 1.0])).tolist() == [5, 7, 9]
    net.W -= 1.0
    net.W[0] = 0
    assert net.params["W"].tolist() == [[0, 0, 0], [3, 4, 5]]
    assert net.predict(np.array([1.0, 1.0])).tolist() == [3, 4, 5]


# ---------------------------------------------------------------- predictions, accuracy


@given(problems())
def test_probabilities_sum_to_1(problem):
    net, x, _ = problem
    if isinstance(net, TwoLayerNet):
        y = net.predict(x * np.float32(50))
        assert (y >= 0).all()
        np.testing.assert_allclose(y.sum(axis=-1), 1, rtol=1e-14)


@given(problems())
def test_a_batch_is_its_samples(problem):
    net, x, t = problem
    if x.ndim == 2:
        np.testing.assert_allclose(net.predict(x), [net.predict(row) for row in x], rtol=1e-12)
        assert net.loss(x, t) == pytest.approx(np.mean([net.loss(row, t_row) for row, t_row in zip(x, t, strict=True)]))
        assert net.accuracy(x, t) == pytest.approx(
            np.mean([net.accuracy(row, t_row) for row, t_row in zip(x, t, strict=True)])
        )


def test_the_loss_is_the_cross_entropy_of_the_predictions_without_its_1e_7():
    net, x, t = same_network()
    assert net.loss(x, t) == pytest.approx(-np.mean(np.log(net.predict(x)[np.arange(3), t])), rel=1e-14)
    assert net.loss(x, t) == pytest.approx(tg.cross_entropy_error(net.predict(x), t), abs=1e-5)


def test_a_loss_of_certain_and_wrong_predictions_stays_finite():
    net = SimpleNet()
    net.W = np.array([[1e4, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert net.loss(np.array([1.0, 0.0]), 1) == 1e4
    np.testing.assert_array_equal(net.gradient(np.array([1.0, 0.0]), 1)["W"], [[1, -1, 0], [0, 0, 0]])


def test_accuracy_is_the_share_of_right_answers():
    net = SimpleNet()
    net.W = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])  # says 0, 1, 0, 1
    t = np.array([0, 1, 1, 1])
    assert net.accuracy(x, t) == net.accuracy(x, t.tolist()) == net.accuracy(x, np.eye(3)[t]) == 0.75
    assert net.accuracy(x[0], 0) == net.accuracy(x[0], np.eye(3)[0]) == 1.0
    assert net.accuracy(x[0], 1) == net.accuracy(x[0], np.eye(3)[1]) == 0.0


@pytest.mark.parametrize("method", ["loss", "gradient", "accuracy"])
def test_a_single_label_in_an_array_is_not_taken_for_one_hot(method):
    """Its argmax is 0, whatever the label."""
    with pytest.raises(ValueError, match=r"label") as caught:
        getattr(SimpleNet(rng=0), method)(np.array([1.0, 0.0]), np.array([1]))
    assert korean(caught.value)


@pytest.mark.parametrize(
    "t",
    [
        np.array([[0], [1], [2]]),  # labels in a column
        np.eye(4)[[0, 1, 2]],  # one-hot rows of another width
        np.array([0, 1]),
        np.array([0, 1, 3]),  # no such class
        np.array([0, 1, -1]),
        1,
    ],
    ids=["column", "width", "length", "too large", "negative", "one label"],
)
@pytest.mark.parametrize("method", ["loss", "gradient", "numerical_gradient", "accuracy"])
def test_wrong_targets_are_refused(method, t):
    net, x = SimpleNet(rng=0), np.ones((3, 2))
    with pytest.raises(ValueError, match=r"[Ll]abel|target|class") as caught:
        getattr(net, method)(x, t)
    assert korean(caught.value)


@pytest.mark.parametrize("method", ["loss", "gradient", "numerical_gradient", "accuracy"])
@pytest.mark.parametrize("t", [np.array([0.0, 1.0, 2.0]), np.array([True, False, True])], ids=["floats", "bools"])
def test_labels_that_are_not_integers_are_refused(method, t):
    with pytest.raises(TypeError, match="integers") as caught:
        getattr(SimpleNet(rng=0), method)(np.ones((3, 2)), t)
    assert korean(caught.value)


@pytest.mark.parametrize("method", ["predict", "loss", "gradient", "numerical_gradient", "accuracy"])
@pytest.mark.parametrize("shape", [(3, 5), (5,), (0,), (3, 1)])
def test_inputs_of_a_wrong_width_are_refused(method, shape):
    net, _, _ = same_network()
    t = 0 if len(shape) == 1 else [0, 1, 2]
    with pytest.raises(
        ValueError, match=rf"affine: x has {shape[-1]} columns, but W has 4 rows.*Affine\({shape[-1]}, 3\)"
    ) as caught:
        getattr(net, method)(np.ones(shape), *([] if method == "predict" else [t]))
    assert korean(caught.value)


@pytest.mark.parametrize("method", ["loss", "gradient", "numerical_gradient", "accuracy"])
def test_an_empty_batch_is_refused(method):
    """Its mean would be nan, and that in every parameter after one step of training."""
    net, x, t = same_network()
    with pytest.raises(ValueError, match=r"empty|at least one") as caught:
        getattr(net, method)(x[:0], t[:0])
    assert korean(caught.value)


def test_a_refused_call_leaves_the_params_alone():
    net, x, t = same_network()
    kept = {name: p.copy() for name, p in net.params.items()}
    for bad in (np.array([0, 1]), np.array([0.5, 1.0, 2.0]), np.array([0, 1, 9])):
        for method in (net.gradient, net.numerical_gradient):
            with pytest.raises((ValueError, TypeError)):
                method(x, bad)
    for name, p in kept.items():
        np.testing.assert_array_equal(net.params[name], p)
    assert net.gradient(x, t).keys() == kept.keys()


def test_raw_pixels_and_lists_are_inputs_too():
    net, _, t = same_network()
    x = np.array([[0, 255, 3, 4], [9, 0, 0, 1], [0, 0, 0, 0]], dtype=np.uint8)
    for other in (x.astype(float), x.tolist(), tg.Tensor(x.astype(float))):
        np.testing.assert_array_equal(net.predict(x), net.predict(other))
        assert net.loss(x, t) == net.loss(other, t)


def test_float32_inputs_keep_the_precision_of_the_parameters():
    net, x, t = same_network()
    x = x.astype(np.float32)
    for name, g in net.gradient(x, t).items():
        assert g.dtype == np.float64
        np.testing.assert_allclose(g, net.gradient(x.astype(np.float64), t)[name], rtol=1e-12)


# ---------------------------------------------------------------- the network of three layers


def test_the_output_function_shapes_predictions_only():
    x = np.array([[1.0, 0.5], [0.0, 2.0]])
    plain, with_softmax = ThreeLayerNet(), ThreeLayerNet(output=tg.softmax)
    np.testing.assert_allclose(with_softmax.predict(x), tg.softmax(plain.predict(x)))
    assert plain.loss(x, [0, 1]) == with_softmax.loss(x, [0, 1])


def test_missing_parameters_are_named():
    params = {name: p for name, p in ThreeLayerNet().params.items() if name != "b2"}
    with pytest.raises((KeyError, ValueError), match="b2"):
        ThreeLayerNet(params).predict(np.ones(2))


def test_no_parameters_at_all_are_not_the_books_parameters():
    with pytest.raises((KeyError, ValueError)):
        ThreeLayerNet({}).predict(np.ones(2))


# ---------------------------------------------------------------- saved and loaded, and learning


@pytest.mark.parametrize(
    "make", [lambda: TwoLayerNet(4, 3, 5), SimpleNet, ThreeLayerNet], ids=["two", "simple", "three"]
)
def test_saved_and_loaded(make, tmp_path):
    net, other = make(), make()
    for p in net.params.values():
        p += np.random.default_rng(0).normal(size=p.shape)
    other.load(net.save(tmp_path / "net"))
    assert list(other.params) == list(net.params)
    for name, p in net.params.items():
        assert other.params[name].tobytes() == p.tobytes()
        assert other.params[name].flags.writeable


def test_a_file_of_another_network_is_refused_and_changes_nothing(tmp_path):
    net, kept = TwoLayerNet(4, 3, 5, rng=0), TwoLayerNet(4, 3, 5, rng=0)
    for other in (TwoLayerNet(4, 2, 5), SimpleNet(), ThreeLayerNet()):
        with pytest.raises(ValueError, match="Nothing was loaded") as caught:
            net.load(other.save(tmp_path / "other"))
        assert korean(caught.value)
        for name, p in kept.params.items():
            np.testing.assert_array_equal(net.params[name], p)


def test_the_books_training_loop_learns_the_digits():
    """Line for line as the book writes it, on the bundled digits."""
    np.random.seed(0)
    (x_train, t_train), (x_test, t_test) = tg.data.load_digits(normalize=True, one_hot_label=True)
    network = TwoLayerNet(input_size=64, hidden_size=50, output_size=10)
    iters_num, train_size, batch_size, learning_rate = 2000, x_train.shape[0], 50, 0.5
    for _ in range(iters_num):
        batch_mask = np.random.choice(train_size, batch_size)
        x_batch, t_batch = x_train[batch_mask], t_train[batch_mask]
        grad = network.gradient(x_batch, t_batch)
        for key in ("W1", "b1", "W2", "b2"):
            network.params[key] -= learning_rate * grad[key]
    assert network.accuracy(x_train, t_train) >= 0.97
    assert network.accuracy(x_test, t_test) >= 0.95
    assert network.loss(x_test, t_test) < 0.3


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_training_with_numerical_gradients_is_the_same_training(seed):
    """Both loops, side by side: the weights stay together."""
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=(6, 3)), rng.integers(0, 2, size=6)
    exact, numeric = (TwoLayerNet(3, 3, 2, weight_init_std=0.5, rng=seed) for _ in range(2))
    for _ in range(10):
        by_rule, by_difference = exact.gradient(x, t), numeric.numerical_gradient(x, t)
        for key in exact.params:
            exact.params[key] -= 0.5 * by_rule[key]
            numeric.params[key] -= 0.5 * by_difference[key]
    for key in exact.params:
        np.testing.assert_allclose(numeric.params[key], exact.params[key], rtol=1e-6, atol=1e-7)


# ---------------------------------------------------------------- the convolutional network


def small_conv_net(rng, **options):
    """A network with weights and biases of size 1, for images of 2 x 7 x 8."""
    conv_param = {"filter_num": 3, "filter_size": 3, "pad": 1, "stride": 2}
    net = SimpleConvNet((2, 7, 8), conv_param, hidden_size=4, output_size=5, weight_init_std=1.0, rng=rng, **options)
    for name in ("b1", "b2", "b3"):
        net.params[name] += rng.normal(size=net.params[name].shape)
    return net


@pytest.mark.parametrize("seed", range(5))  # no unit is within h of its kink, as one is in some hundred draws
@pytest.mark.parametrize(("batch", "one_hot"), [(None, False), (1, True), (3, False)])
def test_the_convolutional_network_agrees_with_its_numerical_gradient(seed, batch, one_hot):
    rng = np.random.default_rng(seed)
    net, shape = small_conv_net(rng), () if batch is None else (batch,)
    x, labels = rng.normal(size=(*shape, 2, 7, 8)), rng.integers(0, 5, size=shape)
    t: Any = np.eye(5)[labels] if one_hot else labels if batch else int(labels)
    exact, numeric = net.gradient(x, t), net.numerical_gradient(x, t)
    assert list(exact) == list(numeric) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    for name, p in net.params.items():
        assert type(exact[name]) is np.ndarray
        assert (exact[name].shape, exact[name].dtype) == (p.shape, np.float64)
        np.testing.assert_allclose(exact[name], numeric[name], rtol=1e-6, atol=1e-7)


def test_the_convolutional_network_is_judged():
    rng = np.random.default_rng(0)
    net, x, t = small_conv_net(rng), rng.normal(size=(3, 2, 7, 8)), np.array([0, 4, 2])
    report = tg.check_gradient(net.loss_of, net.params, x, t, effort="quick")
    assert (report.verdict, report.numbers) == ("agrees", sum(p.size for p in net.params.values()) + x.size)


def test_the_convolutional_network_layer_by_layer():
    """What the book's layers compute, one after the other."""
    rng = np.random.default_rng(1)
    net, x = small_conv_net(rng), rng.normal(size=(3, 2, 7, 8))
    p = net.params
    h = np.maximum(tg.conv2d(x, p["W1"], p["b1"], stride=2, padding=1), 0)
    assert h.shape == (3, 3, 4, 4)
    h = h.reshape(3, 3, 2, 2, 2, 2).max(axis=(3, 5)).reshape(3, 12)
    h = np.maximum(h @ p["W2"] + p["b2"], 0)
    scores = h @ p["W3"] + p["b3"]
    np.testing.assert_allclose(net.predict(x), scores, rtol=1e-12)
    np.testing.assert_allclose(net.predict(x[1]), scores[1], rtol=1e-12)
    t = np.array([1, 0, 3])
    assert net.loss(x, t) == pytest.approx(float(tg.softmax_cross_entropy(scores, t)), rel=1e-12)
    assert net.accuracy(x, scores.argmax(axis=1)) == 1
    assert net.accuracy(x[0], int(scores[0].argmax())) == 1


@pytest.mark.parametrize("batch_size", [1, 2, 7, 100])
def test_accuracy_in_batches(batch_size):
    rng = np.random.default_rng(2)
    net, x, t = small_conv_net(rng), rng.normal(size=(9, 2, 7, 8)), rng.integers(0, 5, 9)
    expected = np.mean(net.predict(x).argmax(axis=1) == t)
    assert net.accuracy(x, t, batch_size) == net.accuracy(x, np.eye(5)[t], batch_size) == expected
    with pytest.raises(ValueError, match="labels or targets"):
        net.accuracy(x, np.append(t, 0), batch_size)


def test_the_books_first_weights():
    np.random.seed(7)
    net = SimpleConvNet()
    np.random.seed(7)
    np.testing.assert_array_equal(net.params["W1"], 0.01 * np.random.randn(30, 1, 5, 5))
    np.testing.assert_array_equal(net.params["W2"], 0.01 * np.random.randn(4320, 100))
    np.testing.assert_array_equal(net.params["W3"], 0.01 * np.random.randn(100, 10))
    assert not any(net.params[b].any() for b in ("b1", "b2", "b3"))


def test_the_convolutional_network_learns_the_digits():
    (x, t), (x_test, t_test) = tg.data.load_digits(flatten=False)
    net = SimpleConvNet((1, 8, 8), {"filter_num": 8, "filter_size": 3}, hidden_size=20, weight_init_std=0.1, rng=0)
    rng = np.random.default_rng(0)
    for _ in range(250):
        pick = rng.choice(len(x), 50)
        for name, g in net.gradient(x[pick], t[pick]).items():
            net.params[name] -= 0.5 * g
    assert net.accuracy(x_test, t_test) > 0.9


def test_convolutional_networks_that_make_no_sense_are_refused():
    for call, named in (
        (lambda: SimpleConvNet((1, 4, 4)), "a window that reaches over 5 x 5 does not fit on an image of 4 x 4"),
        (lambda: SimpleConvNet((1, 5, 5)), "a window that reaches over 2 x 2 does not fit on an image of 1 x 1"),
        (lambda: SimpleConvNet(conv_param={"filters": 3}), "conv_param has ['filters']"),
        (lambda: SimpleConvNet(conv_param={"stride": 0}), "stride must be a whole number of at least 1"),
        (lambda: SimpleConvNet(hidden_size=0), "hidden_size must be a whole number of at least 1, not 0"),
        (lambda: SimpleConvNet((1, 0, 4)), "input_dim[1] must be a whole number of at least 1, not 0"),
        (lambda: SimpleConvNet(conv_param={"filter_num": 0}), "filter_num must be a whole number of at least 1, not 0"),
        (
            lambda: SimpleConvNet().predict(np.zeros((3, 784))),
            "x needs the shape (1, 28, 28) or (n, 1, 28, 28), not (3, 784)",
        ),
    ):
        with pytest.raises(ValueError, match="SimpleConvNet") as caught:
            call()
        assert named in str(caught.value)
        assert korean(caught.value)


def test_a_convolutional_network_is_saved_and_loaded(tmp_path):
    first, second = SimpleConvNet(rng=0), SimpleConvNet(rng=1)
    second.load(first.save(tmp_path / "net"))
    assert all(np.array_equal(first.params[name], p) for name, p in second.params.items())
