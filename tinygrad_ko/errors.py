"""Errors that teach: a short English message, and a Korean note that says the same and what to do about it.

Every error is one of the built-in exceptions that a caller would expect (ValueError, TypeError, RuntimeError, ...).
The note travels with the exception (PEP 678), so both languages appear in a traceback and neither needs a setting.

Below `explain` stand the errors of the engine itself, so that its own pages can be read without them.
"""

from typing import Any, TypeVar

import numpy as np

E = TypeVar("E", bound=BaseException)


def explain(error: E, korean: str) -> E:
    """Attach the Korean explanation to an error and return the error, ready to be raised.

    >>> try:
    ...     raise explain(ValueError("lr must be positive, got -1"), "학습률 lr은 0보다 커야 합니다.")
    ... except ValueError as error:
    ...     print(error, error.__notes__)
    lr must be positive, got -1 ['학습률 lr은 0보다 커야 합니다.']
    """
    error.add_note(korean)
    return error


def wants_integers(error: BaseException) -> bool:
    """Whether an error says that numbers with fractions stand where whole ones must: an id, a label, an index."""
    return "integer" in str(error) or "no gradient can be given" in str(error)


def note_leaves(error: BaseException, who: str, constants: tuple[str, str]) -> None:
    """Add to an error of a function that was called with leaves how ids and labels are passed, and how other constants are."""
    error.add_note(
        f"{who} makes a leaf of every array of floats; pass ids and labels as whole numbers, x.astype(int), {constants[0]}"
    )
    error.add_note(
        f"실수 배열은 기울기를 구할 Tensor로 바꾸어 넘깁니다. id나 레이블은 x.astype(int)처럼 정수로 넘기고, {constants[1]}"
    )


def described(value: Any) -> str:
    """An argument of an op, in an error: its dtype and shape, or its type."""
    return f"{value.dtype}{list(value.shape)}" if hasattr(value, "dtype") else type(value).__name__


def refused(error: Exception, op: str, values: tuple[Any, ...], passed: tuple[Any, ...] = ()) -> Exception:
    """The error that a forward raised, as the same kind of error with the name of the op and the shapes it was
    given: those of the arrays that users passed, and of what became of lists and numbers.
    """
    given = (
        ", ".join(described(x if hasattr(x, "dtype") else v) for x, v in zip(passed or values, values, strict=True))
        or "-"
    )
    if type(error) in (ValueError, TypeError, IndexError, np.exceptions.AxisError):
        error = type(error)(f"{op}({given}): {error}")
    else:
        error.add_note(f"in {op}({given})")
    return explain(error, f"연산 {op}: 계산할 수 없습니다. 입력은 {given}입니다. 형상과 인수를 확인하십시오.")


def called_too_late(function: str) -> TypeError:
    """A switch decorates a coroutine or a generator, whose body runs when the switch is off again."""
    return explain(
        TypeError(f"{function} runs after a decorator has returned: use a with block inside it"),
        f"코루틴이나 제너레이터인 {function}에는 데코레이터 대신 함수 안에서 with 문을 쓰십시오.",
    )


def not_differentiable(op: str, argument: str) -> TypeError:
    """A Tensor that requires a gradient stands where none can be given."""
    return explain(
        TypeError(f"{op}: no gradient can be given for {argument!r}; pass {argument}.detach()"),
        f"{op}의 인수 {argument!r}에 대해서는 기울기를 구할 수 없습니다. 기울기가 필요 없다면 {argument}.detach()를 넘기십시오.",
    )


def already_freed(op: str) -> RuntimeError:
    """A graph is used again after its saved values were freed."""
    return explain(
        RuntimeError(
            f"{op}: an earlier backward() has let go of what this one needs; compute the value again, or call the first one with "
            "keep_graph=True (tg.grad always keeps the graph)"
        ),
        "이전 backward()에서 계산 그래프에 저장된 값을 이미 지웠습니다. 순전파를 다시 계산하거나, "
        "처음 호출할 때 keep_graph=True를 주십시오.",
    )


def wrong_shape(op: str, argument: str, got: Any, wanted: tuple[int, ...], broadcasts: bool) -> ValueError:
    """A formula gave a gradient that does not have its argument's shape."""
    hint = korean = ""
    if not broadcasts:
        hint = " (declare broadcasts=True if the arguments of this op broadcast, or sum over the stretched axes in the formula)"
        korean = " 브로드캐스트된 축은 공식에서 합하거나 @op(broadcasts=True)로 선언하십시오."
    return explain(
        ValueError(
            f"{op}: the formula for {argument!r} gave a gradient of {got}, but the argument has shape {wanted}{hint}"
        ),
        f"연산 {op}: 인수 {argument!r}의 미분 공식으로 구한 기울기({got})가 인수의 형상 {wanted}와 맞지 않습니다.{korean}",
    )


def no_array(op: str, got: Any) -> TypeError:
    """A forward returned something else than an array."""
    return explain(
        TypeError(
            f"{op}: its forward returned {described(got)}, not an array of real numbers; is there a return missing, or keeps="
            " for what it returns beside its output?"
        ),
        f"{op}의 순전파 함수는 실수 배열을 반환해야 합니다. 반환값: {described(got)}. return이나 keeps를 빠뜨리지 않았는지 확인하십시오.",
    )


def mixed(op: str, libraries: list[str], values: tuple[Any, ...]) -> TypeError:
    """The arrays that an op was given belong to two libraries."""
    given, names = ", ".join(map(described, values)), ", ".join(libraries)
    return explain(
        TypeError(
            f"{op}({given}): its arrays belong to several libraries ({names}), and a gradient would come out in the wrong one; bring them "
            "into one first, as xp.asarray(a) does"
        ),
        f"연산 {op}: 입력 배열의 라이브러리가 서로 다릅니다({names}). 먼저 xp.asarray(a) 등으로 한 라이브러리의 배열로 맞추십시오. "
        f"입력은 {given}입니다.",
    )


def no_gradient_through(op: str, dtype: Any) -> TypeError:
    """A gradient is asked of a value that is not floating."""
    return explain(
        TypeError(
            f"{op}: its output holds {dtype}, and no gradient can go through that; use x.detach() where it is made"
        ),
        f"{op}의 출력은 {dtype} 자료형이므로 기울기가 지나갈 수 없습니다. 기울기가 필요 없다면 x.detach()를 쓰십시오.",
    )


def no_result(y: Any) -> TypeError:
    """A function, or something else that is no Tensor, is to be differentiated by `tg.grad`."""
    hint, korean = "y must be a Tensor", "y에는 Tensor를 넘겨야 합니다."
    if callable(y):
        hint = "call it first: y = f(x), then tg.grad(y, x)"
        korean = "함수가 아니라 계산한 결과를 넘겨야 합니다. y = f(x)를 먼저 계산하고 tg.grad(y, x)를 부르십시오."
    return explain(
        TypeError(f"tg.grad differentiates a Tensor, not {type(y).__name__}; {hint}"),
        f"tg.grad: {korean} 받은 값의 종류: {type(y).__name__}",
    )


def no_variable(i: int) -> TypeError:
    """A gradient is asked for with respect to a constant, or to something that is no Tensor."""
    return explain(
        TypeError(
            f"x number {i} does not require a gradient; make it with requires_grad=True (with create_graph=True if tg.grad gave it)"
        ),
        f"x의 {i}번 항목은 requires_grad=True로 만든 Tensor가 아니므로 기울기를 구할 수 없습니다. tg.grad로 구한 값이라면 그때 "
        "create_graph=True를 주십시오.",
    )


def unused(i: int, name: str) -> RuntimeError:
    """A gradient is asked for with respect to a Tensor that is not behind the result."""
    return explain(
        RuntimeError(f"y does not depend on x number {i}{name}; pass allow_unused=True for a gradient of zeros"),
        f"y는 x의 {i}번 항목{name}에 의존하지 않습니다. 0으로 채운 기울기를 원하면 allow_unused=True를 넘기십시오.",
    )


def nothing_behind() -> RuntimeError:
    """A constant is to be differentiated."""
    return explain(
        RuntimeError(
            "nothing behind this Tensor requires a gradient: it is a constant; if tg.grad gave it, pass create_graph=True there, else make "
            "the leaves with requires_grad=True and compute outside no_grad(), without detach()"
        ),
        "이 Tensor는 상수입니다. 계산에 기울기가 필요한 Tensor가 없습니다. tg.grad로 구한 값이라면 그때 create_graph=True를 주고, "
        "아니라면 매개변수를 requires_grad=True로 만들어 no_grad()나 detach() 없이 계산하십시오.",
    )


def cut_through_g(call: str, cure: str) -> TypeError:
    """A starting gradient requires a gradient, and nothing is recorded of what is done with it."""
    return explain(
        TypeError(
            f"{call} would lose the gradient of g, which requires one; write {cure}, or pass g.detach() if none is wanted"
        ),
        f"{call}: g로 흐르는 기울기가 끊어지므로 허용하지 않습니다. 필요하다면 {cure}를 쓰고, 필요 없다면 g.detach()를 넘기십시오.",
    )


def keeps_no_gradient(op: str) -> str:
    """What is said when `.grad` of a result is read."""
    return (
        f"the result of {op} keeps no gradient, only a leaf (made with requires_grad=True) does; with respect to a result y take "
        "tg.grad(z, y), or compute under tg.watch() and read y.node.seen.gradient\n"
        f"{op}의 결과에는 기울기가 남지 않습니다. 기울기는 requires_grad=True로 만든 Tensor에만 저장됩니다. 결과 y에 대한 기울기는 "
        "tg.grad(z, y)로 구하거나, tg.watch() 안에서 계산한 뒤 y.node.seen.gradient에서 읽으십시오."
    )


def other_data(needed: str, got: str) -> TypeError:
    """An array of another dtype or library is assigned to the data of a Tensor."""
    return explain(
        TypeError(
            f"data of {needed} cannot be replaced by {got}: a Tensor keeps its dtype and its library; make a new one, "
            "tg.Tensor(a, dtype=..., requires_grad=True)"
        ),
        f"Tensor의 자료형과 라이브러리는 바뀌지 않습니다. 필요한 배열: {needed}, 받은 배열: {got}. "
        "tg.Tensor(a, dtype=..., requires_grad=True)로 새 Tensor를 만드십시오.",
    )


def other_library(what: str, needed: str, got: str) -> TypeError:
    """A gradient is given in an array of another library than the Tensor's."""
    return explain(
        TypeError(f"{what} is an array of {got}, but the Tensor's is one of {needed}"),
        f"기울기의 배열은 {got}의 것인데 Tensor의 배열은 {needed}의 것입니다. {needed}의 배열로 바꾸어 넘기십시오.",
    )
