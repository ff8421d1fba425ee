"""Refusals: what a traced function cannot do, as errors that name the line of the user's and the way out."""

from collections.abc import Callable
from typing import Any

from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.callers import users_line


def depends_on_data(what: str) -> Callable[..., Any]:
    """A method that refuses to read the numbers of an array."""

    """A method that refuses to read the numbers of an array."""

    def method(self: Any, *_: Any, **__: Any) -> Any:
        line = users_line()
        raise explain(
            TypeError(
                f"compile: {what} of a traced array at {line}: the program would depend on its numbers, and be wrong for others; "
                "use tg.where, or compute this outside of the compiled function and pass it as an argument"
            ),
            f"compile: 추적 중인 배열의 값을 읽으려고 했습니다: {what}, {line}. 값에 따라 달라지는 프로그램은 만들 수 없습니다. "
            "tg.where를 쓰거나, 컴파일할 함수 밖에서 계산하여 인수로 넘기십시오.",
        )

    return method


def unsupported(what: str) -> Exception:
    """The error for what a trace cannot follow."""
    """The error for what writes to an array that a trace cannot follow."""
    line = users_line()
    return explain(
        TypeError(f"compile: {what} is not supported (at {line}); return a new array instead of writing to one"),
        f"compile: {what}: 지원하지 않습니다({line}). 배열에 쓰는 대신 새 배열을 반환하십시오.",
    )
