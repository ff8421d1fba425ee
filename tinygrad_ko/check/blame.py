"""Who is to blame: the operation, the argument and the entry of a gradient that is wrong, and what that looks like.

One projection says that something is wrong among a hundred thousand numbers. Half of the direction at a time, seventeen
more say which number. In a network, every operation is judged at the inputs it had there, and the one that fails is named
with the line that called it.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.line import Line
from tinygrad_ko.check.properties import Broken, broken_property
from tinygrad_ko.check.report import Blame, Report
from tinygrad_ko.check.slope import scales
from tinygrad_ko.check.subject import First, Subject
from tinygrad_ko.check.suggestion import Entry, suggestion
from tinygrad_ko.engine.graph import Node, behind, watch
from tinygrad_ko.engine.rule import Op
from tinygrad_ko.tensor.tensor import grad

CURE = (
    "keep such values out of the function, not out of its result: where(c, f(where(c, x, 1)), 0)",
    "where(c, f(where(c, x, 1)), 0)처럼 where를 안팎으로 두 번 써서, 문제가 되는 값이 함수에 들어가지 않도록 하십시오.",
)
OTHER_INPUTS = "choose other inputs", "다른 입력으로 확인하십시오."
SMALL = 64  # so many entries are all measured, to see a pattern


def at_fault(subject: Subject, group: list[int], c: Array, judged: Callable[[First, int], Report]) -> Blame:
    """The operation that is wrong if it is one of several, else the entry of the gradient that is."""
    first = subject.first
    if first.op is not None:
        found = entry(subject, group, c)
        return replace(found, op=first.op.name, formula=home(first.op, found.argument))
    for node in operations(first):
        if (of_op := alone(node)) and (found_in_op := judged(of_op, subject.order).blame):
            return replace(found_in_op, line=node.seen.line if node.seen else None, scope=node.scope)
    found = entry(subject, group, c)
    return replace(
        found,
        suggestion="every operation by itself is right, so a part of f is outside the graph: look for .numpy(), .item(), .detach(),"
        " no_grad(), a tg.grad without create_graph=True, an array computed from the input",
        korean="연산마다 따로 보면 공식이 모두 맞으므로, f의 일부가 그래프 밖에서 계산되고 있습니다. .numpy(), .detach(), no_grad()를"
        " 쓴 곳이나 create_graph=True를 빠뜨린 곳이 없는지 확인하십시오.",
    )


def home(op: Op, argument: str) -> str | None:
    """Where the formula of an op for an argument stands: `file:line`."""
    code = getattr(op.formulas.get(op.arguments[0] if op.variadic else argument), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else None


def breaker(first: First, broken: Broken, source: Any) -> tuple[str, str]:
    """In words: which formula does not have a property that every gradient has."""
    op, line = first.op, ""
    for node in operations(first) if op is None else []:
        if of_op := alone(node):
            here, pull = of_op.pullback(of_op.arrays)
            if found := broken_property(of_op, pull, source.standard_normal(here.shape)):
                op, line, broken = node.op, by_line(node), found
                break
    if op is None:
        return f"the gradient of {broken.argument!r} {broken.what}", f"인수 {broken.argument!r}: {broken.korean}"
    place = home(op, broken.argument)
    at = f", at {place}" if place else ""
    if not op.variadic and "g" not in op.named_by.get(broken.argument, ("g",)):
        return (
            f"the formula of {op.name} for {broken.argument!r}{at}, does not use g, the gradient of its output{line}",
            f"연산 {op.name}: 인수 {broken.argument!r}의 미분 공식에 g(출력 쪽에서 온 기울기)가 없습니다.",
        )
    return (
        f"what the formula of {op.name} for {broken.argument!r}{at}, gives {broken.what}{line}",
        f"연산 {op.name}의 인수 {broken.argument!r}: {broken.korean}",
    )


def operations(first: First) -> list[Node]:
    """The nodes of the graph of f at its inputs, oldest first, each with what it saw."""
    with watch():
        y, *_ = first.run(first.arrays)
    return [node for node in behind(y.node) if node.op]


def alone(node: Node) -> First | None:
    """One operation of a graph as a subject of its own, at the inputs it had there."""
    if node.seen is None:
        return None
    call = partial(node.op.function, **node.seen.options)
    vars(call)["__name__"] = node.op.name
    inputs = tuple(np.asarray(x) if isinstance(x, np.generic) else x for x in node.seen.inputs)
    floating = [isinstance(x, float) or (hasattr(x, "dtype") and x.dtype.kind == "f") for x in inputs]
    if not all(np.isfinite(x).all() for x, able in zip(inputs, floating, strict=True) if able):
        return None
    op = node.op
    wanted = [i for i in range(len(inputs)) if floating[i] and (op.variadic or op.arguments[i] in op.differentiable)]
    return First(call, inputs, None, wanted) if wanted else None


def entry(subject: Subject, group: list[int], c: Array) -> Blame:
    """The entry of the gradient that is wrong, found by halving the direction, then the cotangent."""
    here, pull = subject.pullback(subject.arrays)

    def doubt(i: int, d: Array, c: Array) -> float:
        """How many claims the formulas are off along d."""
        line = Line(subject, here, c, {i: d})
        slope, (analytic, _) = line.slope(), line.analytic(pull)
        off = abs(analytic - slope.value) / (slope.claim or 1e-300)
        return off if np.isfinite(off) else float("inf")

    i = max(group, key=lambda i: doubt(i, scales(subject.arrays[i]), c)) if len(group) > 1 else group[0]
    x = subject.arrays[i]
    steps = scales(x) * np.where(np.arange(x.size).reshape(x.shape) % 2, 0.8, 1.0)  # so that no two cancel
    j = halved(x.shape, lambda mask: doubt(i, steps * mask, c))
    unit = np.zeros(x.shape)
    unit[j] = 1.0
    k = halved(here.shape, lambda mask: doubt(i, unit, c * mask))
    one = np.zeros(here.shape)
    one[k] = 1.0
    line = Line(subject, here, one, {i: unit})
    name = f"d {place('out' if subject.order == 1 else 'gradient', k)} / d {place(subject.labels[i], j)}"
    if abs(line.analytic(pull)[0] - line.slope().value) <= 2 * line.slope().claim:  # wrong only for this cotangent
        line = Line(subject, here, c, {i: unit})
        name = f"d <c, out> / d {place(subject.labels[i], j)} for a random cotangent c"
    (analytic, _), slope = line.analytic(pull), line.slope()
    true = None
    if x.size <= SMALL:
        every = [Line(subject, here, c, {i: e.reshape(x.shape)}).slope().value for e in np.eye(x.size)]
        true = np.array(every).reshape(x.shape)
    formula = dict(zip(subject.wanted, pull(c), strict=True))[i]
    text, korean = suggestion(Entry(j, k, x, here, analytic, slope), formula, true)
    there = (
        f"{place(subject.labels[i], j)} = {x[j]:.6g}, {place('out', k)} = {here[k]:.6g}" if subject.order == 1 else ""
    )
    return Blame(subject.labels[i], name, j, analytic, slope.value, slope.claim, text, korean, there)


def halved(shape: tuple[int, ...], doubt: Callable[[Array], float]) -> tuple[int, ...]:
    """The index of a wrong number in an array of a shape, by how doubtful masks of it are."""
    indices = np.arange(np.prod(shape, dtype=int))
    while len(indices) > 1:
        halves = indices[: len(indices) // 2], indices[len(indices) // 2 :]
        masks = np.zeros((2, *shape))
        for mask, half in zip(masks, halves, strict=True):
            mask.flat[half] = 1.0
        indices = halves[int(doubt(masks[1]) > doubt(masks[0]))]
    return tuple(int(n) for n in np.unravel_index(int(indices[0]), shape))


def by_line(node: Node) -> str:
    """The line of the user's that called an operation, if it is known."""
    return f", called at {node.seen.line}" if node.seen and node.seen.line else ""


def place(name: str, index: tuple[Any, ...]) -> str:
    """An element of an array, as one would write it."""
    return f"{name}[{', '.join(str(int(n)) for n in index)}]" if index else name


def told(order: int, found: Blame) -> tuple[str, str]:
    """The blame in words, in both languages."""
    lines = []
    if found.op and found.line:
        inside = f", in {' > '.join(found.scope)}" if found.scope else ""
        lines.append(f"  op {found.op}, called at {found.line}{inside}")
    if found.formula:
        lines.append(f"  the formula of {found.op} for {found.argument!r}, at {found.formula}")
    of_order = ", at order 2" if order == 2 else ""
    source = "the formula" if found.op else "backpropagation"
    lines.append(f"  {found.entry}{of_order}: {source} gives {found.analytic:.9g}")
    lines.append(
        f"    the function has the slope {found.numeric:.9g} +- {found.claim:.1g} (ratio {found.ratio + 0.0:.9g})"
    )
    lines += [f"    there {found.there}"] if found.there else []
    lines += [f"  {found.suggestion}"] if found.suggestion else []
    where = f"연산 {found.op}에서 인수 {found.argument!r}의 미분 공식이 틀렸습니다. " if found.op else ""
    return "\n".join(lines), f"{where}{found.korean}".strip()


def first_not_finite(subject: Subject, c: Array | None = None) -> tuple[str, str]:
    """The operation that made the first NaN or infinity: in the forward, or else in the backward."""
    first = subject.first
    for i in first.floating:
        if not np.isfinite(first.arrays[i]).all():
            return (
                f"the input {first.labels[i]!r} is not finite",
                f"입력 {first.labels[i]!r}에 NaN이나 무한대가 있습니다.",
            )
    nodes = operations(first)
    line = by_line if first.op is None else lambda node: ""  # an op by itself was called by the judge
    hidden = "" if not nodes or not np.isfinite(first.value(first.arrays)).all() else f"; {CURE[0]}"
    for node in nodes:
        if node.seen and not np.isfinite(node.seen.output).all():
            bad = tuple(np.argwhere(~np.isfinite(node.seen.output))[0])
            return (
                f"{node.op.name} gives {node.seen.output[bad]} at {place('out', bad)}{line(node)}{hidden}",
                f"연산 {node.op.name}의 결과에 NaN이나 무한대가 있습니다. {CURE[1] if hidden else '정의역 안의 입력인지 확인하십시오.'}",
            )
    cure = CURE if any(node.op.name == "where" for node in nodes) else OTHER_INPUTS
    if found := unbounded(first, c):
        node, argument = found
        return (
            f"the slope of {node.op.name} in {argument!r} is not finite here{line(node)}; {cure[0]}",
            f"연산 {node.op.name}의 기울기가 이 점에서 NaN이나 무한대가 됩니다. {cure[1]}",
        )
    return (
        "too few steps around the inputs have a finite value, or the slope is infinite",
        "입력 근처에서 함수값이 유한하지 않거나 기울기가 무한대입니다.",
    )


def unbounded(first: First, c: Array | None) -> tuple[Node, str] | None:
    """The newest operation whose formula turns a finite gradient into one that is not, and for which argument."""
    with watch():
        y, leaves, _ = first.run(first.arrays)
    if not y.requires_grad:
        return None
    seed = np.ones(y.shape) if c is None or c.shape != y.shape else c
    grad(y, leaves, seed, allow_unused=True)
    for node in reversed(behind(y.node)):
        of_op = alone(node)
        if (
            of_op is None
            or node.seen is None
            or node.seen.gradient is None
            or not np.isfinite(node.seen.gradient).all()
        ):
            continue
        gradients = of_op.pullback(of_op.arrays)[1](np.asarray(node.seen.gradient))
        for i, g in zip(of_op.wanted, gradients, strict=True):
            if not np.isfinite(g).all():
                return node, of_op.labels[i]
    return None
