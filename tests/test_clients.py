"""97 calls of SciPy, scikit-learn, einops, opt_einsum and xarray: their gradients are right, or they are refused in our words."""

from typing import Any

import pytest

import tinygrad_ko as tg
from docs import differentiable
from tests.clients import as_tried, both_modes, library_of

# As they stand, with SCIPY_ARRAY_API=1 (and array_api_dispatch=True in scikit-learn) and without.
RIGHT = {
    *(f"special.{name}" for name in ["expit", "logit", "digamma", "entr", "ndtr", "j0", "gammaln", "erf", "xlogy", "betaln"]),
    "optimize.newton(param)", "integrate.fixed_quad(param)",
    "einops.rearrange", "einops.reduce", "einops.repeat", "einops.einsum",
    "opt_einsum.contract2", "opt_einsum.contract3", "opt_einsum.contract_trace",
    "xarray mean", "xarray np.sin", "xarray sum",
}  # fmt: skip
RIGHT_WITH_THE_SWITCH = {
    *(f"special.{name}" for name in ["softmax", "log_softmax", "logsumexp"]),
    *(f"stats.{name}" for name in ["skew", "kurtosis", "hmean", "gmean", "entropy", "iqr", "zscore", "sem", "trim_mean", "pearsonr"]),
    "linalg.block_diag", "optimize.rosen", "optimize.rosen_der", "signal.fftconvolve", "signal.hilbert", "signal.resample",
    "integrate.trapezoid", "integrate.cumulative_trapezoid", "integrate.romb", "fft.rfft abs", "fft.irfft",
    *(f"sk.pairwise.{name}" for name in ["rbf_kernel", "euclidean_distances", "cosine_similarity", "polynomial_kernel", "linear_kernel"]),
    "sk.Ridge.predict", "sk.StandardScaler.transform", "sk.extmath.softmax", "sk.minmax_scale", "sk.normalize",
}  # fmt: skip
RIGHT_WITHOUT_THE_SWITCH = {"optimize.fixed_point(param)"}
REFUSED = {
    "stats.norm.logpdf", "stats.multivariate_normal.logpdf", "stats.gaussian_kde",
    *(f"linalg.{name}" for name in ["inv", "det", "norm", "pinv", "expm", "solve", "cholesky", "eigvalsh", "lstsq"]),
    "linalg.toeplitz", "linalg.solve_triangular",
    "optimize.minimize(fun of Tensor)", "optimize.approx_fprime", "optimize.brentq(param)", "optimize.curve_fit(ydata)",
    "optimize.least_squares(param)",
    "signal.convolve", "signal.correlate", "signal.savgol_filter", "signal.detrend", "signal.lfilter",
    "integrate.simpson", "integrate.solve_ivp(y0)", "integrate.odeint(y0)", "integrate.quad(param)", "fft.dct",
    "ndimage.gaussian_filter", "ndimage.convolve", "interpolate.CubicSpline", "interpolate.interp1d",
    "distance.euclidean", "distance.cosine", "distance.cityblock",
    "sk.metrics.mean_squared_error", "sk.metrics.r2_score", "sk.metrics.mean_absolute_error", "sk.LinearRegression.predict",
}  # fmt: skip
WRAPPERS = {
    f"func.{name}"
    for name in [
        "solve_ivp(y0)",
        "solve_ivp(param)",
        "odeint(y0)",
        "odeint(param)",
        "fixed_point(param)",
        "minimize(param)",
    ]
}

# With the switch SciPy refuses Tensors beside arrays, and scikit-learn a model that was fitted to arrays, before a Tensor is asked.
ASKED_TOO_LATE = {
    "optimize.fixed_point(param)", "signal.lfilter", "ndimage.convolve", "interpolate.CubicSpline", "sk.LinearRegression.predict",
}  # fmt: skip
# SciPy's root finders go on after float(x) has raised: the next call of f is a SystemError of that cause, or a sign is missed.
GOES_ON = {"optimize.brentq(param)"}


@pytest.fixture(scope="module")
def found() -> list[dict[str, str]]:
    """The verdicts with the switch, and without."""
    pytest.importorskip("scipy")
    return both_modes()


def test_the_calls_are_97() -> None:
    tables: list[set[str]] = [RIGHT, RIGHT_WITH_THE_SWITCH, RIGHT_WITHOUT_THE_SWITCH, REFUSED]
    assert sum(map(len, tables)) == len(set().union(*tables)) == 97
    assert 97 - len(REFUSED) == 57


def test_no_gradient_is_lost_or_wrong(found: list[dict[str, str]]) -> None:
    for mode in found:
        assert not {name: said for name, said in mode.items() if said in ("lost", "wrong value", "wrong gradient")}


def test_each_call_is_right_or_refused_as_the_table_says(found: list[dict[str, str]]) -> None:
    switched, plain = ({name: said for name, said in mode.items() if as_tried(library_of(name))} for mode in found)
    assert set(switched) == set(plain) <= RIGHT | RIGHT_WITH_THE_SWITCH | RIGHT_WITHOUT_THE_SWITCH | REFUSED | WRAPPERS
    known = set(plain)
    assert {name for name in known if switched[name] == "right"} == (RIGHT | RIGHT_WITH_THE_SWITCH | WRAPPERS) & known
    assert {name for name in known if plain[name] == "right"} == (RIGHT | RIGHT_WITHOUT_THE_SWITCH | WRAPPERS) & known
    for mode, others in ((switched, ASKED_TOO_LATE), (plain, set())):
        foreign = {name: said for name, said in mode.items() if said != "right" and not said.startswith("refused: ")}
        assert set(foreign) - GOES_ON == others & known, foreign


@pytest.mark.parametrize(
    ("name", "switched", "words"),
    [
        ("linalg.solve", True, "in scipy.linalg.solve would lose the gradient of this Tensor; tg.linalg.solve takes Tensors; write x"),
        ("linalg.norm", True, "in scipy.linalg.norm would lose the gradient of this Tensor; np.linalg.norm takes Tensors"),
        ("linalg.eigvalsh", False, "in scipy.linalg.eigvalsh"),  # in a decorator
        ("stats.norm.logpdf", True, "in scipy.stats.norm.logpdf would lose the gradient of this Tensor; tg.stats.norm.logpdf takes"),
        ("stats.gaussian_kde", True, "scipy.stats.gaussian_kde.evaluate would lose the gradient of this Tensor; compute with"),
        ("interpolate.interp1d", True, "in scipy.interpolate.interp1d would"),
        ("ndimage.convolve", False, "many functions of SciPy take Tensors where SCIPY_ARRAY_API=1 is set before it is imported"),
        ("optimize.minimize(fun of Tensor)", True, "scipy.optimize.minimize would lose the gradient of this Tensor; tg.func.minimize"),
        ("integrate.odeint(y0)", False, "tg.func.odeint takes Tensors"),
        ("integrate.quad(param)", True, "float(x) in scipy.integrate.quad would lose"),
        ("sk.metrics.mean_squared_error", True, "mean_squared_error would lose the gradient of this Tensor; tg.mean_squared_error"),
        ("sk.LinearRegression.predict", False, "in sklearn.linear_model.LinearRegression.predict would lose"),
        ("sk.normalize", False, "many functions of scikit-learn take Tensors after sklearn.set_config(array_api_dispatch=True)"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_function_and_the_way_out(
    found: list[dict[str, str]], name: str, switched: bool, words: str
) -> None:
    if not as_tried(library_of(name)):
        pytest.skip("another version of the library, or none: pip install --group clients")
    assert words in found[not switched][name]


def test_what_the_user_calls_himself_is_no_function_of_a_library() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    x: Any = tg.Tensor(1.0, requires_grad=True)
    with pytest.raises(TypeError, match=r"^float\(x\) would lose"):
        optimize.newton(lambda y: float(x) - y, 1.0)


@pytest.mark.parametrize("library", differentiable.LIBRARIES)
def test_the_page_of_what_differentiates_is_that_of_the_run(found: list[dict[str, str]], library: str) -> None:
    if not as_tried(library):
        pytest.skip("another version of the library, or none: pip install --group clients")
    kept = differentiable.TARGET.read_text(encoding="utf-8")
    assert differentiable.of_library(library, found) in kept, "run: python -m docs.differentiable"
