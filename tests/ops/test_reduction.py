"""Products with zeros and at the far ends, norms at 0 and of every order, ties that share."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tests.ops.test_shape import refusal

WHOLE = hnp.arrays(float, st.integers(0, 6), elements=st.integers(-3, 3))  # their products are exact
ORDERS = [2, 1, np.inf, -np.inf, 0, 3, 4, 1.5, 0.5, -1, -2.0]


def leaf(x, dtype=None) -> Any:
    return tg.Tensor(x, requires_grad=True, dtype=dtype)


def gradient(f, x):
    x = leaf(x)
    return tg.grad(f(x), x).numpy()


def hessian(f, x):
    """The second derivatives of a function of numbers in a row: a row for each of them."""
    x = leaf(x)
    first = tg.grad(f(x), x, create_graph=True)
    return np.array([tg.grad(first[i], x).numpy() for i in range(len(x))]).reshape(len(x), len(x))


class TestProducts:
    @given(WHOLE)
    def test_the_slopes_are_the_products_of_the_others_at_both_orders(self, x):
        n = len(x)
        assert gradient(tg.prod, x).tolist() == [np.prod(np.delete(x, i)) for i in range(n)]
        expected = [[np.prod(np.delete(x, [i, j])) if i != j else 0.0 for j in range(n)] for i in range(n)]
        assert hessian(tg.prod, x).tolist() == expected

    def test_the_third_derivative_with_three_zeros(self):
        x = leaf([0.0, 2.0, 0.0, 0.0])
        first = tg.grad(tg.prod(x), x, create_graph=True)
        second = tg.grad(first[0], x, create_graph=True)
        assert tg.grad(second[2], x).tolist() == [0, 0, 0, 2]

    def test_of_nothing_it_is_1(self):
        assert tg.prod(np.zeros((0, 3)), axis=0).tolist() == [1, 1, 1]
        assert gradient(tg.prod, np.zeros(0)).tolist() == []

    @pytest.mark.parametrize("order", [1, 2])
    def test_over_several_axes(self, order):
        """As over one axis that holds the same numbers."""
        x = np.arange(24.0).reshape(2, 3, 4) % 5
        row = np.moveaxis(x, 1, 0).reshape(3, 8)
        t, flat = leaf(x), leaf(row)
        found, expected = (
            tg.grad(tg.prod(t, axis=(2, 0)), t, np.arange(1.0, 4.0), create_graph=True),
            tg.grad(tg.prod(flat, axis=1), flat, np.arange(1.0, 4.0), create_graph=True),
        )
        if order == 2:
            found = tg.grad(found, t, np.ones(x.shape))
            expected = tg.grad(expected, flat, np.ones(row.shape))
        np.testing.assert_allclose(np.moveaxis(found.numpy(), 1, 0).reshape(3, 8), expected.numpy(), rtol=1e-14)


class TestProductsAtTheFarEnds:
    def test_a_product_of_ordinary_numbers_that_is_smaller_than_any(self):
        """2e-40 has 17 of the 24 bits of a float32; the products of the others have all of them."""
        x = leaf([1e-20, 1e-20, 2.0], np.float32)
        for f in (tg.prod, lambda x: tg.cumulative_prod(x)[2]):
            slopes = tg.grad(f(x), x).numpy()
            assert slopes.dtype == np.float32
            np.testing.assert_allclose(slopes[:2], [2e-20, 2e-20], rtol=1e-6)

    def test_a_product_that_overflows(self):
        with np.errstate(over="ignore"):
            assert gradient(tg.prod, [1e200, 1e200]).tolist() == [1e200, 1e200]
            assert gradient(lambda x: tg.cumulative_prod(x)[0], [1e200, 1e200]).tolist() == [1, 0]

    def test_the_second_derivative_by_the_same_number_is_exactly_0(self):
        """A difference of quotients would be off by 1e-8 here."""
        assert hessian(tg.prod, [1e-8, 1.0, 3.0]).diagonal().tolist() == [0, 0, 0]


FINITE = [order for order in ORDERS if order not in (0, np.inf, -np.inf)]


class TestNormsOfAnySize:
    """Their powers may be too large or too small for a number; the norm and its slopes are not."""

    @given(st.sampled_from(FINITE), st.sampled_from([np.float64, np.float32]), st.integers(-1000, 1000))
    def test_the_slopes_do_not_depend_on_the_size(self, order, dtype, power):
        scale = 2.0 ** (power if dtype is np.float64 else power // 9)
        x = np.array([[3.0, -4.0, 0.75], [1.0, 2.0, 0.5]])
        rows = np.array([x[0] * scale, x[1]], dtype)  # a row of another size stays as it was
        expected, found = leaf(x, dtype), leaf(rows, dtype)
        one, other = (tg.vector_norm(t, ord=order, axis=1) for t in (expected, found))
        rtol = 40 * float(np.finfo(dtype).eps)  # 1 / ord is rounded, and total is large
        np.testing.assert_allclose(other.numpy(), one.numpy() * [scale, 1], rtol=rtol)
        for t, y in ((expected, one), (found, other)):
            y.backward(np.ones(2, dtype))
            assert t.grad.dtype == dtype
        np.testing.assert_allclose(found.grad, expected.grad, rtol=rtol)

    def test_without_a_warning(self):
        assert tg.vector_norm([3e200, 4e200]) == pytest.approx(5e200, rel=1e-15)
        assert tg.vector_norm([3e-200, 4e-200], keepdims=True) == pytest.approx([5e-200], rel=1e-15)
        assert gradient(tg.vector_norm, [3e200, 4e200]) == pytest.approx([0.6, 0.8])
        np.testing.assert_allclose(hessian(tg.vector_norm, [3e-200, 4e-200]) * 5e-200, [[0.64, -0.48], [-0.48, 0.36]])

    def test_a_gradient_times_a_tiny_length_is_not_divided_by_it_first(self):
        x = leaf([3e-200, 0.0])
        assert tg.grad(tg.vector_norm(x), x, 1e150).tolist() == [1e150, 0]

    @pytest.mark.parametrize("order", [2, 3, 0.5, -1])
    def test_infinite_numbers_and_nan(self, order):
        assert tg.vector_norm([np.inf, 1.0], ord=order) == (np.inf if order > 0 else 1)
        assert tg.vector_norm([-np.inf, np.inf], ord=order) == np.inf
        assert np.isnan(tg.vector_norm([np.nan, 1e200], ord=order))

    @pytest.mark.parametrize("order", [2, 1, 1.5, 3, 0.5, 0, -1])
    @pytest.mark.parametrize(("shape", "axis"), [((0,), None), ((0, 3), 0), ((3, 0), 1), ((3, 0), None), ((0, 3), 1)])
    @pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
    def test_the_norm_of_nothing(self, order, shape, axis, dtype):
        x = leaf(np.zeros(shape, dtype))
        norms = tg.vector_norm(x, axis=axis, ord=order, keepdims=True)
        assert norms.shape == np.sum(x.numpy(), axis=axis, keepdims=True).shape
        assert np.all(norms.numpy() == (np.inf if order < 0 else 0))
        tg.sum(norms).backward()
        assert (x.grad.shape, x.grad.dtype) == (shape, dtype)


class TestNorms:
    def test_the_square_of_a_norm_at_0_is_bent_as_the_norm_is(self):
        for f in (lambda x: tg.vector_norm(x) ** 2, lambda x: tg.square(tg.vector_norm(x)), lambda x: tg.std(x) ** 2):
            assert hessian(f, np.zeros(2)).tolist() == [[0, 0], [0, 0]]
        assert hessian(lambda x: tg.sum(x * x), np.zeros(2)).tolist() == [[2, 0], [0, 2]]
        assert hessian(tg.var, np.zeros(2)).tolist() == [[0.5, -0.5], [-0.5, 0.5]]

    @pytest.mark.parametrize("order", [1.1, 1.5, 1.9])
    def test_between_1_and_2_the_second_derivative_in_an_entry_that_is_0_is_infinite(self, order):
        f = lambda x: tg.vector_norm(x, ord=order)
        with np.errstate(divide="ignore"):
            assert hessian(f, [1.0, 0.0]).tolist() == [[0, 0], [0, np.inf]]
        near = hessian(f, [1.0, 1e-12])
        assert near[1, 1] == pytest.approx((order - 1) * 1e-12 ** (order - 2))
        np.testing.assert_allclose(near, near.T)

    @pytest.mark.parametrize("order", [0.5, -1, -2, 2.5, 3])
    def test_for_other_orders_it_is_0(self, order):
        second = hessian(lambda x: tg.vector_norm(x, ord=order), [2.0, 0.0])
        np.testing.assert_allclose(second, 0, atol=1e-15)
        assert second[:, 1].tolist() == second[1].tolist() == [0, 0]

    @pytest.mark.parametrize("order", ORDERS)
    def test_at_0_the_slope_is_taken_to_be_0_at_both_orders(self, order):
        x = np.zeros(3)
        assert tg.vector_norm(x, ord=order) == 0
        assert gradient(lambda x: tg.vector_norm(x, ord=order), x).tolist() == [0, 0, 0]
        if order != 0:  # the gradient of a count does not depend on x
            assert hessian(lambda x: tg.vector_norm(x, ord=order), x).tolist() == np.zeros((3, 3)).tolist()

    @pytest.mark.parametrize("order", ORDERS)
    def test_a_vector_of_zeros_does_not_disturb_the_others(self, order):
        x = leaf([[1.0, -2.0, 3.0], [0.0, 0.0, 0.0]])
        alone = gradient(lambda x: tg.vector_norm(x, ord=order), x.numpy()[0])
        tg.vector_norm(x, axis=1, ord=order).backward([1.0, 1.0])
        np.testing.assert_array_equal(x.grad, [alone, [0, 0, 0]])

    @pytest.mark.parametrize("order", [0.5, -1, -2])
    def test_in_an_entry_that_is_0_the_slope_is_taken_to_be_0(self, order):
        slopes = gradient(lambda x: tg.vector_norm(x, ord=order), [0.0, 4.0])
        assert slopes.tolist() == [0, 1 if order > 0 else 0]

    def test_the_number_of_those_that_are_not_0_has_the_slope_0(self):
        x = leaf([2.0, 0.0, -1.0, np.nan], np.float32)
        n = tg.vector_norm(x, ord=0)
        assert n.item() == 3
        assert n.dtype == np.float32
        assert tg.grad(n, x).tolist() == [0, 0, 0, 0]

    def test_equal_sizes_share_the_slope_of_the_largest(self):
        assert gradient(lambda x: tg.vector_norm(x, ord=np.inf), [2.0, -2.0, 1.0]).tolist() == [0.5, -0.5, 0]

    def test_even_orders_have_no_kink_at_any_order(self):
        """(1 + x ** 4) ** (1 / 4) is 1 + x ** 4 / 4 - ..., whose fourth derivative at 0 is 6."""
        x = leaf([0.0, 1.0])
        y = tg.vector_norm(x, ord=4)
        for _ in range(4):
            y = tg.grad(y, x, create_graph=True)[0]
        assert y.item() == 6

    @pytest.mark.parametrize("f", [tg.max, tg.min])
    def test_the_gradient_of_a_largest_that_is_nan_is_nan(self, f):
        x: Any = tg.Tensor([[1.0, np.nan, 3.0], [1.0, 2.0, 2.0]], requires_grad=True)
        f(x, axis=1).backward([1.0, 6.0])
        assert np.isnan(x.grad[0]).all()
        assert x.grad[1].tolist() == ([0, 3, 3] if f is tg.max else [6, 0, 0])

    def test_nan_is_not_hidden(self):
        for order in (1, 2, 3, 4, 0.5, -1):
            assert np.isnan(gradient(lambda x, order=order: tg.vector_norm(x, ord=order), [np.nan, 1.0])).any()

    @pytest.mark.parametrize("order", ORDERS)
    def test_whole_numbers_are_measured_as_numpy_measures_them(self, order):
        x = np.array([[-128, 3], [5, -7]], np.int8)
        found = tg.vector_norm(x, axis=0, ord=order)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, np.linalg.vector_norm(x, axis=0, ord=order), rtol=1e-15)
        assert tg.vector_norm([3, 4]) == 5

    @pytest.mark.parametrize("order", [np.int64(3), np.float64(3), 3])
    def test_any_real_number_is_an_order_and_float32_stays(self, order):
        y = tg.vector_norm(leaf([1.0, 2.0], np.float32), ord=order)
        assert y.dtype == np.float32
        assert y.item() == pytest.approx(9 ** (1 / 3))

    @pytest.mark.parametrize("order", ["fro", math.nan, None, 1j])
    def test_what_is_no_order(self, order):
        said = refusal(TypeError, lambda: tg.vector_norm([1.0], ord=order))
        assert "vector_norm: ord must be a real number" in said


@pytest.mark.parametrize("f", [tg.max, tg.min])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ties_share_in_their_own_dtype(f, dtype):
    x = leaf([[2.0, 2.0, 2.0, 2.0], [1.0, 1.0, 1.0, 1.0]], dtype)
    y = f(x, axis=(0, 1)) if f is tg.max else f(x, axis=(0, 1), keepdims=True)
    y.backward(np.ones(y.shape))
    assert x.grad.dtype == dtype
    assert sorted(x.grad.flat) == [0] * 4 + [0.25] * 4
