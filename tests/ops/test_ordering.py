"""Order: ties, NaN, the ends of lines, and that a partition finds what a sort would find."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg
from tinygrad_ko.arrays.library import quick
from tinygrad_ko.check import check_gradient
from tinygrad_ko.ops.ordering import _METHODS, _ranked

SEEDS = st.integers(0, 2**32 - 1)
FEW = st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 0.5, 2.0, np.inf, np.nan])
NAN = float("nan")


def korean(error: BaseException) -> bool:
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def leaf(x: Any) -> Any:
    return tg.Tensor(x, requires_grad=True)


@st.composite
def lines(draw: Any) -> Any:
    """One to three lines, short or long, with many ties and NaN or with few."""
    size = (draw(st.integers(1, 3)), draw(st.integers(1, 40)))
    elements = FEW if draw(st.booleans()) else st.integers(-99, 99).map(float)
    return draw(hnp.arrays(draw(st.sampled_from([np.float64, np.float32])), size, elements=elements))


@given(lines(), st.booleans())
def test_of_equal_elements_the_first_comes_first(x: Any, descending: bool) -> None:
    order = quick.argsort(x, descending=descending)
    for row, places in zip(x.tolist(), order.tolist(), strict=True):
        key = [(np.isnan(v), 0.0 if np.isnan(v) else v) for v in row]
        sign = -1 if descending else 1
        assert places == sorted(range(len(row)), key=lambda i: (sign * key[i][0], sign * key[i][1], i))


@given(lines(), st.data(), st.booleans())
def test_a_partition_finds_what_a_sort_finds(x: Any, data: Any, descending: bool) -> None:
    n = x.shape[1]
    ranks = data.draw(st.lists(st.integers(0, n - 1), max_size=4))
    np.testing.assert_array_equal(_ranked(x, ranks, descending), quick.argsort(x, descending=descending)[:, ranks])


def test_long_lines_are_partitioned_and_not_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).permutation(np.arange(1000.0))
    monkeypatch.setattr("tinygrad_ko.arrays.library.quick.argsort", None)
    assert tg.top_k(x, 3).values.tolist() == [999, 998, 997]
    assert tg.median(x) == 499.5
    assert tg.quantile(x, [0.0, 1.0]).tolist() == [0, 999]


@given(lines(), st.data())
def test_quantiles_of_ties_are_numpys(x: Any, data: Any) -> None:
    q = data.draw(st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0, [0.1, 0.5]]))
    x = np.where(np.isinf(x), 3, x)  # NumPy's own blend makes NaN of infinities
    numpys: Any = np.quantile
    for method in _METHODS:
        expected = numpys(x, q, axis=1, method=method)
        np.testing.assert_allclose(tg.quantile(x, q, axis=1, method=method), expected, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(tg.median(x, axis=0), np.median(x, axis=0), rtol=1e-6, atol=1e-4)


def test_a_quantile_of_infinities_is_no_nan() -> None:
    x = np.array([-np.inf, 1.0, np.inf, np.inf])
    assert tg.quantile(x, [0, 1 / 3, 1 / 2, 1]).tolist() == [-np.inf, 1, np.inf, np.inf]


def test_nan_makes_a_median_nan_and_has_its_gradient() -> None:
    x = leaf([[1.0, NAN, 3.0], [4.0, 6.0, 5.0]])
    y = tg.median(x, axis=1)
    np.testing.assert_array_equal(y.numpy(), [NAN, 5])
    y.backward([10, 20])
    np.testing.assert_array_equal(x.grad, [[0, 10, 0], [0, 0, 20]])


def test_nan_comes_last_and_descending_first() -> None:
    x = [2.0, NAN, 1.0]
    np.testing.assert_array_equal(tg.sort(x), [1, 2, NAN])
    np.testing.assert_array_equal(tg.sort(x, descending=True), [NAN, 2, 1])
    np.testing.assert_array_equal(tg.top_k(x, 2).values, [NAN, 2])


@pytest.mark.parametrize(
    "f",
    [tg.sort, lambda x: tg.top_k(x, 2).values, tg.median, lambda x: tg.quantile(x, [0.3, 0.8])],
    ids=["sort", "top_k", "median", "quantile"],
)
class TestTies:
    def test_a_pair_is_a_kink_where_the_choice_is_one_of_the_slopes(self, f: Any) -> None:
        check_gradient(f, np.array([1.0, -2.0, 1.0, 0.5, 3.0]), order=1, rng=0)

    @pytest.mark.parametrize("x", [[1.0, 1.0, 1.0, 0.5], [2.0, 2.0, 2.0, 2.0, 2.0]])
    def test_where_all_equal_ones_move_together_the_gradient_is_the_slope(self, f: Any, x: Any) -> None:
        x = leaf(x)
        y = f(x)
        y.backward(np.ones(y.shape))
        step = np.where(x.data == x.data[0], 1.0, 0.0)
        slope = (np.sum(f(x.data + 1e-3 * step)) - np.sum(f(x.data - 1e-3 * step))) / 2e-3
        assert np.sum(x.grad * step) == pytest.approx(slope)


def test_three_equals_share_the_slopes_between_those_nearby() -> None:
    """No single one of them moves the middle: the slope along each is 0, and along all together it is 1."""
    report = check_gradient(tg.sort, np.array([1.0, 1.0, 1.0]), order=1, rng=0)
    assert [p.verdict for p in report.projections] == ["subgradient"]


def test_equal_elements_are_taken_in_their_order() -> None:
    x = leaf([1.0, 2.0, 2.0, 0.0, 2.0])
    values, indices = tg.top_k(x, 2)
    assert indices.tolist() == [1, 2]
    values.backward([10, 20])
    assert x.grad.tolist() == [0, 10, 20, 0, 0]
    assert tg.argsort(x, descending=True).tolist() == [1, 2, 4, 0, 3]


def test_top_k_is_a_pair_with_names() -> None:
    found = tg.top_k(np.array([[3.0, 1.0], [2.0, 4.0]]), 1, axis=0)
    assert found.values.tolist() == [[3, 4]]
    assert found.indices.tolist() == [[0, 1]]
    assert found.indices.dtype.kind == "i"
    empty = tg.top_k(leaf([1.0, 2.0]), 0)
    assert empty.values.shape == empty.indices.shape == (0,)


def test_float32_stays_and_integers_become_float64() -> None:
    x = np.array([1, 4, 2, 8], np.float32)
    for y in (tg.median(x), tg.quantile(x, 0.3), tg.quantile(x, np.array([0.3, 0.4])), tg.sort(x), tg.top_k(x, 1)[0]):
        assert y.dtype == np.float32
    w = leaf(x)
    tg.quantile(w, [0.3, 0.4]).sum().backward()
    assert w.grad.dtype == np.float32
    assert tg.median(np.array([1, 2])) == 1.5
    assert tg.sort(np.array([2, 1], np.uint8), descending=True).tolist() == [2, 1]


def test_a_number_has_a_median() -> None:
    x = leaf(3.0)
    tg.median(x).backward()
    assert x.grad.item() == 1
    assert tg.quantile(3.0, 0.2) == 3


def test_searchsorted_and_argsort_are_integers_and_constants() -> None:
    x = leaf([1.0, 2.0, 2.0, 3.0])
    assert tg.searchsorted(x, 2.0).tolist() == 1
    assert tg.searchsorted(x, leaf([2.0, 9.0]), side="right").tolist() == [3, 4]
    assert np.searchsorted(x, 2.0) == 1
    assert x.argsort().tolist() == tg.argsort(x).tolist() == [0, 1, 2, 3]
    assert isinstance(tg.argsort(x.numpy()), np.ndarray)
    assert isinstance(tg.argsort(x), tg.Tensor)
    assert not tg.argsort(x).requires_grad


def test_numpys_names() -> None:
    a = np.array([[3.0, 1.0, 2.0], [9.0, 7.0, 8.0]])
    x = leaf(a)
    calls: list[Any] = [
        np.sort,
        np.median,
        lambda v: np.sort(v, axis=0, kind="stable"),
        lambda v: np.sort(v, axis=None),
        lambda v: np.median(v, axis=1, keepdims=True),
        lambda v: np.quantile(v, 0.3, axis=0, method="lower"),
        lambda v: np.percentile(v, [20, 70], axis=1),
    ]
    for f in calls:
        assert f(x).requires_grad
        np.testing.assert_allclose(f(x).numpy(), f(a), rtol=1e-14)


BAD: list[tuple[Any, type[Exception], str]] = [
    (lambda: tg.top_k([1.0, 2.0], 3), ValueError, r"top_k: k is 3, but axis 0 of shape \(2,\) has 2 elements"),
    (lambda: tg.top_k([1.0, 2.0], -1), ValueError, r"top_k: k is -1"),
    (lambda: tg.top_k([1.0, 2.0], 1, axis=1), np.exceptions.AxisError, r"top_k: there is no axis 1"),
    (lambda: tg.top_k([1.0, 2.0], 1.5), TypeError, r"top_k: an integer is needed, not 1.5"),
    (lambda: tg.quantile([1.0], 1.5), ValueError, r"quantile: q must be from 0 to 1, got 1.5"),
    (lambda: tg.quantile([1.0], [NAN]), ValueError, r"q must be from 0 to 1"),
    (lambda: tg.quantile([1.0], 0.5, method="best"), ValueError, r"method must be one of 'linear', 'lower', .*, not 'best'"),
    (lambda: tg.quantile([], 0.5), ValueError, r"quantile: .* shape \(0,\) has no elements"),
    (lambda: tg.median(np.zeros((0, 2)), axis=0), ValueError, r"median: .* no elements"),
    (lambda: tg.median([[1.0]], axis=(0, -2)), ValueError, r"median: .* twice"),
    (lambda: tg.median([1.0], axis=1), np.exceptions.AxisError, r"median: there is no axis 1"),
    (lambda: tg.quantile([1.0, 2.0], leaf(0.5)), TypeError, r"quantile: no gradient can be given for 'q'"),
    (lambda: tg.sort([1.0], axis=1), np.exceptions.AxisError, r"sort"),
    (lambda: tg.sort(1.0), ValueError, r"sort.*no axis"),
    (lambda: tg.argsort([1.0], axis=-2), np.exceptions.AxisError, r"argsort: there is no axis -2"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[message[:40] for _, _, message in BAD])
def test_what_has_no_order_is_refused_with_words(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        call()
    assert korean(caught.value)
