"""The parameters that an optimizer is given: leaves on NumPy's arrays, each once, none in the memory of another."""

from collections.abc import Iterable
from itertools import combinations

import numpy as np

from tinygrad_ko.arrays import library_name, whole
from tinygrad_ko.errors import explain
from tinygrad_ko.tensor import Tensor


def leaves(parameters: Iterable[Tensor]) -> list[Tensor]:
    """The parameters in a list. Raises ValueError if there are none or one is there twice, TypeError for what is not a
    leaf on an array of NumPy.
    """
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not given:
        raise explain(ValueError("at least one parameter is needed"), "매개변수가 하나도 없습니다.")
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
            "같은 매개변수가 두 번 이상 들어 있습니다.",
        )
    return given


def with_gradients(parameters: list[Tensor], call: str) -> list[int]:
    """The positions of the parameters that have a gradient. Raises RuntimeError if none has."""
    due = [i for i, p in enumerate(parameters) if p.grad is not None]
    if not due:
        raise explain(
            RuntimeError(f"no parameter has a gradient: call loss.backward() before {call}()"),
            f"기울기가 있는 매개변수가 없습니다. {call}()보다 먼저 loss.backward()를 부르십시오.",
        )
    return due


def in_separate_memory(parameters: list[Tensor]) -> list[Tensor]:
    """The parameters. Raises ValueError if two share memory, which one step would change twice."""
    arrays = [p._array for p in parameters]
    if len({id(whole(a)) for a in arrays}) < len(arrays):
        for i, j in combinations(range(len(arrays)), 2):
            if whole(arrays[i]) is whole(arrays[j]) and np.shares_memory(arrays[i], arrays[j]):
                raise explain(
                    ValueError(
                        f"parameters {i} and {j} share memory: each step would change it twice; make one Tensor of it"
                    ),
                    f"{i}번째와 {j}번째 매개변수가 같은 메모리를 씁니다. 한 단계에 두 번 바뀌게 되므로 Tensor 하나로 만드십시오.",
                )
    return parameters
