"""Functions of each element and their slopes at huge, moderate and tiny arguments, against mpmath.

The table states by how many units in the last place a value and a slope may be off, in float64 and in float32. There is no NaN, no
warning, and no slope that is 0 before the true one is smaller than every number.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

import tinygrad_ko as tg
from tests.ops.ulps import worst

SIZES = (1e3, 40, 20, 7.3, 3, 2, 1, 0.5, 0.1, 1e-3, 1e-8, 1e-20, 1e-30, 1e-300)
STRETCH, CUBIC = 2 * mpmath.sqrt(2 / mpmath.pi), mpf("0.044715")
CRESTS = [k + 0.5 - 1 / (np.pi**2 * (k + 0.5)) for k in range(1, 13)]  # of sinc, nearly
E, PI = mpmath.exp, mpmath.pi


def s(x):
    return 1 / (1 + E(-x))


def softplus(x):
    return mpmath.log1p(E(x))


def density(x):
    return E(-x * x / 2) / mpmath.sqrt(2 * PI)


def mish_slope(x):
    return mpmath.tanh(softplus(x)) + x * mpmath.sech(softplus(x)) ** 2 * s(x)


def bent(x):
    return STRETCH * (x + CUBIC * x**3)


def tanh_gelu_slope(x):
    return s(bent(x)) * (1 + x * s(-bent(x)) * STRETCH * (1 + 3 * CUBIC * x * x))


def sinc_slope(x):
    return (mpmath.cospi(x) - mpmath.sincpi(x)) / x if abs(x) > 1e-15 else -(PI**2) * x / 3


def cube_root(x):
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


@dataclass(frozen=True)
class Curve:
    """The true value and slope, and how many units in the last place ours may be off: value and slope, value and slope."""

    value: Callable[..., Any]
    slope: Callable[..., Any]
    double: tuple[float, float]
    single: tuple[float, float]
    within: tuple[float, float] = (-inf, inf)
    flat_at: tuple[float, ...] = ()  # where the slope is 0: near there it is a difference, and has few digits

    def points(self, dtype: Any) -> Any:
        """Those of the table, some at random, and some next to the ends of where the function is defined."""
        low, high = self.within
        drawn = np.random.default_rng(0).uniform(max(low, -12), min(high, 12), 100)
        ends = [x for x in (low + 1e-6, high - 1e-6) if abs(x) < inf]
        x = np.array([*SIZES, *(-x for x in SIZES), *drawn, *ends]).astype(dtype)
        away = [np.abs(x - at) > 0.3 for at in self.flat_at]
        return x[np.all([low < x, x < high, x != 0, *away], axis=0)]


TABLE = {
    tg.sigmoid: Curve(s, lambda x: s(x) * s(-x), (3, 4), (3, 5)),
    tg.softplus: Curve(softplus, s, (3, 3), (4, 3)),
    tg.silu: Curve(lambda x: x * s(x), lambda x: s(x) * (1 + x * s(-x)), (3, 6), (4, 8), flat_at=(-1.278,)),
    tg.mish: Curve(lambda x: x * mpmath.tanh(softplus(x)), mish_slope, (4, 8), (5, 8), flat_at=(-1.192,)),
    tg.gelu: Curve(
        lambda x: x * mpmath.ncdf(x), lambda x: mpmath.ncdf(x) + x * density(x), (6, 8), (6, 8), flat_at=(-0.752,)
    ),
    tg.elu: Curve(lambda x: x if x > 0 else mpmath.expm1(x), lambda x: E(min(x, 0)), (3, 3), (3, 3)),
    tg.logit: Curve(lambda x: mpmath.log(x) - mpmath.log1p(-x), lambda x: 1 / (x * (1 - x)), (3, 3), (4, 3), (0, 1)),
    tg.log1p: Curve(mpmath.log1p, lambda x: 1 / (1 + x), (2, 3), (3, 3), (-1, inf)),
    tg.expm1: Curve(mpmath.expm1, E, (2, 2), (3, 3), (-inf, 80)),
    tg.exp2: Curve(lambda x: mpf(2) ** x, lambda x: mpmath.log(2) * mpf(2) ** x, (2, 3), (3, 3), (-inf, 80)),
    tg.log2: Curve(lambda x: mpmath.log(x, 2), lambda x: 1 / (x * mpmath.log(2)), (2, 3), (3, 3), (0, inf)),
    tg.log10: Curve(mpmath.log10, lambda x: 1 / (x * mpmath.log(10)), (2, 3), (3, 3), (0, inf)),
    tg.erf: Curve(mpmath.erf, lambda x: 2 / mpmath.sqrt(PI) * E(-x * x), (3, 4), (4, 5)),
    tg.erfc: Curve(mpmath.erfc, lambda x: -2 / mpmath.sqrt(PI) * E(-x * x), (6, 4), (6, 5)),
    tg.cbrt: Curve(cube_root, lambda x: 1 / (3 * cube_root(x) ** 2), (2, 4), (3, 5)),
    tg.tan: Curve(mpmath.tan, lambda x: mpmath.sec(x) ** 2, (3, 4), (4, 5)),
    tg.asin: Curve(mpmath.asin, lambda x: 1 / mpmath.sqrt((1 - x) * (1 + x)), (3, 3), (4, 3), (-1, 1)),
    tg.acos: Curve(mpmath.acos, lambda x: -1 / mpmath.sqrt((1 - x) * (1 + x)), (3, 3), (4, 3), (-1, 1)),
    tg.atan: Curve(mpmath.atan, lambda x: 1 / (1 + x * x), (3, 3), (4, 3)),
    tg.sinh: Curve(mpmath.sinh, mpmath.cosh, (3, 3), (4, 4), (-80, 80)),
    tg.cosh: Curve(mpmath.cosh, mpmath.sinh, (3, 3), (4, 4), (-80, 80)),
    tg.asinh: Curve(mpmath.asinh, lambda x: 1 / mpmath.sqrt(1 + x * x), (3, 3), (4, 3)),
    tg.acosh: Curve(mpmath.acosh, lambda x: 1 / mpmath.sqrt(x * x - 1), (3, 4), (4, 4), (1, inf)),
    tg.atanh: Curve(mpmath.atanh, lambda x: 1 / (1 - x * x), (3, 3), (4, 3), (-1, 1)),
    tg.sinc: Curve(mpmath.sincpi, sinc_slope, (4, 8), (5, 8), flat_at=(*CRESTS, *(-x for x in CRESTS))),
}


def value_and_slope(f: Callable[..., Any], points: Any) -> tuple[Any, Any]:
    x: Any = tg.Tensor(points, requires_grad=True)
    y = f(x)
    y.backward(np.ones_like(points))
    assert y.dtype == x.grad.dtype == points.dtype
    return y.numpy(), x.grad


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("f", TABLE, ids=lambda f: f.__name__)
def test_values_and_slopes_are_off_by_a_few_units_in_the_last_place(f, dtype):
    curve = TABLE[f]
    points = curve.points(dtype)
    bounds = curve.double if dtype is np.float64 else curve.single
    for what, found, true, most in zip(
        ("value", "slope"), value_and_slope(f, points), (curve.value, curve.slope), bounds, strict=True
    ):
        error, at = worst(found, points, true)
        print(f"{f.__name__} in {dtype.__name__}: its {what} is off by at most {error:.1f} units, at {at:.4g}")
        assert error <= most, f"the {what} of {f.__name__} at {at}"


def error_of(got: Any, want: Any, unit: float = 1.0) -> float:
    """The largest error of an array, in units of 2 ** -52 of the true numbers, or of `unit` where they are smaller than that."""
    errors = [
        abs(mpf(float(a)) - b) / max(abs(b), mpf(unit)) for a, b in zip(np.ravel(got), np.ravel(want), strict=True)
    ]
    return float(max(errors)) * 2.0**52


class TestTanh:
    """Its slope is a difference from 1: it is right to two units in the last place of 1, and so exactly where that is all there is."""

    CURVE = Curve(mpmath.tanh, lambda x: mpmath.sech(x) ** 2, (3, 0), (3, 0))

    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_value_and_slope(self, dtype):
        points = self.CURVE.points(dtype)
        value, slope = value_and_slope(tg.tanh, points)
        assert worst(value, points, self.CURVE.value)[0] <= 3
        off = max(abs(mpf(float(a)) - self.CURVE.slope(mpf(float(x)))) for a, x in zip(slope, points, strict=True))
        assert off <= 2 * np.finfo(dtype).eps

    def test_at_the_ends_and_at_tiny_arguments_it_is_exact(self):
        points = np.array([-1000.0, -400.0, -1e-20, -1e-300, 1e-300, 1e-20, 400.0, 1000.0])
        assert value_and_slope(tg.tanh, points)[1].tolist() == [0, 0, 1, 1, 1, 1, 0, 0]


class TestTheOlderGelu:
    """Its exponent has as many digits before the point as |u| has, and they are missing behind it."""

    def test_around_0(self):
        curve = Curve(lambda x: x * s(bent(x)), tanh_gelu_slope, (8, 8), (8, 8), (-2, inf), (-0.753,))
        for dtype in (np.float64, np.float32):
            points = curve.points(dtype)
            value, slope = value_and_slope(partial(tg.gelu, approximate="tanh"), points)
            assert worst(value, points, curve.value)[0] <= 8
            assert worst(slope, points, curve.slope)[0] <= 8

    def test_far_below_0(self):
        points = np.array([-1000.0, -40, -20, -10, -7.3, -5, -3, -2])
        value, slope = value_and_slope(partial(tg.gelu, approximate="tanh"), points)
        with mpmath.workdps(60):
            for found, true in ((value, lambda x: x * s(bent(x))), (slope, tanh_gelu_slope)):
                for x, v in zip(points.tolist(), found.tolist(), strict=True):
                    assert error_of(v, true(mpf(x)), 1e-300) <= 3 + abs(bent(x))

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_where_the_cube_is_too_large_for_a_number(self, dtype):
        largest = float(np.finfo(dtype).max) / 2
        points = [-largest, -300.0, -84.0, -30.0, 30.0, 84.0, 300.0, largest]
        x: Any = tg.Tensor(np.array(points, dtype), requires_grad=True)
        y = tg.gelu(x, approximate="tanh")
        (slope,) = tg.grad(y, [x], np.ones(8, dtype), create_graph=True)
        (bend,) = tg.grad(slope, [x], np.ones(8, dtype))
        assert y.tolist() == [0, 0, 0, 0, *x.tolist()[4:]]
        assert slope.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
        assert bend.tolist() == [0] * 8


ROWS = (
    [40, 0],
    [0, -40],
    [1000, -1000],
    [1000, 1000],
    [1000, 960, 999],
    [-1000, -1000, -1040],
    [-40, 0, 20],
    [1e-300, 1e-20],
    [700, 0, 690],
    [3.0, 1.25, 2.0],
)


@pytest.mark.parametrize("row", ROWS, ids=str)
class TestAlongAnAxis:
    """Of numbers close to 1, and of those that are 1 less them, the error is a few units of the last place of 1."""

    def true(self, row):
        with mpmath.workdps(1000):
            e = [E(mpf(x)) for x in row]
            total = mpmath.fsum(e)
            return [x / total for x in e], mpmath.log(total)

    def jacobian(self, f, row):
        x: Any = tg.Tensor(np.array(row, float), requires_grad=True)
        y = f(x)
        return y.numpy(), np.array([tg.grad(y, x, unit).numpy() for unit in np.eye(len(row))])

    def test_softmax(self, row):
        p, _ = self.true(row)
        value, slopes = self.jacobian(tg.softmax, row)
        assert error_of(value, p, 1e-300) <= 4
        for i, j in np.ndindex(slopes.shape):
            assert error_of(slopes[i, j], p[i] * ((i == j) - p[j]), max(float(p[i]), 1e-300) if i == j else 1e-300) <= 4

    def test_log_softmax(self, row):
        p, total = self.true(row)
        value, slopes = self.jacobian(tg.log_softmax, row)
        assert error_of(value, [x - total for x in row]) <= 2
        for i, j in np.ndindex(slopes.shape):  # exp(out) has lost the digits that out has before the point
            assert error_of(slopes[i, j], (i == j) - p[j], 1.0 if i == j else 1e-300) <= 3 + abs(value[j])

    def test_logsumexp(self, row):
        p, total = self.true(row)
        x: Any = tg.Tensor(np.array(row, float), requires_grad=True)
        y = tg.logsumexp(x)
        y.backward()
        assert error_of(y.numpy(), total) <= 2
        assert error_of(x.grad, p, 1e-300) <= 4


PAIRS = [(1000, 1000), (1000, 960), (-1000, 1000), (0, -40), (-20, -20), (1e-20, 1e-300), (0.3, -0.2), (-1000, -1040)]


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_logaddexp_and_its_slopes(a, b):
    x, y = (tg.Tensor(float(v), requires_grad=True) for v in (a, b))
    out = tg.logaddexp(x, y)
    slopes = [g.item() for g in tg.grad(out, [x, y])]
    with mpmath.workdps(1000):
        assert error_of(out.numpy(), mpmath.log(E(mpf(a)) + E(mpf(b))), 1e-300) <= 2
        assert error_of(slopes, [s(mpf(a) - mpf(b)), s(mpf(b) - mpf(a))], 1e-300) <= 4


@pytest.mark.parametrize(("a", "b"), [(3, 4), (3e200, 4e200), (3e-200, 4e-200), (1e300, 1), (1e-300, 1e-300), (0, 2)])
def test_hypot_and_atan2_neither_overflow_nor_underflow(a, b):
    x, y = (tg.Tensor(float(v), requires_grad=True) for v in (a, b))
    with mpmath.workdps(60):
        length = mpmath.hypot(mpf(a), mpf(b))
        assert error_of(tg.hypot(x, y).numpy(), length, 1e-300) <= 2
        assert error_of([g.item() for g in tg.grad(tg.hypot(x, y), [x, y])], [a / length, b / length], 1e-300) <= 4
        slopes = [g.item() for g in tg.grad(tg.atan2(x, y), [x, y])]
        assert error_of(slopes, [b / length / length, -a / length / length], 1e-300) <= 4
