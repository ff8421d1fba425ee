"""Blame in a graph: which operation the gradient goes wrong in, seen from the graph as it ran.

Along a direction every value of the graph moves with some speed, which two evaluations beside the point show. The gradient g of a value
says what that is worth: <g, speed>. What an operation's formulas pass on to its inputs must be worth the same, for the chain rule is
nothing else. So each operation is held to its own balance, at once, and the sum of all that is missing is the error of the whole gradient.

An operation that is in balance when it is checked by itself, and was not in the graph, wrote to its gradient, kept state, or depends
on how its arrays lie in memory: its formulas are evaluated again on fresh contiguous copies of what they were given.
"""

from dataclasses import dataclass, field
from heapq import heappush
from typing import Any

import numpy as np

from tinygrad_ko.arrays.indexing import IndexedGradient
from tinygrad_ko.arrays.library import Array, namespace
from tinygrad_ko.check.functions.function import FirstOrder
from tinygrad_ko.check.functions.line import Line
from tinygrad_ko.check.slopes.slope import OUTSIDE
from tinygrad_ko.engine.accumulate import accumulated, unbroadcast
from tinygrad_ko.engine.backprop import backpropagate
from tinygrad_ko.engine.graph import Node, Switch, behind

_STEP = 2.0**-17  # in units of the inputs: differences over it are right to ten digits
_SHARE = 0.02  # of the error of the whole gradient, which makes an operation suspicious
_SUSPECTS = 8  # the most of them

_STATE = (
    "evaluated again after the forward of this call alone, the formula gives something else: it keeps state between calls (a mask, a"
    " buffer, a counter), and sees that of the last call",
    "이 호출의 순전파를 다시 한 다음 공식을 계산하면 값이 달라집니다. 연산이 호출 사이에 상태(마스크, 버퍼, 계수기)를 저장하고,"
    " 마지막 호출의 상태를 읽고 있습니다.",
)
_LAYOUT = (
    "on contiguous copies of the same numbers the formula gives something else: it depends on how arrays lie in memory (strides,"
    " reversed or broadcast views, one array passed twice)",
    "값이 같은 연속 배열의 사본으로 계산하면 값이 달라집니다. 공식이 배열의 메모리 배치(스트라이드, 뒤집거나 브로드캐스트한 뷰, 같은 배열을"
    " 두 번 넘긴 경우)에 따라 달라집니다.",
)
_WRITES = (
    "the formula writes to g, the gradient of its output, which others read too: work on a copy",
    "공식이 출력의 기울기 g에 값을 씁니다. g는 다른 연산도 읽으므로 사본에 계산하십시오.",
)
_REUSED = (
    "the array that the formula returned was changed later: it returns one buffer at every call; return a new array",
    "공식이 반환한 배열의 값이 나중에 바뀌었습니다. 호출할 때마다 같은 버퍼를 반환하고 있으므로 새 배열을 반환해야 합니다.",
)
_OVERWRITTEN = (
    "the array that its forward returned was changed after the call: it returns one buffer at every call; return a new array",
    "순전파가 반환한 배열의 값이 호출한 뒤에 바뀌었습니다. 호출할 때마다 같은 버퍼를 반환하고 있으므로 새 배열을 반환해야 합니다.",
)


@dataclass
class Suspect:
    """An operation out of balance: what its output's gradient is worth along a direction, and what its formulas pass on."""

    node: Node
    worth: float = 0.0
    passed: float = 0.0
    cut: list[str] = field(default_factory=list)  # arguments that move, though no path of the graph leads to them
    fault: tuple[str, str] | None = None  # what is wrong that a check of the operation by itself does not show
    argument: str = ""
    turn: tuple[int, int] = (1, 1)  # which of how many calls at its line

    @property
    def missing(self) -> float:
        return abs(self.worth - self.passed)


@dataclass
class _Visited:
    """What happened at a node in backpropagation, in copies."""

    node: Node
    g: Array
    given: Any  # the gradient itself
    parts: list[tuple[str, Node, Any, Array]]  # argument, parent, what the formula gave, and a copy of it as an array
    wrote: bool = False


def faults(primal: FirstOrder, c: Array) -> list[Suspect]:
    """The operations of a graph that write to arrays which others read too."""
    visited = _replayed(primal, c)
    return _in_turn(_written(visited), visited)


def suspects(line: Line, difference: float) -> list[Suspect]:
    """The operations of a graph to which the gradient owes its `difference` from the slope, the worst first."""
    primal = line.f.primal
    assert isinstance(primal, FirstOrder)
    visited = _replayed(primal, line.c)
    found = _written(visited)
    if not found and (speeds := _speeds(line, [v.node for v in visited])) is not None:
        found = [s for v in visited if not (s := _balance(v, speeds)).missing <= _SHARE * difference]
        found = sorted(found, key=lambda s: -s.missing if np.isfinite(s.missing) else -np.inf)[:_SUSPECTS]
        by_node = {v.node: v for v in visited}
        for suspect in found:
            suspect.fault, suspect.argument = _evaluated_again(by_node[suspect.node])
    return _in_turn(found[:_SUSPECTS], visited)


def _in_turn(found: list[Suspect], visited: list[_Visited]) -> list[Suspect]:
    nodes = [v.node for v in reversed(visited)]
    for suspect in found:
        suspect.turn = turn(suspect.node, nodes)
    return found


def turn(node: Node, nodes: list[Node]) -> tuple[int, int]:
    """Which of how many calls of its operation at its line a node is, among nodes that are the oldest first."""
    line = node.seen and node.seen.line
    calls = [other for other in nodes if other.op is node.op and (other.seen and other.seen.line) == line]
    return calls.index(node) + 1, len(calls)


def _replayed(primal: FirstOrder, c: Array) -> list[_Visited]:
    """Backpropagation as ever, by the loop that is written there, with a copy of all that is passed; the newest operation first."""
    visited: list[_Visited] = []
    with Switch(watch="copies"):
        y, _, inside = primal.forward(primal.point)

    class Replayed:
        def __init__(self, node: Node, g: Any) -> None:
            self.node, self.v = node, _Visited(node, np.array(g, order="C"), g, [])
            visited.append(self.v)

        def propagate(self, g: Any, gradients: dict[Node, Any], pending: list[Any], free: bool) -> None:
            node, v = self.node, self.v
            for argument, parent, part in node.contributions(g):
                v.parts.append((argument, parent, part, _dense(part, parent)))
                if part.shape != parent.shape or part.dtype is not parent.dtype:
                    part = unbroadcast(part, parent, node, argument, parent not in gradients)
                if parent in gradients:
                    gradients[parent] = accumulated(gradients[parent], part)
                else:
                    gradients[parent] = part
                    if parent.op is not None:
                        heappush(pending, (parent.order, parent))
            v.wrote = not _equal(g, v.g)

    if y.node is not None:
        with inside():
            backpropagate(y.node, np.array(c), visit=Replayed)
    return visited


def _dense(part: Any, parent: Node) -> Array:
    return part.within(parent.shape, part.dtype) if isinstance(part, IndexedGradient) else np.array(part)


def _written(visited: list[_Visited]) -> list[Suspect]:
    """Faults that need no measurement: arrays that were written to."""
    found = [Suspect(v.node, fault=_WRITES, argument=v.node.op.differentiable[0]) for v in visited if v.wrote]
    for v in visited if not found else ():
        for argument, _, part, copy in v.parts:
            # What is handed on as it is, g or a view of it, was returned by another.
            if isinstance(part, np.ndarray) and not _equal(part, copy) and not np.may_share_memory(part, v.given):
                found.append(Suspect(v.node, fault=_REUSED, argument=argument))
        out, seen = v.node.saved.get("out"), v.node.seen
        if seen and isinstance(out, np.ndarray) and out.dtype == seen.output.dtype and not _equal(out, seen.output):
            found.append(Suspect(v.node, fault=_OVERWRITTEN, argument=v.node.op.differentiable[0]))
    return found


def _equal(a: Any, b: Any) -> bool:
    return np.array_equal(a, b, equal_nan=True)


def _speeds(line: Line, nodes: list[Node]) -> dict[Node, Array] | None:
    """How fast the values of nodes and of their inputs move along a line; None if other operations run beside the point, or none can."""
    primal, h = line.f.primal, _STEP * line.scale
    assert isinstance(primal, FirstOrder)
    beside = []
    for s in (h, -h):
        try:
            with Switch(watch="copies"):
                y, *_ = primal.forward(line.f.along(s, line.d)[: len(primal.point)])
        except OUTSIDE:
            return None
        beside.append([node for node in behind(y.node) if node.op])
    here = sorted(nodes, key=lambda node: -node.order)  # backpropagation has come to those that have a gradient
    if not len(here) == len(beside[0]) == len(beside[1]):
        return None
    speeds: dict[Node, Any] = {}
    for node, right, left in zip(here, *beside, strict=True):
        if not node.op is right.op is left.op or node.seen is None or right.seen is None or left.seen is None:
            return None
        moved = [_speed(a, b, h) for a, b in zip(right.seen.inputs, left.seen.inputs, strict=True)]
        speeds[node] = (_speed(right.seen.output, left.seen.output, h), moved)
    return speeds


def _speed(right: Any, left: Any, h: float) -> Any:
    """The rate at which a value changes; None for what is no floating array."""
    if not (hasattr(right, "dtype") and right.dtype.kind == "f") or np.shape(right) != np.shape(left):
        return None
    return (np.asarray(right, dtype=np.float64) - left) / (2 * h)


def _balance(v: _Visited, speeds: dict[Node, Any]) -> Suspect:
    """What the gradient of an operation's output is worth, and what its formulas pass on."""
    node, op = v.node, v.node.op
    speed, moved = speeds[node]
    suspect = Suspect(node, float(np.sum(v.g * speed)) if speed is not None else 0.0)
    parents = node.parents
    places = range(len(moved)) if op.variadic else [op.arguments.index(a) for a in op.differentiable]
    parts = iter(v.parts)
    for place, parent in zip(places, parents, strict=True):
        argument = f"{op.arguments[0]}[{place}]" if op.variadic else op.arguments[place]
        its_speed = moved[place]
        if parent is None:
            if its_speed is not None and np.any(its_speed):
                suspect.cut.append(argument)
            continue
        part = next(parts)[3]
        if its_speed is not None:
            suspect.passed += float(np.sum(part * its_speed))
    return suspect


def _evaluated_again(v: _Visited) -> tuple[tuple[str, str] | None, str]:
    """What is wrong if the formulas of an operation give something else on fresh contiguous copies of what they were given."""
    node = v.node
    if node.seen is None:
        return None, ""
    fresh = _parts_again(node, np.array(v.g, order="C"), None)
    for (argument, _, _, part), again in zip(v.parts, fresh, strict=True):
        if not _close(part, again):
            live = _parts_again(
                node, v.given, node.saved
            )  # state is right now, after the forward, and the arrays lie as they lay
            same = all(_close(a, b) for a, b in zip(live, fresh, strict=True))
            return (_STATE if same else _LAYOUT), argument
    return None, ""


def _parts_again(node: Node, g: Any, saved: dict[str, Any] | None) -> list[Array]:
    """What the formulas of a node give after its forward has run again on copies of its inputs: with the values that the node saved, or
    (None) with these copies and what the forward returns.
    """
    op, seen = node.op, node.seen
    assert seen is not None
    inputs = [np.array(x, order="C") if isinstance(x, np.ndarray) else x for x in seen.inputs]
    made = op.forward(*([namespace(*inputs)] if op.takes_xp else []), *inputs, **seen.options)
    out, *keeps = made if op.keeps else [made]
    values: dict[str, Any] = {"out": out, **seen.options, **dict(zip(op.keeps, keeps, strict=True))}
    shapes = [np.shape(x) for x in inputs]
    if op.variadic:
        values |= {op.arguments[0]: tuple(inputs), f"{op.arguments[0]}_shape": tuple(shapes)}
    else:
        values |= dict(zip(op.arguments, inputs, strict=True))
        values |= {f"{a}_shape": shape for a, shape in zip(op.arguments, shapes, strict=True)}
    values |= {word: value for word, value in (saved or {}).items() if value is not None}
    other = node.rebound(node.parents, {word: values[word] for word in op.saved})
    return [_dense(part, parent) for _, parent, part in other.contributions(g)]


def _close(a: Array, b: Array) -> bool:
    near = 1e-9 * np.max(np.abs(b), initial=0)
    return a.shape == b.shape and bool(np.all((np.abs(a - b) <= near) | ((a != a) & (b != b)) | (a == b)))
