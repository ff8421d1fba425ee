"""Special functions: their values are SciPy's, whose own functions stand beside them; what those have not is written out."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp
from hypothesis import strategies as st

from tests.ops.domains import SHAPES, Row, draw_array, elementwise_call, positive, real, with_options
from tinygrad_ko.ops.special import bessel, beta_family, entropy, gamma_family, logistic, normal


def between(low, high):
    """Numbers of an interval."""
    return lambda rng, size: rng.uniform(low, high, size)


def off_the_poles(rng, size):
    """Both signs, away from whole numbers below 1."""
    return rng.integers(-3, 4, size) + rng.uniform(0.2, 0.8, size)


@st.composite
def after(draw, *parameters, values=positive, options=None):
    """Parameters without a derivative, as numbers or as whole numbers in an array, and an array behind them."""
    x = draw_array(draw, SHAPES, values)
    first = [draw(st.sampled_from(choices)) for choices in parameters]
    if all(float(p).is_integer() for p in first) and draw(st.booleans()):
        shape = draw(st.sampled_from([x.shape[-1:], (2, *[1] * x.ndim)]))  # in the second x is stretched
        first = [np.full(shape, int(p)) for p in first]
    return (*first, x), {name: draw(value) for name, value in (options or {}).items()}


def gamma_density(a, x):
    return x ** (a - 1.0) * np.exp(-x) * sp.rgamma(a)


def beta_density(a, b, x, shift):
    whole = sp.gammaln(a + b + 0.0 + shift) - sp.gammaln(a) - sp.gammaln(b)
    signs = sp.gammasgn(a) * sp.gammasgn(b)
    return x ** (a - 1.0) * (1 - x) ** (b - 1.0) * signs * np.exp(whole)


def ive_differentiated(v, x, order):
    """The derivatives of iv, by SciPy, and the rule of Leibniz."""
    terms = [math.comb(order, j) * (-np.sign(x)) ** (order - j) * sp.ivp(v, x, j) for j in range(order + 1)]
    return np.exp(-np.abs(x)) * sum(terms)


def hazard(x):
    return np.exp(-x * x / 2 - sp.log_ndtr(x)) / math.sqrt(2 * math.pi)


def hazard_fraction(x, k):
    first = hazard(x) + x
    return first if k == 1 else (k - 1) / hazard_fraction(x, k - 1) + x


FAR_OUT: Any = tuple(((np.array([-7.9, -8.1, -4.5, -3e4, 3e4]),), {"k": k}) for k in (1, 2, 3))
EVERY_REGIME: Any = (
    ((20, np.array([0.7, 12.0, 19.0, 30.0])), {}),
    ((np.array([[1], [2], [20]]), np.array([0.7, 2.0])), {}),
    ((np.array([1, 2, 16, 40]), np.array([0.9, 2.5, 20.0, 33.0])), {}),
)
AT_POLES: Any = (((np.array([-1.5, 0.3, 2.3, -2.5]), np.array([0.5, 0.7, -3.3, 0.5])), {}),)
BETAS: Any = (
    ((np.array([1, 2, 20, 30]), np.array([2, 25, 3, 40]), np.array([0.3, 0.2, 0.8, 0.4])), {}),
    ((0.7, 1.3, np.array([0.2, 0.9])), {}),
    ((0.5, 0.5, np.array([0.3, 0.8])), {}),
    ((np.array([[2], [3]]), 2, np.array([0.3, 0.6])), {}),
)
BETAS_DIFFERENTIATED: Any = tuple((call, {"shift": i % 3}) for i, (call, _) in enumerate(BETAS))
FAR: Any = tuple(((2, np.array([-60.0, -3.0, 0.8, 45.0, 90.0])), {"order": order}) for order in (0, 1, 2))
AT_0: Any = ((((np.array([0.0]),), {}), None, [[[math.inf]]]),)
WITH_ZEROS: Any = np.array([0.0, 0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0, 3.0])
LOGARITHMS = [math.nan, -math.inf, -math.log(2), math.log(2 / 3)]
QUOTIENTS = [0.0, 0.0, 0.5, 2 / 3]
ORDERS = [0, 1, 2, 5, 0.5, 2.5]
SHAPES_OF_GAMMA = [1, 2, 3, 0.7, 4.5]

# Zeros and ties, which `distinct` leaves out, lie at the ends of where some of them are defined.
ROWS: dict[Callable[..., Any], Row] = {
    gamma_family.gammaln: Row(elementwise_call(off_the_poles), sp.gammaln),
    gamma_family.digamma: Row(elementwise_call(off_the_poles), sp.digamma),
    gamma_family.polygamma: Row(after([0, 1, 2, 3], values=positive), sp.polygamma),
    gamma_family.gamma: Row(elementwise_call(off_the_poles), sp.gamma),
    gamma_family.rgamma: Row(elementwise_call(off_the_poles), sp.rgamma),
    gamma_family.gammasgn: Row(elementwise_call(off_the_poles), sp.gammasgn),
    gamma_family.multigammaln: Row(
        elementwise_call(between(1.2, 4)).map(lambda call: (call[0], {"d": 3})), sp.multigammaln
    ),
    gamma_family.gammainc: Row(after(SHAPES_OF_GAMMA), sp.gammainc, EVERY_REGIME, distinct=True),
    gamma_family.gammaincc: Row(after(SHAPES_OF_GAMMA), sp.gammaincc, EVERY_REGIME, distinct=True),
    gamma_family.gamma_density: Row(
        after([*SHAPES_OF_GAMMA, 0, -0.5, -1.5]), gamma_density, EVERY_REGIME, distinct=True
    ),
    beta_family.beta: Row(elementwise_call(positive, positive), sp.beta, AT_POLES),
    beta_family.betaln: Row(elementwise_call(positive, positive), sp.betaln),
    beta_family.digamma_rise: Row(elementwise_call(positive, positive), lambda a, b: sp.digamma(a + b) - sp.digamma(a)),
    beta_family.betainc: Row(
        after([1, 2, 0.6, 3.5], [1, 3, 0.8], values=between(0.05, 0.95)), sp.betainc, BETAS, distinct=True
    ),
    beta_family.betaincc: Row(
        after([1, 2, 0.6, 3.5], [1, 3, 0.8], values=between(0.05, 0.95)), sp.betaincc, BETAS, distinct=True
    ),
    beta_family.beta_density: Row(
        after([1, 2, 0.6, 3.5], [1, 3, 0.8, 2.7], values=between(0.05, 0.95), options={"shift": st.integers(0, 2)}),
        beta_density,
        BETAS_DIFFERENTIATED,
        distinct=True,
    ),
    bessel.j0: Row(elementwise_call(real), sp.j0),
    bessel.j1: Row(elementwise_call(real), sp.j1),
    bessel.jv: Row(after(ORDERS), sp.jv, distinct=True),
    bessel.y0: Row(elementwise_call(positive), sp.y0),
    bessel.y1: Row(elementwise_call(positive), sp.y1, limits=AT_0),
    bessel.yn: Row(after([0, 1, 2, 3]), sp.yn),
    bessel.yv: Row(after([0, 1, 2, 0.5]), sp.yv),
    bessel.i0: Row(elementwise_call(real), sp.i0),
    bessel.i1: Row(elementwise_call(real), sp.i1),
    bessel.iv: Row(after(ORDERS), sp.iv, distinct=True),
    bessel.ive: Row(after([0, 1, 2, 5], values=real), sp.ive),
    bessel.ive_differentiated: Row(
        after([0, 1, 2], values=real, options={"order": st.integers(0, 2)}), ive_differentiated, FAR
    ),
    normal.erfinv: Row(elementwise_call(between(-0.9, 0.9)), sp.erfinv),
    normal.erfcinv: Row(elementwise_call(between(0.1, 1.9)), sp.erfcinv),
    normal.erfcx: Row(elementwise_call(real), sp.erfcx),
    normal.ndtr: Row(elementwise_call(real), sp.ndtr),
    normal.ndtri: Row(elementwise_call(between(0.05, 0.95)), sp.ndtri),
    normal.log_ndtr: Row(elementwise_call(real), sp.log_ndtr),
    normal.hazard: Row(elementwise_call(real), hazard),
    normal.hazard_fraction: Row(with_options({"k": st.sampled_from([1, 2, 3])}), hazard_fraction, FAR_OUT),
    entropy.xlogy: Row(elementwise_call(real, positive), sp.xlogy),
    entropy.xlog1py: Row(elementwise_call(real, positive), sp.xlog1py),
    entropy.entr: Row(elementwise_call(positive), sp.entr),
    entropy.rel_entr: Row(
        elementwise_call(positive, positive),
        sp.rel_entr,
        limits=(((WITH_ZEROS, {}), None, [[[x + 1 for x in LOGARITHMS], [-q for q in QUOTIENTS]]]),),
    ),
    entropy.log_ratio: Row(elementwise_call(positive, positive), lambda x, y: np.log(x / y)),
    logistic.expit: Row(elementwise_call(real), sp.expit),
    logistic.log_expit: Row(elementwise_call(real), sp.log_expit),
}

BESIDE_POLES = {
    "dropped condition: in _slope_of_beta: pole = (a + b <= 0) & (floor(a + b) == a + b)": "what holds at the poles holds beside them too",
    "missing function: in _slope_of_beta: pole = (a + b <= 0) & (a + b == a + b) & (floor(a) != a)": "the same",
    "dropped condition: in _slope_of_beta: pole = (a + b <= 0) & (floor(a) != a)": "where both have poles either way gives NaN",
    "wrong constant: in _slope_of_beta: c, d = (where(pole, a, 1.5), where(pole, b, 0.5))": "what stands there is not taken",
    "wrong constant: in _slope_of_beta: c, d = (where(pole, a, 0.5), where(pole, b, 1.5))": "what stands there is not taken",
    "wrong constant: in _slope_of_beta: rest = where(pole, 1 - a - b, 2)": "what stands there is not taken",
    "wrong constant: in _slope_of_beta: return where(pole, at_pole, -out * digamma_rise(a, where(pole, 2, b)))": (
        "what stands there is not taken"
    ),
}

EQUIVALENT: dict[str, dict[str, str]] = {
    "beta": {f"beta.{argument}: {mutant}": why for argument in "ab" for mutant, why in BESIDE_POLES.items()},
    **{
        name: {
            f"{name}.y: wrong constant: in _quotient: return where(x == 0, 0, x / where(x == 0, 2, y))": "what stands there is not taken"
        }
        for name in ("xlogy", "xlog1py", "rel_entr")
    },
    **{
        name: {
            f"{name}.x: sign flip: in _mean_difference: return where(above == math.inf, math.inf, 0.5 * (below - above))": (
                "only at 0, where no slope can be measured, both are -inf; the limits of y1 and test_the_ends hold it"
            )
        }
        for name in ("yn", "yv")
    },
    "hazard_fraction": {
        "hazard_fraction.x: wrong constant: in _slope_of_fraction: return where(x < 1, out * (hazard_fraction(x, k=k + 1) - out), "
        "k - out * rest)": "near 0 both have all digits",
    },
}
