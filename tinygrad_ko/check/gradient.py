"""The gradient check: compares the analytic gradient of a function with numerical differentiation.

A gradient is as large as a matrix, and one number tests it: for a random cotangent c and a random direction d the directional
derivative of <c, f(x + s d)> at s = 0 must be <gradient, d>. The cotangent is never all ones: a sum over softmax is constant, so
ones would accept a softmax whose gradient is zero. The numerical derivative comes with an error estimate, and that is the
tolerance: there is none to tune. So one number also shows one entry among a hundred thousand that is wrong by a percent.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal, TypedDict

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.comparison import compare_briefly, compare_slopes
from tinygrad_ko.check.diagnosis import (
    Doubt,
    blame_for_writing,
    blame_in_graph,
    describe_blame,
    describe_broken_property,
    diagnose,
    first_nonfinite,
    operations,
)
from tinygrad_ko.check.doubts import why_undecided
from tinygrad_ko.check.function import CheckedFunction, FirstOrder, Primal, on_a_copy
from tinygrad_ko.check.kinks import compare_subgradient, is_differentiable, kinks_cancel
from tinygrad_ko.check.libraries import of_another_library
from tinygrad_ko.check.line import Line, random_line
from tinygrad_ko.check.properties import compare_in, find_broken_property, is_deterministic
from tinygrad_ko.check.record import CheckCall
from tinygrad_ko.check.report import Blame, GradientMismatch, GradientUndecided, Projection, Report, Verdict, listeners
from tinygrad_ko.check.steps import why_inexact
from tinygrad_ko.engine.graph import behind
from tinygrad_ko.errors import explain
from tinygrad_ko.state.randomness import Rng, generator

Effort = Literal["quick", "usual", "thorough"]
PROJECTIONS = {
    "quick": 1,
    "usual": 1,
    "thorough": 7,
}  # quick: of all arguments together; the others: one more of them nearby
_LARGE = 10_000  # so many numbers are large: evaluations take long
_RETRY_RELATIVE = ("smooth", "noisy", "not finite")  # what a slope may look like if the inputs are of unlike sizes


def check_gradient(
    f: Callable[..., Any],
    *inputs: Any,
    parameters: Any = None,
    keywords: dict[str, Any] | None = None,
    wrt: Any = None,
    order: int = 1,
    effort: Effort = "usual",
    rtol: float = 0.0,
    float32: bool = True,
    rng: Rng = 0,
) -> Report:
    """Compare the gradient of `f` at `inputs` with numerical differentiation. Returns a report that prints as a table.

    `f` is an op, any function of Tensors (its result a Tensor of any shape, or several in lists and dicts), or a Module, whose
    parameters are then checked too. Floating inputs (arrays, numbers, lists, Tensors, and dicts such as the book's `params`,
    lists, tuples and dataclasses of these) are copied to float64 and checked; integer and boolean arrays are passed on as they are
    (a list of ints becomes floats, as in `Tensor`: labels are arrays). f is called some dozens of times and must give the same value for
    the same inputs.

    - `parameters`: what else f reads: a Module, a Tensor, a list or a dict of Tensors. So a loss of no arguments can be
      checked: `check_gradient(lambda: loss(model(x), t), parameters=model)`. A Module, or a method of one, is checked on a copy;
      other parameters are moved where they are, and put back, so no other thread should use them meanwhile.
    - `keywords`: what f is given by name, as a dict; it is checked too.
    - `wrt`: check these arguments only, by the names that the report shows or their places among them (default: all).
    - `order=2`: the gradient of the gradient too.
    - `effort`: how sure to be. "quick" measures one projection of all arguments together with seven evaluations, and sees
      a relative error of 1e-6. "usual" measures one of each argument with about fifteen, and one of all a thousandth away (for a matrix
      that is symmetric, or inputs that are all 1, hide mistakes); it sees 1e-9, and of more than 10,000 numbers, where nine evaluations
      do if they are good enough, 1e-7. "thorough" measures seven of each. The first line of the report says what would have been seen.
    - `rtol`: how exactly f is computed, relative to its size. Give it for a function that rounds inside or stops at a tolerance: then
      its slope is measured over long distances, and the gradient may be off by so much.
    - `float32=False`: never call f with float32 arrays, which "usual" does once: for code that can only compute in float64.
    - `rng`: the seed of the random cotangents and directions.

    It also checks the properties of any vector-Jacobian product: zero for a zero cotangent, linear in the cotangent, the same at
    every call, finite where the slope is, and nearly the same in float32.

    At a kink any slope between those of the two sides is right, and the report says `subgradient`; a thousandth away the
    gradient must be the slope. Where f is smooth because kinks of its operations cancel, it is undecided. See docs/oracle.md.

    Raises GradientMismatch where the gradient is wrong, with the op, the entry and both values; GradientUndecided where the
    slope cannot be seen well enough to say, or no operation leads from an argument to the result; TypeError or ValueError if
    there is nothing to check.

    >>> import tinygrad_ko as tg
    >>> print(tg.check_gradient(tg.tanh, [0.5, -1.0]))  # doctest: +ELLIPSIS
    tanh: the gradient agrees; resolution ... evaluations
      argument  shape  order  projections  formulas  difference  error    evaluations  verdict
      x         (2,)   1      2            ...
    """
    if not callable(f):
        raise explain(
            TypeError(f"check_gradient needs a function of Tensors, not {type(f).__name__}"),
            f"check_gradient에는 Tensor를 받는 함수를 넘겨야 합니다. 받은 값의 자료형: {type(f).__name__}",
        )
    __tracebackhide__ = True
    with np.errstate(all="ignore"):
        asked = f
        checked: Primal | None = None if keywords else of_another_library(f, inputs, parameters, wrt)
        if checked is None:
            f, parameters = on_a_copy(f, parameters)
            checked = FirstOrder(f, inputs, parameters, wrt, keywords)
        options = {"parameters": parameters, "keywords": keywords, "wrt": wrt}
        given = {name: value for name, value in options.items() if value is not None}
        call = CheckCall("check_gradient", (asked,), inputs, given)
        return judge(checked, call, order=order, effort=effort, rtol=rtol, float32=float32, rng=rng)


class Options(TypedDict, total=False):
    """How hard a check looks: options of `check_gradient` that every check has."""

    effort: Effort
    rtol: float
    float32: bool
    rng: Rng


def judge(
    f: Primal,
    call: CheckCall,
    *,
    order: int = 1,
    effort: Effort = "usual",
    rtol: float = 0.0,
    float32: bool = True,
    rng: Rng = 0,
) -> Report:
    """The report on a function at a point; the options are those of `check_gradient`, and `call` is how the user called the check."""
    __tracebackhide__ = True
    if order not in (1, 2) or effort not in PROJECTIONS:
        efforts = list(PROJECTIONS)
        raise explain(
            ValueError(f"order must be 1 or 2 and effort one of {efforts}, not {order!r} and {effort!r}"),
            f"order는 1 또는 2여야 하고, effort는 {efforts} 중 하나여야 합니다. 받은 값: order={order!r}, effort={effort!r}",
        )
    if not 0 <= rtol < 1:
        raise explain(
            ValueError(f"rtol says how exactly f is computed: a number from 0 to 1, not {rtol!r}"),
            f"rtol은 함수가 얼마나 정확히 계산되는지를 나타내는 0 이상 1 미만의 수여야 합니다. 받은 값: {rtol!r}",
        )
    f.rtol, f.float32 = rtol, float32
    options = {"order": order, "effort": effort, "rtol": rtol, "float32": float32, "rng": rng}
    f.call = replace(call, options=options)
    with np.errstate(all="ignore"):
        return _check(f, order, effort, generator(rng))


def _check(f: Primal, order: int, effort: Effort, rng: Any) -> Report:
    __tracebackhide__ = True
    report = Report(f.name, numbers=sum(f.point[i].size for i in f.wrt), remarks=[*f.remarks])
    report.has_graph, report.call = isinstance(f, FirstOrder), f.call
    report.points = dict(zip(f.labels, f.point, strict=True))
    report.shapes = {label: np.shape(x) for label, x in zip(f.labels, f.point, strict=True)}
    kind = type(getattr(f.f, "__self__", None))
    if isinstance(f, FirstOrder) and hasattr(kind, "backward"):
        report.remarks.append(f"{kind.__name__}.backward was not checked: this is the gradient of the package's ops")
    try:
        _OrderCheck(f, report, effort, rng).run()
        kinked = order == 2 and any(p.verdict == "subgradient" for p in report.projections)
        if kinked:
            report.remarks.append("at a kink the gradient itself jumps: order 2 was checked a thousandth away from it")
        if order == 2:
            _OrderCheck((f.perturbed(rng) if kinked else f).gradient(rng), report, effort, rng).run()
        if all(p.size == 0 for p in report.projections):
            report.remarks.append("the gradient is 0 here, as the formulas say; other inputs may show more")
        report.verdict = "agrees"
    finally:
        f.progress.close()
        report.evaluations = f.progress.count
        for listener in listeners if report.verdict != "unfinished" else ():
            listener(report)
    return report


class _OrderCheck:
    """One order of a check: the projections of a gradient and the properties of its vjp, written to a report."""

    def __init__(self, f: CheckedFunction, report: Report, effort: Effort, rng: Any) -> None:
        self.f, self.report, self.effort, self.rng = f, report, effort, rng
        self.doubts: list[tuple[str, str]] = []  # why projections are undecided, in both languages

    def run(self) -> None:
        __tracebackhide__ = True
        f, rng = self.f, self.rng
        if not np.isfinite(f.y).all():
            raise self.undecided(*first_nonfinite(f))
        if not is_deterministic(f):
            if f.order == 1:
                raise self.undecided(
                    "it gives another value when it is called again with the same inputs; if it draws random numbers, seed them in f",
                    "같은 입력으로 다시 호출하면 값이 달라집니다. 난수를 쓴다면 함수 안에서 시드를 고정하십시오.",
                )
            raise self.failure(
                GradientMismatch,
                "the formulas give another gradient on Tensors (create_graph=True) than on arrays",
                "같은 공식인데 배열로 계산한 기울기와 Tensor로 계산한 기울기(create_graph=True)가 서로 다릅니다.",
            )
        groups = [f.wrt] if self.effort == "quick" else [[i] for i in f.wrt]
        for _ in range(PROJECTIONS[self.effort]):
            c = rng.standard_normal(f.y.shape)
            self.check_properties(c)
            if isinstance(f, FirstOrder) and self.effort != "quick":
                self.check_writing(f, c)
            for group in groups:
                self.check_projection(group, c)
        if self.effort != "quick":
            self.check_nearby()
        if self.doubts:
            raise self.undecided(*self.doubts[0])
        if isinstance(f, FirstOrder) and not all(np.any(g) for g in f.gradients(c).values()):
            self.require_dependence(f)
        if isinstance(f, Primal) and f.order == 1 and f.float32:
            self.check_dtypes(f)

    def check_dtypes(self, f: Primal) -> None:
        """The gradient in float32, and in float16 if that is what was given, beside that in float64."""
        __tracebackhide__ = True
        if self.effort == "quick":
            if f.half:
                self.remark("checked in float64 alone, not in float16, which was given")
            return
        c = self.rng.standard_normal(f.y.shape)
        for dtype in (np.float32, np.float16) if f.half else (np.float32,):
            wrong, remarks = compare_in(f, c, dtype)
            self.report.remarks += [remark for remark in remarks if remark not in self.report.remarks]
            if wrong and compare_in(f.perturbed(self.rng), c, dtype)[0]:  # and it is no threshold between two numbers
                raise self.failure(GradientMismatch, *wrong)

    def check_properties(self, c: Array) -> None:
        __tracebackhide__ = True
        try:
            broken = find_broken_property(self.f, c, self.effort != "quick")
        except Exception as error:
            notes = getattr(error, "__notes__", [])
            if not any(note.startswith("in the backward of") for note in notes):
                raise
            raised = f"{type(error).__name__}: {error} ({notes[-1]})"
            korean = next((note for note in notes if not note.isascii()), "미분 공식을 계산하는 중에 오류가 났습니다.")
            korean = f"{korean} 받은 오류: {raised}"
            raise self.failure(GradientMismatch, f"backpropagation fails: {raised}", korean) from error
        if broken:
            raise self.failure(GradientMismatch, *describe_broken_property(self.f.primal, broken, self.rng))

    def check_writing(self, f: FirstOrder, c: Array) -> None:
        __tracebackhide__ = True
        if blame := blame_for_writing(f, c):
            self.report.blame = blame
            text, korean = describe_blame(1, blame)
            raise self.failure(
                GradientMismatch, f"the gradient is wrong where others need the same arrays\n{text}", korean
            )

    def require_dependence(self, f: FirstOrder) -> None:
        """Raise if no operation leads from any argument to the result; where that is so of some arguments, add remarks."""
        __tracebackhide__ = True
        y, leaves, _ = f.forward(f.point)
        reached = set(behind(y.node))
        unused = [repr(f.labels[i]) for i, leaf in zip(f.wrt, leaves, strict=True) if leaf.node not in reached]
        if len(unused) == len(leaves):
            self.report.projections = [replace(p, verdict="undecided") for p in self.report.projections]
            raise self.undecided(
                f"no operation leads from {' or '.join(unused)} to the result, so nothing was checked; if f reads other Tensors, name"
                " them: check_gradient(f, ..., parameters=[net.W])",
                f"인수에서 결과로 이어지는 연산이 없어 확인한 것이 없습니다. 인수: {', '.join(unused)}. f가 인수가 아닌 Tensor를 읽는다면"
                " check_gradient(f, ..., parameters=[net.W])처럼 그 Tensor를 넘기십시오.",
            )
        for label in unused:
            self.remark(f"no operation leads from {label} to the result: its gradient is 0")

    def check_projection(self, group: list[int], c: Array) -> None:
        __tracebackhide__ = True
        f, rng = self.f, self.rng
        line = random_line(f, group, c, rng)
        large = sum(f.point[i].size for i in f.wrt) > _LARGE
        brief = self.effort == "quick" or (self.effort == "usual" and large)
        first = compare_briefly(line, self.effort == "quick") if brief else compare_slopes(line)
        clear = first.verdict == "mismatch" and first.slope.kind == "smooth"
        whole_graph = f.order == 1 and isinstance(f, FirstOrder) and f.op is None
        blame = blame_in_graph(line, self.check_operation, first.difference) if clear and whole_graph else None
        if isinstance(blame, Blame):
            self.report.projections.append(first)
            raise self.mismatch(first, line, blame)  # one operation that is wrong decides
        found = compare_slopes(line, first) if brief else first
        if found.verdict == "undecided" and found.slope.kind in _RETRY_RELATIVE:
            line = random_line(f, group, c, rng, relative=True)
            other = compare_slopes(line)
            found = other if other.verdict in ("agrees", "mismatch") else found
        if not np.isfinite(found.analytic):
            pass
        elif f.order == 1 and found.slope.kind in ("kink", "jump"):
            found = self.at_kink(found, line)
        elif found.verdict != "agrees" and self.compare_nearby(line)[1].verdict == "agrees":
            found = self.where_kinks_meet(found, line)
        if self.is_inexact(found, line):
            return
        self.report.projections.append(found)
        if found.verdict == "mismatch":
            raise self.mismatch(found, line)
        if found.verdict == "undecided":
            if found.size == 0 and isinstance(f, FirstOrder):
                self.require_dependence(f)
            self.doubts.append(why_undecided(found, line))
        if found.verdict == "subgradient" and f.order == 1:
            near, beside = self.compare_nearby(line)
            if beside.verdict == "mismatch" and beside.slope.kind not in ("kink", "jump"):
                self.report.projections.append(beside)
                self.remark("the inputs are at a kink; what is reported was found a thousandth away from it")
                raise _OrderCheck(near.f, self.report, self.effort, rng).mismatch(beside, near)

    def is_inexact(self, found: Projection, line: Line) -> bool:
        """Whether an operation is off by no more than its function may be, which is a doubt."""
        if found.verdict != "mismatch" or not self.f.primal.whole or self.f.rtol:
            return False  # a function of several operations is off by one of them
        if why := why_inexact(line, found, self.rng):
            self.report.projections.append(replace(found, verdict="undecided"))
            self.doubts.append(why)
        return why is not None

    def at_kink(self, found: Projection, line: Line) -> Projection:
        if not self.f.primal.whole:
            return replace(found, verdict=self.by_operations[0])
        return compare_subgradient(line, found, self.rng)

    def where_kinks_meet(self, found: Projection, line: Line) -> Projection:
        # The gradients agree a thousandth away and not here: operations may have kinks that do not show in f.
        __tracebackhide__ = True
        if self.f.order == 1 and found.verdict != "mismatch":
            return found
        if self.f.order == 1 and self.f.primal.whole:  # a tie, that does not show along this line
            return self.at_kink(found, line)
        if found.slope.kind not in ("kink", "jump"):  # that is at order 2: the gradient has them
            verdict, kinked = self.by_operations
            cancelling = verdict == "subgradient" or (verdict == "undecided" and kinked)
            if found.verdict == "mismatch" and cancelling and is_differentiable(line, self.rng):
                self.doubts.append(kinks_cancel(found, kinked))
                return replace(found, verdict="undecided")
            if verdict != "subgradient":
                return found
        if self.f.order == 2:
            self.remark("the gradient has a kink here; a thousandth away its own gradient agrees")
        else:
            self.remark("kinks meet in f: its gradient here is a sum of subgradients, which is not the slope")
        return replace(found, verdict="subgradient")

    def check_nearby(self) -> None:
        """One projection of all arguments a thousandth away, where no symmetry, zero or tie of the inputs hides a mistake."""
        __tracebackhide__ = True
        if any(p.verdict != "agrees" for p in self.report.projections if p.order == self.f.order):
            return  # a kink, where that was done, or a doubt
        for _ in range(2):  # two such points must say that it is wrong
            f = self.nearby()
            line = random_line(f, f.wrt, self.rng.standard_normal(f.y.shape), self.rng)
            found = compare_slopes(line)
            if found.verdict != "agrees":  # kinks: take steps that do not reach back to them
                found = compare_slopes(line, stretch=2.0**-10)
            if found.verdict != "mismatch" or found.slope.kind in ("kink", "jump"):
                self.report.nearby |= {f.order} if found.verdict == "agrees" else set()
                return
        if self.is_inexact(found, line):
            return
        self.report.projections.append(replace(found, argument=f"{line.label}, nearby"))
        self.remark("it agrees at the inputs; what is reported was found a thousandth away from them")
        raise _OrderCheck(f, self.report, self.effort, self.rng).mismatch(found, line)

    def nearby(self) -> CheckedFunction:
        primal = self.f.primal.perturbed(self.rng)
        return primal if self.f.order == 1 else primal.gradient(self.rng)

    def compare_nearby(self, line: Line) -> tuple[Line, Projection]:
        # A thousandth away, where there is hardly a kink.
        f = self.nearby()
        near = random_line(f, line.d, line.c, self.rng)
        return near, compare_slopes(near, stretch=2.0**-10)  # with steps that do not reach back to it

    @cached_property
    def by_operations(self) -> tuple[Verdict, list[str]]:
        """The verdict on f made of several operations, which must each give a subgradient at their own inputs; those at a kink."""
        if self.f.primal.whole:
            return "mismatch", []
        reports = [self.check_operation(operation) for _, operation in operations(self.f.primal)]
        kinked = sorted({r.name for r in reports if any(p.verdict == "subgradient" for p in r.projections)})
        verdicts = [report.verdict for report in reports]
        if "mismatch" in verdicts or "undecided" in verdicts:
            return "mismatch" if "mismatch" in verdicts else "undecided", kinked
        if reports:
            self.remark("at a kink each operation was judged at its own inputs")
        return "subgradient", kinked

    def check_operation(self, operation: Primal | None) -> Report:
        if operation is None:
            return Report("", verdict="undecided")
        report, operation.float32 = Report(operation.name), self.f.primal.float32
        with suppress(GradientMismatch, GradientUndecided):
            _OrderCheck(operation, report, "usual", self.rng).run()
            if self.f.order == 2:
                _OrderCheck(operation.gradient(self.rng), report, "usual", self.rng).run()
            report.verdict = "agrees"
        return report

    def remark(self, text: str | None) -> None:
        if text and text not in self.report.remarks:
            self.report.remarks.append(text)

    def mismatch(self, found: Projection, line: Line, blame: Blame | Doubt | None = None) -> AssertionError:
        if np.isfinite(found.analytic):
            blame = blame or diagnose(line, self.check_operation, found.difference)
            if isinstance(blame, Doubt):
                self.report.projections[-1] = replace(found, verdict="undecided")
                return self.undecided(*blame)
            self.report.blame = blame
            text, korean = describe_blame(self.f.order, self.report.blame)
            text, summary = f"the gradient is wrong\n{text}", "역전파로 구한 기울기가 수치 미분의 결과와 다릅니다."
        else:
            text, korean = first_nonfinite(self.f, line.c)
            text = f"the gradient is not finite where the slope is: {text}"
            summary = "기울기는 유한한데 역전파로 구한 값에 NaN이나 무한대가 있습니다."
        return self.failure(GradientMismatch, text, f"{summary} {korean}")

    def undecided(self, text: str, korean: str) -> GradientUndecided:
        at_order, where = (" at order 2", "2차 미분: ") if self.f.order == 2 else ("", "")
        self.report.doubt = text, korean
        korean = f"{where}기울기가 맞는지 판단할 수 없습니다. {korean}"
        return self.failure(GradientUndecided, f"cannot decide{at_order}: {text}", korean)

    def failure(self, kind: Any, text: str, korean: str) -> Any:
        self.report.verdict = "undecided" if kind is GradientUndecided else "mismatch"
        error = kind("\n".join([f"{self.report.name}: {text}", *self.report.table()]))
        error.report = self.report
        return explain(error, f"{self.report.name}: {korean}")
