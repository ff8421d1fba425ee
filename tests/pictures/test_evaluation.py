"""Functions at many points: of arrays or of Tensors, inside and outside their domains, and leaving nothing behind."""

import math

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import nn
from tinygrad_ko.pictures.evaluation import _gradient, gradients_at, interval, values_at

POINTS = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x[0] ** 2 + x[1] ** 2,
        lambda x: np.sum(x**2),
        lambda x: tg.sum(tg.square(x)),
        lambda x: float(x[0]) ** 2 + float(x[1]) ** 2,
        lambda x: x.detach()[0] ** 2 + x.detach()[1] ** 2,
        lambda x: tg.sum(x * x, keepdims=True),
        lambda x: next(y * y for y in x) + x[1] * x[1],
    ],
    ids=["x[0]", "numpy", "tg", "float", "Tensors only, cut off", "shape (1,)", "iteration"],
)
def test_values_and_gradients_of_functions_of_every_kind(f):
    np.testing.assert_allclose(values_at(f, POINTS, "contour"), [5, 10, 0.5])
    np.testing.assert_allclose(gradients_at(f, POINTS, "contour"), 2 * POINTS, rtol=1e-7)


def test_where_f_takes_tensors_the_gradient_is_exact():
    def ripples(x):
        return tg.sum(tg.sin(1e6 * x))

    exact = 1e6 * np.cos(1e6 * POINTS[0])
    np.testing.assert_allclose(_gradient(ripples, POINTS[0])[0], exact, rtol=1e-9)
    assert np.all(abs(tg.numerical_gradient(ripples, POINTS[0].copy()) - exact) > 1e4)  # which sees nothing of it


def test_what_is_measured_is_right_where_central_differences_see_nothing():
    far = np.array([[3e13, -1e13], [2e13, 4e13]])
    np.testing.assert_allclose(gradients_at(lambda x: float(x[0]) ** 2 + float(x[1]) ** 2, far, ""), 2 * far, rtol=1e-7)
    steps = gradients_at(lambda x: math.floor(x[0]) + abs(float(x[1])), np.array([[1.0, 1.0], [0.5, 0.0]]), "")
    np.testing.assert_allclose(steps, np.array([[np.nan, 1], [0, 0]]), atol=1e-9)


def test_a_gradient_that_was_cut_off_is_measured_instead():
    w = tg.Tensor([1.0, 1.0], requires_grad=True)
    for f in (
        lambda x: tg.Tensor(x.numpy() if isinstance(x, tg.Tensor) else x).sum() * w.sum(),
        lambda x: float(x.sum()),
    ):
        assert _gradient(f, POINTS[0])[0].tolist() == pytest.approx([2, 2] if f(POINTS[0]) == 6 else [1, 1])


@tg.op(x=lambda g, x: g * 3 * x)
def wrong_square(xp, x):
    return x * x


@pytest.mark.parametrize("f", [lambda x: x[0] ** 2 + x[1].item() ** 2, lambda x: wrong_square(x).sum()])
def test_a_gradient_that_is_wrong_is_not_drawn(f):
    with pytest.raises(tg.GradientMismatch, match="the gradient is wrong"):
        gradients_at(f, POINTS, "gradient_field")


def test_a_gradient_that_cannot_be_judged_is_drawn():
    found = gradients_at(lambda x: tg.sum(tg.dropout(x, 0.5)) + x[0], POINTS, "gradient_field")
    assert np.isfinite(found).all()


def test_a_function_of_a_branch():
    def f(x):
        return 0.0 if x[0] < 0 else x[0] * x[1]

    assert _gradient(f, np.array([-1.0, 2.0]))[0].tolist() == [0, 0]
    assert _gradient(f, np.array([1.0, 2.0]))[0].tolist() == [2, 1]


def test_outside_its_domain_a_function_is_nan():
    found = values_at(
        lambda x: math.log(x[0]) / float(x[1]), np.array([[1.0, 1.0], [-1.0, 1.0], [math.e, 0.0], [math.e, 2.0]]), ""
    )
    np.testing.assert_array_equal(found, [0, np.nan, np.nan, 0.5])
    found = gradients_at(lambda x: np.log(x[0]) + x[1], np.array([[2.0, 1.0], [-1.0, 1.0], [0.0, 1.0]]), "")
    np.testing.assert_array_equal(found, [[0.5, 1], [np.nan, np.nan], [np.nan, np.nan]])


@pytest.mark.parametrize("compute", [values_at, gradients_at])
def test_what_f_raises_everywhere_is_raised(compute):
    def f(x):
        raise ZeroDivisionError("by nothing")

    with pytest.raises(ZeroDivisionError, match="by nothing"):
        compute(f, POINTS, "contour")


@pytest.mark.parametrize("compute", [values_at, gradients_at])
def test_a_function_of_two_arguments_is_told_how_it_is_called(compute):
    with pytest.raises(TypeError, match="missing 1 required") as caught:
        compute(lambda x0, x1: x0 + x1, POINTS, "contour")
    english, korean = caught.value.__notes__
    assert "contour calls f(x) with one array of two numbers; for f(x0, x1) pass lambda x: f(x[0], x[1])" in english
    assert "f(x)에 넘깁니다" in korean


@pytest.mark.parametrize("compute", [values_at, gradients_at])
def test_nothing_of_the_calls_is_left(compute):
    norm, dropout = nn.BatchNorm(2), nn.Dropout(0.5, rng=3)
    before = norm.running_mean
    points = POINTS.copy()

    def f(x):
        np.random.random()
        y = dropout(norm(tg.reshape(x, (1, 2)) * np.ones((3, 1))))
        if isinstance(x, np.ndarray):
            x[:] = 0
        return tg.sum(y) + np.random.random()

    np.random.seed(0)
    next_number = np.random.RandomState(0).random()
    compute(f, points, "contour")
    assert np.random.random() == next_number
    assert norm.running_mean is before
    np.testing.assert_array_equal(dropout(np.ones(9)), nn.Dropout(0.5, rng=3)(np.ones(9)))
    np.testing.assert_array_equal(points, POINTS)


def test_an_interval_may_be_any_two_numbers():
    assert interval([np.float32(-1), 2], "contour", "x0") == (-1.0, 2.0)
    for bad in ((1, 1), (2, 1), (0, np.nan), 3, "0", (1, 2, 3), None, ("a", "b")):
        with pytest.raises(ValueError, match="contour: x0 must be two numbers, the lower first"):
            interval(bad, "contour", "x0")
