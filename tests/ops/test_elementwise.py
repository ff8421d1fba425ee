"""Powers, roots and lengths at their edges."""

from math import inf, isnan, log, nan
from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tests.ops.slopes import derivatives, hessian, korean, slopes
from tinygrad_ko.ops.elementwise import power_differentiated

WHOLE = st.integers(-4, 5)
MODERATE = st.floats(0.1, 5)


class TestPow:
    def test_a_number_to_the_0_does_not_depend_on_the_number(self):
        assert tg.pow(np.array([0.0, -2.0, inf]), np.zeros(3)).tolist() == [1, 1, 1]
        assert slopes(lambda a: tg.pow(a, np.zeros(4)), [0.0, -0.0, -2.0, inf]) == [[0, 0, 0, 0]]
        assert slopes(lambda a: tg.pow(a, 0), [0.0, -2.0, inf]) == [[0, 0, 0]]

    def test_0_to_a_positive_power(self):
        with np.errstate(divide="ignore"):  # 0 ** -0.5
            assert slopes(tg.pow, [0.0] * 4, [3.0, 2.0, 1.0, 0.5]) == [[0, 0, 1, inf], [0, 0, 0, 0]]

    def test_at_0_to_the_0_both_slopes_are_taken_to_be_0_at_both_orders(self):
        """One such element does not ruin a learned exponent."""
        for zero in (0.0, -0.0):
            assert slopes(tg.pow, [zero], [zero]) == [[0.0], [0.0]]
            assert hessian(tg.pow, zero, zero) == [[0, 0], [0, 0]]
        exponent: Any = tg.Tensor(0.0, requires_grad=True)
        (np.array([0.0, 1.0, np.e]) ** exponent).sum().backward()
        assert exponent.grad == pytest.approx(1)

    @pytest.mark.parametrize(
        ("b", "expected"),
        [
            (3, [[0, 0], [0, 0]]),
            (2, [[2, 0], [0, 0]]),
            (1.5, [[inf, 0], [0, 0]]),
            (1, [[0, -inf], [-inf, 0]]),
            (0.5, [[-inf, -inf], [-inf, 0]]),
            (-0.5, [[inf, inf], [inf, inf]]),
            (-1, [[inf, inf], [inf, inf]]),
        ],
    )
    def test_the_joint_second_derivatives_at_0_are_the_limits(self, b, expected):
        with np.errstate(divide="ignore"):  # those that are infinite
            assert hessian(tg.pow, 0, b) == expected

    @pytest.mark.parametrize("b", [3, 2, 1, 0.5, 0, -1])
    def test_so_they_are_of_a_vector(self, b):
        with np.errstate(divide="ignore"):
            found = tg.func.hessian(lambda v: v[0] ** v[1])(np.array([0.0, b]))
            assert found.tolist() == hessian(tg.pow, 0, b)

    def test_the_square_of_a_slope_of_0_is_not_hidden(self):
        """(1.5 * x ** 0.5) ** 2 has the slope 2.25 everywhere: at 0 that is 0 * inf, which is not 0."""
        x: Any = tg.Tensor([0.0, 1.0], requires_grad=True)
        first = tg.grad(tg.pow(x, np.array([1.5, 1.5])), x, [1.0, 1.0], create_graph=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = tg.grad((first * first).sum(), x)
        assert isnan(slope[0].item())
        assert slope[1].item() == pytest.approx(2.25)

    @pytest.mark.parametrize("in_a", [0, 1, 2, 3])
    @pytest.mark.parametrize("in_b", [0, 1, 2, 3])
    def test_all_derivatives_at_0_are_the_limits(self, in_a, in_b):
        """Very near 0 they are very small or very large, or what they are at 0."""
        b = np.arange(-12, 17) / 4
        with np.errstate(divide="ignore", over="ignore"):
            at_0, near = (power_differentiated(np.full(29, a), b, in_a=in_a, in_b=in_b) for a in (0.0, 1e-300))
        size = np.abs(near)
        infinite = (size > 1e30) | (b == in_a) & (size > 200)
        limit = np.where(size < 1e-30, 0, np.where(infinite, np.copysign(inf, near), near))
        assert at_0.tolist() == limit.tolist()

    def test_one_base_at_the_edge_leaves_the_others_as_they_are(self):
        a, b = [2.0, 0.0, 0.5, inf, 3.0], [3.0, 2.0, -1.5, -1.0, 0.0]
        in_a, in_b = slopes(tg.pow, a, b)
        for i in range(5):
            alone = slopes(tg.pow, a[i : i + 1], b[i : i + 1])
            assert [in_a[i], in_b[i]] == pytest.approx([alone[0][0], alone[1][0]], rel=1e-15)
        assert [in_a[3], in_b[3]] == [0, 0]

    def test_0_to_a_negative_power_is_infinite(self):
        with np.errstate(divide="ignore"):
            assert tg.pow(np.zeros(2), np.array([-1.0, -0.5])).tolist() == [inf, inf]
            assert slopes(tg.pow, [0.0, 0.0], [-1.0, -0.5]) == [[-inf, -inf], [-inf, -inf]]

    @given(st.floats(-5, -0.1), WHOLE)
    def test_a_negative_number_has_whole_powers_and_no_slope_in_the_power(self, a, b):
        with np.errstate(invalid="ignore"):  # log(a)
            in_a, in_b = slopes(tg.pow, [a], [float(b)])
        assert in_a == pytest.approx([b * a ** (b - 1)], rel=1e-12)
        assert isnan(in_b[0])
        assert slopes(lambda x: tg.pow(x, np.array([float(b)])), [a]) == [
            in_a
        ]  # without a warning: nobody asks for the other
        assert slopes(lambda x: x**b, [a])[0] == pytest.approx(in_a, rel=1e-14)

    def test_a_negative_number_has_no_other_powers(self):
        with np.errstate(invalid="ignore"):
            assert isnan(tg.pow(np.array([-2.0]), np.array([0.5]))[0])

    def test_1_to_an_infinite_power_is_1(self):
        assert tg.pow(np.ones(2), np.array([inf, -inf])).tolist() == [1, 1]
        assert slopes(tg.pow, [1.0, 1.0], [inf, -inf]) == [[inf, -inf], [0, 0]]

    def test_the_square_root_as_a_power_is_as_steep_at_0(self):
        with np.errstate(divide="ignore"):
            assert slopes(lambda x: x**0.5, [0.0, 4.0]) == slopes(tg.sqrt, [0.0, 4.0]) == [[inf, 0.25]]

    @given(MODERATE, st.floats(-3, 3))
    def test_a_number_to_the_power_of_a_tensor(self, base, x):
        value, first, second = derivatives(lambda b: base**b, x, 2)
        expected = np.array([1, log(base), log(base) ** 2]) * base**x
        np.testing.assert_allclose([value, first, second], expected, rtol=1e-12, atol=1e-300)

    def test_numbers_below_0_and_0_to_the_power_of_a_tensor(self):
        assert tg.pow(-2.0, tg.Tensor([2.0, 3.0])).tolist() == [4, -8]
        assert slopes(lambda b: 0**b, [2.0]) == [[0]]

    @pytest.mark.parametrize("base", [2, 2.0, np.float32(2)])
    def test_float32_stays_float32(self, base):
        b: Any = tg.Tensor(np.array([1.5, 2], np.float32), requires_grad=True)
        for y in (base**b, b**b, b**2, b**0.5):
            b.zero_grad()
            y.backward(np.ones(2))
            assert y.dtype == b.grad.dtype == np.float32

    @pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int8])
    def test_integer_powers_of_tensors(self, kind):
        a: Any = tg.Tensor([[0.0], [3.0]], requires_grad=True)
        tg.pow(a, np.array([0, 1, 2], kind)).backward(np.ones((2, 3)))  # 0 - 1 would wrap around
        assert a.grad.tolist() == [[1], [7]]

    def test_tensors_as_powers_of_integers(self):
        (slope,) = slopes(lambda b: tg.pow(np.array([1, 2, 4]), b), [2.0, 2.0, 0.5])
        assert slope == pytest.approx([0, 4 * log(2), 2 * log(4)])

    def test_integers_stay_integers_as_in_numpy(self):
        assert tg.pow(np.array([2, 3]), np.array([3, 2])).tolist() == [8, 9]
        assert tg.pow(2, np.array([3])).dtype == np.int64
        with pytest.raises(ValueError, match=r"pow\(int64\[2\], int64\[1\]\).*negative integer powers") as caught:
            tg.pow(np.array([2, 3]), np.array([-1]))
        assert korean(caught.value)

    def test_all_spellings_are_one_op(self):
        a: Any = tg.Tensor([2.0, 3.0], requires_grad=True)
        b: Any = tg.Tensor([3.0, 2.0], requires_grad=True)
        for y in (a**b, np.power(a, b), tg.pow(a, b), a**2, 2**b, a ** np.array([1.0, 2.0]), np.power(a, 2)):
            assert y.node.op.name == "pow"
        assert not hasattr(tg, "power")


class TestRoots:
    def test_negative_numbers_have_cube_roots(self):
        assert tg.cbrt(np.array([-27.0, 0.0, 8.0])).tolist() == [-3, 0, 2]
        with np.errstate(divide="ignore"):
            assert slopes(tg.cbrt, [0.0]) == [[inf]]

    @given(st.lists(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False), min_size=1))
    def test_where_a_library_has_no_name_for_it_the_cube_root_is_as_good(self, values):
        x = np.array(values)
        ours = np.asarray(tg.cbrt(array_api_strict.asarray(x)))
        np.testing.assert_allclose(ours, np.cbrt(x), rtol=5e-16)

    def test_reciprocals_of_integers_are_floats(self):
        assert tg.reciprocal(np.array([2, 4])).tolist() == [0.5, 0.25]
        with np.errstate(divide="ignore"):
            assert slopes(tg.reciprocal, [0.0]) == [[-inf]]


class TestHypot:
    def test_at_the_origin_both_slopes_are_0(self):
        assert slopes(tg.hypot, [0.0, 0.0, 3.0], [0.0, 2.0, 0.0]) == [[0, 0, 1], [0, 1, 0]]

    def test_there_its_second_derivatives_are_0_and_only_those_of_the_sum_of_squares_are_right(self):
        assert hessian(tg.hypot, 0, 0) == hessian(lambda a, b: tg.hypot(a, b) ** 2, 0, 0) == [[0, 0], [0, 0]]
        assert hessian(lambda a, b: a * a + b * b, 0, 0) == [[2, 0], [0, 2]]

    def test_an_infinite_length(self):
        with np.errstate(invalid="ignore"):
            (a,), (b,) = slopes(tg.hypot, [inf], [1.0])
        assert isnan(a)
        assert b == 0

    @given(st.floats(0.01, 10), st.floats(-10, -0.01), st.integers(-900, 900))
    def test_slopes_do_not_depend_on_the_size(self, a, b, power):
        scale = 2.0**power
        np.testing.assert_allclose(
            slopes(tg.hypot, [a * scale], [b * scale]), slopes(tg.hypot, [a], [b]), rtol=1e-14, atol=1e-14
        )


class TestCopysign:
    def test_the_sign_of_negative_0_is_seen(self):
        a, b = [2.0, -2.0, 3.0, -3.0, 0.0], [-0.0, 0.0, 5.0, -1.0, -1.0]
        assert tg.copysign(a, b).tolist() == [-2, 2, 3, -3, 0]
        assert slopes(tg.copysign, a, b) == [[-1, -1, 1, 1, 0], [0, 0, 0, 0, 0]]

    def test_nan_has_no_slope(self):
        assert isnan(slopes(tg.copysign, [nan], [1.0])[0][0])
