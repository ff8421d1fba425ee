"""What NumPy says when it refuses stands in the first line, and the Korean note says the same with the same numbers."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_ko as tg
from tinygrad_ko.errors import _IN_KOREAN, described, explain

X, V, TRUTH = np.ones((2, 3)), np.ones(3), np.ones(2) > 0


@tg.op(a=None, b=None)
def product(a: Any, b: Any) -> Any:
    return np.matmul(a, b)


@tg.op(a=None)
def added_in_place(a: Any) -> Any:
    a += 0.5
    return a


@tg.op(a=None)
def integers_only(a: Any) -> Any:
    return np.bitwise_and(a, a)


@tg.op(a=None)
def enormous(a: Any) -> Any:
    return np.empty((2**50, 3))


SAID: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: tg.add(X, np.ones(4)),
        "add: 브로드캐스트할 수 없습니다: (2,3) (4,). 뒤에서부터 맞춘 축의 길이가 같거나 1이어야",
    ),
    (lambda: tg.where(TRUTH, V, np.ones(4)), "브로드캐스트할 수 없습니다: (2,) (3,) (4,)."),
    (lambda: tg.broadcast_to(X, (4, 3)), "배열의 형상: (2,3), 필요한 형상: (4,3)."),
    (lambda: tg.broadcast_to(X, (3,)), "축의 개수를 줄이는"),
    (lambda: tg.scatter_add(X, [0], np.ones(5)), "배열의 형상: (5,), 필요한 형상: (1,3)."),
    (lambda: tg.matmul(X, 2.0), "1번 입력의 축이 0개입니다. 1개 이상이어야"),
    (lambda: product(X, np.ones((4, 5))), "1번 입력의 핵심 축 0번의 길이: 4. 필요한 길이: 3."),
    (lambda: tg.reshape(X, (4,)), "원소가 6개인 배열로는 다음 형상을 만들 수 없습니다: (4,)."),
    (lambda: tg.reshape(X, (-1, -1)), "-1은 축 하나에만"),
    (lambda: tg.reshape(X, 2.5), "받은 값: 2.5."),
    (lambda: tg.sum(X, axis=3), "sum: 축이 2개인 배열에 축 3번은 없습니다."),
    (lambda: tg.expand_dims(X, axis=-9), "축이 3개인 배열에 축 -9번은 없습니다."),
    (lambda: tg.sum(X, axis=(0, 0)), "같은 축을 두 번"),
    (lambda: tg.permute_dims(X, (0, 0)), "같은 축을 두 번"),
    (lambda: tg.permute_dims(X, (0,)), "모든 축을 한 번씩"),
    (lambda: tg.sum(X, axis=1.5), "정수가 필요합니다. 받은 값의 종류: float."),
    (lambda: tg.squeeze(X, axis=0), "길이가 1인 축만"),
    (lambda: tg.max(np.ones(0)), "원소가 없는 배열에는 maximum"),
    (lambda: tg.argmax(np.ones(0)), "원소가 없는 배열에는 argmax"),
    (lambda: tg.Tensor(X)[5], "getitem: 길이가 2인 축 0에 인덱스 5번은 없습니다."),
    (lambda: tg.Tensor(X)[[0, -7]], "길이가 2인 축 0에 인덱스 -7번은 없습니다."),
    (lambda: tg.scatter_add(X, ([0], [7]), 1.0), "scatter_add: 길이가 3인 축 1에 인덱스 7번은 없습니다."),
    (lambda: tg.scatter_add(V, [-4], 1.0), "scatter_add: 길이가 3인 축 0에 인덱스 -4번은 없습니다."),
    (lambda: tg.Tensor(X)[0, 0, 0], "축이 2개인 배열에 인덱스를 3개"),
    (lambda: tg.Tensor(X)[1.5], "인덱스에는 정수, 슬라이스"),
    (lambda: tg.Tensor(X)[V > 0], "축 0의 길이는 2인데 bool 인덱스의 길이는 3입니다."),
    (lambda: tg.Tensor(X)[[0, 1], [0, 1, 2]], "브로드캐스트할 수 없습니다: (2,) (3,)."),
    (lambda: tg.concat([X, np.ones((3, 4))]), "축 1의 길이가 다릅니다. 0번 배열: 3, 1번 배열: 4."),
    (lambda: tg.concat([X, V]), "축의 개수가 다릅니다. 0번 배열: 2개, 1번 배열: 1개."),
    (lambda: tg.concat([1.0, 2.0]), "축이 없는 배열은"),
    (lambda: tg.concat([]), "배열이 하나 이상"),
    (lambda: tg.stack([X, V]), "형상이 모두 같아야"),
    (lambda: tg.subtract(TRUTH, TRUTH), "뺄 수 없습니다. `^` 연산자나 logical_xor"),
    (lambda: tg.negative(TRUTH), "부호를 바꿀 수 없습니다. `~` 연산자나 logical_not"),
    (lambda: tg.astype(X, "foo"), "알 수 없는 자료형입니다: foo."),
    (lambda: integers_only(V), "bitwise_and 연산을 할 수 없는 자료형입니다."),
    (lambda: added_in_place(np.array([1, 2])), "add 연산의 결과를 저장할 수 없는 자료형입니다: float64 -> int64."),
    (lambda: enormous(V), "메모리가 부족합니다(24.0 PiB). 형상: (1125899906842624, 3), 자료형: float64."),
]


def refusal(call: Callable[[], Any]) -> Any:
    with pytest.raises((ValueError, TypeError, IndexError, MemoryError)) as caught:
        call()
    return caught.value


@pytest.mark.parametrize(("call", "korean"), SAID, ids=[korean for _, korean in SAID])
def test_the_korean_note_says_what_numpy_says(call: Callable[[], Any], korean: str) -> None:
    (note,) = [note for note in refusal(call).__notes__ if "연산" in note]
    assert korean in note
    assert re.search(r" 입력: .+$", note)


def test_every_sentence_is_tried() -> None:
    raised = [str(refusal(call)) for call, _ in SAID]
    assert [english for english in _IN_KOREAN if not any(re.search(english, said) for said in raised)] == []


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: tg.matmul(X, np.ones((4, 5))), "첫째 배열의 열은 3개인데 둘째 배열의 행은 4개입니다."),
    (lambda: tg.linalg.inv(X), "정사각 행렬이 필요합니다. 마지막 두 축의 길이가 같아야 합니다."),
    (lambda: tg.linalg.solve(np.eye(2), X.T), "b는 행이 2개인 배열 (..., n, k)이거나 벡터 (n,)이어야 합니다."),
    (lambda: tg.tril(V), "x의 축은 둘 이상이어야 합니다. 행렬이나 행렬의 묶음을 넘기십시오."),
    (lambda: tg.cumulative_sum(1.0), "수 하나에는 누적할 축이 없습니다."),
    (lambda: tg.cumulative_prod(X), "x의 축이 2개이므로 axis=0처럼 누적할 축을 지정하거나"),
    (lambda: tg.sort(1.0), "수 하나에는 정렬할 축이 없습니다."),
    (lambda: tg.pad(TRUTH.astype(int), 1, constant_values=0.5), "int64 배열에는 0.5 값을 넣을 수 없습니다."),
    (
        lambda: tg.unfold(V, 4),
        "길이가 3인 축에서 원소 4개의 윈도를 1칸 간격으로 얻을 수 없습니다. size는 1 이상 3 이하,",
    ),
    (lambda: tg.fold(X, 9), "원소 3개의 윈도 2개를 1칸 간격으로 놓아서는 길이 9의 축이 되지 않습니다."),
    (lambda: tg.standardize(V, eps=0), "eps: 0보다 큰 유한한 수여야 합니다. 받은 값: 0"),
    (lambda: tg.standardize(np.ones((2, 0))), "평균을 구할 원소가 없습니다."),
]


@pytest.mark.parametrize(("call", "korean"), REFUSED, ids=[korean for _, korean in REFUSED])
def test_what_a_forward_of_ours_refuses_is_explained_too(call: Callable[[], Any], korean: str) -> None:
    why, where = refusal(call).__notes__
    assert why.startswith(korean)
    assert re.search(r"^연산 \w+의 입력: .+$", where)


@pytest.mark.parametrize("kind", [ValueError, KeyError], ids=["named anew", "as it is"])
def test_a_forward_that_explains_itself_keeps_its_note(kind: type[Exception]) -> None:
    @tg.op(a=None)
    def careful(a: Any) -> Any:
        raise explain(kind("too small"), "너무 작습니다.")

    with pytest.raises(kind, match="too small") as caught:
        careful(V)
    assert "너무 작습니다." in caught.value.__notes__
    assert caught.value.__notes__[-1] == "연산 careful의 입력: float64[3]"


def test_what_is_not_known_points_to_the_message() -> None:
    @tg.op(a=None)
    def odd(a: Any) -> Any:
        raise ValueError("{an odd one}")

    error = refusal(lambda: odd(V))
    assert str(error) == "odd(float64[3]): {an odd one}"
    assert error.__notes__ == ["연산 odd: 계산할 수 없습니다. 원인은 오류 메시지에 있습니다. 입력: float64[3]"]


def test_arguments_are_described_by_dtype_and_shape() -> None:
    assert [described(x) for x in (X, tg.Tensor(V), 1.5, None)] == ["float64[2, 3]", "float64[3]", "float", "NoneType"]
