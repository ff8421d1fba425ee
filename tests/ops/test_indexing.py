"""What the docstrings of indexing promise beyond values and slopes: errors, repeats, what a gradient costs."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ko as tg
from tinygrad_ko.ops.indexing import getitem

SEEDS = st.integers(0, 2**32 - 1)
TABLE = np.arange(6.0).reshape(3, 2)


def korean(error: BaseException) -> bool:
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def leaf(x: Any) -> Any:
    return tg.Tensor(x, requires_grad=True)


BAD: list[tuple[Any, type[Exception], str]] = [
    (lambda: tg.embedding(TABLE, [0, 3]), ValueError, r"embedding: id 3 at position 1 is not one of the 3 rows 0\.\.2"),
    (lambda: tg.embedding(TABLE, [[0, 1], [-1, 0]]), ValueError, r"embedding: id -1 at position \(1, 0\)"),
    (lambda: tg.embedding(TABLE, 7), ValueError, r"embedding: id 7 is not one of the 3 rows"),
    (lambda: tg.embedding(TABLE[:0], [0]), ValueError, r"there are none"),
    (lambda: tg.embedding(TABLE, [0.0, 1.0]), TypeError, r"embedding\(W, ids\): ids must be integers, not float64\[2\]"),
    (lambda: tg.embedding([0, 1], leaf(TABLE)), TypeError, r"embedding\(W, ids\): no gradient"),
    (lambda: tg.embedding(TABLE, TABLE > 2), TypeError, r"ids must be integers, not bool\[3, 2\]"),
    (lambda: tg.embedding(1.0, [0]), ValueError, r"no rows"),
    (lambda: tg.take(TABLE, [0, 5], axis=0), IndexError, r"take: index 5 at position 1 is out of range for axis 0 of length 3"),
    (lambda: tg.take(TABLE, [-3], axis=1), IndexError, r"take: index -3 at position 0 is out of range for axis 1"),
    (lambda: tg.take(TABLE, [0]), ValueError, r"take: x has shape \(3, 2\); say along which axis"),
    (lambda: tg.take(TABLE, [0.5], axis=0), TypeError, r"take: indices must be integers"),
    (lambda: tg.take(TABLE, [0], axis=2), np.exceptions.AxisError, r"take: there is no axis 2"),
    (lambda: tg.take(TABLE, [0], axis="0"), TypeError, r"take: an integer is needed"),
    (lambda: tg.take_along_axis(TABLE, [0]), ValueError, r"shape \(3, 2\) and indices of shape \(1,\) differ"),
    (lambda: tg.take_along_axis(TABLE, [[0], [0]]), ValueError, r"indices of shape \(2, 1\) differ in another axis than axis 1"),
    (lambda: tg.take_along_axis(TABLE, [[9]]), IndexError, r"take_along_axis: index 9 at position \(0, 0\)"),
    (lambda: tg.scatter_add(TABLE, [3], 1.0), IndexError, r"scatter_add.*index 3 is out of bounds for axis 0 with size 3"),
    (lambda: tg.scatter_add(TABLE, [0], [1.0, 2.0, 3.0]), ValueError, r"scatter_add"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[message[:40] for _, _, message in BAD])
def test_what_cannot_be_taken_is_refused_with_words(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        call()
    assert korean(caught.value)


@pytest.mark.parametrize("ids", [[2, 0, 2], (2, 0, 2), np.array([2, 0, 2], np.uint8), tg.Tensor([2, 0, 2], dtype=int)])
def test_ids_in_every_form(ids: Any) -> None:
    W = leaf(TABLE)
    out = tg.embedding(W, ids)
    out.sum().backward()
    assert out.tolist() == [[4, 5], [0, 1], [4, 5]]
    assert W.grad.tolist() == [[1, 1], [0, 0], [2, 2]]


@pytest.mark.parametrize("ids", [[], np.zeros((0, 2), int)])
def test_no_ids_give_no_rows_and_a_gradient_of_zeros(ids: Any) -> None:
    W = leaf(TABLE)
    out = tg.embedding(W, ids)
    assert out.shape == (*np.shape(ids), 2)
    out.sum().backward()
    assert not W.grad.any()


def test_a_list_inside_an_index_counts_its_repeats_even_in_the_raw_op() -> None:
    indices: list[Any] = [[0, 0], ([0, 0],), ([0, 0], slice(None)), (slice(None), [1, 1])]
    for index in indices:
        W = leaf(TABLE)
        getitem(W, index=index).sum().backward()
        expected = np.zeros_like(TABLE)
        np.add.at(expected, index, 1)
        assert W.grad.tolist() == expected.tolist()


@given(SEEDS)
def test_take_and_its_gradient_are_those_of_an_index(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, ids = rng.normal(size=(3, 4, 2)), rng.integers(-4, 4, (2, 3))
    a, b = leaf(x), leaf(x)
    g = rng.normal(size=(3, 2, 3, 2))
    tg.take(a, ids, axis=1).backward(g)
    b[:, ids].backward(g)
    np.testing.assert_array_equal(a.grad, b.grad)


def test_adding_at_an_index_writes_to_nobody() -> None:
    x, values = np.zeros(3), np.ones(2)
    out = tg.scatter_add(x, [1, 1], values)
    assert (x.tolist(), out.tolist(), values.tolist()) == ([0, 0, 0], [0, 2, 0], [1, 1])
    for index in (slice(0, 2), x == 0, (), ..., (None, 0)):
        assert tg.scatter_add(x, index, 1.0).tolist() == (x + added(x, index)).tolist()


def added(x: Any, index: Any) -> Any:
    ones = np.zeros_like(x)
    ones[index] = 1
    return ones


def test_what_is_added_takes_the_dtype_of_a_sum() -> None:
    assert tg.scatter_add(np.zeros(2, np.float32), [0], 1.0).dtype == np.float32
    assert tg.scatter_add(np.zeros(2, np.float32), [0], np.ones(1)).dtype == np.float64
    assert tg.scatter_add(np.zeros(2, int), [0], [0.5]).tolist() == [0.5, 0]
    x, v = leaf(np.zeros(2, np.float32)), leaf(np.ones((), np.float32))
    tg.scatter_add(x, [0, 0], v).backward([3, 5])
    assert (x.grad.tolist(), v.grad.item()) == ([3, 5], 6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_gradient_of_a_table_costs_the_rows_and_one_array_of_zeros(dtype: Any) -> None:
    W = leaf(np.ones((2_000, 64), dtype))
    y = tg.embedding(W, np.arange(10) // 2).sum() + W[:3].sum() + (W[[5, 5], 0] ** 2).sum()
    tracemalloc.start()
    try:
        y.backward()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert W.data.nbytes <= peak < 1.05 * W.data.nbytes
    assert W.grad.sum() == 10 * 64 + 3 * 64 + 4


def test_methods_and_numpys_names() -> None:
    W = leaf(TABLE)
    for out, expected in [
        (W.take([1, 1]), TABLE.take([1, 1])),
        (W.take([1, 1], 0), TABLE.take([1, 1], 0)),
        (np.take(W, [[0], [5]]), np.take(TABLE, [[0], [5]])),
        (np.take(W, [1], axis=1), np.take(TABLE, [1], axis=1)),
        (np.take_along_axis(W, np.array([[1], [0], [1]]), 1), [[1], [2], [5]]),
        (np.take_along_axis(W, np.array([4, 0]), None), [4, 0]),
        (np.take(W, [-1, 9], mode="clip"), np.take(TABLE, [-1, 9], mode="clip")),
    ]:
        assert out.requires_grad
        assert out.tolist() == np.asarray(expected).tolist()
