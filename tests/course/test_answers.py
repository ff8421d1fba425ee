"""Answers as readers write them: right in another style, wrong with a cause that is told, and none that spoils the next check."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tests.course.test_checker import told

_PRICES = {"apple": np.float32(2.2), "apple_count": 110, "orange": 3.3, "orange_count": 165, "tax": np.array(650)}


def softmax(a):
    e = np.exp(a - np.max(a, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def in_single(a):
    return softmax(a.astype(np.float32))


def doubled_in_place(dout, x):
    dout *= 2
    dout *= x
    return dout


def descent(gradient, x, lr=0.01, steps=100):
    for _ in range(steps):
        x = x - lr * gradient(x)
    return list(x)


class Relu:
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)

    def backward(self, dout):
        return dout * (self.x > 0)


class AffineOfLists:
    def __init__(self, weights, bias):
        self.weights, self.bias = weights, bias

    def forward(self, x):
        self.x = x
        return (x @ self.weights + self.bias).tolist()

    def backward(self, dout):
        self.dW, self.db = (self.x.T @ dout).tolist(), list(dout.sum(axis=0))
        return (dout @ self.weights.T).tolist()


class AffineInSingle:
    def __init__(self, W, b):
        self.W, self.b = W.astype(np.float32), b.astype(np.float32)

    def forward(self, x):
        self.x = x.astype(np.float32)
        return self.x @ self.W + self.b

    def backward(self, dout):
        dout = dout.astype(np.float32)
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class EngineOfTensors:
    def __init__(self, x):
        self.t = x if isinstance(x, tg.Tensor) else tg.Tensor(np.array(x, float), requires_grad=True)

    def __add__(self, other):
        return EngineOfTensors(self.t + getattr(other, "t", other))

    def __mul__(self, other):
        return EngineOfTensors(self.t * getattr(other, "t", other))

    def backward(self):
        self.t.sum().backward()

    @property
    def grad(self):
        return self.t.grad


def compares_with_formulas(rule):
    rng = np.random.default_rng(1)
    dout, x, W, b = (rng.normal(size=shape) for shape in ((3, 2), (3, 4), (4, 2), 2))
    for part, right in zip(rule(dout, x, W, b), (dout @ W.T, x.T @ dout, dout.sum(axis=0)), strict=True):
        np.testing.assert_allclose(part, right)


@pytest.mark.parametrize(
    ("number", "answers"),
    [
        ("1-1", (Fraction(-1, 2), np.float32(-0.5), np.array(0.7))),
        ("1-2", (lambda a, b: np.bool_(a != b),)),
        ("1-3", (lambda x: tg.sigmoid(tg.Tensor(x)),)),
        ("1-3", (lambda x: np.float32(1 / (1 + np.exp(-x))),)),
        ("2-2", (in_single,)),
        ("2-4", (lambda g, y: (y * (g - (g * y).sum(axis=1, keepdims=True))).tolist(),)),
        ("3-1", (lambda y, t: np.float32(0.5) * np.sum((np.float32(y) - np.float32(t)) ** 2),)),
        ("3-3", (lambda dout, y, t: (dout * (y - t),),)),
        ("4-1", (lambda func, x, h=1e-5: np.array((func(x + h) - func(x - h)) / 2 / h),)),
        ("5-1", (lambda x: (2 * (x[0] - 1) - 40 * x[0] * (x[1] - x[0] ** 2), 20 * (x[1] - x[0] ** 2)),)),
        (
            "5-1",
            (
                lambda x: np.array(
                    [2 * (x[0] - 1) - 40 * x[0] * (x[1] - x[0] ** 2), 20 * (x[1] - x[0] ** 2)], np.float32
                ),
            ),
        ),
        ("5-2", (descent,)),
        ("5-4", (lambda x, v, grad, lr, m: [x + m * v - lr * grad, list(m * v - lr * grad)],)),
        ("6-1", (lambda sizes: float(sum((n + 1) * m for n, m in pairwise(sizes))),)),
        ("7-1", (_PRICES,)),
        ("7-2", (lambda g, a, b: np.array([g * b, g * a]),)),
        ("7-4", (lambda x, y: [float(-2 * (x + y) * np.exp(-((x + y) ** 2)))] * 2,)),
        ("7-5", (doubled_in_place,)),
        ("8-5", (EngineOfTensors,)),
        ("9-1", (lambda: Relu(),)),
        ("9-3", (AffineOfLists,)),
        ("9-3", (AffineInSingle,)),
        (
            "10-1",
            (lambda g, y: [[a * (1 - b * b) for a, b in zip(*rows, strict=True)] for rows in zip(g, y, strict=True)],),
        ),
        ("10-4", (compares_with_formulas,)),
        ("12-3", (lambda angle, k: [-np.sin(a) - k * a for a in angle],)),
        ("13-1", (76800.0,)),
        ("13-2", (lambda dout, x: [dout if v == max(x) else 0 for v in x],)),
    ],
)
def test_a_right_answer_in_another_style_is_right(number, answers, capsys):
    assert f"{number}: 맞았습니다." in told(capsys, number, *answers)


def mutating(dout, y, t):
    y -= t
    return dout * y


def of_its_parameters(params, x):
    params["b1"] += 1.0
    return x @ params["W1"]


def without_return(dout, x, y):
    dout * y, dout * x


def breadth_first(output):
    found, todo = [], [output]
    while todo:
        node = todo.pop(0)
        if node not in found:
            found.append(node)
            todo += node.parents
    return found


class OverwritesItsOutput(Relu):
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        self.out *= 1 - self.out
        return dout * self.out


class NoGradientOfW(AffineOfLists):
    def backward(self, dout):
        return dout @ self.weights.T


class KeepsAnAxis(AffineOfLists):
    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0, keepdims=True)
        return dout @ self.weights.T


class InTheOrderOfVisits:
    """Each visit passes on all that has arrived."""

    def __init__(self, x, parents=()):
        self.x, self.parents, self.grad = np.array(x, float), parents, 0.0

    def __add__(self, other):
        return InTheOrderOfVisits(self.x + other.x, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        factor = getattr(other, "x", other)
        return InTheOrderOfVisits(
            self.x * factor, ((self, factor), *([(other, self.x)] if factor is not other else []))
        )

    def backward(self):
        self.grad, todo = 1.0, [self]
        while todo:
            node = todo.pop(0)
            for parent, slope in node.parents:
                parent.grad = parent.grad + node.grad * slope
                todo.append(parent)


@tg.op(x=lambda g, x: g * tg.exp(x) / (1 + tg.exp(x)))
def softplus_with_infinite_slope(xp, x):
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))


def returns_a_bool(rule):
    return np.allclose(rule(np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1)), np.ones(1))[2], 1)


def exits(rule):
    raise SystemExit(1)


class AcceptsOnce:
    accepted = False

    def __call__(self, rule):
        assert not self.accepted
        self.accepted = True


@pytest.mark.parametrize(
    ("number", "answer", "words"),
    [
        ("1-2", lambda a, b: 1.5 if a != b else 0.3, ["올바른 출력: 0, 답: 0.3", "위치"]),
        ("1-2", lambda a, b: "1" if a != b else "0", ["답은 실수이거나 실수의 배열이어야 합니다. 답: '0'"]),
        ("1-2", lambda a: a, ["인수 2개로 호출할 수 있어야 합니다. 답의 인수: (a)", "위치"]),
        ("1-2", 1, ["함수나 클래스를 넘겨야 합니다. 넘긴 값의 종류: int"]),
        ("2-4", np.ones((2, 3)), ["함수나 클래스를 넘겨야 합니다. 넘긴 값의 종류: ndarray"]),
        ("1-3", lambda x: 1j / (1 + np.exp(-x)), ["답은 실수이거나 실수의 배열이어야 합니다"]),
        ("1-3", lambda x: [[1.0], [1.0, 2.0]], ["답은 실수이거나 실수의 배열이어야 합니다. 답: [[1.0], [1.0, 2.0]]"]),
        ("1-4", of_its_parameters, ["넘겨받은 배열을 바꾸어 놓았습니다", "위치"]),
        ("1-4", lambda params, x: tg.nn.ThreeLayerNet().predict(x), ["올바른 값"]),
        ("1-4", lambda x, params: x @ params["W1"], ["실행하다가 오류가 났습니다. IndexError"]),
        (
            "2-1",
            lambda a: tg.sum(a, axis=7),
            ["축이 1개인 배열에 축 7번은 없습니다", "test_answers.py"],
        ),
        ("2-2", lambda a: np.exp(a) / np.exp(a).sum(axis=-1), ["브로드캐스트할 수 없습니다: (2,3) (2,)"]),
        (
            "2-2",
            lambda a: softmax(a) if a.ndim < 3 else 0 * a,
            ["24개 중 24개가 다릅니다. 위치 [0, 0, 0]", "모든 값이 0입니다"],
        ),
        ("3-3", mutating, ["넘겨받은 배열을 바꾸어 놓았습니다", "호출하기 전: [[0.1, 0.6, 0.3]"]),
        ("4-1", lambda f, x: np.nan, ["답: nan"]),
        ("4-1", lambda f, x: abs(f(x + 1e-4) - f(x - 1e-4)) / 2e-4, ["부호가 반대입니다"]),
        ("5-1", lambda x: np.array([28.0, -29.0]), ["입력을 바꾸어도 기울기가 그대로입니다"]),
        ("5-2", lambda gradient, x, lr, steps: x * 0.8**steps, ["입력: valley"]),
        ("5-4", lambda x, v, grad, lr, m: (x + 0.9 * v - 0.1 * grad, 0.9 * v - 0.1 * grad), ["0.25, 0.5"]),
        (
            "7-2",
            without_return,
            ["반환한 값: None. return을 빠뜨리지 않았는지", "번째 줄: def without_return(dout, x, y):"],
        ),
        ("7-2", lambda dout, x, y: (dout * y + x, dout * x), ["출력의 기울기가 0인데도 x의 기울기가 0이 아닙니다"]),
        ("7-2", lambda dout, x, y: (dout * np.nan, dout * x), ["x의 기울기에 NaN이나 무한대가 있습니다"]),
        ("8-3", breadth_first, ["순서 [e, a, c, b]에서는 a가 c보다 앞에 있습니다"]),
        ("8-5", InTheOrderOfVisits, ["c = a * b; c * c + c", "a에 대한 미분이 수치 미분과 다릅니다"]),
        ("9-1", Relu(), ["함수나 클래스를 넘겨야 합니다. 넘긴 값의 종류: Relu"]),
        ("9-2", OverwritesItsOutput, ["backward를 두 번 호출하면 결과가 다릅니다", "번째 줄: return dout * self.out"]),
        ("9-3", NoGradientOfW, ["NoGradientOfW에 있어야 할 이름이 없습니다: dW, db"]),
        ("9-3", KeepsAnAxis, ["길이가 1인 축이 남아 있습니다", "번째 줄: self.dW, self.db ="]),
        (
            "10-3",
            lambda dW, W, x, t: (dW - np.outer(x, softmax(x @ W) - t)).max() < 1e-6,
            ["양수인 원소만 10% 작은 기울기"],
        ),
        ("10-4", returns_a_bool, ["12개 중 12개를 통과시킵니다", "반환하는 값은 쓰이지 않습니다. assert로"]),
        ("10-4", exits, ["올바른 규칙도 거부합니다. SystemExit: 1", "번째 줄: raise SystemExit(1)"]),
        ("10-4", AcceptsOnce(), ["처음에는 통과시키고 나중에는 거부합니다"]),
        ("11-2", softplus_with_infinite_slope, ["공식 안에서 오버플로가 나거나"]),
        ("12-2", lambda x, g, H: x - np.linalg.solve([[2.0, 0.5], [0.5, 20.0]], g), ["[[ 3., -1.], [-1., 2.]]"]),
        ("12-3", lambda angle, k: -np.sin(angle) - 0.3 * angle, ["미분이 수치 미분과 다릅니다"]),
        ("13-1", [76800], ["답은 수 하나여야 합니다. 답의 형상: (1,)"]),
        ("13-2", lambda dout, x: dout * (np.arange(x.size) == 1), ["미분이 수치 미분과 다릅니다"]),
        ("14-1", lambda size, kernel, padding, stride: (2, 2), ["답은 수 하나여야 합니다"]),
    ],
)
def test_a_wrong_answer_is_told_with_its_cause(number, answer, words, capsys):
    said = told(capsys, number, answer)
    assert said.startswith(f"{number}: ")
    assert "맞았습니다" not in said
    for word in words:
        assert word in said


def test_a_wrong_answer_does_not_spoil_the_next(capsys):
    def right(dout, y, t):
        return dout * (y - t)

    def spoiling(dout, y, t):
        np.seterr(all="raise")
        y[...] = t[...] = 0
        return dout * y

    settings = np.geterr()
    assert "바꾸어 놓았습니다" in told(capsys, "3-3", spoiling)
    assert np.geterr() == settings
    assert told(capsys, "3-3", right) == "3-3: 맞았습니다.\n"


def test_an_interrupt_is_the_readers():
    """Whoever stops an endless loop wants the cell to stop."""

    def endless(a: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tg.course.check("2-1", endless)


def test_what_suggests_options_of_the_judge_is_left_out(capsys):
    def everywhere(dout, x):
        return dout * np.ones_like(x)

    def without_the_constant(dout, y, t):
        return -dout * t / y / len(y)

    assert "rtol=" not in told(capsys, "3-4", without_the_constant)
    assert "meant_as" not in told(capsys, "13-2", everywhere)
