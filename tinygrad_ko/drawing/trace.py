"""Why is this gradient 0? The path from the loss to a parameter with the gradient's norm at each edge, and where it is lost."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np

from tinygrad_ko.check.functions.parameters import named_parameters
from tinygrad_ko.drawing.contributions import Contribution
from tinygrad_ko.drawing.steps import Steps, norm
from tinygrad_ko.drawing.vertices import Names, Vertex, as_numpy, read_graph
from tinygrad_ko.engine.graph import Handle, behind
from tinygrad_ko.errors import explain

_SATURATED = 1e-3  # a local derivative that is nowhere larger
_FLAT_BELOW = {"relu", "softplus", "hardsigmoid"}  # whose derivative is 0, or nearly, for negative inputs
_VANISHED = 1e-4  # so small a part of a gradient is nearly nothing
_SATURATES = {"sigmoid", "tanh", "erf"}
_KINKS = {"relu": ("x", 0), "leaky_relu": ("x", 0), "abs": ("x", 0)}  # of an operation: where its derivative jumps


@dataclass(frozen=True)
class Mark:
    """What is wrong with a gradient at an edge: the word for it, and of how many numbers how many."""

    kind: str  # "nan", "infinite", "dead", "at 0", "factor", "flat", "cancels", "saturated", "kink"
    count: int
    size: int
    value: float = 0.0
    word: str = ""

    @property
    def gravity(self) -> int:
        """2 where NaN appears, for that spoils all that comes after; 1 where the gradient is lost; 0 where it is only weakened."""
        weakened = (self.kind == "saturated" and self.value > 0) or (self.kind == "kink" and self.count < self.size)
        return 2 if self.kind == "nan" else 0 if weakened else 1


_SAID = {
    "nan": ("NaN appears here: {count} of {size}", "여기서 NaN이 나타납니다. {size}개 중 {count}개입니다."),
    "infinite": (
        "the gradient becomes infinite here: {count} of {size}",
        "여기서 기울기가 무한대가 됩니다. {size}개 중 {count}개입니다.",
    ),
    "dead": (
        "cut off here: all {size} inputs are negative, where the derivative is 0",
        "여기서 기울기가 끊어집니다. 입력 {size}개가 모두 음수여서 미분이 0입니다.",
    ),
    "at 0": (
        "cut off here: all {size} inputs are 0, where the derivative is 0",
        "여기서 기울기가 끊어집니다. 입력 {size}개가 모두 0이고, 이 연산은 0에서 미분이 0입니다.",
    ),
    "factor": (
        "multiplied by 0 here: {word} is 0 everywhere",
        "여기서 기울기에 0을 곱합니다. {word}의 값이 모두 0입니다.",
    ),
    "flat": (
        "cut off here: the local derivative is 0 everywhere",
        "여기서 기울기가 끊어집니다. 국소적 미분이 모두 0입니다.",
    ),
    "cancels": ("parts cancel here: their sum is 0", "여기서 여러 곳에서 온 기울기를 더하면 서로 상쇄되어 0이 됩니다."),
    "saturated": (
        "saturated: the local derivative is at most {value:.2g}",
        "여기서 포화되었습니다. 국소적 미분이 가장 큰 곳에서도 {value:.2g}입니다.",
    ),
    "kink": ("at a kink: {count} of {size} inputs", "꺾인 점에 있는 입력이 있습니다. {size}개 중 {count}개입니다."),
}


def said_of(mark: Mark) -> tuple[str, str]:
    """A mark in English and in Korean."""
    english, korean = (text.format(**vars(mark)) for text in _SAID[mark.kind])
    return english, korean


def mark_of(steps: Steps, v: Vertex, c: Contribution) -> Mark | None:
    """What is wrong with the gradient that an operation gives back to an argument, if something is."""
    before, given, whole = (as_numpy(x) for x in (steps.gradients[v], c.given, steps.gradients[c.source]))
    if before is None or given is None or not given.size:
        return None
    for kind, finds in (("nan", np.isnan), ("infinite", np.isinf)):
        if (count := int(np.count_nonzero(finds(given)))) and not finds(before).any():
            return Mark(kind, count, given.size)
    if before.any() and not given.any():
        return _zero(v, c)
    if given.any() and not whole.any():
        return Mark("cancels", given.size, given.size)
    if (
        v.name in _SATURATES
        and c.local is not None
        and 0 < (most := float(np.max(np.abs(as_numpy(c.local))))) < _SATURATED
    ):
        return Mark("saturated", given.size, given.size, most)
    return _kink(v, c)


def _zero(v: Vertex, c: Contribution) -> Mark:
    size = np.size(as_numpy(c.given))
    if c.part is not None and as_numpy(c.part).any():
        return Mark("cancels", size, size)
    x = _input(v, c)
    if v.name in _FLAT_BELOW and x is not None and np.all(x < 0):
        return Mark("dead", x.size, x.size)
    if v.name in _SATURATES and c.local is not None:
        return Mark("saturated", size, size)
    if (kink := _kink(v, c)) and kink.count == kink.size:
        return kink
    for word, value in c.words.items():
        a = as_numpy(value) if hasattr(value, "dtype") or isinstance(value, int | float) else None
        if a is not None and a.size and word != "out" and not a.any() and len(c.words) == 1:
            return Mark("factor", a.size, a.size, word=word)
    if c.local is None:  # as of softmax, whose derivatives add up to 0
        return Mark("cancels", size, size)
    if x is not None and not x.any():
        return Mark("at 0", size, size)
    return Mark("flat", size, size)


def _kink(v: Vertex, c: Contribution) -> Mark | None:
    x = _input(v, c) if v.name in _KINKS else None
    count = 0 if x is None else int(np.count_nonzero(x == _KINKS[v.name][1]))
    return Mark("kink", count, x.size) if x is not None and count else None


def _input(v: Vertex, c: Contribution) -> Any:
    """The value of the argument that a contribution belongs to, where it was seen."""
    if v.node is None or not v.node.seen:
        return None
    return as_numpy(v.node.seen.inputs[v.node.op.arguments.index(c.argument.partition("[")[0])])


class Edge(NamedTuple):
    """On the way of a gradient: the operation that gives it back, to what, and its norm."""

    operation: str
    argument: str
    source: str
    norm: float
    line: str
    mark: Mark | None


class GradientTrace(NamedTuple):
    """The path of a gradient from a loss back to a parameter, as `tg.trace_gradient` finds it. `print` shows it."""

    parameter: str
    norm: float | None  # of the whole gradient; None if the loss does not depend on the parameter
    edges: list[Edge]  # from the loss to the parameter, along the largest parts
    detached: list[str]  # where the parameter's values enter the graph as a constant
    first_nan: str = ""  # the operation in whose value NaN appears first, and its line

    @property
    def cause(self) -> Edge | None:
        """The first edge where something is wrong, of those where it is worst: NaN, a lost gradient, one that is only weakened."""
        marked = [edge for edge in self.edges if edge.mark]
        return max(marked, key=lambda edge: edge.mark.gravity if edge.mark else 0, default=None)

    def __str__(self) -> str:
        if self.norm is None:
            where = "; ".join(self.detached)
            english, korean = (
                "the loss was not computed from it, or by what is not recorded",
                "손실을 구하는 데 쓰지 않았거나, 기록되지 않는 연산을 거쳤습니다.",
            )
            if where:
                english, korean = (
                    f"its values enter as a constant: {where}",
                    f"기울기가 흐르지 않는 상수로 쓰였습니다: {where}",
                )
            return f"∂L/∂{self.parameter}: there is none (기울기가 없습니다)\n  {english}\n  {korean}"
        lines = [f"∂L/∂{self.parameter}: norm {self.norm:.4g}"]
        if self.first_nan:
            lines += [f"  {said}" for said in said_of_nan(self.first_nan)]
        for edge in self.edges:
            lines.append(
                f"  {edge.norm:10.4g}  {_of_line(f'{edge.operation} -> {edge.source}   ', edge.line).rstrip()}"
            )
            if edge.mark:
                lines += [f"              ^ {said}" for said in said_of(edge.mark)]
        if self.edges and not self.cause and self.norm < _VANISHED * self.edges[0].norm:
            lines += [
                f"  it vanishes bit by bit over {len(self.edges)} operations",
                f"  기울기 소실: 연산 {len(self.edges)}개를 지나는 동안 조금씩 줄었습니다.",
            ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)


def trace_gradient(loss: Handle, w: Handle, *, parameters: Any = None) -> GradientTrace:
    """Why is this gradient 0, so small, or NaN? Trace the gradient from a loss back to a parameter.

    At each operation on the path it gives the norm of the gradient that goes on, and marks where it is lost: cut off by a ReLU whose
    inputs are all negative, multiplied by 0, saturated, at a kink, cancelled in a sum, or NaN. Where several paths lead to the
    parameter it follows the largest parts. If there is no path, it says where the parameter's values entered as a constant.

    Compute the loss under `tg.watch()`: then it also tells the lines and the inputs. `parameters` (a Module, or a list or dict of Tensors)
    gives names. Nothing is deposited. Raises TypeError for what is no Tensor, ValueError for a loss that is not one number,
    RuntimeError if a backward has freed the saved values.

    >>> import tinygrad_ko as tg
    >>> w = tg.Tensor([[1.0, -2.0]], requires_grad=True, name="w")
    >>> with tg.watch():
    ...     loss = tg.sum(tg.relu(w * 3 - 9))
    >>> trace = tg.trace_gradient(loss, w)
    >>> trace.cause.operation, trace.cause.mark.kind
    ('relu', 'dead')
    """
    for name, value in (("loss", loss), ("w", w)):
        if not isinstance(value, Handle):
            raise explain(
                TypeError(f"trace_gradient: {name} must be a Tensor, not {type(value).__name__}"),
                f"trace_gradient: {name}에는 Tensor를 넘겨야 합니다. 받은 값의 종류: {type(value).__name__}",
            )
    names = Names()
    names.leaves.update({p._node: label for label, p in named_parameters(None, parameters).items()})
    steps = Steps(read_graph([("L", loss)], names), lr=0.0)
    title = str(names.leaves.get(w._node) or getattr(w, "name", None) or "w")
    if steps.root is None and loss._array.size != 1:
        raise explain(
            ValueError(f"trace_gradient: the loss must be one number, not {list(loss._array.shape)}"),
            f"trace_gradient: 손실은 수 하나여야 합니다. 받은 형상: {list(loss._array.shape)}",
        )
    if steps.root is None and loss._node is not None:
        raise explain(
            RuntimeError(
                "trace_gradient: an earlier backward() has freed the saved values: trace before it, or compute under tg.watch()"
            ),
            "trace_gradient: 이전 backward()에서 저장된 값을 지웠습니다. 그 전에 호출하거나 tg.watch() 안에서 계산하십시오.",
        )
    of_node = {v.node: v for v in steps.vertices if v.node is not None and v.kind != "result"}
    target = of_node.get(w._node) if w._node is not None else None
    if target is None or (target is not steps.root and target not in steps.gradients):
        return GradientTrace(title, None, [], _entries(steps, w), first_nan(steps))
    edges = [_edge(steps, user, c) for user, c in _path_to(steps, target)]
    return GradientTrace(title, norm(steps.gradients[target]), edges, [], first_nan(steps))


def first_nan(steps: Steps) -> str:
    """The operation in whose value NaN appears first in the forward pass, and its line; nothing if there is none."""
    for v in steps.operations:
        value = as_numpy(v.value) if v.value is not None else None
        if value is not None and value.dtype.kind == "f" and np.isnan(value).any():
            return _of_line(_operation(steps, v), _line(v))
    return ""


def said_of_nan(where: str) -> tuple[str, str]:
    """That the loss is NaN before any gradient is, in English and in Korean."""
    return (
        f"NaN is there in the forward pass already, first in {where}",
        f"순전파에서 이미 NaN이 나타났습니다. 처음 나타난 곳: {where}",
    )


def _path_to(steps: Steps, v: Vertex) -> list[tuple[Vertex, Contribution]]:
    """The way of the gradient from the result to a value: the operations, and what each gives to the next."""
    path = []
    while way := steps.toward_the_result(v):
        path.append(way)
        v = way[0]
    return path[::-1]


def _edge(steps: Steps, user: Vertex, c: Contribution) -> Edge:
    return Edge(
        _operation(steps, user), c.argument, steps.titles[c.source], norm(c.given), _line(user), mark_of(steps, user, c)
    )


def _entries(steps: Steps, w: Handle) -> list[str]:
    """Where the values of a Tensor, or what was computed from them and detached, are a constant of the graph."""
    return [
        f"{_of_line(name, cut_at)} -> {argument} of {_of_line(v.name, _line(v))}"
        for v in steps.operations
        for source, argument in v.sources
        for name, cut_at in _constant_of(source, w)
    ]


def _constant_of(source: Vertex, w: Handle) -> Iterator[tuple[str, str]]:
    """What makes a constant of a Tensor, and at which line: `detach`, or something that left equal numbers."""
    value = as_numpy(source.value) if source.node is None else None
    if source.cut:
        if w._node in behind(source.cut.node):
            yield f"{source.cut.name}.detach()", source.cut.line
    elif value is not None and value.shape == w._array.shape and np.array_equal(value, as_numpy(w)):
        yield "a constant of equal numbers, by no_grad or numpy", ""


def _operation(steps: Steps, v: Vertex) -> str:
    """An operation, with its number where there are several, or with the variable that its value is assigned to."""
    title = steps.titles[v]
    return title if title.split(" ")[0] == v.name else f"{v.name} ({title})"


def _of_line(said: str, line: str) -> str:
    return said + f" ({PurePath(line).name})" * bool(line)


def _line(v: Vertex) -> str:
    return v.node.seen.line if v.node is not None and v.node.seen else ""
