"""`check_op`: gradient checks of an op at every kind of input it should work on, in one line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial, wraps
from inspect import Parameter, Signature
from traceback import walk_tb
from typing import Any, Literal

import numpy as np
from hypothesis import HealthCheck, Phase, Verbosity, given, settings

from tinygrad_ko.check import GradientMismatch, GradientUndecided, Report, check_gradient, check_jvp, check_vjp
from tinygrad_ko.check.functions.domain import is_whole
from tinygrad_ko.check.functions.function import function_name
from tinygrad_ko.check.functions.libraries import as_given_to, library_of
from tinygrad_ko.check.reports.record import spelled
from tinygrad_ko.check.reports.report import listeners, without_listeners
from tinygrad_ko.engine.op import op as define
from tinygrad_ko.engine.rule import Op
from tinygrad_ko.errors import explain
from tinygrad_ko.func.trees import in_one_row, is_tree
from tinygrad_ko.tensor.tensor import Tensor
from tinygrad_ko.testing.strategies import Call, Known, Values, calls, known
from tinygrad_ko.testing.variations import find_difference, of_jvp, of_library, of_tensors, of_vjp


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
        span = f" from {by_size[0]} to {by_size[-1]}" if by_size else ""
        orders = "orders 1 and 2" if self.order == 2 else "order 1"
        return (
            f"{self.name}: {self.calls} calls, {self.calls - self.undecided} agree at {orders}, {self.undecided} undecided; "
            f"{len(self.shapes)} shapes{span}; {self.evaluations} evaluations"
        )

    __repr__ = __str__


def check_op(
    op: Callable[..., Any],
    domain: Values | Mapping[str, Values] = "real",
    *,
    signature: str | None = None,
    options: dict[str, Any] | None = None,
    order: int = 2,
    examples: int = 50,
    kinks: bool = True,
    max_side: int = 129,
    vjp: Callable[..., Any] | None = None,
    jvp: Callable[..., Any] | None = None,
    library: Literal["torch", "jax"] | None = None,
) -> OpReport:
    """Check the gradients of an op, or of a function of Tensors, at `examples` calls: all kinds of shapes, broadcast if the
    op broadcasts, 0-d and empty ones and some with a side of 65 or 129 among them, numbers of three magnitudes and both signs, exact
    zeros and ties.

    At each call its gradients must agree with numerical differentiation, those of its gradients too (`order=1`: not those);
    an op must return the same on arrays as on Tensors; and with float32 inputs its result and those of its formulas must be
    float32. Nothing may change where the arrays lie otherwise in memory (Fortran order, negative strides, a cotangent of stride 0), where
    two arguments are one array, or, but for the factor, where the cotangent is 1e12 or 1e-12 times as large. `domain`, `signature`,
    `options`, `kinks` and `max_side` say which calls there are: see `calls`. The same calls are drawn on every run.

    `vjp` or `jvp` is a derivative of a function of NumPy arrays, written by hand: it is checked as `check_vjp` or `check_jvp` do,
    and gets the options too. An autograd.Function or a Module of PyTorch and a function of JAX that is jitted or has a rule of its own are
    known as such; of a plain function `library` says whose arrays it takes. Of all these only the gradients are checked, not dtypes.

    A reduction that refuses 0-d or empty arrays needs a signature: "(n,m)" draws matrices with at least one element.

    Raises GradientMismatch for a gradient that is wrong, AssertionError for a result or a dtype that is wrong,
    GradientUndecided if more than a tenth of the calls cannot be decided; whatever the op raises is passed on. A note on
    the error shows the smallest such call that was found, as a line of Python; a session that has np, tg and the op can run it.

    >>> import tinygrad_ko as tg
    >>> @tg.op(x=lambda g, x: g / (1 + tg.abs(x)) ** 2)
    ... def softsign(xp, x):
    ...     return x / (1 + xp.abs(x))
    >>> print(check_op(softsign, (-10, 10), order=1))
    softsign: 50 calls, 50 agree at order 1, 0 undecided; ... evaluations
    """
    __tracebackhide__ = True
    about = known(op, domain)
    way = _Way(op, about, order, vjp, jvp, library, domain)
    report = OpReport(about.title, way.order)
    failed: list[tuple[Exception, str, list[str], bool]] = []
    complaints: list[tuple[AssertionError, Call, str]] = []
    undecided: list[tuple[AssertionError, Call, str]] = []

    def count(part: Report) -> None:
        report.evaluations += part.evaluations

    def tell(verdict: Literal["agrees", "mismatch", "undecided"]) -> None:
        for listener in listeners:
            listener(Report(about.title, verdict, evaluations=report.evaluations))

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
    @given(calls(op, domain, signature=signature, options=options, kinks=kinks, max_side=max_side))
    def each(call: Call) -> None:
        report.calls += 1
        report.shapes |= {np.shape(a) for a in call[0]}
        f, inputs, check, line = way.of(call)
        found, agrees = None, True
        try:
            with np.errstate(all="ignore"):  # the judge refuses what is not finite
                try:
                    check(*inputs)
                except GradientUndecided as error:
                    undecided.append((error, call, line))
                    agrees = False
                if hasattr(op, "op"):
                    line, found = _spelled_call(op, call), _differs_on_arrays(f, inputs, about.title)
                if way.ours and not found:
                    line, found = _spelled_call(op, _single(about, call)), _leaves_float32(op, about, call)
                if agrees and not found:
                    line, found = way.of(call)[-1], way.differs(f, call, inputs)
        except Exception as error:
            code = getattr(f, "__code__", None)
            forward = code is not None and any(frame.f_code is code for frame, _ in walk_tb(error.__traceback__))
            failed.append((error, line, list(getattr(error, "__notes__", [])), forward))
            raise
        if found:
            complaints.append((found, call, line))

    try:
        with without_listeners():
            listeners.append(count)
            each()
    except Exception:
        if not failed:
            raise  # Hypothesis has something to say about a strategy
        wrong, line, notes, forward = failed[-1]  # the smallest comes last
        wrong.__notes__ = notes  # without those that Hypothesis added
        _add_line(wrong, line)
        if forward and not signature and not isinstance(wrong, AssertionError):
            wrong.add_note(
                "if it is not meant for such arrays, name others: signature='(n,m)' draws matrices that are not empty"
            )
            explain(
                wrong,
                "연산이 이런 배열을 받지 않는다면 다른 입력을 지정하십시오. 비어 있지 않은 행렬: signature='(n,m)'",
            )
        if isinstance(wrong, GradientMismatch):
            tell("mismatch")
            raise wrong.with_traceback(None) from wrong.__cause__
        raise wrong from wrong.__cause__
    report.undecided = len(undecided)
    if complaints:
        found, _, line = min(complaints, key=_size)
        _add_line(found, line)
        tell("mismatch")
        raise found
    if undecided and (10 * len(undecided) > report.calls or len(undecided) == report.calls):
        unclear, _, line = min(undecided, key=_size)
        _add_line(unclear, line)
        tell("undecided")
        unclear.add_note(
            f"{len(undecided)} of {report.calls} calls could not be decided, and a tenth is allowed; if {about.title} is not defined, "
            "overflows or is flat there, name the domain in which it is to be checked: check_op(..., domain=(low, high))"
        )
        raise explain(
            unclear.with_traceback(None),
            f"{about.title}: 호출 {report.calls}번 중 {len(undecided)}번은 판단할 수 없었습니다. 10분의 1까지만 허용합니다. 연산이 "
            "정의되지 않거나, 오버플로가 나거나, 값이 거의 변하지 않는 입력이라면 확인할 범위를 지정하십시오: "
            "check_op(..., domain=(low, high))",
        ) from None
    tell("agrees")
    return report


class _Way:
    """How the calls of a function are checked, by what it is."""

    def __init__(self, op: Any, about: Known, order: int, vjp: Any, jvp: Any, library: str | None, domain: Any) -> None:
        if (vjp is not None) + (jvp is not None) + (library is not None) > 1:
            raise explain(
                ValueError("check_op takes one of vjp, jvp and library"),
                "check_op에는 vjp, jvp, library 중 하나만 넘겨야 합니다.",
            )
        self.op, self.about = op, about
        self.rule = vjp or jvp
        self.check: Callable[..., Report] = check_vjp if vjp else check_jvp
        self.library = library or library_of(op)
        self.ours = not (self.rule or self.library)
        self.order = 1 if self.rule else order
        by_name = domain if isinstance(domain, Mapping) else dict.fromkeys(about.smooth, domain)
        self.domains = {name: d for name, d in by_name.items() if is_whole(d)}
        self.options: dict[str, Any] = {"domain": self.domains} if self.domains else {}

    def of(self, call: Call) -> tuple[Any, list[Any], Callable[..., Report], str]:
        """The function that is called, its inputs, the check of these, and that as a line of Python."""
        if self.ours:
            f, inputs = _bound(self.op, self.about, call)
            return (
                f,
                inputs,
                partial(check_gradient, f, order=self.order, **self.options),
                _spelled_check(self.op, self.about, call, self.order, self.options),
            )
        arguments, options = call
        f = partial(self.op, **options) if options else self.op
        name, shown = self._spelled(self.op, options), [spelled(x) for x in arguments]
        if self.rule:
            rule = partial(self.rule, **options) if options else self.rule
            line = ", ".join([name, self._spelled(self.rule, options), *shown, *_spelled_options(self.options)])
            return (
                f,
                list(arguments),
                partial(self.check, f, rule, **self.options),
                f"tg.check.{self.check.__name__}({line})",
            )
        makes = "torch.from_numpy" if self.library == "torch" else "jax.numpy.asarray"
        shown = [f"{makes}({x})" for x in shown] + ["order=2"] * (self.order == 2) + _spelled_options(self.options)
        parameters = {"parameters": self.op} if options and hasattr(self.op, "parameters") else {}
        check = partial(check_gradient, f, order=self.order, **parameters, **self.options)
        inputs = as_given_to(self.op, list(map(np.asarray, arguments)), self.library)
        return f, inputs, check, f"tg.check_gradient({', '.join([name, *shown])})"

    def differs(self, f: Any, call: Call, inputs: list[Any]) -> AssertionError | None:
        """Whether something is another in a variation of the call."""
        arguments, options = call
        names = (
            [f"{n}[{i}]" for n in self.about.names for i in range(len(inputs))]
            if self.about.variadic
            else [*self.about.names]
        )
        if self.ours:
            names = names if self.about.variadic else [names[i] for i in _smooth(self.about, call)]
            return find_difference(self.about.title, names, of_tensors(f, self.about.title), inputs, self.domains)
        if self.rule:
            rule = partial(self.rule, **options) if options else self.rule
            linearize = of_jvp(f, rule) if self.check is check_jvp else of_vjp(f, rule)
            return find_difference(
                self.about.title, names, linearize, inputs, self.domains, forward_mode=self.check is check_jvp
            )
        linearize = of_library(f, inputs, self.op if options and hasattr(self.op, "parameters") else None)
        return find_difference(self.about.title, names, linearize, list(map(np.asarray, arguments)), self.domains)

    @staticmethod
    def _spelled(f: Any, options: dict[str, Any]) -> str:
        name = _name_of(f)
        return f"functools.partial({', '.join([name, *_spelled_options(options)])})" if options else name


def _size(found: tuple[Any, Call, str]) -> float:
    """How many numbers the arguments of a call hold; a call of none shows nothing."""
    return sum(np.size(a) for a in found[1][0]) or np.inf


def _differs_on_arrays(f: Callable[..., Any], inputs: list[Any], title: str) -> AssertionError | None:
    on_arrays, on_tensors = f(*map(np.copy, inputs)), f(*map(Tensor, inputs)).numpy()
    if np.shape(on_arrays) == on_tensors.shape and np.array_equal(on_arrays, on_tensors, equal_nan=True):
        return None
    return explain(
        AssertionError(
            f"{title}: on arrays it gives {on_arrays!r}, on Tensors {on_tensors!r}; does its forward change its arguments, or draw "
            "random numbers?"
        ),
        f"{title}: 배열로 호출한 결과와 Tensor로 호출한 결과가 다릅니다. 배열: {on_arrays!r}, Tensor: {on_tensors!r}. 순전파에서 "
        "인수의 값을 바꾸거나 난수를 쓰지 않는지 확인하십시오.",
    )


def _bound(op: Callable[..., Any], about: Known, call: Call) -> tuple[Callable[..., Any], list[Any]]:
    """The op as a function of its differentiable arguments, and their values."""
    arguments, options = call
    free = _smooth(about, call)

    def f(*inputs: Any) -> Any:
        every = list(arguments)
        for i, x in zip(free, inputs, strict=True):
            every[i] = x
        return op(*every, **options)

    kind = Parameter.VAR_POSITIONAL if about.variadic else Parameter.POSITIONAL_ONLY
    names = about.names if about.variadic else [about.names[i] for i in free]
    f.__name__ = function_name(op) if about.title == "<lambda>" else about.title
    vars(f)["__signature__"] = Signature([Parameter(name, kind) for name in names])  # for the names in reports
    return f, [arguments[i] for i in free]


def _smooth(about: Known, call: Call) -> list[int]:
    return [i for i in range(len(call[0])) if about.variadic or about.names[i] in about.smooth]


def _single(about: Known, call: Call) -> Call:
    free, (arguments, options) = _smooth(about, call), call
    double = [i in free and getattr(x, "dtype", None) == np.float64 for i, x in enumerate(arguments)]
    return tuple(x.astype(np.float32) if d else x for x, d in zip(arguments, double, strict=True)), options


def _leaves_float32(op: Callable[..., Any], about: Known, call: Call) -> AssertionError | None:
    """Whether float32 inputs give another dtype, as a result or in a formula, where backpropagation would cast it unseen."""
    found: dict[str, Any] = {}
    f, inputs = _bound(_noting(op, found) if hasattr(op, "op") else op, about, _single(about, call))
    y = f(*(Tensor(x, True) if getattr(x, "dtype", None) == np.float32 else x for x in inputs))
    y = in_one_row(y, about.title) if is_tree(y) else y
    found[""] = y.dtype
    if y.requires_grad:
        y.backward(np.ones(y.shape, y.dtype))
    for argument, dtype in found.items():
        if dtype != np.float32:
            what, korean = "its result", "결과가"
            if argument:
                what, korean = f"the gradient of {argument!r}", f"인수 {argument!r}의 기울기가"
            return explain(
                AssertionError(
                    f"{about.title}: with float32 inputs {what} is {dtype}: keep NumPy scalars and where(c, 1.0, 0.0) out of it; "
                    "or cast the other arguments: t.astype(y.dtype)"
                ),
                f"{about.title}: 입력이 float32인데 {korean} {dtype}입니다. NumPy 스칼라나 where(c, 1.0, 0.0)처럼 float64를 만드는 식을 "
                "고치고, 정답 레이블은 t.astype(y.dtype)처럼 자료형을 맞추십시오.",
            )
    return None


def _noting(op: Any, found: dict[str, Any]) -> Callable[..., Any]:
    """The same op, with formulas that note the dtypes of their results."""
    record: Op = op.op

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


def _spelled_check(op: Callable[..., Any], about: Known, call: Call, order: int, more: dict[str, Any]) -> str:
    """The check of a call: arguments that are not differentiable, and options, stand inside a lambda."""
    arguments, options = call
    f, free, inside = _name_of(op), _smooth(about, call), [spelled(x) for x in arguments]
    given = [inside[i] for i in free] + ["order=2"] * (order == 2) + _spelled_options(more)
    if options or len(free) < len(arguments):
        names = [f"*{about.names[0]}"] if about.variadic else [about.names[i] for i in free]
        passed = names if about.variadic else [n if n in names else x for n, x in zip(about.names, inside, strict=True)]
        f = f"lambda {', '.join(names)}: {f}({', '.join([*passed, *_spelled_options(options)])})"
    return f"tg.check_gradient({', '.join([f, *given])})"


def _spelled_call(op: Callable[..., Any], call: Call) -> str:
    return f"{_name_of(op)}({', '.join([*map(spelled, call[0]), *_spelled_options(call[1])])})"


def _spelled_options(options: dict[str, Any]) -> list[str]:
    return [f"{name}={spelled(value)}" for name, value in options.items()]


def _name_of(op: Callable[..., Any]) -> str:
    name: str = getattr(op, "__name__", "")
    return name if name.isidentifier() else "f"


def _add_line(error: Exception, line: str) -> None:
    error.add_note(line)
    explain(error, "위는 문제가 나타나는 가장 작은 호출입니다.")
