"""Spread where there is none, and too few numbers for it; weights that do not fit."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tests.ops.test_shape import refusal

SPREADS = pytest.mark.parametrize("spread", [tg.var, tg.std])
X = np.array([[1.0, 2.0, 4.0], [3.0, 3.0, 3.0]])


def leaf(x) -> Any:
    return tg.Tensor(x, requires_grad=True)


def test_where_all_are_equal_the_slope_of_std_is_taken_to_be_0_at_both_orders():
    t = leaf(X)
    first = tg.grad(tg.std(t, axis=1), t, [1.0, 1.0], create_graph=True)
    assert first[1].tolist() == [0, 0, 0]
    assert np.abs(first[0].numpy()).min() > 0.01
    second = tg.grad(first, t, np.arange(6.0).reshape(2, 3))
    assert second[1].tolist() == [0, 0, 0]
    assert np.abs(second[0].numpy()).min() > 0.01


@pytest.mark.parametrize("x", [[0.1, 0.1, 0.1], [0.924719] * 27, [[0.1, 0.5], [0.1, 0.7], [0.1, 0.9]]])
def test_equal_numbers_have_no_std_though_their_mean_is_off_by_a_last_bit(x):
    t = leaf(x)
    y = tg.std(t, axis=0)
    tg.sum(y).backward()
    assert np.atleast_1d(y.numpy())[0] == 0
    assert not np.reshape(t.grad, (len(x), -1))[:, 0].any()


def test_the_std_of_numbers_whose_squares_are_no_numbers():
    for scale in (1e200, 1e-200):
        x = leaf([[3 * scale, 4 * scale, 9 * scale], [1.0, 2.0, 5.0]])
        y = tg.std(x, axis=1, correction=1)
        np.testing.assert_allclose(y.numpy(), np.std([[3, 4, 9], [1, 2, 5]], axis=1, ddof=1) * [scale, 1], rtol=1e-14)
        y.backward([1.0, 1.0])
        plain = leaf([[3.0, 4.0, 9.0], [1.0, 2.0, 5.0]])
        tg.std(plain, axis=1, correction=1).backward([1.0, 1.0])
        np.testing.assert_allclose(x.grad, plain.grad, rtol=1e-13)


@SPREADS
def test_one_number_has_no_spread(spread):
    t = leaf(3.0)
    y = spread(t)
    assert y.item() == 0
    assert tg.grad(y, t).item() == 0


@SPREADS
@pytest.mark.parametrize(
    ("size", "options"),
    [
        ((), {"correction": 1}),
        ((1, 5), {"axis": 0, "correction": 1}),
        ((5, 2), {"axis": 1, "correction": 2.5}),
        ((0,), {}),
    ],
)
def test_of_too_few_numbers_it_is_nan_as_numpys_and_says_so(spread, size, options):
    x = leaf(np.ones(size))
    with pytest.warns(RuntimeWarning, match=f"correction={options.get('correction', 0)} have no variance") as told:
        y = spread(x, **options)
    assert "분산" in str(told[0].message)
    assert y.shape == np.sum(x.numpy(), axis=options.get("axis")).shape
    assert np.isnan(y.numpy()).all()
    if x.size:  # the gradient of nothing is nothing
        y.backward(np.ones(y.shape))
        assert np.isnan(x.grad).all()


@SPREADS
def test_a_correction_of_any_kind_of_number(spread):
    x = leaf(X.astype(np.float32))
    for correction in (1, 1.0, np.int8(1), np.float64(1)):
        y = spread(x, correction=correction)
        assert y.dtype == np.float32
        assert y.item() == pytest.approx(spread(X, correction=1), rel=1e-6)
        assert tg.grad(y, x).dtype == np.float32
    assert spread(X, correction=-1) < spread(X)


@SPREADS
def test_whole_numbers_do_not_wrap_around(spread):
    x = np.array([200, 250, 3], np.uint8)
    assert spread(x) == pytest.approx(getattr(np, spread.__name__)(x.astype(float)), rel=1e-15)
    assert spread([1, 2]) == spread(np.array([1.0, 2.0]))
    assert spread(3) == spread(3.0) == 0


@pytest.mark.parametrize("name", ["var", "std"])
def test_methods_and_numpys_functions_divide_by_n_minus_ddof(name):
    t = leaf(X)
    for y, expected in (
        (getattr(t, name)(), getattr(X, name)()),
        (getattr(t, name)(1, ddof=1), getattr(X, name)(1, ddof=1)),
        (getattr(np, name)(t, ddof=2), getattr(X, name)(ddof=2)),
        (getattr(np, name)(t, 0, correction=1, keepdims=True), getattr(X, name)(0, ddof=1, keepdims=True)),
    ):
        assert y.requires_grad
        np.testing.assert_allclose(y.numpy(), expected, rtol=1e-15)


class TestAverages:
    def test_gradients_go_to_the_numbers_and_to_the_weights(self):
        x, weights = leaf([1.0, 5.0]), leaf([3.0, 1.0])
        y = tg.average(x, weights=weights)
        y.backward()
        assert y.item() == 2
        assert x.grad.tolist() == [0.75, 0.25]
        assert weights.grad.tolist() == [-0.25, 0.75]

    def test_one_weight_for_each_place_along_axes_in_any_order(self):
        x, weights = np.arange(24.0).reshape(2, 3, 4), np.arange(1.0, 9.0).reshape(4, 2)
        found = tg.average(x, axis=(-1, 0), weights=weights)
        np.testing.assert_allclose(found, np.average(x, axis=(-1, 0), weights=weights), rtol=1e-15)

    def test_whole_numbers_do_not_wrap_around(self):
        x, weights = np.array([100, 120], np.int8), np.array([100, 100], np.int8)
        assert tg.average(x, weights=weights) == 110

    @pytest.mark.parametrize(
        ("axis", "shape"), [(None, (3,)), (0, (3,)), (1, (2,)), ((0, 1), (3, 2)), (1, (3, 1)), (1, ()), (None, (2, 2))]
    )
    def test_weights_that_do_not_fit(self, axis, shape):
        said = refusal(ValueError, lambda: tg.average(X, axis=axis, weights=np.ones(shape)))
        assert f"weights of shape {shape} do not fit x of shape (2, 3) with axis={axis}" in said

    @pytest.mark.parametrize("weights", [[[1.0, -1.0, 0.0], [1.0, 1.0, 1.0]], [0.0, 0.0, 0.0]])
    def test_weights_that_sum_to_0(self, weights):
        assert "sum to 0" in refusal(ZeroDivisionError, lambda: tg.average(X, axis=1, weights=weights))

    def test_an_array_is_no_axis(self):
        assert "average: axis must be" in refusal(TypeError, lambda: tg.average(X, axis=np.array([0, 1])))
