"""NumPy's functions of polynomials given by their coefficients, the highest power first."""

from typing import Any

import numpy as np

from tinygrad_ko.ops import elementwise, reduction, shape
from tinygrad_ko.ops.inputs import as_floating, as_int, as_operand, unwrapped
from tinygrad_ko.ops.linalg import products, spectral
from tinygrad_ko.tensor.numpys.joining import ravel
from tinygrad_ko.tensor.numpys.sequences import convolve
from tinygrad_ko.tensor.numpys.table import Table, Unsupported, named


def _coefficients(p: Any, name: str) -> Any:
    p = as_floating(p, name)
    if p.ndim > 1:
        raise Unsupported
    return ravel(p)


def _filled(p: Any, n: int) -> Any:
    """Coefficients behind as many zeros as make n of them."""
    return shape.concat([np.zeros(n - p.shape[0], p.dtype), p]) if p.shape[0] < n else p


def _together(p: Any, q: Any, name: str) -> tuple[Any, Any]:
    p, q = _coefficients(p, name), _coefficients(q, name)
    n = max(p.shape[0], q.shape[0])
    return _filled(p, n), _filled(q, n)


def _polyadd(a1: Any, a2: Any) -> Any:
    return elementwise.add(*_together(a1, a2, "polyadd"))


def _polysub(a1: Any, a2: Any) -> Any:
    return elementwise.subtract(*_together(a1, a2, "polysub"))


def _polymul(a1: Any, a2: Any) -> Any:
    return convolve(_without_leading_zeros(a1), _without_leading_zeros(a2))


def _without_leading_zeros(p: Any) -> Any:
    p = _coefficients(p, "polymul")
    first = np.flatnonzero(unwrapped(p))[:1]
    return p[first[0] if first.size else -1 :]


def _polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """The quotient and the remainder, by long division. Leading zeros of the remainder are left out, as in NumPy."""
    u, v = _coefficients(u, "polydiv"), _coefficients(v, "polydiv")
    m = v.shape[0]
    if u.shape[0] < m:
        return 0 * u[:1], u
    quotients, rest = [], u
    for k in range(u.shape[0] - m + 1):
        quotients.append(1.0 / v[:1] * rest[k : k + 1])
        rest = shape.concat([rest[:k], rest[k : k + m] - quotients[-1] * v, rest[k + m :]])
    small = np.isclose(unwrapped(rest), 0, rtol=1e-14)
    return shape.concat(quotients), rest[min(np.argmin([*small, False]), rest.shape[0] - 1) :]


def _polyval(p: Any, x: Any) -> Any:
    """By Horner's rule."""
    p, x = _coefficients(p, "polyval"), as_floating(x, "polyval")
    out = elementwise.zeros_like(x)
    for k in range(p.shape[0]):
        out = out * x + p[k]
    return out


def _polyder(p: Any, m: int = 1) -> Any:
    p = _coefficients(p, "polyder")
    for _ in range(as_int(m, "polyder")):
        p = p[:-1] * np.arange(p.shape[0] - 1, 0, -1)
    return p


def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """The integral, m times, with the constants k."""
    p, m = _coefficients(p, "polyint"), as_int(m, "polyint")
    constants = _coefficients(0.0 if k is None else k, "polyint")
    constants = shape.broadcast_to(constants, (m,)) if constants.shape[0] == 1 else constants
    if constants.shape[0] < m:
        np.polyint([1.0], m, unwrapped(constants))  # which says what is wrong
    for i in range(m):
        p = shape.concat([p / np.arange(p.shape[0], 0, -1, dtype=p.dtype), constants[i : i + 1]])
    return p


def _poly(roots: Any) -> Any:
    """The coefficients of the polynomial with these roots. (NumPy takes the eigenvalues of a matrix, which may be complex.)"""
    roots = as_floating(roots, "poly")
    if roots.ndim == 2:
        raise Unsupported
    out = np.ones(1, roots.dtype)
    for root in shape.unstack(shape.reshape(roots, (-1, 1))):
        out = convolve(out, shape.concat([np.ones(1, roots.dtype), -root]))
    return out


def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of x as columns, the highest first unless they are increasing."""
    x = as_operand(x, "vander")
    x = x.astype(np.promote_types(x.dtype, int))
    count = x.shape[0] if N is None else N
    if x.ndim != 1 or count == 0:
        return np.vander(unwrapped(x), count)
    columns = [elementwise.zeros_like(x) + 1]
    for _ in range(count - 1):
        columns.append(columns[-1] * x)
    return shape.stack(columns if increasing else columns[::-1], axis=1)


def _polyfit(x: Any, y: Any, deg: int, rcond: Any = None, *, w: Any = None) -> Any:
    """The coefficients of the polynomial of least squares."""
    x, y, deg = as_floating(x, "polyfit"), as_floating(y, "polyfit"), as_int(deg, "polyfit")
    if deg < 0 or x.ndim != 1 or x.size == 0 or y.ndim not in (1, 2) or x.shape[0] != y.shape[0]:
        np.polyfit(unwrapped(x), unwrapped(y), deg)  # which says what is wrong
    powers = _vander(x, deg + 1)
    if w is not None:
        w = as_floating(w, "polyfit")
        powers, y = powers * w[:, None], y * (w if y.ndim == 1 else w[:, None])
    scale = reduction.vector_norm(powers, axis=0)
    least = x.shape[0] * np.finfo(x.dtype).eps if rcond is None else rcond
    c = products.matmul(spectral.pinv(powers / scale, rtol=least), y)
    return c / (scale if y.ndim == 1 else scale[:, None])


FUNCTIONS: Table = named(
    np, (_polyadd, _polysub, _polymul, _polydiv, _polyval, _polyder, _polyint, _poly, _vander, _polyfit)
)
