"""How far a computed number is from the true one, in units in the last place."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

DIGITS = 60  # that the true values are computed with


def ulps(got: Any, want: Any, dtype: Any) -> float:
    """The distance in units in the last place of the true value.

    Where that is no normal number of the dtype, 0 (or less than all of those) and infinity are right, and nothing else.
    """
    limits, got = np.finfo(dtype), float(got)
    if abs(want) > float(limits.max):
        return 0.0 if got == float("inf") * mpmath.sign(want) else float("inf")
    if abs(want) < float(limits.tiny):
        return 0.0 if abs(got) <= float(limits.tiny) else float("inf")
    if not np.isfinite(got):
        return float("inf")
    unit = mpmath.mpf(2) ** (int(mpmath.floor(mpmath.log(abs(want), 2))) - limits.nmant)
    return float(abs(mpmath.mpf(got) - want) / unit)


def worst(values: Any, points: Any, true: Callable[[Any], Any]) -> tuple[float, float]:
    """The largest error of the values of a function at some points, in units in the last place, and where it is."""
    with mpmath.workdps(DIGITS):
        errors = [
            ulps(v, true(mpmath.mpf(float(x))), points.dtype)
            for v, x in zip(values.tolist(), points.tolist(), strict=True)
        ]
    return max(errors), float(points[int(np.argmax(errors))])
