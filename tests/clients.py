"""Other people's functions, called with Tensors that require a gradient: `python -m tests.clients` prints the verdict of each call.

    right      the value on arrays, and the gradient of a random projection of it is its central difference
    refused    an error of this package, which says what to write
    lost, wrong, or an error in the words of others: what must not be

SciPy reads its switch, SCIPY_ARRAY_API, when it is imported, so each of the two modes is a process of its own; scikit-learn's,
array_api_dispatch, is on where that of SciPy is. Libraries that are not installed are left out.
"""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_ko as tg

Call = tuple[Callable[..., Any], tuple[np.ndarray, ...]]
Calls = dict[str, Call]

RNG = np.random.default_rng(0)
V, W = RNG.uniform(0.2, 0.8, 6), RNG.uniform(0.2, 0.8, 6)
P, Q = RNG.normal(size=(5, 3)), RNG.normal(size=(4, 3))
A = RNG.normal(size=(3, 3)) / 3 + np.eye(3)
S = A @ A.T + np.eye(3)
B = RNG.normal(size=3)
STACK = RNG.normal(size=(2, 3, 4))
T = np.array([1.3])
NUMBER = np.array(0.7)
TIMES = np.linspace(0.0, 1.0, 6)


def beside(x: Any, *arrays: Any) -> list[Any]:
    """Arrays of the kind of x: constant Tensors if it is one."""
    return [tg.Tensor(array) if isinstance(x, tg.Tensor) else array for array in arrays]


def special() -> Calls:
    from scipy import special

    of_one = "expit logit digamma entr ndtr j0 gammaln erf softmax log_softmax logsumexp"
    return {f"special.{name}": (getattr(special, name), (V,)) for name in of_one.split()} | {
        "special.xlogy": (special.xlogy, (V, W)),
        "special.betaln": (special.betaln, (V, W)),
    }


def stats() -> Calls:
    from scipy import stats

    return {
        f"stats.{name}": (getattr(stats, name), (V,))
        for name in ["skew", "kurtosis", "hmean", "gmean", "entropy", "iqr", "zscore", "sem"]
    } | {
        "stats.trim_mean": (lambda x: stats.trim_mean(x, 0.2), (V,)),
        "stats.pearsonr": (lambda x, y: stats.pearsonr(x, y).statistic, (V, W)),
        "stats.norm.logpdf": (lambda x, m: stats.norm.logpdf(x, m, 1.5), (V, W)),
        "stats.multivariate_normal.logpdf": (lambda x: stats.multivariate_normal.logpdf(x, B, S), (P,)),
        "stats.gaussian_kde": (lambda x: stats.gaussian_kde(V)(x), (W,)),
    }


def linalg() -> Calls:
    from scipy import linalg

    return {f"linalg.{name}": (getattr(linalg, name), (A,)) for name in ["inv", "det", "norm", "pinv", "expm"]} | {
        "linalg.solve": (linalg.solve, (A, B)),
        "linalg.cholesky": (linalg.cholesky, (S,)),
        "linalg.eigvalsh": (linalg.eigvalsh, (S,)),
        "linalg.block_diag": (linalg.block_diag, (A, S)),
        "linalg.toeplitz": (linalg.toeplitz, (B,)),
        "linalg.lstsq": (lambda a, b: linalg.lstsq(a, b)[0], (P, V[:5])),
        "linalg.solve_triangular": (linalg.solve_triangular, (S, B)),
    }


def optimize() -> Calls:
    from scipy import optimize

    def fitted(y: Any) -> Any:
        return optimize.curve_fit(lambda t, a, b: a * np.exp(-b * t), TIMES, y, [1.0, 1.0])[0]

    return {
        "optimize.rosen": (optimize.rosen, (V,)),
        "optimize.rosen_der": (optimize.rosen_der, (V,)),
        "optimize.minimize(fun of Tensor)": (lambda p: optimize.minimize(lambda x: ((x - p) ** 2).sum(), B).x, (T,)),
        "optimize.approx_fprime": (lambda p: optimize.approx_fprime(B, lambda x: (x**2 * p).sum(), 1e-3), (T,)),
        "optimize.brentq(param)": (lambda p: optimize.brentq(lambda x: x**2 - p, 0.0, 3.0), (NUMBER,)),
        "optimize.newton(param)": (lambda p: optimize.newton(lambda x: x**2 - p, 1.0, tol=1e-13), (NUMBER,)),
        "optimize.fixed_point(param)": (
            lambda p: optimize.fixed_point(lambda x: np.cos(p * x), 0.5, xtol=1e-13),
            (NUMBER,),
        ),
        "optimize.curve_fit(ydata)": (fitted, (W,)),
        "optimize.least_squares(param)": (
            lambda p: optimize.least_squares(lambda x: x**2 - p, [1.0], xtol=1e-14, gtol=1e-14).x,
            (T,),
        ),
    }


def signal() -> Calls:
    from scipy import signal

    return {
        "signal.convolve": (signal.convolve, (V, B)),
        "signal.correlate": (signal.correlate, (V, B)),
        "signal.fftconvolve": (signal.fftconvolve, (V, B)),
        "signal.hilbert": (lambda x: abs(signal.hilbert(x)), (V,)),
        "signal.savgol_filter": (lambda x: signal.savgol_filter(x, 5, 2), (V,)),
        "signal.resample": (lambda x: signal.resample(x, 9), (V,)),
        "signal.detrend": (signal.detrend, (V,)),
        "signal.lfilter": (lambda x: signal.lfilter([0.4], [1.0, -0.6], x), (V,)),
    }


def integrate() -> Calls:
    from scipy import integrate

    def decay(t: Any, y: Any) -> Any:
        return -0.8 * y

    return {
        "integrate.trapezoid": (integrate.trapezoid, (V,)),
        "integrate.cumulative_trapezoid": (integrate.cumulative_trapezoid, (V,)),
        "integrate.simpson": (integrate.simpson, (V,)),
        "integrate.romb": (integrate.romb, (V[:5],)),
        "integrate.solve_ivp(y0)": (lambda y: integrate.solve_ivp(decay, (0.0, 1.0), y).y[:, -1], (B,)),
        "integrate.odeint(y0)": (lambda y: integrate.odeint(decay, y, TIMES, tfirst=True)[-1], (B,)),
        "integrate.fixed_quad(param)": (lambda p: integrate.fixed_quad(lambda x: np.exp(-p * x), 0.0, 1.0)[0], (T[0],)),
        "integrate.quad(param)": (lambda p: integrate.quad(lambda x: np.exp(-p * x), 0.0, 1.0)[0], (T[0],)),
    }


def others() -> Calls:
    from scipy import fft, interpolate, ndimage
    from scipy.spatial import distance

    return {
        "fft.rfft abs": (lambda x: abs(fft.rfft(x)), (V,)),
        "fft.irfft": (fft.irfft, (V,)),
        "fft.dct": (fft.dct, (V,)),
        "ndimage.gaussian_filter": (lambda x: ndimage.gaussian_filter(x, 0.8), (P,)),
        "ndimage.convolve": (lambda x: ndimage.convolve(x, A), (P,)),
        "interpolate.CubicSpline": (lambda y: interpolate.CubicSpline(TIMES, y)([0.15, 0.5]), (V,)),
        "interpolate.interp1d": (lambda y: interpolate.interp1d(TIMES, y)([0.15, 0.5]), (V,)),
        "distance.euclidean": (distance.euclidean, (V, W)),
        "distance.cosine": (distance.cosine, (V, W)),
        "distance.cityblock": (distance.cityblock, (V, W)),
    }


def scikit() -> Calls:
    import sklearn
    from sklearn import linear_model, metrics, preprocessing
    from sklearn.metrics import pairwise
    from sklearn.utils import extmath

    sklearn.set_config(array_api_dispatch=bool(os.environ.get("SCIPY_ARRAY_API")))
    kernels = "rbf_kernel euclidean_distances cosine_similarity polynomial_kernel linear_kernel"
    errors = "mean_squared_error r2_score mean_absolute_error"
    return {
        **{f"sk.metrics.{name}": (getattr(metrics, name), (V, W)) for name in errors.split()},
        **{f"sk.pairwise.{name}": (getattr(pairwise, name), (P, Q)) for name in kernels.split()},
        "sk.Ridge.predict": (lambda x: linear_model.Ridge().fit(*beside(x, Q, Q[:, 0])).predict(x), (P,)),
        "sk.LinearRegression.predict": (
            lambda x: linear_model.LinearRegression().fit(*beside(x, Q, Q[:, 0])).predict(x),
            (P,),
        ),
        "sk.StandardScaler.transform": (
            lambda x: preprocessing.StandardScaler().fit(*beside(x, Q)).transform(x),
            (P,),
        ),
        "sk.extmath.softmax": (extmath.softmax, (P,)),
        "sk.minmax_scale": (preprocessing.minmax_scale, (P,)),
        "sk.normalize": (preprocessing.normalize, (P,)),
    }


def einops() -> Calls:
    import einops

    tg.func.register_einops()
    return {
        "einops.rearrange": (lambda x: einops.rearrange(x, "a b c -> (c a) b"), (STACK,)),
        "einops.reduce": (lambda x: einops.reduce(x, "a b (c d) -> a c", "mean", d=2), (STACK,)),
        "einops.repeat": (lambda x: einops.repeat(x, "a b -> a (b r)", r=2), (P,)),
        "einops.einsum": (lambda x, y: einops.einsum(x, y, "a b, c b -> a c"), (P, Q)),
    }


def opt_einsum() -> Calls:
    from opt_einsum import contract

    return {
        "opt_einsum.contract2": (lambda x, y: contract("ab,cb->ac", x, y), (P, Q)),
        "opt_einsum.contract3": (lambda x, y, z: contract("ab,bc,dc->ad", x, y, z), (P, A, Q)),
        "opt_einsum.contract_trace": (lambda x: contract("aa->", x), (A,)),
    }


def xarray() -> Calls:
    import xarray

    def of(x: Any) -> Any:
        return xarray.DataArray(x, dims="t")

    return {
        "xarray mean": (lambda x: of(x).mean("t").data, (V,)),
        "xarray np.sin": (lambda x: np.sin(of(x)).data, (V,)),
        "xarray sum": (lambda x: (of(x) * 2.0).sum().data, (V,)),
    }


def wrappers() -> dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[np.ndarray, ...]]]:
    """What `tg.func` has in the place of functions of SciPy that refuse: ours, SciPy's, and what both are called with."""
    from scipy import integrate, optimize

    exact = {"rtol": 1e-11, "atol": 1e-13}

    def pairs(name: str, room: Any, call: Callable[..., Any], *arrays: np.ndarray) -> tuple[Any, ...]:
        ours, theirs = getattr(tg.func, name), getattr(room, name)
        return lambda *xs: call(ours, *xs), lambda *xs: call(theirs, *xs), arrays

    def grown(solve: Any, y: Any, p: Any) -> Any:
        return solve(lambda t, y: -p * y, (0.0, 1.0), y, t_eval=TIMES, **exact).y

    def grown_at_times(solve: Any, y: Any, p: Any) -> Any:
        return solve(lambda y, t: -p * y, y, TIMES, **exact)

    def fixed(solve: Any, p: Any) -> Any:
        return solve(lambda x: np.cos(p * x), 0.5, xtol=1e-13)

    def least(solve: Any, p: Any) -> Any:
        slope = None if solve is tg.func.minimize else lambda x: 2 * (x - p) + 4 * x**3
        return solve(lambda x: ((x - p) ** 2).sum() + (x**4).sum(), B, tol=1e-12, **({"jac": slope} if slope else {})).x

    return {
        "func.solve_ivp(y0)": pairs("solve_ivp", integrate, lambda solve, y: grown(solve, y, 0.8), B),
        "func.solve_ivp(param)": pairs("solve_ivp", integrate, lambda solve, p: grown(solve, B, p), NUMBER),
        "func.odeint(y0)": pairs("odeint", integrate, lambda solve, y: grown_at_times(solve, y, 0.8), B),
        "func.odeint(param)": pairs("odeint", integrate, lambda solve, p: grown_at_times(solve, B, p), NUMBER),
        "func.fixed_point(param)": pairs("fixed_point", optimize, fixed, NUMBER),
        "func.minimize(param)": pairs("minimize", optimize, least, T),
    }


ROOMS = (special, stats, linalg, optimize, signal, integrate, others, scikit, einops, opt_einsum, xarray)
LIBRARY = {scikit: "sklearn", einops: "einops", opt_einsum: "opt_einsum", xarray: "xarray"}
TRIED = {
    "scipy": "1.17",
    "sklearn": "1.9",
    "einops": "0.8",
    "opt_einsum": "3.4",
    "xarray": "2026.9",
}  # what the verdicts are of


def calls() -> Calls:
    """The calls of every library that is installed."""
    rooms = [room() for room in ROOMS if find_spec(LIBRARY.get(room, "scipy"))]
    return {name: call for room in rooms for name, call in room.items()}


def of_ours(error: BaseException | None) -> str:
    """The words of an error of this package; "" for any other. (SciPy's root finders go on after float(x) has raised, and the next call of
    theirs is a SystemError of that cause.)
    """
    if isinstance(error, SystemError):
        error = error.__cause__
    notes = "".join(getattr(error, "__notes__", []))
    return str(error) if any("가" <= letter <= "힣" for letter in notes) else ""


def verdict(
    ours: Callable[..., Any],
    theirs: Callable[..., Any],
    arrays: tuple[np.ndarray, ...],
    digits: int = 11,
    h: float = 1e-6,
) -> str:
    try:
        expected = np.asarray(theirs(*map(np.copy, arrays)))
    except Exception as error:
        return f"not there: {error}"  # in another version of the library
    leaves = [tg.Tensor(x, requires_grad=True) for x in arrays]
    try:
        found = ours(*leaves)
    except Exception as error:
        words = of_ours(error)
        return f"refused: {words}" if words else f"{type(error).__name__}: {error}"
    if not isinstance(found, tg.Tensor) or not found.requires_grad:
        return "lost"
    if found.shape != expected.shape or not np.allclose(found.numpy(), expected, rtol=10.0**-digits, atol=1e-13):
        return "wrong value"
    c = np.random.default_rng(1).normal(size=expected.shape)
    for k, gradient in enumerate(tg.grad(found, leaves, c, allow_unused=True)):
        measured = np.zeros_like(arrays[k])
        for i in np.ndindex(measured.shape):
            step = np.zeros_like(measured)
            step[i] = h
            ends = [theirs(*arrays[:k], arrays[k] + way * step, *arrays[k + 1 :]) for way in (1, -1)]
            measured[i] = np.sum(c * (np.asarray(ends[0]) - np.asarray(ends[1]))) / (2 * h)
        if not np.allclose(gradient.numpy(), measured, rtol=1e-5, atol=1e-6):
            return "wrong gradient"
    return "right"


def verdicts() -> dict[str, str]:
    """The verdict of every call, in the mode that the environment says."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = {name: verdict(call, call, arrays) for name, (call, arrays) in calls().items()}
        return found | {name: verdict(*call, digits=7, h=1e-4) for name, call in wrappers().items()}


def both_modes() -> list[dict[str, str]]:
    """The verdicts with the switch and without, each of a process of its own."""
    command, home = [sys.executable, "-m", "tests.clients"], Path(__file__).parents[1]
    environments = [{**os.environ, "SCIPY_ARRAY_API": switch} for switch in ("1", "")]
    running = [subprocess.Popen(command, cwd=home, env=env, stdout=subprocess.PIPE) for env in environments]
    outputs = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    return [json.loads(output) for output in outputs]


def library_of(name: str) -> str:
    """The library whose function a call is of."""
    first = name.split()[0].partition(".")[0]
    return {"sk": "sklearn"}.get(first, first if first in TRIED else "scipy")


def as_tried(library: str) -> bool:
    """Whether a library is there, in the version that the verdicts are of."""
    package = {"sklearn": "scikit-learn"}.get(library, library)
    return find_spec(library) is not None and version(package).startswith(TRIED[library] + ".")


if __name__ == "__main__":
    json.dump(verdicts(), sys.stdout, indent=1)
