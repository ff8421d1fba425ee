"""A case of the exam, and how it is registered."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True)
class Case:
    """A function, its vjp(g, *inputs), which returns a gradient for each input (of one input the gradient itself), and the key."""

    name: str
    verdict: Literal["right", "wrong", "undecided"]
    why: str
    f: Callable[..., Any]
    vjp: Callable[..., Any]
    inputs: tuple[Any, ...]
    rtol: float = 0.0  # how exactly f is computed, where who wrote it would know


CASES: list[Case] = []


def add(name: str, verdict: Any, why: str, f: Any, vjp: Any, *inputs: Any, rtol: float = 0.0) -> None:
    """Register a case; no two of them share an array, and one of an odd layout keeps it."""
    arrays = [np.asarray(x) for x in inputs]
    own = [x if x.size and not x.flags.c_contiguous else x.copy() for x in arrays]
    CASES.append(Case(name, verdict, why, f, vjp, tuple(own), rtol))


def R(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def sig(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


class _SciPy:
    """A module of SciPy's, imported when one of its functions is called: where it is missing, the cases that need it cannot be run."""

    def __init__(self, name: str) -> None:
        self.name = f"scipy.{name}"

    def __getattr__(self, function: str) -> Callable[..., Any]:
        return lambda *args, **options: getattr(import_module(self.name), function)(*args, **options)


sfft: Any = _SciPy("fft")
sla: Any = _SciPy("linalg")
sp: Any = _SciPy("special")
ssg: Any = _SciPy("signal")
