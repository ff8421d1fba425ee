"""How a network is called for a summary: with inputs or with their shapes, while every call in it is written down."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import get_ident
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import is_floating
from tinygrad_ko.arrays.memory import own
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import explain, wants_integers
from tinygrad_ko.nn.rows import Output, Row, outputs, shapes
from tinygrad_ko.tensor.tensor import borrow


def arguments(inputs: tuple[Any, ...], dtype: Any, usual: Any) -> tuple[Any, ...]:
    """The inputs; in place of a shape a Tensor of ones of this dtype, and of zeros if it has no fractions."""
    if dtype is not None and not any(map(is_shape, inputs)):
        raise explain(
            ValueError("summary: dtype goes with a shape, such as summary((1, 784)); an array has its own"),
            "summary: dtype은 summary((1, 784))처럼 형상을 넘길 때만 쓸 수 있습니다. 배열에는 이미 자료형이 있습니다.",
        )
    given = []
    for x in inputs:
        if not is_shape(x):
            if isinstance(x, list | tuple) and x and all(map(is_shape, x)):
                several = ", ".join(map(str, x))
                raise explain(
                    ValueError(
                        f"summary: give several shapes one after the other, summary({several}), not in a {type(x).__name__}"
                    ),
                    f"summary: 형상이 여러 개이면 묶지 말고 차례로 넘기십시오: summary({several})",
                )
            given.append(safe(x))
            continue
        if any(n is None or n < 0 for n in x):
            raise explain(
                ValueError(f"summary: {x} is no shape; its sizes are 0 or more, the batch too, as in (1, 784)"),
                f"summary: 형상은 배치 크기까지 모두 0 이상의 정수여야 합니다. 예: (1, 784). 받은 값: {x}",
            )
        kind = np.dtype(usual if dtype is None else dtype)
        given.append(borrow(np.full(x, is_floating(kind), kind)))
    return tuple(given)


def is_shape(x: Any) -> bool:
    """Whether an input is a shape: a tuple of integers. None passes for one, so that it can be refused."""
    return isinstance(x, tuple) and all(
        n is None or (isinstance(n, int | np.integer) and not isinstance(n, bool)) for n in x
    )


def safe(x: Any) -> Any:
    """An input that the network may write to."""
    return x if isinstance(x, Handle) else own(x)


@contextmanager
def room_for(depth: int) -> Iterator[None]:
    """Inside the block the stack has room for those who listen: a network that can be called can be summarised."""
    before = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(before + 3 * depth + 50)
        yield
    finally:
        sys.setrecursionlimit(before)


class Listener:
    """Writes down every call of the layers that it listens to, in the thread that it was made in."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.calls: dict[int, int] = {}
        self.depth, self.thread = 0, get_ident()
        self.error: Exception | None = None

    def listening(self, f: Callable[..., Any], row: Row) -> Callable[..., Any]:
        """The same function; each call is a row. The first is the given one."""

        @wraps(f)
        def heard(*inputs: Any, **options: Any) -> Any:
            if get_ident() != self.thread:
                return f(*inputs, **options)
            now = self.begun(row)
            try:
                y = f(*inputs, **options)
            except Exception as error:
                self.failed(error, now, shapes(inputs, options))
                raise
            finally:
                self.depth -= 1
            now.outputs = outputs(y)
            return y

        return heard

    def begun(self, row: Row) -> Row:
        """The row of the call that begins."""
        calls = self.calls[id(row)] = self.calls.get(id(row), 0) + 1
        now = Row(row.path, row.layer) if calls > 1 else row
        now.depth, now.call = self.depth, calls
        self.rows.append(now)
        self.depth += 1
        return now

    def failed(self, error: Exception, row: Row, given: str) -> None:
        """Say which layer raised an error; those around it have nothing to add."""
        row.outputs = [Output("", None, f"raised {type(error).__name__}")]
        if error is not self.error:
            self.error = error
            layer = f"{row.path} {row.layer}".strip()
            hint, korean = "a shape has the batch in it", "형상에는 배치 크기도 들어 있어야 합니다."
            if wants_integers(error):
                hint = "dtype=int fills a shape with whole numbers, as in summary((2, 3), dtype=int)"
                korean = "summary((2, 3), dtype=int)로 호출하면 형상을 정수로 채웁니다."
            error.add_note(f"in summary: {layer} was called with {given}; {hint}")
            explain(error, f"summary: 이 계층을 호출하다가 오류가 났습니다: {layer}. 입력: {given}. {korean}")
