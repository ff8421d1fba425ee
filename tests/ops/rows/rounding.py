"""Rounding."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.domains import Row, elementwise_call, real
from tinygrad_ko.ops import rounding


def between_wholes(rng, size):
    """No whole number, and no half of one, within 0.1."""
    return rng.integers(-4, 4, size) + rng.choice([0.0, 0.5], size) + rng.uniform(0.1, 0.4, size)


ROWS: dict[Callable[..., Any], Row] = {
    rounding.floor: Row(elementwise_call(between_wholes), np.floor),
    rounding.ceil: Row(elementwise_call(between_wholes), np.ceil),
    rounding.trunc: Row(elementwise_call(between_wholes), np.trunc),
    rounding.round: Row(elementwise_call(between_wholes), np.round),
    rounding.nextafter: Row(elementwise_call(real, real), np.nextafter),
}
