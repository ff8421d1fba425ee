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


def unseen_draw(stream: str) -> Exception:
    """The error for a draw from a stream that a trace did not see."""
    return explain(
        TypeError(
            f"compile: numbers were drawn from {stream} inside the function, where they would be the same at every call; "
            "draw them from an np.random.Generator that the function holds, rng.random(shape), or outside, and pass them"
        ),
        f"compile: 함수 안에서 난수를 뽑았습니다({stream}). 컴파일하면 호출할 때마다 같은 수가 됩니다. 함수가 가지고 있는 "
        "np.random.Generator에서 rng.random(shape)처럼 뽑거나, 밖에서 뽑아 인수로 넘기십시오.",
    )


def left_behind(what: str) -> Exception:
    """The error for a change that a program cannot make."""
    return explain(
        TypeError(
            f"compile: the function changes {what} in a way that a program cannot repeat; return the new value and store it outside"
        ),
        f"compile: 함수가 바꾸는 것 가운데 프로그램이 되풀이할 수 없는 것이 있습니다: {what}. 새 값을 반환하고 함수 밖에서 저장하십시오.",
    )


def read_only(array: Any) -> Exception:
    """The error for an array that cannot be written to."""
    return explain(
        ValueError(
            f"compile: the function writes to an array of shape {array.shape} that is read-only; nothing was changed"
        ),
        f"compile: 함수가 쓰려는 배열이 읽기 전용입니다. 형상: {array.shape}. 아무것도 바꾸지 않았습니다.",
    )


def differs(what: str, line: str) -> Exception:
    """The error for a function that is not the same when it is traced again."""
    at = f" (at {line})" if line else ""
    return explain(
        TypeError(
            f"compile: two calls from the same state differ in {what}{at}, so a program would be wrong at the next call: a clock, an "
            "iterator, a file, or numbers drawn inside; compute it outside of the function and pass it as an argument"
        ),
        f"compile: 같은 상태에서 두 번 호출했는데 결과가 다릅니다: {what}{at}. 시계, 반복자, 파일, 함수 안에서 뽑은 난수가 그렇습니다. "
        "함수 밖에서 계산하여 인수로 넘기십시오.",
    )


def out_of_sight(shape: tuple[int, ...], line: str) -> Exception:
    """The error for an array that was there before the call, in a place where nobody would see it change."""
    return explain(
        TypeError(
            f"compile: an array of shape {shape} (at {line}) is from before the call and kept where compile does not look, so a change of "
            "it would not be seen; pass it as an argument, or keep it in a variable, list, dict or attribute that the function names"
        ),
        f"compile: 형상이 {shape}인 배열({line})은 호출 전에 만들어졌고 컴파일러가 살펴보지 않는 곳에 있어서, 바뀌어도 알 수 없습니다. "
        "인수로 넘기거나, 함수가 이름으로 쓰는 변수, 리스트, 딕셔너리, 속성에 두십시오.",
    )


def leaked(where: str) -> Exception:
    """The error for a traced array that stays behind in something that is no state of the function."""
    return explain(
        TypeError(
            f"compile: the function leaves a traced array in a {where} that a program cannot change; return the array instead"
        ),
        f"compile: 함수가 추적 중인 배열을 이 종류의 객체에 남깁니다: {where}. 프로그램은 이 객체를 바꿀 수 없으니 배열을 반환하십시오.",
    )


def shares(array: Any) -> Exception:
    """The error for an array that is written to and read under another name."""
    return explain(
        ValueError(
            f"compile: the function writes to an array of shape {array.shape} that shares memory with another of its inputs; nothing was "
            "changed; pass a copy"
        ),
        f"compile: 함수가 쓰는 배열이 다른 입력과 메모리를 함께 씁니다(형상 {array.shape}). 아무것도 바꾸지 않았습니다. 사본을 넘기십시오.",
    )
