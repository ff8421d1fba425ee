"""Tracing: a function is called under `watch` so that its graph can be drawn. Inputs and parameters get names; state is preserved."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import is_floating
from tinygrad_ko.check.functions.function import argument_names
from tinygrad_ko.check.functions.parameters import named_parameters
from tinygrad_ko.drawing.vertices import Names
from tinygrad_ko.engine.graph import Handle, Leaf, Switch, watch
from tinygrad_ko.errors import explain, note_leaves, wants_integers
from tinygrad_ko.func.trees import are_numbers, is_tree
from tinygrad_ko.runtime.signatures import signature
from tinygrad_ko.state.preserve import preserving_state
from tinygrad_ko.state.reachable import reachable
from tinygrad_ko.tensor.tensor import Tensor

_CONSTANTS = "and other constants as tg.Tensor(x)", "다른 상수는 tg.Tensor(x)로 넘기십시오."


def call_watched(f: Callable[..., Any], inputs: tuple[Any, ...], parameters: Any, names: Names) -> Any:
    """What f returns at these inputs, computed under watch. `names` learns what they and the parameters are called."""
    _refuse_the_books_functions(f)
    _refuse_without_inputs(f, inputs)
    given = _Inputs(f, names)
    arguments = [given.entry(x, name) for name, x in zip(argument_names(f, len(inputs)), inputs, strict=True)]
    _name_leaves(f, parameters, names)
    with preserving_state(f, inputs, parameters), Switch(record=True), watch():
        try:
            return f(*arguments)
        except Exception as error:
            if "would lose the gradient" in str(error):
                error.add_note(
                    "draw gives the function Tensors, and a part of it works on arrays only; use functions of tg there; "
                    "draw(net.loss_of, net.params, x, t) draws the book's networks"
                )
                error.add_note(
                    "그래프를 그릴 함수는 Tensor를 받습니다. 배열만 다루는 부분은 tg의 함수로 쓰십시오. "
                    "책의 신경망은 draw(net.loss_of, net.params, x, t)로 그립니다."
                )
            if given.integers:
                error.add_note(
                    f"draw gave the function Tensors for the numbers {given.integers}; what must stay a plain int can be bound: "
                    "draw(lambda x: f(x, axis), x)"
                )
                error.add_note(
                    f"정수 입력은 Tensor로 바꾸어 넘깁니다. 바꾼 입력: {given.integers}. 정수 그대로 써야 하는 값은 "
                    "draw(lambda x: f(x, axis), x)처럼 lambda 안에 적으십시오."
                )
            elif names.inputs and wants_integers(error):
                note_leaves(error, "draw", _CONSTANTS)
            raise


class _Inputs:
    def __init__(self, f: Callable[..., Any], names: Names) -> None:
        op = getattr(getattr(f, "func", f), "op", None)  # if f is one operation, perhaps with options bound
        self.constants = set(op.arguments) - set(op.differentiable) if op else set()
        self.names = names
        self.integers: list[int] = []

    def entry(self, x: Any, name: str, parameter: bool = False) -> Any:
        # Numbers and floating point arrays are leaves, also inside of dicts, lists and tuples, and anything else is what it is.
        # The entries of a dict are parameters.
        if isinstance(x, dict):
            return {key: self.entry(v, f"{name}.{key}" if parameter else str(key), True) for key, v in x.items()}
        if is_tree(x):
            items = [self.entry(v, f"{name}[{i}]", parameter) for i, v in enumerate(x)]
            return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
        if name not in self.constants and _is_number(x):
            self.integers += [x] if isinstance(x, int) else []
            x = np.asarray(x, dtype=float)
        parameter = parameter or isinstance(x, Handle)  # a Tensor that requires a gradient is a parameter already
        if not isinstance(x, Handle) and hasattr(x, "dtype") and is_floating(x.dtype) and name not in self.constants:
            x = Tensor(x, requires_grad=True, name=name)
        if isinstance(x, Handle) and x._node is not None:
            known = self.names.leaves if parameter and isinstance(x._node, Leaf) else self.names.inputs
            known[x._node] = name
        elif isinstance(x, Handle) or hasattr(x, "shape"):
            self.names.constants[id(x)] = (name, x)
        return x


def _is_number(x: Any) -> bool:
    """Whether an input is a number, or a list of numbers with a float among them: labels, say, have none."""
    if isinstance(x, list):
        return are_numbers(x) and np.array(x).dtype.kind == "f"
    return isinstance(x, float | int) and not isinstance(x, bool)


def _name_leaves(f: Callable[..., Any], parameters: Any, names: Names) -> None:
    # The leaves that f reads beside its inputs: those given as `parameters`, those of Modules, else the variables that f reads.
    holders = [part for part in reachable(f) if hasattr(part, "named_parameters") and not inspect.isclass(part)]
    modules = [named_parameters(None, part) for part in holders]
    modules.sort(key=lambda named: (len(named), max(map(len, named), default=0)), reverse=True)  # the outermost first
    for named in (named_parameters(None, parameters), *modules):
        for name, p in named.items():
            names.leaves.setdefault(p._node, name)
    if inspect.isfunction(f):
        read = inspect.getclosurevars(f)
        for name, value in {**read.globals, **read.nonlocals}.items():
            if isinstance(value, Handle) and isinstance(value._node, Leaf):
                names.leaves.setdefault(value._node, value._node.name or name)


def _refuse_without_inputs(f: Callable[..., Any], inputs: tuple[Any, ...]) -> None:
    if inspect.isclass(f):
        raise explain(
            TypeError(f"draw: {f.__name__} is a class; make an object of it and draw that: draw({f.__name__}(...), x)"),
            f"draw: {f.__name__}: 클래스는 그릴 수 없습니다. 객체를 만들어 draw({f.__name__}(...), x)로 그리십시오.",
        )
    try:
        wanted = signature(f)
    except (TypeError, ValueError):  # not every callable has a signature
        return
    try:
        wanted.bind(*inputs)
    except TypeError as error:
        raise explain(
            TypeError(f"draw: {error}; the function takes {wanted}: give its inputs in this order, draw(f, x)"),
            f"draw: 함수의 입력을 순서대로 함께 넘겨야 합니다. 예: draw(f, x). 넘긴 입력: {len(inputs)}개, 함수의 인수: {wanted}",
        ) from None


def _refuse_the_books_functions(f: Callable[..., Any]) -> None:
    owner = getattr(f, "__self__", None)
    if hasattr(owner, "loss_of") and f.__name__ not in ("loss_of", "scores"):
        raise no_graph(f"{type(owner).__name__}.{f.__name__}")


def no_graph(name: str) -> TypeError:
    """A network of the book, or one of its functions on arrays, cannot be drawn."""
    return explain(
        TypeError(
            f"draw: {name} computes with plain arrays and records nothing; draw(net, x) draws the scores, draw(net, x, t) the loss"
        ),
        f"draw: {name}: 배열로만 계산하므로 기록된 계산 그래프가 없습니다. "
        "점수의 그래프는 draw(net, x)로, 손실의 그래프는 draw(net, x, t)로 그리십시오.",
    )
