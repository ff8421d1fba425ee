"""The gradient check: compares the analytic gradient of a function with numerical differentiation.

A gradient is as large as a matrix, and one number tests it: for a random cotangent c and a random direction d the directional
derivative of <c, f(x + s d)> at s = 0 must be <gradient, d>. The cotangent is never all ones: a sum over softmax is constant, so
ones would accept a softmax whose gradient is zero. The numerical derivative comes with an error estimate, and that is the
tolerance: there is none to tune. So one number also shows one entry among a hundred thousand that is wrong by a percent.
"""

from collections.abc import Iterator
from ctypes import ArgumentError
from dataclasses import replace
from functools import partial
from inspect import unwrap
from types import ModuleType
from typing import Any

import numpy as np

from tinygrad_ko.check.functions.function import FirstOrder, Primal, on_a_copy
from tinygrad_ko.check.functions.in_torch import class_of_apply, require_no_function
from tinygrad_ko.check.functions.libraries import of_another_library
from tinygrad_ko.check.functions.typed_network import TypedNetwork, is_typed_network
from tinygrad_ko.check.reports.record import CheckCall
from tinygrad_ko.check.reports.report import Report, listeners
from tinygrad_ko.check.verdicts.verdict import PROJECTIONS, Effort, OrderCheck
from tinygrad_ko.errors import explain
from tinygrad_ko.state.randomness import Rng, generator


def check_gradient(
    f: Any,
    *inputs: Any,
    parameters: Any = None,
    keywords: dict[str, Any] | None = None,
    wrt: Any = None,
    order: int = 1,
    effort: Effort = "usual",
    rtol: float = 0.0,
    float32: bool = True,
    domain: Any = None,
    rng: Rng = 0,
) -> Report:
    """Compare the gradient of `f` at `inputs` with numerical differentiation. Returns a report that prints as a table.

    `f` is an op, any function of Tensors (its result a Tensor of any shape, or several in lists and dicts), a Module, whose
    parameters are then checked too, or a network of the book, whose loss is: `check_gradient(net, x, t)`; of a class of your own with
    `params`, `loss(x, t)` and `gradient(x, t)` it is that gradient, written by hand, which is checked. Floating inputs (arrays,
    numbers, lists, Tensors, and dicts such as the book's `params`, lists, tuples and dataclasses of these) are copied to float64 and
    checked; integer and boolean arrays are passed on as they are (a list of ints becomes floats, as in `Tensor`: labels are arrays). f is
    called some dozens of times and must give the same value for the same inputs.

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
    - `domain`: where f is not defined all around the inputs, say what they stay: "symmetric", "positive_definite" (matrices), or "simplex"
      (numbers along the last axis that add up to 1), for all inputs or in a dict by name. Then f is called there alone, and the gradient is
      compared along such directions. What it says of others, as the one triangle that a Cholesky decomposition reads, does not count.
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
    typed = is_typed_network(f)
    if typed:
        if len(inputs) != 2 or parameters is not None or keywords:
            name = type(f).__name__
            raise explain(
                TypeError(
                    f"check_gradient({name}, ...) checks the loss of a network: pass inputs and targets, (net, x, t)"
                ),
                f"check_gradient: 신경망 {name}의 손실을 확인하려면 입력과 정답 레이블을 check_gradient(net, x, t)처럼 넘기십시오.",
            )
        inputs = tuple(np.asarray(x) if isinstance(x, list) else x for x in inputs)
        if hasattr(f, "loss_of"):  # a network of the package, which computes with Tensors too
            typed, f, inputs = False, f.loss_of, (f.params, *inputs)
    if not typed and not callable(f):
        raise explain(
            TypeError(f"check_gradient needs a function, not {type(f).__name__}"),
            f"check_gradient에는 함수를 넘겨야 합니다. 받은 값의 자료형: {type(f).__name__}",
        )
    __tracebackhide__ = True
    with np.errstate(all="ignore"):
        if typed:
            call = CheckCall("check_gradient", (f,), inputs, {} if wrt is None else {"wrt": wrt})
            source = TypedNetwork(f, inputs[0], inputs[1], wrt)
            return judge(source, call, order=order, effort=effort, rtol=rtol, float32=False, domain=domain, rng=rng)
        f = asked = class_of_apply(f)
        parameters = [*parameters] if isinstance(parameters, Iterator) else parameters  # model.parameters()
        checked: Primal | None = of_another_library(f, inputs, parameters, wrt, keywords)
        if checked is None:
            f, parameters = on_a_copy(f, parameters)
            checked = FirstOrder(f, inputs, parameters, wrt, keywords)
        options = {"parameters": parameters, "keywords": keywords, "wrt": wrt}
        given = {name: value for name, value in options.items() if value is not None}
        call = CheckCall("check_gradient", (asked,), inputs, given)
        try:
            if isinstance(checked, FirstOrder):
                require_no_function(partial(checked.forward, checked.point))
            return judge(checked, call, order=order, effort=effort, rtol=rtol, float32=float32, domain=domain, rng=rng)
        except (TypeError, RuntimeError, ArgumentError) as error:
            if isinstance(checked, FirstOrder):
                _note_another_door(error, asked)
            raise


def _note_another_door(error: Exception, f: Any) -> None:
    """Say which check is meant, where a function that is none of Tensors fails on them."""
    f = unwrap(getattr(f, "func", f))
    modules = {name: x for name, x in getattr(f, "__globals__", {}).items() if isinstance(x, ModuleType)}
    named = [modules[name] for name in getattr(getattr(f, "__code__", None), "co_names", ()) if name in modules]
    homes = {x.__name__.partition(".")[0] for x in named or modules.values()}
    of_numpy = isinstance(error, ArgumentError) or "would lose the gradient" in str(error)
    if not of_numpy and "not Tensor" not in str(error):
        return
    for library in ("torch", "jax"):
        if library in homes:
            error.add_note(
                f"f is given Tensors of this package; its module imports {library}: give it {library}'s own"
                f" (on the command line --library {library})"
            )
            explain(
                error,
                f"이 패키지의 Tensor를 넘겼습니다. f의 모듈은 {library}를 가져오므로 {library}의 배열을 넘기십시오."
                f" 명령행에서는 --library {library}를 지정하십시오.",
            )
            return
    if of_numpy:
        error.add_note(
            "a function of NumPy arrays has a derivative written by hand: tg.check.check_grad(f, grad, x) or check_vjp;"
            " on the command line --grad or --vjp"
        )
        explain(
            error,
            "NumPy 배열의 함수라면 직접 작성한 미분을 tg.check.check_grad(f, grad, x)나 check_vjp로 확인하십시오."
            " 명령행에서는 --grad나 --vjp를 지정하십시오.",
        )


def judge(
    f: Primal,
    call: CheckCall,
    *,
    order: int = 1,
    effort: Effort = "usual",
    rtol: float = 0.0,
    float32: bool = True,
    domain: Any = None,
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
    if domain is not None:
        f.keep_inside(domain)
    options = {"order": order, "effort": effort, "rtol": rtol, "float32": float32, "domain": domain, "rng": rng}
    f.call = replace(call, options=options)
    with np.errstate(all="ignore"):
        return _check(f, order, effort, generator(rng))


def _check(f: Primal, order: int, effort: Effort, rng: Any) -> Report:
    __tracebackhide__ = True
    report = Report(f.name, numbers=sum(f.point[i].size for i in f.wrt), remarks=[*f.remarks])
    report.has_graph, report.call = isinstance(f, FirstOrder), f.call
    report.column = f.computed_by[0].split()[-1]
    report.points = dict(zip(f.labels, f.point, strict=True))
    report.shapes = {label: np.shape(x) for label, x in zip(f.labels, f.point, strict=True)}
    kind = type(getattr(f.f, "__self__", None))
    if isinstance(f, FirstOrder) and hasattr(kind, "backward"):
        report.remarks.append(f"{kind.__name__}.backward was not checked: this is the gradient of the package's ops")
    try:
        OrderCheck(f, report, effort, rng).run()
        kinked = order == 2 and any(p.verdict == "subgradient" for p in report.projections)
        if kinked:
            report.remarks.append("at a kink the gradient itself jumps: order 2 was checked a thousandth away from it")
        if order == 2:
            OrderCheck((f.perturbed(rng) if kinked else f).gradient(rng), report, effort, rng).run()
        if all(p.size == 0 for p in report.projections):
            report.remarks.append(f"the gradient is 0 here, also by {f.computed_by[0]}; other inputs may show more")
        report.verdict = "agrees"
    finally:
        f.progress.close()
        report.evaluations = f.progress.count
        for listener in listeners if report.verdict != "unfinished" else ():
            listener(report)
    return report
