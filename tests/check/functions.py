"""Random functions of one number whose derivative is known to forty digits: what the error estimate of the oracle is calibrated on."""

import math
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import mpmath
import numpy as np

from tinygrad_ko.check import derivative

UNARY = ("sin", "tanh", "sigmoid", "gauss", "log1p_square", "square", "rsqrt", "atan", "cube", "softplus")
DIGITS = 60


class NumPy:
    """The same names as mpmath's."""

    sin, tanh, exp, log, sqrt, atan = np.sin, np.tanh, np.exp, np.log, np.sqrt, np.arctan


def expression(rng: np.random.Generator, depth: int) -> Any:
    """A tree of unary functions, sums, differences, products and constants over x."""
    if depth == 0:
        return "x"
    kind = rng.random()
    if kind < 0.55:
        return UNARY[rng.integers(len(UNARY))], expression(rng, depth - 1)
    if kind < 0.9:
        other = expression(rng, depth - 1 if rng.random() < 0.6 else 0)
        return "+-*"[rng.integers(3)], expression(rng, depth - 1), other
    return "scale", float(np.round(rng.normal(), 3)) or 1.0, expression(rng, depth - 1)


def value(tree: Any, x: Any, m: Any) -> Any:
    """The tree at x, in the arithmetic of m."""
    if tree == "x":
        return x
    if tree[0] == "scale":
        return tree[1] * value(tree[2], x, m)
    a = value(tree[1], x, m)
    match tree[0]:
        case "+":
            return a + value(tree[2], x, m)
        case "-":
            return a - value(tree[2], x, m)
        case "*":
            return a * value(tree[2], x, m)
        case "sigmoid":
            return 1 / (1 + m.exp(-a))
        case "gauss":
            return m.exp(-a * a)
        case "log1p_square":
            return m.log(1 + a * a)
        case "square":
            return a * a
        case "rsqrt":
            return 1 / m.sqrt(1 + a * a)
        case "cube":
            return a * a * a / 10
        case "softplus":
            return m.log(1 + m.exp(a))
    return getattr(m, tree[0])(a)


def in_numpy(tree: Any, x: float) -> Any:
    return value(tree, np.float64(x), NumPy)


class Measured(NamedTuple):
    tree: Any
    x: float
    true: float
    error: float
    slope: Any


def measurements(seed: int, count: int, quick: bool = False) -> Iterator[Measured]:
    """Random functions at x = +-10^U(-3, 2), each with its slope by the oracle and the error of that."""
    rng = np.random.default_rng(seed)
    with mpmath.workdps(DIGITS), np.errstate(all="ignore"):
        h = mpmath.mpf(10) ** -20
        while count:
            tree = expression(rng, int(rng.integers(2, 5)))
            x = float(rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 2))
            here = value(tree, np.float64(x), NumPy)
            if not abs(here) < 1e12:  # also what overflows to NaN
                continue
            count -= 1
            true = (value(tree, mpmath.mpf(x) + h, mpmath) - value(tree, mpmath.mpf(x) - h, mpmath)) / (2 * h)
            slope = derivative(partial(in_numpy, tree), x, quick=quick)
            error = float(abs(mpmath.mpf(slope.value) - true)) if math.isfinite(slope.value) else math.inf
            yield Measured(tree, x, float(true), error, slope)


def calibration(seed: int, count: int, quick: bool = False) -> dict[str, float]:
    """How often the error estimate holds, how wide it is, and what it costs."""
    found = list(measurements(seed, count, quick))
    return {
        "covered": float(np.mean([m.error <= m.slope.error for m in found])),
        "estimate over error": float(np.median([m.slope.error / (m.error or 1e-300) for m in found])),
        "relative error": float(np.median([m.error / (abs(m.true) or 1e-300) for m in found])),
        "evaluations": float(np.median([m.slope.evaluations for m in found])),
        "most evaluations": float(max(m.slope.evaluations for m in found)),
    }
