"""Learning curves: every number is where it belongs, and what is not finite is marked."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

import tinygrad_ko as tg
from tinygrad_ko.pictures import learning_curves

FINITE = st.floats(-1e6, 1e6)
ANY = st.one_of(FINITE, st.sampled_from([np.nan, np.inf, -np.inf]))


def lines(ax):
    return {line.get_label(): line for line in ax.get_lines()}


def crosses(ax):
    return [x for line in ax.get_lines() if line.get_marker() == "x" for x in line.get_xdata()]


def test_a_few_losses_are_points_on_a_line(english):
    ax = learning_curves([3, 2.5, 2])
    (line,) = ax.get_lines()
    assert line.get_xydata().tolist() == [[1, 3], [2, 2.5], [3, 2]]
    assert (line.get_marker(), ax.get_legend(), ax.get_ylim()[0]) == (".", None, 0)
    assert all(tick == round(tick) for tick in ax.get_xticks())


def test_losses_may_be_tensors_and_arrays():
    w = tg.Tensor([1.0, 2.0], requires_grad=True)
    for losses in ([w.sum(), w.prod()], np.array([3.0, 2.0], np.float32), w + np.array([2.0, 0.0]), [[3.0], [2.0]]):
        assert learning_curves(losses).get_lines()[0].get_ydata().tolist() == [3.0, 2.0]


@given(st.lists(ANY, min_size=50, max_size=400).filter(lambda losses: np.isfinite(losses).any()))
@settings(max_examples=25)
def test_the_moving_average_is_the_mean_of_the_steps_around(losses):
    ax = learning_curves(losses, ax=Figure().add_subplot())
    (smooth,) = (line for label, line in lines(ax).items() if "average" in label or "이동 평균" in label)
    window = max(len(losses) // 50 * 2 + 1, 3)
    assert str(window) in smooth.get_label()
    half, y = window // 2, np.asarray(losses)
    assert smooth.get_xdata().tolist() == list(range(1 + half, len(y) - half + 1))
    with np.errstate(invalid="ignore"):
        means = np.array([y[i - half : i + half + 1].mean() for i in range(half, len(y) - half)])
    np.testing.assert_allclose(smooth.get_ydata(), np.where(np.isfinite(means), means, np.nan), atol=1e-6)
    assert crosses(ax) == (np.flatnonzero(~np.isfinite(y)) + 1).tolist()


def test_a_long_run_is_averaged_over_501_steps_at_most():
    ax = learning_curves(np.ones(60_000))
    assert "501" in ax.get_lines()[1].get_label()


def test_one_number_between_two_gaps_is_still_seen(english):
    losses = np.ones(60)
    losses[[10, 12]] = np.nan
    each = lines(learning_curves(losses))["each step"]
    assert each.get_markevery() == [11]
    assert np.isnan(each.get_ydata()[[10, 12]]).all()


def test_losses_below_zero_are_seen_whole():
    assert learning_curves([-1.0, -5.0]).get_ylim()[0] < -5


def test_accuracies_of_epochs_and_of_steps(english):
    left, right = learning_curves([1.0, 0.5], [0.5, 0.75], [0.25, 0.5])
    assert (left.get_xlabel(), left.get_ylabel()) == ("step", "loss")
    assert (right.get_xlabel(), right.get_ylabel()) == ("epoch", "accuracy")
    assert lines(right)["training data"].get_xydata().tolist() == [[1, 0.5], [2, 0.75]]
    assert lines(right)["test data"].get_xydata().tolist() == [[1, 0.25], [2, 0.5]]
    styles = {line.get_linestyle() for line in right.get_lines()}, {line.get_marker() for line in right.get_lines()}
    assert list(map(len, styles)) == [2, 2]  # told apart in print
    _, right = learning_curves([1.0, 0.5], None, {200: 0.5, 100: np.nan, 1: 0.25})
    assert right.get_xlabel() == "step"
    assert lines(right)["test data"].get_xdata().tolist() == [1, 100, 200]
    assert crosses(right) == [100]
    _, right = learning_curves([1.0, 0.5], {1: 0.5}, {1: 0.5, 2: 0.25})
    assert [len(line.get_xdata()) for line in right.get_lines()] == [1, 2]


def test_it_is_drawn_in_the_axes_that_are_given():
    given_axes: Any = Figure().subplots(1, 2)
    drawn: Any = learning_curves([1.0, 0.5], [0.5], ax=given_axes)
    assert isinstance(drawn, np.ndarray)
    assert list(drawn) == list(given_axes)
    assert plt.get_fignums() == []
    with pytest.raises(ValueError, match=r"with accuracies ax must be two Axes, .* not 1"):
        learning_curves([1.0, 0.5], [0.5], ax=given_axes[0])
    with pytest.raises(TypeError, match=r"ax must be plain Axes, .* not ndarray"):
        learning_curves([1.0, 0.5], ax=given_axes)
    with pytest.raises(TypeError, match=r"ax must be plain Axes, .* not int"):
        learning_curves([1.0, 0.5], [0.5], ax=[given_axes[0], 3])


def test_the_user_s_logarithmic_scale_stays():
    ax: Any = Figure().add_subplot(xscale="log", yscale="log")
    learning_curves(np.linspace(1, 0.1, 100), ax=ax)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    ax.figure.canvas.draw()
