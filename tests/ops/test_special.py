"""Special functions: SciPy's values, gradients that are right at the edges (against mpmath), and what has none.

Where a value of SciPy's is off itself, its slope can be no better: those of `beta` and of the Bessel functions at large arguments are
held against what SciPy gives for the functions in their formulas.
"""

import runpy
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from math import inf, isnan
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special as sp
from mpmath import mpf

import tinygrad_ko as tg
from tests.ops.slopes import derivatives, korean, slopes
from tests.ops.ulps import ulps

S = tg.special
SIZES = (1e300, 1e100, 1e15, 1e8, 1e5, 1e3, 300, 100, 40, 20, 7.3, 3, 2, 1, 0.5, 0.1, 1e-3, 1e-8, 1e-20, 1e-100, 1e-300)


def points(low: float, high: float, *more: float) -> Any:
    x = np.array([*SIZES, *(-s for s in SIZES), *more, *np.random.default_rng(0).uniform(-9, 9, 40)])
    return x[(low < x) & (x < high)]


def slope_of(f: Callable[[Any], Any], x: Any) -> Any:
    leaf: Any = tg.Tensor(x, requires_grad=True)
    with np.errstate(all="ignore"):
        return tg.grad(f(leaf), leaf, np.ones_like(x)).numpy()


def psi(n: int) -> Callable[[Any], Any]:
    return lambda x: mpmath.polygamma(n, x)


def gamma_slope(x: Any) -> Any:
    return mpmath.gamma(x) * mpmath.psi(0, x)


def gamma_density(a: float) -> Callable[[Any], Any]:
    return lambda x: mpmath.exp((mpf(a) - 1) * mpmath.log(x) - x - mpmath.loggamma(mpf(a)))


def beta_density(a: float, b: float) -> Callable[[Any], Any]:
    def density(x: Any) -> Any:
        p, q = mpf(a), mpf(b)
        whole = mpmath.loggamma(p) + mpmath.loggamma(q) - mpmath.loggamma(p + q)
        return mpmath.exp((p - 1) * mpmath.log(x) + (q - 1) * mpmath.log(1 - x) - whole)

    return density


def rise(b: float) -> Callable[[Any], Any]:
    return lambda x: mpmath.psi(0, x) - mpmath.psi(0, x + mpf(b))


def mean_of_neighbours(f: Callable[[Any, Any], Any], v: float, sign: int) -> Callable[[Any], Any]:
    return lambda x: (f(v - 1, x) + sign * f(v + 1, x)) / 2


def ive_slope(v: int) -> Callable[[Any], Any]:
    i = mpmath.besseli
    return lambda x: mpmath.exp(-abs(x)) * ((i(v - 1, x) + i(v + 1, x)) / 2 - mpmath.sign(x) * i(v, x))


def hazard(x: Any) -> Any:
    return mpmath.npdf(x) / mpmath.ncdf(x)


def half_root_pi() -> Any:
    return mpmath.sqrt(mpmath.pi) / 2


BOTH_SIDES_OF_40 = np.array([-1e3, -41, -39, -2, 1e-3, 0.3, 1.6, 7.3, 39, 41, 300, 1e3])
NEAR_MEAN = (1e5, 1e5 + 300, 1e5 - 700, 1.3e5)
# Name: the function, its true slope, where, by how many units in the last place it may be off, the digits of the truth.
EDGES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], Any, float, int]] = {
    "gammaln": (S.gammaln, psi(0), points(0, inf), 8, 60),
    "gammaln below 0": (S.gammaln, psi(0), np.array([-1e-300, -1e-8, -0.5, -1.5, -7.25, -20.3]), 12, 60),
    "digamma": (S.digamma, psi(1), points(0, inf), 8, 60),
    "digamma below 0": (S.digamma, psi(1), np.array([-1e-8, -0.5, -1.5, -7.3, -20.25]), 12, 60),
    "polygamma": (lambda x: S.polygamma(3, x), psi(4), points(0, 1e60), 8, 60),
    "gamma": (S.gamma, gamma_slope, points(0, 180, 170.5, 171.5), 8, 60),
    "gamma below 0": (S.gamma, gamma_slope, np.array([-1e-300, -1e-8, -0.5, -1.5, -7.3, -20.25]), 12, 60),
    **{
        f"betaln of {b:g}": (partial(S.betaln, b), rise(b), np.array([1e-300, 1e-8, 0.3, 7.3, 1e5, 1e15]), 8, 700)
        for b in (1e-300, 1e-8, 0.5, 3, 1e3, 1e8, 1e300)
    },
    **{
        f"gammainc of {a:g}": (partial(S.gammainc, a), gamma_density(a), x, most, 60)
        for a, x, most in (
            (1e-300, points(0, inf), 8),
            (0.5, points(0, inf), 8),
            (1, points(0, inf), 8),
            (2, points(0, inf), 8),
            (14.5, points(0, inf), 8),
            (15.5, points(1, inf), 60),
            (1e5, np.array(NEAR_MEAN), 8),
            (1e15, np.array([1e15, 1e15 - 3e7, 1e15 + 1e8]), 8),
        )
    },
    "gammaincc": (lambda x: -S.gammaincc(100, x), gamma_density(100), points(20, 400, 97, 160), 100, 60),
    **{
        f"betainc of {a:g}, {b:g}": (partial(S.betainc, a, b), beta_density(a, b), np.array(x), most, 60)
        for a, b, x, most in (
            (0.5, 0.5, (1e-300, 1e-8, 0.3, 0.99, 1 - 1e-9), 8),
            (1, 3, (1e-300, 1e-8, 0.3, 0.99), 8),
            (2, 0.3, (1e-8, 0.3, 0.99, 1 - 1e-9), 20),
            (14, 1e6, (1e-20, 1e-8, 1.4e-5, 1.77e-5, 1e-4), 80),
            (1e8, 2, (0.9999999, 1 - 1e-8, 1 - 3e-9), 40),
            (100, 200, (0.3, 1 / 3, 0.4), 300),
            (1e5, 1e5, (0.498, 0.5, 0.501), 500),
            (1e-5, 1e5, (1e-20, 1e-8, 1e-4), 80),
        )
    },
    "j0": (S.j0, lambda x: -mpmath.besselj(1, x), points(-30, 30), 200, 60),
    "i0": (S.i0, lambda x: mpmath.besseli(1, x), points(-700, 700), 8, 400),
    "i1": (S.i1, mean_of_neighbours(mpmath.besseli, 1, 1), points(-700, 700), 8, 400),
    "iv": (lambda x: S.iv(2, x), mean_of_neighbours(mpmath.besseli, 2, 1), points(1e-90, 700), 16, 400),
    "y0": (S.y0, lambda x: -mpmath.bessely(1, x), points(0, 6), 40, 60),
    "y1": (S.y1, mean_of_neighbours(mpmath.bessely, 1, -1), points(0, 3), 200, 60),
    **{
        f"ive of {v}": (partial(S.ive, v), ive_slope(v), BOTH_SIDES_OF_40, most, 60)
        for v, most in ((0, 300), (1, 600))
    },
    "erfinv": (
        S.erfinv,
        lambda x: half_root_pi() * mpmath.exp(mpmath.erfinv(x) ** 2),
        np.array([1e-300, 1e-8, 0.1, 0.5, -0.9, 0.999, 1 - 1e-9, 1 - 2.0**-53]),
        40,
        60,
    ),
    "erfcinv": (
        S.erfcinv,
        lambda x: -half_root_pi() * mpmath.exp(mpmath.erfinv(1 - x) ** 2),
        np.array([1e-100, 1e-8, 0.1, 1, 1.3, 1.9]),
        200,
        200,
    ),
    "ndtr": (S.ndtr, mpmath.npdf, points(-37, 37), 8, 60),
    "log_ndtr": (S.log_ndtr, hazard, points(-1e3 - 1, 1e300), 8, 60),
    "the slope of log_ndtr": (
        lambda x: -tg.grad(S.log_ndtr(x), x, np.ones(x.shape), create_graph=True),
        lambda x: hazard(x) * (x + hazard(x)),
        np.array([-1e3, -50, -9, -8.001, -7.9, -3, -1, 1, 3, 8, 20]),
        100,
        60,
    ),
    "erfcx": (
        S.erfcx,
        lambda x: 2 * x * mpmath.exp(x * x) * mpmath.erfc(x) - 1 / half_root_pi(),
        points(-26, 1e3),
        200,
        80,
    ),
    "xlogy": (lambda x: S.xlogy(x, 3.0), lambda x: mpmath.log(3), points(-inf, inf), 2, 60),
    "entr": (S.entr, lambda x: -mpmath.log(x) - 1, points(0, inf), 4, 60),
    "rel_entr": (lambda x: S.rel_entr(x, 1.5), lambda x: mpmath.log(x / mpf(1.5)) + 1, points(0, inf), 10, 60),
    "rel_entr far apart": (lambda x: S.rel_entr(x, 1e-200), lambda x: mpmath.log(x / mpf(1e-200)) + 1, points(0, inf), 4, 60),
    "expit": (S.expit, lambda x: 1 / ((1 + mpmath.exp(-x)) * (1 + mpmath.exp(x))), points(-700, 700), 8, 60),
    "log_expit": (S.log_expit, lambda x: 1 / (1 + mpmath.exp(x)), points(-700, 700), 8, 60),
}  # fmt: skip


@pytest.mark.parametrize("name", EDGES)
def test_slopes_are_right_at_the_edges(name: str) -> None:
    f, true, x, most, digits = EDGES[name]
    found = slope_of(f, x)
    with mpmath.workdps(digits):
        errors = [ulps(g, true(mpf(p)), np.dtype(float)) for g, p in zip(found.tolist(), x.tolist(), strict=True)]
    print(f"{name}: off by at most {max(errors):.3g} units, at {x[int(np.argmax(errors))]:.4g}")
    assert max(errors) <= most, x[int(np.argmax(errors))]


def test_far_out_the_slope_of_ive_follows_its_series() -> None:
    """exp(-x) * iv(v, x) is (1 - (4 v * v - 1) / (8 x) + ...) / sqrt(2 pi x), also where the difference of its terms has no digits left."""
    for v in (0, 1, 2.5):
        for x in (1e9, 1e15, 1e100):
            expected = -0.5 * x**-1.5 / np.sqrt(2 * np.pi) * (1 - 3 * (4 * v * v - 1) / (8 * x))
            assert slope_of(partial(S.ive, v), np.array([x]))[0] == pytest.approx(expected, rel=1e-14)
    assert isnan(slope_of(lambda x: S.ive(0.5, x), np.array([-100.0]))[0])


def test_at_the_kink_of_ive_the_second_derivative_is_that_of_both_sides() -> None:
    assert derivatives(lambda x: S.ive(0, x), 0.0, 2) == [1.0, 0.0, 1.5]
    assert derivatives(lambda x: S.ive(1, x), 0.0, 3)[::2] == [0.0, 0.0]
    assert derivatives(lambda x: S.ive(1, x), 0.0, 3)[3] == 1.875


def test_the_second_derivative_where_the_parameters_sum_to_1() -> None:
    """The distribution of the arc sine: one factor of its second derivative would be 0, the other infinite."""
    first, second = derivatives(lambda x: S.betainc(0.5, 0.5, x), 0.2, 2)[1:]
    assert first == pytest.approx(1 / (np.pi * 0.4), rel=1e-15)
    assert second == pytest.approx(-0.3 / (np.pi * 0.4**3), rel=1e-14)


def test_a_slope_of_beta_is_as_good_as_its_value() -> None:
    a, b = np.array([1e5, 14.0, 1e-8, 3.0]), np.array([1e-8, 1e6, 1e5, 3.0])
    with mpmath.workdps(60):
        rises = [float(rise(q)(mpf(p))) for p, q in zip(a.tolist(), b.tolist(), strict=True)]
    np.testing.assert_allclose(slopes(S.beta, a, b)[0], sp.beta(a, b) * rises, rtol=4e-15)


def test_the_ends() -> None:
    nan = float("nan")
    ends: dict[Any, tuple[list[float], list[float]]] = {
        S.gammaln: ([0.0, inf], [-inf, inf]),
        S.gamma: ([0.0, inf, -1.0], [-inf, inf, nan]),
        S.entr: ([0.0], [inf]),
        S.erfinv: ([-1.0, 1.0], [inf, inf]),
        S.erfcinv: ([0.0, 2.0], [-inf, -inf]),
        S.ndtri: ([0.0, 1.0], [inf, inf]),
        S.log_ndtr: ([-inf, inf], [inf, 0.0]),
        S.j1: ([0.0], [0.5]),
        S.i1: ([0.0], [0.5]),
        S.y0: ([0.0], [inf]),
        S.y1: ([0.0, 1e-320], [inf, inf]),
    }
    for f, (at, expected) in ends.items():
        np.testing.assert_array_equal(slope_of(f, np.array(at)), expected, err_msg=f.__name__)
    assert slope_of(lambda x: S.yn(20, x), np.array([0.0, 1e-20])).tolist() == [inf, inf]
    for a, slope in ((0.5, inf), (1, 1.0), (2, 0.0), (20, 0.0)):
        assert slope_of(partial(S.gammainc, a), np.array([0.0])).tolist() == [slope]
    for a, slope in ((0.5, inf), (1, 3.0), (2, 0.0), (20, 0.0)):
        assert slope_of(partial(S.betainc, a, 3), np.array([0.0])).tolist() == [slope]
        assert slope_of(partial(S.betaincc, 3, a), np.array([1.0])).tolist() == [-slope]
    with np.errstate(all="ignore"):
        assert slopes(S.xlogy, [0.0, 0.0, 1.0], [0.0, 2.0, 0.0]) == [[-inf, np.log(2), -inf], [0, 0, inf]]


SCIPYS = [
    *("gammaln", "digamma", "psi", "gamma", "rgamma", "gammasgn", "gammainc", "gammaincc", "beta", "betaln", "betainc", "betaincc"),
    *("erf", "erfc", "erfcx", "erfinv", "erfcinv", "ndtr", "ndtri", "log_ndtr", "xlogy", "xlog1py", "entr", "rel_entr", "expit", "logit"),
    *("log_expit", "i0", "i1", "iv", "ive", "j0", "j1", "jn", "jv", "y0", "y1", "yn", "yv", "expm1", "log1p"),
]  # fmt: skip


@pytest.mark.parametrize("name", SCIPYS)
def test_scipys_own_ufunc_is_the_function_of_that_name(name: str) -> None:
    ufunc = getattr(sp, name)
    if not isinstance(ufunc, np.ufunc):
        pytest.skip("with SCIPY_ARRAY_API it is a Python function")
    x: Any = tg.Tensor(np.array([0.3, 0.7]), requires_grad=True)
    before = [2] * (ufunc.nin - 1)
    y, same = ufunc(*before, x), getattr(S, name)(*before, x)
    np.testing.assert_allclose(y.numpy(), ufunc(*before, x.numpy()), rtol=1e-14)
    assert tg.grad(y, x, np.ones(2)).tolist() == tg.grad(same, x, np.ones(2)).tolist()


def test_a_ufunc_of_another_package_by_that_name_is_refused() -> None:
    def gammaln(x: float) -> float:
        return x

    with pytest.raises(TypeError, match=r"gammaln.* is not supported on a Tensor"):
        np.frompyfunc(gammaln, 1, 1)(tg.Tensor([1.0], requires_grad=True))


def test_a_ufunc_of_scipy_without_a_rule_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"^scipy\.special\.gdtr is not supported on a Tensor") as caught:
        sp.gdtr(1.0, 2.0, tg.Tensor([1.0], requires_grad=True))
    assert korean(caught.value)
    with pytest.raises(TypeError, match=r"nearest: scipy\.special\.jv"):
        sp.jve(1, tg.Tensor([1.0], requires_grad=True))


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda p, x: S.gammainc(p, x), "a"),
        (lambda p, x: S.gammaincc(p, x), "a"),
        (lambda p, x: S.betainc(p, 2, x), "a"),
        (lambda p, x: S.betainc(2, p, x), "b"),
        (lambda p, x: S.polygamma(p, x), "n"),
        (lambda p, x: S.iv(p, x), "v"),
        (lambda p, x: S.ive(p, x), "v"),
        (lambda p, x: S.jn(p, x), "v"),
        (lambda p, x: S.yn(p, x), "n"),
        (lambda p, x: sp.jv(p, x), "v"),
    ],
)
def test_orders_and_shapes_that_require_a_gradient_are_refused_by_name(call: Any, argument: str) -> None:
    parameter: Any = tg.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(
        TypeError, match=rf"no gradient can be given for '{argument}'; pass {argument}\.detach\(\)"
    ) as caught:
        call(parameter, 0.5)
    assert korean(caught.value)


class TestLogsumexp:
    A = np.array([[0.3, -1.2, 700.0], [2.0, 1000.0, 999.0]])
    B = np.array([[1.0, 2.0, 0.5], [0.0, 3.0, -1.0]])

    @pytest.mark.parametrize("options", [{}, {"axis": 1}, {"axis": 0, "keepdims": True}, {"axis": (0, 1)}])
    @pytest.mark.filterwarnings("ignore::RuntimeWarning")  # SciPy 1.14 takes the logarithm of a negative sum aloud
    def test_it_is_scipys(self, options):
        x: Any = tg.Tensor(self.A, requires_grad=True)
        np.testing.assert_allclose(S.logsumexp(x, **options).numpy(), sp.logsumexp(self.A, **options), rtol=1e-14)
        y, expected = S.logsumexp(x, b=self.B, **options), sp.logsumexp(self.A, b=self.B, **options)
        np.testing.assert_allclose(y.numpy(), expected, rtol=1e-14)
        ours, theirs = (
            f(v, b=-self.B, return_sign=True, **options) for f, v in ((S.logsumexp, x), (sp.logsumexp, self.A))
        )
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(np.asarray(a.numpy()), b, rtol=1e-14)

    def test_gradients_go_to_numbers_and_weights(self):
        a, b = self.A[:, :2] / 500, self.B[:, :2] + 0.5
        tg.check_gradient(lambda a, b: S.logsumexp(a, axis=1, b=b), a, b, order=2)
        tg.check_gradient(lambda a, b: S.logsumexp(a, b=b - 3, return_sign=True)[0], a, b)
        tg.check_gradient(lambda b: S.logsumexp(np.array([1.0, 2.0]), b=b), np.array([0.0, 1.0]))  # a weight of 0

    def test_what_has_no_weight_may_be_infinite(self):
        x: Any = tg.Tensor([0.0, inf], requires_grad=True)
        y = S.logsumexp(x, b=[2.0, 0.0])
        assert y.item() == pytest.approx(np.log(2))
        assert tg.grad(y, x).tolist() == [1, 0]
        assert S.logsumexp([-inf, -inf], b=[1.0, 2.0]) == -inf


def test_softmax_is_over_all_axes_as_in_scipy() -> None:
    x = np.array([[0.3, -1.2], [2.0, 0.1]])
    np.testing.assert_allclose(S.softmax(x), sp.softmax(x), rtol=1e-15)
    np.testing.assert_allclose(S.log_softmax(x, axis=0), sp.log_softmax(x, axis=0), rtol=1e-14)


def test_multigammaln_asks_for_more_than_half_the_dimensions() -> None:
    with pytest.raises(ValueError, match=r"above \(d - 1\) / 2 = 1"):
        S.multigammaln(tg.Tensor([2.0, 1.0]), 3)


def test_an_exported_file_needs_scipy_beside_numpy(tmp_path: Path) -> None:
    @tg.compile
    def log_factorial(n: Any) -> Any:
        return S.gammaln(tg.Tensor(n + 1)).detach()

    assert log_factorial(np.array([2.0])).item() == pytest.approx(np.log(2))
    file = log_factorial.export(tmp_path / "log_factorial.py")
    text = file.read_text(encoding="utf-8")
    assert "from scipy import special" in text
    assert "tinygrad_ko" not in text.partition("import numpy")[2].replace('== "tinygrad_ko"', "")
    assert runpy.run_path(str(file))["log_factorial"](np.array([2.0])).item() == pytest.approx(np.log(2))


def test_without_scipy_the_way_out_is_named_and_the_rest_works() -> None:
    code = (
        "import sys; sys.modules['scipy'] = None\n"
        "import tinygrad_ko as tg\n"
        "print(tg.special.erf(0.0), tg.special.logsumexp([0.0]))\n"
        "try: tg.special.gammaln(tg.Tensor([1.0]))\n"
        "except ModuleNotFoundError as error: print(error, *error.__notes__)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, encoding="utf-8"
    ).stdout
    assert out.startswith("0.0 0.0\n")
    assert "tg.special needs SciPy" in out
    assert "[special]" in out


def test_scipy_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, tinygrad_ko as tg; tg.special.gammaln; tg.special.erf(0.5); print('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "False\n"


@pytest.mark.parametrize("n", [0.613, np.float64(1.9), np.array([0.2, 2.0]), tg.Tensor([0.2, 2.0])])
def test_the_order_of_yn_must_be_whole(n: Any) -> None:
    """SciPy cuts it to a whole number in the value, and the slope of the order as given would be another."""
    with pytest.raises(ValueError, match=r"yn: the order must be whole, .* yv takes any order") as caught:
        S.yn(n, np.array([0.7, 1.9]))
    assert any("yv를" in note for note in caught.value.__notes__)
    assert np.array_equal(S.yn(2.0, np.array([0.7, 1.9])), S.yn(2, np.array([0.7, 1.9])))
