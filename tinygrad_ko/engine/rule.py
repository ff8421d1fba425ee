"""The rule of an operation: a forward on arrays, and a derivative formula for each argument.

    @op(broadcasts=True, a=lambda g, b: g * b, b=lambda g, a: g * a)
    def multiply(a, b):
        return a * b

The parameter names of a formula are its save list. It may name

    g              the gradient of the output
    out            the output
    a, b, ...      the arguments
    a_shape, ...   the shape of an argument (a tuple; the array itself is not saved)
    axis, ...      the op's options (keyword-only parameters, or those after a slash)
    mask, ...      the names in `keeps`: what the forward returns beside its output

and only what the wanted formulas name is saved for backward. `None` for a formula says that the argument is not
differentiable. A formula for a name in `keeps` computes that value again from arguments and options: derivatives of higher
order need it if the value depends on differentiable arguments.

An op is checked when it is defined: whatever does not fit is an error there, never in backward.
"""

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.signatures import parameters, signature

Formula = Callable[..., Any] | None
_RESERVED = {"g", "out", "xp", "keeps", "broadcasts", "name"}


class Op:
    """What is known of an operation; `function.op` is this record."""

    name: str
    forward: Callable[..., Any]
    signature: Signature  # the forward's own, without the namespace: what users see
    formulas: dict[str, Formula]  # of each argument; and how to compute a value in `keeps` again
    broadcasts: bool
    keeps: tuple[str, ...]
    arguments: tuple[str, ...]
    variadic: bool  # its one argument is *args
    options: tuple[str, ...]  # axis, shape, ...
    takes_xp: bool  # whether the forward wants the namespace of its arrays
    differentiable: tuple[str, ...]  # the arguments that have a formula
    named_by: dict[str, tuple[str, ...]]  # the parameters of each formula, in their order
    saved_for: dict[str, tuple[str, ...]]  # what is saved for each formula
    saved: tuple[str, ...]  # whatever is saved for some formula
    source: Callable[[], str]  # the Python that is generated for it
    function: Any  # what users call


def validated(
    forward: Any, formulas: dict[str, Formula], broadcasts: bool, keeps: Any, called: str | None = None
) -> Op:
    """The record of an op, after every check that can be made before it is used."""
    name = called or forward.__name__
    sign = signature(forward)
    given = [p for p in sign.parameters.values() if p.name != "xp"]
    kinds = [p.kind for p in given]
    # Options are keyword-only or, in a forward with a slash, stand behind it.
    optional = [Parameter.KEYWORD_ONLY] + [Parameter.POSITIONAL_OR_KEYWORD] * (Parameter.POSITIONAL_ONLY in kinds)
    arguments = tuple(p.name for p in given if p.kind not in optional)
    options = tuple(p.name for p in given if p.kind in optional)
    variadic = Parameter.VAR_POSITIONAL in kinds
    keeps = (keeps,) if isinstance(keeps, str) else tuple(keeps)

    def refuse(what: str, korean: str) -> None:
        raise explain(TypeError(f"op {name}: {what}"), f"연산 {name}의 정의가 올바르지 않습니다. {korean}")

    if not name.isidentifier() or name.startswith("_"):
        refuse(
            "give it a name with def (not a lambda), without an underscore in front",
            "lambda가 아니라 def로 이름을 짓고, 이름 앞에 밑줄을 쓰지 마십시오.",
        )
    if "xp" in list(sign.parameters)[1:]:
        refuse("xp must be the first parameter", "xp는 첫 번째 매개변수여야 합니다.")
    if not arguments:
        refuse("the forward has no argument", "순전파 함수에 인수가 하나 이상 있어야 합니다.")
    if variadic and len(arguments) > 1:
        refuse("*args must be its only argument", "*args는 다른 인수와 함께 쓸 수 없습니다.")
    if Parameter.VAR_KEYWORD in kinds:
        refuse("**options are not supported; name each of them", "**options 대신 옵션을 하나씩 적어야 합니다.")
    every = (*arguments, *options, *keeps)
    shapes = {f"{a}_shape" for a in arguments}
    if bad := [w for w in every if w in _RESERVED | shapes or w.startswith("_") or every.count(w) > 1]:
        refuse(
            f"the names {bad} are reserved, private or used twice",
            f"다음 이름은 예약되었거나, 밑줄로 시작하거나, 두 번 쓰였습니다: {bad}",
        )
    if missing := [a for a in arguments if a not in formulas]:
        refuse(
            f"no formula for {missing} (None says: not differentiable)",
            f"다음 인수의 미분 공식이 없습니다: {missing}. 미분하지 않는 인수라면 None을 적으십시오.",
        )
    if unknown := [f for f in formulas if f not in arguments and f not in keeps]:
        refuse(f"formulas for {unknown}, which are no arguments", f"인수가 아닌 이름에 미분 공식이 있습니다: {unknown}")

    differentiable = tuple(a for a in arguments if formulas[a] is not None)
    record = Op()
    record.name, record.forward, record.formulas, record.broadcasts = name, forward, dict(formulas), broadcasts
    record.signature, record.takes_xp = sign.replace(parameters=given), "xp" in sign.parameters
    record.keeps, record.arguments, record.variadic, record.options = keeps, arguments, variadic, options
    record.differentiable, record.named_by, record.saved_for = differentiable, {}, {}
    for target in (*keeps, *arguments):
        if (formula := formulas.get(target)) is None:
            continue
        if not callable(formula):
            refuse(
                f"the formula for {target!r} is no function: {formula!r}",
                f"{target!r}의 미분 공식이 함수가 아닙니다: {formula!r}",
            )
        allowed = {*arguments, *options} if target in keeps else {"g", "out", *every, *shapes}
        named = parameters(formula)
        if wrong := [w for w, usual in named.items() if w not in allowed or not usual]:
            refuse(
                f"the formula for {target!r} asks for {wrong}; it may name {sorted(allowed)}",
                f"{target!r}의 미분 공식에 쓸 수 없는 이름이 있습니다: {wrong}. 쓸 수 있는 이름: {sorted(allowed)}",
            )
        needed = [w for k in named if k in keeps for w in record.saved_for.get(k, ())]  # for computing k again
        record.named_by[target] = tuple(named)
        record.saved_for[target] = tuple(dict.fromkeys(w for w in [*named, *needed] if w != "g"))
    record.saved = tuple(sorted({word for a in differentiable for word in record.saved_for[a]}))
    return record
