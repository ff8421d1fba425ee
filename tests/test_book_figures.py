"""Every figure that the book and the original texts print, digit for digit; and where a printed figure is wrong, what is true instead.

Figures given with 17 digits are compared exactly. Where a product of matrices or an exponential has been rounded on the way, processors may
differ in the last digit, and the comparison allows the two nearest doubles.
"""

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko.nn import Affine, Sequential, Sigmoid, SimpleNet, ThreeLayerNet, TwoLayerNet


def function_1(x):
    return 0.01 * x**2 + 0.1 * x


def function_2(x):
    return x[0] ** 2 + x[1] ** 2


def printed(array):
    """The numbers as NumPy prints them by default: 8 digits after the point."""
    return str(np.asarray(array))


def nearly_exact(actual, digits):
    np.testing.assert_array_max_ulp(np.asarray(actual), np.asarray(digits), maxulp=2)


def exact_slope(f, *x):
    leaves = [tg.Tensor(value, requires_grad=True) for value in x]
    return [g.item() for g in tg.grad(f(*leaves), leaves)]


# ---------------------------------------------------------------- derivatives of one variable


@pytest.mark.parametrize(("x", "figure", "truth"), [(5, 0.1999999999990898, 0.2), (10, 0.2999999999986347, 0.3)])
def test_the_derivative_of_the_parabola(x, figure, truth):
    numeric = tg.numerical_diff(function_1, x)
    assert numeric == figure
    assert f"{numeric:.1f}" == f"{truth:.1f}"
    assert abs(numeric - truth) < 2e-12  # a central difference is exact on a parabola: all of this is round-off
    assert exact_slope(function_1, float(x)) == [pytest.approx(truth, rel=1e-15)]


@pytest.mark.parametrize(("x", "truth"), [(5, 0.11), (10, 0.12)])
def test_a_coefficient_of_a_thousandth_does_not_give_the_printed_tenths(x, truth):
    """0.2 and 0.3 belong to the coefficient 0.01, not to 0.001."""
    numeric = tg.numerical_diff(lambda x: 0.001 * x**2 + 0.1 * x, x)
    assert numeric == pytest.approx(truth, abs=1e-12)
    assert f"{numeric:.1f}" == "0.1"


@pytest.mark.parametrize(
    ("partial", "x", "figure", "truth"),
    [
        (lambda x0: x0 * x0 + 4.0**2.0, 3.0, 6.00000000000378, 6.0),
        (lambda x1: 3.0**2.0 + x1 * x1, 4.0, 7.999999999999119, 8.0),
    ],
    ids=["x0", "x1"],
)
def test_the_partial_derivatives_of_the_bowl(partial, x, figure, truth):
    assert tg.numerical_diff(partial, x) == figure
    assert f"{tg.numerical_diff(partial, x):.1f}" == f"{truth:.1f}"
    assert exact_slope(partial, x) == [truth]


def test_a_step_far_below_the_spacing_of_numbers_gives_0():
    """Not a rounding error but the loss of everything: x + 1e-50 is x. Not even float32 can hold such a step."""
    assert np.float32(1e-50) == 0
    assert 10e-50 == 1e-49
    assert tg.numerical_diff(function_1, 5.0, h=1e-50) == tg.numerical_diff(function_1, 5.0, h=10e-50) == 0


# ---------------------------------------------------------------- gradients of two variables


@pytest.mark.parametrize(
    ("x", "figure", "shown"),
    [
        ([3.0, 4.0], [6.00000000000378, 7.999999999999119], "[6. 8.]"),
        ([0.0, 2.0], [0.0, 4.000000000004], "[0. 4.]"),
        ([3.0, 0.0], [6.000000000012662, 0.0], "[6. 0.]"),
        ([2.0, 3.0], None, "[4. 6.]"),
        ([1.0, 2.0], None, "[2. 4.]"),
        ([0.0, 0.0], [0.0, 0.0], "[0. 0.]"),
    ],
    ids=str,
)
def test_the_gradient_of_the_bowl(x, figure, shown):
    x = np.array(x)
    numeric = tg.numerical_gradient(function_2, x)
    assert printed(numeric) == shown
    if figure is not None:
        assert numeric.tolist() == figure
    leaf: Any = tg.Tensor(x, requires_grad=True)
    function_2(leaf).backward()
    np.testing.assert_array_equal(leaf.grad, 2 * x)


def test_a_missing_pair_of_brackets_is_the_gradient_times_h_squared():
    """`(f1 - f2) / 2*h` multiplies by h where it means to divide: [6e-08, 8e-08] in place of [6, 8]. At 0 nobody notices."""
    h, x = 1e-4, np.array([3.0, 4.0])
    wrong = [(function_2(x + h * e) - function_2(x - h * e)) / 2 * h for e in np.eye(2)]
    assert printed(np.array(wrong)) == "[6.e-08 8.e-08]"
    np.testing.assert_allclose(wrong, tg.numerical_gradient(function_2, x) * h**2, rtol=1e-15)


# ---------------------------------------------------------------- gradient descent

START = np.array([-3.0, 4.0])


def test_gradient_descent_with_a_good_rate():
    x = tg.gradient_descent(function_2, START, lr=0.1, step_num=100)
    assert x.tolist() == [-6.111107928998789e-10, 8.148143905314271e-10]
    assert printed(x) == "[-6.11110793e-10  8.14814391e-10]"
    np.testing.assert_allclose(x, START * 0.8**100, rtol=5e-12)


def test_every_row_of_the_printed_trace_is_the_closed_form():
    """Each step multiplies x by 1 - 2 lr = 0.8, and the gradient is 2x: all 100 rows, to every digit that was printed."""
    _, trace = tg.gradient_descent(function_2, START, lr=0.1, step_num=100, history=True)
    assert trace.shape == (100, 2)
    gradients = [tg.numerical_gradient(function_2, x) for x in trace]
    assert (printed(trace[0]), printed(gradients[0])) == ("[-3.  4.]", "[-6.  8.]")
    assert printed(trace[-1]) == "[-7.63888491e-10  1.01851799e-09]"
    assert printed(gradients[-1]) == "[-1.52777698e-09  2.03703598e-09]"
    for k, (x, gradient) in enumerate(zip(trace, gradients, strict=True)):
        closed = START * 0.8**k
        assert (printed(x), printed(gradient)) == (printed(closed), printed(2 * closed)), k


def test_a_rate_of_10_freezes_where_x_plus_h_is_x():
    """The printed figure is reproduced, and it is an artefact of h = 1e-4: from a certain size on the numerical gradient is exactly 0."""
    x, trace = tg.gradient_descent(function_2, START, lr=10.0, step_num=100, history=True)
    assert x.tolist() == [-25898374737328.363, -1295248616896.5398]
    assert printed(x) == "[-2.58983747e+13 -1.29524862e+12]"
    np.testing.assert_array_equal(trace[10:], np.broadcast_to(x, (90, 2)))  # since step 10 nothing has moved
    assert (trace[9] != x).tolist() == [True, False]
    assert (np.spacing(np.abs(x)) > 1e-4).all()
    assert (x + 1e-4 == x).all()
    assert tg.numerical_gradient(function_2, x).tolist() == [0, 0]


def test_a_rate_of_10_with_exact_gradients_does_not_freeze():
    """Each step multiplies x by -19: after 100 steps -3 * 19**100 and 4 * 19**100, with the other sign in x1 than the frozen figure."""
    by_grad: Any = tg.Tensor(START, requires_grad=True)
    by_backward: Any = tg.Tensor(START, requires_grad=True)
    for _ in range(100):
        by_grad = tg.Tensor(by_grad.numpy() - 10.0 * tg.grad(function_2(by_grad), by_grad).numpy(), requires_grad=True)
        function_2(by_backward).backward()
        by_backward.data -= 10.0 * by_backward.grad
        by_backward.zero_grad()
    truth = [float(Fraction(x0) * Fraction(-19) ** 100) for x0 in (-3, 4)]
    for x in (by_grad.numpy(), by_backward.numpy()):
        assert [f"{value:.7e}" for value in x] == ["-2.2515487e+128", "3.0020650e+128"]
        np.testing.assert_allclose(x, truth, rtol=1e-13)


def test_a_tiny_rate_hardly_moves():
    x = tg.gradient_descent(function_2, START, lr=1e-10, step_num=100)
    assert x.tolist() == [-2.999999939999995, 3.9999999199999934]
    assert printed(x) == "[-2.99999994  3.99999992]"
    # [-2.999994, 3.999992], which is printed for this rate too, belongs to one a hundred times as large
    assert printed(tg.gradient_descent(function_2, START, lr=1e-8, step_num=100)) == "[-2.999994  3.999992]"


@pytest.mark.parametrize(("lr", "converges"), [(0.001, True), (0.5, True), (0.999, True), (1.0, False), (1.001, False)])
def test_gradient_descent_on_a_square_converges_below_a_rate_of_1(lr, converges):
    x: Any = tg.Tensor(3.0, requires_grad=True)
    (x * x).backward()
    after = 3.0 - lr * x.grad.item()
    assert (abs(after) < 3.0) is converges
    assert (after == 0) is (lr == 0.5)  # there, in a single step


# ---------------------------------------------------------------- losses

ONE_HOT = np.array([0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
GOOD = np.array([0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0])  # says 2, and 2 is right
BAD = np.array([0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0])  # says 7


@pytest.mark.parametrize(
    ("y", "figure"), [(GOOD, 0.097500000000000031), (BAD, 0.59750000000000003)], ids=["good", "bad"]
)
def test_the_sum_of_squares(y, figure):
    assert tg.sum_squares_error(y, ONE_HOT) == figure
    assert tg.sum_squares_error(tg.Tensor(y), ONE_HOT).item() == figure


@pytest.mark.parametrize(
    ("y", "figure", "exact", "shown"),
    [
        (GOOD, 0.51082545709933802, 0.5108256237659907, "0.51"),
        (BAD, 2.3025840929945458, 2.3025850929940455, "2.30"),
    ],
    ids=["good", "bad"],
)
def test_the_cross_entropy_with_its_1e_7(y, figure, exact, shown):
    for t in (ONE_HOT, 2):
        assert tg.cross_entropy_error(y, t) == figure
        assert tg.cross_entropy_error(tg.Tensor(y), t).item() == figure
    assert -np.log(y[2]) == pytest.approx(exact, rel=1e-15)
    assert f"{figure:.2f}" == f"{exact:.2f}" == shown
    assert exact - figure == pytest.approx(1e-7 / y[2], rel=1e-6)  # what adding 1e-7 inside the logarithm takes away
    with np.errstate(divide="ignore"):
        scores = np.log(y)  # scores whose softmax is y
    assert tg.softmax_cross_entropy(scores, 2) == pytest.approx(exact, rel=1e-15)


def test_what_the_1e_7_does_at_the_ends():
    assert tg.cross_entropy_error(np.array([1.0, 0.0]), 1) == pytest.approx(16.118, abs=5e-4)  # not infinite
    assert tg.cross_entropy_error(np.array([1.0, 0.0]), 0) == pytest.approx(-1.0e-7, rel=1e-6)  # below 0


def test_the_slope_of_the_cross_entropy_includes_its_1e_7():
    y: Any = tg.Tensor(GOOD, requires_grad=True)
    tg.cross_entropy_error(y, 2).backward()
    np.testing.assert_allclose(y.grad, -ONE_HOT / (GOOD + 1e-7), rtol=1e-15)
    assert y.grad[2] != -1 / GOOD[2]


# ---------------------------------------------------------------- softmax


def test_softmax_step_by_step():
    a = np.array([0.3, 2.9, 4.0])
    assert printed(tg.exp(a)) == "[ 1.34985881 18.17414537 54.59815003]"
    nearly_exact(tg.sum(tg.exp(a)), 74.1221542101633)
    assert printed(tg.softmax(a)) == "[0.01821127 0.24519181 0.73659691]"
    assert tg.sum(tg.softmax(a)) == 1.0
    np.testing.assert_allclose(tg.softmax(a), tg.exp(a) / tg.sum(tg.exp(a)), rtol=0, atol=1.2e-16)


def test_softmax_of_large_scores():
    a = np.array([1010, 1000, 990])
    with pytest.warns(RuntimeWarning, match="overflow"), np.errstate(invalid="ignore"):
        naive = np.exp(a) / np.sum(np.exp(a))
    assert np.isnan(naive).all()
    assert printed(a - np.max(a)) == "[  0 -10 -20]"
    for scores in (a, a.astype(float)):
        y = tg.softmax(scores)
        assert printed(y) == "[9.99954600e-01 4.53978686e-05 2.06106005e-09]"
        assert tg.sum(y) == 1.0


def test_how_fast_the_exponential_grows():
    assert tg.exp(10.0) > 20_000
    assert tg.exp(10.0) == pytest.approx(22026.4658, rel=1e-9)
    assert tg.exp(100.0) == pytest.approx(2.688117e43, rel=1e-6)  # 43 digits follow the first
    with pytest.warns(RuntimeWarning, match="overflow"):
        assert tg.exp(1000.0) == np.inf
    assert np.isfinite(tg.exp(709.78))


# ---------------------------------------------------------------- the network of one layer

X = np.array([0.6, 0.9])


@pytest.fixture
def book_net():
    net = SimpleNet()
    net.W = [[0.47355232, 0.9977393, 0.84668094], [0.85557411, 0.0356366, 0.69422093]]
    return net


def test_the_simple_net_predicts(book_net):
    p = book_net.predict(X)
    # W is printed with 8 digits, so the last of p cannot be told: 0.63071652 from W as printed, 0.63071653 beside it
    np.testing.assert_allclose(p, [1.05414809, 0.63071653, 1.1328074], rtol=0, atol=1.5 * 0.5e-8 + 0.5e-8)
    assert np.argmax(p) == 2


def test_the_simple_net_loss_is_the_exact_one(book_net):
    """The printed loss is without the 1e-7, which the book added later; no W that prints alike gives it with the 1e-7."""
    t, figure = np.array([0, 0, 1]), 0.92806853663411326
    loss = book_net.loss(X, t)
    with_delta = tg.cross_entropy_error(tg.softmax(book_net.predict(X)), t)
    assert loss == pytest.approx(0.9280685365947982, rel=1e-15)
    assert with_delta == pytest.approx(0.9280682836329711, rel=1e-15)
    shift = loss - with_delta
    right = tg.softmax(book_net.predict(X))[2]
    assert shift == pytest.approx(1e-7 / right, rel=1e-6)  # 2.5e-7

    gradient = book_net.gradient(X, t)["W"]
    unprinted = 0.5e-8 * np.abs(gradient).sum()  # how far the digits of W that were not printed can move the loss
    assert abs(loss - figure) < unprinted < abs(with_delta - figure)


def test_the_simple_net_gradient_is_the_exact_one(book_net):
    t = np.array([0, 0, 1])
    figure = np.array([[0.21924763, 0.14356247, -0.36281009], [0.32887144, 0.2153437, -0.54421514]])
    by_rule = np.outer(X, tg.softmax(X @ book_net.W) - t)
    learners = tg.numerical_gradient(lambda w: book_net.loss(X, t), book_net.W)
    for dW in (by_rule, book_net.gradient(X, t)["W"], book_net.numerical_gradient(X, t)["W"], learners):
        assert np.round(dW, 8).tolist() == figure.tolist()

    def with_delta(w):
        return tg.cross_entropy_error(tg.softmax(tg.matmul(X, w)), t)

    other = tg.numerical_gradient(with_delta, book_net.W)
    assert np.round(other, 8).tolist() != figure.tolist()
    assert np.abs(other - by_rule).max() == pytest.approx(1.4e-7, abs=5e-9)
    right = tg.softmax(X @ book_net.W)[2]
    np.testing.assert_allclose(other, by_rule * (right / (right + 1e-7)), rtol=0, atol=1e-9)
    W: Any = tg.Tensor(book_net.W, requires_grad=True)
    np.testing.assert_allclose(tg.grad(with_delta(W), W).numpy(), by_rule * (right / (right + 1e-7)), rtol=1e-13)


@pytest.fixture
def other_net():
    net = SimpleNet()
    net.W = [[1.81509164, -1.47779898, -0.44327992], [1.1835035, 0.70338014, 1.76561574]]
    return net


def test_the_other_simple_net_predicts(other_net):
    np.testing.assert_allclose(
        other_net.predict(X), [2.15420814, -0.25363727, 1.32308622], rtol=0, atol=1.5 * 0.5e-8 + 0.5e-8
    )


@pytest.mark.parametrize(("label", "shown"), [(0, "0.422"), (1, "2.830")])
def test_the_losses_of_the_other_simple_net(other_net, label, shown):
    for t in (label, np.eye(3)[label], np.eye(3, dtype=int)[label]):
        assert f"{other_net.loss(X, t):.3f}" == shown
        assert f"{tg.cross_entropy_error(tg.softmax(other_net.predict(X)), t):.3f}" == shown


def test_the_gradient_of_the_other_simple_net(other_net):
    t = np.array([1, 0, 0])
    true = np.array([[-0.20670418, 0.03540016, 0.17130402], [-0.31005628, 0.05310024, 0.25695603]])  # with the 1e-7
    dW = tg.numerical_gradient(lambda w: tg.cross_entropy_error(tg.softmax(tg.matmul(X, w)), t), other_net.W)
    assert np.round(dW, 8).tolist() == true.tolist()
    exact = true * (1 + 1e-7 / tg.softmax(other_net.predict(X))[0])
    for dW in (other_net.gradient(X, t)["W"], tg.numerical_gradient(lambda w: other_net.loss(X, t), other_net.W)):
        np.testing.assert_allclose(dW, exact, rtol=0, atol=0.51e-8)
    # what the text says in words, a change of 0.2 and one of 0.05, is this gradient rounded
    assert (f"{-true[0][0]:.1f}", f"{true[1][1]:.2f}") == ("0.2", "0.05")


def test_the_gradient_printed_for_the_other_simple_net_belongs_to_another_w(other_net):
    """It is a gradient of this kind (dW is x times y - t), but the y it implies is not what this W predicts."""
    shown = np.array([[-0.35356551, 0.11583533, 0.23773018], [-0.53034826, 0.173753, 0.35659526]])
    t = np.array([1, 0, 0])
    np.testing.assert_allclose(shown.sum(axis=1), 0, atol=2e-8)
    np.testing.assert_allclose(shown[1] / shown[0], 0.9 / 0.6, rtol=1e-6)
    implied = shown[0] / X[0] + t
    np.testing.assert_allclose(implied, [0.41072415, 0.19305888, 0.39621697], rtol=0, atol=2e-8)
    assert implied.sum() == pytest.approx(1, abs=3e-8)
    assert -np.log(implied[0]) == pytest.approx(0.88983, abs=1e-5)
    assert np.abs(implied - tg.softmax(other_net.predict(X))).max() > 0.2


# ---------------------------------------------------------------- the networks of two and three layers


def test_the_three_layer_network_forward():
    net, x = ThreeLayerNet(), np.array([1.0, 0.5])
    p = net.params
    a1 = tg.matmul(x, p["W1"]) + p["b1"]
    z1 = tg.sigmoid(a1)
    a2 = tg.matmul(z1, p["W2"]) + p["b2"]
    z2 = tg.sigmoid(a2)
    assert printed(a1) == "[0.3 0.7 1.1]"
    assert printed(z1) == "[0.57444252 0.66818777 0.75026011]"
    assert printed(a2) == "[0.51615984 1.21402696]"
    assert printed(z2) == "[0.62624937 0.7710107 ]"
    y = net.predict(x)
    assert printed(y) == "[0.31682708 0.69627909]"
    nearly_exact(y, [0.31682707641102981, 0.69627908986196685])
    np.testing.assert_array_equal(net.predict(np.array([x, x, x])).shape, (3, 2))


def test_the_parameters_of_the_two_layer_network():
    net = TwoLayerNet(784, 100, 10)
    sizes = {name: p.size for name, p in net.params.items()}
    assert {name: p.shape for name, p in net.params.items()} == {
        "W1": (784, 100),
        "b1": (100,),
        "W2": (100, 10),
        "b2": (10,),
    }
    assert (sizes["W1"] + sizes["b1"], sizes["W2"] + sizes["b2"], sum(sizes.values())) == (78_500, 1_010, 79_510)
    x, t = np.random.default_rng(0).random((100, 784)), np.zeros((100, 10))
    t[:, 3] = 1
    assert net.predict(x).shape == (100, 10)
    assert net.predict(x[0]).shape == (10,)
    grads = net.gradient(x, t)
    assert {name: g.shape for name, g in grads.items()} == {name: p.shape for name, p in net.params.items()}


def test_a_numerical_gradient_takes_two_evaluations_of_the_whole_batch_for_each_parameter():
    """159,020 evaluations for a step of the two-layer network, whatever the batch: not 79,510 differentiations times 100 images."""
    calls = 0

    def loss(_):
        nonlocal calls
        calls += 1
        return 0.0

    for p in TwoLayerNet(784, 100, 10).params.values():
        tg.numerical_gradient(loss, p)
    assert calls == 2 * 79_510 == 159_020


@pytest.mark.parametrize("batch", [1, 100])
def test_the_evaluations_do_not_grow_with_the_batch(batch):
    calls = 0

    class Counted(TwoLayerNet):
        def scores(self, x, p):
            nonlocal calls
            calls += 1
            return super().scores(x, p)

    net = Counted(3, 2, 2)
    net.numerical_gradient(np.ones((batch, 3)), np.zeros(batch, dtype=int))
    assert calls == 2 * (3 * 2 + 2 + 2 * 2 + 2)
    calls = 0
    net.gradient(np.ones((batch, 3)), np.zeros(batch, dtype=int))
    assert calls == 1


def test_ten_points_through_two_layers_become_ten_rows_of_three_scores():
    x = np.random.default_rng(0).standard_normal((10, 2))
    first = Affine(2, 4)
    assert first(tg.Tensor(x)).shape == (10, 4)
    assert Sequential(first, Sigmoid(), Affine(4, 3))(tg.Tensor(x)).shape == (10, 3)


def test_a_sigmoid_needs_its_brackets():
    """`1/1+np.exp(-x)`, as printed, is 1 + exp(-x): 2 at 0, where the sigmoid is a half."""
    assert 1 / 1 + np.exp(-0.0) == 2
    assert tg.sigmoid(0.0) == 0.5
    assert 1 / 1 + np.exp(-2.0) == pytest.approx(1.1353, abs=5e-5)
    assert tg.sigmoid(2.0) == pytest.approx(0.8808, abs=5e-5)


# ---------------------------------------------------------------- the book's trained weights, where they are


def trained_weights():
    """The folder of MNIST with `sample_weight.npz` in it, or None."""
    base = os.environ.get("TINYGRAD_KO_DATA")
    places = [Path(base), Path(base, "mnist")] if base else []
    return next((place for place in places if (place / "sample_weight.npz").is_file()), None)


@pytest.mark.skipif(
    trained_weights() is None,
    reason="the environment variable TINYGRAD_KO_DATA names no folder with mnist/sample_weight.npz, the book's trained weights",
)
@pytest.mark.parametrize(("normalize", "share"), [(True, 0.9352), (False, 0.9207)], ids=["0..1", "0..255"])
def test_the_trained_network_on_the_10_000_test_images(normalize, share):
    with np.load(trained_weights() / "sample_weight.npz", allow_pickle=False) as file:
        net = ThreeLayerNet({name: file[name] for name in ("W1", "b1", "W2", "b2", "W3", "b3")})
    assert [p.shape for p in net.params.values()] == [(784, 50), (50,), (50, 100), (100,), (100, 10), (10,)]
    _, (x, t) = tg.data.load_mnist(normalize=normalize, download=False)
    assert x.shape == (10_000, 784)
    assert net.accuracy(x, t) == share
    assert np.mean(net.predict(x).argmax(axis=1) == t) == share
    assert net.accuracy(x[7], int(t[7])) in (0.0, 1.0)
