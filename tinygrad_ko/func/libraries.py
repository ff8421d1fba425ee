"""Libraries that only some functions need, imported when one is called."""

from importlib import import_module
from typing import Any

from tinygrad_ko.errors import explain

_TITLES = {"scipy": "SciPy", "torch": "PyTorch", "jax": "JAX"}


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
            f"{what}: {title}가 필요합니다. 다음 명령으로 설치하십시오: pip install {library}",
        ) from None
