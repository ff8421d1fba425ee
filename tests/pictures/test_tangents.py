"""The tangent line touches the curve, or there is none."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

import tinygrad_ko as tg
from tinygrad_ko.pictures import tangent_line


def book(x):
    return 0.01 * x**2 + 0.1 * x


def drawn(ax):
    curve, *_, tangent, point = ax.get_lines()
    return curve.get_xydata(), tangent.get_xydata(), point.get_xydata()


@pytest.mark.parametrize(("x", "slope"), [(5, "0.2"), (10, "0.3")])
def test_the_book_s_two_tangents(x, slope, english):
    ax = tangent_line(book, x, xlim=(0, 20))
    curve, tangent, point = drawn(ax)
    np.testing.assert_allclose(curve[:, 1], book(curve[:, 0]))
    np.testing.assert_allclose(tangent[:, 1], float(slope) * (tangent[:, 0] - x) + book(x), atol=1e-9)
    assert point.tolist() == [[x, book(x)]]
    assert ax.get_xlim() == (0, 20)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["$f(x)$", f"tangent, slope {slope}"]
    assert ax.get_title() == f"$x$ = {x}"


@pytest.mark.parametrize("f", [math.sin, np.sin, tg.sin, lambda x: tg.sin(x.detach()), lambda x: np.sin([x])])
def test_functions_of_every_kind(f):
    _, tangent, _ = drawn(tangent_line(f, 2.0, ax=Figure().add_subplot()))
    np.testing.assert_allclose(np.diff(tangent[:, 1]) / np.diff(tangent[:, 0]), math.cos(2))


@given(st.floats(-100, 100))
@settings(max_examples=10)
def test_x_is_in_the_middle(x):
    ax = tangent_line(lambda t: t**3, x, ax=Figure().add_subplot())
    low, high = ax.get_xlim()
    assert (low + high) / 2 == pytest.approx(x)
    assert (high - low) / 2 == pytest.approx(max(1, abs(x)))


def test_a_steep_tangent_does_not_flatten_the_curve():
    ax = tangent_line(lambda x: math.tanh(50 * x), 0.0)
    assert -1.5 < ax.get_ylim()[0] < -1 < 1 < ax.get_ylim()[1] < 1.5


def test_a_slope_that_is_not_sure_says_so(english):
    rng = np.random.default_rng(0)
    ax = tangent_line(lambda x: x + 1e-5 * rng.normal(), 1.0)
    assert " ± " in ax.get_legend().get_texts()[-1].get_text()
    assert rng.normal() == np.random.default_rng(0).normal()


def test_outside_its_domain_the_curve_has_a_gap(english):
    ax = tangent_line(math.log, 1.0, xlim=(-1, 2))
    curve = ax.get_lines()[0].get_xydata()
    assert np.isnan(curve[curve[:, 0] <= 0, 1]).all()
    assert np.isfinite(curve[curve[:, 0] > 0, 1]).all()
    assert "NaN or inf" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_what_f_raises_at_x_is_raised():
    with pytest.raises(ValueError, match=r"math domain|positive input"):
        tangent_line(math.log, -1.0)
