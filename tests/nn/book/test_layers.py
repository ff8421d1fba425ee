"""The book's layers: forward and backward(dout) judged by the oracle, and held beside the package's own layers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko import nn
from tinygrad_ko.nn import book

rng = np.random.default_rng(0)
x, images = rng.normal(size=(4, 3)), rng.normal(size=(3, 2, 5, 6))
W, b = rng.normal(size=(3, 2)), rng.normal(size=2)
FILTERS, SHIFTS = rng.normal(size=(4, 2, 3, 2)), rng.normal(size=4)


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


# name: a function that makes the layer from its parameters, these, the inputs
CASES: dict[str, Any] = {
    "MulLayer": (book.MulLayer, (), (x, x + 1)),
    "AddLayer": (book.AddLayer, (), (x, x + 1)),
    "Relu": (book.Relu, (), (x,)),
    "Sigmoid": (book.Sigmoid, (), (x,)),
    "Affine": (book.Affine, (W, b), (x,)),
    "Affine of images": (book.Affine, (rng.normal(size=(60, 2)), b), (images,)),
    "BatchNormalization": (book.BatchNormalization, (rng.normal(size=3), rng.normal(size=3)), (x,)),
    "BatchNormalization of images": (
        book.BatchNormalization,
        (rng.normal(size=60), rng.normal(size=60)),
        (images,),
    ),
    "Convolution": (book.Convolution, (FILTERS, SHIFTS), (images,)),
    "Convolution with stride and pad": (
        lambda W, b: book.Convolution(W, b, stride=2, pad=1),
        (FILTERS, SHIFTS),
        (images,),
    ),
    "Pooling": (lambda: book.Pooling(2, 3, stride=2), (), (images,)),
    "Pooling with pad": (lambda: book.Pooling(2, 2, stride=2, pad=1), (), (images,)),
}


@pytest.mark.parametrize("name", CASES)
def test_backward_is_the_derivative_of_forward(name):
    """The layer as a hand-written derivative: the oracle compares `backward` and dW, db, ... with the slopes of `forward`."""
    make, parameters, inputs = CASES[name]
    count, roles = len(inputs), make(*parameters).roles

    def forward(*given):
        return make(*given[count:]).forward(*given[:count])

    def backward(g, *given):
        layer = make(*given[count:])
        layer.forward(*given[:count])
        dx = layer.backward(g)
        return *(dx if count > 1 else (dx,)), *(getattr(layer, f"d{role}") for role in roles)

    everything = (*inputs, *parameters)
    if len(everything) == 1:
        report = tg.check.check_vjp(forward, lambda g, x: backward(g, x)[0], *everything)
    else:
        report = tg.check.check_vjp(forward, backward, *everything)
    assert report.verdict == "agrees"


@pytest.mark.parametrize("t", [np.array([0, 2, 1, 1]), np.eye(3)[[0, 2, 1, 1]], np.array([[0], [2], [1], [1]])])
def test_the_loss_is_that_of_the_scores(t):
    layer = book.SoftmaxWithLoss()
    report = tg.check.check_grad(layer.forward, lambda x, t: (layer.forward(x, t), layer.backward())[1], x, t)
    assert report.verdict == "agrees"
    loss = layer.forward(x, t)
    assert loss == layer.loss == float(nn.SoftmaxWithLoss()(x, t.ravel() if t.dtype == int else t))
    np.testing.assert_allclose(layer.y, tg.softmax(x))
    np.testing.assert_allclose(layer.backward(2.0), 2 * layer.backward())
    np.testing.assert_allclose(layer.backward(), (layer.y - np.eye(3)[[0, 2, 1, 1]]) / 4, atol=1e-15)


def test_the_apples_of_the_book():
    apple, orange, together, tax = book.MulLayer(), book.MulLayer(), book.AddLayer(), book.MulLayer()
    price = tax.forward(together.forward(apple.forward(100, 2), orange.forward(150, 3)), 1.1)
    assert price == pytest.approx(715)
    dall, dtax = tax.backward(1)
    dapples, doranges = together.backward(dall)
    assert (dall, dtax, dapples, doranges) == (1.1, 650.0, 1.1, 1.1)
    assert apple.backward(dapples) == pytest.approx((2.2, 110))
    assert orange.backward(doranges) == pytest.approx((3.3, 165))
    assert all(isinstance(number, float) for number in (price, *apple.backward(dapples)))


def of_module(module, given, dout):
    leaf = tg.Tensor(given, requires_grad=True)
    out = module(leaf)
    out.backward(dout)
    return out.numpy(), leaf.grad


@pytest.mark.parametrize(
    ("layer", "module", "given"),
    [
        (book.Relu(), nn.Relu(), x),
        (book.Sigmoid(), nn.Sigmoid(), x),
        (book.Affine(W, b), nn.Affine(3, 2), x),
        (book.Convolution(FILTERS, SHIFTS, 2, 1), nn.Conv2d(2, 4, (3, 2), stride=2, padding=1), images),
        (book.Pooling(2, 2), nn.MaxPool2d(2), images),
        (book.BatchNormalization(np.ones(3), np.zeros(3)), nn.BatchNorm(3, eps=1e-6), x),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_packages_own_layer_does_the_same(layer, module, given):
    if hasattr(module, "W"):
        module.W.data, module.b.data = layer.W, layer.b
    out = layer.forward(given)
    dout = rng.normal(size=out.shape)
    expected, dx = of_module(module, given, dout)
    np.testing.assert_allclose(out, expected, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(layer.backward(dout), dx, rtol=1e-12, atol=1e-13)
    for name, tensor in module.named_parameters().items():
        np.testing.assert_allclose(getattr(layer, f"d{name}"), tensor.grad, rtol=1e-12, atol=1e-13)


@given(st.floats(0, 0.9), st.integers(0, 1000))
def test_dropout_leaves_out_in_training_and_scales_afterwards(ratio, seed):
    np.random.seed(seed)
    layer, ones = book.Dropout(ratio), np.ones((5, 4))
    out = layer.forward(ones)
    np.random.seed(seed)
    np.testing.assert_array_equal(out, np.random.rand(5, 4) > ratio)
    np.testing.assert_array_equal(layer.backward(3 * ones), 3 * out)
    np.testing.assert_array_equal(layer.forward(ones, train_flg=False), (1 - ratio) * ones)
    np.testing.assert_array_equal(layer.backward(ones), (1 - ratio) * ones)  # of the forward before it


def test_batch_normalization_averages_in_training_alone():
    layer = book.BatchNormalization(np.ones(3), np.zeros(3), momentum=0.5)
    layer.forward(x)
    np.testing.assert_allclose(layer.running_mean, 0.5 * x.mean(axis=0))
    np.testing.assert_allclose(layer.running_var, 0.5 * x.var(axis=0))
    mean, var = layer.running_mean, layer.running_var
    np.testing.assert_allclose(layer.forward(x, train_flg=False), (x - mean) / np.sqrt(var + 1e-6))
    assert layer.running_mean is mean
    alone = layer.forward(x[:1])  # the book's gradient check takes a batch of one
    np.testing.assert_array_equal(alone, np.zeros((1, 3)))
    np.testing.assert_array_equal(layer.backward(np.ones((1, 3))), np.zeros((1, 3)))


def test_batch_normalization_of_other_features_changes_nothing():
    layer = book.BatchNormalization(np.ones(3), np.zeros(3))
    with pytest.raises(ValueError, match=r"x has 5 features, so gamma needs shape \(5,\), not \(3,\)") as caught:
        layer.forward(np.ones((4, 5)))
    assert korean(caught.value)
    assert layer.running_mean is None
    layer.forward(x)
    mean = layer.running_mean
    with pytest.raises(ValueError, match="so gamma needs"):
        layer.forward(np.ones((4, 5)))
    assert layer.running_mean is mean
    half_given = book.BatchNormalization(np.ones(3), np.zeros(3), running_mean=np.zeros(3))
    with pytest.raises(ValueError, match=r"running_var needs shape \(3,\)"):
        half_given.forward(x)


def test_parameters_may_be_assigned_and_changed_in_place():
    layer = book.Affine(W.copy(), b)
    shared = layer.W
    before = layer.forward(x)
    shared += 1
    np.testing.assert_allclose(layer.forward(x), before + x.sum(axis=1, keepdims=True))
    layer.W, layer.b = np.ones((3, 5)), np.zeros(5)
    layer.dW = None
    assert layer.forward(x).shape == (4, 5)
    layer.backward(np.ones((4, 5)))
    assert layer.dW.shape == (3, 5)


def test_what_is_written_after_forward_does_not_reach_backward():
    layer, given_x = book.Affine(W.copy(), b), x.copy()
    layer.forward(given_x)
    expected = layer.backward(np.ones((4, 2))), layer.dW
    given_x[:], layer.W[:] = 0, 0
    out = layer.backward(np.ones((4, 2))), layer.dW
    for got, wanted in zip(out, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_dout_is_not_changed():
    """The book's Relu writes into it."""
    dout = np.ones((4, 3))
    layer = book.Relu()
    layer.forward(x)
    layer.backward(dout)
    np.testing.assert_array_equal(dout, 1)


def test_one_number_may_be_added_to_all_filters():
    np.testing.assert_allclose(
        book.Convolution(FILTERS, 0).forward(images), book.Convolution(FILTERS, np.zeros(4)).forward(images)
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float16])
def test_dtypes(dtype):
    layer = book.Affine(W.astype(np.float32), b.astype(np.float32))
    out = layer.forward(np.array([[1, 2, 3]], dtype))
    assert out.dtype == (np.float32 if np.dtype(dtype).kind == "f" else np.float64)
    assert layer.backward(np.ones((1, 2))).shape == (1, 3)
    assert layer.dW.dtype == np.float32


def test_tensors_stay_in_their_graph():
    leaf, weights = tg.Tensor(x, requires_grad=True), tg.Tensor(W, requires_grad=True)
    layer = book.Affine(weights, b)
    for given_x in (leaf, x):
        out = book.Relu().forward(layer.forward(given_x))
        assert isinstance(out, tg.Tensor)
        out.sum().backward()
    assert leaf.grad is not None
    assert weights.grad is not None
    with pytest.raises(RuntimeError, match=r"Affine.backward needs a forward before it, on arrays") as caught:
        layer.backward(np.ones((4, 2)))
    assert korean(caught.value)


def test_errors_say_what_is_missing():
    layer = book.Affine(W, b)
    with pytest.raises(RuntimeError, match="needs a forward before it"):
        layer.backward(1)
    layer.forward(x)
    with pytest.raises(ValueError, match=r"dout has shape \(4, 3\), but the result of forward \(4, 2\)") as caught:
        layer.backward(x)
    assert korean(caught.value)
    for wrong in (np.ones((4, 2), complex), "dout", None):
        with pytest.raises(TypeError, match=r"Affine.backward: expected real numbers") as refused:
            layer.backward(wrong)
        assert korean(refused.value)
    assert layer.dW is None
    with pytest.raises(AttributeError, match="Scale has no parameter a"):
        type("Scale", (book.Layer,), {"roles": ("a",), "a": 2.0})().forward(x)
    with pytest.raises(ValueError, match=r"dropout_ratio"):
        book.Dropout(1.0)
    with pytest.raises(NotImplementedError, match=r"Layer has no function"):
        book.Layer().forward(x)
    with pytest.raises(ValueError, match="x has 2 columns"):
        layer.forward(x[:, :2])
    with pytest.raises(RuntimeError):  # of a forward that failed nothing is left
        layer.backward(np.ones((4, 2)))


def test_im2col_gives_the_rows_of_a_convolution_and_col2im_is_its_transpose():
    col = book.im2col(images, 3, 2, stride=2, pad=1)
    out = book.Convolution(FILTERS, SHIFTS, stride=2, pad=1).forward(images)
    product = (col @ FILTERS.reshape(4, -1).T + SHIFTS).reshape(3, *out.shape[2:], 4).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(out, product)
    other = rng.normal(size=col.shape)
    back = book.col2im(other, images.shape, 3, 2, stride=2, pad=1)
    assert back.shape == images.shape
    np.testing.assert_allclose(np.sum(col * other), np.sum(images * back))
    tg.check_gradient(lambda x: book.im2col(x, 3, 2, 2, 1), images)
    with pytest.raises(ValueError, match=r"im2col: images need shape") as caught:
        book.im2col(x, 2, 2)
    assert korean(caught.value)
    np.testing.assert_array_equal(book.im2col(images.tolist(), 3, 2, 2, 1), col)
    with pytest.raises(ValueError, match=r"windows of images of shape \(1, 1, 3, 3\) are \(4, 4\), but col") as caught:
        book.col2im(np.ones((3, 4)), (1, 1, 3, 3), 2, 2)
    assert korean(caught.value)


def test_derivatives_of_activations():
    points = np.array([-2.0, -0.5, 0.0, 3.0])
    s = tg.sigmoid(points)
    np.testing.assert_allclose(book.sigmoid_grad(points), s * (1 - s))
    np.testing.assert_array_equal(book.relu_grad(points), points > 0)
    assert book.relu_grad(points.astype(np.float32)).dtype == np.float32
    assert type(book.sigmoid_grad(0.0)) is float
    assert book.softmax_loss(x, np.array([[0], [1], [2], [0]])) == tg.softmax_cross_entropy(x, [0, 1, 2, 0])
