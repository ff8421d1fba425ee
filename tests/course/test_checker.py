"""What is said of answers: right ones, unfinished ones, and wrong ones with cause and line."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko import course
from tinygrad_ko.course import exercise_numbers


def told(capsys, number, *answers):
    course.check(number, *answers)
    return capsys.readouterr().out


def sign(dout, x, y):
    return dout * y, -dout * x


def factor(dout, x, y):
    return dout * y, 2 * dout * x


def swapped(dout, x, y):
    return dout * x, dout * y


class WithoutTheSum:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout
        return dout @ self.W.T


class WithTheMean(WithoutTheSum):
    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.mean(axis=0)
        return dout @ self.W.T


class Transposed(WithoutTheSum):
    def backward(self, dout):
        self.dW = dout.T @ self.x
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


@pytest.mark.parametrize(
    ("number", "answer", "words"),
    [
        ("7-2", sign, ["y에 대한 미분", "부호가 반대", "번째 줄: return dout * y, -dout * x"]),
        ("7-2", factor, ["y에 대한 미분", "비율이 2", "번째 줄: return dout * y, 2 * dout * x"]),
        ("7-2", swapped, ["x에 대한 미분", "번째 줄: return dout * x, dout * y"]),
        (
            "9-3",
            WithoutTheSum,
            ["b의 형상은 (2,)", "축을 따라 더하는 계산이 빠졌습니다(sum(axis=0))", "번째 줄: self.db = dout"],
        ),
        ("9-3", WithTheMean, ["b에 대한 미분", "평균을 내지 않았는지", "번째 줄: self.db = dout.mean(axis=0)"]),
        ("9-3", Transposed, ["W의 형상은 (3, 2)", "전치(.T)가 빠졌거나", "번째 줄: self.dW = dout.T @ self.x"]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_wrong_derivative_is_told_with_cause_and_line(number, answer, words, capsys):
    said = told(capsys, number, answer)
    assert said.startswith(f"{number}: 틀렸습니다. ")
    for word in words:
        assert word in said


def test_what_is_not_answered_yet_is_no_mistake(capsys):
    for answer in (
        ...,
        lambda dout, x, y: ...,
        lambda dout, x, y: (..., ...),
        lambda dout, x, y: dout * ...,
        lambda dout, x, y: np.array([..., ...]),
        lambda dout, x, y: dout.reshape(...),
    ):
        assert "아직 답이 없습니다" in told(capsys, "7-2", answer)
    assert "return을 빠뜨리지 않았는지" in told(capsys, "7-2", lambda dout, x, y: None)


def test_a_cause_is_told_only_where_it_is_known(capsys):
    """An infinity may be of log(0) as well as of exp; what is off by 1e-7 is not off by a factor."""

    def without_the_constant(y, t):
        y, t = np.atleast_2d(y), np.asarray(t)
        labels = t if t.dtype.kind in "iu" else np.atleast_2d(t).argmax(axis=1)
        return -np.mean(np.log(y[np.arange(len(y)), labels]))

    said = told(capsys, "3-2", without_the_constant)
    assert "1e-7처럼 작은 상수" in said
    assert "배입니다" not in said
    said = told(capsys, "3-1", lambda y, t: np.sum(t * np.log(0 * y)))
    assert "0의 로그" in said
    assert "오버플로" not in said


def test_an_error_of_an_answer_is_told_with_its_line(capsys):
    def broken(dout, x, y):
        return dout * y, dout @ "x"

    said = told(capsys, "7-2", broken)
    assert "실행하다가 오류가 났습니다" in said
    assert 'return dout * y, dout @ "x"' in said


def test_an_exercise_is_checked_before_the_others_have_answers(capsys):
    """The rule of an op before there is an order to walk in."""
    assert told(capsys, "8-2", lambda g, a, b: (g * b, g * a)) == "8-2: 맞았습니다.\n"
    assert "아직" in told(capsys, "8-3", lambda output: ...)


def first_test(rule):
    x, W, b = np.ones((3, 4)), np.ones((4, 2)), np.zeros(2)
    _, dW, _ = rule(np.ones((3, 2)), x, W, b)
    assert np.allclose(dW, tg.numerical_gradient(lambda W: np.sum(x @ W + b), W), atol=1e-4)


def test_a_test_is_judged_by_wrong_rules(capsys):
    assert "이 테스트는 틀린 규칙 12개 중 9개를 통과시킵니다." in told(capsys, "10-4", first_test)
    assert "12개 중 12개를 통과시킵니다" in told(capsys, "10-4", lambda rule: None)

    def rejects_all(rule):
        raise AssertionError("no")

    assert "올바른 규칙도 거부합니다. AssertionError: no" in told(capsys, "10-4", rejects_all)


def test_an_answer_that_changes_its_argument_is_wrong(capsys):
    def in_place(a):
        a -= np.max(a)
        e = np.exp(a)
        return e / np.sum(e)

    assert "넘겨받은 배열을 바꾸어 놓았습니다" in told(capsys, "2-1", in_place)


def test_the_wrong_number_of_answers_is_told(capsys):
    assert told(capsys, "1-1", 0.5) == "1-1: 틀렸습니다. course.check에 넘겨야 하는 답: 3개, 넘긴 답: 1개\n"


def test_a_backward_that_ignores_the_gradient_of_its_output_is_told(capsys):
    class Sigmoid:
        def forward(self, x):
            self.out = 1 / (1 + np.exp(-x))
            return self.out

        def backward(self, dout):
            return self.out * (1 - self.out)

    said = told(capsys, "9-2", Sigmoid)
    assert "출력의 기울기를 곱하지 않았습니다" in said
    assert "번째 줄: return self.out * (1 - self.out)" in said


def test_the_same_numbers_in_another_order_are_told(capsys):
    def by_column(images, size):
        rows, columns = images.shape[2] - size + 1, images.shape[3] - size + 1
        return np.array(
            [im[:, i : i + size, j : j + size].ravel() for im in images for j in range(columns) for i in range(rows)]
        )

    said = told(capsys, "14-2", by_column)
    assert "순서가 다릅니다" in said
    assert "위치 [1, 0]의 올바른 값: 1., 답: 5." in said


def test_a_line_that_is_shown_is_the_readers(capsys):
    def in_place(gradient, x, lr, steps):
        for _ in range(steps):
            x -= lr * gradient(x)
        return x

    said = told(capsys, "5-2", in_place)
    assert "번째 줄: return x\n" in said
    assert "exercises" not in said


def test_an_unknown_number_is_an_error():
    with pytest.raises(ValueError, match=r"there is no exercise '1-9'; the last is 14-4") as caught:
        course.check("1-9", 0)
    assert "연습문제" in caught.value.__notes__[0]


def test_numbers_go_by_chapters():
    pairs = [tuple(map(int, number.split("-"))) for number in exercise_numbers()]
    assert pairs == sorted(pairs)
    assert {chapter for chapter, _ in pairs} == set(range(1, 15))


@pytest.mark.parametrize("number", exercise_numbers())
def test_nonsense_is_never_right_and_never_raises(number, capsys):
    nonsense: list[Any] = [
        lambda *arguments, **options: 12345.0,
        lambda *arguments: None,
        "x",
        3,
        np.ones(3),
        {},
        object,
    ]
    for answer in nonsense:
        assert "맞았습니다" not in told(capsys, number, answer)
