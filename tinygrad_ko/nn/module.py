"""What has parameters: found by their names, forgotten gradients, saved and loaded; and whether it is in training."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from tinygrad_ko.errors import explain
from tinygrad_ko.graph import scope
from tinygrad_ko.nn.storage import load_arrays, save_arrays
from tinygrad_ko.tensor import Tensor


class Module:
    """A function with parameters. Write `__init__`, which keeps Tensors and other Modules in attributes, and
    `forward`; call the module.

    >>> import tinygrad_ko as tg
    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.a, self.b = tg.Tensor(2.0, requires_grad=True), tg.Tensor(1.0, requires_grad=True)
    ...     def forward(self, x):
    ...         return self.a * x + self.b
    >>> line = Line()
    >>> line(tg.Tensor([0.0, 1.0])).tolist(), list(line.named_parameters())
    ([1.0, 3.0], ['a', 'b'])
    """

    training: bool = True  # whether it is being trained; `train` and `eval` say so to every module inside

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """What it computes."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        with scope(type(self).__name__):
            return self.forward(*inputs, **options)

    def train(self, mode: bool = True) -> Self:
        """Set `training`, here and in every module inside. Layers that do something else in training than afterwards
        (`Dropout`, `BatchNorm`) look at it; a module is in training until `eval()` is called. Returns the module.

        Raises TypeError unless the mode is True or False.

        >>> from tinygrad_ko.nn import Dropout, Sequential
        >>> model = Sequential(Dropout(0.5))
        >>> model.training, model.eval()[0].training, model.train()[0].training
        (True, False, True)
        """
        if not isinstance(mode, bool):
            raise explain(
                TypeError(f"train(mode) takes True or False, not {type(mode).__name__}; it does not train the module"),
                f"train(mode)에는 True나 False만 줄 수 있습니다. 모듈을 학습시키는 함수가 아닙니다. 받은 값의 종류: {type(mode).__name__}",
            )
        for _, value in list(walk(self, "", set())):
            if isinstance(value, Module):
                value.training = mode
        return self

    def eval(self) -> Self:
        """The same as `train(False)`: what follows is not training."""
        return self.train(False)

    def named_tensors(self) -> dict[str, Tensor]:
        """Every Tensor in this module and in those it is made of, by its path: `layers.0.W`. A shared one once.

        Raises ValueError if two have the same path.
        """
        found: dict[int, tuple[str, Tensor]] = {}
        for path, value in walk(self, "", set()):
            if isinstance(value, Tensor):
                found.setdefault(id(value), (path, value))
        names = [path for path, _ in found.values()]
        if twice := {path for path in names if names.count(path) > 1}:
            raise explain(
                ValueError(f"two parameters have the same name: {', '.join(sorted(twice))}"),
                f"이름이 같은 매개변수가 둘 이상입니다: {', '.join(sorted(twice))}",
            )
        return dict(found.values())

    def named_parameters(self) -> dict[str, Tensor]:
        """Those of its Tensors that require a gradient, by their paths."""
        return {name: tensor for name, tensor in self.named_tensors().items() if tensor.requires_grad}

    def parameters(self) -> list[Tensor]:
        """Every Tensor that requires a gradient."""
        return list(self.named_parameters().values())

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for tensor in self.parameters():
            tensor.zero_grad()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write all its Tensors to an `.npz` file, whole or not at all. Returns the path written."""
        return save_arrays(path, {name: tensor.numpy() for name, tensor in self.named_tensors().items()})

    def load(self, path: str | os.PathLike[str]) -> None:
        """Read its Tensors from a file that `save` wrote. Raises ValueError, and changes nothing, if a name or a shape
        differs.
        """
        tensors = self.named_tensors()
        arrays = load_arrays(path, {name: tensor.shape for name, tensor in tensors.items()})
        for name, tensor in tensors.items():
            tensor.data = arrays[name].astype(tensor.dtype)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}{list(tensor.shape)}" for name, tensor in self.named_parameters().items())
        return f"{type(self).__name__}({sizes})"


def walk(value: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """The Tensors and modules in a module, and in the lists, tuples and dicts in it, with their paths."""
    if isinstance(value, Tensor):
        if value.node is None or value.node.op is None:  # not what a forward has computed and kept
            yield path, value
        return
    if isinstance(value, set | frozenset) and any(isinstance(item, Tensor | Module) for item in value):
        raise explain(
            TypeError(f"{path} is a set, which has no order; keep layers and Tensors in a list, a tuple or a dict"),
            f"{path}은(는) 순서가 없는 집합입니다. 계층과 Tensor는 리스트, 튜플, 딕셔너리에 담으십시오.",
        )
    if not isinstance(value, Module | list | tuple | dict) or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Module):
        yield path, value
    items = (
        vars(value).items()
        if isinstance(value, Module)
        else value.items()
        if isinstance(value, dict)
        else enumerate(value)
    )
    for name, item in items:
        yield from walk(item, f"{path}.{name}" if path else str(name), seen)
