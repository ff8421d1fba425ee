"""Distributions: values are SciPy's, gradients are slopes, also at the ends of a support and where there is no density."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy

import tinygrad_ko as tg
from tests.ops.slopes import korean

theirs = pytest.importorskip("scipy.stats")

INF, NAN = math.inf, math.nan
PLACES = np.array([-INF, -40.0, -2.5, -1e-3, 0.0, 0.3, 0.5, 1.0, 1.7, 6.0, 45.0, INF, NAN])
COUNTS = np.array([-1.0, 0.0, 1.0, 2.5, 3.0, 40.0, NAN])
SHAPES: dict[str, list[tuple[Any, ...]]] = {
    "norm": [()],
    "t": [(1.0,), (3,), (40.5,)],
    "gamma": [(0.5,), (1.0,), (7.3,)],
    "chi2": [(1,), (2.0,), (9.5,)],
    "beta": [(0.5, 0.5), (1.0, 3.0), (4.2, 2)],
    "poisson": [(0.4,), (12.0,)],
}
DENSITIES = {name: ("logpmf", "pmf") if name == "poisson" else ("logpdf", "pdf") for name in SHAPES}
METHODS = [
    (name, method) for name in SHAPES for method in (*DENSITIES[name], "cdf", "sf", "logcdf", "logsf")
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # SciPy's at infinity and beyond a support
@pytest.mark.parametrize(("name", "method"), METHODS)
def test_values_are_scipys(name: str, method: str) -> None:
    ours, his = (getattr(getattr(room, name), method) for room in (tg.stats, theirs))
    x = COUNTS if name == "poisson" else PLACES
    moved: list[tuple[Any, ...]] = [(), (1.0,), (0.2, 1.5), (0.2, np.array([[0.5], [2.0]]))]
    for shapes in SHAPES[name]:
        for rest in moved[: 2 if name == "poisson" else None]:
            wanted = his(x, *shapes, *rest)
            if method == DENSITIES[name][0]:
                wanted[..., x == INF] = -INF  # SciPy 1.17 gives NaN
            if method == DENSITIES[name][1]:
                wanted[..., x == INF] = 0
            if method in ("logcdf", "logsf"):  # SciPy loses digits of what is near 1
                rest_of_it = getattr(getattr(theirs, name), {"logcdf": "sf", "logsf": "cdf"}[method])(x, *shapes, *rest)
                wanted = np.where(rest_of_it < 0.5, np.log1p(-rest_of_it), wanted)
            np.testing.assert_allclose(ours(x, *shapes, *rest), wanted, rtol=1e-12, atol=1e-300)
            y = ours(tg.Tensor(x), *shapes, *rest)
            np.testing.assert_allclose(y.numpy(), wanted, rtol=1e-12, atol=1e-300)
        named = dict(zip(getattr(tg.stats, name).shapes, shapes, strict=True))
        assert ours(1.0, loc=0.5, **named) == ours(1.0, *shapes, 0.5)
        assert ours(x[:3].astype(np.float32), *shapes).dtype == np.float32
    few = np.array([0.0, 1.0, 2.0])
    for wrong in ([-1.0] * len(SHAPES[name][0]), [0.0] * len(SHAPES[name][0])):
        np.testing.assert_allclose(ours(few, *wrong), his(few, *wrong), rtol=1e-12)
    if name != "poisson":
        for scale in (-1.0, 0.0):
            assert np.isnan(ours(few, *SHAPES[name][0], 0.5, scale)).all()
            assert np.isnan(his(few, *SHAPES[name][0], 0.5, scale)).all()


INSIDE = {"norm": [-1.3, 0.2, 2.1], "t": [-1.3, 0.0, 2.1], "beta": [0.2, 0.55, 0.9]}


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_gradients_are_slopes(name: str, method: str) -> None:
    call = getattr(getattr(tg.stats, name), method)
    shapes = [np.array([s + 0.5, s + 1.5, s + 2.5]) for s in SHAPES[name][-1]]
    x = np.array([0.0, 3.0, 7.0]) if name == "poisson" else np.array(INSIDE.get(name, [0.4, 1.1, 3.0]))
    loc, scale = np.array(-0.1), np.array([0.8, 1.3, 1.1]) if name != "beta" else np.array([1.3, 1.2, 1.1])
    if name == "poisson":
        return void(tg.check_gradient(partial(call, x), *shapes, order=2))
    if method in DENSITIES[name]:
        return void(tg.check_gradient(call, x, *shapes, loc, scale, order=2))
    tg.check_gradient(lambda x, loc, scale: call(x, *shapes, loc, scale), x, loc, scale, order=2)
    if shapes:
        with pytest.raises(TypeError, match="no gradient can be given") as caught:
            call(x, *[tg.Tensor(s, requires_grad=True) for s in shapes])
        assert korean(caught.value)
    return None


def void(report: Any) -> None:
    """A report that is not looked at."""


def test_gradients_at_the_ends_are_finite() -> None:
    """Where there is no density nothing flows; the smooth distribution of Student has its slope at 0 and in both tails."""
    for name in ("gamma", "chi2", "beta"):
        for method in (*DENSITIES[name], "cdf", "sf"):
            x: Any = tg.Tensor([-1.0, -INF, INF], requires_grad=True)
            getattr(getattr(tg.stats, name), method)(x, *SHAPES[name][-1]).backward(np.ones(3))
            assert x.grad is not None
            assert x.grad.tolist() == [0, 0, 0]
    far = np.array([-1e3, -1e9, -1e60])
    np.testing.assert_allclose(tg.stats.t.cdf(far, 3.0), theirs.t.cdf(far, 3.0), rtol=1e-12)
    np.testing.assert_allclose(tg.stats.t.sf(-far, 3.0), theirs.t.sf(-far, 3.0), rtol=1e-12)
    x = tg.Tensor([-1e200, 0.0, 1e200], requires_grad=True)
    tg.stats.t.cdf(x, 3.0).sum().backward()
    np.testing.assert_allclose(x.grad, theirs.t.pdf([-INF, 0.0, INF], 3.0), rtol=1e-12)
    with pytest.raises(TypeError, match="no gradient can be given") as caught:
        tg.stats.poisson.pmf(x, 2.0)
    assert korean(caught.value)


ENDS: list[tuple[str, list[float], tuple[float, ...], list[float]]] = [  # places, parameters, slopes by all of them
    ("gamma", [0.0], (2.0, 0.0, 1.0), [1.0, 0.0, -1.0, 0.0]),
    ("gamma", [0.0], (1.0, 0.0, 2.0), [-0.25, -INF, 0.25, -0.25]),
    ("gamma", [0.0], (1.5, 0.0, 1.0), [INF, 0.0, -INF, NAN]),
    ("gamma", [0.0], (3.0, 0.0, 1.0), [0.0, 0.0, 0.0, 0.0]),
    ("gamma", [0.0], (1e4, 0.0, 1.0), [0.0, 0.0, 0.0, 0.0]),
    ("chi2", [0.0], (4.0, 0.0, 1.0), [0.25, 0.0, -0.25, 0.0]),
    ("beta", [0.0, 1.0], (2.0, 2.0), [6.0, -6.0, 0.0, 0.0]),
    ("beta", [0.0, 1.0], (3.0, 2.0), [0.0, -12.0, 0.0, 0.0]),
    ("beta", [0.0, 1.0], (2e3, 3e3), [0.0, 0.0, 0.0, 0.0]),
    ("beta", [0.0, 1.0], (0.5, 0.5), [-INF, INF, NAN, NAN]),
    ("beta", [0.0], (1.0, 3.0), [-6.0, -INF, 1.0]),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # slopes are infinite at some ends
@pytest.mark.parametrize(("name", "places", "parameters", "wanted"), ENDS)
def test_slopes_of_densities_at_the_ends(
    name: str, places: list[float], parameters: tuple[float, ...], wanted: list[float]
) -> None:
    leaves: list[Any] = [tg.Tensor(np.array(p), requires_grad=True) for p in (places, *parameters)]
    y = getattr(tg.stats, name).pdf(*leaves)
    np.testing.assert_allclose(y.numpy(), getattr(theirs, name).pdf(places, *parameters), rtol=1e-13)
    found = np.concatenate([np.ravel(g.numpy()) for g in tg.grad(y.sum(), leaves)])
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_second_slopes_at_the_ends() -> None:
    x: Any = tg.Tensor(0.0, requires_grad=True)
    for call, first, second in (
        (lambda x: tg.stats.gamma.pdf(x, 2.0), 1, -2),
        (lambda x: tg.stats.gamma.pdf(x, 3.0), 0, 1),
        (lambda x: tg.stats.poisson.pmf(0, x), -1, 1),
        (lambda x: tg.stats.poisson.pmf(1, x), 1, -2),
        (lambda x: tg.stats.poisson.pmf(2, x), 0, 1),
        (lambda x: tg.stats.poisson.pmf(3, x), 0, 0),
    ):
        slope = tg.grad(call(x), x, create_graph=True)
        assert (slope.item(), tg.grad(slope, x).item()) == (first, second)


@pytest.mark.parametrize(("dtype", "exact"), [(np.float64, 1e-12), (np.float32, 2e-6)])
@pytest.mark.parametrize("df", [0.3, 3.0, 9.0, 39.0, 41.0, 1e2, 1e4, 1e5, 1e8, 1e12, 1e15, 1e16])
def test_student_keeps_its_digits_however_many_degrees_of_freedom(df: float, dtype: Any, exact: float) -> None:
    mp = pytest.importorskip("mpmath")
    with mp.workdps(60):
        for place in (0.0, 0.3, 1.0, 2.5, 40.0):
            z, v = (tg.Tensor(dtype(n), requires_grad=True) for n in (place, df))
            y = tg.stats.t.logpdf(z, v)
            by_z, by_df = tg.grad(y, [z, v], create_graph=True)
            x, n = mp.mpf(z.item()), mp.mpf(v.item())
            half, ratio = n / 2, x * x / n
            value = mp.loggamma(half + 0.5) - mp.loggamma(half) - mp.log(mp.pi * n) / 2 - (n + 1) / 2 * mp.log1p(ratio)
            slope = (mp.digamma(half + 0.5) - mp.digamma(half) - 1 / n - mp.log1p(ratio)) / 2
            slope += (n + 1) / (2 * n) * ratio / (1 + ratio)
            for ours, wanted in ((y, value), (by_z, -(n + 1) * x / (n + x * x)), (by_df, slope)):
                assert ours.item() == pytest.approx(float(wanted), rel=exact, abs=0)
            if dtype is np.float64:
                below = n * n + n * x * x
                second = (mp.psi(1, half + 0.5) - mp.psi(1, half)) / 4 + (1 / n + ratio / (1 + ratio)) / (2 * n)
                second += x * x / 2 * (1 / below - (n + 1) * (2 * n + x * x) / below**2)
                assert tg.grad(by_df, v).item() == pytest.approx(float(second), rel=exact, abs=0)


def probabilities(z: Any, df: Any, log: bool) -> Any:
    """Those of Student's distribution up to z, or their logarithms, by mpmath."""

    def one(z: float, df: float) -> float:
        with mpmath.workdps(60):
            half = mpmath.betainc(mpmath.mpf(df) / 2, 0.5, 0, df / (df + mpmath.mpf(z) ** 2), regularized=True) / 2
            p = half if z < 0 else 1 - half
            return float(mpmath.log(p) if log else p)

    return np.vectorize(one)(z.astype(float), df.astype(float))


EXACT = 2e-12 if np.lib.NumpyVersion(scipy.__version__) >= "1.15.0" else 5e-12  # betainc of 1.14 has less digits


@pytest.mark.parametrize(("dtype", "exact"), [(np.float64, EXACT), (np.float32, 1e-5)])
def test_the_probabilities_of_student_too(dtype: Any, exact: float) -> None:
    df = np.array([[10.0], [45.0], [55.0], [9e2], [9e4], [2e5], [1e10], [1e15], [1e30]]).astype(dtype)
    z: Any = tg.Tensor(np.array([-9.0, -1.0, -1e-3, 0.0, 0.3, 4.0], dtype), requires_grad=True)
    for method in ("cdf", "sf", "logcdf", "logsf"):
        y = getattr(tg.stats.t, method)(z, df)
        wanted = probabilities(-z.numpy() if method in ("sf", "logsf") else z.numpy(), df, "log" in method)
        np.testing.assert_allclose(y.numpy(), wanted, rtol=exact)
        assert y.dtype == dtype
    y = tg.stats.t.cdf(z, df)
    np.testing.assert_allclose(tg.grad(y.sum(), z).numpy(), tg.stats.t.pdf(z.numpy(), df).sum(axis=0), rtol=exact)
    far: Any = tg.Tensor(np.array([-1e30, 1e30], dtype), requires_grad=True)
    y = tg.stats.t.cdf(far, dtype(1e9))
    assert y.numpy().tolist() == [0, 1]
    assert tg.grad(y.sum(), far).numpy().tolist() == [0, 0]


def test_student_with_endless_degrees_of_freedom_is_normal() -> None:
    z: Any = tg.Tensor([-INF, -1.5, 0.0, 2.0, INF], requires_grad=True)
    df: Any = tg.Tensor(INF, requires_grad=True)
    for method in ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf"):
        ours = getattr(tg.stats.t, method)(z, df if "pdf" in method else INF)
        np.testing.assert_allclose(ours.numpy(), getattr(theirs.norm, method)(z.numpy()), rtol=1e-14)
        assert tg.grad(ours[1:-1].sum(), z)[1].item() == pytest.approx(
            tg.grad(getattr(tg.stats.norm, method)(z)[1:-1].sum(), z)[1].item(), rel=1e-14
        )
    assert tg.grad(tg.stats.t.logpdf(z, df)[1:-1].sum(), df).item() == 0


X = np.array([[0.3, -0.2, 1.1], [0.9, 0.4, -0.7]])
MEAN = np.array([0.1, 0.2, -0.3])
COV = np.array([[1.5, 0.3, -0.2], [0.3, 0.9, 0.1], [-0.2, 0.1, 0.7]])
VECTORS: list[tuple[Any, ...]] = [
    (X, MEAN, COV),
    (X[0], MEAN, COV),
    (X[None], MEAN, COV[0] + 1),
    (X, None, COV),
    (X, MEAN, 2.0),
    (X[0],),
    (0.4, 0.1, 2.0),
]


@pytest.mark.parametrize("arguments", VECTORS)
def test_normal_vectors(arguments: tuple[Any, ...]) -> None:
    for method in ("logpdf", "pdf"):
        wanted = getattr(theirs.multivariate_normal, method)(*arguments)
        ours = getattr(tg.stats.multivariate_normal, method)(*arguments)
        assert np.shape(ours) == np.shape(wanted)
        np.testing.assert_allclose(ours, wanted, rtol=1e-12)
    entropy = tg.stats.multivariate_normal.entropy(*arguments[1:])
    np.testing.assert_allclose(entropy, theirs.multivariate_normal.entropy(*arguments[1:]), rtol=1e-12)


def test_gradients_of_vectors_are_slopes() -> None:
    normal = tg.stats.multivariate_normal
    tg.check_gradient(normal.logpdf, X, MEAN, COV, order=2)
    tg.check_gradient(normal.pdf, X, MEAN, np.array([0.5, 1.0, 2.0]))
    tg.check_gradient(normal.entropy, MEAN, COV, wrt=1)
    uneven: Any = tg.Tensor(COV + np.triu(np.full((3, 3), 0.2), 1), requires_grad=True)
    y = normal.logpdf(X[0], MEAN, uneven)
    y.backward()
    np.testing.assert_allclose(
        y.numpy(), theirs.multivariate_normal.logpdf(X[0], MEAN, (uneven.data + uneven.data.T) / 2)
    )
    np.testing.assert_allclose(uneven.grad, uneven.grad.T, rtol=1e-12)
    p, alpha = np.array([[0.2, 0.5], [0.3, 0.1], [0.5, 0.4]]), np.array([1.5, 0.7, 3.0])
    for method in ("logpdf", "pdf"):
        ours = getattr(tg.stats.dirichlet, method)
        np.testing.assert_allclose(ours(p, alpha), getattr(theirs.dirichlet, method)(p, alpha), rtol=1e-12)
        np.testing.assert_allclose(
            ours(p[:2, 0], alpha), getattr(theirs.dirichlet, method)(p[:2, 0], alpha), rtol=1e-12
        )
        tg.check_gradient(lambda q, alpha, ours=ours: ours(q / tg.sum(q, axis=0), alpha), p * 2, alpha, order=2)


def test_what_no_distribution_has_is_refused() -> None:
    normal, dirichlet = tg.stats.multivariate_normal, tg.stats.dirichlet
    wrong: list[tuple[type[Exception], Callable[[], Any]]] = [
        (np.linalg.LinAlgError, lambda: normal.logpdf(X[0], MEAN, COV - 5 * np.eye(3))),
        (np.linalg.LinAlgError, lambda: normal.logpdf(X[0], MEAN, np.ones((3, 3)), allow_singular=True)),
        (ValueError, lambda: normal.logpdf(X[0], MEAN[:2], COV)),
        (ValueError, lambda: normal.logpdf(X[0, :2], MEAN, COV)),
        (ValueError, lambda: normal.logpdf(X, 0.0, 1.0)),
        (ValueError, lambda: dirichlet.pdf([0.2, 0.9], [1.0, 2.0])),
        (ValueError, lambda: dirichlet.pdf([0.2, 0.8], [1.0, -2.0])),
        (ValueError, lambda: dirichlet.pdf([0.2, 0.8], [1.0, 1.0, 1.0, 1.0])),
        (TypeError, lambda: tg.stats.t.pdf(1.0)),
        (TypeError, lambda: tg.stats.norm(0.0, 1.0)),
        (TypeError, lambda: tg.stats.norm.pdf(1.0, 0.0, 1.0, 2.0)),
        (TypeError, lambda: tg.stats.norm.pdf(1.0, 0.0, loc=0.0)),
        (TypeError, lambda: tg.stats.norm.pdf(1.0, sigma=0.0)),
    ]
    for kind, call in wrong:
        with pytest.raises(kind) as caught:
            call()
        assert korean(caught.value)
    assert repr(tg.stats.norm) == "tg.stats.norm"


@pytest.mark.parametrize(
    "call",
    [
        lambda x: tg.stats.norm.logpdf(x, 0.5, 2.0),
        lambda x: tg.stats.t.cdf(x, 3.0),
        lambda x: tg.stats.gamma.logpdf(x, 2.5),
        lambda x: tg.stats.beta.sf(x, 2.5, 1.5),
        lambda x: tg.stats.poisson.logpmf([0.0, 2.0, 1.5], tg.abs(x)),
        lambda x: tg.stats.multivariate_normal.logpdf(x, MEAN, COV),
        lambda x: tg.stats.dirichlet.logpdf([0.2, 0.3, 0.5], tg.abs(x) + 0.1),
    ],
)
def test_they_compile(call: Callable[[Any], Any]) -> None:
    def run(x: Any) -> Any:
        leaf = tg.Tensor(x, requires_grad=True)
        y = tg.sum(call(leaf))
        y.backward()
        return y.detach(), leaf.grad

    compiled = tg.compile(run)
    for x in ([0.3, 0.5, 0.9], [0.2, 1.5, -0.4]):
        for a, b in zip(compiled(np.array(x)), run(np.array(x)), strict=True):
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-13)


def test_a_distribution_that_is_not_there_is_none_of_another_room() -> None:
    stats: Any = tg.stats
    with pytest.raises(AttributeError, match=r"write tg\.stats\.gamma\.pdf\(x, 1, loc, scale\)"):
        stats.expon
    with pytest.raises(AttributeError) as caught:
        stats.expo
    assert "tg.exp" not in str(caught.value)
