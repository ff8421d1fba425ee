"""Functions of two numbers: where they fall, how a descent walks on them, what they look like."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_ko.errors import explain
from tinygrad_ko.pictures.canvas import BLUE, COLOURS, Floats, axes, check_axes, floats, label, mark_gaps, some_finite
from tinygrad_ko.pictures.evaluation import Range, gradients_at, interval, values_at
from tinygrad_ko.pictures.hangul import drawable, lettered

Function = Callable[[Any], Any]
_AXES = {"x": ("$x_0$", "$x_0$"), "y": ("$x_1$", "$x_1$")}


def gradient_field(f: Function, x0: Range = (-2, 2), x1: Range = (-2, 2), *, ax: Any = None) -> Any:
    """Draw an arrow of minus the gradient of f at 17 x 17 points: which way f falls fastest, and how steeply.

    f takes an array or a Tensor x of shape (2,) and returns one number; `x0` and `x1` are the ranges of its two numbers. The
    gradient is found by backpropagation where f takes a Tensor and returns one that depends on it, and then checked at one
    point (`tg.check_gradient`); elsewhere it is measured (`tg.check.directional_derivative`, some 30 evaluations of f a point).
    Where it is NaN or infinite, and where f is seen to jump, there is a cross. Returns the Axes; `ax` says where to draw.

    Raises ValueError if f returns no single number, or none that is finite; GradientMismatch if the gradient is wrong, since a
    part of f is hidden from backpropagation or a formula is wrong; ModuleNotFoundError without matplotlib; and what f raises.

    >>> ax = gradient_field(lambda x: x[0] ** 2 + x[1] ** 2)
    """
    name = "gradient_field"
    check_axes(name, ax)
    x0, x1 = interval(x0, name, "x0"), interval(x1, name, "x1")
    points = _grid(x0, x1, 17)
    g = gradients_at(f, points, name)
    known = np.isfinite(g).all(axis=1)
    ax = axes(ax, _figure_size(x0, x1))
    ax.quiver(*points[known].T, *-g[known].T, angles="xy", color="#777777")
    if not known.all():
        mark_gaps(ax, *points[~known].T)
        lettered(*ax.legend(loc="upper right").get_texts())
    ax.grid(alpha=0.3)
    _frame(ax, *((low - (high - low) / 32, high + (high - low) / 32) for low, high in (x0, x1)))
    return ax


def contour(
    f: Function, path: Any = None, x0: Range | None = None, x1: Range | None = None, *, levels: Any = 15, ax: Any = None
) -> Any:
    """Draw contour lines of f, and the path of a descent on them.

    f takes an array x of shape (2,), or a Tensor, and returns one number. `path` is an array or list of points, of shape
    (steps, 2), what `tg.gradient_descent(..., history=True)` returns, or a dict of several paths by name. `x0` and `x1` are the
    ranges that are drawn, by default -2 to 2 or as far as the paths go. `levels` says how many lines there are, or at
    which values (increasing). Returns the Axes; `ax` says where to draw.

    Raises ValueError for a path of another shape and if f returns no single number, or none that is finite; ModuleNotFoundError
    without matplotlib; and what f raises.

    >>> bowl = lambda x: x[0] ** 2 / 20 + x[1] ** 2
    >>> import tinygrad_ko as tg
    >>> ax = contour(bowl, tg.gradient_descent(bowl, [-7.0, 2.0], lr=0.9, step_num=20, history=True))
    """
    name = "contour"
    check_axes(name, ax)
    several = path if isinstance(path, Mapping) else {} if path is None else {"": path}
    paths = {who: _path_points(steps, name) for who, steps in several.items()}
    around = _ranges(list(paths.values()))
    x0 = around[0] if x0 is None else interval(x0, name, "x0")
    x1 = around[1] if x1 is None else interval(x1, name, "x1")
    z, side = values_at(f, _grid(x0, x1, 81), name).reshape(81, 81), [np.linspace(*x0, 81), np.linspace(*x1, 81)]
    ax = axes(ax, _figure_size(x0, x1))
    finite = z[np.isfinite(z)]
    if finite.min() < finite.max():
        lines = ax.contour(*side, np.ma.masked_invalid(z), levels, cmap="viridis", linewidths=1.0, zorder=1)
        lettered(*ax.clabel(lines, lines.levels[::2], fontsize="x-small"))
    names = drawable(paths, name)
    for i, (who, steps) in enumerate(zip(names, paths.values(), strict=True)):
        _draw_path(ax, steps, COLOURS[i % len(COLOURS)], _MARKERS[i % len(_MARKERS)], who)
    _frame(ax, x0, x1)
    if isinstance(path, Mapping) and path:
        lettered(*ax.legend(loc="upper right").get_texts())
    return ax


def wireframe(f: Function, x0: Range = (-3, 3), x1: Range = (-3, 3), *, ax: Any = None) -> Any:
    """Draw the surface of f over a plane, as a net of lines.

    f takes an array x of shape (2,), or a Tensor, and returns one number; `x0` and `x1` are the ranges of its two numbers.
    Where it is NaN or infinite the net has a hole. Returns the 3-d Axes; `ax` says where to draw, and must be such.

    Raises ValueError if f returns no single number, or none that is finite; TypeError for Axes of another kind;
    ModuleNotFoundError without matplotlib; and what f raises.

    >>> ax = wireframe(lambda x: x[0] ** 2 + x[1] ** 2)
    """
    name = "wireframe"
    check_axes(name, ax, "3d")
    x0, x1 = interval(x0, name, "x0"), interval(x1, name, "x1")
    points = _grid(x0, x1, 31)
    z = values_at(f, points, name)
    ax = axes(ax, (6.0, 5.0), "3d")
    across, along, height = (part.reshape(31, 31) for part in (*points.T, np.where(np.isfinite(z), z, np.nan)))
    ax.plot_wireframe(across, along, height, rcount=31, ccount=31, color=BLUE, linewidth=0.7)
    label(ax, **_AXES)
    ax.set_zlabel("$f(x)$")
    return ax


_MARKERS = "os^Dv*"


def _draw_path(ax: Any, steps: Floats, color: str, marker: str, who: str) -> None:
    shown = np.where(np.isfinite(steps.sum(axis=1, keepdims=True)), steps, np.nan)
    ax.plot(*shown.T, marker=marker, markersize=3.5, linewidth=1.2, color=color, label=who)
    ax.plot(*shown[0], marker, markersize=9, markerfacecolor="none", markeredgecolor=color, label="_")


def _grid(x0: Range, x1: Range, side: int) -> Floats:
    return np.stack([part.ravel() for part in np.meshgrid(np.linspace(*x0, side), np.linspace(*x1, side))], axis=1)


def _figure_size(x0: Range, x1: Range) -> tuple[float, float]:
    ratio = (x1[1] - x1[0]) / (x0[1] - x0[0])
    if 1 < ratio <= 2.5:
        return 5.2 / ratio + 0.8, 5.7
    return 6.0, 5.4 * ratio + 0.5 if 0.4 <= ratio <= 1 else 5.0


def _frame(ax: Any, x0: Range, x1: Range) -> None:
    """The ranges and the names of the two numbers; a unit is as long along both, unless that makes a strip."""
    ax.set(xlim=x0, ylim=x1)
    if 0.4 <= (x1[1] - x1[0]) / (x0[1] - x0[0]) <= 2.5:
        ax.set_aspect("equal")
    label(ax, **_AXES)


def _path_points(path: Any, name: str) -> Floats:
    """The points of a path, of shape (steps, 2); of what `gradient_descent` returns with its history, also the last."""
    if isinstance(path, tuple) and len(path) == 2 and np.ndim(path[1]) == 2 and np.ndim(path[0]) == 1:
        path = [*path[1], path[0]]
    steps = floats(path, name, "path")
    if steps.ndim != 2 or steps.shape[1] != 2:
        raise explain(
            ValueError(
                f"{name}: path must have the shape (steps, 2), a point of two numbers for each step, not {steps.shape}"
            ),
            f"{name}: path의 형상은 단계마다 점 하나, (단계 수, 2)여야 합니다. 받은 형상: {steps.shape}",
        )
    some_finite(steps.sum(axis=1), name, "path")
    return steps


def _ranges(paths: list[Floats]) -> tuple[Range, Range]:
    if not paths:
        return (-2.0, 2.0), (-2.0, 2.0)
    steps = np.concatenate(paths)
    steps = steps[np.isfinite(steps).all(axis=1)]
    low, high = steps.min(axis=0), steps.max(axis=0)
    margin = 0.15 * np.maximum(high - low, 0.5 * float(np.max(high - low)) or 1.0)
    (a, b), (c, d) = np.stack([low - margin, high + margin], axis=1).tolist()
    return (a, b), (c, d)
