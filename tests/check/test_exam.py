"""The judge at two exams that were written by others: what it gets wrong is listed, and nothing else may be."""

from collections import Counter

import pytest

from benchmarks.exam import NOT_RUN, Sitting
from tests.check.exam import CASES, FIRST, SECOND

RIGHT_ANSWERS = {"right": ("passed",), "wrong": ("rejected", "error"), "undecided": ("undecided",)}

MISSED = {
    "prod_gradient_by_division_zero_patched": "undecided",  # 0 where x is 0, right beside it: as where kinks cancel
}


@pytest.mark.parametrize(("cases", "least"), [(FIRST, 140), (SECOND, 110)], ids=["first", "second"])
def test_there_are_cases_of_every_verdict(cases, least):
    verdicts = Counter(case.verdict for case in cases)
    assert set(verdicts) == set(RIGHT_ANSWERS)
    assert min(verdicts["right"], verdicts["wrong"]) > least


def test_each_case_has_a_name_of_its_own():
    assert len({case.name for case in CASES}) == len(CASES) == len(FIRST) + len(SECOND)
    assert {*MISSED} <= {case.name for case in CASES}


@pytest.mark.slow
def test_the_judge_gets_no_other_case_wrong():
    answers = {a.case: a for a in Sitting("tinygrad_ko")() if a.first_word != NOT_RUN}
    missed = {name: a.first_word for name, a in answers.items() if a.first_word not in RIGHT_ANSWERS[a.key]}
    assert missed == {name: says for name, says in MISSED.items() if name in answers}
