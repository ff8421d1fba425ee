"""Forward hooks of a summary: each call of a layer is recorded, with what it returned; and the inputs of the whole call."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import get_ident
from typing import Any

import numpy as np

from tinygrad_ko.arrays.indexing import is_integer
from tinygrad_ko.arrays.library import is_floating
from tinygrad_ko.arrays.memory import own
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import explain, wants_integers
from tinygrad_ko.nn.table import Output, Row, call_text, outputs_of
from tinygrad_ko.tensor.tensor import borrow


def call_inputs(inputs: tuple[Any, ...], dtype: Any, usual: Any) -> tuple[Any, ...]:
    """The inputs; in place of a shape a Tensor of ones of this dtype, and of zeros if it has no fractions."""
    if dtype is not None and not any(map(_is_shape, inputs)):
        raise explain(
            ValueError("summary: dtype goes with a shape, such as summary((1, 784)); an array has its own"),
            "summary: dtype은 summary((1, 784))처럼 형상을 넘길 때만 쓸 수 있습니다. 배열에는 이미 자료형이 있습니다.",
        )
    return tuple([_input(x, usual if dtype is None else dtype) for x in inputs])


def _is_shape(x: Any) -> bool:
    """Whether an input is a shape. None passes for an integer, so that it can be refused."""
    return isinstance(x, tuple) and all(n is None or is_integer(n) for n in x)


def _input(x: Any, dtype: Any) -> Any:
    if _is_shape(x):
        if any(n is None or n < 0 for n in x):
            raise explain(
                ValueError(f"summary: {x} is no shape; its sizes are 0 or more, the batch too, as in (1, 784)"),
                f"summary: 형상은 배치 크기까지 모두 0 이상의 정수여야 합니다. 예: (1, 784). 받은 값: {x}",
            )
        return borrow(np.full(x, is_floating(np.dtype(dtype)), dtype))
    if isinstance(x, list | tuple) and x and all(map(_is_shape, x)):
        several, kind = ", ".join(map(str, x)), type(x).__name__
        raise explain(
            ValueError(f"summary: give several shapes one after the other, summary({several}), not in a {kind}"),
            f"summary: 형상이 여러 개이면 {kind}에 담지 말고 차례로 넘기십시오: summary({several})",
        )
    return writable_input(x)


def writable_input(x: Any) -> Any:
    """An input that the network may write to."""
    return x if isinstance(x, Handle) else own(x)


@contextmanager
def deeper_recursion(levels: int) -> Iterator[None]:
    """Inside the block the stack has room for the hooks of nested layers: what can be called can be summarised."""
    before = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(before + 3 * levels + 50)
        yield
    finally:
        sys.setrecursionlimit(before)


class CallRecorder:
    """A row for every call of the layers that it hooks, in the thread that it was made in."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._calls = Counter[int]()
        self._depth, self._thread = 0, get_ident()
        self._error: Exception | None = None

    def hooked(self, forward: Callable[..., Any], row: Row) -> Callable[..., Any]:
        """The same function; each call of it is recorded, the first in the given row."""

        @wraps(forward)
        def recorded_call(*inputs: Any, **options: Any) -> Any:
            if get_ident() != self._thread:
                return forward(*inputs, **options)
            now = self._begun(row)
            try:
                y = forward(*inputs, **options)
            except Exception as error:
                self._failed(error, now, call_text(inputs, options))
                raise
            finally:
                self._depth -= 1
            now.outputs = outputs_of(y)
            return y

        return recorded_call

    def _begun(self, row: Row) -> Row:
        self._calls[id(row)] += 1
        now = row if self._calls[id(row)] == 1 else Row(row.path, row.layer)
        now.depth, now.call = self._depth, self._calls[id(row)]
        self.rows.append(now)
        self._depth += 1
        return now

    def _failed(self, error: Exception, row: Row, given: str) -> None:
        """Say which layer raised an error; those around it have nothing to add."""
        row.outputs = [Output("", None, f"raised {type(error).__name__}")]
        if error is not self._error:
            self._error = error
            layer = f"{row.path} {row.layer}".strip()
            hint, korean = "a shape has the batch in it", "형상에는 배치 크기도 들어 있어야 합니다."
            if wants_integers(error):
                hint = "dtype=int fills a shape with whole numbers, as in summary((2, 3), dtype=int)"
                korean = "summary((2, 3), dtype=int)로 호출하면 형상을 정수로 채웁니다."
            error.add_note(f"in summary: {layer} was called with {given or 'nothing'}; {hint}")
            explain(error, f"summary: 이 계층을 호출하다가 오류가 났습니다: {layer}. 입력: {given or '없음'}. {korean}")
