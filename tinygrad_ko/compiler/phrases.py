"""Phrases: what a refusal names, as Korean messages say it. Code stays as it is."""

import re

_KOREAN = {
    r"a mask as an index": "마스크 인덱스",
    r"an index": "인덱스",
    r"a copy for pickle": "pickle용 복사",
    r"np\.where\(\) of a condition alone": "조건만 받는 np.where()",
    r"(.+), whose shape depends on it,": r"\1(결과의 형상이 값에 따라 달라짐)",
    r"the method (.+) of an array": r"배열의 메서드 \1",
    r"the method (.+) of a number": r"수의 메서드 \1",
    r"(.+) with where=": r"where=를 지정한 \1",
    r"(.+) into several arrays": r"여러 배열에 쓰는 \1",
    r"(.+) into an array": r"배열에 쓰는 \1",
    r"writing to an array of which .+": "np.real, np.split 등으로 뷰를 만든 배열이나 그 뷰에 쓰기",
    r"writing to an array that the function holds": "함수가 참조하는 배열에 쓰기",
    r"the (.+) that the function holds": r"함수가 참조하는 \1",
    r"an array of shape (.+)": r"형상이 \1인 배열",
    r"the compiled program and the engine differ": "컴파일한 프로그램과 엔진의 결과가 다름",
    r"the file, in a process of its own, and .+": "별도 프로세스에서 실행한 파일과 컴파일한 프로그램의 결과가 다름",
    r"the file fails in a process of its own: (.+)": r"별도 프로세스에서 파일 실행이 실패함: \1",
}


def in_korean(what: str) -> str:
    """A phrase in Korean; what is code, or not known, as it is."""
    for english, korean in _KOREAN.items():
        if (found := re.fullmatch(english, what, re.S)) is not None:
            return found.expand(korean)
    return what
