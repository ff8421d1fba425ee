"""Other people's functions, called with Tensors that require a gradient: `python -m tests.clients`.

SciPy reads its switch, SCIPY_ARRAY_API, when it is imported, so this runs in a process of its own. It prints a verdict for each call:

    right      the value on arrays, and the gradient of a random projection is its central difference
    refused    an error of this package, which says what to write
    lost, wrong, or an error in the words of others: what must not be
"""

import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_ko as tg

RNG = np.random.default_rng(0)
V, W = RNG.uniform(0.2, 0.8, 6), RNG.uniform(0.2, 0.8, 6)
P, Q = RNG.normal(size=(5, 3)), RNG.normal(size=(4, 3))


def scipys() -> dict[str, tuple[Callable[..., Any], tuple[Any, ...]]]:
    from scipy import fft, integrate, optimize, signal, special, stats

    functions = {
        "special": (special, "softmax log_softmax logsumexp"),
        "stats": (stats, "skew kurtosis hmean gmean variation iqr zscore sem tmean circmean"),
        "optimize": (optimize, "rosen rosen_der"),
        "integrate": (integrate, "trapezoid cumulative_trapezoid"),
        "fft": (fft, "irfft fftshift"),
        "signal": (signal, "detrend"),
    }
    calls: dict[str, Any] = {
        f"{room}.{name}": (getattr(home, name), (V,))
        for room, (home, names) in functions.items()
        for name in names.split()
    }
    return calls | {
        "special.xlogy": (special.xlogy, (V, W)),
        "stats.moment": (lambda x: stats.moment(x, 3), (V,)),
        "stats.pmean": (lambda x: stats.pmean(x, 3), (V,)),
        "stats.trim_mean": (lambda x: stats.trim_mean(x, 0.2), (V,)),
        "stats.entropy": (stats.entropy, (V,)),
        "integrate.romb": (integrate.romb, (V[:5],)),
        "integrate.simpson": (integrate.simpson, (V,)),
        "fft.rfft abs": (lambda x: abs(fft.rfft(x)), (V,)),
        "fft.fftn abs": (lambda x: abs(fft.fftn(x)), (P,)),
        "fft.dct": (fft.dct, (V,)),
        "signal.fftconvolve": (signal.fftconvolve, (V, W)),
    }


def scikits() -> dict[str, tuple[Callable[..., Any], tuple[Any, ...]]]:
    import sklearn
    from sklearn import linear_model, metrics, preprocessing
    from sklearn.metrics import pairwise

    sklearn.set_config(array_api_dispatch=True)
    kernels = "linear_kernel rbf_kernel polynomial_kernel euclidean_distances cosine_similarity"
    return {
        **{f"sk.{name}": (getattr(pairwise, name), (P, Q)) for name in kernels.split()},
        "sk.Ridge.predict": (lambda x: linear_model.Ridge().fit(*beside(x, Q, Q[:, 0])).predict(x), (P,)),
        "sk.mean_squared_error": (metrics.mean_squared_error, (V, W)),
        "sk.minmax_scale": (preprocessing.minmax_scale, (P,)),
    }


def beside(x: Any, *arrays: Any) -> list[Any]:
    """Arrays of the kind of x: constant Tensors if it is one."""
    return [tg.Tensor(array) if isinstance(x, tg.Tensor) else array for array in arrays]


def verdict(function: Callable[..., Any], arrays: tuple[Any, ...]) -> str:
    expected = np.asarray(function(*map(np.copy, arrays)))
    leaves = [tg.Tensor(x, requires_grad=True) for x in arrays]
    try:
        found = function(*leaves)
    except Exception as error:
        notes = "".join(getattr(error, "__notes__", []))
        return "refused" if any("가" <= letter <= "힣" for letter in notes) else f"{type(error).__name__}: {error}"
    if not isinstance(found, tg.Tensor) or not found.requires_grad:
        return "lost"
    c = np.random.default_rng(1).normal(size=expected.shape)
    if not np.allclose(found.numpy(), expected, rtol=1e-12, atol=1e-14):
        return "wrong value"
    for k, gradient in enumerate(tg.grad(found, leaves, c, allow_unused=True)):
        measured = np.zeros_like(arrays[k])
        for i in np.ndindex(measured.shape):
            step = np.zeros_like(measured)
            step[i] = 1e-6
            ends = [function(*arrays[:k], arrays[k] + way * step, *arrays[k + 1 :]) for way in (1, -1)]
            measured[i] = np.sum(c * (np.asarray(ends[0]) - np.asarray(ends[1]))) / 2e-6
        if not np.allclose(gradient.numpy(), measured, rtol=1e-5, atol=1e-6):
            return "wrong gradient"
    return "right"


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        of = {"scipy": scipys, "sklearn": scikits}[sys.argv[1]]
        print(json.dumps({name: verdict(*call) for name, call in of().items()}))
