"""Errors that teach: a short English message, and a Korean note that says the same and what to do about it.

Errors are built-in exceptions (ValueError, TypeError, ...), and a note travels with its exception (PEP 678): a traceback shows both
languages without a setting. Below `explain` stand what NumPy says, in Korean, and the errors of the engine.
"""

import re
from typing import Any, TypeVar

import numpy as np

E = TypeVar("E", bound=BaseException)


def explain(error: E, korean: str) -> E:
    """Attach the Korean explanation to an error and return the error, ready to be raised.

    >>> try:
    ...     raise explain(ValueError("lr must be positive, got -1"), "학습률 lr은 0보다 커야 합니다. 받은 값: -1")
    ... except ValueError as error:
    ...     print(error, error.__notes__)
    lr must be positive, got -1 ['학습률 lr은 0보다 커야 합니다. 받은 값: -1']
    """
    error.add_note(korean)
    return error


def wants_integers(error: BaseException) -> bool:
    """Whether an error says that floats are given where integers must be: ids, labels, an index."""
    return "integer" in str(error) or "no gradient can be given" in str(error)


def note_leaves(error: BaseException, who: str, constants: tuple[str, str]) -> None:
    """Add to an error of a function that was called with leaves how to pass ids and labels, and how other constants."""
    error.add_note(
        f"{who} makes a leaf of every array of floats; pass ids and labels as whole numbers, x.astype(int), {constants[0]}"
    )
    error.add_note(
        f"{who}: 실수 배열은 기울기를 구할 Tensor로 바꾸어 넘깁니다. id나 레이블은 x.astype(int)처럼 정수로 넘기고, {constants[1]}"
    )


# What NumPy 2.1 to 2.4 say, and the same in Korean with the same numbers.
_IN_KOREAN = {
    r"index (\S+) is out of bounds for axis (\d+) with size (\d+)": "길이가 {2}인 축 {1}에 인덱스 {0}번은 없습니다.",
    r"axis (\S+) is out of bounds for array of dimension (\d+)": "축이 {1}개인 배열에 축 {0}번은 없습니다.",
    r"remapped\]: (.+\)) +and requested shape (.+)": "브로드캐스트할 수 없습니다. 배열의 형상: {0}, 필요한 형상: {1}.",
    r"broadcast together with shapes (.+\))": "브로드캐스트할 수 없습니다: {0}. 뒤에서부터 맞춘 축의 길이가 같거나 1이어야 합니다.",
    r"more dimensions than allowed by the axis remapping": "축의 개수를 줄이는 브로드캐스트는 할 수 없습니다.",
    r"operand (\d).* core dimension (\d).*size (\d+) is different from (\d+)": "{0}번 입력의 핵심 축 {1}번의 길이: {2}. 필요한 길이: {3}.",
    r"operand (\d) does not have enough .*has (\d+), .* requires (\d+)": "{0}번 입력의 축이 {1}개입니다. {2}개 이상이어야 합니다.",
    r"cannot reshape array of size (\d+) into shape (.+)": "원소가 {0}개인 배열로는 다음 형상을 만들 수 없습니다: {1}.",
    r"can only specify one unknown dimension": "-1은 축 하나에만 쓸 수 있습니다.",
    r"duplicate value in 'axis'|repeated axis": "같은 축을 두 번 지정했습니다.",
    r"axes don't match array": "배열의 모든 축을 한 번씩 지정해야 합니다.",
    r"axis to squeeze out which has size not equal to one": "길이가 1인 축만 없앨 수 있습니다.",
    r"zero-size array to reduction operation (\w+)": "원소가 없는 배열에는 {0} 연산의 결과가 없습니다.",
    r"attempt to get (\w+) of an empty sequence": "원소가 없는 배열에는 {0} 연산의 결과가 없습니다.",
    r"array is (\d+)-dimensional, but (\d+) were indexed": "축이 {0}개인 배열에 인덱스를 {1}개 지정했습니다.",
    r"only integers, slices": "인덱스에는 정수, 슬라이스, ..., None, 정수 배열, bool 배열만 쓸 수 있습니다.",
    r"along axis (\d+); size of axis is (\d+) .* axis is (\d+)": "축 {0}의 길이는 {1}인데 bool 인덱스의 길이는 {2}입니다.",
    r"dimension (\d+), .* (\d+) has size (\d+) .* (\d+) has size (\d+)": "축 {0}의 길이가 다릅니다. {1}번 배열: {2}, {3}번 배열: {4}.",
    r"at index (\d+) has (\d+) dimension.* (\d+) has (\d+) dimension": "축의 개수가 다릅니다. {0}번 배열: {1}개, {2}번 배열: {3}개.",
    r"all input arrays must have the same shape": "쌓을 배열은 형상이 모두 같아야 합니다.",
    r"need at least one array to": "배열이 하나 이상 필요합니다.",
    r"zero-dimensional arrays cannot be concatenated": "축이 없는 배열은 이어 붙일 수 없습니다.",
    r"boolean subtract": "bool 배열은 뺄 수 없습니다. `^` 연산자나 logical_xor를 쓰십시오.",
    r"boolean negative": "bool 배열은 부호를 바꿀 수 없습니다. `~` 연산자나 logical_not을 쓰십시오.",
    r"'(\w+)' object cannot be interpreted as an integer": "정수가 필요합니다. 받은 값의 종류: {0}.",
    r"expected a sequence of integers or a single integer, got '(.+)'": "정수나 정수의 튜플이 필요합니다. 받은 값: {0}.",
    r"ufunc '(\w+)' not supported for the input types": "{0} 연산을 할 수 없는 자료형입니다.",
    r"data type '(.+)' not understood": "알 수 없는 자료형입니다: {0}.",
    r"Cannot cast .* '(\w+)' output from dtype\('(.+)'\) to dtype\('(.+)'\)": "{0} 연산의 결과를 저장할 수 없는 자료형입니다: {1} -> {2}.",
    r"Unable to allocate (.+) for an array with shape (.+) and data type (\w+)": "메모리가 부족합니다({0}). 형상: {1}, 자료형: {2}.",
}
_UNKNOWN = "계산할 수 없습니다. 원인은 오류 메시지에 있습니다."


def described(value: Any) -> str:
    """An argument of an op, in an error: its dtype and shape, or its type."""
    return f"{value.dtype}{list(value.shape)}" if hasattr(value, "dtype") else type(value).__name__


def refused(error: Exception, op: str, values: tuple[Any, ...], passed: tuple[Any, ...] = ()) -> Exception:
    """The error that a forward raised, as the same kind of error with the name of the op and the dtypes and shapes it was given."""
    shown = [described(x if hasattr(x, "dtype") else v) for x, v in zip(passed or values, values, strict=True)]
    given, notes = ", ".join(shown) or "-", getattr(error, "__notes__", [])
    korean = (
        f"연산 {op}의 입력: {given}" if notes else f"연산 {op}: {numpy_in_korean(str(error)) or _UNKNOWN} 입력: {given}"
    )
    if type(error) in (ValueError, TypeError, IndexError, np.exceptions.AxisError):
        error = type(error)(f"{op}({given}): {error}")
        error.__notes__ = list(notes)
    else:
        error.add_note(f"in {op}({given})")
    return explain(error, korean)


def numpy_in_korean(said: str) -> str:
    """What NumPy says, in Korean; nothing where that is not known."""
    for english, korean in _IN_KOREAN.items():
        if found := re.search(english, said):
            return korean.format(*found.groups())
    return ""


def called_too_late(function: str) -> TypeError:
    """A switch decorates a coroutine or a generator, whose body runs after the switch was left."""
    return explain(
        TypeError(f"{function} runs after a decorator has returned: use a with block inside it"),
        f"코루틴이나 제너레이터의 본문은 데코레이터가 끝난 뒤에 실행됩니다. 함수 안에서 with 문을 쓰십시오: {function}",
    )


def not_differentiable(op: str, argument: str) -> TypeError:
    """A Tensor that requires a gradient is given for an argument without a formula."""
    return explain(
        TypeError(f"{op}: no gradient can be given for {argument!r}; pass {argument}.detach()"),
        f"연산 {op}: 인수 {argument!r}에 대해서는 기울기를 구할 수 없습니다. {argument}.detach()를 넘기십시오.",
    )


def already_freed(op: str) -> RuntimeError:
    """A graph is used again after its saved values were freed."""
    return explain(
        RuntimeError(
            f"{op}: an earlier backward() has freed the saved values; compute the value again, or call the first one with "
            "keep_graph=True (tg.grad always keeps the graph); to a Tensor that outlives the step, such as a running mean, add y.detach()"
        ),
        f"연산 {op}: 저장된 값을 이전 backward()에서 이미 지웠습니다. 순전파를 다시 계산하거나, 첫 번째 backward()를 "
        "keep_graph=True로 호출하십시오(tg.grad는 항상 계산 그래프를 남깁니다). 이동 평균처럼 다음 단계까지 남는 Tensor에는 y.detach()를 "
        "더하십시오.",
    )


def wrong_shape(op: str, argument: str, got: Any, wanted: tuple[int, ...], broadcasts: bool) -> ValueError:
    """A formula gives a gradient that does not have its argument's shape."""
    hint = korean = ""
    if not broadcasts:
        hint = "; declare broadcasts=True if the op broadcasts its arguments, or sum over the stretched axes in the formula"
        korean = " 인수를 브로드캐스트하는 연산이라면 broadcasts=True로 선언하거나 늘어난 축을 공식에서 합하십시오."
    return explain(
        ValueError(f"{op}: the formula for {argument!r} gave {got}, but its argument has shape {wanted}{hint}"),
        f"연산 {op}: 인수 {argument!r}의 미분 공식이 인수의 형상과 맞지 않습니다. 구한 기울기: {got}, 필요한 형상: {wanted}.{korean}",
    )


def no_array(op: str, got: Any) -> TypeError:
    """A forward returns something else than an array."""
    returned = described(got)
    return explain(
        TypeError(
            f"{op}: its forward returned {returned}, not an array of real numbers; is a return missing, or keeps=?"
        ),
        f"연산 {op}: 순전파 함수는 실수 배열을 반환해야 합니다. 반환값: {returned}. return이나 keeps=를 빠뜨리지 않았는지 확인하십시오.",
    )


def mixed(op: str, libraries: list[str], values: tuple[Any, ...]) -> TypeError:
    """The arguments of an op are arrays of two libraries."""
    given, names = ", ".join(map(described, values)), ", ".join(libraries)
    return explain(
        TypeError(
            f"{op}({given}): arrays of several libraries ({names}); bring them into one first, as xp.asarray(a) does"
        ),
        f"연산 {op}: 배열의 라이브러리가 서로 다릅니다({names}). xp.asarray(a) 등으로 한 라이브러리의 배열로 맞추십시오. 입력: {given}",
    )


def no_gradient_through(op: str, dtype: Any) -> TypeError:
    """A gradient would have to pass a value that is not floating."""
    return explain(
        TypeError(f"{op}: no gradient passes its output, which holds {dtype}; use x.detach() where it is made"),
        f"연산 {op}: 출력의 자료형이 {dtype}이므로 기울기가 지나갈 수 없습니다. 그 값을 만드는 곳에서 x.detach()를 쓰십시오.",
    )


def no_result(y: Any) -> TypeError:
    """`tg.grad` is given a function, or something else that is no Tensor."""
    hint, korean = "y must be a Tensor", "y에는 Tensor를 넘겨야 합니다."
    if callable(y):
        hint = "call it first: y = f(x), then tg.grad(y, x)"
        korean = "함수가 아니라 계산한 결과를 넘겨야 합니다. y = f(x)를 먼저 계산하고 tg.grad(y, x)를 호출하십시오."
    return explain(
        TypeError(f"tg.grad differentiates a Tensor, not {type(y).__name__}; {hint}"),
        f"tg.grad: {korean} 받은 값의 종류: {type(y).__name__}",
    )


def no_variable(i: int) -> TypeError:
    """A gradient with respect to a constant, or to something that is no Tensor, is asked for."""
    return explain(
        TypeError(
            f"x number {i} does not require a gradient; make it with requires_grad=True (with create_graph=True if tg.grad gave it)"
        ),
        f"x의 {i}번 항목은 requires_grad=True로 만든 Tensor가 아니므로 기울기를 구할 수 없습니다. tg.grad로 구한 값이라면 그때 "
        "create_graph=True를 주십시오.",
    )


def unused(i: int, name: str) -> RuntimeError:
    """A gradient with respect to a Tensor that the result does not depend on is asked for."""
    return explain(
        RuntimeError(f"y does not depend on x number {i}{name}; pass allow_unused=True for a gradient of zeros"),
        f"y는 x의 {i}번 항목{name}에 의존하지 않습니다. 0으로 채운 기울기를 원하면 allow_unused=True를 넘기십시오.",
    )


def no_leaf_of_results() -> TypeError:
    """A leaf is to be made of Tensors that require a gradient themselves."""
    return explain(
        TypeError(
            "Tensor([x, y], requires_grad=True): a leaf made of Tensors that require a gradient would cut them off; leave "
            "requires_grad out for a result, or pass x.detach() and y.detach() for a leaf"
        ),
        "Tensor([x, y], requires_grad=True): 기울기가 필요한 Tensor로 새 매개변수를 만들면 기울기가 끊어집니다. 이어지는 결과가 필요하면 "
        "requires_grad를 빼고, 새 매개변수가 필요하면 x.detach()와 y.detach()를 넘기십시오.",
    )


def nothing_behind() -> RuntimeError:
    """A constant is differentiated."""
    return explain(
        RuntimeError(
            "nothing behind this Tensor requires a gradient: it is a constant; if tg.grad gave it, pass create_graph=True there, else make "
            "the leaves with requires_grad=True and compute outside no_grad(), without detach()"
        ),
        "이 Tensor는 상수입니다. 계산에 기울기가 필요한 Tensor가 없습니다. tg.grad로 구한 값이라면 그때 create_graph=True를 주고, "
        "아니라면 매개변수를 requires_grad=True로 만들어 no_grad()나 detach() 없이 계산하십시오.",
    )


def cut_through_g(call: str, cure: str) -> TypeError:
    """A starting gradient requires a gradient, but what is computed from it is not recorded."""
    return explain(
        TypeError(f"{call} would lose the gradient of g; write {cure}, or pass g.detach() if none is wanted"),
        f"{call}: g에 대한 기울기가 끊어집니다. 필요하다면 다음과 같이 쓰고, 필요 없다면 g.detach()를 넘기십시오: {cure}",
    )


def keeps_no_gradient(op: str) -> str:
    """The warning when `.grad` of a result is read."""
    return (
        f"the result of {op} keeps no gradient, only a leaf (made with requires_grad=True) does; with respect to a result y take "
        "tg.grad(z, y), or compute under tg.watch() and read y.node.seen.gradient\n"
        f"연산 {op}의 결과에는 기울기가 남지 않습니다. 기울기는 requires_grad=True로 만든 Tensor에만 저장됩니다. 결과 y에 대한 기울기는 "
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
        "tg.Tensor(a, dtype=..., requires_grad=True)로 새로 만드십시오.",
    )


def other_library(name: str, needed: str, got: str) -> TypeError:
    """The gradient `grad`, or the starting gradient `g`, is an array of another library than the Tensor's."""
    kind, korean = ("starting gradient", "시작 기울기") if name == "g" else ("gradient", "기울기")
    return explain(
        TypeError(f"the {kind} {name} is an array of {got}, but the Tensor's is one of {needed}"),
        f"{korean} {name}: 배열의 라이브러리가 Tensor와 같아야 합니다. 받은 배열: {got}, 필요한 배열: {needed}",
    )
