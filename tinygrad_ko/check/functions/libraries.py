"""Functions of PyTorch and of JAX, as the judge takes them. Neither library is imported here: only where one is given, it is there."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tinygrad_ko.check.functions.in_jax import JaxFunction
from tinygrad_ko.check.functions.in_torch import TorchFunction, class_of_apply, is_function_class
from tinygrad_ko.check.functions.vjp import FunctionWithVjp
from tinygrad_ko.errors import explain
from tinygrad_ko.func.trees import leaves_like


def of_another_library(
    f: Any, inputs: tuple[Any, ...], parameters: Any, wrt: Any, keywords: Any = None
) -> FunctionWithVjp | None:
    """f at its inputs if it is a function of PyTorch or of JAX, or is given tensors of theirs; None if it is not.

    Raises TypeError for such a function with keywords.
    """
    if hasattr(getattr(f, "func", f), "op"):
        return None  # an op of this package
    given = [x for value in (*inputs, parameters, keywords) for x, _ in leaves_like(value, value, "")]
    kind = TorchFunction if _is_torchs(f, given) else JaxFunction if _is_jaxs(f, given) else None
    if kind and keywords:
        whose, names = "PyTorch" if kind is TorchFunction else "JAX", ", ".join(keywords)
        same = ", ".join(f"{name}={name}" for name in keywords)
        raise explain(
            TypeError(f"a function of {whose} takes no keywords=: wrap it, lambda x, {names}: f(x, {same})"),
            f"{whose}의 함수에는 keywords를 쓸 수 없습니다. lambda x, {names}: f(x, {same})처럼 감싸서 넘기십시오.",
        )
    return kind(f, inputs, parameters, wrt) if kind else None


def library_of(f: Any) -> str | None:
    """The library that f itself shows to be of: "torch" for a Module or an autograd.Function, "jax" for what is jitted or has a rule."""
    return "torch" if _is_torchs(f, []) else "jax" if _is_jaxs(f, []) else None


def as_given_to(f: Any, arrays: list[Any], library: str | None = None) -> list[Any]:
    """NumPy's arrays as f takes them: as they are, or as those of `library`, if f is no function of another."""
    library = library or library_of(f)
    if library is None:
        return arrays
    made = import_module("torch").from_numpy if library == "torch" else import_module("jax.numpy").asarray
    return [made(x) for x in arrays]


def _is_torchs(f: Any, given: list[Any]) -> bool:
    torch: Any = sys.modules.get("torch")
    if not hasattr(torch, "autograd"):  # not there, or still being imported
        return False
    kinds = torch.Tensor, torch.nn.Module
    return (
        isinstance(f, torch.nn.Module)
        or is_function_class(class_of_apply(f))
        or any(isinstance(x, kinds) for x in given)
    )


def _is_jaxs(f: Callable[..., Any], given: list[Any]) -> bool:
    jax: Any = sys.modules.get("jax")
    if not hasattr(jax, "Array"):
        return False
    return type(f).__module__.startswith(("jax.", "jaxlib.")) or any(isinstance(x, jax.Array) for x in given)
