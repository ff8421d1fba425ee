"""Nobody is timed who does not compute the same thing."""

import numpy as np

from benchmarks.problems import Array

TOLERANCE = {"float32": 1e-4, "float64": 1e-10}  # relative to the largest entry


class DisagreementError(ValueError):
    """A contender's loss or gradient is not the hand-written one."""


def compare(what: str, got: Array | float, expected: Array | float, dtype: str) -> None:
    """Raise DisagreementError unless shape and dtype agree and every entry is close.

    >>> compare("loss", 2.0, 2.0, "float64")
    >>> compare("loss", 2.1, 2.0, "float64")
    Traceback (most recent call last):
        ...
    benchmarks.agreement.DisagreementError: loss is off by 0.1
    """
    a, b = np.asarray(got), np.asarray(expected)
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        raise DisagreementError(f"{what} is {a.dtype} {a.shape}, not {b.dtype} {b.shape}")
    off = np.max(np.abs(a - b))
    if not off <= TOLERANCE[dtype] * np.max(np.abs(b)):
        raise DisagreementError(f"{what} is off by {off:.2g}")


def compare_gradients(got: list[Array], expected: list[Array], dtype: str) -> None:
    """Compare one by one, in order."""
    if len(got) != len(expected):
        raise DisagreementError(f"{len(got)} gradients, not {len(expected)}")
    for i, (a, b) in enumerate(zip(got, expected, strict=True)):
        compare(f"gradient {i}", a, b, dtype)
