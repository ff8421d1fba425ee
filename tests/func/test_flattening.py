"""A tree of arrays as one row, and back."""

from collections import namedtuple
from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko import func
from tinygrad_ko.testing import arrays

Pair = namedtuple("Pair", "W b")
TREES = st.recursive(
    arrays(),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.text(max_size=3), inner, min_size=1)
    | st.tuples(inner, inner) | st.builds(Pair, inner, inner),
    max_leaves=6,
)  # fmt: skip


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return type(b) is np.ndarray and (a.shape, a.dtype, a.tolist()) == (b.shape, b.dtype, b.tolist())
    keys = list(a) if isinstance(a, dict) else range(len(a))
    return type(a) is type(b) and len(a) == len(b) and all(same(a[key], b[key]) for key in keys)


@given(TREES)
def test_there_and_back(tree: Any) -> None:
    row, unflatten = func.flatten(tree)
    assert row.ndim == 1
    assert same(tree, unflatten(row))
    tg.check_gradient(lambda row: func.flatten(unflatten(row))[0] * 2, row)


def test_dtypes_numbers_and_lists() -> None:
    tree = {"half": np.ones(2, np.float16), "single": np.ones((1, 2), np.float32), "n": 3, "list": [[1.0], [2.0]]}
    row, unflatten = func.flatten(tree)
    assert (row.dtype, row.tolist()) == (np.float64, [1, 1, 1, 1, 3, 1, 2])
    back = unflatten(row + 0.5)
    assert [x.dtype for x in back.values()] == [np.float16, np.float32, np.float64, np.float64]
    assert (back["n"], back["list"].tolist()) == (3.5, [[1.5], [2.5]])
    assert func.flatten(tree["single"])[0].dtype == np.float32


def test_lists_whose_rows_differ_in_length_are_trees() -> None:
    """NumPy makes no array of them."""
    tree = ([1.0, 2.0, 3.0], 4.0, [[5.0], [6.0, 7.0]])
    row, unflatten = func.flatten(tree)
    assert row.tolist() == [1, 2, 3, 4, 5, 6, 7]
    first, number, (one, two) = unflatten(2 * row)
    assert (first.tolist(), number, one.tolist(), two.tolist()) == ([2, 4, 6], 8, [10], [12, 14])
    f = lambda p: tg.sum(p[0] * p[1]) + tg.sum(p[2][1]) * p[2][0][0]
    g = func.grad(f)(tree)
    assert (g[0].tolist(), g[1], g[2][0].tolist(), g[2][1].tolist()) == ([4, 4, 4], 6, [13], [5, 5])
    assert func.hvp(f, tree, tree)[1] == 6
    report = tg.check_gradient(f, tree)
    assert "p[2][1]" in str(report)


def test_nothing_is_shared() -> None:
    W = np.ones((2, 2))
    row, unflatten = func.flatten([W])
    (back,) = unflatten(row)
    row[0] = back[1, 1] = 5
    assert W.tolist() == [[1, 1], [1, 1]]
    assert back[0, 0] == row[3] == 1


def test_gradients_flow_through() -> None:
    w: Any = tg.Tensor([1.0, 2.0], requires_grad=True)
    row, unflatten = func.flatten({"w": w, "x": np.array([3.0])})
    (row**2).sum().backward()
    assert w.grad.tolist() == [2, 4]
    leaf = tg.Tensor(row.detach(), requires_grad=True)
    assert tg.grad(unflatten(leaf)["w"].sum(), leaf).numpy().tolist() == [1, 1, 0]
    value, g = func.value_and_grad(lambda row: (unflatten(row)["w"] * unflatten(row)["x"]).sum())(np.array([1.0, 2, 3]))
    assert (value, g.tolist()) == (9, [3, 3, 3])


def test_empty_trees_and_single_arrays() -> None:
    row, unflatten = func.flatten({})
    assert (row.shape, unflatten(row)) == ((0,), {})
    row, unflatten = func.flatten(2.0)
    assert (row.tolist(), unflatten(row).shape) == ([2], ())


def test_arrays_of_the_standard() -> None:
    row, unflatten = func.flatten({"a": array_api_strict.asarray([1.0, 2.0]), "b": array_api_strict.asarray([[3.0]])})
    assert type(row) is type(array_api_strict.asarray(1.0))
    assert np.asarray(unflatten(row * 2)["b"]).tolist() == [[6]]


def test_what_does_not_fit() -> None:
    tree: Any
    for tree in (np.arange(3), {"a": [np.ones(2), np.array([True])]}):
        with pytest.raises(TypeError, match=r"flatten: the tree.* holds (int|bool).*astype\(float\)") as caught:
            func.flatten(tree)
        assert caught.value.__notes__
    for tree in ("ab", [np.ones(2), None], object()):
        with pytest.raises(TypeError) as caught:
            func.flatten(tree)
        assert caught.value.__notes__
    for row in (np.ones(3), np.ones((2, 1)), 1.0, tg.Tensor([1.0])):
        with pytest.raises(ValueError, match=r"unflatten: a row of shape \(2,\) is needed, not") as wrong:
            func.flatten([1.0, 2.0])[1](row)
        assert wrong.value.__notes__
