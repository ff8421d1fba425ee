"""einops on Tensors: its backend, which says how it reshapes, permutes, reduces and repeats them."""

from functools import cache
from typing import Any

from tinygrad_ko.arrays.library import is_floating, namespace
from tinygrad_ko.func.libraries import needed
from tinygrad_ko.ops.linalg.einsum import einsum
from tinygrad_ko.ops.repetition import tile
from tinygrad_ko.ops.shape import concat, expand_dims, permute_dims, stack
from tinygrad_ko.tensor.tensor import Tensor


@cache
def register_einops() -> None:
    """Teach einops what a Tensor is: from then on `rearrange`, `reduce`, `repeat`, `einsum`, `pack`, `unpack` and the others of its
    functions take Tensors, and gradients flow through them. Once in a program is enough.

    Raises ModuleNotFoundError without einops.

    >>> import numpy as np, tinygrad_ko as tg
    >>> tg.func.register_einops()  # doctest: +SKIP
    >>> from einops import rearrange  # doctest: +SKIP
    >>> x = tg.Tensor(np.ones((2, 3, 4)), requires_grad=True)
    >>> rearrange(x, "b h w -> b (h w)").sum().backward()  # doctest: +SKIP
    """
    backends = needed("einops._backends", "tg.func.register_einops")

    class TensorBackend(backends.AbstractBackend):  # type: ignore[misc, name-defined]  # einops may be absent
        """What einops asks of a library of arrays; it finds the class by itself. Methods that are not here are those of NumPy's arrays."""

        framework_name = "tinygrad_ko"

        def is_appropriate_type(self, tensor: Any) -> bool:
            return isinstance(tensor, Tensor)

        def from_numpy(self, x: Any) -> Any:
            return Tensor(x, requires_grad=is_floating(x.dtype))

        def to_numpy(self, x: Any) -> Any:
            return x.numpy()

        def arange(self, start: int, stop: int) -> Any:
            return Tensor(namespace().arange(start, stop))

        def transpose(self, x: Any, axes: Any) -> Any:
            return permute_dims(x, tuple(axes))

        def stack_on_zeroth_dimension(self, tensors: Any) -> Any:
            return stack(list(tensors))

        def add_axis(self, x: Any, new_position: int) -> Any:
            return expand_dims(x, axis=new_position)

        def tile(self, x: Any, repeats: Any) -> Any:
            return tile(x, repeats)

        def concat(self, tensors: Any, axis: int) -> Any:
            return concat(list(tensors), axis=axis)

        def is_float_type(self, x: Any) -> bool:
            return is_floating(x.dtype)

        def einsum(self, pattern: str, *x: Any) -> Any:
            return einsum(pattern, *x)

    _registered.append(TensorBackend)


_registered: list[Any] = []  # einops finds it among the subclasses of its own class, which do not keep it alive
