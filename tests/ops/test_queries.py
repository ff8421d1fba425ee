"""Questions whose answers have no gradient: NumPy's, on arrays and Tensors, on lists, and on arrays of the standard."""

from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tests.ops.test_shape import refusal

QUERIES = pytest.mark.parametrize("query", [tg.all, tg.any, tg.count_nonzero, tg.argmax, tg.argmin])


@QUERIES
def test_the_answers_are_numpys_and_constants(query):
    several = query not in (tg.argmax, tg.argmin)

    @given(
        hnp.arrays(float, hnp.array_shapes(min_dims=1, max_dims=3, max_side=4), elements=st.integers(-1, 1)),
        st.data(),
        st.booleans(),
    )
    def holds(x, data, keepdims):
        one = st.integers(-x.ndim, x.ndim - 1)
        tuples = st.lists(one, min_size=1, unique_by=lambda i: i % x.ndim).map(tuple)
        axis = data.draw(st.none() | one | tuples if several else st.none() | one)
        expected = np.asarray(getattr(np, query.__name__)(x, axis=axis, keepdims=keepdims))  # NumPy 2.1 counts in int
        leaf: Any = tg.Tensor(x, requires_grad=True)
        for of in (x, leaf, tg.Tensor(x)):
            found = query(of, axis=axis, keepdims=keepdims)
            assert isinstance(found, tg.Tensor) == isinstance(of, tg.Tensor)
            assert not getattr(found, "requires_grad", False)
            assert np.asarray(found).dtype.kind == expected.dtype.kind
            np.testing.assert_array_equal(found, expected, strict=True)
        strict = query(tg.Tensor(array_api_strict.asarray(x)), axis=axis, keepdims=keepdims)
        assert isinstance(strict.data, type(array_api_strict.zeros(1)))
        np.testing.assert_array_equal(np.asarray(strict), expected)

    holds()


@QUERIES
def test_lists_numbers_and_truth_values_are_asked_too(query):
    f = getattr(np, query.__name__)
    for x in ([[1, 0], [2, 3]], 3.0, [True, False], np.array([0, 5], np.uint8), np.float32(0)):
        assert query(x) == f(x)


@QUERIES
def test_an_axis_that_is_not_there(query):
    said = refusal((np.exceptions.AxisError, ValueError), lambda: query(tg.Tensor([[1.0]]), axis=2))
    assert said.startswith(f"{query.__name__}(float64[1, 1])")


def test_of_nothing():
    assert tg.all([])
    assert not tg.any([])
    assert tg.count_nonzero(np.zeros((0, 2)), axis=0).tolist() == [0, 0]
    for query in (tg.argmax, tg.argmin):
        assert query.__name__ in refusal(ValueError, lambda query=query: query([]))


def test_the_methods():
    x = np.array([[1.0, 0.0], [2.0, 3.0]])
    leaf: Any = tg.Tensor(x, requires_grad=True)
    for name in ("all", "any", "argmax", "argmin"):
        for axis in (None, 0, -1):
            for keepdims in (False, True):
                found = getattr(leaf, name)(axis, keepdims=keepdims)
                np.testing.assert_array_equal(found, getattr(x, name)(axis, keepdims=keepdims), strict=True)
