"""Values and gradients as arrays, of a function of Tensors and of one step of a program."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

import tinygrad_ko as tg
from tests.fuzz.programs import Name, Program, Step
from tinygrad_ko.arrays.library import Array


def leaves_of(arrays: Any) -> list[Any]:
    """Tensors that require a gradient."""
    return [tg.Tensor(x, requires_grad=True) for x in arrays]


def differentiated(f: Callable[..., Any], arrays: Any, c: Array) -> list[Array]:
    """The value of f, and its gradients for a cotangent; they are 0 where it depends on no input."""
    leaves = leaves_of(arrays)
    y = tg.Tensor(out) if not isinstance(out := f(*leaves), tg.Tensor) else out  # np.zeros_like gives an array
    if y.requires_grad:
        y.backward(c.astype(y.dtype))
    return [y.numpy(), *(np.zeros(x.shape, x.dtype) if x.grad is None else x.grad for x in leaves)]


def twice_differentiated(f: Callable[..., Any], arrays: Any, c: Array, directions: list[Array]) -> list[Array]:
    """The value of f, its gradients for a cotangent, and the gradients of those along directions."""
    leaves = leaves_of(arrays)
    y = f(*leaves)
    first = gradients(y, leaves, c)
    along = [tg.sum(g * d) for g, d in zip(first, directions, strict=True)]
    second = gradients(reduce(tg.add, along), leaves, np.ones(()))
    return [part.numpy() for part in (y, *first, *second)]


def gradients(y: Any, leaves: list[Any], c: Array) -> list[Any]:
    """Gradients that can be differentiated again; 0 where y depends on nothing."""
    if not y.requires_grad:
        return [tg.Tensor(np.zeros(x.shape)) for x in leaves]
    return list(tg.grad(y, leaves, c, create_graph=True, allow_unused=True))


def alone(program: Program, step: Step) -> list[Array]:
    """The gradients of the sum of what a step gives, in the values that it is called with."""
    values = program.values()
    names = dict.fromkeys(a for a in step.arguments if isinstance(a, Name))
    single = Program({name: np.asarray(values[name]) for name in names}, (step,))
    return differentiated(single, single.inputs.values(), np.ones(np.shape(values[step.name])))[1:]


def largest(arrays: list[Array]) -> float:
    """The largest of their absolute values; NaN if one of them is."""
    return float(np.max([np.max(np.abs(a), initial=0) for a in arrays], initial=0))
