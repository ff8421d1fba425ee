"""`check_op`: one line that holds an op against the judge, at every kind of input it should work on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from inspect import Parameter, Signature
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity, given, settings

from tinygrad_ko.check import GradientMismatch, GradientUndecided, check_gradient
from tinygrad_ko.errors import explain
from tinygrad_ko.primitive import op as define
from tinygrad_ko.rule import Op
from tinygrad_ko.tensor import Tensor
from tinygrad_ko.testing.strategies import Call, Known, Values, calls, known, spelled


@dataclass
class OpReport:
    """What `check_op` tried."""

    name: str
    order: int
    calls: int = 0
    evaluations: int = 0
    undecided: int = 0
    shapes: set[tuple[int, ...]] = field(default_factory=set)

    def __str__(self) -> str:
        by_size = sorted(self.shapes, key=lambda shape: (len(shape), shape))
        orders = "orders 1 and 2" if self.order == 2 else "order 1"
        return (
            f"{self.name}: {self.calls} calls, {self.calls - self.undecided} agree at {orders}, {self.undecided} undecided; "
            f"{len(self.shapes)} shapes from {by_size[0]} to {by_size[-1]}; {self.evaluations} evaluations"
        )


def check_op(
    op: Callable[..., Any],
    domain: Values | Mapping[str, Values] = "real",
    *,
    signature: str | None = None,
    options: dict[str, Any] | None = None,
    order: int = 2,
    examples: int = 50,
    kinks: bool = True,
) -> OpReport:
    """Hold an op, or a function of Tensors, against the judge at `examples` calls: all kinds of shapes, broadcast if the
    op broadcasts, 0-d and empty ones among them, numbers of three magnitudes and both signs, exact zeros and ties.

    At each call its gradients must be its slopes, the gradients of its gradients too (`order=1`: not those); an op must
    give the same on arrays as on Tensors; and with float32 inputs its result and what its formulas compute must be
    float32. `domain`, `signature`, `options` and `kinks` say which calls there are: see `calls`. The same calls are
    drawn on every run.

    A reduction that refuses 0-d or empty arrays needs a signature: "(n,m)" draws matrices with at least one element.

    Raises GradientMismatch for a gradient that is wrong, AssertionError for a result or a dtype that is wrong,
    GradientUndecided if more than a tenth of the calls cannot be decided; whatever the op raises is passed on. Notes on
    the error show the smallest such call that was found.

    >>> import tinygrad_ko as tg
    >>> @tg.op(x=lambda g, x: g / (1 + tg.abs(x)) ** 2)
    ... def softsign(xp, x):
    ...     return x / (1 + xp.abs(x))
    >>> print(check_op(softsign, (-10, 10), order=1))
    softsign: 50 calls, 50 agree at order 1, 0 undecided; ... evaluations
    """
    __tracebackhide__ = True
    about = known(op, domain)
    report = OpReport(about.title, order)
    failed: list[tuple[Exception, Call, list[str]]] = []
    complaints: list[tuple[AssertionError, Call]] = []
    undecided: list[tuple[AssertionError, Call]] = []

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no mistake of the op
    )
    @given(calls(op, domain, signature=signature, options=options, kinks=kinks))
    def each(call: Call) -> None:
        report.calls += 1
        report.shapes |= {np.shape(a) for a in call[0]}
        f, inputs = bound(op, about, call)
        try:
            with np.errstate(all="ignore"):  # the judge refuses what is not finite
                try:
                    report.evaluations += check_gradient(f, *inputs, order=order).evaluations
                except GradientUndecided as error:
                    undecided.append((error, call))
                found = differs_on_arrays(f, inputs, about.title) if hasattr(op, "op") else None
                found = found or leaves_float32(op, about, call)
        except Exception as error:
            failed.append((error, call, list(getattr(error, "__notes__", []))))
            raise
        if found:
            complaints.append((found, call))

    try:
        each()
    except Exception:
        if not failed:
            raise  # Hypothesis has something to say about a strategy
        wrong, call, notes = failed[-1]  # the smallest comes last
        wrong.__notes__ = notes  # without those that Hypothesis added
        shown(wrong, about, call)
        if not isinstance(wrong, AssertionError):
            wrong.add_note(
                "if it is not meant for such arrays, name others: signature='(n,m)' draws matrices that are not empty"
            )
            explain(
                wrong,
                "이런 배열을 받지 않는 연산이라면 signature='(n,m)'처럼 받는 형상을 정하십시오. 이때 빈 배열은 만들지 않습니다.",
            )
        raise wrong.with_traceback(None) if isinstance(wrong, GradientMismatch) else wrong from None
    report.undecided = len(undecided)
    if complaints:
        found, call = min(complaints, key=size)
        shown(found, about, call)
        raise found
    if undecided and (10 * len(undecided) > report.calls or len(undecided) == report.calls):
        unclear, call = min(undecided, key=size)
        shown(unclear, about, call)
        unclear.add_note(
            f"{len(undecided)} of {report.calls} calls could not be decided, and a tenth is allowed; if {about.title} is not defined, "
            "overflows or is flat there, name the domain in which it is to be checked: check_op(..., domain=(low, high))"
        )
        raise explain(
            unclear.with_traceback(None),
            f"호출 {report.calls}개 가운데 {len(undecided)}개를 판단할 수 없었습니다(10분의 1까지만 허용합니다). 그곳에서 정의되지 않거나 "
            "값이 넘치거나 평평하다면 domain=(low, high)로 확인할 범위를 정하십시오.",
        ) from None
    return report


def size(found: tuple[Any, Call]) -> float:
    """How many numbers the arguments of a call hold; nothing can be seen from none."""
    return sum(np.size(a) for a in found[1][0]) or np.inf


def differs_on_arrays(f: Callable[..., Any], inputs: list[Any], title: str) -> AssertionError | None:
    """Whether it gives other values on arrays than on Tensors."""
    on_arrays, on_tensors = f(*map(np.copy, inputs)), f(*map(Tensor, inputs)).numpy()
    if np.shape(on_arrays) == on_tensors.shape and np.array_equal(on_arrays, on_tensors, equal_nan=True):
        return None
    return explain(
        AssertionError(f"{title}: on arrays it gives {on_arrays!r}, on Tensors {on_tensors!r}"),
        f"{title}: 배열을 넘길 때와 Tensor를 넘길 때의 결과가 다릅니다. 순전파가 인수를 바꾸거나 난수를 쓰는지 확인하십시오.",
    )


def bound(op: Callable[..., Any], about: Known, call: Call) -> tuple[Callable[..., Any], list[Any]]:
    """The op as a function of those arguments that it can be differentiated by, and their values."""
    arguments, options = call
    free = [i for i in range(len(arguments)) if about.variadic or about.names[i] in about.smooth]

    def f(*inputs: Any) -> Any:
        every = list(arguments)
        for i, x in zip(free, inputs, strict=True):
            every[i] = x
        return op(*every, **options)

    kind = Parameter.VAR_POSITIONAL if about.variadic else Parameter.POSITIONAL_ONLY
    names = about.names if about.variadic else [about.names[i] for i in free]
    f.__name__ = about.title
    vars(f)["__signature__"] = Signature([Parameter(name, kind) for name in names])  # for the names in reports
    return f, [arguments[i] for i in free]


def leaves_float32(op: Callable[..., Any], about: Known, call: Call) -> AssertionError | None:
    """Whether float32 inputs give another dtype, as a result or inside a formula, where the walk would cast it in silence."""
    found: dict[str, Any] = {}
    f, inputs = bound(noting(op, found) if hasattr(op, "op") else op, about, call)
    double = [getattr(x, "dtype", None) == np.float64 for x in inputs]
    y = f(*(Tensor(x, True, dtype=np.float32) if d else x for x, d in zip(inputs, double, strict=True)))
    found[""] = y.dtype
    if y.requires_grad:
        y.backward(np.ones(y.shape, y.dtype))
    for argument, dtype in found.items():
        if dtype != np.float32:
            what = f"the gradient of {argument!r}" if argument else "its result"
            korean = f"인수 {argument!r}의 기울기가" if argument else "결과가"
            return explain(
                AssertionError(
                    f"{about.title}: with float32 inputs {what} is {dtype}: keep NumPy scalars and where(c, 1.0, 0.0) out of it"
                ),
                f"{about.title}: 입력이 float32인데 {korean} {dtype}입니다. NumPy 스칼라나 where(c, 1.0, 0.0)처럼 float64를 만드는 식을 "
                "고치십시오.",
            )
    return None


def noting(op: Callable[..., Any], found: dict[str, Any]) -> Callable[..., Any]:
    """The same op, with formulas that note the dtypes of what they give."""
    record: Op = op.op  # type: ignore[attr-defined]

    def noted(argument: str, formula: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(formula)
        def and_noted(*words: Any) -> Any:
            part = formula(*words)
            for one in part if isinstance(part, list | tuple) else [part]:
                found[argument] = one.dtype
            return part

        return and_noted

    watched = {a: noted(a, f) if f and a in record.arguments else f for a, f in record.formulas.items()}
    return define(record.broadcasts, record.keeps, record.name, **watched)(record.forward)


def shown(error: Exception, about: Known, call: Call) -> None:
    """Add a call to an error, as Python that can be copied."""
    arguments, options = call
    given = [*map(spelled, arguments), *(f"{name}={spelled(value)}" for name, value in options.items())]
    error.add_note(f"at {about.title}({', '.join(given)})")
    explain(error, "위는 문제가 나타나는 호출 가운데 가장 작은 것입니다. 그대로 복사하여 다시 확인할 수 있습니다.")
