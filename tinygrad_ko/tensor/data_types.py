"""Questions about dtypes, by the names of the array API standard: NumPy's answers, for dtypes, arrays and Tensors; and what `Tensor` has
to do with it: which dtypes and devices there are.
"""

from typing import Any

import numpy as np

from tinygrad_ko.engine.graph import Handle

_ARRAYS = (Handle, np.ndarray, np.generic)


def _typed(x: Any, kinds: Any = Handle) -> Any:
    """The dtype of a Tensor; anything else as it is."""
    return x.dtype if isinstance(x, kinds) else x


def can_cast(from_: Any, to: Any, /) -> bool:
    """Whether the numbers of a dtype, or of an array, can become another dtype without loss."""
    return np.can_cast(_typed(from_, _ARRAYS), to)


def result_type(*arrays_and_dtypes: Any) -> Any:
    """The dtype of what is computed from arrays, numbers and dtypes.

    >>> import tinygrad_ko as tg
    >>> tg.result_type(tg.float32, tg.zeros(2), 1)
    dtype('float64')
    """
    return np.result_type(*map(_typed, arrays_and_dtypes))


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is of a kind: "bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating",
    "numeric", a dtype, or one of a tuple of these.
    """
    return np.isdtype(dtype, kind)


def finfo(type: Any, /) -> Any:
    """The limits of a floating dtype: bits, eps, max, min, smallest_normal."""
    return np.finfo(_typed(type, _ARRAYS))


def iinfo(type: Any, /) -> Any:
    """The limits of an integer dtype: bits, max, min."""
    return np.iinfo(_typed(type, _ARRAYS))


class _Info:
    """What the array API standard asks of a namespace: NumPy's answers, without complex dtypes, which a Tensor does not hold."""

    def __init__(self) -> None:
        self._numpys = np.__array_namespace_info__()

    def capabilities(self) -> dict[str, Any]:
        """Masks as indices and shapes that depend on data: both are there."""
        return {**self._numpys.capabilities(), "boolean indexing": True, "data-dependent shapes": True}

    def default_device(self) -> str:
        """The device of new Tensors."""
        return "cpu"

    def devices(self) -> list[str]:
        """All devices."""
        return ["cpu"]

    def default_dtypes(self, *, device: Any = None) -> dict[str, Any]:
        """The dtypes of new Tensors, by kind."""
        return dict(self._numpys.default_dtypes(device=device))

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, Any]:
        """All dtypes, or those of a kind, by name."""
        found = self._numpys.dtypes(device=device, kind=kind)
        return {name: dtype for name, dtype in found.items() if np.dtype(dtype).kind != "c"}


def __array_namespace_info__() -> _Info:  # the standard's own name
    """What there is here of the array API standard."""
    return _Info()
