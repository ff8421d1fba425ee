"""The tangent line of a function of one number."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ko.check.slopes.differentiation import derivative
from tinygrad_ko.check.slopes.numerical import one_number
from tinygrad_ko.check.slopes.slope import Slope
from tinygrad_ko.errors import explain
from tinygrad_ko.pictures.canvas import BLUE, VERMILLION, axes, broken_line, check_axes, label, legend, title
from tinygrad_ko.pictures.evaluation import interval, taking_arrays, values_at
from tinygrad_ko.pictures.hangul import words
from tinygrad_ko.state.preserve import preserving_state


def tangent_line(f: Callable[[Any], Any], x: float, xlim: tuple[float, float] | None = None, *, ax: Any = None) -> Any:
    """Draw a function of one number and its tangent line at x.

    `xlim` is the range of numbers that are drawn; without it x is in the middle, and the range reaches to 0 or at least
    1 to both sides. The slope is measured numerically (`tg.check.derivative`), so f may be any function of a number,
    of Tensors too; the legend says the slope, and how far it can be off where that is seen. Returns the Axes; `ax` says where to draw.

    Raises ValueError if f has no slope at x (a kink, a jump, no finite value) or returns no single number; TypeError if x
    is no number; ModuleNotFoundError without matplotlib.

    >>> ax = tangent_line(lambda x: 0.01 * x**2 + 0.1 * x, 5, xlim=(0, 20))
    """
    name = "tangent_line"
    check_axes(name, ax)
    x = _one(x, name)
    low, high = (x - max(1.0, abs(x)), x + max(1.0, abs(x))) if xlim is None else interval(xlim, name, "xlim")
    with preserving_state(f), np.errstate(all="ignore"):
        at = taking_arrays(f, x)
        slope = derivative(at, x)
        y = one_number(at(x))
    if slope.kind in ("kink", "jump", "not finite"):
        raise _no_slope(slope, x, name)
    t = np.linspace(low, high, 401)
    curve = values_at(f, t, name)
    ax = axes(ax, (5.5, 4.0))
    broken_line(ax, t, curve, "-", ".", color=BLUE, label="$f(x)$")
    bottom, top = ax.get_ylim()
    text = f"{slope.value:.4g}" + (f" ± {slope.error:.1g}" if slope.error > 1e-3 * abs(slope.value) + 1e-9 else "")
    line = words(f"tangent, slope {text}", f"접선 (기울기 {text})")
    ax.plot(t, y + slope.value * (t - x), "--", color=VERMILLION, label=line)
    ax.plot([x], [y], "o", color=VERMILLION)
    ax.set(xlim=(low, high), ylim=(bottom - 0.1 * (top - bottom), top + 0.1 * (top - bottom)))
    title(ax, f"$x$ = {x:g}")
    label(ax, ("$x$", "$x$"), ("$f(x)$", "$f(x)$"))
    legend(ax)
    return ax


def _one(x: Any, name: str) -> float:
    if np.ndim(x) or isinstance(x, str):
        raise explain(
            TypeError(f"{name}: x must be one number, not {x!r}; call it once for each"),
            f"{name}: x에는 수 하나를 넘겨야 합니다. 여러 수라면 하나씩 호출하십시오. 받은 값: {x!r}",
        )
    return float(x)


def _no_slope(slope: Slope, x: float, name: str) -> ValueError:
    sides = f", {slope.left.value:.4g} | {slope.right.value:.4g}" if slope.left and slope.right else ""
    korean = {"kink": "꺾인 점", "jump": "불연속점"}.get(slope.kind, "유한한 값이 없음")
    return explain(
        ValueError(f"{name}: f has no slope at x = {x:g} ({slope.kind}{sides}), so no tangent line"),
        f"{name}: x = {x:g}에서 f의 기울기가 정해지지 않아 접선을 그릴 수 없습니다 ({korean}{sides}).",
    )
