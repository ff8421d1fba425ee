"""The ways to judge an answer: its derivative by the judge, its values by those of a reference, its tests by wrong implementations."""

import inspect
import linecache
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from tinygrad_ko.check.handwritten import check_vjp
from tinygrad_ko.check.reports.report import Blame, GradientMismatch, GradientUndecided
from tinygrad_ko.course.answers import at_line, real_numbers, require_parameters, result_of, shown
from tinygrad_ko.course.checker import Unanswered, Wrong, computes_with_ellipsis, error_told, shown_line


def require_derivative(
    f: Callable[..., Any], vjp: Callable[..., Any], *inputs: Any, written: Any = None, names: Sequence[str] = ()
) -> None:
    """The answer `vjp(dout, *inputs)` is the backward of f: a gradient for each input. `written` is the reader's function if vjp only
    calls it, `names` the names of the inputs in the reader's words.
    """
    written, given = vjp if written is None else written, [np.array(x, float) for x in inputs]
    names = names or [*inspect.signature(f).parameters]

    def gradients(dout: Any, *given: Any) -> list[Any]:
        return _one_for_each(names, given, result_of(vjp, dout, *given, written=written), written)

    dout = np.random.default_rng(1).normal(size=np.shape(f(*given)))
    parts, without = gradients(dout, *given), gradients(0 * dout, *given)
    for name, part, rest in zip(names, parts, without, strict=True):
        if not np.all(np.isfinite(part)):
            raise Wrong(f"{name}의 기울기에 NaN이나 무한대가 있습니다: {shown(part)}{at_line(written, name)}")
        if np.any(rest):
            fault = (
                f"{name}의 기울기가 출력의 기울기와 상관없이 같습니다. 출력의 기울기를 곱하지 않았습니다."
                if np.array_equal(part, rest)
                else f"출력의 기울기가 0인데도 {name}의 기울기가 0이 아닙니다. 출력의 기울기를 곱하지 않은 항이 있습니다."
            )
            raise Wrong(f"{fault}{at_line(written, name)}")
    try:
        check_vjp(f, gradients, *given, rng=0)
    except GradientMismatch as error:
        words = dict(zip(inspect.signature(f).parameters, names, strict=False))
        elsewhere = gradients(dout, *(2 * x + 1 for x in given))
        same = [name for name, part, other in zip(names, parts, elsewhere, strict=True) if np.array_equal(part, other)]
        raise Wrong(mismatch(error, written, words, same)) from None
    except GradientUndecided:
        raise Wrong(f"맞는지 틀리는지 판단할 수 없습니다. 값이 유한한지 확인하십시오.{at_line(written)}") from None


def require_gradient(f: Callable[..., Any], gradient: Callable[..., Any], *inputs: Any, written: Any = None) -> None:
    """The answer `gradient(*inputs)` gives the gradients of a number f(*inputs): of one input the gradient, of several one for each."""
    written, names = gradient if written is None else written, [*inspect.signature(f).parameters]

    def vjp(dout: Any, *given: Any) -> list[Any]:
        parts = _one_for_each(names, given, result_of(gradient, *given, written=written), written)
        return [(dout * part).astype(part.dtype) if part.dtype.kind == "f" else dout * part for part in parts]

    require_derivative(f, vjp, *inputs, written=written)


def require_values(
    answer: Callable[..., Any],
    reference: Callable[..., Any],
    *cases: tuple[Any, ...],
    rtol: float = 1e-9,
    written: Any = None,
) -> None:
    """The answer is the reference, at each of these arguments, up to round-off. `written` is the reader's function if `answer` calls it."""
    written = answer if written is None else written
    for case in cases:
        found, wanted = real_numbers(result_of(answer, *case, written=written), written), np.asarray(reference(*case))
        given = f"입력: {', '.join(map(shown, case))}\n  "
        if found.shape != wanted.shape:
            raise Wrong(f"{given}결과의 올바른 형상: {wanted.shape}, 답의 형상: {found.shape}{at_line(written)}")
        near = max(rtol, 100 * float(np.finfo(found.dtype).eps)) if found.dtype.kind == "f" else rtol
        found = found.astype(float)
        right = np.isclose(found, wanted, rtol=near, atol=near * np.max(np.abs(wanted), initial=0))
        if not np.all(right):
            raise Wrong(f"{given}{_compared(found, wanted, right)}{_cause(found, wanted)}{at_line(written)}")


def require_tests(test: Callable[..., Any], right: Any, wrong: dict[str, Any], what: str = "규칙") -> str:
    """The answer is a test: it accepts what is right, and none of what is wrong, each with a word on its mistake."""
    require_parameters(test, 1)
    _require_accepted(test, right, f"이 테스트는 올바른 {what}도 거부합니다.")
    passed = [mistake for mistake, implementation in wrong.items() if not _rejection(test, implementation)]
    if passed:
        is_returned = test(right) is not None
        cause = "\n  원인: 테스트가 반환하는 값은 쓰이지 않습니다. assert로 확인하십시오." if is_returned else ""
        listed = "".join(f"\n  통과한 {what}: {mistake}" for mistake in passed)
        raise Wrong(f"이 테스트는 틀린 {what} {len(wrong)}개 중 {len(passed)}개를 통과시킵니다.{cause}{listed}")
    _require_accepted(test, right, f"이 테스트는 같은 {what}을 처음에는 통과시키고 나중에는 거부합니다.")
    return f"이 테스트는 틀린 {what} {len(wrong)}개를 모두 찾아냅니다."


def mismatch(error: GradientMismatch, written: Any, names: dict[str, str], same: Sequence[str] = ()) -> str:
    """A wrong gradient, as the judge found it: the argument by its name in the reader's words, cause, values, and the line. Those in
    `same` are known to be the same for other inputs: they are near the right value only where it was read off.
    """
    blame = error.report.blame if error.report else None
    if blame is None:
        said, _, raised = " ".join(error.__notes__).partition(" 공식의 위치:")[0].partition(" 받은 오류: ")
        if raised and all(note.isascii() for note in getattr(error.__cause__, "__notes__", [])):
            said += f"\n  {raised}"
        return f"{said}{at_line(written, header=hasattr(written, 'op'))}"
    name, lines = names.get(blame.argument, blame.argument), []
    place = _formula(blame) if hasattr(written, "op") else at_line(written, name)
    cause = _without_options(blame.korean)
    if name in same and np.isclose(blame.analytic, blame.numeric, rtol=0.01):
        cause = "입력을 바꾸어도 기울기가 그대로입니다. 값을 적지 말고 입력의 식으로 쓰십시오."
    if cause:
        lines.append(f"\n  원인: {cause}")
    lines.append(f"\n  {blame.entry.replace(f'd {blame.argument}', f'd {name}')}: 답 {blame.analytic:.9g}, ")
    lines.append(f"수치 미분 {blame.numeric:.9g}, 오차 추정값 {blame.error:.0e}")
    return f"{name}에 대한 미분이 수치 미분과 다릅니다.{''.join(lines)}{place}"


def _without_options(cause: str) -> str:
    """What the judge suggests, but for the sentences on options of the judge: there is nowhere to pass them here."""
    sentences = re.split(r"(?<=\.) ", cause)
    return " ".join(sentence for sentence in sentences if "rtol=" not in sentence and "tg.check" not in sentence)


def _formula(blame: Blame) -> str:
    """The line of the formula of an op."""
    file, _, line = (blame.formula or "").rpartition(":")
    return f"\n  위치: {shown_line(file, int(line), linecache.getline(file, int(line)))}" if file else ""


def _one_for_each(names: Sequence[str], given: Sequence[Any], value: Any, written: Any) -> list[Any]:
    """The gradients that the reader's function returned, in the shapes of the inputs: of one input the gradient itself will do."""
    if len(given) == 1 and (_shape(value) == given[0].shape or not isinstance(value, list | tuple)):
        parts = [value]
    elif isinstance(value, list | tuple) or np.ndim(value) > max(x.ndim for x in given):
        parts = list(value)
    else:
        parts = [value]
    if len(parts) != len(given):
        raise Wrong(
            f"기울기를 {len(given)}개 반환해야 합니다({', '.join(names)}). 반환한 개수: {len(parts)}.{at_line(written)}"
        )
    parts = [real_numbers(part, written) for part in parts]
    for name, part, x in zip(names, parts, given, strict=True):
        if part.shape != x.shape:
            raise Wrong(
                f"{name}의 형상은 {x.shape}인데 그 기울기의 형상은 {part.shape}입니다."
                f"{_why_this_shape(part.shape, x.shape)}{at_line(written, name)}"
            )
    return parts


def _shape(value: Any) -> tuple[int, ...] | None:
    try:
        return np.shape(value)
    except ValueError:  # rows that differ in length
        return None


def _why_this_shape(found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Which sum is missing, if one is."""
    if found == wanted[::-1]:
        return "\n  원인: 전치(.T)가 빠졌거나 곱하는 순서가 바뀐 것 같습니다."
    lead = len(found) - len(wanted)
    stretched = [i for i, n in enumerate(found) if i < lead or wanted[i - lead] == 1 < n] if lead >= 0 else []
    summed = tuple(1 if i in stretched else n for i, n in enumerate(found))
    if not stretched or summed[lead:] != wanted:
        return ""
    if all(found[i] == 1 for i in stretched):
        return "\n  원인: 길이가 1인 축이 남아 있습니다. keepdims=True를 쓰지 않았는지 확인하십시오."
    axis = str(stretched[0]) if len(stretched) == 1 else str(tuple(stretched))
    return f"\n  원인: 순전파에서 브로드캐스트된 축을 따라 더하는 계산이 빠졌습니다(sum(axis={axis}))."


def _compared(found: Any, wanted: Any, right: Any) -> str:
    """The right values and those of the answer; of many the first that is wrong."""
    if wanted.size <= 12:
        return f"올바른 값: {shown(wanted)}, 답: {shown(found)}"
    first = tuple(map(int, np.argwhere(~right)[0]))
    values = f"올바른 값: {shown(wanted[first])}, 답: {shown(found[first])}"
    return f"원소 {wanted.size}개 중 {np.sum(~right)}개가 다릅니다. 위치 {list(first)}의 {values}"


def _cause(found: Any, wanted: Any) -> str:
    """What explains the difference: infinities, a small constant, another order, one factor."""
    scale = np.max(np.abs(wanted), initial=0)
    if not np.all(np.isfinite(found)):
        cause = "NaN이나 무한대가 나왔습니다. 큰 수의 지수 함수, 0의 로그, 0으로 나눈 곳이 없는지 확인하십시오."
    elif not np.any(found):
        cause = "모든 값이 0입니다."
    elif np.allclose(found, wanted, rtol=1e-3, atol=1e-3 * scale):
        relative = np.max(np.abs(found - wanted)) / scale
        cause = (
            f"값이 아주 조금 다릅니다(상대 오차 {relative:.1e}). h, 그리고 1e-7처럼 작은 상수가 맞는지 확인하십시오."
        )
    elif wanted.size > 1 and np.allclose(np.sort(found, axis=None), np.sort(wanted, axis=None)):
        cause = "값은 모두 있지만 순서가 다릅니다. 축의 순서와 쌓는 차례를 확인하십시오."
    else:
        cause = _ratio(found, wanted)
    return f"\n  원인: {cause}" if cause else ""


def _ratio(found: Any, wanted: Any) -> str:
    """The one factor between all values, if it is a simple one."""
    inside = wanted != 0
    ratio = float(found[inside].flat[0] / wanted[inside].flat[0]) if np.any(inside) else 0.0
    if not np.allclose(found, ratio * wanted) or not np.isclose(ratio, float(Fraction(ratio).limit_denominator(12))):
        return ""
    if np.isclose(ratio, -1):
        return "부호가 반대입니다."
    return f"모든 값이 올바른 값의 {ratio:.6g}배입니다. 곱하거나 나누는 상수를 확인하십시오."


def _require_accepted(test: Callable[..., Any], right: Any, said: str) -> None:
    if error := _rejection(test, right):
        raise Unanswered if computes_with_ellipsis(error) else Wrong(f"{said} {error_told(error)}")


def _rejection(test: Callable[..., Any], implementation: Any) -> BaseException | None:
    """What a test raises for an implementation: whatever it is, as exit() and pytest.fail() raise what is no Exception."""
    try:
        test(implementation)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return error
    return None
