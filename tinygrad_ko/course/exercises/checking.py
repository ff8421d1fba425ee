"""Chapter 10: checking gradients."""

from typing import Any

import numpy as np

from tinygrad_ko.course.answers import at_line, real_numbers, result_of
from tinygrad_ko.course.checker import Wrong, exercise
from tinygrad_ko.course.judging import require_derivative, require_tests

_W = np.array([[1.81509164, -1.47779898, -0.44327992], [1.1835035, 0.70338014, 1.76561574]])
_X, _T = np.array([0.6, 0.9]), np.array([1, 0, 0])


def _softmax(a: Any) -> Any:
    e = np.exp(a - np.max(a, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


@exercise("10-1")
def _mended(tanh_backward: Any) -> None:
    require_derivative(
        lambda x: np.tanh(x),
        lambda dout, x: result_of(tanh_backward, dout, np.tanh(x)),
        [[0.5, -1.0, 2.0]],
        written=tanh_backward,
    )


@exercise("10-2")
def _mean(mean_backward: Any) -> None:
    """Of x - mean(x) along the last axis."""

    def centred(x: Any) -> Any:
        return x - np.mean(x, axis=-1, keepdims=True)

    require_derivative(
        centred,
        lambda dout, x: result_of(mean_backward, dout),
        [[0.5, -1.0, 2.0, 0.0], [1.0, 3.0, -2.0, 0.5]],
        written=mean_backward,
    )


@exercise("10-3")
def _belongs(belongs: Any) -> str:
    """Whether a gradient can be that of the loss of SimpleNet at these weights."""
    right = np.outer(_X, _softmax(_X @ _W) - _T)
    other = np.array([[-0.35356551, 0.11583533, 0.23773018], [-0.53034826, 0.173753, 0.35659526]])
    smaller, W, x, t = right * np.where(right > 0, 0.9, 1), _W[::-1], np.array([-0.4, 1.3]), np.array([0, 0, 1])
    for truth, what, given in (
        (True, "이 W의 기울기", (right, _W, _X, _T)),
        (False, "다른 W로 계산한 기울기", (other, _W, _X, _T)),
        (False, "부호가 반대인 기울기", (-right, _W, _X, _T)),
        (False, "0.1% 틀린 기울기", (1.001 * right, _W, _X, _T)),
        (False, "양수인 원소만 10% 작은 기울기", (smaller, _W, _X, _T)),
        (True, "다른 W, x, t에서 구한 올바른 기울기", (np.outer(x, _softmax(x @ W) - t), W, x, t)),
    ):
        found = bool(real_numbers(result_of(belongs, *given), belongs, shape=()))
        if found is not truth:
            raise Wrong(f"{what}를 넘겼을 때의 올바른 답: {truth}, 반환한 값: {found}{at_line(belongs)}")
    return "글에 실린 dW는 그 위에 실린 W의 기울기가 아니었습니다."


def _wrong_rules() -> dict[str, Any]:
    """Backwards of x @ W + b: twelve that are wrong in the usual ways."""

    def rule(dx: Any = None, dW: Any = None, db: Any = None) -> Any:
        def backward(dout: Any, x: Any, W: Any, b: Any) -> tuple[Any, Any, Any]:
            right = dout @ W.T, x.T @ dout, dout.sum(axis=0)
            changes = dx, dW, db
            parts = [
                part if change is None else change(part, dout, x, W)
                for part, change in zip(right, changes, strict=True)
            ]
            return parts[0], parts[1], parts[2]

        return backward

    return {
        "올바른 규칙": rule(),
        "dx의 부호가 반대인 것": rule(dx=lambda d, g, x, W: -d),
        "dW의 부호가 반대인 것": rule(dW=lambda d, g, x, W: -d),
        "db의 부호가 반대인 것": rule(db=lambda d, g, x, W: -d),
        "db를 더하지 않고 평균을 낸 것": rule(db=lambda d, g, x, W: g.mean(axis=0)),
        "db에서 첫 번째 데이터만 쓴 것": rule(db=lambda d, g, x, W: g[0]),
        "dW를 데이터의 개수로 나눈 것": rule(dW=lambda d, g, x, W: d / len(x)),
        "dx가 언제나 0인 것": rule(dx=lambda d, g, x, W: 0 * d),
        "dx에서 dout을 1로 본 것": rule(dx=lambda d, g, x, W: np.ones_like(g) @ W.T),
        "dW에서 dout을 1로 본 것": rule(dW=lambda d, g, x, W: x.T @ np.ones_like(g)),
        "db에서 dout을 1로 본 것": rule(db=lambda d, g, x, W: np.ones_like(g).sum(axis=0)),
        "dW가 1.00001배인 것": rule(dW=lambda d, g, x, W: d * (1 + 1e-5)),
        "dW의 원소 하나만 1% 틀린 것": rule(
            dW=lambda d, g, x, W: d * np.where(np.arange(d.size).reshape(d.shape) == d.size - 1, 1.01, 1)
        ),
    }


@exercise("10-4")
def _a_test(test: Any) -> str:
    wrong = _wrong_rules()
    return require_tests(test, wrong.pop("올바른 규칙"), wrong)
