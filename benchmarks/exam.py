"""Which gradient checker finds a wrong vector-Jacobian product, and which rejects a right one? Several libraries at the cases of
tests/check/exam.py, which are functions of NumPy arrays with a backward written by hand.

Each has a process of its own, and its defaults. They are given the inputs in float64; ours as they are, with `rtol=` where the case says
how exactly its function is computed. `python -m benchmarks.exam` prints a Markdown table, and with --missed what each of them gets
wrong; `python -m benchmarks judges --peers` the same figures beside the goals.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from importlib.util import find_spec
from time import perf_counter, process_time
from typing import NamedTuple

from benchmarks.comparison import OURS
from benchmarks.judges import OF_WRITTEN, Written, ask, called
from benchmarks.process import Process, Work
from benchmarks.readme import table
from benchmarks.report import Row, duration, machine
from tests.check.exam import CASES

LIMIT = 60.0  # seconds for one case
NOT_RUN = "not run"  # it took longer than that, or was refused before the function was called


class Answer(NamedTuple):
    """What a checker says of a case: passed, rejected, undecided, error or not run, the last two with a text."""

    case: str
    key: str  # right, wrong or undecided
    says: str
    seconds: float  # of CPU time

    @property
    def first_word(self) -> str:
        return self.says.partition(":")[0]


class Sitting:
    """A checker at the exam."""

    def __init__(self, name: str) -> None:
        self.judge = OF_WRITTEN[name][1]()

    def __call__(self) -> list[Answer]:
        answers = []
        for case in CASES:
            asked = Written(case.f, case.vjp, case.inputs, case.rtol)
            asked.until = perf_counter() + LIMIT
            start = process_time()
            answer, evaluations, _ = ask(self.judge, asked, 0)
            seconds = process_time() - start
            if (
                asked.late
                or answer.startswith("error: ModuleNotFoundError")
                or (answer.startswith("error") and not evaluations)
            ):
                answer = f"{NOT_RUN}: {answer}"
            answers.append(Answer(case.name, case.verdict, answer, seconds))
        return answers


def answers(peers: bool) -> dict[str, list[Answer]]:
    """What each checker that is installed says of the cases, one after the other."""
    found = {}
    for name, (package, _) in OF_WRITTEN.items():
        if find_spec(package) is None:
            print(f"{name} is left out: {package} is not installed", file=sys.stderr)
        elif name == OURS or peers:
            print(f"{name} ...", file=sys.stderr)
            with Process(Work("benchmarks.exam", "Sitting", (name,))) as process:
                found[name] = process.call()
    return found


def rows(peers: bool) -> Iterator[Row]:
    """The counts of every checker, with bars for ours."""
    return of_all(answers(peers))


def of_all(found: Mapping[str, Sequence[Answer]]) -> Iterator[Row]:
    """One count of all checkers after the other."""
    for same in zip(*(counts(name, given) for name, given in found.items()), strict=True):
        yield from same


def counts(name: str, given: Sequence[Answer]) -> Iterator[Row]:
    """How many of the wrong ones a checker rejects, and how many of the right ones, for which any error counts; what nobody can tell is
    counted by itself.
    """
    said = {key: Counter(a.first_word for a in given if a.key == key) for key in ("wrong", "right", "undecided")}
    asked = {key: sum(n for word, n in count.items() if word != NOT_RUN) for key, count in said.items()}
    wrong, right, undecided = said.values()
    caught, alarms = (count["rejected"] + count["error"] for count in (wrong, right))
    doubts, sure, seen = (
        wrong["undecided"] + right["undecided"],
        asked["wrong"] + asked["right"],
        undecided["undecided"],
    )
    can_doubt = name == OURS

    def row(task: str, figure: str, bar: str = "", met: bool = True) -> Row:
        return Row(task, name, figure, bar=bar, met=met) if bar and name == OURS else Row(task, name, figure)

    yield row("wrong ones rejected", f"{caught} of {asked['wrong']}", ">= 97 %", caught >= 0.97 * asked["wrong"])
    yield row("right ones rejected", f"{alarms} of {asked['right']}", "0", not alarms)
    yield row("undecided where one can tell", f"{doubts} of {sure}" if can_doubt else "", "< 3 %", doubts < 0.03 * sure)
    figure = f"{seen} of {asked['undecided']} undecided"
    other = f"{undecided['passed']} passed, {undecided['rejected'] + undecided['error']} rejected"
    met = seen >= 0.97 * asked["undecided"]
    yield row("nobody can tell", figure if can_doubt else other, ">= 97 %", met)
    for what, word in (
        ("of all by an error of another kind", "error"),
        (f"not within {LIMIT:g} s, or not at all", NOT_RUN),
    ):
        yield row(what, str(sum(count[word] for count in said.values())))
    yield row("CPU time in all", duration(sum(a.seconds for a in given)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exam", description=__doc__)
    parser.add_argument("--missed", action="store_true", help="name the cases that each gets wrong")
    options = parser.parse_args()
    found = answers(peers=True)
    packages = dict.fromkeys(called(OF_WRITTEN[name][0]) for name in found)
    print(f"python -m benchmarks.exam, {date.today()}", *machine(), ", ".join(packages), sep="\n\n")
    print(f"\n{table(of_all(found), figures=True)}")
    for name, given in found.items() if options.missed else ():
        print(f"{name}:")
        for a in given:
            if a.first_word != {"right": "passed", "wrong": "rejected"}.get(a.key, "undecided"):
                print(f"  {a.key}: {a.case}: {a.says}")


if __name__ == "__main__":
    main()
