"""NumPy's functions with their arguments, composed of ops: the values are NumPy's, the gradients are the slopes."""

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tests.ops.slopes import korean, slopes

X = np.array([[0.7, -1.3, 2.1, 0.4], [1.9, 0.2, -0.6, 1.1], [-2.2, 0.9, 1.4, -0.3]])
V = np.array([0.31, 1.73, -0.84, 2.25, -1.41])
W = np.array([1.2, 0.4, 2.3])
HOLES = np.array([[math.nan, 1.0, -2.0, 0.5], [0.3, math.nan, 1.7, -0.4], [2.2, 0.9, math.nan, math.nan]])
MASK = X > 0.3
STEPS = np.array([0.0, 0.5, 1.2, 1.5])

NP: Any = np  # without types, where the versions of NumPy differ in them


def fix(x: Any) -> Any:
    """``np.fix``, which NumPy 2.5 deprecates."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "numpy.fix is deprecated", DeprecationWarning)
        return np.fix(x)


# NumPy 2.2 is the first that has them.
MATRICES_AND_VECTORS: list[Callable[[Any], Any]] = [
    lambda x: NP.matvec(x, V[:4]),
    lambda x: NP.matvec(X, x),
    lambda x: NP.vecmat(W, x),
] * hasattr(np, "vecmat")

CALLS: list[Callable[[Any], Any]] = [
    # of each element
    *(lambda x, f=f: f(x) for f in (np.fabs, np.degrees, np.rad2deg, np.radians, np.deg2rad, np.conjugate, fix)),
    *(lambda x, f=f: f(x) for f in (np.real, np.imag, np.angle, np.real_if_close)),
    lambda x: np.fmod(x, 0.7),
    lambda x: np.fmod(1.1, x),
    lambda x: np.fmod(x, -0.9 * np.ones(4)),
    lambda x: np.divmod(x, 0.7),
    lambda x: np.divmod(3.3, x),
    lambda x: np.modf(x),
    lambda x: np.heaviside(x, 0.5),
    lambda x: np.heaviside(np.zeros(4), x),
    lambda x: np.float_power(np.abs(x), 1.7),
    lambda x: np.float_power(2, x),
    lambda x: np.logaddexp2(x, 0.3),
    lambda x: np.ldexp(x, np.array([1, -2, 0, 5])),
    lambda x: np.frexp(x)[0],
    lambda x: np.fmax(x, 0.5),
    lambda x: np.fmax(np.where(MASK, np.nan, 0.1), x),
    lambda x: np.fmin(x, np.where(MASK, np.nan, 0.1)),
    lambda x: np.round(x, 1) + x,
    lambda x: np.nan_to_num(x / np.where(MASK, 1.0, 2.0), nan=3.0),
    # methods of ufuncs
    lambda x: np.add.reduce(x),
    lambda x: np.add.reduce(x, axis=1, keepdims=True),
    lambda x: np.multiply.reduce(x, axis=None),
    lambda x: np.maximum.reduce(x, 1),
    lambda x: np.minimum.reduce(x),
    lambda x: np.logaddexp.reduce(x, axis=0),
    lambda x: np.hypot.reduce(x, axis=1),
    lambda x: np.fmax.reduce(x),
    lambda x: np.add.accumulate(x),
    lambda x: np.multiply.accumulate(x, axis=1),
    lambda x: np.multiply.outer(x, W),
    lambda x: np.subtract.outer(W, x),
    lambda x: np.outer(x, W),
    lambda x: np.maximum.accumulate(x),
    lambda x: np.minimum.accumulate(x, axis=1),
    lambda x: np.maximum.accumulate(x + HOLES, axis=1),
    lambda x: np.add.reduceat(x, [0, 2, 1], axis=1),
    lambda x: np.multiply.reduceat(x, [1, 0]),
    lambda x: np.maximum.reduceat(x.reshape(-1), [0, 4, 4, 9]),
    # reductions and their arguments
    lambda x: np.sum(x, dtype=np.float64, out=None),
    lambda x: np.sum(x, 0, np.float64),
    lambda x: np.sum(x, axis=1, where=MASK),
    lambda x: np.sum(x, axis=0, initial=2.0),
    lambda x: np.prod(x, axis=1, where=MASK, initial=3.0),
    lambda x: np.mean(x, axis=0, where=MASK),
    lambda x: np.max(x, axis=1, initial=0.5),
    lambda x: np.min(x, axis=0, where=MASK, initial=9.0),
    lambda x: np.var(x, axis=0, ddof=1, dtype=np.float64),
    lambda x: np.std(x, axis=1, correction=1, out=None),
    lambda x: np.average(x, axis=0, weights=W, returned=True),
    lambda x: np.average(x, returned=True),
    lambda x: np.ptp(x),
    lambda x: np.ptp(x, axis=1, keepdims=True),
    lambda x: np.cumsum(x, dtype=np.float64),
    lambda x: np.cumprod(x, axis=1, out=None),
    lambda x: np.trace(x, dtype=np.float64),
    lambda x: np.quantile(x, [0.2, 0.7], axis=1, method="hazen"),
    lambda x: np.percentile(x, 30, axis=0, keepdims=True),
    lambda x: np.median(x, axis=(0, 1)),
    # without NaN
    *(
        lambda x, f=f, options=options: f(x + HOLES, **options)
        for f in (np.nansum, np.nanprod, np.nanmax, np.nanmin, np.nanmean, np.nanvar, np.nanstd, np.nanmedian)
        for options in ({"axis": 0}, {"axis": (0, 1), "keepdims": True})
    ),
    lambda x: np.nanvar(x + HOLES, axis=1, ddof=1),
    lambda x: np.nancumsum(x + HOLES, axis=1),
    lambda x: np.nancumprod(x + HOLES),
    lambda x: np.nanquantile(x + HOLES, [0.1, 0.5, 0.9], axis=0),
    lambda x: np.nanquantile(x + HOLES, 0.3, axis=(0, 1), keepdims=True),
    lambda x: np.nanpercentile(x + HOLES, [[10, 60]], axis=1, keepdims=True),
    lambda x: np.nan_to_num(x + HOLES),
    # together and apart
    lambda x: np.atleast_1d(x[0, 0]),
    lambda x: np.atleast_2d(x[0], x[0, 0], x),
    lambda x: np.atleast_3d(x, x[0], x[0, 0]),
    lambda x: np.hsplit(x, 2),
    lambda x: np.hsplit(x[0], [1, 3]),
    lambda x: np.vsplit(x, [1]),
    lambda x: np.dsplit(x[:, :, None] * np.ones(2), 2),
    lambda x: np.dstack([x, 2 * X]),
    lambda x: np.dstack([x[0], V[:4]]),
    lambda x: np.vstack([x, V[:4]], dtype=np.float64),
    lambda x: np.hstack([x, X]),
    lambda x: np.column_stack([x[:, 0], X]),
    lambda x: np.concatenate([x, V], axis=None),
    lambda x: np.block([[x, X], [np.ones((1, 2)), x[:1, :], x[1:2, :2]]]),
    lambda x: np.block([x[0], V]),
    lambda x: np.append(x, V),
    lambda x: np.append(X, x, axis=1),
    lambda x: np.insert(x, 1, 5.0),
    lambda x: np.insert(x, 1, W, axis=1),
    lambda x: np.insert(x, [1, 3], W[:, None], axis=1),
    lambda x: np.insert(x, [0, 2, 2], np.ones((3, 3)), axis=1),
    lambda x: np.insert(X, 2, x[0] * 2, axis=0),
    lambda x: np.insert(x, slice(0, 2), 7.0, axis=0),
    lambda x: np.delete(x, 1, axis=0),
    lambda x: np.delete(x, [0, -1]),
    lambda x: np.delete(x, slice(None, None, 2), axis=1),
    lambda x: np.resize(x, (5, 4)),
    lambda x: np.resize(x, 7),
    *(lambda x, k=k: np.rot90(x, k) for k in (-1, 0, 1, 2, 3, 6)),
    lambda x: np.rot90(x[None], 1, (2, 1)),
    lambda x: np.rollaxis(x[None], 2),
    lambda x: np.rollaxis(x[None], 0, 3),
    lambda x: np.rollaxis(x[None], -1, 1),
    lambda x: np.kron(x, X[:2]),
    lambda x: np.kron(V, x),
    lambda x: np.copy(x),
    lambda x: np.reshape(x, (2, 6), order="F"),
    lambda x: np.ravel(x, order="F"),
    lambda x: np.reshape(x, (4, 3), copy=None),
    lambda x: np.diagflat(x, 1),
    lambda x: np.fft.fftshift(x),
    lambda x: np.fft.ifftshift(x, axes=1),
    # chosen
    lambda x: np.select([x > 1, x < 0], [x * x, -x], default=3.0),
    lambda x: np.select([MASK, X < -1], [2.0, x]),
    lambda x: np.choose(np.array([0, 1, 2, 1]), [x, x * x, 3.0]),
    lambda x: np.choose(np.array([0, 5, -2, 1]), [x, V[:4]], mode="wrap"),
    lambda x: np.compress([True, False, True], x, axis=0),
    lambda x: np.compress([False, True, True], x),
    lambda x: np.extract(MASK, x),
    lambda x: np.partition(x, 2, axis=1),
    lambda x: np.partition(x, [1, 5], axis=None),
    lambda x: np.piecewise(x, [x < 0, x > 1], [lambda v: -v, lambda v: v * v, 2.0]),
    lambda x: np.piecewise(x, [MASK], [np.sqrt, lambda v: v]),
    lambda x: np.piecewise(x, [X > 0, X > 1], [lambda v, k: k * v, 5.0], 3.0),
    lambda x: np.take(x, [1, 7, -1], axis=1, mode="wrap"),
    lambda x: np.take(x, [0, 20], mode="clip"),
    lambda x: np.trim_zeros(np.where(MASK, x, 0.0)[1]),
    lambda x: np.trim_zeros(np.where(MASK, x, 0.0)[1], "b"),
    lambda x: np.unique(x * x),
    lambda x: np.unique(x, return_index=True, return_inverse=True, return_counts=True),
    lambda x: np.unique(np.where(MASK, 1.0, x), return_counts=True),
    lambda x: np.unique(x[[2, 0, 2]], axis=0, return_inverse=True),
    lambda x: np.unique(x + HOLES),
    lambda x: np.unique(x + HOLES, equal_nan=False),
    lambda x: list(np.unique_all(x)),
    lambda x: list(np.unique_counts(x)),
    lambda x: list(np.unique_inverse(x)),
    lambda x: np.union1d(x, V),
    lambda x: np.setdiff1d(x, [9.0, 8.0]),
    lambda x: np.setdiff1d(x.reshape(-1), V, assume_unique=True),
    lambda x: np.setxor1d(V, x),
    lambda x: np.full_like(X, 2.0) + np.full_like(x, x[0]) if not isinstance(x, np.ndarray) else 2.0 + np.full_like(x, x[0]),
    lambda x: np.full_like(x, x[0, 1], shape=5),
    lambda x: NP.ix_(x[0], np.array([True, False, True]), V, [2, 0]),
    # whole arrays, along axes, in windows
    lambda x: np.histogram(x, 4),
    lambda x: np.histogram(x, 4, density=True),
    lambda x: np.histogram(X, 3, weights=x),
    lambda x: np.histogram(X, [-1.0, 0.3, 0.9, 2.1], weights=x * x),
    lambda x: np.histogram(X, 5, (-1.0, 2.0), weights=np.abs(x), density=True),
    lambda x: np.histogram(X[0], np.sort(x[1]) * 2, density=True),
    lambda x: np.histogram_bin_edges(x, "auto"),
    lambda x: np.histogram_bin_edges(x[0, :1], 3),
    lambda x: np.histogram_bin_edges(X, 3, (x[2, 0], x[0, 2])),
    lambda x: np.apply_along_axis(np.sort, 1, x),
    lambda x: np.apply_along_axis(lambda v, k: k * np.sum(v * v), 0, x, 3.0),
    lambda x: np.apply_along_axis(lambda v: np.outer(v, v[:2]), -1, x[None]),
    lambda x: np.apply_along_axis(lambda v: np.outer(v, v[:2]), 0, x),
    lambda x: np.apply_over_axes(np.sum, x[None], (0, -1)),
    lambda x: NP.lib.stride_tricks.sliding_window_view(x, 3, axis=1),
    lambda x: NP.lib.stride_tricks.sliding_window_view(x, (2, 3)),
    lambda x: NP.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(1, 1)),
    lambda x: NP.lib.stride_tricks.sliding_window_view(x, (2, 3), axis=(-2, -1)),
    # inside the domains of real numbers
    *(lambda x, f=f: f(np.abs(x)) for f in (np.emath.sqrt, np.emath.log, np.emath.log2, np.emath.log10)),
    *(lambda x, f=f: f(x / 3) for f in (np.emath.arccos, np.emath.arcsin, np.emath.arctanh)),
    lambda x: np.emath.logn(np.abs(x) + 1.5, np.abs(x)),
    lambda x: np.emath.power(np.abs(x), x),
    # transforms
    lambda x: np.fft.irfft2(x),
    lambda x: np.fft.irfft2(x, (2, 5), norm="ortho"),
    lambda x: np.abs(np.fft.fft2(x)),
    lambda x: np.real(np.fft.ifft2(x, axes=(1, 0))),
    lambda x: np.imag(np.fft.rfft2(x[None], s=(3, 6))),
    # samples along an axis
    lambda x: np.diff(x),
    lambda x: np.diff(x, 2, axis=0),
    lambda x: np.diff(x, 0),
    lambda x: np.diff(x, prepend=0.5, append=X[:, :2]),
    lambda x: np.diff(X, axis=0, append=x[:1]),
    lambda x: np.ediff1d(x, to_begin=[1.0, 2.0], to_end=5.0),
    lambda x: np.gradient(x),
    lambda x: np.gradient(x, axis=1),
    lambda x: np.gradient(x, 0.5, STEPS, edge_order=2),
    lambda x: np.gradient(x, 0.5, edge_order=2),
    lambda x: np.gradient(x, STEPS, axis=-1),
    lambda x: np.gradient(X[0], np.cumsum(np.abs(x[0]) + 1)),
    lambda x: np.gradient(V, x[0, 0]),
    lambda x: np.trapezoid(x),
    lambda x: np.trapezoid(x, STEPS),
    lambda x: np.trapezoid(x, dx=0.3, axis=0),
    lambda x: np.trapezoid(V[:4], x),
    lambda x: np.piecewise(x[0], MASK[0], [np.sqrt, lambda v: v]),
    *(
        lambda x, f=f, mode=mode, n=n, m=m: f(x.reshape(-1)[:n], V[:m], mode)
        for f in (np.convolve, np.correlate)
        for mode in ("full", "same", "valid")
        for n, m in ((5, 3), (6, 4), (2, 5))
    ),
    lambda x: np.convolve(V, x[0]),
    lambda x: np.correlate(V, x[0], "same"),
    lambda x: np.interp(x, STEPS, V[:4]),
    lambda x: np.interp(x, STEPS, V[:4], left=-5.0, right=7.0),
    lambda x: np.interp([-1.0, 0.2, 0.9, 1.4, 2.0], STEPS, x[1], right=x[0, 0]),
    lambda x: np.interp([0.2, 3.9, 8.0], np.cumsum(np.abs(x[0]) + 1), V[:4]),
    lambda x: np.interp(x, [190, -190, 350, -350], [5, 10, 3, 4], period=360),
    lambda x: np.interp(x, [0.5], [3.0]) * x,
    lambda x: np.unwrap(4 * x),
    lambda x: np.unwrap(4 * x, axis=0, period=3.0, discont=2.0),
    lambda x: np.linspace(x, 2.0, 5),
    lambda x: np.linspace(x[0], V[:4], 4, endpoint=False, axis=1),
    lambda x: np.linspace(0.0, x, 3, retstep=True, axis=-1),
    lambda x: np.linspace(1.0, x[0, 0], 1),
    lambda x: np.logspace(x, 1.0, 4),
    lambda x: np.logspace(0.0, 1.0, 3, base=np.abs(x[0]) + 1),
    lambda x: np.geomspace(np.abs(x) + 0.1, 5.0, 4),
    lambda x: np.geomspace(-np.exp(x[0]), -3.0, 3, endpoint=False, axis=1),
    lambda x: np.cov(x),
    lambda x: np.cov(x, X, rowvar=False, bias=True),
    lambda x: np.cov(x[0]),
    lambda x: np.cov(x[0], V[:4], ddof=0),
    lambda x: np.cov(x, fweights=[1, 2, 1, 3], aweights=STEPS + 1),
    lambda x: np.cov(X, aweights=np.abs(x[0])),
    lambda x: np.corrcoef(x) * np.array([[0, 1.0, 1], [1, 0, 1], [1, 1, 0]]),
    lambda x: np.corrcoef(x[0], V[:4])[0, 1],
    lambda x: np.bincount([1, 0, 1, 3], weights=x[0], minlength=6),
    # polynomials
    lambda x: np.polyadd(x[0], V),
    lambda x: np.polysub(V, x[0]),
    lambda x: np.polymul(x[0], V),
    lambda x: np.polydiv(V, x[0]),
    lambda x: np.polydiv(x.reshape(-1)[:6], V[:3]),
    lambda x: np.polyval(x[0], X),
    lambda x: np.polyval(V, x),
    lambda x: np.polyder(x[0]),
    lambda x: np.polyder(x[0], 2),
    lambda x: np.polyint(x[0], 2, [1.0, 2.0]),
    lambda x: np.polyint(x[0], k=3.0),
    lambda x: np.poly(x[0]),
    lambda x: np.poly1d(x[0])(1.3),
    lambda x: np.vander(x[0]),
    lambda x: np.vander(x[0], 3, increasing=True),
    lambda x: np.polyfit(np.arange(4.0), x[0], 2),
    lambda x: np.polyfit(x.reshape(-1)[:5], V, 1, w=[*STEPS, 2.0]),
    lambda x: np.polyfit(STEPS, x.T, 1),
    # products of arrays
    lambda x: np.inner(x, X),
    lambda x: np.inner(2.0, x),
    lambda x: np.dot(V[:4], x[:, :, None] * np.ones(2)),
    lambda x: np.dot(x, np.arange(24.0).reshape(2, 4, 3)),
    lambda x: np.einsum(x, [0, 1], X, [2, 1], [0, 2]),
    lambda x: np.einsum(x, [..., 0], X, [..., 0]),
    lambda x: np.einsum("ij,kj->ik", x, X, optimize=True),
    lambda x: np.cross(x[:, :3], W),
    lambda x: np.cross(x[:, :2], W[:2]) if not isinstance(x, np.ndarray) else x[:, 0] * W[1] - x[:, 1] * W[0],
    lambda x: np.cross(x, X, axis=0),
    lambda x: np.cross(x, X.T, 0, 1, axisc=0),
    lambda x: np.linalg.multi_dot([x, X.T, x, V[:4]]),
    lambda x: np.linalg.multi_dot([V[:3], X, x.T, X, x[0]]),
    lambda x: np.linalg.multi_dot([x, x.T]),
    lambda x: np.linalg.tensorinv((x[:, :3] + 3 * np.eye(3))[:, None], ind=2),
    lambda x: np.linalg.tensorsolve(x.reshape(-1)[:4].reshape(2, 2) + 3 * np.eye(2), W[:2]),
    lambda x: np.linalg.tensorsolve((x.reshape(-1)[:4].reshape(2, 2) + 3 * np.eye(2))[:, None], W[None, :2], axes=(0,)),
    lambda x: np.linalg.lstsq(x.T, V[:4]),
    lambda x: np.linalg.lstsq(x.T, np.cumsum(x.T, axis=1), rcond=None),
    lambda x: np.linalg.lstsq(X, x, -1),
    lambda x: np.linalg.lstsq(x, W, rcond=1e-3),
    lambda x: np.linalg.pinv(x),
    lambda x: np.linalg.pinv(x, 1e-3),
    lambda x: list(np.linalg.eigh(x[:, :3], "U")),
    lambda x: list(np.linalg.eigh(x[:, :3])),
    lambda x: np.linalg.eigvalsh(x[:, :3], "U"),
    *(lambda x, p=p: np.linalg.cond(x[:, :3] + 2 * np.eye(3), p) for p in (None, 2, -2, 1, -1, np.inf, "fro", "nuc")),
    *MATRICES_AND_VECTORS,
]  # fmt: skip


def results(out: Any) -> Iterator[Any]:
    """The results of a call, one by one."""
    if isinstance(out, tuple | list):
        for part in out:
            yield from results(part)
    else:
        yield out


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's about NaN, which some calls are about
@pytest.mark.parametrize("i", range(len(CALLS)))
def test_values_are_numpys_and_gradients_are_slopes(i: int) -> None:
    call = CALLS[i]
    x: Any = tg.Tensor(X, requires_grad=True)
    ours, theirs = list(results(call(x))), list(results(call(X)))
    depends = [isinstance(a, tg.Tensor) and a.requires_grad for a in ours]
    assert any(depends)
    for a, b, recorded in zip(ours, theirs, depends, strict=True):
        assert np.shape(a) == np.shape(b)
        assert np.asarray(a.numpy() if recorded else a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(a.numpy() if recorded else a, b, rtol=1e-11, atol=1e-13)

    def joined(x: Any) -> Any:
        parts = [np.ravel(part) for part, yes in zip(results(call(x)), depends, strict=True) if yes]
        flat = np.concatenate(parts)
        return flat[np.flatnonzero(np.isfinite(flat.numpy() if isinstance(flat, tg.Tensor) else flat))]

    tg.check_gradient(joined, X)


def test_slopes_at_points_where_branches_meet() -> None:
    assert slopes(lambda x: np.modf(x)[0], [0.0, 2.0, -1.0]) == [[1, 1, 1]]
    assert slopes(np.fmod, [0.0, 3.0], [2.0, 2.0]) == [[1, 1], [0, -1]]
    assert slopes(np.fmax, [1.0, math.nan, 2.0], [1.0, 3.0, math.nan]) == [[0.5, 0, 1], [0.5, 1, 0]]
    assert slopes(np.fmin, [1.0, math.nan, 2.0], [1.0, 3.0, math.nan]) == [[0.5, 0, 1], [0.5, 1, 0]]
    assert slopes(np.heaviside, [0.0, 1.0], [0.5, 0.5]) == [[0, 0], [1, 0]]
    assert slopes(lambda x: np.interp(x, [0.0, 1.0, 3.0], [0.0, 5.0, 1.0]), [-1.0, 0.0, 1.0, 3.0, 4.0]) == [
        [0, 5, -2, -2, 0]
    ]
    assert slopes(np.nan_to_num, [1.0, math.nan, math.inf, -math.inf]) == [[1, 0, 0, 0]]
    holes = [[math.nan, math.nan], [2.0, math.nan]]
    assert slopes(lambda x: np.broadcast_to(np.nanmax(x, axis=1, keepdims=True), (2, 2)), holes) == [[[0, 0], [2, 0]]]


REFUSED: list[Callable[[Any], Any]] = [
    lambda x: np.max(x, where=MASK),
    lambda x: np.nansum(x, where=MASK),
    lambda x: np.nanquantile(x, 0.5, method="hazen"),
    lambda x: np.average(x[None], axis=(1, 2), weights=X, returned=True),
    lambda x: np.ravel(x, order="K"),
    lambda x: np.polyadd(x, V),
    lambda x: np.poly(x[:, :3]),
    lambda x: np.geomspace(np.abs(x), -1.0, 3),
    lambda x: np.polyfit(STEPS, x[0], 1, cov=True),
    lambda x: np.trim_zeros(x),
    lambda x: np.add.reduce(x, where=MASK),
    lambda x: np.linalg.eig(x[:, :3]),
    lambda x: np.linalg.pinv(x[:, :3], hermitian=True),
    lambda x: np.quantile(X, np.abs(x[0]) / 3),
    lambda x: np.nanquantile(X, np.abs(x[0]) / 3),
    lambda x: np.nanpercentile(X, np.abs(x[0])),
    lambda x: np.unwrap(X, period=x[0, 0]),
    lambda x: np.compress(x[0], X, axis=1),
    lambda x: np.insert(np.arange(3), 1, x[0, 0]),
    lambda x: np.select([x], [1.0]),
    lambda x: np.intersect1d(x, V),
    lambda x: np.histogram2d(x[0], x[1]),
    lambda x: np.roots(x[0]),
    lambda x: np.fft.irfft2(x, out=np.zeros((3, 6))),
    lambda x: np.emath.sqrt(x),
    lambda x: np.emath.log2(x[1]),
    lambda x: np.emath.arccos(x[1]),
    lambda x: np.emath.log(x),
    lambda x: np.emath.arcsin(x),
    lambda x: np.emath.power(x, 2),
    lambda x: np.emath.logn(2, x),
]


@pytest.mark.parametrize("i", range(len(REFUSED)))
def test_what_would_lose_a_gradient_or_is_not_there_is_refused(i: int) -> None:
    with pytest.raises(TypeError, match=r"not supported on a Tensor|no gradient|lose the gradient") as caught:
        REFUSED[i](tg.Tensor(X, requires_grad=True))
    assert korean(caught.value)


WRONG: list[Callable[[Any], Any]] = [
    lambda x: np.rot90(x, 1, (0, 0)),
    lambda x: np.block([x, [x]]),
    lambda x: np.gradient(x, 1.0, 2.0, 3.0),
    lambda x: NP.gradient(x, 1.0, edge_order=3),  # it is wrong
    lambda x: np.gradient(x, V, axis=0),
    lambda x: np.diff(x, -1),
    lambda x: np.convolve(x, V),
    lambda x: np.interp(x, STEPS, V),
    lambda x: np.geomspace(x * 0, 1.0, 3),
    lambda x: np.choose([0, 1, 2, 3], [x, X]),
    lambda x: np.select([MASK], [x, x]),
    lambda x: np.piecewise(x, [MASK], [1, 2, 3]),
    lambda x: np.polyfit(STEPS, x[:, 0], 1),
    lambda x: np.linalg.multi_dot([x]),
    lambda x: np.cov(x[None]),
    lambda x: np.linalg.tensorinv(x, 0),
    lambda x: np.bincount([0, 1], x[0]),
    lambda x: np.ix_(x),
    lambda x: np.histogram(x, 0),
    lambda x: np.histogram(x, [2.0, 1.0]),
    lambda x: np.histogram(x, 3, (2.0, 1.0)),
    lambda x: np.histogram(x, weights=V),
    lambda x: np.apply_along_axis(np.sort, 2, x),
    lambda x: np.apply_along_axis(np.sort, 1, x[:0]),
    lambda x: NP.lib.stride_tricks.sliding_window_view(x, 5, axis=1),
    lambda x: NP.lib.stride_tricks.sliding_window_view(x, 2),
    lambda x: np.full_like(x, x[0, :3]),
    lambda x: np.add.reduceat(x, [7]),
    lambda x: np.unique(x, axis=2),
    lambda x: np.linalg.lstsq(x, V),
    lambda x: np.linalg.lstsq(x[0], V),
]


@pytest.mark.parametrize("i", range(len(WRONG)))
def test_what_numpy_refuses_is_refused(i: int) -> None:
    with pytest.raises((TypeError, ValueError, IndexError, np.linalg.LinAlgError)) as theirs:
        WRONG[i](X)
    with pytest.raises(type(theirs.value)):
        WRONG[i](tg.Tensor(X, requires_grad=True))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("i", range(0, len(CALLS), 6))
def test_it_compiles_or_is_refused_by_name(i: int) -> None:
    def run(x: Any) -> list[Any]:
        leaf: Any = tg.Tensor(x, requires_grad=True)
        found = [y for y in results(CALLS[i](leaf)) if isinstance(y, tg.Tensor) and y.requires_grad]
        sum((tg.sum(y * y) for y in found), start=tg.sum(found[0])).backward()
        return [*(y.detach() for y in found), leaf.grad]

    compiled, other = tg.compile(run), X[::-1] * np.linspace(0.9, 1.1, 12).reshape(3, 4)
    try:
        compiled(X)
    except TypeError as error:
        refusal = str(error)
    else:
        refusal = ""
    assert refusal.startswith("compile: " * bool(refusal))
    for ours, theirs in zip([] if refusal else compiled(other), [] if refusal else run(other), strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("f", [np.dot, np.kron, np.append, np.inner])
def test_an_array_that_a_compiled_function_holds_may_come_first(f: Callable[..., Any]) -> None:
    held = np.array([0.5, 2.0, -1.0])
    compiled = tg.compile(lambda x: f(held, tg.Tensor(x, requires_grad=True)).detach())
    for x in (W, 2 * W):
        np.testing.assert_array_equal(compiled(x).numpy(), f(held, x))
