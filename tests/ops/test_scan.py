"""Running sums and products: zeros anywhere, and an axis that must be named."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tests.ops.test_shape import refusal

WHOLE = hnp.arrays(float, st.integers(1, 7), elements=st.integers(-2, 2))  # their products are exact
SCANS = pytest.mark.parametrize("scan", [tg.cumulative_sum, tg.cumulative_prod])


def leaf(x) -> Any:
    return tg.Tensor(x, requires_grad=True)


@given(WHOLE, st.booleans())
def test_the_slopes_of_running_products_are_products_of_the_others(x, initial):
    """Of the k-th: the products of all the others up to k, exactly, wherever there are zeros; so it is once more."""
    n, g = len(x), np.arange(1.0, len(x) + 1)
    t = leaf(x)
    y = tg.cumulative_prod(t, include_initial=initial)[int(initial) :]
    first = tg.grad(y, t, g, create_graph=True)
    expected = [sum(g[k] * np.prod(np.delete(x[: k + 1], i)) for k in range(i, n)) for i in range(n)]
    assert first.tolist() == expected
    for i in range(n):
        by_each = [
            sum(g[k] * np.prod(np.delete(x[: k + 1], [i, j])) for k in range(max(i, j), n)) if i != j else 0.0
            for j in range(n)
        ]
        assert tg.grad(first[i], t).tolist() == by_each


@SCANS
def test_what_stands_before_the_first_has_no_slope(scan):
    t = leaf([2.0, 3.0])
    scan(t, include_initial=True).backward([100.0, 1.0, 10.0])
    assert t.grad.tolist() == tg.grad(scan(t), t, [1.0, 10.0]).tolist()


@SCANS
def test_of_several_axes_one_must_be_named(scan):
    said = refusal(ValueError, lambda: scan(np.ones((2, 3))))
    assert scan.__name__ in said
    assert "name the one to go along" in said
    assert scan(np.ones((2, 3)), axis=-1).shape == (2, 3)


@SCANS
def test_a_number_has_no_axis_to_go_along(scan):
    """NumPy makes one number in an array of it, a shape that its gradient cannot have."""
    for x in (2.0, np.float64(2.0), leaf(2.0)):
        for axis in (None, 0, -1):
            said = refusal(ValueError, lambda x=x, axis=axis: scan(x, axis=axis))
            assert "a number has no axis to go along" in said


@SCANS
def test_nothing_goes_along_an_axis_that_is_not_there(scan):
    assert scan.__name__ in refusal(np.exceptions.AxisError, lambda: scan(np.ones((2, 3)), axis=2))


@SCANS
def test_nothing_has_nothing_before_it(scan):
    t = leaf(np.zeros((2, 0)))
    assert scan(t, axis=1).shape == (2, 0)
    y = scan(t, axis=1, include_initial=True)
    assert y.shape == (2, 1)
    assert tg.grad(y, t, np.ones((2, 1)), create_graph=True).shape == (2, 0)


def test_a_long_row_with_a_zero_in_it():
    """The slopes behind a zero reach back over all of it: one number in a thousand counts."""
    x = np.ones(1000)
    x[[3, 700]] = 0.0, 2.0
    t = leaf(x)
    tg.cumulative_prod(t).sum().backward()
    expected = np.zeros(1000)
    expected[:3] = 3.0, 2.0, 1.0
    expected[3] = (700 - 3) + 2 * (1000 - 700)
    np.testing.assert_array_equal(t.grad, expected)


def test_the_methods_scan_all_numbers_in_a_row_as_numpys_do():
    x = np.array([[1.0, 0.0, 3.0], [4.0, 5.0, 6.0]])
    t = leaf(x)
    for name in ("cumsum", "cumprod"):
        for y, expected in (
            (getattr(t, name)(), getattr(x, name)()),
            (getattr(t, name)(0), getattr(x, name)(0)),
            (getattr(t, name)(axis=-1), getattr(x, name)(axis=-1)),
        ):
            assert y.requires_grad
            np.testing.assert_array_equal(y.numpy(), expected)
    assert leaf(2.0).cumsum().tolist() == [2]
