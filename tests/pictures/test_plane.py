"""Functions of two numbers: arrows, contour lines, paths and the net say what the function says."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.quiver import Quiver

import tinygrad_ko as tg
from tinygrad_ko.pictures import contour, gradient_field, wireframe


def bowl(x):
    return x[0] ** 2 + x[1] ** 2


def one(ax, kind):
    (found,) = (artist for artist in ax.get_children() if isinstance(artist, kind))
    return found


def paths(ax):
    return {line.get_label(): line.get_xydata() for line in ax.get_lines() if line.get_linestyle() != "None"}


def test_the_arrows_are_minus_the_gradient_at_17_x_17_points(english):
    ax = gradient_field(bowl)
    arrows = one(ax, Quiver)
    side = np.linspace(-2, 2, 17)
    np.testing.assert_allclose(arrows.get_offsets(), [(a, b) for b in side for a in side])
    np.testing.assert_allclose(np.stack([arrows.U, arrows.V], axis=1), -2 * arrows.get_offsets(), atol=1e-12)
    assert arrows.angles == "xy"
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_aspect()) == ("$x_0$", "$x_1$", 1.0)


def test_the_arrows_of_other_ranges():
    arrows = one(gradient_field(lambda x: tg.sum(x), (0, 1), (10, 20)), Quiver)
    low, high = arrows.get_offsets().min(axis=0), arrows.get_offsets().max(axis=0)
    assert (low.tolist(), high.tolist()) == ([0, 10], [1, 20])
    assert set(arrows.U) == set(arrows.V) == {-1.0}


@pytest.mark.parametrize("log", [np.log, tg.log])
def test_where_there_is_no_gradient_there_is_a_cross_and_no_arrow(log, english):
    ax = gradient_field(lambda x: log(x[0]) + x[1] ** 2)
    (marks,) = ax.get_lines()
    assert len(marks.get_xdata()) == 9 * 17
    assert max(marks.get_xdata()) == 0
    assert min(one(ax, Quiver).get_offsets()[:, 0]) == 0.25
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["NaN or inf"]


@given(st.floats(-3, 3), st.floats(-3, 3))
@settings(max_examples=10)
def test_a_contour_line_is_where_f_has_its_value(a, b):
    def f(x):
        return (x[0] - a) ** 2 + 2 * (x[1] - b) ** 2

    lines = one(contour(f, x0=(-3, 3), x1=(-3, 3), levels=[1.0, 4.0, 9.0], ax=Figure().add_subplot()), ContourSet)
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        if len(path.vertices):
            np.testing.assert_allclose([f(point) for point in path.vertices], level, atol=0.02)


def test_the_path_of_the_book_s_descent():
    x, steps = tg.gradient_descent(bowl, np.array([-3.0, 4.0]), lr=0.1, step_num=20, history=True)
    for path in ((x, steps), [*steps, x], [tg.Tensor(p) for p in [*steps, x]], np.array([*steps, x])):
        ax = contour(bowl, path, ax=Figure().add_subplot())
        (drawn,) = paths(ax).values()
        np.testing.assert_array_equal(drawn, [*steps, x])
        assert ax.get_xlim()[0] < -3 < x[0] < ax.get_xlim()[1]
        assert ax.get_ylim()[0] < x[1] < 4 < ax.get_ylim()[1]


def test_two_points_are_a_path_whatever_holds_them():
    for path in (((1, 2), (0, 0)), [[1, 2], [0, 0]], np.array([[1.0, 2.0], [0.0, 0.0]])):
        (drawn,) = paths(contour(bowl, path, ax=Figure().add_subplot())).values()
        assert drawn.tolist() == [[1, 2], [0, 0]]


def test_several_paths_have_names_and_are_told_apart_in_print():
    ax = contour(bowl, {"SGD": [(1, 1), (0.5, 0.5)], "Adam": [(-1, 2), (0, 0)], "none": [(3, 3)]})
    assert set(paths(ax)) == {"SGD", "Adam", "none"}
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["SGD", "Adam", "none"]
    named = [line for line in ax.get_lines() if not line.get_label().startswith("_")]
    assert len({line.get_marker() for line in named}) == len({line.get_color() for line in named}) == 3
    assert ax.get_xlim()[0] < -1 < 3 < ax.get_xlim()[1]


def test_the_first_point_has_a_ring_and_a_gap_stays_one():
    ax = contour(bowl, [(1, 1), (np.nan, 0), (0, np.inf), (0.5, 0.5)])
    line, ring = ax.get_lines()
    assert ring.get_xydata().tolist() == [[1, 1]]
    assert np.isnan(line.get_xydata()).all(axis=1).tolist() == [False, True, True, False]


def test_the_ranges_are_those_that_are_given():
    ax = contour(bowl, [(9, 9), (1, 1)], (-1, 2), (-3, 4))
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 2), (-3, 4))
    assert (contour(bowl).get_xlim(), contour(bowl).get_ylim()) == ((-2, 2), (-2, 2))


def test_a_strip_is_not_drawn_to_scale():
    assert contour(bowl, x0=(0, 100), x1=(0, 1)).get_aspect() == "auto"


def test_a_constant_function_has_no_lines_and_a_hole_is_no_error():
    ax = contour(lambda x: 1.0, [(0, 0), (1, 1)])
    assert not any(isinstance(artist, ContourSet) for artist in ax.get_children())
    ax = contour(lambda x: 1.0 if x[0] > 0 else np.inf)
    ax.figure.canvas.draw()
    one(contour(lambda x: np.log(x[0]) + x[1]), ContourSet).figure.canvas.draw()


def test_the_net_lies_on_the_surface():
    ax = wireframe(bowl)
    assert (ax.name, ax.get_zlabel()) == ("3d", "$f(x)$")
    (net,) = ax.collections
    points = np.concatenate([np.asarray(line) for line in net._segments3d])
    np.testing.assert_allclose(points[:, 2], points[:, 0] ** 2 + points[:, 1] ** 2, atol=1e-12)
    assert (points.min(axis=0).tolist(), points.max(axis=0).tolist()) == ([-3, -3, 0], [3, 3, 18])


def test_the_net_has_a_hole_where_f_has_no_value():
    ax = wireframe(lambda x: np.log(x[0]) * x[1], (-1, 1), (0, 1), ax=plt.figure().add_subplot(projection="3d"))
    ax.figure.canvas.draw()
    assert np.isfinite(ax.get_zlim()).all()
