"""What a traced array refuses: to show its numbers, and functions and writes that a trace cannot follow. Such a refusal cannot be caught by
the function: it would go on as the function itself does not.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tinygrad_ko.compiler.phrases import in_korean
from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.callers import users_line

_READING = {
    "np.asarray()": (
        "its numbers are not known here; use the array as it is instead: np.stack([a, b]) makes one of several, and tg.take(W, i, axis=0) "
        "takes rows of a constant table",
        "이곳에서는 값을 알 수 없으니 변환하지 말고 배열 그대로 쓰십시오. 여러 배열은 np.stack([a, b])으로 묶고, 상수 표의 행은 "
        "tg.take(W, i, axis=0)으로 가져오십시오.",
    ),
    "an index": (
        "what says where, how many or along which axis cannot be an input of the program; pass int(n) instead of one of NumPy's integers, "
        "or take x[i] with an array i",
        "위치, 개수, 축을 정하는 수는 프로그램의 입력이 될 수 없습니다. NumPy 정수 대신 int(n)을 넘기거나, 배열 i로 x[i]를 쓰십시오.",
    ),
    "a mask as an index": (
        "how many elements it takes depends on its numbers; use tg.where(mask, x, 0), or find the places outside of the compiled function, "
        "np.flatnonzero(mask), and pass them as an argument",
        "마스크가 고르는 원소의 개수는 값에 따라 달라집니다. tg.where(mask, x, 0)을 쓰거나, 컴파일할 함수 밖에서 np.flatnonzero(mask)로 "
        "자리를 찾아 인수로 넘기십시오.",
    ),
}
_READ_OUTSIDE = (
    "it has no numbers yet while the function is traced; return it and read it outside, and for a choice inside use tg.where",
    "추적하는 동안에는 값이 없습니다. 반환하게 한 뒤 밖에서 읽으십시오. 안에서 값에 따라 고르려면 tg.where를 쓰십시오.",
)
_READING |= dict.fromkeys(
    (".item()", ".tolist()", ".numpy()", "float()", "int()", "format()", "float(x)", "int(x)", "np.asarray(x)"),
    _READ_OUTSIDE,
)
_CURE = (
    "the program would depend on its numbers, and be wrong for others; use tg.where, or compute this outside of the compiled function and "
    "pass it as an argument",
    "값에 따라 달라지는 프로그램은 만들 수 없습니다. tg.where를 쓰거나, 컴파일할 함수 밖에서 계산하여 인수로 넘기십시오.",
)

_refused: ContextVar[list[Exception]] = ContextVar("refused")
_failed: ContextVar[list[Exception]] = ContextVar("failed")


@contextmanager
def none_caught() -> Iterator[None]:
    """At the end of the block what was refused in it is raised, also if the function has caught it: it went on as the function itself does
    not. So is what failed for the numbers of this call alone, if it was caught.
    """
    refused_before, failed_before = _refused.set([]), _failed.set([])
    try:
        try:
            yield
        except Exception as error:  # also one that was made of a refusal, and says less
            if (those := _refused.get()) and error not in those:
                raise those[-1] from None
            raise
        for refusal in _refused.get():
            raise refusal
        for failure in _failed.get():
            raise caught(failure)
    finally:
        _refused.reset(refused_before)
        _failed.reset(failed_before)


def _uncatchable(error: Exception) -> Exception:
    """A refusal, which a traced function may not catch."""
    _refused.get([]).append(error)
    return error


def failed(error: Exception) -> Exception:
    """An error that may depend on numbers, which a traced function may not catch."""
    _failed.get([]).append(error)
    return error


def caught(error: Exception) -> Exception:
    """The error for a function that catches what fails for some numbers alone, such as a matrix without an inverse."""
    kind = type(error).__name__
    return explain(
        TypeError(
            f"compile: the function catches a {kind} ({error}), which depends on the numbers of this call; compute this outside of the "
            "compiled function and pass it as an argument"
        ),
        f"compile: 함수가 처리한 예외 {kind}({error}): 이번 호출의 값에 따라 달라지는 오류입니다. 컴파일할 함수 밖에서 계산하여 인수로 "
        "넘기십시오.",
    )


def depends_on_data(what: str) -> Callable[..., Any]:
    """A method that refuses to read the numbers of an array."""

    def method(self: Any, *_: Any, **__: Any) -> Any:
        line, (cure, korean) = users_line(), _READING.get(what, _CURE)
        raise _uncatchable(
            explain(
                TypeError(f"compile: {what} of a traced array at {line}: {cure}"),
                f"compile: 추적 중인 배열의 값을 읽으려고 했습니다: {in_korean(what)}, {line}. {korean}",
            )
        )

    return method


def unsupported(what: str) -> Exception:
    """The error for a function that a trace cannot follow."""
    line = users_line()
    error = TypeError(
        f"compile: {what} is not supported inside of a compiled function (at {line}); use another function, or compute this outside "
        "and pass it as an argument"
    )
    korean = f"compile: 컴파일할 함수 안에서는 쓸 수 없습니다: {in_korean(what)}({line})."
    return _uncatchable(explain(error, f"{korean} 다른 함수를 쓰거나, 밖에서 계산하여 인수로 넘기십시오."))


def cannot_write(what: str) -> Exception:
    """The error for what writes to an array that a trace cannot follow."""
    line = users_line()
    error = TypeError(f"compile: {what} is not supported (at {line}); return a new array instead of writing to one")
    return _uncatchable(
        explain(
            error, f"compile: {in_korean(what)}: 지원하지 않습니다({line}). 배열에 쓰는 대신 새 배열을 반환하십시오."
        )
    )


def other_warnings(mode: str) -> Exception:
    """The error for a mode of np.errstate inside of the function that a program does not repeat."""
    line = users_line()
    return _uncatchable(
        explain(
            TypeError(
                f"compile: np.errstate({mode}) is not supported inside of a compiled function (at {line}); put it around the calls of the "
                "compiled function"
            ),
            f"compile: np.errstate({mode})는 컴파일할 함수 안에서 쓸 수 없습니다({line}). 컴파일한 함수를 호출하는 곳을 np.errstate로 "
            "감싸십시오.",
        )
    )
