"""Modules: functions with parameters, which are found by name, saved and loaded; and their training mode."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial, wraps
from itertools import repeat
from pathlib import Path
from types import BuiltinFunctionType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from tinygrad_ko.arrays.library import beside
from tinygrad_ko.engine.backprop import put
from tinygrad_ko.engine.graph import scope
from tinygrad_ko.errors import explain
from tinygrad_ko.nn.serialization import load_arrays, save_arrays
from tinygrad_ko.runtime.suggestions import ForeignToModule, explain_construction
from tinygrad_ko.tensor.tensor import Tensor, replace

if TYPE_CHECKING:
    from tinygrad_ko.nn.summary import Summary

_FUNCTIONS = (FunctionType, BuiltinFunctionType, np.ufunc, partial)


class Module(ForeignToModule):
    """A function with parameters. Write `__init__`, which keeps Tensors and other Modules in attributes, and
    `forward`; call the module. (A `__call__` in place of `forward`, or around it, will do too.)

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

    _computes: str = "forward"  # the method that a call ends in
    training: bool = True  # whether it is being trained; `train` and `eval` say so to every module inside

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        explain_construction(cls)
        owner = next(part for part in cls.__mro__ if "__call__" in vars(part))
        call = vars(owner)["__call__"]
        if isinstance(call, FunctionType) and (owner is cls or not issubclass(owner, Module)):
            for name, value in {"__call__": _scoped(call), "_own_call": call, "_computes": "_own_call"}.items():
                setattr(cls, name, value)

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """What it computes."""
        name = type(self).__name__
        raise explain(
            NotImplementedError(f"{name} has no forward: define forward(self, x), which a call of the module runs"),
            f"{name}에 forward 메서드가 없습니다. 모듈을 호출할 때 실행할 forward(self, x)를 정의하십시오.",
        )

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if type(self).__call__ is not Module.__call__:  # the scope is open already
            return self.forward(*inputs, **options)
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
        for part in list(walk(self)):
            if isinstance(part.value, Module):
                part.value.training = mode
        return self

    def eval(self) -> Self:
        """The same as `train(False)`: what follows is not training."""
        return self.train(False)

    def named_tensors(self) -> dict[str, Tensor]:
        """Every Tensor in this module and in those it is made of, by its path: `layers.0.W`. A shared one once.

        Raises ValueError if two have the same path.
        """
        found: dict[int, tuple[str, Tensor]] = {}
        for path, value, _, _ in walk(self):
            if isinstance(value, Tensor):
                found.setdefault(id(value), (path, value))
        names = [path for path, _ in found.values()]
        if len({*names}) < len(names):
            twice = [path for path, times in Counter(names).items() if times > 1]
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
        put([tensor.node for tensor in self.parameters()], repeat(None))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write all its Tensors to an `.npz` file, whole or not at all. Returns the path written."""
        return save_arrays(path, {name: tensor.numpy() for name, tensor in self.named_tensors().items()})

    def load(self, path: str | os.PathLike[str]) -> None:
        """Read its Tensors from a file that `save` wrote. Raises ValueError, and changes nothing, if a name or a shape differs."""
        tensors = self.named_tensors()
        arrays = load_arrays(path, {name: tensor.shape for name, tensor in tensors.items()})
        replace(tensors.values(), [beside(t._array, arrays[name], t.dtype) for name, t in tensors.items()])

    def summary(self, *inputs: Any, dtype: Any = None, **options: Any) -> "Summary":
        """What the network is made of: its layers in the order in which they are called, what each returns, how many
        parameters each holds itself, and their bytes; then the totals, and what the graph of the call keeps until backward.

        The inputs are those of a call. In place of an array stands its shape, as a tuple with the batch in it: it is filled with ones
        (zeros for a `dtype` of integers: `summary((2, 3), dtype=int)` of a network that takes ids), in the dtype of the network's
        parameters unless `dtype` says otherwise. Without inputs nothing is called, and the layers come as they stand in the network.

        Layers are the modules, and the functions in lists such as that of `Sequential`. One that is called again has another
        row, one that is not called says so; parameters that layers share are counted once. The network is called in the mode it
        is in, in this thread alone, and then everything in it is as it was: parameters, gradients, running averages, random
        streams (but for plain arrays that a forward of your own writes to). Returns an object that prints as a table; `rows`,
        `parameters`, `trained`, `bytes` and `kept` are its data.

        Raises what the call raises, with the layer it happened in; ValueError for a shape that is none, or a `dtype` without a shape.

        >>> from tinygrad_ko.nn import Affine, Relu, Sequential
        >>> Sequential(Affine(784, 100), Relu(), Affine(100, 10)).summary((32, 784))
        Sequential called with (32, 784) float64, in training
          layer              output shape  dtype    parameters    bytes
          Sequential         (32, 10)      float64
            layers.0 Affine  (32, 100)     float64      78,500  628,000
            layers.1 Relu    (32, 100)     float64
            layers.2 Affine  (32, 10)      float64       1,010    8,080
          79,510 parameters, all trained; 636,080 bytes
          the graph of the result keeps 25,600 bytes more until backward()
        """
        from tinygrad_ko.nn.summary import of_module

        return of_module(self, walk, inputs, dtype, options)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}{list(tensor.shape)}" for name, tensor in self.named_parameters().items())
        return f"{type(self).__name__}({sizes})"


def _scoped(call: Callable[..., Any]) -> Callable[..., Any]:
    """A class's own `__call__` in the module's scope, which is open already where a subclass calls it as `super().__call__`."""

    @wraps(call)
    def whole(self: Any, *inputs: Any, **options: Any) -> Any:
        if type(self).__call__ is not whole:
            return call(self, *inputs, **options)
        with scope(type(self).__name__):
            return self._own_call(*inputs, **options)

    return whole


_CONTAINERS = (Module, list, tuple, dict)


class Part(NamedTuple):
    """A Tensor, a module, or a function in a list: its path, and what holds it under which key."""

    path: str
    value: Any
    holder: Any
    key: Any


def walk(module: Module) -> Iterator[Part]:
    """The Tensors and modules in a module, and in the lists, tuples and dicts in it; and the functions in the lists."""
    seen: set[int] = set()
    waiting: list[Any] = [("", module, None, None)]
    while waiting:
        path, value, holder, key = waiting.pop()
        if isinstance(value, Tensor):
            if value.node is None or value.node.op is None:  # not what a forward has computed and kept
                yield Part(path, value, holder, key)
        elif isinstance(value, _CONTAINERS):
            if id(value) in seen:
                continue
            seen.add(id(value))
            if isinstance(value, Module):
                yield Part(path, value, holder, key)
            items = vars(value) if isinstance(value, Module) else value
            named = list(items.items() if isinstance(items, dict) else enumerate(items))
            waiting += [(f"{path}.{k}" if path else str(k), item, value, k) for k, item in reversed(named)]
        elif isinstance(holder, list) and isinstance(value, _FUNCTIONS):
            yield Part(path, value, holder, key)
        elif isinstance(value, set | frozenset) and any(isinstance(item, Tensor | Module) for item in value):
            raise explain(
                TypeError(f"{path} is a set, which has no order; keep layers and Tensors in a list, a tuple or a dict"),
                f"{path}: 집합에는 순서가 없습니다. 계층과 Tensor는 리스트, 튜플, 딕셔너리에 담으십시오.",
            )
