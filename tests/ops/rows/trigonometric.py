"""Trigonometric functions."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.ops.domains import Row, elementwise_call, real, with_options
from tinygrad_ko.ops import trigonometric


def acute(rng, size):
    """Angles well between -pi / 2 and pi / 2."""
    return rng.choice([-1.0, 1.0], size) * rng.uniform(0.05, 1.3, size)


def inside_one(rng, size):
    """Both signs, at most 0.95."""
    return rng.choice([-1.0, 1.0], size) * rng.uniform(0.05, 0.95, size)


def divided_bessel(x, order):
    """sin(y) / y with y = pi x, and that differentiated `order` times by -y dy, from the integral of Poisson."""
    t, weights = np.polynomial.legendre.leggauss(40)
    y = np.pi * np.asarray(x)[..., None]
    scale = np.prod(np.arange(1, order + 1) * 2.0) * 2  # 2 ** (order + 1) times the factorial of order
    return np.sum(weights * np.cos(y * t) * (1 - t * t) ** order, axis=-1) / scale


NEAR_ZERO: Any = tuple(((np.array([0.0, 1e-9, -1e-3, 0.7, 1.3]),), {"order": order}) for order in (0, 1, 2))


ROWS: dict[Callable[..., Any], Row] = {
    trigonometric.sin: Row(elementwise_call(real), np.sin),
    trigonometric.cos: Row(elementwise_call(real), np.cos),
    trigonometric.tan: Row(elementwise_call(acute), np.tan),
    trigonometric.asin: Row(elementwise_call(inside_one), np.arcsin),
    trigonometric.acos: Row(elementwise_call(inside_one), np.arccos),
    trigonometric.asin_slope: Row(elementwise_call(inside_one), lambda x: 1 / np.sqrt(1 - x * x)),
    trigonometric.atan: Row(elementwise_call(real), np.arctan),
    trigonometric.atan2: Row(elementwise_call(real, real), np.arctan2),
    trigonometric.sinc: Row(elementwise_call(real), np.sinc),
    trigonometric.bessel: Row(with_options({"order": st.integers(0, 3)}), divided_bessel, NEAR_ZERO),
}

EQUIVALENT: dict[str, dict[str, str]] = {
    "atan2": {
        "atan2.a: swapped operands: g * _over_square(b, hypot(b, a))": "the hypotenuse does not care which side is which",
        "atan2.b: swapped operands: -g * _over_square(a, hypot(b, a))": "the hypotenuse does not care which side is which",
    },
}
