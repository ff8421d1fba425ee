"""Nobody is timed who does not compute the same thing."""

from collections.abc import Mapping

import numpy as np

from benchmarks.problems import Array

TOLERANCE = {"float32": 1e-4, "float64": 1e-10}  # relative to the largest entry


class DisagreementError(ValueError):
    """A contender's loss or gradient is not that of the yardstick."""


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
    off = np.max(np.abs(a - b), initial=0)
    if not off <= TOLERANCE[dtype] * np.max(np.abs(b), initial=0):
        raise DisagreementError(f"{what} is off by {off:.2g}")


def compare_all(got: Mapping[str, Array | float], expected: Mapping[str, Array | float], dtype: str) -> None:
    """Compare one by one, by name."""
    if got.keys() != expected.keys():
        raise DisagreementError(f"{', '.join(got) or 'nothing'} came back, not {', '.join(expected) or 'nothing'}")
    for what, value in expected.items():
        compare(what, got[what], value, dtype)


def numbered(arrays: list[Array]) -> dict[str, Array | float]:
    """Gradients by the names that an error calls them."""
    return {f"gradient {i}": array for i, array in enumerate(arrays)}
