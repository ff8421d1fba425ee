"""The mistakes of mutants in Korean: their kinds, and what was done to a result. What is code stays code."""

import re

KINDS = {
    "N for N - 1": "N - 1을 N으로 씀",
    "dropped condition": "조건을 빠뜨림",
    "dropped statement": "문장을 빠뜨림",
    "dropped term": "항을 빠뜨림",
    "epsilon dropped": "아주 작은 상수를 빠뜨림",
    "extra term": "항을 덧붙임",
    "ignored cotangent": "출력의 기울기를 무시함",
    "lost gradient": "기울기를 잃어버림",
    "mean for sum": "합 대신 평균을 냄",
    "missing factor": "곱하거나 나눌 것을 빠뜨림",
    "missing function": "함수를 빠뜨림",
    "one branch alone": "한쪽 갈래만 씀",
    "one wrong entry": "원소 하나가 틀림",
    "relative error 1e-6": "상대 오차 1e-6",
    "reversed comparison": "비교의 방향을 뒤집음",
    "reversed condition": "조건을 뒤집음",
    "sign flip": "부호를 뒤집음",
    "swapped operands": "피연산자의 순서를 바꿈",
    "times for divided by": "나눌 것을 곱함",
    "transposed": "전치가 틀림",
    "wrong axis": "축이 틀림",
    "wrong constant": "상수가 틀림",
    "wrong operand": "다른 배열을 씀",
    "wrong power": "지수가 틀림",
}
RESULTS = {
    "minus the result": "결과 × (-1)",
    "the largest entry of the result times 1.01": "결과에서 가장 큰 원소 × 1.01",
    "the last two axes of the result exchanged, in its old shape": "결과의 마지막 두 축을 맞바꾸고 형상은 그대로 둠",
    "the mean of the result along stretched axes": "늘어난 축을 따라 결과의 평균을 냄",
    "the result plus 0.001 times the mean |g|": "결과 + 0.001 × |g|의 평균",
    "the result times 0": "결과 × 0",
    "the result times 1.000001": "결과 × 1.000001",
    "the results in reverse order": "결과의 순서를 뒤집음",
    "with g * 0 + 1 for g": "g 대신 g * 0 + 1",
}


def mistake_in_korean(kind: str, text: str) -> str:
    """A mistake: its kind, and the wrong code or what was done to the result.

    >>> mistake_in_korean("wrong operand", "in slope: g * b, a for b")
    '다른 배열을 씀: slope에서 g * b, b 대신 a'
    """
    text = RESULTS.get(text, text)
    text = re.sub(r"\bwithout (.+)", r"\1 없이", text)
    text = re.sub(r", (\w+) for (\w+)$", r", \2 대신 \1", text)
    text = re.sub(r"^in (\w+): ", r"\1에서 ", text)
    return f"{KINDS[kind]}: {text}"
