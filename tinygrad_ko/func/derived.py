"""Functions that are derived from a function: what they are called, and which of its arguments they are derived by."""

from collections.abc import Callable
from typing import Any

from tinygrad_ko.errors import explain

Argnums = int | tuple[int, ...]


def derived(what: str, f: Callable[..., Any], call: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is derived from f: it has its signature, and a name that tells."""
    if not callable(f):
        raise explain(
            TypeError(f"{what} takes a function, not {type(f).__name__}; of a result, tg.grad(y, x) is the gradient"),
            f"{what}에는 함수를 넘겨야 합니다. 이미 계산한 결과의 기울기는 tg.grad(y, x)로 구하십시오.",
        )
    call.__name__ = f"{what}({getattr(f, '__name__', type(f).__name__)})"
    vars(call)["__wrapped__"] = f
    return call


def positions(what: str, argnums: Any, given: tuple[Any, ...]) -> list[int]:
    """Which of the arguments to differentiate by."""
    wanted = list(argnums) if isinstance(argnums, list | tuple) else [argnums]
    n = len(given)
    if any(not isinstance(i, int) or not -n <= i < n for i in wanted) or len({i % n for i in wanted}) < len(wanted):
        raise explain(
            ValueError(f"{what}: argnums={argnums!r}, but f was called with {n} positional arguments: 0 to {n - 1}"),
            f"{what}: argnums에는 위치 인수의 번호를 한 번씩만 넘겨야 합니다. 위치 인수의 수: {n}. 받은 값: {argnums!r}",
        )
    return [i % n for i in wanted]
