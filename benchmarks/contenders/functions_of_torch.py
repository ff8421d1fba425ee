"""PyTorch's namesakes: those of the fuzzer, and those of functions that it does not ask PyTorch about."""

from collections.abc import Callable
from typing import Any

from benchmarks.contenders.functions import Function
from benchmarks.problems import Array
from tests.fuzz.namesakes import NAMESAKES, F, torch

WITHOUT = {  # a namesake that cannot do the call of the table
    "average": "it wants weights",
    "floor_divide": "it has no gradient",
    "imag": "it takes complex numbers alone",
}
OTHERS: dict[str, Callable[..., Any]] = {
    "array_split": lambda x, parts, axis: torch.tensor_split(x, parts, axis),
    "astype": lambda x, dtype: x.to(torch.float64),
    "attention": F.scaled_dot_product_attention,
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


class OfTorch(Function):
    def named(self, name: str) -> Callable[..., Any]:
        found = OTHERS.get(name) or NAMESAKES.get(name.rpartition(".")[2])
        if found is None or name in WITHOUT:
            raise NotImplementedError(f"PyTorch has no {name}")
        return found

    def plain(self, array: Array) -> Any:
        return torch.tensor(array)

    def variable(self, array: Array) -> Any:
        return torch.tensor(array, requires_grad=True)

    def joined(self, parts: list[Any]) -> Any:
        return torch.cat(parts)

    def array(self, value: Any) -> Array:
        return value.detach().numpy()
