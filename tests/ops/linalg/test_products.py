"""Products over axes that do not fit each other are refused with their shapes; those over nothing are 0."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tests.ops.domains import some_axes
from tests.ops.test_shape import refusal
from tinygrad_ko.ops.linalg.products import dots, matmul_as


def zeros(*shapes):
    return [np.zeros(shape) for shape in shapes]


class TestTensordot:
    @pytest.mark.parametrize(
        ("shapes", "axes", "what"),
        [
            (((2, 3), (2, 3)), 1, "axis 1 of the first has length 3, but axis 0 of the second 2"),
            (((2, 3), (3,)), 2, "no more than either has"),
            (((2, 3), (3,)), -1, "0 or more"),
            (((2, 3), (3, 2)), ((0, 1), (0,)), "as many axes of one as of the other"),
            (((2, 3), (3, 2)), ((1, -1), (0, 0)), "not there or named twice"),
            (((2, 3), (3, 2)), (2, 0), "not there or named twice"),
            (((2, 3), (3, 2)), (0, -3), "not there or named twice"),
            (((2, 3), (3, 2)), (0,), "of each array the axes"),
            (((2, 3), (3, 2)), ((0,), (1,), (2,)), "of each array the axes"),
            (((2, 3), (3, 2)), (0, 0), "axis 0 of the first has length 2, but axis 0 of the second 3"),
        ],
    )
    def test_axes_that_do_not_fit(self, shapes, axes, what):
        said = refusal(ValueError, lambda: tg.tensordot(*zeros(*shapes), axes=axes))
        assert what in said
        assert f"for shapes {shapes[0]} and {shapes[1]} with axes={axes}" in said

    @pytest.mark.parametrize("axes", [0.5, None, (0, None), ((0,), "a")])
    def test_what_are_no_axes(self, axes):
        assert "tensordot" in refusal(TypeError, lambda: tg.tensordot(*zeros((2, 2), (2, 2)), axes=axes))

    @pytest.mark.parametrize("axes", [0, 1, np.int64(2), (1, 0), ([1], (0,)), ((0, -1), [1, 0]), ((), ())])
    def test_every_way_to_name_axes(self, axes):
        a, b = np.arange(4.0).reshape(2, 2), np.arange(4.0, 8.0).reshape(2, 2)
        np.testing.assert_array_equal(tg.tensordot(a, b, axes=axes), np.tensordot(a, b, axes))

    def test_lists_and_numbers(self):
        assert tg.tensordot([1.0, 2.0], [3.0, 4.0], axes=1) == 11
        assert tg.tensordot(2.0, [1.0, 3.0], axes=0).tolist() == [2, 6]


class TestVectors:
    @pytest.mark.parametrize("product", [tg.vecdot, tg.cross])
    @pytest.mark.parametrize(
        ("shapes", "axis"), [(((2, 3), (3,)), 0), (((2, 3), (3,)), -2), (((3,), (3,)), 1), (((), ()), -1)]
    )
    def test_an_axis_that_is_not_in_both(self, product, shapes, axis):
        said = refusal(ValueError, lambda: product(*zeros(*shapes), axis=axis))
        assert f"{product.__name__}: there is no axis {axis} that both have" in said

    @pytest.mark.parametrize("product", [tg.vecdot, tg.cross])
    def test_different_lengths(self, product):
        """Not even 1, which would broadcast."""
        said = refusal(ValueError, lambda: product(*zeros((2, 3), (2, 1))))
        assert f"{product.__name__}: axis -1 has length 3 in the first, but 1 in the second" in said

    def test_only_three_numbers_have_a_cross_product(self):
        assert "3 numbers are needed, but axis -1 has length 2" in refusal(ValueError, lambda: tg.cross([1, 2], [3, 4]))

    @pytest.mark.parametrize("shapes", [((2, 2), (2,)), ((), (2,)), ((2,), (1, 2))])
    def test_only_vectors_have_an_outer_product(self, shapes):
        said = refusal(ValueError, lambda: tg.outer(*zeros(*shapes)))
        assert f"outer: two vectors are needed, got shapes {shapes[0]} and {shapes[1]}" in said

    def test_stacks_along_an_inner_axis(self):
        a, b = np.arange(12.0).reshape(2, 3, 2), np.arange(6.0, 12.0).reshape(3, 2)
        np.testing.assert_array_equal(tg.vecdot(a, b, axis=-2), np.sum(a * b, axis=1))
        np.testing.assert_array_equal(tg.vecdot(a, a, axis=1), np.sum(a * a, axis=1))
        np.testing.assert_array_equal(tg.cross(a, b, axis=-2), np.cross(a, b[None], axis=1))

    def test_of_nothing(self):
        assert tg.vecdot(*zeros((2, 0), (2, 0))).tolist() == [0, 0]
        assert tg.outer(*zeros((0,), (3,))).shape == (0, 3)


def test_numpys_functions_that_flatten():
    a, b = np.arange(4.0).reshape(2, 2), np.arange(2.0, 6.0).reshape(2, 2)
    f: Any
    t: Any = tg.Tensor(a, requires_grad=True)
    for f in (np.outer, np.vdot):
        for y in (f(t, b), f(b, t)):
            assert y.requires_grad
        np.testing.assert_array_equal(f(t, b).numpy(), f(a, b))
        np.testing.assert_array_equal(f(b, t).numpy(), f(b, a))


def test_numpys_norm_is_that_of_vectors_or_matrices():
    x = np.array([[3.0, 4.0], [0.0, 5.0]])
    t: Any = tg.Tensor(x, requires_grad=True)
    norm: Any = np.linalg.norm
    for arguments, options in (
        ((), {}),
        ((None, 1), {}),
        ((3, -1), {"keepdims": True}),
        ((), {"axis": (0, 1)}),
        ((np.inf,), {"axis": 0}),
        ((2,), {}),
        (("fro",), {}),
        (("nuc",), {"axis": (0, 1)}),
    ):
        y = norm(t, *arguments, **options)
        assert y.requires_grad
        np.testing.assert_allclose(y.numpy(), norm(x, *arguments, **options), rtol=1e-14)
    assert norm(t[0], 1).item() == 7
    assert "np.linalg.norm" in refusal(TypeError, lambda: norm(t.reshape(1, 2, 2), 2))


@pytest.mark.parametrize(
    "shapes", [((), (1, 3), (3,)), ((3, 3), (3,), (3,)), ((3,), (3,), (3,)), ((4, 3), (2, 3, 5), (5,))]
)
def test_affine_takes_rows_and_one_matrix(shapes):
    """A number was taken for a row, and a vector for a matrix: there were values, but the gradient failed."""
    x, W, b = zeros(*shapes)
    said = refusal(ValueError, lambda: tg.affine(tg.Tensor(x, requires_grad=True), W, b))
    assert f"they have {shapes[0]} and {shapes[1]}; a single sample is a row of n numbers, [x] if n is 1" in said


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.booleans(), st.integers(0, 99))
def test_a_product_lies_as_it_is_asked_to(n, k, m, by_columns, seed):
    rng = np.random.default_rng(seed)
    a, b, x = rng.normal(size=(n, k)), rng.normal(size=(k, m)), rng.normal(size=(n + 1, 3))
    out = matmul_as(np.asfortranarray(x) if by_columns else x, a, b)
    np.testing.assert_allclose(out, a @ b, rtol=1e-14, atol=1e-14)
    assert out.flags.f_contiguous if by_columns else out.flags.c_contiguous


@given(hnp.array_shapes(min_dims=0, max_dims=3, max_side=4), st.integers(0, 99), st.data())
def test_dots_are_sums_of_products_along_any_axes(shape, seed, data):
    a, b = np.random.default_rng(seed).standard_normal((2, *shape))
    axis = data.draw(some_axes(len(shape)))
    x: Any = tg.Tensor(a, requires_grad=True)
    out = dots(x, b, axis)
    np.testing.assert_allclose(out.numpy(), np.sum(a * b, axis=axis, keepdims=True), rtol=1e-13, atol=1e-14)
    out.backward(np.ones(out.shape))
    np.testing.assert_array_equal(x.grad, b)


def test_a_long_dot_is_added_up_by_halves():
    a, b = np.random.default_rng(0).random((2, 1, 1_000_000), np.float32)
    exact = np.sum(a.astype(float) * b)
    assert abs(float(dots(a, b, -1)[0, 0]) / exact - 1) < 3e-7


def test_of_one_number_stretched_dots_lose_no_more_digits():
    p = np.random.default_rng(0).random((20, 8000), np.float32)
    stretched = np.broadcast_to(np.float32(1), p.shape)
    np.testing.assert_allclose(dots(stretched, p, -1), p.sum(axis=-1, keepdims=True, dtype=float), rtol=3e-7)
