"""Hyperbolic functions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.domains import Row, elementwise_call, real
from tests.ops.rows.trigonometric import inside_one
from tinygrad_ko.ops import hyperbolic


def above_one(rng, size):
    """1.05 to 4."""
    return rng.uniform(1.05, 4, size)


ROWS: dict[Callable[..., Any], Row] = {
    hyperbolic.sinh: Row(elementwise_call(real), np.sinh),
    hyperbolic.cosh: Row(elementwise_call(real), np.cosh),
    hyperbolic.tanh: Row(elementwise_call(real), np.tanh),
    hyperbolic.sech: Row(elementwise_call(real), lambda x: 1 / np.cosh(x)),
    hyperbolic.asinh: Row(elementwise_call(real), np.arcsinh),
    hyperbolic.acosh: Row(elementwise_call(above_one), np.arccosh),
    hyperbolic.atanh: Row(elementwise_call(inside_one), np.arctanh),
    hyperbolic.atanh_slope: Row(elementwise_call(inside_one), lambda x: 1 / (1 - x * x)),
}

EQUIVALENT: dict[str, dict[str, str]] = {
    "asinh": {"asinh.x: swapped operands: g / hypot(1, x)": "the hypotenuse does not care which side is which"},
}
