"""A function, an autograd.Function or a Module of PyTorch, as the judge takes it: its gradients are those of `torch.autograd.grad`.

It is judged in float64, and all is left as it was: while f runs, parameters have other data, modules have copies of their buffers and of
other tensors, and the states of the random generators are put back at the end. So dropout has one mask throughout.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from inspect import isclass
from typing import Any

import numpy as np

from tinygrad_ko.check.functions.function import Arrays, argument_names, float64_copy, function_name, location
from tinygrad_ko.check.functions.vjp import COTANGENT, FunctionWithVjp, Pullback, backward_writes
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import described, explain
from tinygrad_ko.func.trees import leaves_like, mapped
from tinygrad_ko.runtime.atomic import taking_turns
from tinygrad_ko.runtime.callers import users_line

_lock = taking_turns()  # for threads that check the same module


class TorchFunction(FunctionWithVjp):
    """A function of PyTorch's tensors at given inputs, and the parameters that it reads beside them."""

    cuts = ".detach(), .data, .numpy(), .item(), no_grad()"

    def __init__(self, f: Any, inputs: Sequence[Any], parameters: Any = None, wrt: Any = None) -> None:
        self.torch: Any = sys.modules["torch"]
        f, parameters = self._on_a_copy(f, parameters)
        self.whole = is_function_class(f)
        self.apply = f.apply if self.whole else f
        names = argument_names(f.forward, len(inputs) + 1)[1:] if self.whole else argument_names(f, len(inputs))
        sources = [f, *(parameters if isinstance(parameters, list | tuple) else [parameters])]
        self.modules = list({id(m): m for m in sources if isinstance(m, self.torch.nn.Module)}.values())
        self.parameters = self._named_parameters(parameters, names)
        every = [*inputs, *self.parameters.values()]
        self.count = len(inputs)
        self.given = [x for value in every for x, _ in leaves_like(value, value, "")]
        super().__init__(f, function_name(f), [*names, *self.parameters], every, wrt)
        if wrt is None:
            self.wrt = self._required()
        dtypes = dict.fromkeys(described(self.given[i]).split("[")[0].removeprefix("torch.") for i in self.floating)
        self.remarks = [f"PyTorch {self.torch.__version__}, judged in float64; given: {', '.join(dtypes)}"]

    def _on_a_copy(self, f: Any, parameters: Any) -> tuple[Any, Any]:
        """A copy of a Module, so that no other thread sees its parameters moved; f itself if it is something else, or cannot be copied."""
        if isinstance(f, self.torch.nn.Module) and (parameters is None or parameters is f):
            with (
                suppress(Exception),
                self.torch.inference_mode(False),
            ):  # it holds what has no copy: a tensor inside a graph, a file
                return (other := deepcopy(f)), parameters and other
        return f, parameters

    def _named_parameters(self, parameters: Any, names: Sequence[str]) -> dict[str, Any]:
        several_modules = len(self.modules) > 1 and isinstance(parameters, list | tuple)
        named = [
            (f"{i}.{name}" if several_modules else name, p)
            for i, module in enumerate(self.modules)
            for name, p in module.named_parameters()
        ]
        if parameters is not None and not isinstance(parameters, self.torch.nn.Module):
            several = parameters if isinstance(parameters, dict | list | tuple) else [parameters]
            named += (
                several.items()
                if isinstance(several, dict)
                else [(f"parameter {i}", p) for i, p in enumerate(several) if not isinstance(p, self.torch.nn.Module)]
            )
        found: dict[Any, str] = {}
        for name, p in named:
            if not isinstance(p, self.torch.Tensor) or not p.is_leaf:
                raise explain(
                    TypeError(f"parameters must be a Module, or leaf tensors of PyTorch, but {name!r} is not"),
                    f"parameters에는 PyTorch의 Module이나 leaf tensor를 넘겨야 합니다. 확인할 항목: {name!r}",
                )
            found.setdefault(p, f"{name} (parameter)" if name in names else name)
        return {name: p for p, name in found.items()}

    def _required(self) -> list[int]:
        """What is checked: the parameters that require gradients, and the inputs that do; if none of the inputs does, all of them."""
        required = [i for i in self.floating if getattr(self.given[i], "requires_grad", False)]
        inputs = [i for i in self.floating if i not in self.leaves_of_parameters]
        return sorted({*required, *(inputs if not set(required) & set(inputs) else [])})

    @property
    def leaves_of_parameters(self) -> range:
        """Their places among all arguments."""
        first = sum(1 for x in self.inputs[: self.count] for _ in leaves_like(x, x, ""))
        return range(first, first + len(self.parameters))

    def in_float64(self, x: Any, place: str) -> Any:
        if isinstance(x, self.torch.Tensor) and x.is_floating_point():
            return x.detach().cpu().to(self.torch.float64).numpy().copy()
        return float64_copy(x) if isinstance(x, np.ndarray) else x

    def formula(self, argument: str) -> tuple[str | None, str | None]:
        return (self.name, location(self.f.backward)) if self.whole else (None, None)

    def structured(self, arrays: Arrays) -> list[Any]:
        with self.torch.inference_mode(False):
            return super().structured([self._tensor(x, i) for i, x in enumerate(arrays)])

    def _tensor(self, x: Any, i: int) -> Any:
        if not isinstance(x, np.ndarray):
            return x
        device = getattr(self.given[i], "device", None) if i < len(self.given) else None
        return self.torch.from_numpy(x).to(device).requires_grad_(i in self.wrt and i not in self.leaves_of_parameters)

    def gradient(self, rng: Any) -> "TorchFunction":
        def of(*values: Any) -> Any:
            *inputs, c = values
            y, wanted = self.apply(*inputs), self._wanted([*inputs, *self.parameters.values()])
            outputs, seeds = self._connected(y, c)
            found = [None] * len(wanted)
            if outputs:
                found = self.torch.autograd.grad(outputs, wanted, seeds, create_graph=True, allow_unused=True)
            every = [x.new_zeros(x.shape) if g is None else g for x, g in zip(wanted, found, strict=True)]
            return dict(zip([self.labels[i] for i in self.wrt], every, strict=True))

        made = self.as_gradient(of, rng)
        made.apply = of
        return made

    def evaluate(self, inputs: list[Any]) -> Any:
        with self._inside(inputs):
            return self._arrays(self._called(inputs))

    def linearize(self, inputs: list[Any]) -> tuple[Any, Pullback]:
        torch = self.torch
        with self._inside(inputs):
            y = self._called(inputs)
            # Taken here: a parameter is another node of the graph once its data was of another dtype.
            held = [*inputs[: self.count], *self.parameters.values(), *inputs[self.count + len(self.parameters) :]]
            edges = [torch.autograd.graph.get_gradient_edge(x) for x in self._wanted(held)]

        def pull(c: Any) -> Sequence[Any]:
            outputs, seeds = self._connected(y, c)
            found = [None] * len(edges)
            if outputs:
                before = [seed.clone() for seed in seeds]
                with self._inside(inputs):
                    found = torch.autograd.grad(outputs, edges, seeds, retain_graph=True, allow_unused=True)
                if self.whole and not all(map(torch.equal, before, seeds)):
                    raise backward_writes(self.name, *COTANGENT)
            gradients = {
                i: np.zeros(self.point[i].shape) if g is None else self._array(g)
                for i, g in zip(self.wrt, found, strict=True)
            }
            return super(TorchFunction, self).structured([gradients.get(i) for i in range(len(self.point))])

        return self._arrays(y), pull

    def _wanted(self, inputs: Sequence[Any]) -> list[Any]:
        """The tensors that are checked."""
        leaves = [x for value in inputs for x, _ in leaves_like(value, value, "")]
        return [leaves[i] for i in self.wrt]

    def _connected(self, y: Any, c: Any) -> tuple[list[Any], list[Any]]:
        """The tensors of a result that have a graph, and the cotangents of these."""
        pairs = [(out, part) for (out, _), (part, _) in zip(leaves_like(y, y, ""), leaves_like(y, c, ""), strict=True)]
        pairs = [
            (out, self.torch.as_tensor(part).to(out)) for out, part in pairs if getattr(out, "requires_grad", False)
        ]
        return [out for out, _ in pairs], [part for _, part in pairs]

    def _called(self, inputs: list[Any]) -> Any:
        try:
            return self.apply(*inputs[: self.count], *inputs[self.count + len(self.parameters) :])
        except RuntimeError as error:
            if "dtype" in str(error) or "Double" in str(error):
                error.add_note(
                    "f is called with float64, and reads a float32 tensor that is not among its inputs: pass it as an input, or"
                    " x.double(); name modules and tensors that it reads by parameters=model, or parameters=[model, x]"
                )
                explain(
                    error,
                    "f에는 float64를 넘기는데, f가 인수 밖에서 float32 텐서를 읽습니다. 그 텐서를 인수로 넘기거나 x.double()로"
                    " 바꾸십시오. f가 읽는 모듈과 텐서는 parameters=model이나 parameters=[model, x]처럼 지정할 수 있습니다.",
                )
            raise

    def _arrays(self, y: Any) -> Any:
        return mapped(lambda x, _: self._array(x), y, "")

    def _array(self, x: Any) -> Any:
        if not isinstance(x, self.torch.Tensor):
            return x
        x = x.detach().to_dense() if x.layout is not self.torch.strided else x.detach()
        return (x.float() if x.dtype is self.torch.bfloat16 else x).cpu().numpy()

    @contextmanager
    def _inside(self, inputs: list[Any]) -> Iterator[None]:
        """In this block the parameters hold the data among the inputs, and nothing that is changed stays so; one thread at a time."""
        torch, parameters = self.torch, list(self.parameters.values())
        data = inputs[self.count : self.count + len(parameters)]
        leaves = [x for value in inputs for x, _ in leaves_like(value, value, "")]
        single = any(x.dtype is torch.float32 for x in leaves if isinstance(x, torch.Tensor))
        devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
        with _lock, torch.random.fork_rng(devices), torch.inference_mode(False), torch.enable_grad():
            before = [(p, p.data, p.requires_grad) for p in parameters]
            modules = {id(m): m for module in self.modules for m in module.modules()}.values()
            holders = [d for m in modules for d in (vars(m), m._buffers, m._parameters) if isinstance(d, dict)]
            held = [(holder, dict(holder)) for holder in holders]
            usual = torch.get_default_dtype()
            try:
                torch.set_default_dtype(dtype := torch.float32 if single else torch.float64)
                copies: dict[int, Any] = {id(p): p for p in parameters}
                for holder, values in held:
                    for name, value in values.items():
                        if isinstance(value, torch.Tensor):
                            to = dtype if value.is_floating_point() else value.dtype
                            holder[name] = copies.setdefault(id(value), value.detach().to(to, copy=True))
                for i, p, x in zip(self.leaves_of_parameters, parameters, data, strict=True):
                    p.data = x if isinstance(x, torch.Tensor) else p.data
                    p.requires_grad_(i in self.wrt)
                yield
            finally:
                torch.set_default_dtype(usual)
                for p, value, required in before:
                    p.data = value
                    p.requires_grad_(required)
                for holder, values in held:
                    holder.clear()
                    holder.update(values)

    def parts(self) -> Iterator[tuple[str, FunctionWithVjp]]:
        if self.whole:
            return
        calls = list[tuple[str, Any, list[Any]]]()

        def note(cls: Any, inputs: Sequence[Any]) -> None:
            copies = [self._copy(x) for x in inputs]
            if any(getattr(x, "requires_grad", False) for x in copies):
                calls.append((users_line(), cls, copies))

        with _before_each_function(note):
            self.evaluate(self.structured(self.point))
        for line, cls, inputs in calls:
            yield line, TorchFunction(cls, inputs)

    def _copy(self, x: Any) -> Any:
        return x.detach().clone().requires_grad_(x.requires_grad) if isinstance(x, self.torch.Tensor) else x


@contextmanager
def _before_each_function(note: Callable[[Any, Sequence[Any]], None]) -> Iterator[None]:
    """In this block `note` gets the class and the inputs of every `autograd.Function` before it runs; one thread at a time."""
    Function = sys.modules["torch"].autograd.Function

    def noted(cls: Any, *inputs: Any, **options: Any) -> Any:
        note(cls, inputs)
        return apply.__func__(cls, *inputs, **options)

    with _lock:
        apply = vars(Function)["apply"]
        Function.apply = classmethod(noted)
        try:
            yield
        finally:
            Function.apply = apply


def require_no_function(f: Callable[[], Any]) -> None:
    """Raise TypeError if f gives a Tensor of this package to an `autograd.Function`, which would pass it through its forward: its backward
    would never be called, and never checked.
    """

    def refuse(cls: Any, inputs: Sequence[Any]) -> None:
        if any(isinstance(x, Handle) for x in inputs):
            name = cls.__name__
            raise explain(
                TypeError(
                    f"{name} is a Function of PyTorch, and f was given no tensors of PyTorch: pass torch.tensor(...) to the check"
                ),
                f"{name}: PyTorch의 Function인데 f에 PyTorch의 텐서를 넘기지 않았습니다. 입력을 torch.tensor(...)로 넘기십시오.",
            )

    if hasattr(sys.modules.get("torch"), "autograd"):
        with _before_each_function(refuse):
            f()


def is_function_class(f: Any) -> bool:
    """Whether f is a `torch.autograd.Function`, a class that is called by its `apply`."""
    torch: Any = sys.modules.get("torch")
    return isclass(f) and hasattr(torch, "autograd") and issubclass(f, torch.autograd.Function)


def class_of_apply(f: Any) -> Any:
    """The autograd.Function whose `apply` f is; f itself if it is something else."""
    owner: Any = getattr(f, "__self__", None)
    return owner if is_function_class(owner) and f == owner.apply else f
