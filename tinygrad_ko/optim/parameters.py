"""The parameters that an optimizer is given: leaves on NumPy's arrays, each once, none in the memory of another."""

from collections.abc import Iterable, Mapping
from itertools import combinations
from operator import setitem
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array, library_name
from tinygrad_ko.arrays.memory import whole, writable
from tinygrad_ko.errors import explain
from tinygrad_ko.tensor.tensor import Tensor


def leaves(parameters: Iterable[Tensor]) -> list[Tensor]:
    """The parameters in a list. Raises ValueError or TypeError unless they are leaves on NumPy's arrays, one or more, each once."""
    if isinstance(parameters, Mapping) or hasattr(parameters, "named_parameters"):
        kind = type(parameters).__name__
        raise explain(
            TypeError(
                f"parameters are given as a list of Tensors, not as {kind}: pass model.parameters(); a dict of arrays is updated by "
                "params[name] -= lr * grads[name]"
            ),
            f"매개변수는 Tensor의 리스트로 넘겨야 합니다. model.parameters()를 넘기십시오. 배열의 딕셔너리라면 "
            f"params[name] -= lr * grads[name]과 같이 직접 갱신하십시오. 받은 값의 종류: {kind}",
        )
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not given:
        raise explain(ValueError("at least one parameter is needed"), "매개변수가 하나 이상 필요합니다.")
    for i, p in enumerate(given):
        if not isinstance(p, Tensor) or p.node is None or p.node.op is not None:
            raise explain(
                TypeError(f"parameter {i} is not a Tensor made with requires_grad=True"),
                f"{i}번째 매개변수는 requires_grad=True로 만든 Tensor가 아닙니다.",
            )
        if (name := library_name(p._array)) != "numpy":
            raise explain(
                TypeError(
                    f"parameter {i} holds an array of {name}, and optimizers work on NumPy's; write w.data = w.data - lr * w.grad instead"
                ),
                f"{i}번째 매개변수는 {name}의 배열입니다. NumPy 배열만 갱신할 수 있으므로 w.data = w.data - lr * w.grad를 쓰십시오.",
            )
    if len(set(map(id, given))) < len(given):
        raise explain(
            ValueError("a parameter was given more than once: it would count twice in each step"),
            "같은 매개변수가 두 번 이상 들어 있습니다. 한 단계에 두 번 갱신됩니다.",
        )
    return given


def with_gradients(parameters: list[Tensor], call: str) -> list[tuple[int, Tensor, Array]]:
    """The parameters that have a gradient, with their positions and gradients. Raises RuntimeError if none has."""
    due = [(i, p, g) for i, p in enumerate(parameters) if (g := p.grad) is not None]
    if not due:
        raise explain(
            RuntimeError(f"no parameter has a gradient: call loss.backward() before {call}()"),
            f"기울기가 있는 매개변수가 없습니다. {call}()보다 먼저 loss.backward()를 호출하십시오.",
        )
    return due


def in_separate_memory(parameters: list[Tensor]) -> list[Tensor]:
    """The parameters. Raises ValueError if two share memory, which one step would change twice."""
    arrays = [p._array for p in parameters]
    if len({id(whole(a)) for a in arrays}) < len(arrays):
        for (i, a), (j, b) in combinations(enumerate(arrays), 2):
            if whole(a) is whole(b) and np.shares_memory(a, b):
                raise explain(
                    ValueError(
                        f"parameters {i} and {j} share memory: a step would change it twice; make it one Tensor"
                    ),
                    f"{i}번째와 {j}번째 매개변수가 같은 메모리를 씁니다. 한 단계에 두 번 바뀌게 되므로 Tensor 하나로 만드십시오.",
                )
    return parameters


def assignment(i: int, p: Tensor, new: Array) -> tuple[Any, ...]:
    """The call that gives parameter i new values: in its array if that was given away, else in their own."""
    if not p.watched_by_others():
        return setattr, p, "_array", new
    if not writable(p._array):
        raise explain(
            ValueError(
                f"step: the array of parameter {i} is read-only, and shared with who gave it; nothing was changed "
                "(w.data = w.data.copy() gives the parameter an array of its own)"
            ),
            f"step: {i}번째 매개변수의 배열은 쓸 수 없고, 배열을 넘긴 쪽과 함께 쓰고 있습니다. 아무것도 바꾸지 않았습니다. "
            "w.data = w.data.copy()를 쓰면 매개변수만의 배열이 생깁니다.",
        )
    return setitem, p._array, ..., new
