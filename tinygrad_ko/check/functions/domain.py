"""Domains of functions, and random numbers in them: of both signs, none 0, no two alike, so that a wrong gradient shows.

Most are intervals, and hold each number by itself. Symmetric and positive definite matrices and points of a simplex are domains of whole
arrays: a function of them is only defined along directions that stay inside, and only there its gradient says something.
"""

from difflib import get_close_matches
from math import inf
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.slopes.slope import EPS
from tinygrad_ko.errors import explain

Domain = str | tuple[float | None, float | None]

WHOLE = {"symmetric": (-inf, inf), "positive_definite": (-inf, inf), "simplex": (0.0, 1.0)}  # of whole arrays
DOMAINS = {"real": (-inf, inf), "positive": (0.0, inf), "nonzero": (-inf, inf), "unit": (-1.0, 1.0), **WHOLE}

_ALIASES = {"spd": "positive_definite", "pd": "positive_definite", "probability": "simplex", "distribution": "simplex"}
_LAST_BITS = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float32": 2.0**-23}
_ROUNDED = 16  # so many units in the last place of its largest number an array may be off


def limits(domain: Domain) -> tuple[float, float]:
    """The interval of a domain: a name, or (low, high) where None is no limit. Raises ValueError for what is none.

    >>> limits("positive"), limits((None, 1))
    ((0.0, inf), (-inf, 1.0))
    """
    if isinstance(domain, str) and domain in DOMAINS:
        return DOMAINS[domain]
    if isinstance(domain, tuple) and len(domain) == 2 and all(isinstance(x, int | float | None) for x in domain):
        low, high = -inf if domain[0] is None else domain[0], inf if domain[1] is None else domain[1]
        if low < high:
            return float(low), float(high)
    raise explain(
        ValueError(f"a domain is one of {sorted(DOMAINS)} or (low, high) with low < high, not {domain!r}"),
        f"domain에는 {sorted(DOMAINS)} 중 하나, 또는 low < high를 만족하는 (low, high)를 넘겨야 합니다. 받은 값: {domain!r}",
    )


def random_numbers(rng: Any, size: tuple[int, ...], low: float, high: float, scale: float = 1.0) -> Array:
    """float64 numbers of an open interval, of about the given magnitude if it has such numbers.

    >>> random_numbers(np.random.default_rng(0), (2, 3), 0, np.inf).round(1).tolist()
    [[0.9, 0.3, 0.1], [0.1, 1.7, 2.3]]
    """
    distance = 10 ** rng.uniform(-1, 0.5, size)
    signs = [sign for sign, end in ((-1.0, -low), (1.0, high)) if end > 4e-6]
    if scale < 1 and low <= 0 <= high and signs:
        x = scale * distance * rng.choice(signs, size)
    elif low == -inf and high == inf:
        x = max(scale, 1.0) * distance * rng.choice([-1.0, 1.0], size)
    elif high == inf:
        x = low + max(scale, 1.0) * max(1, abs(low)) * distance
    elif low == -inf:
        x = high - max(scale, 1.0) * max(1, abs(high)) * distance
    else:
        u = rng.uniform(0.01, 0.99, size)
        x = (1 - u) * low + u * high
    return np.array(x)


def is_whole(domain: Any) -> bool:
    """Whether a domain is one of whole arrays."""
    return isinstance(domain, str) and domain in WHOLE


def random_array(rng: Any, shape: tuple[int, ...], domain: Domain, scale: float = 1.0) -> Array:
    """A float64 array of a domain. Matrices are the last two axes of the shape, points of a simplex the last one.

    >>> A = random_array(np.random.default_rng(0), (2, 2), "positive_definite")
    >>> bool(A[0, 1] == A[1, 0] and np.linalg.eigvalsh(A).min() > 0)
    True
    """
    if domain == "simplex":
        _require_shape(shape, domain)
        numbers = rng.exponential(1.0, shape) + 0.05
        return np.asarray(numbers / numbers.sum(-1, keepdims=True))
    if not is_whole(domain):
        return random_numbers(rng, shape, *limits(domain), scale)
    _require_shape(shape, domain)
    if domain == "symmetric":
        return np.asarray(projected(random_numbers(rng, shape, -inf, inf, scale), domain))
    vectors = np.linalg.qr(rng.standard_normal(shape))[0]
    values = scale * 10 ** rng.uniform(-1, 0.5, shape[:-1])
    return np.asarray(projected(vectors * values[..., None, :] @ vectors.mT, domain))


def projected(x: Any, domain: Domain, sum_of_a_point: float = 1.0) -> Any:
    """The nearest array that is symmetric, or adds up to 1 (a direction in a simplex to 0); x is an array or Tensor."""
    if domain == "simplex":
        return x - ((x.sum(-1) - sum_of_a_point) / x.shape[-1])[..., None]
    return (x + x.mT) / 2


def domain_of(x: Array) -> tuple[Domain, str, str] | None:
    """The domain of whole arrays that an array looks to be of, with what it is, in both languages; None for none. 0 is of none.

    >>> domain_of(np.array([0.25, 0.75]))[0]
    'simplex'
    """
    near = 1e-12 * np.max(np.abs(x), initial=0)
    if x.ndim > 1 and x.shape[-1] == x.shape[-2] > 1 and near and np.all(np.abs(x - x.mT) <= near):
        domain = "positive_definite" if np.min(np.linalg.eigvalsh(x)) > 0 else "symmetric"
        return domain, "is symmetric", "대칭 행렬"
    if x.ndim and x.shape[-1] > 1 and np.all(x >= 0) and np.all(np.abs(x.sum(-1) - 1) <= 1e-12):
        return "simplex", "adds up to 1", "합이 1인 배열"
    return None


def last_bit(x: Any) -> float:
    """The machine epsilon of an array of NumPy, PyTorch or JAX, of a Tensor; that of float64 for anything else."""
    return _LAST_BITS.get(str(getattr(x, "dtype", "")).removeprefix("torch."), EPS)


def require_inside(x: Array, domain: Domain, name: str, eps: float = EPS) -> Array:
    """An array, moved into a domain of whole arrays from which it is off by rounding; `eps` is the precision in which it was given.
    Raises ValueError for one that is not of that domain.
    """
    if not is_whole(domain):
        known = sorted(WHOLE)
        word = str(domain).lower().replace(" ", "_").replace("-", "_")
        near = get_close_matches(_ALIASES.get(word, word), known, 1, 0.7)
        cure, remedy = "an interval needs no name here: leave it out", "구간은 여기서 지정할 필요가 없습니다."
        if near:
            cure, remedy = f"did you mean {near[0]!r}?", f"{near[0]!r}을 뜻한 것인지 확인하십시오."
        raise explain(
            ValueError(f"the domain of {name!r} must be one of {known}, not {domain!r}; {cure}"),
            f"{name!r}의 domain에는 {known} 중 하나를 넘겨야 합니다. {remedy} 받은 값: {domain!r}",
        )
    _require_shape(x.shape, domain)
    inside = x / x.sum(-1, keepdims=True) if domain == "simplex" else projected(x, domain)
    off = np.max(np.abs(x - projected(x, domain)), initial=0)
    if not off <= max(1e-8, _ROUNDED * eps) * np.max(np.abs(x), initial=0):
        fault, korean = (
            (
                "it does not add up to 1 along its last axis: divide by the sum",
                "마지막 축의 합이 1이 아닙니다. 합으로 나누십시오",
            )
            if domain == "simplex"
            else (
                f"it is not symmetric, but off by {2 * off:.1g}: pass (x + x.T) / 2",
                "대칭이 아닙니다. (x + x.T) / 2를 넘기십시오",
            )
        )
    elif domain == "simplex" and np.any(x < 0):
        fault, korean = "it has negative numbers", "음수가 있습니다"
    elif domain == "positive_definite" and x.size and np.min(np.linalg.eigvalsh(inside)) <= 0:
        fault, korean = "it has an eigenvalue that is not positive", "양수가 아닌 고윳값이 있습니다"
    else:
        return np.asarray(inside)
    raise explain(
        ValueError(f"{name!r} is not in its domain, {domain}: {fault}"),
        f"{name!r}의 값이 domain({domain})에 속하지 않습니다. {korean}.",
    )


def _require_shape(shape: tuple[int, ...], domain: Domain) -> None:
    """Raise ValueError for a shape that no array of the domain has."""
    square = len(shape) > 1 and shape[-1] == shape[-2]
    if not (shape and shape[-1] if domain == "simplex" else square):
        what, note = (
            ("a last axis of at least one number", "마지막 축의 길이가 1 이상")
            if domain == "simplex"
            else ("square matrices", "정사각 행렬")
        )
        raise explain(
            ValueError(
                f"the domain {domain!r} needs {what}, not the shape {shape}; in check_op, signature='(n,n)' or '(n)' gives them"
            ),
            f"domain={domain!r}: 필요한 배열: {note}. 받은 형상: {shape}. check_op에서는 signature='(n,n)'이나 '(n)'을 지정하십시오.",
        )
