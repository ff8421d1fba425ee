"""`check`: what the reader of the course wrote, judged; what is wrong is said in Korean, with the line.

An exercise is a function of the answers that raises `Wrong`. It looks at its own answer alone: the second question of a chapter can be
checked before there is an answer to the fourth.
"""

import linecache
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

from tinygrad_ko.check.reports.report import without_listeners
from tinygrad_ko.errors import explain, numpy_in_korean
from tinygrad_ko.runtime.signatures import signature

_CHAPTERS = (
    "perceptron",
    "softmax",
    "losses",
    "differences",
    "descent",
    "networks",
    "graphs",
    "engine",
    "layers",
    "checking",
    "operations",
    "curvature",
    "programs",
    "convolution",
)
_EXERCISES: dict[str, Callable[..., str | None]] = {}
_RIGHT = "맞았습니다."
_UNANSWERED = "아직 답이 없습니다. `...`을 답으로 바꾸고 다시 실행하십시오."


class Wrong(Exception):
    """What is wrong with an answer, in Korean, and where."""


class Unanswered(Exception):
    """There is no answer yet: `...` stands in its place, or what the error says."""


def exercise(number: str) -> Callable[[Callable[..., str | None]], Callable[..., str | None]]:
    """Makes a function of the answers an exercise. It raises Wrong; what it returns is told to the reader of a right answer."""

    def entered(judge: Callable[..., str | None]) -> Callable[..., str | None]:
        _EXERCISES[number] = judge
        return judge

    return entered


def check(number: str, *answers: Any) -> None:
    """Judge the answers to an exercise of the course, and print what there is to say of them.

    It prints 맞았습니다, or what is wrong: the cause by the judge, and the line. It never raises an error of an answer (but an interrupt,
    as of an endless loop, is passed on). Raises ValueError for a number that is no exercise.

    >>> def mul_backward(dout, x, y):
    ...     return dout * y, -dout * x
    >>> check("7-2", mul_backward)
    7-2: 틀렸습니다. y에 대한 미분이 수치 미분과 다릅니다.
      원인: 비율이 -1이므로 부호가 반대인 것 같습니다.
      d out / d y: 답 -100, 수치 미분 100, 오차 추정값 ...
      위치: ... return dout * y, -dout * x
    """
    print(f"{number}: {_verdict(number, answers)}")


def exercise_numbers() -> list[str]:
    """The numbers of all exercises, in order."""
    for chapter in _CHAPTERS:
        import_module(f"{__package__}.exercises.{chapter}")
    return [*_EXERCISES]


def _verdict(number: str, answers: tuple[Any, ...]) -> str:
    if number not in exercise_numbers():
        raise explain(
            ValueError(f"there is no exercise {number!r}; the last is {exercise_numbers()[-1]}"),
            f"연습문제 {number!r}번은 없습니다. 마지막 번호: {exercise_numbers()[-1]}",
        )
    try:
        if any(answer is ... for answer in answers):
            raise Unanswered
        wanted = len(signature(_EXERCISES[number]).parameters)
        if len(answers) != wanted:
            raise Wrong(f"course.check에 넘겨야 하는 답: {wanted}개, 넘긴 답: {len(answers)}개")
        with without_listeners(), catch_warnings(), np.errstate(all="ignore"):
            simplefilter("ignore")
            praise = _EXERCISES[number](*answers)
    except Unanswered as nothing:
        return f"아직 답이 없습니다. {nothing}" if nothing.args else _UNANSWERED
    except Wrong as wrong:
        return f"틀렸습니다. {wrong}"
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a reader may call exit() or pytest.fail()
        return _UNANSWERED if computes_with_ellipsis(error) else f"실행하다가 오류가 났습니다. {error_told(error)}"
    return f"{_RIGHT} {praise}" if praise else _RIGHT


def computes_with_ellipsis(error: BaseException) -> bool:
    """Whether an error says that `...` was computed with: there is no answer yet. NumPy's IndexError speaks of it at any wrong index."""
    return not isinstance(error, IndexError) and "ellipsis" in str(error).lower()


def error_told(error: BaseException) -> str:
    """An error that the answer raised: what it is, and the line of the answer."""
    said = f"{type(error).__name__}: {error}".removesuffix(": ")
    notes = getattr(error, "__notes__", None) or [numpy_in_korean(str(error))]
    place = _place(error.__traceback__)
    return "\n  ".join(filter(None, [said, *notes, place and f"위치: {place}"]))


def _place(raised: TracebackType | None) -> str:
    """The last line of the reader's own code that an error came through."""
    frames = [frame for frame in traceback.extract_tb(raised) if _is_the_readers(frame.filename)]
    return shown_line(frames[-1].filename, frames[-1].lineno or 0, frames[-1].line or "") if frames else ""


def shown_line(file: str, number: int, line: str) -> str:
    """A line of the reader's, as it is shown: a cell of a notebook is the one that was just run, and its file has no name to speak of."""
    is_cell = file.startswith("<") or "ipykernel" in file or "ipython-input" in file
    return f"{'' if is_cell else f'{file} '}{number}번째 줄: {line.strip()}"


def _is_the_readers(file: str) -> bool:
    if file.startswith(("<op ", "<compiled ")):  # what the engine and the compiler write
        return False
    libraries = Path(np.__file__).parents[1], Path(linecache.__file__).parent, Path(__file__).parents[1]
    return bool(linecache.getlines(file)) and not any(Path(file).is_relative_to(library) for library in libraries)
