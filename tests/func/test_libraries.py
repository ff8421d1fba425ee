"""Libraries that only some functions need: what is said where one is absent, and of what cannot be compiled."""

import sys
from typing import Any

import numpy as np
import pytest

from tinygrad_ko import func

NEEDED: list[Any] = [
    ("scipy.optimize", "SciPy", lambda: func.fixed_point(np.cos, 1.0)),
    ("scipy.optimize", "SciPy", lambda: func.root(np.cos, 1.0)),
    ("scipy.optimize", "SciPy", lambda: func.minimize(np.cos, 1.0)),
    ("scipy.integrate", "SciPy", lambda: func.solve_ivp(lambda t, y: y, (0, 1), [1.0])),
    ("scipy.integrate", "SciPy", lambda: func.odeint(lambda y, t: y, [1.0], [0, 1])),
    ("torch", "PyTorch", lambda: func.from_torch(np.cos)),
    ("torch", "PyTorch", lambda: func.to_torch(np.cos)),
    ("jax", "JAX", lambda: func.from_jax(np.cos)),
    ("jax", "JAX", lambda: func.to_jax(np.cos)),
    ("einops._backends", "einops", lambda: func.register_einops.__wrapped__()),
]


@pytest.mark.parametrize(("module", "title", "call"), NEEDED)
def test_a_library_that_is_not_installed(module: str, title: str, call: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    library = module.partition(".")[0]
    with pytest.raises(ModuleNotFoundError, match=rf"tg\.func\.\w+ needs {title}: pip install {library}") as caught:
        call()
    assert caught.value.name == library
    assert caught.value.__notes__


def test_an_error_inside_a_library_is_its_own(monkeypatch: Any) -> None:
    def broken(name: str) -> Any:
        raise ModuleNotFoundError("No module named 'what_jax_needs'", name="what_jax_needs")

    monkeypatch.setattr("tinygrad_ko.func.libraries.import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="what_jax_needs"):
        func.from_jax(np.cos)
