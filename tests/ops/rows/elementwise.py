"""Functions of each element."""

import math
from collections.abc import Callable
from math import inf, nan
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.ops.domains import SEEDS, SHAPES, Row, draw_array, elementwise_call, positive, real, with_options
from tinygrad_ko.ops import elementwise


@st.composite
def different(draw):
    """Two broadcasting arrays that differ everywhere by more than 0.05."""
    (a, b), _ = draw(elementwise_call(real, real))
    gap = np.abs(a - b)
    return (np.asarray(a + 7 * (np.min(gap, initial=1) < 0.05)), b), {}


@st.composite
def between_jumps(draw):
    """a and b of which neither a / b nor its neighbours within a step is a whole number."""
    (k, b), _ = draw(elementwise_call(real, real))
    rng = np.random.default_rng(draw(SEEDS))
    size = np.broadcast_shapes(k.shape, b.shape)
    return (np.asarray((np.round(k) + rng.uniform(0.2, 0.8, size)) * b), b), {}


@st.composite
def conditional(draw):
    (c, x, y), _ = draw(elementwise_call(real, real, real))
    return (c > 0, x, y), {}


@st.composite
def clipped(draw):
    low, high = draw(st.sampled_from([(-1.0, 1.0), (None, 0.75), (-0.3, None), (0.0, 2.0)]))
    x = draw_array(
        draw,
        SHAPES,
        lambda rng, size: (
            rng.choice([-2.6, -1.2, -0.4, -0.1, 0.1, 0.4, 1.2, 2.6], size) + rng.uniform(-0.05, 0.05, size)
        ),
    )
    return (x,), {"min": low, "max": high}


POWERS: Any = (
    ((np.array([0.0, 0.0, 2.0, 1.0, 0.5]), np.array([2.0, 3.5, 0.0, 1.0, 3.0])), {}),
    ((np.array([0.0, 0.0]), np.array([1.0, 2.0])), {}),
    ((np.array([3.0, 0.5, 1.0]), np.array([0.0, 1.0, 2.0])), {}),
)


@st.composite
def differentiated(draw):
    """Bases, exponents, and how often their power is differentiated in each."""
    call, _ = draw(elementwise_call(positive, real))
    return call, {"in_a": draw(st.integers(0, 3)), "in_b": draw(st.integers(0, 2))}


def derivative_of_power(a, b, in_a, in_b):
    """By the rule of Leibniz: in_b differentiations in b of (b (b - 1) ... (b - in_a + 1)) times a ** (b - in_a)."""
    factor = np.polynomial.Polynomial.fromroots(range(in_a)) if in_a else np.polynomial.Polynomial([1.0])
    terms = [
        math.comb(in_b, k) * (factor.deriv(k) if k else factor)(b) * np.log(a) ** (in_b - k) for k in range(in_b + 1)
    ]
    return sum(terms) * a ** (b - in_a)


# (a, b), the derivatives of a ** b in a and b, and those of these: at 0 and infinity what they tend to, and beside it as ever.
ALMOST = np.array([0, 0, 0, 0, 0, 0, 0, inf, inf, 2, 3, 1]), np.array([3, 2, 1.5, 1, 0.5, -0.5, 0, -1, -0.5, 0, 1, 2])
LOG2, LOG3 = math.log(2), math.log(3)
IN_A = [0, 0, 0, 1, inf, -inf, 0, 0, 0, 0, 1, 2]
IN_B = [0, 0, 0, 0, 0, -inf, 0, 0, 0, LOG2, 3 * LOG3, 0]
IN_A_TWICE = [0, 2, inf, 0, -inf, inf, 0, 0, 0, 0, 0, 2]
IN_BOTH = [0, 0, 0, -inf, -inf, inf, 0, 0, 0, 0.5, 1 + LOG3, 1]
IN_B_TWICE = [0, 0, 0, 0, 0, inf, 0, 0, 0, LOG2**2, 3 * LOG3**2, 0]
LIMITS: Any = (
    ((ALMOST, {}), None, [[IN_A, IN_B], [[IN_A_TWICE, IN_BOTH], [IN_BOTH, IN_B_TWICE]]]),
    (((np.zeros(1), np.ones(1)), {}), None, [[[1], [0]], [[[0], [-inf]], [[-inf], [0]]]]),
    (((np.zeros(1), np.zeros(1)), {}), None, [[[0], [0]], [[[0], [0]], [[0], [0]]]]),
    (((np.full(2, inf), np.array([-1.0, 0])), {}), None, [[[0, 0], [0, inf]]]),
)

# Derivatives of a ** b, differentiated again under a cotangent that may be 0.
UNDER_0: Any = (
    (
        ((np.array([0, 0, 0, 0, 0, -2, -2.0]), np.array([1, 0.5, 1.5, 0.5, 1, 1, 0.5])), {"in_a": 1, "in_b": 0}),
        np.array([0, 0, 0, 1.0, 2.0, 0, 0]),
        [[[0, 0, nan, -inf, 0, 0, nan], [0, 0, 0, -inf, -inf, nan, nan]]],
    ),
    (((np.zeros(1), np.full(1, 1.5)), {"in_a": 2, "in_b": 0}), np.zeros(1), [[[nan], [nan]]]),
)

EDGES: Any = (((np.array([0.0, 0.0, 2.0]), np.array([5.0, 7.5, 3.0])), {"in_a": 1, "in_b": 1}),)


LENGTHS: Any = (((np.array([0.0, 3.0, 0.0]), np.array([2.0, 0.0, -2.0])), {}),)


GRID = np.array([[0.7, 1.9, 3.1], [2.3, 0.4, 1.1]])


REMAINDERS: Any = (((GRID[:, :1], 0.3 * GRID[:1] + 1), {}), ((GRID[:, :1], GRID), {}))


ROWS: dict[Callable[..., Any], Row] = {
    elementwise.add: Row(elementwise_call(real, real), np.add),
    elementwise.subtract: Row(elementwise_call(real, real), np.subtract),
    elementwise.multiply: Row(elementwise_call(real, real), np.multiply),
    elementwise.divide: Row(elementwise_call(real, real), np.divide),
    elementwise.floor_divide: Row(between_jumps(), np.floor_divide),
    elementwise.remainder: Row(between_jumps(), np.remainder, REMAINDERS),
    elementwise.negative: Row(elementwise_call(real), np.negative),
    elementwise.positive: Row(elementwise_call(real), np.positive),
    elementwise.same_values: Row(elementwise_call(real), np.positive),
    elementwise.abs: Row(elementwise_call(real), np.abs),
    elementwise.sign: Row(elementwise_call(real), np.sign),
    elementwise.zeros_like: Row(elementwise_call(real), np.zeros_like),
    elementwise.exp: Row(elementwise_call(real), np.exp),
    elementwise.log: Row(elementwise_call(positive), np.log),
    elementwise.sqrt: Row(elementwise_call(positive), np.sqrt),
    elementwise.square: Row(elementwise_call(real), np.square),
    elementwise.reciprocal: Row(elementwise_call(real), np.reciprocal),
    elementwise.cbrt: Row(elementwise_call(real), np.cbrt),
    elementwise.hypot: Row(elementwise_call(real, real), np.hypot, LENGTHS),
    elementwise.real: Row(elementwise_call(real), np.real),
    elementwise.conj: Row(elementwise_call(real), np.conj),
    elementwise.imag: Row(elementwise_call(real), np.imag),
    elementwise.copysign: Row(elementwise_call(real, real), np.copysign),
    elementwise.maximum: Row(different(), np.maximum),
    elementwise.minimum: Row(different(), np.minimum),
    elementwise.where: Row(conditional(), np.where, (((GRID > 1, -GRID, GRID * GRID), {}),)),
    elementwise.clip: Row(clipped(), np.clip, (((GRID[:, :1],), {"min": GRID - 0.9, "max": None}),)),
    elementwise.scalar_power: Row(
        with_options({"exponent": st.sampled_from([-2, -1, 0, 1, 2, 3, 0.5, -1.5, 2.0])}, values=positive),
        lambda x, exponent: x**exponent,
        (((np.array([0.0, 2.0]),), {"exponent": 0}),),
    ),
    elementwise.power_of_scalar: Row(
        with_options({"base": st.sampled_from([2, 0.5, 1, 10.0])}), lambda b, base: np.power(float(base), b)
    ),
    elementwise.tensor_power: Row(elementwise_call(positive, real), np.power, POWERS, limits=LIMITS),
    elementwise.power_differentiated: Row(differentiated(), derivative_of_power, EDGES, limits=UNDER_0),
    elementwise.pow: Row(elementwise_call(positive, real), np.power),
    elementwise.astype: Row(with_options({"dtype": st.just(np.float64)}), lambda x, dtype: x),
}

KINK = "at a tie any split of the gradient is right; TestConventionsAtKinks holds the one that is promised"

TIES = {
    "missing factor: in _share: return where(wins, g, where(ties, g, 0))": KINK,
    "wrong constant: in _share: return where(wins, g, where(ties, g / 3, 0))": KINK,
}

POWER = {
    "a: dropped condition: in _regular: within = a != 0": "where a is infinite its slope needs no limit",
    "a: reversed comparison: in _regular: within = (a != 0) & (a == math.inf)": "where a is infinite its slope needs no limit",
    **{
        f"{a}: wrong constant: in _at_the_edge: return where(corner, 0, power_differentiated(where(corner, 2, a), b, **times))": (
            "what stands there is not taken"
        )
        for a in "ab"
    },
}

EQUIVALENT: dict[str, dict[str, str]] = {
    "maximum": {f"maximum.{a}: {mutant}": reason for a in "ab" for mutant, reason in TIES.items()},
    "minimum": {f"minimum.{a}: {mutant}": reason for a in "ab" for mutant, reason in TIES.items()},
    "clip": {
        "clip.x: wrong operand: where(_within(x, out, max), g, 0), out for min": "x >= out exactly where x >= min",
        "clip.x: wrong operand: where(_within(x, min, out), g, 0), out for max": "x <= out exactly where x <= max",
    },
    "scalar_power": {
        "pow.x: ignored cotangent: g * (exponent * x ** (exponent - 1)) if exponent != 0 else zeros_like(g * 0 + 1)": (
            "zeros_like looks at a shape alone"
        ),
    },
    "copysign": {
        "copysign.a: wrong operand: g * (sign(a) * copysign(1, out)), out for b": "out has the sign of b",
    },
    "tensor_power": {f"pow.{mutant}": reason for mutant, reason in POWER.items()},
    "power_differentiated": {
        f"pow.{a}: wrong constant: in masked_slope: return where((g != 0) | (a != 0) | (b > 1), slope, 1)": (
            "multiplied by g, which is 0 there: only a third derivative differs"
        )
        for a in "ab"
    },
}
