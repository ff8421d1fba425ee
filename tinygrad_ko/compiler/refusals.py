"""Refusals: what a traced function cannot do, as errors that name the line of the user's and the way out."""

from collections.abc import Callable
from typing import Any

from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.callers import users_line

_CURES = {
    "np.asarray()": (
        "it is an array already, so leave the conversion out; np.stack([a, b]) makes one array of several, and a constant table W takes "
        "traced indices by np.take(W, i, axis=0)",
        "이미 배열이므로 변환하지 마십시오. 여러 배열은 np.stack([a, b])으로 묶고, 상수 표 W의 원소는 np.take(W, i, axis=0)으로 "
        "가져오십시오.",
    ),
    "a mask as an index": (
        "how many elements it takes depends on its numbers; use tg.where(mask, x, 0), or compute this outside of the compiled function",
        "마스크가 고르는 원소의 개수는 값에 따라 달라집니다. tg.where(mask, x, 0)을 쓰거나, 컴파일할 함수 밖에서 계산하십시오.",
    ),
}
_CURE = (
    "the program would depend on its numbers, and be wrong for others; use tg.where, or compute this outside of the compiled function and "
    "pass it as an argument",
    "값에 따라 달라지는 프로그램은 만들 수 없습니다. tg.where를 쓰거나, 컴파일할 함수 밖에서 계산하여 인수로 넘기십시오.",
)


def depends_on_data(what: str) -> Callable[..., Any]:
    """A method that refuses to read the numbers of an array."""

    def method(self: Any, *_: Any, **__: Any) -> Any:
        line, (cure, korean) = users_line(), _CURES.get(what, _CURE)
        raise explain(
            TypeError(f"compile: {what} of a traced array at {line}: {cure}"),
            f"compile: 추적 중인 배열의 값을 읽으려고 했습니다: {what}, {line}. {korean}",
        )

    return method


def unsupported(what: str) -> Exception:
    """The error for a function that a trace cannot follow."""
    line = users_line()
    return explain(
        TypeError(
            f"compile: {what} of a traced array is not supported (at {line}); use another function, or compute this outside of the "
            "compiled function and pass it as an argument"
        ),
        f"compile: 추적 중인 배열에는 쓸 수 없습니다: {what}({line}). 다른 함수를 쓰거나, 컴파일할 함수 밖에서 계산하여 인수로 넘기십시오.",
    )


def cannot_write(what: str) -> Exception:
    """The error for what writes to an array that a trace cannot follow."""
    line = users_line()
    return explain(
        TypeError(f"compile: {what} is not supported (at {line}); return a new array instead of writing to one"),
        f"compile: {what}: 지원하지 않습니다({line}). 배열에 쓰는 대신 새 배열을 반환하십시오.",
    )
