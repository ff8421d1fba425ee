"""Chapter 12: second derivatives."""

from typing import Any

import numpy as np

from tinygrad_ko.course.answers import real_numbers, result_of
from tinygrad_ko.course.checker import exercise
from tinygrad_ko.course.judging import require_gradient, require_values


@exercise("12-1")
def _square_root(step: Any) -> str:
    """A step of Newton's for x² = a."""
    require_values(step, lambda x, a: (x + a / x) / 2, (1.5, 2.0), (3.0, 10.0))
    x, steps = 1.0, 0
    while abs(x * x - 2) > 1e-14 and steps < 50:
        x, steps = float(step(x, 2.0)), steps + 1
    return f"1에서 시작하여 {steps}걸음 만에 √2 = {x:.12f}에 도착합니다."


@exercise("12-2")
def _minimum(step: Any) -> None:
    """A step of Newton's to a minimum, from a gradient and a Hessian."""
    x, g = np.array([1.0, 2.0]), np.array([0.3, -4.0])
    require_values(
        step,
        lambda x, g, H: x - np.linalg.solve(H, g),
        (x, g, np.array([[2.0, 0.5], [0.5, 20.0]])),
        (x, g, np.array([[3.0, -1.0], [-1.0, 2.0]])),
    )


@exercise("12-3")
def _force(force: Any) -> None:
    """Of a pendulum: minus the slope of its energy 1 - cos(angle) + a spring's 0.5 k angle²."""

    for k in (0.3, 1.7):
        _require_force(force, k)


def _require_force(force: Any, k: float) -> None:
    def energy(angle: Any) -> Any:
        return np.sum(1 - np.cos(angle) + 0.5 * k * angle**2)

    def slope(angle: Any) -> Any:
        return -real_numbers(result_of(force, angle, k), force)

    require_gradient(energy, slope, [0.5, -1.0, 2.5], written=force)


@exercise("12-4")
def _product(hessian_times: Any) -> None:
    """The Hessian of sum(x⁴)/4 + (x0 x1)², times v, without the matrix."""

    def reference(x: Any, v: Any) -> Any:
        a, b = x
        return np.array([[3 * a * a + 2 * b * b, 4 * a * b], [4 * a * b, 3 * b * b + 2 * a * a]]) @ v

    cases = ([1.0, 2.0], [1.0, 0.0]), ([0.5, -1.0], [0.3, 2.0])
    require_values(hessian_times, reference, *((np.array(x), np.array(v)) for x, v in cases), rtol=1e-6)
