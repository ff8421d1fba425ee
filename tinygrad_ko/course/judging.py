"""The ways to judge an answer: its derivative by the judge, its values by those of a reference, its tests by wrong implementations."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from tinygrad_ko.check.handwritten import check_vjp
from tinygrad_ko.check.reports.report import Blame, GradientMismatch, GradientUndecided
from tinygrad_ko.course.checker import Unanswered, Wrong, shown_line


def require_derivative(
    f: Callable[..., Any], vjp: Callable[..., Any], *inputs: Any, written: Any = None, names: Sequence[str] = ()
) -> None:
    """The answer `vjp(dout, *inputs)` is the backward of f: a gradient for each input. `written` is the reader's function if vjp only
    calls it, `names` the names of the inputs in the reader's words.
    """
    written, given = written or vjp, [np.asarray(x, float) for x in inputs]
    names = names or [*inspect.signature(f).parameters]
    out = np.asarray(f(*given))
    dout = np.random.default_rng(1).normal(size=out.shape)
    parts = answered(vjp(dout, *given))
    parts = parts if isinstance(parts, list | tuple) else [parts]
    if len(parts) != len(given):
        raise Wrong(
            f"기울기를 {len(given)}개 반환해야 합니다({', '.join(names)}). 반환한 개수: {len(parts)}.{at_line(written)}"
        )
    for name, part, x in zip(names, parts, given, strict=True):
        answered(part)
        if np.shape(part) != x.shape:
            raise Wrong(
                f"{name}의 형상은 {x.shape}인데 그 기울기의 형상은 {np.shape(part)}입니다."
                f"{_why_this_shape(np.shape(part), x.shape)}{at_line(written, name)}"
            )
    twice = vjp(2 * dout, *given)
    for name, part, doubled in zip(names, parts, twice if isinstance(twice, list | tuple) else [twice], strict=True):
        if np.any(np.asarray(part, float)) and np.array_equal(part, doubled):
            raise Wrong(
                f"출력의 기울기를 두 배로 바꾸어도 {name}의 기울기가 그대로입니다. "
                f"출력의 기울기를 곱하지 않았습니다.{at_line(written, name)}"
            )
    try:
        check_vjp(f, lambda g, *values: vjp(g, *values), *given, rng=0)
    except GradientMismatch as error:
        raise Wrong(
            _told(error.report.blame, dict(zip(inspect.signature(f).parameters, names, strict=False)), written)
        ) from None
    except GradientUndecided:
        raise Wrong(f"맞는지 틀리는지 판단할 수 없습니다. 값이 유한한지 확인하십시오.{at_line(written)}") from None


def require_values(
    answer: Callable[..., Any],
    reference: Callable[..., Any],
    *cases: tuple[Any, ...],
    rtol: float = 1e-9,
    written: Any = None,
) -> None:
    """The answer is the reference, at each of these arguments, up to round-off. `written` is the reader's function if `answer` calls it."""
    written = written or answer
    for case in cases:
        given = [np.array(x) if isinstance(x, np.ndarray) else x for x in case]
        found, wanted = answered(answer(*given)), np.asarray(reference(*case))
        shown = ", ".join(map(_short, case))
        if np.shape(found) != wanted.shape:
            raise Wrong(
                f"입력: {shown}\n  결과의 올바른 형상: {wanted.shape}, 답의 형상: {np.shape(found)}{at_line(written)}"
            )
        values = np.asarray(found, float)
        for before, after in zip(case, given, strict=True):
            if isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=True):
                raise Wrong(
                    f"함수가 넘겨받은 배열을 바꾸어 놓았습니다. 호출하기 전: {_short(before)}, 호출한 뒤: {_short(after)}{at_line(written)}"
                )
        scale = np.max(np.abs(wanted), initial=0)
        if not np.allclose(values, wanted, rtol=rtol, atol=rtol * scale):
            raise Wrong(f"입력: {shown}\n  {_both(values, wanted)}{_ratio(values, wanted)}{at_line(written)}")


def require_tests(test: Callable[..., Any], right: Any, wrong: dict[str, Any], what: str = "규칙") -> str:
    """The answer is a test: it accepts what is right, and none of what is wrong, each with a word on its mistake."""
    try:
        test(right)
    except Unanswered:
        raise
    except Exception as error:
        raise Wrong(f"이 테스트는 올바른 {what}도 거부합니다. {type(error).__name__}: {error}{at_line(test)}") from None
    passed = [mistake for mistake, implementation in wrong.items() if _accepts(test, implementation)]
    if passed:
        listed = "".join(f"\n  통과한 {what}: {mistake}" for mistake in passed)
        raise Wrong(f"이 테스트는 틀린 {what} {len(wrong)}개 중 {len(passed)}개를 통과시킵니다.{listed}")
    return f"이 테스트는 틀린 {what} {len(wrong)}개를 모두 찾아냅니다."


def answered(value: Any) -> Any:
    """A value of the reader's, if there is one: `...` and None are none."""
    if value is None:
        raise Unanswered("None이 반환되었습니다. return을 빠뜨리지 않았는지 확인하십시오.")
    if value is ... or (isinstance(value, tuple | list) and any(v is ... for v in value)):
        raise Unanswered
    return value


def _accepts(test: Callable[..., Any], implementation: Any) -> bool:
    try:
        test(implementation)
    except Exception:
        return False
    return True


def _told(blame: Blame | None, names: dict[str, str], written: Any) -> str:
    if blame is None:
        return f"기울기가 수치 미분과 다릅니다.{at_line(written)}"
    name = names.get(blame.argument, blame.argument)
    entry = blame.entry.replace(f"d {blame.argument}", f"d {name}")
    cause = f"\n  원인: {blame.korean}" if blame.korean else ""
    values = f"\n  {entry}: 답 {blame.analytic:.9g}, 수치 미분 {blame.numeric:.9g}, 오차 추정값 {blame.error:.0e}"
    return f"{name}에 대한 미분이 수치 미분과 다릅니다.{cause}{values}{at_line(written, name)}"


def _why_this_shape(found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Which sum is missing, if one is."""
    if len(found) > len(wanted) and found[len(found) - len(wanted) :] == wanted:
        axes = [*range(len(found) - len(wanted))]
    elif len(found) == len(wanted):
        axes = [i for i, (n, m) in enumerate(zip(found, wanted, strict=True)) if m == 1 < n]
    else:
        axes = []
    if found == wanted[::-1]:
        return "\n  원인: 전치(.T)가 빠졌거나 곱하는 순서가 바뀐 것 같습니다."
    if not axes or (
        len(found) == len(wanted)
        and any(n != m for i, (n, m) in enumerate(zip(found, wanted, strict=True)) if i not in axes)
    ):
        return ""
    axis = str(axes[0]) if len(axes) == 1 else str(tuple(axes))
    return f"\n  원인: 순전파에서 브로드캐스트된 축을 따라 더하는 계산이 빠졌습니다(sum(axis={axis}))."


def _ratio(found: Any, wanted: Any) -> str:
    """What explains the difference: infinities, one factor, another order."""
    if not np.all(np.isfinite(found)):
        return (
            "\n  원인: NaN이나 무한대가 나왔습니다. 큰 수의 지수 함수, 0의 로그, 0으로 나눈 곳이 없는지 확인하십시오."
        )
    if wanted.size > 1 and np.allclose(np.sort(found, axis=None), np.sort(wanted, axis=None)):
        return "\n  원인: 값은 모두 있지만 순서가 다릅니다. 축의 순서와 쌓는 차례를 확인하십시오."
    inside = np.abs(wanted) > 0
    if not np.any(inside):
        return ""
    ratios = found[inside] / wanted[inside]
    if np.allclose(ratios, ratios.flat[0], rtol=1e-6) and np.allclose(found[~inside], 0):
        ratio = float(ratios.flat[0])
        if np.isclose(ratio, 1, rtol=1e-4):
            return "\n  원인: 값이 아주 조금 다릅니다. 1e-7 같은 작은 상수를 더하거나 빠뜨리지 않았는지 확인하십시오."
        if not np.isclose(ratio, float(Fraction(ratio).limit_denominator(12)), rtol=1e-6):
            return ""
        return (
            "\n  원인: 부호가 반대입니다."
            if np.isclose(ratio, -1)
            else f"\n  원인: 모든 값이 올바른 값의 {ratio:.6g}배입니다. 곱하거나 나누는 상수를 확인하십시오."
        )
    return ""


def _both(found: Any, wanted: Any) -> str:
    """The right values and those found; of large arrays the entry that is farthest off."""
    if wanted.size <= 12:
        return f"올바른 값: {_short(wanted)}, 답: {_short(found)}"
    worst = np.unravel_index(np.argmax(np.nan_to_num(np.abs(found - wanted), nan=np.inf)), wanted.shape)
    return f"가장 많이 다른 원소 {[*map(int, worst)]}: 올바른 값 {wanted[worst]:.9g}, 답 {found[worst]:.9g}"


def _short(value: Any) -> str:
    array = np.asarray(value)
    if callable(value):
        return str(getattr(value, "__name__", value))
    if array.size > 12:
        return f"형상이 {array.shape}인 배열"
    if array.dtype.kind != "f":
        return str(array.tolist())
    return " ".join(np.array2string(array, precision=8, separator=", ").split())


def at_line(function: Any, name: str = "") -> str:
    """The line of the reader's that is to be looked at: where the gradient of `name` is assigned, else the last return."""
    try:
        function = function.op.forward if hasattr(function, "op") else getattr(function, "__func__", function)
        source, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(source)))
    except (OSError, TypeError, SyntaxError):
        return ""
    lines = (
        [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign | ast.AugAssign) and f"d{name}" in _targets(node)
        ]
        if name
        else []
    )
    lines = lines or [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Return)] or [1]
    return (
        f"\n  위치: {shown_line(inspect.getsourcefile(function) or '', first + max(lines) - 1, source[max(lines) - 1])}"
    )


def _targets(node: ast.Assign | ast.AugAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {
        word.id if isinstance(word, ast.Name) else word.attr
        for t in targets
        for word in ast.walk(t)
        if isinstance(word, ast.Name | ast.Attribute)
    }
