"""Libraries that only some functions need, imported when one is called."""

from importlib import import_module
from typing import Any

import numpy as np

from tinygrad_ko.arrays.opaque import is_traced
from tinygrad_ko.errors import explain
from tinygrad_ko.tensor.tensor import Tensor

_TITLES = {"scipy": "SciPy", "torch": "PyTorch", "jax": "JAX", "einops": "einops"}


def needed(name: str, what: str) -> Any:
    """A module of another library. Raises ModuleNotFoundError, which says who needs it, if the library is not installed."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        library = name.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != library:
            raise
        title = _TITLES[library]
        raise explain(
            ModuleNotFoundError(f"{what} needs {title}: pip install {library}", name=library),
            f"{what}: 필요한 라이브러리가 없습니다: {title}. 다음 명령으로 설치하십시오: pip install {library}",
        ) from None


def refuse_traced(what: str, *arrays: Any) -> None:
    """Raise TypeError if one of the arrays is traced: a program cannot repeat what is done with its numbers outside of this package."""
    if is_traced(list(arrays)):
        raise explain(
            TypeError(
                f"compile: {what} cannot be compiled: its steps depend on the numbers, or are those of another library; call it outside"
            ),
            f"compile: 계산 과정이 값에 따라 달라지거나 다른 라이브러리의 것이어서 컴파일할 수 없습니다: {what}. 컴파일할 함수 밖에서 "
            "호출하십시오.",
        )


def numbers(what: str, value: Any) -> Any:
    """A copy of an array or Tensor as an array of NumPy, for another library."""
    array = value.stable_array() if isinstance(value, Tensor) else value
    refuse_traced(what, array)
    return np.array(array)
