"""Backpropagation as a list of steps: each operation forward, each backward with "upstream × local = this", and the update.

The backward steps are computed by the node's own formulas, in the engine's order; a test holds them to what the engine deposits.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath
from typing import Any, overload

import numpy as np

from tinygrad_ko.arrays.library import is_floating
from tinygrad_ko.drawing.assigned import assigned_name
from tinygrad_ko.drawing.contributions import (
    Contribution,
    contributions_of,
    differentiable_sources,
    ones_for,
    worked_element,
)
from tinygrad_ko.drawing.escape import shortened
from tinygrad_ko.drawing.labels import FEW, brief, options
from tinygrad_ko.drawing.nodes import SIGNS
from tinygrad_ko.drawing.vertices import Vertex, as_numpy, passed

_INFIX = {"+", "−", "×", "÷", "@"}
_NAME = 80  # characters of a name
_CHAIN = 8  # factors of a product that is still read


@dataclass(eq=False, slots=True, repr=False)
class Forward:
    """An operation computes its value."""

    vertex: Vertex
    inputs: list[
        tuple[str, Vertex, Any]
    ]  # of each argument its name, where it comes from, its value (None if it was not seen)


@dataclass(eq=False, slots=True, repr=False)
class Backward:
    """An operation gives the gradient of its value back to its arguments. The first such step, which starts with 1, gives nothing."""

    vertex: Vertex
    gradient: Any
    contributions: list[Contribution] = field(default_factory=list)
    missing: int = 0  # how many contributions had not arrived: more than none in the wrong order only


@dataclass(eq=False, slots=True, repr=False)
class Update:
    """A step of gradient descent: each parameter minus the learning rate times its gradient."""

    lr: float
    leaves: list[tuple[Vertex, Any, Any, Any]]  # of each parameter its value before, its gradient, its value after


Step = Forward | Backward | Update


class Steps(Sequence[Step]):
    """The steps of a graph, as `drawing.steps()` makes them; `print` shows them as text."""

    def __init__(self, vertices: list[Vertex], lr: float) -> None:
        self.vertices, self.lr = vertices, lr
        self.titles = _titles(vertices)
        forward = list(self._forward())
        self.values = {source: value for step in forward for _, source, value in step.inputs}
        self.values |= {v: v.value for v in vertices if v.value is not None}
        self._steps: list[Step] = [*forward, *self._backward()]
        if update := self._update():
            self._steps.append(update)

    @overload
    def __getitem__(self, place: int) -> Step: ...
    @overload
    def __getitem__(self, place: slice) -> list[Step]: ...
    def __getitem__(self, place: int | slice) -> Step | list[Step]:
        return self._steps[place]

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def operations(self) -> list[Vertex]:
        """The operations, oldest first."""
        return [v for v in self.vertices if v.kind == "op"]

    @cached_property
    def root(self) -> Vertex | None:
        """The operation whose value is the result, if gradients can flow back from it."""
        return None if self.obstacle else next(v for v in self.vertices if v.kind == "result").sources[0].vertex

    @cached_property
    def obstacle(self) -> tuple[str, str] | None:
        """Why there are no backward steps and what helps, in English and in Korean; None if there are."""
        results = [v for v in self.vertices if v.kind == "result"]
        if len(results) > 1:
            return (
                f"a gradient is that of one number, and there are {len(results)} results: draw one of them, or their sum as a loss",
                f"기울기는 수 하나에 대해 구하는데 결과가 {len(results)}개입니다. 결과를 하나만 그리거나, 모두 더한 손실을 그리십시오.",
            )
        y = results[0]
        if int(np.prod(y.shape or ())) != 1:
            return (
                f"a gradient is that of one number, and the result has the shape {list(y.shape or ())}: draw its sum, tg.sum(y)",
                f"기울기는 수 하나에 대해 구하는데 결과의 형상이 {list(y.shape or ())}입니다. tg.sum(y)처럼 수 하나로 줄여서 그리십시오.",
            )
        if y.node is None or not is_floating(y.dtype):
            return (
                f"no gradient flows through {y.dtype}, or none of the values behind the result requires one",
                f"결과가 실수가 아니거나(dtype: {y.dtype}) 기울기를 구할 값이 없습니다.",
            )
        if not all(v.node is not None and (v.node.live or v.node.seen) for v in self.operations):
            return (
                "an earlier backward() has freed the saved values: draw before it, or compute under tg.watch()",
                "이전 backward()에서 저장된 값을 지웠습니다. 그 전에 그리거나 tg.watch() 안에서 계산하십시오.",
            )
        return None

    @cached_property
    def gradients(self) -> dict[Vertex, Any]:
        """The gradient of every value that one flows back to."""
        found = {step.vertex: step.gradient for step in self._steps if isinstance(step, Backward)}
        return found | {c.source: c.total for c in self.contributions}

    @property
    def contributions(self) -> list[Contribution]:
        """All contributions, in order of time."""
        return [c for step in self._steps if isinstance(step, Backward) for c in step.contributions]

    @cached_property
    def waits(self) -> bool:
        """Whether an operation's value is used several times, so that its backward has to wait."""
        expected = _expected(self.operations)
        return any(expected[v] > 1 for v in self.operations)

    def in_the_wrong_order(self) -> list[Backward]:
        """The backward steps if the oldest operation that has a gradient goes first, so that a value that several use has not yet got
        every part of its gradient. If no operation's value is used twice, any such order is right: then simply from the front.
        """
        if self.root is None:
            return []
        expected, arrived = _expected(self.operations), Counter({self.root: 1})
        expected[self.root] = 1  # the 1 that backward starts with
        pending, found = {self.root}, list[Backward]()
        gradients = {self.root: ones_for(self.root)}
        place = {v: i for i, v in enumerate(self.vertices)}
        order, gone = iter(self.operations), set[Vertex]()
        while v := min(pending, key=place.__getitem__, default=None) if self.waits else next(order, None):
            pending.discard(v)
            gone.add(v)
            g = gradients[v] if v in gradients else 0.0 * ones_for(v)
            step = Backward(v, g, list(contributions_of(v, g, locally=False)), expected[v] - arrived[v])
            for c in step.contributions:
                _add(c, gradients, arrived, expected)
                if c.source.kind == "op" and c.source not in gone:
                    pending.add(c.source)
            found.append(step)
        return found

    def chain(self, v: Vertex) -> list[Any]:
        """The local derivatives from the result to a value, if there is one way only, a short one of single numbers; else none."""
        factors: list[Any] = []
        while v is not self.root:
            ways = self._ways.get(v, [])
            if len(factors) > _CHAIN or len(ways) != 1 or ways[0][1].local is None or np.size(ways[0][1].part) != 1:
                return []
            factors.append(ways[0][1].local)
            v = ways[0][0]
        return [1.0, *reversed(factors)]

    @cached_property
    def _ways(self) -> dict[Vertex, list[tuple[Vertex, Contribution]]]:
        found: dict[Vertex, list[tuple[Vertex, Contribution]]] = {}
        for step in self._steps:
            if isinstance(step, Backward):
                for c in step.contributions:
                    found.setdefault(c.source, []).append((step.vertex, c))
        return found

    def toward_the_result(self, v: Vertex) -> tuple[Vertex, Contribution] | None:
        """The user that a value got the largest part of its gradient from: the way that a gradient is traced. If all parts are 0, the
        user that has the largest gradient itself, for there it is lost.
        """

        def size(value: Any) -> float:
            return float("inf") if np.isnan(length := norm(value)) else length

        ways = self._ways.get(v, [])
        return max(ways, key=lambda way: (size(way[1].given), size(self.gradients[way[0]])), default=None)

    def _forward(self) -> Iterator[Forward]:
        for v in self.operations:
            yield Forward(v, [(argument, source, passed(v, argument)) for source, argument in v.sources])

    def _backward(self) -> Iterator[Backward]:
        if self.root is None:
            return
        expected, arrived = _expected(self.operations), Counter[Vertex]()
        gradients = {self.root: ones_for(self.root)}
        yield Backward(self.root, gradients[self.root])
        for v in reversed(self.operations):
            if v in gradients:
                step = Backward(v, gradients[v], list(contributions_of(v, gradients[v])))
                for c in step.contributions:
                    _add(c, gradients, arrived, expected)
                yield step

    def _update(self) -> Update | None:
        gradients = {c.source: c.total for c in self.contributions}
        leaves = [v for v in self.vertices if v.kind == "leaf" and v in gradients and self.values.get(v) is not None]
        with np.errstate(all="ignore"):  # NaN and infinities are shown as such
            changes = [(v, w, gradients[v], w - self.lr * gradients[v]) for v in leaves for w in [self.values[v]]]
        return Update(self.lr, changes) if changes else None

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def __repr__(self) -> str:
        return f"{len(self)} steps of backpropagation: print(steps) shows them"

    def _lines(self) -> Iterator[str]:
        for number, step in enumerate(self, 1):
            match step:
                case Forward(vertex=v):
                    if number == 1:
                        yield "forward (순전파)"
                    yield f"{number:4}  {self.titles[v]} = {self.sentence(step)}{_from(v)}"
                case Backward(vertex=v, contributions=[]):
                    yield "backward (역전파): upstream × local = downstream (상류에서 흘러온 값 × 국소적 미분 = 하류로 보내는 값)"
                    yield f"{number:4}  ∂L/∂{self.titles[v]} = 1    L = {self.vertices[-1].name or self.titles[v]}"
                case Backward(vertex=v, gradient=g):
                    yield f"{number:4}  {self.titles[v]}: upstream (상류) ∂L/∂{self.titles[v]} = {brief(g)}{_from(v)}"
                    yield from (f"        {line}" for c in step.contributions for line in self._given(step, c))
                case Update(lr=lr):
                    yield "update (매개변수 갱신): w − lr × ∂L/∂w"
                    yield from (
                        f"        {self.titles[v]}: {brief(old)} − {lr:g} × {brief(g)} = {brief(new)}"
                        for v, old, g, new in step.leaves
                    )
        if self.obstacle:
            yield "backward (역전파)"
            yield from (f"      {said}" for said in self.obstacle)

    def sentence(self, step: Forward) -> str:
        """What an operation computes, in names and in numbers: `apple × count = 100 × 2 = 200`."""
        names = [self.titles[source] for _, source, _ in step.inputs]
        value = step.vertex.value
        if value is None:
            return _call(step.vertex, names)
        if any(np.size(as_numpy(x)) > FEW for _, _, x in step.inputs):
            return f"{_call(step.vertex, names)} = {brief(value)}"
        numbers = [brief(x) if x is not None else "?" for _, _, x in step.inputs]
        return " = ".join(dict.fromkeys([_call(step.vertex, names), _call(step.vertex, numbers), brief(value)]))

    def _given(self, step: Backward, c: Contribution) -> Iterator[str]:
        value, chain, equals = (
            brief(c.given if c.part is None else c.part),
            self.chain(c.source),
            "+=" if c.expected > 1 else "=",
        )
        how = (
            f"{brief(step.gradient)} × {brief(c.local)} = {value}" if c.local is not None else f"{c.formula} = {value}"
        )
        whole = f" = {' × '.join(map(brief, chain))}" * (len(chain) > 2)
        formula = f"    {c.formula}" * (c.local is not None)
        yield f"∂L/∂{self.titles[c.source]} {equals} {how}{whole}{formula}"
        if worked := worked_element(c, step.gradient):
            yield f"  {worked}"
        if c.summed:
            yield f"  summed over the broadcast axes (늘어난 축을 따라 더하면): {brief(c.given)}"
        if c.expected > 1:
            before = (
                f"{brief(self._ways[c.source][c.arrived - 2][1].total)} + {brief(c.given)} = " if c.arrived > 1 else ""
            )
            yield f"  part (부분) {c.arrived} of {c.expected}, sum so far (지금까지의 합) {before}{brief(c.total)}"


def _titles(vertices: list[Vertex]) -> dict[Vertex, str]:
    """A title for every vertex, with a number where several have it: its name; of an operation the variable that its value was assigned
    to, unless an input is called so; a constant is its value, or what it was detached from.
    """
    given = {v.name for v in vertices if v.kind != "op"}
    variables = {
        v: name
        for v in vertices
        if v.kind == "op" and v.node is not None and (name := assigned_name(v.node)) not in given
    }
    names = {v: _plain(variables.get(v) or v.name or v.kind) for v in vertices}
    often = Counter(name for v, name in names.items() if v.kind != "result")
    seen, found = Counter[str](), dict[Vertex, str]()
    for v, name in names.items():
        if v.kind == "constant" and v.value is not None and np.ndim(as_numpy(v.value)) == 0:
            found[v] = brief(v.value)
        elif v.cut:
            found[v] = f"{v.cut.name}.detach()"
        elif v.kind == "result" or often[name] == 1:
            found[v] = name
        else:
            seen[name] += 1
            found[v] = f"{name} {seen[name]}"
    return found


def _plain(name: str) -> str:
    """A name that cannot be taken for something else: without characters that turn the direction of writing, and not too long."""
    return shortened("".join(c if c.isprintable() else "\ufffd" for c in name), _NAME)


def _call(v: Vertex, arguments: list[str]) -> str:
    sign = SIGNS.get(v.name, "")
    told = options(v.node) if v.node is not None else []
    if sign in _INFIX and len(arguments) == 2 and not told:
        return f" {sign} ".join(arguments)
    return f"{v.name}({', '.join([*arguments, *told])})"


def _from(v: Vertex) -> str:
    return f"    ({PurePath(v.node.seen.line).name})" if v.node is not None and v.node.seen and v.node.seen.line else ""


def norm(value: Any) -> float:
    """The Euclidean length of an array, without overflow; NaN if it has one."""
    x = as_numpy(value)
    if x is None or not x.size:
        return 0.0
    largest = float(np.max(np.abs(x)))
    if not np.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.sum(np.square(x / largest, dtype=np.float64)))) if largest else 0.0


def _expected(operations: list[Vertex]) -> Counter[Vertex]:
    """How many contributions each value gets: one from each place where it is an argument that has a gradient."""
    return Counter(source for v in operations for _, source in differentiable_sources(v))


def _add(c: Contribution, gradients: dict[Vertex, Any], arrived: Counter[Vertex], expected: Counter[Vertex]) -> None:
    """Gradient accumulation."""
    before = gradients.get(c.source)
    arrived[c.source] += 1
    c.total = gradients[c.source] = c.given if before is None else before + c.given
    c.arrived, c.expected = arrived[c.source], expected[c.source]
