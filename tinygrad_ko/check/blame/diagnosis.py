"""Diagnosis of a wrong gradient: the operation, the argument and the entry that are wrong, and what the error looks like.

In a graph of several operations those that do not pass on what their gradient is worth (see `replay`) are checked at the inputs they had
there, and the one that fails is named with the line that called it. The wrong entry is found by bisection: half of the direction at a
time, 17 projections find one among 100,000.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from math import isfinite, prod
from typing import Any, NamedTuple

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.blame.replay import Suspect, faults, suspects, turn
from tinygrad_ko.check.blame.suggestion import WrongEntry, suggest
from tinygrad_ko.check.functions.domain import domain_of, projected
from tinygrad_ko.check.functions.function import CheckedFunction, FirstOrder, Primal, element, formula_location
from tinygrad_ko.check.functions.line import Line, indicator
from tinygrad_ko.check.functions.properties import BrokenProperty, find_broken_property
from tinygrad_ko.check.functions.vjp import FunctionWithVjp
from tinygrad_ko.check.reports.report import Blame, Report
from tinygrad_ko.check.slopes.slope import Slope, scales, tolerance
from tinygrad_ko.engine.graph import Node, behind, watch
from tinygrad_ko.tensor.tensor import grad

_WHERE_TWICE = (
    "keep such values out of the function, not out of its result: where(c, f(where(c, x, 1)), 0)",
    "where(c, f(where(c, x, 1)), 0)처럼 where를 안팎으로 두 번 써서, 문제가 되는 값이 함수에 들어가지 않도록 하십시오.",
)
_IN_DOMAIN = "choose inputs inside its domain", "정의역 안의 입력으로 확인하십시오."
_OTHER_INPUTS = "choose other inputs", "다른 입력으로 확인하십시오."
_SMALL = 64  # so many entries are all measured, to see a pattern
_SEARCHED = 1000  # so many operations are checked one by one where the graph does not show which it is
_OUTSIDE = (
    "look for .numpy(), .item(), .detach(), no_grad(), a tg.grad without create_graph=True, an array computed from the input",
    ".numpy(), .item(), .detach(), no_grad()를 쓴 곳, create_graph=True 없이 tg.grad를 호출한 곳, 입력으로 배열을 계산한 곳이 없는지"
    " 확인하십시오.",
)


class Doubt(NamedTuple):
    """Why an operation that owes the difference is not called wrong, in both languages: it is not computed exactly."""

    english: str
    korean: str


def diagnose(line: Line, check: Callable[[Primal], Report], difference: float) -> Blame | Doubt:
    """The operation that is wrong if it is one of several, else the entry of the gradient that is; `check` checks one operation."""
    found = _blame_for_line(line, check, difference)
    if isinstance(found, Blame) and not isfinite(found.numeric):  # f ends beside the inputs in nearly all directions
        if line.f.progress.outside:
            return Doubt(*where_f_raised(line.f))
        entry, (analytic, _), slope = "the slope along a random direction", line.analytic(), line.slope()
        if not isfinite(slope.value):
            return Doubt(*first_nonfinite(line.f, line.c))
        return replace(found, entry=entry, there="", analytic=analytic, numeric=slope.value, error=slope.error)
    return found


def _blame_for_line(line: Line, check: Callable[[Primal], Report], difference: float) -> Blame | Doubt:
    primal = line.f.primal
    for place, part in primal.parts() if isinstance(primal, FunctionWithVjp) else ():
        report = check(part)
        if report.blame:
            return replace(report.blame, line=place)
        if report.verdict == "mismatch":
            text = f"{part.name} is wrong by itself: check_gradient({part.name}, ...) says how"
            korean = f"{part.name} 자체가 틀렸습니다. check_gradient({part.name}, ...)로 원인을 확인하십시오."
            return replace(_wrong_entry(line), op=part.name, line=place, suggestion=text, korean=korean)
    if primal.whole or isinstance(primal, FunctionWithVjp):
        found = _wrong_entry(line)
        op, formula = primal.formula(found.argument)
        if isinstance(primal, FunctionWithVjp) and primal.cuts and not primal.whole and found.analytic == 0:
            text = f"is a part of f outside the graph? look for {primal.cuts}"
            korean = (
                f"f의 일부가 그래프 밖에서 계산되고 있을 수 있습니다. 다음을 쓴 곳이 없는지 확인하십시오: {primal.cuts}"
            )
            found = replace(found, suggestion=text, korean=korean)
        return replace(found, op=op, formula=formula)
    if line.f.order == 1 and (wrong := blame_in_graph(line, check, difference)):
        return wrong
    nodes = _recorded_nodes(primal)
    for node in nodes[:_SEARCHED]:
        if (operation := _isolate(node)) and (wrong := check(operation).blame):
            return replace(wrong, turn=turn(node, nodes), **_place(node))
    return replace(
        _wrong_entry(line),
        suggestion=f"no operation is wrong by itself, so a part of f may be outside the graph: {_OUTSIDE[0]}",
        korean=f"따로 확인해서 틀린 연산은 없으므로, f의 일부가 그래프 밖에서 계산되고 있을 수 있습니다. {_OUTSIDE[1]}",
    )


def blame_in_graph(line: Line, check: Callable[[Primal], Report], difference: float) -> Blame | Doubt | None:
    """The operation that is seen to be wrong in a graph: by a check of its own, by what it writes to, or because it is given what was
    computed outside the graph.
    """
    for suspect in suspects(line, difference):
        wrong = _blame(suspect, check)
        if isinstance(wrong, Doubt):
            return wrong
        if wrong:
            return replace(wrong, turn=suspect.turn, **_place(suspect.node))
    return None


def blame_for_writing(f: FirstOrder, c: Array) -> Blame | None:
    """The operation that writes to arrays which others read too: its gradient, or what it returned before."""
    for suspect in faults(f, c):
        if isinstance(wrong := _blame(suspect, lambda operation: Report("")), Blame):
            return replace(wrong, turn=suspect.turn, **_place(suspect.node))
    return None


def _blame(suspect: Suspect, check: Callable[[Primal], Report]) -> Blame | Doubt | None:
    """What is wrong with an operation that does not pass on what its gradient is worth."""
    node = suspect.node
    measured: dict[str, Any] = {
        "entry": "the slope along a random direction, at this operation",
        **{"index": (), "analytic": suspect.passed, "numeric": suspect.worth, "error": 0.0, "op": node.op.name},
    }
    if suspect.fault:
        text, korean = suspect.fault
        formula = formula_location(node.op, suspect.argument)
        return Blame(suspect.argument, suggestion=text, korean=korean, formula=formula, **measured)
    report = check(operation) if (operation := _isolate(node)) else Report("")
    if report.blame:
        return report.blame
    if suspect.cut:
        argument = suspect.cut[0]
        text = f"a part of f is outside the graph: {argument!r} of {node.op.name} moves with the inputs, but no operation leads to it;"
        korean = (
            f"f의 일부가 그래프 밖에서 계산되고 있습니다. 연산 {node.op.name}의 인수 {argument!r}: 입력에 따라 변하지만, 입력에서 이어지는"
            f" 연산이 없습니다. {_OUTSIDE[1]}"
        )
        return Blame(argument, suggestion=f"{text} {_OUTSIDE[0]}", korean=korean, outside=True, **measured)
    if report.doubt:
        line, korean = _called_at(node)
        return Doubt(f"op {node.op.name}{line}: {report.doubt[0]}", f"연산 {node.op.name}:{korean} {report.doubt[1]}")
    return None


def _place(node: Node) -> dict[str, Any]:
    return {"line": node.seen.line if node.seen else None, "scope": node.scope}


def describe_broken_property(primal: Primal, broken: BrokenProperty, rng: Any) -> tuple[str, str]:
    """The formula that does not have a property of every gradient, in words."""
    op, line = primal.op, ("", "")
    for node, operation in operations(primal) if op is None else ():
        if operation and (found := find_broken_property(operation, rng.standard_normal(operation.y.shape))):
            if node is None:
                return describe_broken_property(operation, found, rng)
            op, line, broken = node.op, _called_at(node), found
            break
    argument, cure = broken.argument, broken.cure and f"; {broken.cure}"
    name, location = (op.name, formula_location(op, argument)) if op else primal.formula(argument)
    if name is None:
        return f"the gradient of {argument!r} {broken.text}{cure}", f"인수 {argument!r}: {broken.korean}"
    at, korean = (f", at {location}", f" 공식의 위치: {location}.") if location else ("", "")
    text, note = f"the formula of {name} for {argument!r}{at},", "미분 공식에 g(출력 쪽에서 온 기울기)가 없습니다."
    if op and not op.variadic and "g" not in op.named_by.get(argument, ("g",)):
        text, cure = f"{text} does not use g, the gradient of its output", ""
    elif primal.by_hand:
        at, note = (f", at {location},", f" 작성한 위치: {location}.") if location else ("", "")
        return (
            f"the derivative given for {argument!r}{at} {broken.text}{cure}",
            f"인수 {argument!r}: {broken.korean}{note}",
        )
    else:
        text, note = f"what {text} gives {broken.text}", broken.korean
    return f"{text}{line[0]}{cure}", f"연산 {name}의 인수 {argument!r}: {note}{korean}{line[1]}"


def operations(primal: Primal) -> Iterator[tuple[Any, Primal | None]]:
    """The operations of f, oldest first, each as its node and as a function of its own (None where that is unknown)."""
    if isinstance(primal, FunctionWithVjp):
        yield from ((None, part) for _, part in primal.parts())
    for node in _recorded_nodes(primal):
        if operation := _isolate(node):
            operation.rtol = primal.rtol
        yield node, operation


def _recorded_nodes(primal: Primal) -> list[Node]:
    """The nodes of the graph of f at its point, oldest first, each with a debug record; none if its gradient comes from elsewhere."""
    if not isinstance(primal, FirstOrder):
        return []
    with watch():
        y, *_ = primal.forward(primal.point)
    return [node for node in behind(y.node) if node.op]


def _isolate(node: Node) -> FirstOrder | None:
    """One operation of a graph as a function of its own, at the inputs it had there; None if it cannot be checked."""
    if node.seen is None:
        return None
    op, call = node.op, partial(node.op.function, **node.seen.options)
    vars(call)["__name__"] = op.name
    inputs = tuple(np.asarray(x) if isinstance(x, np.generic) else x for x in node.seen.inputs)
    floats = [i for i, x in enumerate(inputs) if isinstance(x, float) or (hasattr(x, "dtype") and x.dtype.kind == "f")]
    if not all(np.isfinite(inputs[i]).all() for i in floats):
        return None
    wrt = [i for i in floats if op.variadic or op.arguments[i] in op.differentiable]
    return FirstOrder(call, inputs, None, wrt) if wrt else None


def _wrong_entry(line: Line) -> Blame:
    """The entry of the gradient that is wrong, found by bisection of the direction, then of the cotangent."""
    f, c, y = line.f, line.c, line.f.y

    def doubt(i: int, d: Array, c: Array) -> float:
        # The difference along d, in units of the error estimate.
        line = Line(f, c, {i: d})
        slope = line.slope()
        off = abs(line.analytic()[0] - slope.value) / (slope.error or 1e-300)
        return off if np.isfinite(off) else float("inf")

    i, *others = line.d
    i = max(line.d, key=lambda i: doubt(i, scales(f.point[i]), c)) if others else i
    x = f.point[i]
    steps = scales(x) * np.where(np.arange(x.size).reshape(x.shape) % 2, 0.8, 1.0)  # so that no two cancel
    j = _bisect(x.shape, lambda mask: doubt(i, steps * mask, c))
    unit = indicator(x.shape, j)
    k = _bisect(y.shape, lambda mask: doubt(i, unit, c * mask))
    at, out = element(f.labels[i], j), f.entry(k)
    name, line = f"d {out} / d {at}", Line(f, indicator(y.shape, k), {i: unit})
    analytic, slope = line.analytic()[0], line.slope()
    if abs(analytic - slope.value) <= 2 * slope.error:
        name, line = f"d <c, out> / d {at} for a random cotangent c", Line(f, c, {i: unit})  # wrong only for this one
        analytic, slope = line.analytic()[0], line.slope()
    true = None
    if x.size <= _SMALL:
        every = [Line(f, c, {i: e.reshape(x.shape)}).slope().value for e in np.eye(x.size)]
        true = np.array(every).reshape(x.shape)
    text, korean = suggest(WrongEntry(j, k, x, y, analytic, slope), None if true is None else f.gradients(c)[i], true)
    if "transpose" not in text and (inside := _right_inside(line, i)):
        text, korean = inside
    there = f"{at} = {x[j]:.6g}, {out} = {y[k]:.6g}" if f.order == 1 else ""
    return Blame(f.labels[i], name, j, analytic, slope.value, slope.error, text, korean, there)


def _right_inside(line: Line, i: int) -> tuple[str, str] | None:
    """That the gradient of an argument is right along directions that stay in a domain, which was not named, in both languages."""
    f = line.f
    if i in f.primal.domains or f.order == 2 or (found := domain_of(f.point[i])) is None:
        return None
    domain, what, korean = found
    start = line.d.get(i, scales(f.point[i]))
    along = Line(f, line.c, {i: projected(start, domain, 0.0)})
    (analytic, size), slope = along.analytic(), along.slope()
    if not abs(analytic - slope.value) <= tolerance(slope.error, size, f.eps) <= 1e-3 * size:
        return None
    label, names = f.labels[i], f"{domain!r}"
    names = "'symmetric' or 'positive_definite'" if domain == "positive_definite" else names
    return (
        f"{label!r} {what}, and the gradient is right along directions that keep it so:"
        f" if f is meant for such inputs alone, domain={names}",
        f"인수 {label!r}의 값은 {korean}이고, 이 성질을 유지하는 방향에서는 기울기가 맞습니다."
        f" 그런 입력에서만 쓰는 함수라면 다음을 지정하십시오: domain={names.replace(' or ', ', domain=')}",
    )


def _bisect(shape: tuple[int, ...], doubt: Callable[[Array], float]) -> tuple[int, ...]:
    """The index of a wrong number in an array of a shape, by how doubtful masks of it are."""
    indices = np.arange(prod(shape))
    while len(indices) > 1:
        indices = max(np.split(indices, [len(indices) // 2]), key=lambda half: doubt(indicator(shape, half)))
    return tuple(int(n) for n in np.unravel_index(int(indices[0]), shape))


def _called_at(node: Node) -> tuple[str, str]:
    line = node.seen.line if node.seen else None
    return (f", called at {line}", f" 호출한 곳: {line}.") if line else ("", "")


def describe_blame(order: int, found: Blame, by_hand: bool = False) -> tuple[str, str]:
    """A diagnosis in words, in both languages."""
    op, argument, modules = found.op, found.argument, " > ".join(found.scope)
    analytic, numeric, ratio = (f"{value + 0.0:.9g}" for value in (found.analytic, found.numeric, found.ratio))
    k, n = found.turn
    there, nth = (f", call {k} of {n} at this line", f" (이 줄의 호출 {n}번 중 {k}번째)") if n > 1 else ("", "")
    measured = found.analytic != found.numeric  # not where an array was written to
    by = "the formula gives" if op and not found.outside else "backpropagation gives"
    its, by = ("the derivative given", "the derivative given is") if by_hand else (f"the formula of {op}", by)
    english: list[Any] = [
        op and found.line and f"  op {op}, called at {found.line}{there}{modules and f', in {modules}'}",
        found.formula and f"  {its} for {argument!r}, at {found.formula}",
        measured and f"  {found.entry}{', at order 2' if order == 2 else ''}: {by} {analytic}",
        measured and f"    the function has the slope {numeric} +- {found.error:.1g} (ratio {ratio})",
        found.there and f"    there {found.there}",
        found.suggestion and f"  {found.suggestion}",
    ]
    wrong = f"연산 {op}에서 인수 {argument!r}의 미분 공식이 틀렸습니다. " if op and not found.outside else ""
    wrong = f"인수 {argument!r}의 미분을 다시 확인하십시오. " if by_hand else wrong
    by = f"{'(2차) ' if order == 2 else ''}{'공식' if op and not found.outside else '역전파'}"
    by = "직접 작성한 미분" if by_hand else by
    korean: list[Any] = [
        op and found.line and f"  호출한 곳: {found.line}{nth}{modules and f', {modules}'}",
        found.formula and f"  {'작성한' if by_hand else '공식의'} 위치: {found.formula}",
        measured
        and f"  {found.entry}: {by} {analytic}, 수치 미분 {numeric}, 오차 추정값 {found.error:.1g}, 비율 {ratio}",
        found.there and f"  이 점의 값: {found.there}",
    ]
    return "\n".join(filter(None, english)), "\n".join([f"{wrong}{found.korean}".strip(), *filter(None, korean)])


def where_f_raised(f: CheckedFunction) -> tuple[str, str]:
    """That f raised beside the inputs, at how many points, and what may be done about it, in both languages."""
    outside, count, raised = f.progress.outside, f.progress.count, f.progress.raised
    cure, remedy = "choose inputs further inside its domain", "정의역 안쪽의 입력으로 확인하십시오."
    if not f.primal.domains:
        cure = f"{cure}; if it is defined on a surface alone, as for symmetric matrices or numbers that add up to 1, name it: domain="
        remedy = f"{remedy} 대칭 행렬이나 합이 1인 수에서만 정의된 함수라면 그 정의역을 domain=으로 지정하십시오."
    return (
        f"f raised {raised!r} at {outside} of {count} points at or near the inputs: {cure}",
        f"입력과 그 근처의 점 {count}개 중 {outside}개에서 함수가 오류를 냈습니다({raised}). {remedy}",
    )


def first_nonfinite(f: CheckedFunction, c: Array | None = None) -> tuple[str, str]:
    """The operation that made the first NaN or infinity: in the forward, or else in the backward."""
    primal = f.primal
    for i in primal.floating:
        if not np.isfinite(primal.point[i]).all():
            label = primal.labels[i]
            return f"the input {label!r} is not finite", f"입력 {label!r}에 NaN이나 무한대가 있습니다."
    nodes = _recorded_nodes(primal)
    unseen = bool(nodes) and np.isfinite(primal.value(primal.point)).all()  # the result has none of it
    for node in nodes:
        if node.seen and not np.isfinite(node.seen.output).all():
            bad = tuple(np.argwhere(~np.isfinite(node.seen.output))[0])
            name, value, at = node.op.name, node.seen.output[bad], element("out", bad)
            line, korean = ("", "") if primal.op else _called_at(node)  # an op by itself was called by the check
            cure, remedy = _WHERE_TWICE if unseen else _IN_DOMAIN
            return (
                f"{name} gives {value} at {at}{line}; {cure}",
                f"연산 {name}의 결과에 NaN이나 무한대가 있습니다({at} = {value}).{korean} {remedy}",
            )
    if not isinstance(primal, FirstOrder) and (seen := _nonfinite_element(f, c)):
        return seen
    if 2 * f.progress.outside > f.progress.count:
        return where_f_raised(f)
    cure, remedy = _WHERE_TWICE if any(node.op.name == "where" for node in nodes) else _OTHER_INPUTS
    if found := _nonfinite_vjp(primal, c):
        node, argument, slope = found
        line, korean = ("", "") if primal.op else _called_at(node)
        if np.isfinite(slope.error):
            return (
                f"the formula of {node.op.name} for {argument!r} gives no finite number, where the slope is {slope.value:.6g}:"
                f" something in it overflows, or is 0 / 0{line}",
                f"연산 {node.op.name}의 인수 {argument!r}: 기울기는 {slope.value:.6g}인데 공식의 값이 NaN이나 무한대입니다. 공식 안에서"
                f" 오버플로가 나거나 0 / 0이 됩니다.{korean}",
            )
        return (
            f"the slope of {node.op.name} in {argument!r} is not finite here{line}; {cure}",
            f"연산 {node.op.name}: 인수 {argument!r}에 대한 기울기가 이 점에서 NaN이나 무한대가 됩니다.{korean} {remedy}",
        )
    return (
        "too few steps around the inputs have a finite value, or the slope is infinite",
        "입력 근처에서 함수값이 유한하지 않거나 기울기가 무한대입니다.",
    )


def _nonfinite_element(f: CheckedFunction, c: Array | None) -> tuple[str, str] | None:
    """An element of the result of f or of its gradient that is NaN or infinite: what can be said where no graph of f is seen."""
    for out in np.argwhere(~np.isfinite(f.y)):
        at, value = f.entry(tuple(out)), f.y[tuple(out)]
        return (
            f"its result is {value} at {at}; {_IN_DOMAIN[0]}",
            f"결과에 NaN이나 무한대가 있습니다({at} = {value}). {_IN_DOMAIN[1]}",
        )
    for i, gradient in f.gradients(np.ones(f.y.shape) if c is None else c).items():
        for index in np.argwhere(~np.isfinite(gradient)):
            at, value = element(f.labels[i], tuple(index)), gradient[tuple(index)]
            return f"it is {value} at {at}", f"기울기에 NaN이나 무한대가 있습니다({at}에 대한 값: {value})."
    return None


def _nonfinite_vjp(primal: Primal, c: Array | None) -> tuple[Node, str, Slope] | None:
    """The newest operation whose formula turns a finite gradient into one that is not, for which argument, and its slope there."""
    if not isinstance(primal, FirstOrder):
        return None
    with watch():
        y, leaves, _ = primal.forward(primal.point)
    if not y.requires_grad:
        return None
    seed = np.ones(y.shape) if c is None or c.shape != y.shape else c
    grad(y, leaves, seed, allow_unused=True)
    for node in reversed(behind(y.node)):
        g = node.seen.gradient if node.seen else None
        if g is not None and np.isfinite(g).all() and (operation := _isolate(node)):
            for i, part in operation.gradients(np.asarray(g)).items():
                if not np.isfinite(part).all():
                    direction = {i: scales(operation.point[i]) * ~np.isfinite(part)}
                    return node, operation.labels[i], Line(operation, np.asarray(g), direction).slope()
    return None
