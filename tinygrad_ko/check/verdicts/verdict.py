"""The verdict on one order of a gradient: its projections, compared with measured slopes, and the properties of its vjp."""

from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check.blame.diagnosis import (
    Doubt,
    blame_for_writing,
    blame_in_graph,
    describe_blame,
    describe_broken_property,
    diagnose,
    first_nonfinite,
    operations,
)
from tinygrad_ko.check.functions.function import CheckedFunction, FirstOrder, Primal
from tinygrad_ko.check.functions.line import Line, random_line
from tinygrad_ko.check.functions.properties import compare_in, find_broken_property, is_deterministic
from tinygrad_ko.check.reports.report import Blame, GradientMismatch, GradientUndecided, Projection, Report, Verdict
from tinygrad_ko.check.verdicts.comparison import compare_briefly, compare_from_near, compare_slopes
from tinygrad_ko.check.verdicts.doubts import why_undecided
from tinygrad_ko.check.verdicts.kinks import (
    compare_subgradient,
    is_continuous,
    is_differentiable,
    is_right_beside,
    kinks_cancel,
    kinks_or_apart,
)
from tinygrad_ko.check.verdicts.parts import LEVELS, small_outputs, unseen_entries
from tinygrad_ko.check.verdicts.steps import why_inexact
from tinygrad_ko.engine.graph import behind
from tinygrad_ko.errors import explain

Effort = Literal["quick", "usual", "thorough"]
PROJECTIONS = {
    "quick": 1,
    "usual": 1,
    "thorough": 7,
}  # quick: of all arguments together; the others: one more of them nearby
_LARGE = 10_000  # so many numbers are large: evaluations take long
_RETRY_RELATIVE = ("smooth", "noisy", "not finite")  # what a slope may look like if the inputs are of unlike sizes


class OrderCheck:
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
            why = "the formulas give another gradient at the second call", "기울기를 다시 구하면 값이 달라집니다."
            if isinstance(f.primal, FirstOrder):
                why = (
                    "the formulas give another gradient on Tensors (create_graph=True) than on arrays",
                    "같은 공식인데 배열로 계산한 기울기와 Tensor로 계산한 기울기(create_graph=True)가 서로 다릅니다.",
                )
            raise self.failure(GradientMismatch, *why)
        groups = [f.wrt] if self.effort == "quick" else [[i] for i in f.wrt]
        for _ in range(PROJECTIONS[self.effort]):
            c = rng.standard_normal(f.y.shape)
            self.check_properties(c)
            if isinstance(f, FirstOrder) and self.effort != "quick":
                self.check_writing(f, c)
            for group in groups:
                self.check_projection(group, c)
        if self.effort != "quick":
            self.check_small_outputs()
            self.check_nearby()
        if self.doubts:
            raise self.undecided(*self.doubts[0])
        if isinstance(f, FirstOrder) and not all(np.any(g) for g in f.gradients(c).values()):
            self.require_dependence(f)
        if isinstance(f, Primal) and f.order == 1 and (f.float32 or f.half):
            self.check_dtypes(f)

    @property
    def large(self) -> bool:
        """Whether evaluations take so long that few of them are tried first."""
        return self.effort == "usual" and sum(self.f.point[i].size for i in self.f.wrt) > _LARGE

    def check_dtypes(self, f: Primal) -> None:
        """The gradient in float32, and in float16 if that is what was given, beside that in float64."""
        __tracebackhide__ = True
        if self.effort == "quick" or not f.float32:
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
            korean = f"{korean.removeprefix(f'{self.report.name}: ')} 받은 오류: {raised}"
            by = self.f.computed_by[0] if self.f.by_hand else "backpropagation"
            raise self.failure(GradientMismatch, f"{by} fails: {raised}", korean) from error
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
        brief = self.effort == "quick" or self.large
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
        if found.verdict == "undecided" and found.slope.kind in ("smooth", "noisy"):
            again = compare_from_near(line)
            found = again if again.verdict in ("agrees", "mismatch") else found
        if not np.isfinite(found.analytic):
            pass
        elif f.order == 1 and found.slope.kind in ("kink", "jump"):
            found = self.at_kink(found, line)
        elif found.verdict != "agrees" and self.compare_nearby(line)[1].verdict == "agrees":
            found = self.where_kinks_meet(found, line)
        if self.is_inexact(found, line):
            return
        if found.verdict == "mismatch" and len(group) > 1 and found.slope.kind not in ("kink", "jump"):
            found, line = self.by_argument(found, line)
        self.report.projections.append(found)
        if found.verdict == "mismatch":
            raise self.mismatch(found, line)
        if found.verdict == "undecided":
            if found.size == 0 and isinstance(f, FirstOrder):
                self.require_dependence(f)
            self.doubts.append(why_undecided(found, line))
        if found.verdict == "agrees" and self.effort != "quick" and not f.forward_mode:
            self.check_small_entries(found, line)
        if found.verdict == "subgradient" and f.order == 1:
            near, beside = self.compare_nearby(line)
            if beside.verdict == "mismatch" and beside.slope.kind not in ("kink", "jump"):
                self.report.projections.append(beside)
                self.remark("the inputs are at a kink; what is reported was found a thousandth away from it")
                raise OrderCheck(near.f, self.report, self.effort, rng).mismatch(beside, near)

    def by_argument(self, found: Projection, line: Line) -> tuple[Projection, Line]:
        """What is found along all arguments together, if it is so along one of them; else what is found along the least sure of them. Where
        f hardly moves with one argument, its noise is not seen beside what another does.
        """
        lines = [random_line(line.f, [i], line.c, self.rng) for i in line.d]
        parts = [(compare_slopes(part), part) for part in lines]
        if any(part.verdict == "mismatch" for part, _ in parts):
            return found, line
        return max(parts, key=lambda part: (part[0].verdict == "undecided", part[0].resolution))

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
            at_kink = self.at_kink(found, line)
            unseen = self.f.primal.op is None and is_right_beside(line, found, self.rng)
            if at_kink.verdict == "mismatch" and unseen and is_differentiable(line, self.rng):
                self.doubts.append(kinks_or_apart(found, self.f.computed_by))
                return replace(found, verdict="undecided")
            return at_kink
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
            brief = compare_briefly(line, quick=False) if self.large else None
            found = compare_slopes(line, brief)
            if found.verdict != "agrees":  # kinks: take steps that do not reach back to them
                found = compare_slopes(line, stretch=2.0**-10)
            if found.verdict != "mismatch" or found.slope.kind in ("kink", "jump"):
                self.report.nearby |= {f.order} if found.verdict == "agrees" else set()
                return
        if self.is_inexact(found, line) or self.by_argument(found, line)[0].verdict != "mismatch":
            return
        if not is_continuous(self.f, f) or self.begins_beyond(found):
            self.remark(
                "within a thousandth of the inputs f becomes another, as beyond its domain: there it was not judged"
            )
            return
        self.report.projections.append(replace(found, argument=f"{line.label}, nearby"))
        self.remark("it agrees at the inputs; what is reported was found a thousandth away from them")
        raise OrderCheck(f, self.report, self.effort, self.rng).mismatch(found, line)

    def check_small_entries(self, found: Projection, line: Line) -> None:
        for _ in range(LEVELS):
            part = unseen_entries(line, found, self.rng)
            if part is None:
                return
            found, line = self.compare_part(part, "small entries"), part
            if found.verdict != "agrees":
                return

    def compare_part(self, line: Line, part: str) -> Projection:
        """What is found along a line that looks at a part of the gradient by itself; raises if it is clearly wrong."""
        found = compare_slopes(line)
        if found.verdict == "mismatch" and found.slope.kind == "smooth" and not self.is_inexact(found, line):
            self.report.projections.append(replace(found, argument=f"{line.label}, {part}"))
            raise self.mismatch(found, line)
        return found

    def begins_beyond(self, found: Projection) -> bool:
        """Whether what is wrong a thousandth away is right a millionth away, though it would be seen there: what the inputs hide grows with
        the distance, or with its square.
        """
        f = self.nearby(1e-6)
        beside = compare_slopes(random_line(f, f.wrt, self.rng.standard_normal(f.y.shape), self.rng), stretch=2.0**-10)
        off = found.difference / found.reference
        return beside.verdict == "agrees" and beside.resolution < 1e-2 * 1e-6 * off

    def check_small_outputs(self) -> None:
        if all(p.verdict == "agrees" for p in self.report.projections if p.order == self.f.order):
            for line in small_outputs(self.f, self.rng):
                self.compare_part(line, "small outputs")

    def nearby(self, distance: float = 1e-3) -> CheckedFunction:
        primal = self.f.primal.perturbed(self.rng, distance)
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
            OrderCheck(operation, report, "usual", self.rng).run()
            if self.f.order == 2:
                OrderCheck(operation.gradient(self.rng), report, "usual", self.rng).run()
            report.verdict = "agrees"
        return report

    def remark(self, text: str | None) -> None:
        if text and text not in self.report.remarks:
            self.report.remarks.append(text)

    @property
    def what_is_judged(self) -> str:
        return "직접 작성한 기울기" if self.f.by_hand else "역전파로 구한 기울기"

    def mismatch(self, found: Projection, line: Line, blame: Blame | Doubt | None = None) -> AssertionError:
        if np.isfinite(found.analytic):
            blame = blame or diagnose(line, self.check_operation, found.difference)
            if isinstance(blame, Doubt):
                self.report.projections[-1] = replace(found, verdict="undecided")
                return self.undecided(*blame)
            self.report.blame = blame
            text, korean = describe_blame(self.f.order, blame, self.f.by_hand)
            text, summary = f"the gradient is wrong\n{text}", f"{self.what_is_judged}가 수치 미분의 결과와 다릅니다."
        else:
            text, korean = first_nonfinite(self.f, line.c)
            text = f"the gradient is not finite where the slope is: {text}"
            summary = f"함수의 기울기는 유한한데 {self.what_is_judged}에 NaN이나 무한대가 있습니다."
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
