"""PyTorch's functions as operations of a graph, and functions of Tensors as operations of PyTorch's."""

from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import numpy as np

from tinygrad_ko.errors import explain
from tinygrad_ko.func.foreign import (
    Constant,
    Exported,
    ForeignFunction,
    Shape,
    as_numbers,
    called_again,
    in_pieces,
    is_array_of_floats,
    outputs,
    separated,
)
from tinygrad_ko.func.libraries import needed
from tinygrad_ko.func.trees import mapped


def from_torch(f: Callable[..., Any], *, device: Any = None) -> Callable[..., Any]:
    """A function of PyTorch's tensors (an `nn.Module` too) as a function of Tensors and arrays: one operation of the graph, whose
    gradients of any order PyTorch computes.

    Arrays and Tensors among the arguments, also in dicts, lists and tuples, become tensors on `device`, in their dtypes; whatever
    else is passed on as it is. What f returns, a tensor or a tree of tensors, becomes Tensors, or arrays if no Tensor was given, in
    their dtypes; those that hold no floats are constants.

    Raises ModuleNotFoundError without PyTorch; RuntimeError if f reads other tensors that require a gradient, as those of a Module
    (`module.requires_grad_(False)` freezes them, and torch.func.functional_call takes them as arguments), if what it returns cannot be
    differentiated, and at a second order if f returns another value when it is called again, as dropout does.

    >>> import numpy as np, tinygrad_ko as tg
    >>> import torch  # doctest: +SKIP
    >>> gammaln = tg.func.from_torch(torch.lgamma)  # doctest: +SKIP
    >>> x = tg.Tensor([0.5, 2.0], requires_grad=True)
    >>> gammaln(x).sum().backward()  # doctest: +SKIP
    """
    torch = needed("torch", "tg.func.from_torch")

    def as_tensor(value: Any) -> Any:
        value = as_numbers("from_torch", value)
        return torch.from_numpy(value).to(device) if isinstance(value, np.ndarray) else value

    @wraps(f, assigned=("__name__", "__doc__"), updated=())
    def call(*args: Any, **options: Any) -> Any:
        leaves, rebuild = separated((args, options), is_array_of_floats, as_tensor)

        def run(*tensors: Any) -> Any:
            new, named = rebuild(list(tensors))
            return f(*new, **named)

        return _TorchFunction(torch, f, run, device)(leaves)

    return call


class _TorchFunction(ForeignFunction):
    """A function `run` of PyTorch's tensors of floats; f is what the user calls it."""

    what = "from_torch"

    def __init__(self, torch: Any, f: Any, run: Callable[..., Any], device: Any) -> None:
        self.torch, self.f, self.run, self.device = torch, f, run, device

    def vjp(self, arrays: tuple[Any, ...]) -> tuple[Any, Callable[[Any], list[Any]]]:
        """Its value, recorded by PyTorch, and what PyTorch gives as gradients."""
        torch = self.torch
        xs = [torch.from_numpy(np.array(x)).to(self.device).requires_grad_() for x in arrays]
        with torch.enable_grad():
            y = self.in_row(self.run(*xs))
        self.require_no_other_leaves(y, xs)

        def pull(g: Any) -> list[Any]:
            if not y.requires_grad:
                raise explain(
                    RuntimeError(
                        f"from_torch: {self.name} detaches what it returns, or computes it outside of PyTorch: it has no gradient"
                    ),
                    f"from_torch: 함수 {self.name}의 반환값은 미분할 수 없습니다. detach()했거나 PyTorch 밖에서 계산한 값입니다.",
                )
            c = torch.as_tensor(np.array(g), dtype=y.dtype, device=y.device)
            parts = torch.autograd.grad(y, xs, c, retain_graph=True, allow_unused=True, materialize_grads=True)
            return [part.cpu().numpy() for part in parts]

        return y.detach().cpu().numpy().copy(), pull

    @property
    def name(self) -> str:
        """The name of the function in messages."""
        return getattr(self.f, "__name__", type(self.f).__name__)

    def in_row(self, y: Any) -> Any:
        """What it returned as one tensor of floats."""
        floats, constants = list[Any](), list[Any]()

        def form(part: Any, place: str) -> Any:
            part = self.tensor(part, place)
            if not (part.is_floating_point() or part.is_complex()):
                constants.append(part.detach().cpu().numpy().copy())
                return Constant(len(constants) - 1)
            floats.append(part)
            known = part.dtype in (self.torch.float16, self.torch.float32, self.torch.float64)  # to NumPy
            return Shape(tuple(part.shape), np.dtype(str(part.dtype).removeprefix("torch.")) if known else None)

        self.structure, self.constants = mapped(form, y, ""), constants
        if isinstance(self.structure, Shape):
            return y
        return self.torch.cat([part.reshape(-1) for part in floats]) if floats else self.torch.zeros(0)

    def tensor(self, value: Any, place: str) -> Any:
        """An output, which must be a tensor."""
        if isinstance(value, self.torch.Tensor):
            return value
        kind, at = type(value).__name__, place and f" at {place}"
        raise explain(
            TypeError(f"from_torch: {self.name} returned {kind}{at}, not a torch.Tensor"),
            f"from_torch: 함수 {self.name}의 반환값{place}의 종류가 torch.Tensor가 아닙니다: {kind}",
        )

    def require_no_other_leaves(self, y: Any, xs: list[Any]) -> None:
        """Raise RuntimeError if y was computed from leaves of PyTorch's graph that are not among xs."""
        leaves, unread, found = [y] if y.is_leaf and y.requires_grad else [], [y.grad_fn], {None}
        while unread:
            node = unread.pop()
            if node not in found:
                found.add(node)
                unread += [parent for parent, _ in node.next_functions]
                leaves += [node.variable] if type(node).__name__ == "AccumulateGrad" else []
        if not {id(leaf) for leaf in leaves} <= {id(x) for x in xs}:
            raise explain(
                RuntimeError(
                    f"from_torch: {self.name} reads a tensor of PyTorch's that requires a gradient and is not among its arguments: its "
                    "gradient would be lost; pass it as an argument (torch.func.functional_call takes the parameters of a Module), or "
                    "freeze it: module.requires_grad_(False)"
                ),
                f"from_torch: 함수 {self.name}: 인수가 아닌 PyTorch 텐서를 읽는데 그 텐서에 기울기가 필요합니다. 그 기울기를 잃게 되므로 "
                "인수로 넘기거나(Module이라면 torch.func.functional_call), module.requires_grad_(False)로 고정하십시오.",
            )

    def derivative(self, out: Any) -> "_TorchFunction":
        """Its gradients in one row, recorded by PyTorch."""
        torch = self.torch

        def gradients_in_row(c: Any, *xs: Any) -> Any:
            y = self.in_row(self.run(*xs))
            if not np.array_equal(y.detach().cpu().numpy(), out, equal_nan=True):
                raise called_again(self.what, self.f)
            parts = torch.autograd.grad(y, xs, c, create_graph=True, allow_unused=True, materialize_grads=True)
            return torch.cat([part.reshape(-1) for part in parts])

        return _TorchFunction(torch, self.f, gradients_in_row, self.device)


def to_torch(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of Tensors as a function of PyTorch's tensors: a `torch.autograd.Function`, which PyTorch's backward and
    torch.autograd.grad differentiate, to any order.

    Tensors of PyTorch among the arguments, also in dicts, lists and tuples, become Tensors, on the CPU; whatever else is passed on as it
    is. What f returns, a Tensor or a tree of Tensors, becomes tensors of PyTorch on the device of the first argument, in their dtypes;
    those that hold no floats are constants.

    Raises ModuleNotFoundError without PyTorch; RuntimeError under the transforms of torch.func (grad, vmap, jacrev, ...), and if f reads
    other Tensors that require a gradient, such as the parameters of a Module: pass them as arguments, or freeze them.

    >>> import tinygrad_ko as tg
    >>> import torch  # doctest: +SKIP
    >>> x = torch.tensor([0.5, 2.0], requires_grad=True)  # doctest: +SKIP
    >>> tg.func.to_torch(tg.erf)(x).sum().backward()  # doctest: +SKIP
    """
    torch = needed("torch", "tg.func.to_torch")

    def is_variable(value: Any) -> bool:
        return isinstance(value, torch.Tensor) and value.is_floating_point()

    def as_array(value: Any) -> Any:
        return value.numpy(force=True).copy() if isinstance(value, torch.Tensor) else value

    @wraps(f, assigned=("__name__", "__doc__"), updated=())
    def call(*args: Any, **options: Any) -> Any:
        leaves, rebuild = separated((args, options), is_variable, as_array)

        def of_leaves(*xs: Any) -> Any:
            new, named = rebuild(list(xs))
            return outputs("to_torch", f(*new, **named), xs)

        of_leaves.__name__ = getattr(f, "__name__", type(f).__name__)
        exported, constants = Exported("to_torch", of_leaves), list[Any]()
        try:
            row = _function_class().apply(exported, constants, *leaves)
        except RuntimeError as error:
            if "functorch transforms" not in str(error):
                raise
            raise _no_transform(of_leaves.__name__) from error
        as_dtype = lambda part, dtype: part.to(torch.from_numpy(np.empty(0, dtype)).dtype)
        return in_pieces(row, exported.structure, [torch.from_numpy(c).to(row.device) for c in constants], as_dtype)

    return call


def _no_transform(name: str) -> RuntimeError:
    """PyTorch's transforms of functions ask an autograd.Function for more than a forward and a backward."""
    return explain(
        RuntimeError(
            f"to_torch: torch.func's transforms (grad, vmap, jacrev, ...) do not take {name}; differentiate it by backward() or "
            "torch.autograd.grad, or the function of Tensors by tg.func.grad, vjp or jacobian"
        ),
        f"to_torch: torch.func의 변환(grad, vmap, jacrev 등)에는 쓸 수 없습니다. 함수: {name}. backward()나 torch.autograd.grad로 "
        "미분하거나, Tensor의 함수를 tg.func.grad, vjp, jacobian으로 미분하십시오.",
    )


@cache
def _function_class() -> Any:
    """The torch.autograd.Function of all functions of Tensors."""
    torch = needed("torch", "tg.func.to_torch")

    class FunctionOfTensors(torch.autograd.Function):  # type: ignore[misc, name-defined]  # PyTorch may be absent
        """Forward by this package's ops, backward by its backpropagation."""

        @staticmethod
        def forward(ctx: Any, exported: Exported, constants: list[Any], *xs: Any) -> Any:
            """The value, several in one row; what has no gradient goes into a list."""
            ctx.exported, ctx.run = exported, exported.run([x.numpy(force=True).copy() for x in xs])
            constants += ctx.run.aux[1]
            ctx.save_for_backward(*xs)
            return torch.from_numpy(ctx.run.y.numpy().copy()).to(xs[0].device if xs else None)

        @staticmethod
        def backward(ctx: Any, c: Any) -> Any:
            """The gradients: where they are to be differentiated, by a function of this class again."""
            xs = ctx.saved_tensors
            if not torch.is_grad_enabled():
                parts = ctx.exported.pull(ctx.run, c.numpy(force=True))
                return None, None, *(torch.from_numpy(part.copy()).to(x) for part, x in zip(parts, xs, strict=True))
            row = FunctionOfTensors.apply(ctx.exported.derivative(ctx.run.y.numpy()), [], c, *xs)
            parts = in_pieces(row, [Shape(tuple(x.shape)) for x in xs])
            return None, None, *(part.to(x) for part, x in zip(parts, xs, strict=True))

    return FunctionOfTensors
