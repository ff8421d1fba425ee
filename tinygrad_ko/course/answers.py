"""What the reader wrote: how it is called, what it gives, and the line of it that is to be looked at."""

import ast
import inspect
from collections.abc import Iterator
from numbers import Real
from textwrap import dedent, shorten
from typing import Any

import numpy as np

from tinygrad_ko.course.checker import Unanswered, Wrong, shown_line
from tinygrad_ko.func.trees import leaves_like, mapped


def result_of(function: Any, *arguments: Any, written: Any = None) -> Any:
    """What the reader's function gives for copies of the arguments. It takes them, leaves them as they are, and returns something.

    `written` is the reader's function if `function` only calls it.
    """
    require_parameters(function, len(arguments))
    written, given = function if written is None else written, [mapped(_copied, x, "") for x in arguments]
    value = function(*given)
    for before, after in _pairs(arguments, given):
        if isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=before.dtype.kind == "f"):
            raise Wrong(
                "함수가 넘겨받은 배열을 바꾸어 놓았습니다. 그 배열을 다른 곳에서도 쓴다면 조용히 틀립니다. 사본에 계산하십시오."
                f"\n  호출하기 전: {shown(before)}, 호출한 뒤: {shown(after)}{at_line(written)}"
            )
    return answered(value, written)


def require_parameters(function: Any, count: int) -> None:
    """The answer can be called with so many arguments."""
    if not callable(function):
        raise Wrong(
            f"함수나 클래스를 넘겨야 합니다. 넘긴 값의 종류: {type(function).__name__}. 이름 뒤에 괄호를 붙이지 않았는지 확인하십시오."
        )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a built-in function
        if not inspect.ismethod(function):
            return
        raise Wrong(
            f"메서드의 첫 번째 인수는 self여야 합니다: {function.__name__}{at_line(function, header=True)}"
        ) from None
    try:
        signature.bind(*[None] * count)
    except TypeError:
        raise Wrong(
            f"인수 {count}개로 호출할 수 있어야 합니다. 답의 인수: {signature}{at_line(function, header=True)}"
        ) from None


def answered(value: Any, written: Any, what: str = "반환한 값") -> Any:
    """A value of the reader's, if there is one: `...` is none yet, and None is what a function without a return gives."""
    parts = [value, *np.ravel(value)] if isinstance(value, np.ndarray) else [value]
    parts += value if isinstance(value, tuple | list) else []
    if any(part is ... for part in parts):
        raise Unanswered
    if any(part is None for part in parts):
        cause = " return을 빠뜨리지 않았는지 확인하십시오." if what == "반환한 값" else ""
        raise Wrong(f"{what}: None.{cause}{at_line(written)}")
    return value


def real_numbers(value: Any, written: Any = None, shape: tuple[int, ...] | None = None) -> Any:
    """A value of the reader's as an array of real numbers, in its own precision; of this shape, if there is one that it must have."""
    try:
        array = np.asarray(answered(value, written, "답"))
    except ValueError:  # rows that differ in length
        array = np.array(None)
    if array.dtype == object and all(isinstance(x, Real) for x in array.flat):  # fractions
        array = array.astype(float)
    if array.dtype.kind not in "biuf":
        raise Wrong(f"답은 실수이거나 실수의 배열이어야 합니다. 답: {shown(value)}{at_line(written)}")
    if shape is not None and array.shape != shape:
        wanted = "수 하나여야" if shape == () else f"형상이 {shape}인 배열이어야"
        raise Wrong(f"답은 {wanted} 합니다. 답의 형상: {array.shape}{at_line(written)}")
    return array


def having(owner: Any, *names: str) -> Any:
    """What the reader made, with the methods and attributes that are asked for."""
    missing = [name for name in names if not hasattr(owner, name)]
    if missing:
        kind = owner.__name__ if hasattr(owner, "__name__") else type(owner).__name__
        raise Wrong(f"{kind}에 있어야 할 이름이 없습니다: {', '.join(missing)}")
    return owner


def at_line(function: Any, name: str = "", header: bool = False) -> str:
    """The line of the reader's that is to be looked at: where the gradient of `name` is assigned, else the last return; or the header."""
    try:
        function = function.op.forward if hasattr(function, "op") else getattr(function, "__func__", function)
        source, first = inspect.getsourcelines(function)
        file = inspect.getsourcefile(function) or ""
    except (OSError, TypeError):  # it was not written in Python, or its text is lost
        return ""
    try:
        tree: ast.AST = ast.parse(dedent("".join(source)))
    except SyntaxError:  # a lambda in the middle of an expression
        tree = ast.Module([], [])
    assigned = [node.lineno for node in _within(tree) if _assigns(node, f"d{name}")] if name else []
    returns = [node.lineno for node in _within(tree) if isinstance(node, ast.Return)]
    line = 1 if header else max(assigned or returns, default=1)
    return f"\n  위치: {shown_line(file, first + line - 1, source[line - 1])}"


def shown(value: Any) -> str:
    """A value, as a message shows it."""
    if callable(value):
        return str(getattr(value, "__name__", type(value).__name__))
    if isinstance(value, dict):
        return f"딕셔너리({', '.join(map(str, value))})"
    if isinstance(value, str | tuple | list):
        return shorten(repr(value), 80, placeholder=" ...")
    array = np.asarray(value)
    if array.size > 12:
        return f"형상이 {array.shape}인 배열"
    if array.dtype.kind != "f":
        return str(array.tolist())
    return " ".join(np.array2string(array, precision=8, separator=", ").split())


def _pairs(trees: Any, others: Any) -> list[tuple[Any, Any]]:
    """The arrays of the first structure, each with what stands at its place in the second."""
    pairs = zip(trees, others, strict=True)
    return [
        (before, after)
        for tree, other in pairs
        for (before, _), (after, _) in zip(leaves_like(tree, tree, ""), leaves_like(tree, other, ""), strict=True)
    ]


def _copied(value: Any, _: str) -> Any:
    """A copy of an array; of one without axes its number, with which `x *= 2` changes nothing of the caller's."""
    return np.copy(value)[()] if isinstance(value, np.ndarray) else value


def _within(node: ast.AST, inside: bool = False) -> Iterator[Any]:
    """What a function is made of, but for the functions inside it."""
    for child in ast.iter_child_nodes(node):
        is_function = isinstance(child, ast.FunctionDef)
        if not (inside and is_function):
            yield child
            yield from _within(child, inside or is_function)


def _assigns(node: ast.AST, name: str) -> bool:
    """Whether a statement assigns to this name, or to an attribute of this name."""
    if not isinstance(node, ast.Assign | ast.AugAssign):
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    words = [word for target in targets for word in ast.walk(target)]
    return name in [getattr(word, "id", getattr(word, "attr", None)) for word in words]
