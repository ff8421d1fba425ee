"""Losses of each number against its own target: forms, reductions, kinks, far ends, and what is refused."""

from typing import Any

import array_api_strict
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ko as tg

LOSSES = [tg.mean_squared_error, tg.mean_absolute_error, tg.huber_loss, tg.sigmoid_cross_entropy, tg.hinge_loss]
every = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=4)


def korean(error):
    return any("가" <= letter <= "힣" for note in getattr(error, "__notes__", []) for letter in note)


def slope(loss, y, t, **options):
    leaf: Any = tg.Tensor(y, requires_grad=True)
    loss(leaf, t, reduction="sum", **options).backward()
    return leaf.grad


# ---------------------------------------------------------------- forms and reductions


@every
@given(shape=SHAPES, seed=st.integers(0, 99))
def test_the_mean_and_the_sum_are_those_of_the_losses_of_the_elements(loss, shape, seed):
    rng = np.random.default_rng(seed)
    y, t = rng.normal(size=shape), rng.choice([-1.0, 1.0], size=shape)
    each = loss(y, t, reduction="none")
    assert np.shape(each) == shape
    assert float(loss(y, t)) == float(loss(y, t, reduction="mean")) == pytest.approx(np.mean(each), rel=1e-14)
    assert float(loss(y, t, reduction="sum")) == pytest.approx(np.sum(each), rel=1e-14)
    for a, b in ((tg.Tensor(y), t), (tg.Tensor(y), t.astype(int)), (y.tolist(), t.tolist()), (y, tg.Tensor(t))):
        assert np.asarray(loss(a, b, reduction="none")).tobytes() == np.asarray(each).tobytes()


@every
@pytest.mark.parametrize("t", [[1, -1], [1.0, -1.0], np.array([1, -1], np.int8)], ids=str)
def test_float32_predictions_keep_their_dtype_beside_lists_and_whole_numbers(loss, t):
    y: Any = tg.Tensor(np.array([0.25, 0.5], np.float32), requires_grad=True)
    out = loss(y, t)
    out.backward()
    assert (out.dtype, y.grad.dtype, loss(y.numpy(), t).dtype) == (np.float32, np.float32, np.float32)


def test_a_delta_of_numpy_does_not_draw_float64_in():
    y: Any = tg.Tensor(np.array([0.25, 5.0], np.float32), requires_grad=True)
    loss = tg.huber_loss(y, [0.0, 0.0], np.float64(2.0))
    assert loss.node.parents[0].dtype == loss.dtype == np.float32


@pytest.mark.parametrize("loss", [tg.mean_squared_error, tg.mean_absolute_error, tg.huber_loss])
def test_differences_of_whole_numbers_do_not_wrap_around(loss):
    y, t = np.array([0, 200], np.uint8), np.array([100, 0], np.uint8)
    assert loss(y, t) == loss(y.astype(float), t.astype(float))


def test_targets_may_want_a_gradient_too():
    t: Any = tg.Tensor([0.3, 0.7], requires_grad=True)
    tg.sigmoid_cross_entropy([1.0, -2.0], t, reduction="sum").backward()
    assert t.grad.tolist() == [-1, 2]
    tg.mean_squared_error([1.0, -2.0], t).backward()
    np.testing.assert_allclose(t.grad, [-1 + (0.3 - 1), 2 + (0.7 + 2)])


@every
def test_bare_arrays_of_another_library_stay_there(loss):
    y, t = [0.25, -0.5, 2.0], [1, -1, 1]
    out = loss(array_api_strict.asarray(y), t)
    assert type(out) is type(array_api_strict.asarray(y))
    assert float(out) == pytest.approx(loss(y, t))


# ---------------------------------------------------------------- kinks and far ends


def test_the_slopes_at_the_kinks():
    assert slope(tg.mean_absolute_error, [1.0, 2.0, 0.0], [1.0, 1.0, 1.0]).tolist() == [0, 1, -1]
    assert slope(tg.huber_loss, [2.0, -2.0, 3.0], [0.0, 0.0, 0.0], delta=2.0).tolist() == [2, -2, 2]
    assert slope(tg.hinge_loss, [1.0, -1.0, 0.5, 3.0], [1, -1, 1, 1]).tolist() == [0, 0, -1, 0]


def test_the_second_slope_of_huber_where_the_first_bends():
    d = tg.Tensor([1.0, -1.0, 0.5, 1.5], requires_grad=True)
    (first,) = tg.grad(tg.huber_loss(d, np.zeros(4), reduction="sum"), [d], create_graph=True)
    assert tg.grad(first, d, np.ones(4)).tolist() == [1, 1, 1, 0]


def exact_binary(s, t):
    """The loss and its slope, with 600 digits."""
    with mpmath.workdps(600):
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(s)))
        t = mpmath.mpf(t)
        loss = -(t * mpmath.log(p) if t else 0) - ((1 - t) * mpmath.log1p(-p) if t != 1 else 0)
        return float(loss), float(p - t)


@pytest.mark.parametrize(
    "s", [-1000.0, -745.0, -40.0, -30.0, -1e-9, -1e-300, 0.0, 1e-12, 0.5, 37.0, 40.0, 705.0, 1000.0]
)
@pytest.mark.parametrize("t", [0.0, 1.0, 0.25])
def test_binary_cross_entropy_and_its_slope_at_the_far_ends(s, t):
    """At most 4 units in the last place; sigmoid(s) - t would lose all digits of the slope from 37 on."""
    loss, gradient = exact_binary(s, t)
    found = tg.sigmoid_cross_entropy(s, t)
    assert abs(found - loss) <= 4 * np.spacing(abs(loss))
    assert abs(slope(tg.sigmoid_cross_entropy, [s], [t])[0] - gradient) <= 4 * np.spacing(abs(gradient))


@given(hnp.arrays(np.float64, 4, elements=st.floats(-1e300, 1e300)), st.integers(0, 99))
def test_binary_cross_entropy_is_finite_and_not_below_0_for_any_scores(s, seed):
    t = np.random.default_rng(seed).choice([0.0, 1.0, 0.5], 4)
    each = tg.sigmoid_cross_entropy(s, t, reduction="none")
    assert (each >= 0).all()
    assert np.isfinite(each).all()
    assert (np.abs(slope(tg.sigmoid_cross_entropy, s, t)) <= 1).all()


def test_binary_cross_entropy_is_softmax_cross_entropy_of_two_scores():
    s, t = np.array([-2.0, 0.3, 1.5]), np.array([0, 1, 1])
    two = np.stack([np.zeros(3), s], axis=1)
    assert tg.sigmoid_cross_entropy(s, t) == pytest.approx(tg.softmax_cross_entropy(two, t), rel=1e-14)


def test_an_outlier_pulls_on_huber_with_delta_and_no_more():
    assert slope(tg.huber_loss, [1e9, -1e300], [0.0, 0.0], delta=0.5).tolist() == [0.5, -0.5]
    assert tg.huber_loss([np.inf], [0.0]) == np.inf


# ---------------------------------------------------------------- refused


@every
@pytest.mark.parametrize("form", [np.asarray, tg.Tensor, lambda a: tg.Tensor(a, requires_grad=True)])
@pytest.mark.parametrize(
    ("y", "t"), [((3,), (3, 1)), ((3, 1), (3,)), ((2, 3), (3,)), ((3,), ()), ((0,), (1,))], ids=str
)
def test_shapes_that_differ_are_refused(loss, form, y, t):
    with pytest.raises(ValueError, match=rf"^{loss.__name__}: predictions of shape") as caught:
        loss(form(np.zeros(y)), np.ones(t))
    assert str(y) in str(caught.value)
    assert str(t) in str(caught.value)
    assert korean(caught.value)


@every
def test_the_mean_of_nothing_is_refused_and_its_sum_is_0(loss):
    nothing = np.zeros((0, 3))
    with pytest.raises(ValueError, match=rf"^{loss.__name__}: there is no mean of nothing") as caught:
        loss(nothing, nothing)
    assert korean(caught.value)
    assert loss(nothing, nothing, reduction="sum") == 0
    assert loss(nothing, nothing, reduction="none").shape == (0, 3)


@every
@pytest.mark.parametrize("reduction", ["average", None, "", "Mean"])
def test_an_unknown_reduction_is_refused(loss, reduction):
    with pytest.raises(ValueError, match=rf"^{loss.__name__}: reduction must be") as caught:
        loss([1.0], [1.0], reduction=reduction)
    assert korean(caught.value)


@pytest.mark.parametrize("delta", [0, -1.0, np.nan, np.inf])
def test_a_delta_that_is_not_above_0_is_refused(delta):
    with pytest.raises(ValueError, match="huber_loss: delta must be above 0") as caught:
        tg.huber_loss([1.0], [0.0], delta)
    assert korean(caught.value)


@pytest.mark.parametrize("t", [[0, 1], [True, False], [1.0, 0.5], [2, 1], [np.nan, 1.0]], ids=str)
@pytest.mark.parametrize("form", [np.asarray, tg.Tensor], ids=["array", "Tensor"])
def test_labels_of_hinge_that_are_not_1_or_minus_1_are_refused(form, t):
    with pytest.raises(ValueError, match=r"every t must be -1 or 1.*2 \* t - 1") as caught:
        tg.hinge_loss([0.5, 0.5], form(t))
    assert korean(caught.value)


def test_labels_of_hinge_have_no_gradient():
    with pytest.raises(TypeError, match="no gradient can be given for 't'") as caught:
        tg.hinge_loss([0.5], tg.Tensor([1.0], requires_grad=True))
    assert korean(caught.value)


@every
@pytest.mark.parametrize("wrong", [["a"], [1j], [None]], ids=str)
def test_what_is_no_real_number_is_refused(loss, wrong):
    for pair in ((wrong, [1.0]), ([1.0], wrong)):
        with pytest.raises(TypeError) as caught:
            loss(*pair)
        assert korean(caught.value)
