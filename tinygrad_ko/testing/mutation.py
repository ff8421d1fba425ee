"""Mutation testing of derivative formulas: would a test notice a wrong one?

A mutant is an op with one mistake in one formula. The mistakes are derived from the op itself, so every op has some: in the
source of the formula (see `spoil.py`), and in its result.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from inspect import Parameter, Signature
from math import prod
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

from tinygrad_ko.arrays.indexing import IndexedGradient
from tinygrad_ko.arrays.library import Array
from tinygrad_ko.check import GradientUndecided
from tinygrad_ko.check.functions.function import function_name
from tinygrad_ko.check.functions.in_torch import is_function_class
from tinygrad_ko.check.reports.report import without_listeners
from tinygrad_ko.engine.op import op as define
from tinygrad_ko.engine.rule import Op
from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.signatures import signature
from tinygrad_ko.tensor.tensor import Tensor
from tinygrad_ko.testing.korean import mistake_in_korean
from tinygrad_ko.testing.spoil import Version, is_zero, versions


@dataclass(frozen=True)
class Mutant:
    """An op with one mistake: `function` is called as the right one, `argument` is whose formula is wrong, `kind` the
    kind of the mistake, `text` the wrong formula, or what was done to its result. Of a vjp written by hand `function` is a wrong vjp.
    """

    function: Any
    argument: str
    kind: str
    text: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self._place}: {self.kind}: {self.text}"

    __repr__ = __str__

    @property
    def korean(self) -> str:
        """The same in Korean."""
        return f"{self._place}: {mistake_in_korean(self.kind, self.text)}"

    @property
    def _place(self) -> str:
        return f"{self.name or self.function.op.name}.{self.argument}"


@dataclass(frozen=True)
class MutationScore:
    """How many mutants a check caught, which ones it let pass, and of which it could not decide."""

    name: str
    total: int
    survived: list[Mutant]
    undecided: list[Mutant]

    @property
    def caught(self) -> int:
        """The number of mutants that the check noticed."""
        return self.total - len(self.survived) - len(self.undecided)

    @property
    def score(self) -> float:
        """The caught part of all mutants, 0 to 1."""
        return self.caught / self.total

    def __str__(self) -> str:
        head = f"{self.name}: {self.caught} of {self.total} mutants caught"
        lines = [f"not noticed: {m}" for m in self.survived] + [f"not decided: {m}" for m in self.undecided]
        return "\n  ".join([head, *lines])

    __repr__ = __str__

    @property
    def korean(self) -> str:
        """The same in Korean."""
        if self.survived:
            head = f"{self.name}: 이 테스트는 틀린 규칙 {self.total}개 중 {len(self.survived)}개를 통과시킵니다."
        elif self.undecided:
            head = f"{self.name}: 이 테스트는 틀린 규칙 {self.total}개 중 {self.caught}개를 찾아냅니다."
        else:
            head = f"{self.name}: 이 테스트는 틀린 규칙 {self.total}개를 모두 찾아냅니다."
        lines = [f"통과한 규칙: {m.korean}" for m in self.survived]
        lines += [f"판정하지 못한 규칙: {m.korean}" for m in self.undecided]
        return "\n  ".join([head, *lines])


def mutants(op: Any, vjp: Callable[..., Any] | None = None) -> list[Mutant]:
    """Every mutant of an op: one for each mistake in each formula, always the same in the same order. Also those of the other functions
    that `mutation_score` takes.

    In the source of a formula, and of the functions of its module that it calls, terms, factors and functions are
    left out, signs, comparisons and operands exchanged, axes and constants changed, and the like. Without its source (an
    op typed at a prompt) there remain the mistakes that are made in its result: its sign, a relative error of 1e-6,
    one entry, its transpose, a mean for a sum, a cotangent that is ignored. Other ops that a formula uses are left as they
    are. A mutant may be equivalent to the op: x >= 0 where no x is 0.

    Raises TypeError for a function that was not made by @op.

    >>> import tinygrad_ko as tg
    >>> for mutant in mutants(tg.tanh)[:4]:
    ...     print(mutant)
    tanh.x: missing factor: g
    tanh.x: missing factor: 1.0 - out * out
    tanh.x: dropped term: g * 1.0
    tanh.x: dropped term: g * (out * out)
    """
    if vjp is not None:
        return list(_of_a_vjp(vjp, function_name(op), "vjp", lambda spoiled: spoiled))
    if is_function_class(op):
        return list(_of_a_vjp(op.backward, op.__name__, "backward", partial(_with_backward, op)))
    if type(op).__name__ == "custom_vjp":
        return list(_of_a_vjp(op.bwd, function_name(op), "bwd", partial(_with_bwd, op)))
    record = getattr(op, "op", None)
    if not isinstance(record, Op):
        name = getattr(op, "__name__", op)
        raise explain(
            TypeError(f"only an op has formulas to spoil, and {name!r} was not made by @op"),
            f"@op 데코레이터로 정의한 연산에만 틀리게 바꿀 미분 공식이 있습니다. 받은 값: {name!r}",
        )
    made: dict[str, Mutant] = {}
    for argument in record.differentiable:
        formula: Any = record.formulas[argument]
        for kind, text, spoiled in [*versions(formula, record), *_on_result(formula, argument, record)]:
            formulas = {**record.formulas, argument: spoiled}
            function = define(record.broadcasts, record.keeps, record.name, **formulas)(record.forward)
            mutant = Mutant(function, argument, kind, text)
            again = 1
            while str(mutant) in made:  # the same mistake in the same words, at another place
                again += 1
                mutant = replace(mutant, text=f"{text} ({again})")
            made[str(mutant)] = mutant
    return list(made.values())


def mutation_score(
    op: Any, check: Callable[..., Any] | None = None, *, vjp: Callable[..., Any] | None = None, **options: Any
) -> MutationScore:
    """How many of the mutants of an op a check catches; `print` the answer to see which ones it does not (its `korean` says it in Korean).

    `check(op, **options)` raises AssertionError (as GradientMismatch is one) if it finds something wrong; without one
    it is `check_op`, which needs Hypothesis. Any other error is counted as caught too: a formula that breaks is noticed. Only
    GradientUndecided is not, and is counted by itself. Warnings are not shown: a mutant may divide by zero.

    `vjp` is a derivative of a function of NumPy arrays, written by hand as `check_vjp` takes it: then what is spoiled is the vjp, and
    `check` gets it, `check(vjp, **options)`. Of a `torch.autograd.Function` the backward is spoiled, of a `jax.custom_vjp` its bwd.

    The check is first made on the op itself; what it raises there is passed on, for a check that rejects everything catches
    everything. Raises TypeError for a function that was not made by @op, ValueError for an op without formulas.

    >>> import numpy as np, tinygrad_ko as tg
    >>> def my_test(op):
    ...     x = tg.Tensor([0.0], requires_grad=True)
    ...     op(x).backward()
    ...     assert x.grad == 0.25
    >>> print(mutation_score(tg.sigmoid, my_test))  # one number, and no cotangent but 1, leave much unseen
    sigmoid: 10 of 14 mutants caught
      not noticed: sigmoid.x: missing factor: out * one_minus_sigmoid(x)
      not noticed: sigmoid.x: one wrong entry: the largest entry of the result times 1.01
      not noticed: sigmoid.x: transposed: the last two axes of the result exchanged, in its old shape
      not noticed: sigmoid.x: ignored cotangent: with g * 0 + 1 for g
    """
    made = mutants(op, vjp)
    right = op if vjp is None else vjp
    if check is None:
        check_op = sys.modules[__package__].check_op  # the package says what to install where it is missing
        check = check_op if vjp is None else lambda vjp, **options: check_op(op, vjp=vjp, **options)
    if not callable(check):
        raise explain(
            TypeError(f"check must be a function of the op that asserts something, not {type(check).__name__}"),
            "check에는 연산을 인수로 받아, 틀린 점을 찾으면 AssertionError를 내는 함수를 넘겨야 합니다. "
            f"받은 값의 자료형: {type(check).__name__}",
        )
    if not made:
        name = op.op.name
        raise explain(
            ValueError(f"{name} has no formula that could be spoiled: no argument is differentiable"),
            f"{name}: 미분할 수 있는 인수가 없으므로 틀리게 바꿀 미분 공식도 없습니다.",
        )
    check(right, **options)
    survived, undecided = [], []
    for mutant in made:
        try:
            with without_listeners(), catch_warnings(), np.errstate(all="ignore"):
                simplefilter("ignore")
                check(mutant.function, **options)
        except GradientUndecided:
            undecided.append(mutant)
        except Exception:
            continue
        else:
            survived.append(mutant)
    return MutationScore(made[0].name or op.op.name, len(made), survived, undecided)


def _of_a_vjp(rule: Any, name: str, argument: str, made: Callable[[Any], Any]) -> Iterator[Mutant]:
    """The mutants of a rule that gives the gradients of all arguments for a cotangent: its first parameter, or in a backward its last."""
    parameters = list(signature(rule).parameters)
    at = 0 if argument == "vjp" else len(parameters) - 1
    record = Op()
    record.name, record.forward, record.signature, record.formulas = name, rule, signature(rule), {}
    record.arguments, record.options, record.keeps, record.differentiable = tuple(parameters), (), (), ()
    record.broadcasts, record.variadic, record.takes_xp = False, False, False
    found = {(kind, text): spoiled for kind, text, spoiled in [*versions(rule, record), *_on_gradients(rule, at)]}
    for (kind, text), spoiled in found.items():
        if ", out for " in text:  # a name of formulas, which these do not have
            continue
        yield Mutant(made(spoiled), argument, kind, text, name)


def _on_gradients(rule: Any, at: int) -> Iterator[Version]:
    """Mistakes in all that a rule gives, by arithmetic that every library has."""

    def changed(change: Callable[[Any], Any]) -> Any:
        def spoiled(*values: Any) -> Any:
            parts = rule(*values)
            if isinstance(parts, list | tuple):
                return tuple(part if part is None else change(part) for part in parts)
            return change(parts)

        return spoiled

    def blind(*values: Any) -> Any:
        return rule(*values[:at], values[at] * 0 + 1, *values[at + 1 :])

    yield "sign flip", "minus the result", changed(lambda part: -part)
    yield "relative error 1e-6", "the result times 1.000001", changed(lambda part: part * (1 + 1e-6))
    yield "lost gradient", "the result times 0", changed(lambda part: part * 0)
    yield "ignored cotangent", "with g * 0 + 1 for g", blind


def _with_backward(function: Any, backward: Any) -> Any:
    return type(function.__name__, (function,), {"backward": staticmethod(backward)})


def _with_bwd(function: Any, bwd: Any) -> Any:
    other = type(function)(function.fun, nondiff_argnums=function.nondiff_argnums)
    other.defvjp(function.fwd, bwd)
    return other


def _on_result(formula: Callable[..., Any], argument: str, record: Op) -> Iterator[Version]:
    """A formula with a mistake in its result; of one that is zero on purpose, only a mistake that makes it another."""
    asked = record.named_by[argument]
    shape = f"{argument}_shape"

    def version(change: Callable[..., Any], *needs: str) -> Callable[..., Any]:
        words = [*asked, *(w for w in needs if w not in asked)]

        def spoiled(*values: Any) -> Any:
            known = dict(zip(words, values, strict=True))
            return change(formula(*values[: len(asked)]), *(known[w] for w in needs))

        vars(spoiled)["__signature__"] = Signature([Parameter(w, Parameter.POSITIONAL_OR_KEYWORD) for w in words])
        return spoiled

    yield "extra term", "the result plus 0.001 times the mean |g|", version(_each(_plus), "g")
    if is_zero(formula):
        return
    yield "sign flip", "minus the result", version(_each(lambda part: -part))
    yield "relative error 1e-6", "the result times 1.000001", version(_each(lambda part: part * (1 + 1e-6)))
    yield "lost gradient", "the result times 0", version(_each(lambda part: part * 0))
    yield "one wrong entry", "the largest entry of the result times 1.01", version(_each(_one_wrong))
    yield "transposed", "the last two axes of the result exchanged, in its old shape", version(_each(_turned))
    if "g" in asked:
        at = asked.index("g")

        def blind(*values: Any) -> Any:
            return formula(*values[:at], values[at] * 0 + 1, *values[at + 1 :])

        vars(blind)["__signature__"] = Signature([Parameter(w, Parameter.POSITIONAL_OR_KEYWORD) for w in asked])
        yield "ignored cotangent", "with g * 0 + 1 for g", blind
    if record.broadcasts and not record.variadic:
        yield "mean for sum", "the mean of the result along stretched axes", version(_each(_averaged), shape)
    if record.variadic:
        yield "swapped operands", "the results in reverse order", version(lambda parts: list(parts)[::-1])


def _each(change: Callable[..., Any]) -> Callable[..., Any]:
    """A change of an array, on whatever a formula returns: an array, a Tensor, a list of them, an indexed gradient."""

    def of(part: Any, *words: Any) -> Any:
        if isinstance(part, list | tuple):
            return [of(p, *words) for p in part]
        if isinstance(part, IndexedGradient):
            return IndexedGradient(change(part.values, *words), part.index)
        return change(part, *words)

    return of


def _plus(part: Any, g: Any) -> Any:
    values: Array = np.abs(g.numpy() if isinstance(g, Tensor) else g)
    return part + 1e-3 * (float(np.mean(values)) if np.size(values) else 0.0)


def _one_wrong(part: Any) -> Any:
    """The largest entry (the first may be 0 and stay so) off by one percent, if there are others."""
    if prod(part.shape) < 2:
        return part
    values: Array = part.numpy() if isinstance(part, Tensor) else part
    factor = np.ones(values.shape, values.dtype)
    factor.flat[np.argmax(np.abs(values))] = 1.01
    return part * factor


def _turned(part: Any) -> Any:
    return part.mT.reshape(part.shape) if part.ndim > 1 else part


def _averaged(part: Any, shape: tuple[int, ...]) -> Any:
    """Sums to the mean when a broadcast is undone."""
    return part / (prod(part.shape) / prod(shape)) if prod(shape) and prod(part.shape) else part
