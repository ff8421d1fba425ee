"""Chapter 11: an op of one's own."""

from typing import Any

import numpy as np

from tinygrad_ko.check.gradient import check_gradient
from tinygrad_ko.check.reports.report import GradientMismatch, GradientUndecided
from tinygrad_ko.course.answers import at_line
from tinygrad_ko.course.checker import Wrong, computes_with_ellipsis, exercise
from tinygrad_ko.course.judging import mismatch, require_tests, require_values
from tinygrad_ko.engine.op import op


def _require_op(answer: Any, reference: Any, *inputs: Any) -> None:
    """The answer is an op with the values of the reference, and its formulas are right at both orders."""
    if not hasattr(answer, "op"):
        raise Wrong("@tg.op(...)로 만든 연산을 넘기십시오.")
    require_values(answer, reference, tuple(np.asarray(x, float) for x in inputs))
    try:
        check_gradient(answer, *inputs, order=2, rng=0)
    except GradientMismatch as error:
        if computes_with_ellipsis(error):
            raise
        raise Wrong(mismatch(error, answer, {})) from None
    except GradientUndecided:
        raise Wrong(f"미분이 맞는지 판단할 수 없습니다. 값이 유한한지 확인하십시오.{at_line(answer)}") from None


@exercise("11-1")
def _swish(swish: Any) -> None:
    _require_op(swish, lambda x: x / (1 + np.exp(-x)), [[0.5, -1.0, 2.0], [0.0, 3.0, -4.0]])


@exercise("11-2")
def _softplus(softplus: Any) -> None:
    _require_op(softplus, lambda x: np.logaddexp(0, x), [0.5, -1.0, 2.0])
    _require_op(softplus, lambda x: np.logaddexp(0, x), [800.0, -800.0])


@exercise("11-3")
def _distance(distance: Any) -> None:
    """Of two arguments that broadcast."""
    _require_op(distance, lambda a, b: np.sqrt(a * a + b * b), [[3.0, 1.0, -2.0]], [[4.0], [2.0]])


def _wrong_cubes() -> dict[str, Any]:
    def cube(formula: Any) -> Any:
        return op(x=formula, name="cube")(lambda x: x**3)

    return {
        "올바른 규칙": cube(lambda g, x: 3 * g * x**2),
        "3을 빠뜨린 것": cube(lambda g, x: g * x**2),
        "제곱을 빠뜨린 것": cube(lambda g, x: 3 * g * x),
        "g를 빠뜨린 것": cube(lambda g, x: 3 * x**2 + 0 * g),
        "부호가 반대인 것": cube(lambda g, x: -3 * g * x**2),
        "1.000001배인 것": cube(lambda g, x: 3.000003 * g * x**2),
        "음수에서만 부호가 반대인 것": cube(lambda g, x: 3 * g * x * abs(x)),
        "행을 뒤집은 것": cube(lambda g, x: 3 * g[::-1] * x[::-1] ** 2),
    }


@exercise("11-4")
def _a_test(test: Any) -> str:
    wrong = _wrong_cubes()
    return require_tests(test, wrong.pop("올바른 규칙"), wrong)
