"""The judge: is the analytic gradient of a function the slope that the function really has?

A gradient is a matrix-sized claim, and one number tests it: for a random cotangent c and a random direction d the slope of
<c, f(x + s d)> at s = 0 must be <gradient, d>. The cotangent is never all ones: a sum over softmax is constant, so ones
would pass a softmax whose gradient is zero. The slope comes with a claim of how far it is off, and that claim is the
tolerance: there is none to tune. So one number also sees one entry among a hundred thousand that is wrong by a percent.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check import blame
from tinygrad_ko.check.kinks import cancelled, differentiable, subgradient
from tinygrad_ko.check.line import Line, projection, random_line
from tinygrad_ko.check.properties import broken_property, in_single_precision
from tinygrad_ko.check.report import GradientMismatch, GradientUndecided, Projection, Report, Verdict, listeners
from tinygrad_ko.check.slope import EPS
from tinygrad_ko.check.subject import First, Pull, Second, Subject
from tinygrad_ko.engine.graph import behind
from tinygrad_ko.errors import explain
from tinygrad_ko.state.randomness import Rng, generator

Effort = Literal["quick", "usual", "thorough"]
UNLIKE = ("smooth", "noisy", "not finite")  # what a slope may look like if the inputs are of unlike sizes
PROJECTIONS = {"quick": 1, "usual": 2, "thorough": 8}  # quick: of all arguments together


def check_gradient(
    f: Callable[..., Any],
    *inputs: Any,
    parameters: Any = None,
    wrt: Any = None,
    order: int = 1,
    effort: Effort = "usual",
    rng: Rng = 0,
) -> Report:
    """Hold the gradient of `f` at `inputs` against numerical differentiation. Returns a report that prints as a table.

    `f` is an op, any function of Tensors (its result a Tensor of any shape, or several in lists and dicts), or a Module, whose
    parameters are then checked too. Floating inputs (arrays, numbers, lists, Tensors, dicts of these such as the book's
    `params`) are copied to float64 and checked; integer and boolean arrays are passed on as they are (a list of ints becomes
    floats, as in `Tensor`: labels are arrays). f is called some dozens of times and must give the same value for the same inputs.

    - `parameters`: what else f reads: a Module, a Tensor, a list or a dict of Tensors. So a loss of no arguments can be
      checked: `check_gradient(lambda: loss(model(x), t), parameters=model)`.
    - `wrt`: check these arguments only, by the names that the report shows or their places among them (default: all).
    - `order=2`: the gradient of the gradient too.
    - `effort`: how sure to be. "quick" measures one projection of all arguments together with seven evaluations, and sees
      a relative error of 1e-6; "usual" two of each argument with about fifteen each, and sees 1e-9; "thorough" eight.
    - `rng`: the seed of the random cotangents and directions.

    Beside the slopes it holds f to what every gradient owes: zero for a zero cotangent, twice as much for twice the
    cotangent, the same at every call, finite where the slope is, and nearly the same in float32.

    At a kink any slope between those of the two sides is right, and the report says `subgradient`; a thousandth away the
    gradient must be the slope. Where f is smooth because kinks of its operations cancel, it is undecided. See docs/oracle.md.

    Raises GradientMismatch where the gradient is wrong, with the op, the entry and both values; GradientUndecided where the
    slope cannot be seen well enough to say, or no operation leads from an argument to the result; TypeError or ValueError if
    there is nothing to check.

    >>> import tinygrad_ko as tg
    >>> print(tg.check_gradient(tg.tanh, [0.5, -1.0]))  # doctest: +ELLIPSIS
    tanh: the gradient agrees; ... evaluations
      argument  shape  order  projections  formulas  difference  claim    evaluations  verdict
      x         (2,)   1      2            ...
    """
    if order not in (1, 2) or effort not in PROJECTIONS:
        raise explain(
            ValueError(f"order must be 1 or 2 and effort one of {list(PROJECTIONS)}, not {order!r} and {effort!r}"),
            f"order는 1 또는 2여야 하고, effort는 quick, usual, thorough 중 하나여야 합니다. 받은 값: order={order!r}, effort={effort!r}",
        )
    if not callable(f):
        raise explain(
            TypeError(f"check_gradient needs a function of Tensors, not {type(f).__name__}"),
            f"check_gradient에는 Tensor를 받는 함수를 넘겨야 합니다. 받은 값의 자료형: {type(f).__name__}",
        )
    __tracebackhide__ = True
    with np.errstate(all="ignore"):
        return checked(First(f, inputs, parameters, wrt), order, effort, generator(rng))


def checked(subject: First, order: int, effort: Effort, source: Any) -> Report:
    """The report on a subject; whoever listens is told of it, also if it is a failure."""
    __tracebackhide__ = True
    report = Report(subject.name, numbers=sum(subject.arrays[i].size for i in subject.wanted))
    report.shapes = {label: np.shape(x) for label, x in zip(subject.labels, subject.arrays, strict=True)}
    owner = getattr(subject.f, "__self__", None)
    if hasattr(owner, "backward"):
        report.remarks.append(
            f"{type(owner).__name__}.backward was not checked: this is the gradient of the package's own ops"
        )
    try:
        Check(subject, report, effort, source).run()
        if order == 2 and any(p.verdict == "subgradient" for p in report.projections):
            report.remarks.append("at a kink the gradient itself jumps: order 2 was checked a thousandth away from it")
            Check(Second.of(subject.nudged(source), source), report, effort, source).run()
        elif order == 2:
            Check(Second.of(subject, source), report, effort, source).run()
        if all(p.size == 0 for p in report.projections):
            report.remarks.append("the gradient is 0 here, as the formulas say; other inputs may show more")
        report.verdict = "agrees"
    finally:
        subject.progress.close()
        report.evaluations = subject.progress.count
        for listener in listeners if report.verdict != "unfinished" else ():
            listener(report)
    return report


class Check:
    """One order of a check: the projections and the free properties of a subject, written to a report."""

    def __init__(self, subject: Subject, report: Report, effort: Effort, source: Any) -> None:
        self.subject, self.report, self.effort, self.source = subject, report, effort, source
        self.judged: Verdict | None = None  # what the operations of f by themselves came to, once that was asked
        self.kinked: list[str] = []  # which of them are at a kink

    def run(self) -> None:
        """Raise if anything is wrong or cannot be seen."""
        __tracebackhide__ = True
        subject = self.subject
        here, pull = subject.pullback(subject.arrays)
        if not np.isfinite(here).all():
            raise self.undecided(*blame.first_not_finite(subject))
        if not repeatable(subject, here):
            if subject.order == 1:
                raise self.undecided(
                    "it gives another value when it is called again with the same inputs; if it draws random numbers, seed them"
                    " inside it",
                    "같은 입력으로 다시 호출하면 값이 달라집니다. 난수를 쓴다면 함수 안에서 시드를 고정하십시오.",
                )
            raise self.failure(
                GradientMismatch,
                "the formulas give another gradient on Tensors (create_graph=True) than on arrays",
                "같은 공식인데 배열로 계산한 기울기와 Tensor로 계산한 기울기(create_graph=True)가 서로 다릅니다.",
            )
        pull = remembering(pull)
        together = [subject.wanted] if self.effort == "quick" else [[i] for i in subject.wanted]
        for _ in range(PROJECTIONS[self.effort]):
            c = self.source.standard_normal(here.shape)
            self.hold_to_its_properties(pull, c)
            for group in together:
                self.project(group, here, pull, c)
        if isinstance(subject, First) and not all(np.any(g) for g in pull(c)):
            self.look_for_a_way(subject)
        if isinstance(subject, First) and self.effort != "quick":
            c = self.source.standard_normal(here.shape)
            wrong, remark = in_single_precision(subject, c)
            self.remark(remark)
            if wrong and in_single_precision(subject.nudged(self.source), c)[0]:  # and no threshold between two numbers
                raise self.failure(GradientMismatch, *wrong)

    def hold_to_its_properties(self, pull: Pull, c: Array) -> None:
        """Raise if a formula fails, or does not give what every gradient owes."""
        __tracebackhide__ = True
        try:
            broken = broken_property(self.subject, pull, c)
        except Exception as error:
            notes = getattr(error, "__notes__", [])
            if not any(note.startswith("in the backward of") for note in notes):
                raise
            text = f"backpropagation fails: {type(error).__name__}: {error} ({notes[-1]})"
            korean = next((note for note in notes if not note.isascii()), "미분 공식을 계산하는 중에 오류가 났습니다.")
            raise self.failure(GradientMismatch, text, korean) from error
        if broken:
            raise self.failure(GradientMismatch, *blame.breaker(self.subject.first, broken, self.source))

    def look_for_a_way(self, subject: First) -> None:
        """Raise if no operation leads from an argument to the result; where that is so of some arguments, it is a remark."""
        __tracebackhide__ = True
        y, leaves, _ = subject.run(subject.arrays)
        reached = set(behind(y.node))
        unused = [
            repr(subject.labels[i]) for i, leaf in zip(subject.wanted, leaves, strict=True) if leaf.node not in reached
        ]
        if len(unused) == len(leaves):
            self.report.projections = [replace(p, verdict="undecided") for p in self.report.projections]
            raise self.undecided(
                f"no operation leads from {' or '.join(unused)} to the result, so nothing was checked; if f reads other Tensors, name"
                " them: check_gradient(f, ..., parameters=[net.W])",
                "인수에서 결과로 이어지는 연산이 없어 확인한 것이 없습니다. f가 인수가 아닌 Tensor를 읽는다면 parameters=[net.W]처럼"
                " 그 Tensor를 넘기십시오.",
            )
        for label in unused:
            self.remark(f"no operation leads from {label} to the result: its gradient is 0")

    def project(self, group: list[int], here: Array, pull: Pull, c: Array) -> None:
        """Compare the formulas with the slope along a random direction of some arguments."""
        __tracebackhide__ = True
        label = self.subject.labels[group[0]] if len(group) == 1 else "all together"
        line = random_line(self.subject, group, here, c, self.source)
        found = projection(line, pull, self.subject.order, label, hurried=self.effort == "quick")
        if found.verdict == "undecided" and found.slope.kind in UNLIKE:
            line = random_line(self.subject, group, here, c, self.source, every_its_own=True)
            other = projection(line, pull, self.subject.order, label, hurried=False)
            found = other if other.verdict in ("agrees", "mismatch") else found
        if not np.isfinite(found.analytic):
            pass
        elif self.subject.order == 1 and found.slope.kind in ("kink", "jump"):
            found = self.at_a_kink(found, line, group, pull)
        elif found.verdict != "agrees" and self.nearby(group, label, c)[1].verdict == "agrees":
            found = self.where_kinks_meet(found, group, here, c)
        self.report.projections.append(found)
        if found.verdict == "mismatch":
            raise self.mismatch(found, group, c)
        if found.verdict == "undecided":
            if found.size == 0 and isinstance(self.subject, First):
                self.look_for_a_way(self.subject)
            raise self.undecided(*reason(found, self.subject, c))
        if found.verdict == "subgradient" and self.subject.order == 1:
            near, beside = self.nearby(group, label, c)
            if beside.verdict == "mismatch" and beside.slope.kind not in ("kink", "jump"):
                self.report.projections.append(beside)
                self.remark("the inputs are at a kink; what is told of is a thousandth away from it")
                raise Check(near, self.report, self.effort, self.source).mismatch(beside, group, c)

    def at_a_kink(self, found: Projection, line: Line, group: list[int], pull: Pull) -> Projection:
        """The verdict along a few directions; where f is made of several operations, that on each of them as well."""
        for _ in range(3):  # in one direction alone, a wrong subgradient may lie between the slopes by luck
            found = subgradient(line, found, pull, self.source)
            if found.verdict != "subgradient":
                break
            line = random_line(self.subject, group, line.here, line.c, self.source)
        return replace(found, verdict=self.by_operations()) if self.subject.first.op is None else found

    def where_kinks_meet(self, found: Projection, group: list[int], here: Array, c: Array) -> Projection:
        """The verdict where the formulas agree a thousandth away and not here: operations may have kinks that do not show in f."""
        __tracebackhide__ = True
        if self.subject.order == 1 and found.verdict != "mismatch":
            return found
        if found.slope.kind not in ("kink", "jump"):  # that is at order 2: the gradient has them
            judged = self.by_operations()
            kinked = judged == "subgradient" or (judged == "undecided" and self.kinked)
            if found.verdict == "mismatch" and kinked and differentiable(self.subject, group, here, c, self.source):
                self.report.projections.append(replace(found, verdict="undecided"))
                raise self.undecided(*cancelled(found, self.kinked))
            if judged != "subgradient":
                return found
        if self.subject.order == 2:
            self.remark("the gradient has a kink here; a thousandth away its own gradient agrees")
        else:
            self.remark("kinks meet in f: its gradient here is a sum of subgradients, which is not the slope")
        return replace(found, verdict="subgradient")

    def nearby(self, group: list[int], label: str, c: Array) -> tuple[Subject, Projection]:
        """The same comparison a thousandth away, where there is hardly a kink, and the subject there."""
        near: Subject = self.subject.first.nudged(self.source)
        near = near if self.subject.order == 1 else Second.of(near.first, self.source)
        here, pull = near.pullback(near.arrays)
        line = random_line(near, group, here, c, self.source)
        return near, projection(line, pull, near.order, label, hurried=False)

    def by_operations(self) -> Verdict:
        """The verdict on f made of several operations: each must give a subgradient at its own inputs."""
        if self.subject.first.op is not None:
            return "mismatch"
        if self.judged is None:
            reports = [
                self.alone(blame.alone(node), self.subject.order) for node in blame.operations(self.subject.first)
            ]
            verdicts = {report.verdict for report in reports}
            self.kinked = sorted({r.name for r in reports if any(p.verdict == "subgradient" for p in r.projections)})
            self.judged = (
                "mismatch" if "mismatch" in verdicts else "undecided" if "undecided" in verdicts else "subgradient"
            )
        if self.judged == "subgradient":
            self.remark("at a kink each operation was judged at its own inputs")
        return self.judged

    def alone(self, operation: First | None, order: int) -> Report:
        """The report on one operation by itself; undecided if it cannot be judged."""
        if operation is None:
            return Report("", verdict="undecided")
        report = Report(operation.name)
        try:
            Check(operation, report, "usual", self.source).run()
            if order == 2:
                Check(Second.of(operation, self.source), report, "usual", self.source).run()
            report.verdict = "agrees"
        except (GradientMismatch, GradientUndecided):
            pass
        return report

    def remark(self, text: str | None) -> None:
        """Add a remark to the report, once."""
        if text and text not in self.report.remarks:
            self.report.remarks.append(text)

    def mismatch(self, found: Projection, group: list[int], c: Array) -> GradientMismatch:
        """The error for a projection that does not agree, with who is to blame."""
        if not np.isfinite(found.analytic):
            text, korean = blame.first_not_finite(self.subject, c)
            text, korean = (
                f"the gradient is not finite where the slope is: {text}",
                f"역전파로 구한 기울기에 NaN이나 무한대가 있습니다. {korean}",
            )
        else:
            self.report.blame = at_fault = blame.at_fault(self.subject, group, c, self.alone)
            text, korean = blame.told(self.subject.order, at_fault)
            text, korean = (
                f"the gradient is wrong\n{text}",
                f"역전파로 구한 기울기가 수치 미분의 결과와 다릅니다. {korean}",
            )
        return self.failure(GradientMismatch, text, korean)

    def undecided(self, what: str, korean: str) -> GradientUndecided:
        """The error for what cannot be seen."""
        at_order = " at order 2" if self.subject.order == 2 else ""
        korean = f"기울기가 맞는지 판단할 수 없습니다. {korean}"
        return self.failure(GradientUndecided, f"cannot decide{at_order}: {what}", korean)

    def failure(self, kind: Any, text: str, korean: str) -> Any:
        """An error with the report."""
        self.report.verdict = "undecided" if kind is GradientUndecided else "mismatch"
        self.report.evaluations = self.subject.progress.count
        error = kind("\n".join([f"{self.report.name}: {text}", *self.report.table()]))
        error.report = self.report
        return explain(error, f"{self.report.name}: {korean}")


def remembering(pull: Pull) -> Pull:
    """The same pullback, which does not compute twice in a row for one cotangent."""
    last: list[Any] = [None, None]

    def again(c: Array) -> Any:
        if last[0] is not c:
            last[:] = c, pull(c)
        return last[1]

    return again


def repeatable(subject: Subject, here: Array) -> bool:
    """Whether f gives the same value for the same inputs, but for the last bits."""
    again = subject.value(subject.arrays)
    near = 64 * subject.eps * np.max(np.abs(here), initial=0)
    return again.shape == here.shape and bool(np.all(np.abs(again - here) <= near))


def reason(p: Projection, subject: Subject, c: Array) -> tuple[str, str]:
    """Why a projection is undecided."""
    at = f"along a random direction of {p.argument!r}"
    if p.slope.kind == "not finite":
        return blame.first_not_finite(subject, c)
    if subject.eps > EPS:
        return (
            f"it computes in single precision, too coarse {at}: slope {p.slope}; let it compute in float64",
            "float32로 계산하여 수치 미분의 오차가 너무 큽니다. 함수 안에서 float64로 계산하십시오.",
        )
    if p.slope.kind in ("kink", "jump"):
        return (
            f"kinks add up {at}, and not every operation can be judged at its own inputs; choose other inputs",
            "여러 꺾인 점이 겹쳐 있어 연산마다 따로 판단해야 하지만, 판단할 수 없는 연산이 있습니다. 다른 입력으로 확인하십시오.",
        )
    if p.slope.kind == "noisy":
        return (
            f"its values are too noisy {at}: slope {p.slope}",
            "함수값에 잡음이 커서 기울기를 잴 수 없습니다. 난수, float32 계산, 덜 수렴한 반복 계산이 섞여 있지 않은지 확인하십시오.",
        )
    if p.slope.kind in ("flat", "saturated"):
        return (
            f"it changes by no more than its last bits {at}, but the formulas give {p.analytic:.3g}; choose other inputs, or"
            " leave that argument out with wrt= if its gradient is 0",
            "이 점에서는 함수값이 거의 변하지 않아 기울기를 잴 수 없습니다. 다른 입력으로 확인하거나 wrt로 그 인수를 빼십시오.",
        )
    return (
        f"the slope cannot be measured well enough {at}: {p.slope}, formulas {p.analytic:.6g}",
        "수치 미분의 오차가 커서 비교할 수 없습니다. 다른 입력으로 확인하십시오.",
    )
