"""Domains of functions, and random numbers in them: of both signs, none 0, no two alike, so that a wrong gradient shows."""

from math import inf
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.errors import explain

Domain = str | tuple[float | None, float | None]

DOMAINS = {"real": (-inf, inf), "positive": (0.0, inf), "nonzero": (-inf, inf), "unit": (-1.0, 1.0)}


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
