"""One function of the rule book at a time, in our library or in PyTorch, forward and backward, as the table of calls has it."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

import tinygrad_ko as tg
from benchmarks.calls import CALLS
from benchmarks.problems import Array


class Function:
    """`forward()` records; calling it goes back as well, with a random gradient of the result. A library has its own ways to these:"""

    named: Callable[[str], Callable[..., Any]]  # the function
    plain: Callable[[Array], Any]  # an array without a gradient
    variable: Callable[[Array], Any]  # one with a gradient
    joined: Callable[[list[Any]], Any]  # several as one long array
    array: Callable[[Any], Array]  # back to NumPy

    def __init__(self, name: str) -> None:
        self.leaves: list[Any] = []
        self.call, self.function = CALLS[name], self.named(name)
        self.arguments = self.call.given(self.given)
        out = self.forward()
        g = np.random.default_rng(1).standard_normal(tuple(out.shape))
        self.g = self.plain(g.astype(str(out.dtype).rpartition(".")[2]))

    def given(self, array: Array, moves: bool) -> Any:
        if not moves:
            return self.plain(array)
        self.leaves.append(self.variable(array))
        return self.leaves[-1]

    def forward(self) -> Any:
        """The result; several are differentiated at once, as one long array."""
        out = self.function(*self.arguments, **self.call.options)
        if isinstance(out, tuple | list):
            parts = [part for part in out if type(part) is type(self.leaves[0]) and part.requires_grad]
            return self.joined([part.reshape(-1) for part in parts]) if len(parts) > 1 else parts[0]
        return out

    def __call__(self) -> None:
        for x in self.leaves:
            x.grad = None
        self.forward().backward(self.g)

    def answers(self) -> dict[str, Array]:
        """The value and the gradients."""
        self()
        gradients = [0 * self.array(x) if x.grad is None else self.array(x.grad) for x in self.leaves]
        return {"value": self.array(self.forward()), **{f"gradient {i}": g for i, g in enumerate(gradients)}}


class OfOurs(Function):
    def named(self, name: str) -> Callable[..., Any]:
        room, _, last = name.rpartition(".")
        return getattr(getattr(tg, room) if room else tg, last)

    def plain(self, array: Array) -> Any:
        return array

    def variable(self, array: Array) -> Any:
        return tg.Tensor(array, requires_grad=True)

    def joined(self, parts: list[Any]) -> Any:
        return tg.concat(parts)

    def array(self, value: Any) -> Array:
        return np.array(value.data if isinstance(value, tg.Tensor) else value)


def function(library: str, name: str) -> Function:
    """Raises NotImplementedError where the library has no such function."""
    if library == "tinygrad_ko":
        return OfOurs(name)
    return import_module("benchmarks.contenders.functions_of_torch").OfTorch(name)


def forward(library: str, name: str) -> Callable[[], Any]:
    return function(library, name).forward
