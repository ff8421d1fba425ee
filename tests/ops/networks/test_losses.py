"""The losses: every form of prediction and target, extreme scores, and gradients of both orders."""

from typing import Any

import array_api_strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg

SEEDS = st.integers(0, 2**32 - 1)
CROSS_ENTROPIES = pytest.mark.parametrize(
    "loss", [tg.cross_entropy_error, tg.softmax_cross_entropy], ids=["with 1e-7", "from scores"]
)


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def exact_cross_entropy(scores, t):
    """Straight from the definition, in long double, for a batch of distributions t."""
    scores = np.asarray(scores, np.longdouble)
    shifted = scores - scores.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return float(-(np.asarray(t) * log_p).sum() / len(scores))


def book_cross_entropy(y, t):
    """As the book writes it, for a batch of distributions t."""
    return -np.sum(t * np.log(y + 1e-7)) / y.shape[0]


@st.composite
def batches(draw, most_classes=6):
    """Scores of a batch and one label for each row."""
    rng = np.random.default_rng(draw(SEEDS))
    n, k = draw(st.integers(1, 5)), draw(st.integers(1, most_classes))
    return rng.normal(scale=3, size=(n, k)), rng.integers(0, k, size=n)


def forms(labels, k):
    """The targets of a batch in every form: labels of several kinds, one-hot rows of several kinds."""
    one_hot = np.eye(k)[labels]
    yield from (
        labels,
        labels.astype(np.uint8),
        labels.astype(np.int32),
        labels.tolist(),
        tuple(labels.tolist()),
        tg.Tensor(labels),
    )
    yield from (
        one_hot,
        one_hot.astype(int),
        one_hot.astype(np.float32),
        one_hot.astype(bool),
        one_hot.tolist(),
        tg.Tensor(one_hot),
    )


def single_forms(label, k):
    """The target of one sample in every form."""
    one_hot = np.eye(k)[label]
    yield from (int(label), np.int64(label), np.uint8(label), np.array(label))
    yield from (one_hot, one_hot.astype(int), one_hot.tolist(), tg.Tensor(one_hot))


# ---------------------------------------------------------------- values


@given(batches())
def test_cross_entropies_of_a_batch_in_every_form(batch):
    scores, labels = batch
    k = scores.shape[1]
    exact, y = exact_cross_entropy(scores, np.eye(k)[labels]), tg.softmax(scores)
    book = book_cross_entropy(y, np.eye(k)[labels])
    for t in forms(labels, k):
        assert float(tg.softmax_cross_entropy(scores, t)) == pytest.approx(exact, rel=1e-12, abs=1e-14)
        assert float(tg.cross_entropy_error(y, t)) == pytest.approx(book, rel=1e-12, abs=1e-14)
        for value, expected in (
            (tg.softmax_cross_entropy(tg.Tensor(scores), t), exact),
            (tg.cross_entropy_error(tg.Tensor(y), t), book),
        ):
            assert isinstance(value, tg.Tensor)
            assert value.shape == ()
            assert value.item() == pytest.approx(expected, rel=1e-12, abs=1e-14)


@given(batches())
def test_cross_entropies_of_one_sample_in_every_form(batch):
    scores, labels = batch
    row, label, k = scores[0], labels[0], scores.shape[1]
    exact = exact_cross_entropy(row[None], np.eye(k)[[label]])
    book = book_cross_entropy(tg.softmax(row)[None], np.eye(k)[[label]])
    for t in single_forms(label, k):
        for form in (tg.Tensor, np.array):
            found = tg.softmax_cross_entropy(form(row), t)
            found_book = tg.cross_entropy_error(form(tg.softmax(row)), t)
            assert np.shape(found) == np.shape(found_book) == ()
            assert float(found) == pytest.approx(exact, rel=1e-12, abs=1e-14)
            assert float(found_book) == pytest.approx(book, rel=1e-12, abs=1e-14)


@given(batches(), SEEDS)
def test_soft_targets(batch, seed):
    scores, _ = batch
    t = np.random.default_rng(seed).dirichlet(np.ones(scores.shape[1]), size=len(scores))
    assert tg.softmax_cross_entropy(scores, t) == pytest.approx(exact_cross_entropy(scores, t), rel=1e-12, abs=1e-14)
    assert tg.softmax_cross_entropy(scores[0], t[0]) == pytest.approx(
        exact_cross_entropy(scores[:1], t[:1]), rel=1e-12, abs=1e-14
    )
    y = tg.softmax(scores)
    assert tg.cross_entropy_error(y, t) == pytest.approx(book_cross_entropy(y, t), rel=1e-13)


@given(
    hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, max_dims=3, max_side=4), elements=st.floats(-100, 100)), SEEDS
)
def test_the_sum_of_squares_in_every_form(y, seed):
    t = np.random.default_rng(seed).normal(size=y.shape)
    expected = 0.5 * np.sum((y - t) ** 2)
    assert tg.sum_squares_error(y, t) == expected
    for a, b in ((tg.Tensor(y), t), (y, tg.Tensor(t)), (tg.Tensor(y), tg.Tensor(t))):
        assert tg.sum_squares_error(a, b).item() == pytest.approx(expected, rel=1e-14)
    with_whole_numbers = np.round(t).astype(int)
    assert tg.sum_squares_error(y, with_whole_numbers) == 0.5 * np.sum((y - with_whole_numbers) ** 2)


def test_the_sum_of_squares_is_not_a_mean():
    """Of a batch it is the sum over the batch, as the book defines it."""
    assert tg.sum_squares_error(np.ones((4, 3)), np.zeros((4, 3))) == 6.0


@pytest.mark.parametrize("label", [0, 1, 2])
def test_lists_are_predictions_too(label):
    y = [0.2, 0.3, 0.5]
    assert tg.cross_entropy_error(y, label) == tg.cross_entropy_error(np.array(y), label)
    assert tg.softmax_cross_entropy(y, label) == tg.softmax_cross_entropy(np.array(y), label)
    assert tg.sum_squares_error(y, np.eye(3)[label].tolist()) == tg.sum_squares_error(np.array(y), np.eye(3)[label])


@CROSS_ENTROPIES
def test_of_a_single_class_there_is_nothing_to_guess(loss):
    y = np.array([[1.0], [1.0], [1.0]])
    for t in ([0, 0, 0], np.ones((3, 1))):
        assert loss(y, t) == pytest.approx(0, abs=1.1e-7)
    assert loss(y[0], 0) == pytest.approx(0, abs=1.1e-7)
    leaf: Any = tg.Tensor(y, requires_grad=True)
    tg.softmax_cross_entropy(leaf, [0, 0, 0]).backward()
    assert leaf.grad.tolist() == [[0], [0], [0]]


def test_a_big_batch():
    rng = np.random.default_rng(0)
    scores, t = rng.normal(size=(20_000, 10)), rng.integers(0, 10, size=20_000)
    leaf: Any = tg.Tensor(scores, requires_grad=True)
    loss = tg.softmax_cross_entropy(leaf, t)
    loss.backward()
    assert loss.item() == pytest.approx(exact_cross_entropy(scores, np.eye(10)[t]), rel=1e-12)
    np.testing.assert_allclose(leaf.grad, (tg.softmax(scores) - np.eye(10)[t]) / 20_000, rtol=1e-12, atol=1e-20)


@CROSS_ENTROPIES
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_of_the_scores_stays(loss, dtype):
    y = np.array([[0.25, 0.75], [0.5, 0.5]], dtype)
    for t in ([0, 1], np.eye(2, dtype=dtype)):
        assert loss(y, t).dtype == dtype
        leaf: Any = tg.Tensor(y, requires_grad=True)
        out = loss(leaf, t)
        out.backward()
        assert out.dtype == leaf.grad.dtype == dtype


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, np.uint64])
def test_scores_of_whole_numbers_do_not_wrap_around(dtype):
    """1 - 3 is 254 in uint8."""
    scores = np.array([[1, 2, 3], [120, 0, 7]], dtype)
    exact = exact_cross_entropy(scores.astype(float), np.eye(3)[[2, 1]])
    assert tg.softmax_cross_entropy(scores, [2, 1]) == pytest.approx(exact)
    assert tg.softmax_cross_entropy(scores, np.eye(3)[[2, 1]]) == pytest.approx(exact)
    np.testing.assert_allclose(tg.softmax(scores), tg.softmax(scores.astype(float)))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_squares_of_whole_numbers_do_not_wrap_around(dtype):
    assert tg.sum_squares_error(np.array([100, 0], dtype), np.array([0, 100], dtype)) == 10_000


def test_bare_scores_of_another_library_stay_there():
    scores, t = np.eye(3), [0, 2, 1]
    out = tg.softmax_cross_entropy(array_api_strict.asarray(scores), t)
    assert type(out) is type(array_api_strict.asarray(scores))
    assert float(out) == pytest.approx(tg.softmax_cross_entropy(scores, t))


# ---------------------------------------------------------------- extremes


@pytest.mark.parametrize(("label", "expected"), [(0, 0.0), (1, 1000.0), (2, 2000.0)])
def test_extreme_scores(label, expected):
    scores = np.array([1000.0, 0.0, -1000.0])
    for t in (label, np.eye(3)[label]):
        assert tg.softmax_cross_entropy(scores, t) == expected
        leaf: Any = tg.Tensor(scores, requires_grad=True)
        loss = tg.softmax_cross_entropy(leaf, t)
        loss.backward()
        assert loss.item() == expected
        np.testing.assert_array_equal(leaf.grad, [1, 0, 0] - np.eye(3)[label])


@given(st.floats(-1e6, 1e6), batches())
def test_the_same_number_on_every_score_changes_nothing(shift, batch):
    scores, t = batch
    assert tg.softmax_cross_entropy(scores + shift, t) == pytest.approx(
        tg.softmax_cross_entropy(scores, t), rel=1e-9, abs=1e-9
    )


@given(
    hnp.arrays(np.float64, (3, 4), elements=st.floats(-1e300, 1e300)),
    hnp.arrays(np.int64, 3, elements=st.integers(0, 3)),
)
def test_it_is_never_below_0_and_finite_for_any_scores(scores, t):
    leaf: Any = tg.Tensor(scores, requires_grad=True)
    loss = tg.softmax_cross_entropy(leaf, t)
    loss.backward()
    assert 0 <= loss.item() < np.inf
    assert np.isfinite(leaf.grad).all()
    np.testing.assert_allclose(leaf.grad.sum(axis=1), 0, atol=1e-15)


def test_a_class_that_is_ruled_out_by_minus_infinity():
    scores = np.array([0.0, -np.inf, 0.0])
    assert tg.softmax_cross_entropy(scores, 0) == pytest.approx(np.log(2))
    leaf: Any = tg.Tensor(scores, requires_grad=True)
    tg.softmax_cross_entropy(leaf, 0).backward()
    np.testing.assert_allclose(leaf.grad, [-0.5, 0, 0.5])


def test_probabilities_of_0_and_1_are_finite():
    y: Any = tg.Tensor([[0.0, 1.0], [1.0, 0.0]], requires_grad=True)
    loss = tg.cross_entropy_error(y, [0, 0])
    loss.backward()
    assert loss.item() == pytest.approx(-(np.log(1e-7) + np.log(1 + 1e-7)) / 2)
    np.testing.assert_allclose(y.grad, [[-0.5 / 1e-7, 0], [-0.5 / (1 + 1e-7), 0]])


# ---------------------------------------------------------------- gradients


@given(batches(), st.floats(-3, 3))
def test_the_gradient_from_scores_is_softmax_minus_one_hot_over_n(batch, g):
    scores, labels = batch
    n, k = scores.shape
    for t in (labels, np.eye(k)[labels]):
        leaf: Any = tg.Tensor(scores, requires_grad=True)
        tg.softmax_cross_entropy(leaf, t).backward(g)
        np.testing.assert_allclose(leaf.grad, g * (tg.softmax(scores) - np.eye(k)[labels]) / n, rtol=1e-12, atol=1e-15)


@given(batches(), SEEDS, st.sampled_from(["labels", "one-hot", "soft"]), st.booleans())
def test_cross_entropy_from_scores_to_the_second_order(batch, seed, form, single):
    scores, labels = batch
    k = scores.shape[1]
    soft = np.random.default_rng(seed).dirichlet(np.ones(k), size=len(scores))
    t = {"labels": labels, "one-hot": np.eye(k)[labels], "soft": soft}[form]
    if single:
        scores, t = scores[0], t[0]
    tg.check_gradient(lambda s: tg.softmax_cross_entropy(s, t), scores, order=2)


@given(batches(4), st.sampled_from(["labels", "one-hot"]), st.booleans())
def test_cross_entropy_of_probabilities_to_the_second_order(batch, form, single):
    scores, labels = batch
    y = 0.1 + tg.softmax(scores)  # away from the steep end at 0
    t = labels if form == "labels" else np.eye(y.shape[1])[labels]
    if single:
        y, t = y[0], t[0]
    tg.check_gradient(lambda y: tg.cross_entropy_error(y, t), y, order=2)


@given(SEEDS, hnp.array_shapes(min_dims=0, max_dims=2, max_side=4))
def test_the_sum_of_squares_to_the_second_order(seed, shape):
    y, t = np.random.default_rng(seed).normal(size=(2, *shape))
    leaf: Any = tg.Tensor(y, requires_grad=True)
    other: Any = tg.Tensor(t, requires_grad=True)
    tg.sum_squares_error(leaf, other).backward()
    np.testing.assert_allclose(leaf.grad, y - t, rtol=1e-15)
    np.testing.assert_allclose(other.grad, t - y, rtol=1e-15)
    tg.check_gradient(tg.sum_squares_error, y, t, order=2)


@given(batches(4), SEEDS)
def test_soft_targets_may_want_a_gradient_too(batch, seed):
    """Distillation: the target is itself computed."""
    scores, _ = batch
    t = np.random.default_rng(seed).dirichlet(np.ones(scores.shape[1]), size=len(scores))
    t_leaf: Any = tg.Tensor(t, requires_grad=True)
    tg.softmax_cross_entropy(tg.Tensor(scores), t_leaf).backward()
    np.testing.assert_allclose(t_leaf.grad, -tg.log_softmax(scores) / len(scores), rtol=1e-12)
    tg.check_gradient(tg.softmax_cross_entropy, scores, t)


def test_the_labels_are_not_touched_and_may_change_before_backward():
    scores: Any = tg.Tensor(np.eye(3), requires_grad=True)
    t = np.array([0, 1, 2])
    loss = tg.softmax_cross_entropy(scores, t)
    t[:] = 0
    loss.backward()
    np.testing.assert_allclose(scores.grad, (tg.softmax(np.eye(3)) - np.eye(3)) / 3)
    assert t.tolist() == [0, 0, 0]


# ---------------------------------------------------------------- refused

AS_GIVEN = pytest.mark.parametrize(
    "form", [lambda a: a, tg.Tensor, lambda a: tg.Tensor(a, requires_grad=True)], ids=["array", "Tensor", "leaf"]
)


@CROSS_ENTROPIES
@AS_GIVEN
@pytest.mark.parametrize(
    ("t", "said"),
    [
        ([0, 1], "3 rows of 4 scores need 3 labels"),
        ([0, 1, 2, 3], "3 rows of 4 scores need 3 labels"),
        (0, "3 rows of 4 scores need 3 labels"),
        (np.zeros((3, 1), int), r"got shape \(3, 1\)"),
        (np.zeros((4, 3)), r"got shape \(4, 3\)"),
        (np.zeros((3, 5)), r"got shape \(3, 5\)"),
        (np.zeros((1, 3, 4)), r"got shape \(1, 3, 4\)"),
        ([0, 4, 1], "label 4 at position 1 is not one of the 4 classes 0..3"),
        ([0, 1, -1], "label -1 at position 2"),
        (np.array([255, 0, 0], np.uint8), "label 255 at position 0"),
    ],
    ids=str,
)
def test_targets_of_a_batch_that_do_not_fit(loss, form, t, said):
    with pytest.raises(ValueError, match=said) as caught:
        loss(form(np.full((3, 4), 0.25)), t)
    assert loss.__name__ in str(caught.value)
    assert korean(caught.value)


@CROSS_ENTROPIES
@AS_GIVEN
@pytest.mark.parametrize("t", [4, -1, [0], [0, 1], np.zeros((4, 1)), np.zeros((2, 4)), np.zeros(5)], ids=str)
def test_targets_of_one_sample_that_do_not_fit(loss, form, t):
    with pytest.raises(ValueError, match="label") as caught:
        loss(form(np.full(4, 0.25)), t)
    assert korean(caught.value)


@CROSS_ENTROPIES
@AS_GIVEN
@pytest.mark.parametrize(
    "t",
    [
        [0.0, 1.0, 2.0],
        [True, False, True],
        ["a", "b", "c"],
        [None, None, None],
        tg.Tensor([0.0, 1.0, 2.0]),
        tg.Tensor([0.0, 1.0, 2.0], requires_grad=True),
    ],
    ids=str,
)
def test_labels_that_are_not_integers(loss, form, t):
    with pytest.raises(TypeError, match="labels must be integers") as caught:
        loss(form(np.full((3, 4), 0.25)), t)
    assert korean(caught.value)


@CROSS_ENTROPIES
@AS_GIVEN
@pytest.mark.parametrize("shape", [(), (2, 3, 4)])
def test_predictions_with_another_number_of_axes(loss, form, shape):
    with pytest.raises(ValueError, match=r"\(n,\) or \(batch, n\)") as caught:
        loss(form(np.zeros(shape)), 0)
    assert korean(caught.value)


@CROSS_ENTROPIES
@AS_GIVEN
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0,)])
def test_predictions_without_rows_or_classes(loss, form, shape):
    """The mean of nothing is nan."""
    t = np.zeros(shape[0] if len(shape) == 2 else (), int)
    with pytest.raises(ValueError, match=loss.__name__) as caught:
        loss(form(np.zeros(shape)), t)
    assert korean(caught.value)


@AS_GIVEN
@pytest.mark.parametrize(
    ("y", "t"),
    [((3,), (3, 1)), ((3, 3), (3,)), ((4, 3), (3,)), ((4, 3), (4,)), ((2, 3), ()), ((3,), (1,)), ((), (3,))],
    ids=str,
)
def test_the_sum_of_squares_does_not_stretch_what_does_not_fit(form, y, t):
    """Labels in place of one-hot rows, or a column in place of a row, would give a number, and a wrong one."""
    with pytest.raises(ValueError, match="shape") as caught:
        tg.sum_squares_error(form(np.zeros(y)), np.ones(t))
    assert korean(caught.value)
