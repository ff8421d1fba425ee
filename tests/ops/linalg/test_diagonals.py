"""Triangles and diagonals: what is outside counts for nothing, whatever it is, and what is refused."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tests.ops.test_shape import refusal


@pytest.mark.parametrize(("f", "outside"), [(tg.tril, (0, 1)), (tg.triu, (1, 0))])
def test_what_is_outside_a_triangle_is_0_even_if_it_is_nan(f, outside):
    x = np.ones((2, 2))
    x[outside] = np.nan
    t: Any = tg.Tensor(x, requires_grad=True)
    y = f(t)
    assert y.numpy()[outside] == 0
    g = np.ones((2, 2))
    g[outside] = np.inf
    y.backward(g)
    assert t.grad[outside] == 0
    assert t.grad.sum() == 3


@pytest.mark.parametrize("offset", range(-4, 5))
@pytest.mark.parametrize("size", [(3, 4), (4, 3), (1, 3), (0, 2)])
def test_diagonals_that_are_outside_are_empty(size, offset):
    x = np.arange(1.0, 1 + np.prod(size)).reshape(size)
    t: Any = tg.Tensor(x, requires_grad=True)
    y = tg.diagonal(t, offset)
    assert y.tolist() == np.diagonal(x, offset).tolist()
    y.backward(np.ones(y.shape))
    np.testing.assert_array_equal(t.grad, np.eye(size[0], size[1], k=offset))


def test_diag_and_back():
    for k in (-2, 0, 1):
        assert tg.diag(tg.diag([1.0, 2.0], k), k).tolist() == [1, 2]
    assert tg.diag(np.zeros(0), 1).tolist() == [[0]]


@pytest.mark.parametrize("f", [tg.tril, tg.triu, tg.diagonal, tg.trace])
@pytest.mark.parametrize("x", [[1.0, 2.0], 3.0])
def test_what_is_no_matrix(f, x):
    assert "two axes or more" in refusal(ValueError, lambda: f(x))


@pytest.mark.parametrize("size", [(), (2, 2, 2)])
def test_diag_of_what_is_neither_a_matrix_nor_a_row(size):
    assert f"not shape {size}" in refusal(ValueError, lambda: tg.diag(np.ones(size)))


@pytest.mark.parametrize("axes", [(0, 1), (1, 0), (-1, 0), (2, 1)])
def test_the_methods_take_any_two_axes_as_numpy_does(axes):
    x = np.arange(24.0).reshape(2, 3, 4)
    t: Any = tg.Tensor(x, requires_grad=True)
    for name in ("diagonal", "trace"):
        expected = getattr(x, name)(1, *axes)
        for y in (getattr(t, name)(1, *axes), getattr(np, name)(t, 1, *axes)):
            assert y.requires_grad
            np.testing.assert_array_equal(y.numpy(), expected)
