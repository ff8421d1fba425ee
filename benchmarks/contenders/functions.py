"""One function of the rule book at a time, in our library and in PyTorch: `function(library, name)` is forward and backward of the call
in the table of calls.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

import tinygrad_ko as tg
from benchmarks.calls import CALLS
from benchmarks.problems import Array


class Function:
    """`forward()` records; calling it goes back as well, with a random gradient of the result."""

    def __init__(self, name: str) -> None:
        self.leaves: list[Any] = []
        self.call, self.function = CALLS[name], self.named(name)
        self.arguments = self.call.given(self.leaf)
        out = self.forward()
        g = np.random.default_rng(1).standard_normal(tuple(out.shape))
        self.g = self.plain(g.astype(str(out.dtype).rpartition(".")[2]))

    def leaf(self, array: Array, moves: bool) -> Any:
        if not moves:
            return self.plain(array)
        self.leaves.append(self.variable(array))
        return self.leaves[-1]

    def forward(self) -> Any:
        """The result; several are differentiated at once, as one long array."""
        out = self.function(*self.arguments, **self.call.options)
        if isinstance(out, tuple | list):
            parts = [part for part in out if type(part) is type(self.leaves[0])]
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

    named: Callable[[str], Callable[..., Any]]
    plain: Callable[[Array], Any]
    variable: Callable[[Array], Any]
    joined: Callable[[list[Any]], Any]
    array: Callable[[Any], Array]


class OfOurs(Function):
    def named(self, name: str) -> Callable[..., Any]:
        room, _, last = name.rpartition(".")
        return getattr(tg.linalg if room else tg, last)

    def plain(self, array: Array) -> Any:
        return array

    def variable(self, array: Array) -> Any:
        return tg.Tensor(array, requires_grad=True)

    def joined(self, parts: list[Any]) -> Any:
        return tg.concat(parts)

    def array(self, value: Any) -> Array:
        return np.array(value.data if isinstance(value, tg.Tensor) else value)


class OfTorch(Function):
    def named(self, name: str) -> Callable[..., Any]:
        """Its namesake, as the fuzzer has it, or one that the fuzzer does not call. Raises NotImplementedError where there is none."""
        namesakes = import_module("tests.fuzz.namesakes")
        torch, F = namesakes.torch, namesakes.F
        others: dict[str, Callable[..., Any]] = {
            "array_split": lambda x, parts, axis: torch.tensor_split(x, parts, axis),
            "astype": lambda x, dtype: x.to(torch.float64),
            "broadcast_arrays": torch.broadcast_tensors,
            "concat": lambda xs, axis: torch.cat(xs, axis),
            "dropout": lambda x, p, rng: F.dropout(x, p),
            "einsum": torch.einsum,
            "expand_dims": lambda x, axis: torch.unsqueeze(x, axis),
            "kl_divergence": lambda log_y, t: F.kl_div(log_y, t, reduction="batchmean"),
            "linalg.cholesky": torch.linalg.cholesky,
            "linalg.eigh": torch.linalg.eigh,
            "linalg.qr": torch.linalg.qr,
            "linalg.slogdet": torch.linalg.slogdet,
            "linalg.svd": torch.linalg.svd,
            "meshgrid": lambda x, y: torch.meshgrid(x, y, indexing="xy"),
            "negative_log_likelihood": F.nll_loss,
            "pad": lambda x, width: F.pad(x, (width,) * 4),
            "scatter_add": lambda x, index, values: x.index_add(0, index, values),
            "softmax_cross_entropy": F.cross_entropy,
            "split": lambda x, parts, axis: torch.tensor_split(x, parts, axis),
            "stack": lambda xs, axis: torch.stack(xs, axis),
            "standardize": lambda x, axis: F.layer_norm(x, x.shape[-1:]),
            "unfold": lambda x, size, step: x.unfold(-1, size, step),
            "unstack": lambda x, axis: torch.unbind(x, axis),
        }
        found = others.get(name) or namesakes.NAMESAKES.get(name.rpartition(".")[2])
        without = {"average", "floor_divide", "zeros_like"}  # the first wants weights, the others have no gradient
        if found is None or name in without:
            raise NotImplementedError(f"PyTorch has no {name}")
        return found

    def plain(self, array: Array) -> Any:
        return import_module("torch").tensor(array)

    def variable(self, array: Array) -> Any:
        return import_module("torch").tensor(array, requires_grad=True)

    def joined(self, parts: list[Any]) -> Any:
        return import_module("torch").cat(parts)

    def array(self, value: Any) -> Array:
        return value.detach().numpy()


LIBRARIES = {"tinygrad_ko": OfOurs, "torch": OfTorch}


def function(library: str, name: str) -> Function:
    return LIBRARIES[library](name)


def forward(library: str, name: str) -> Callable[[], Any]:
    return function(library, name).forward
