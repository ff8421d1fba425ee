"""Which gradient checker finds a wrong rule, and which rejects a right one? Several libraries on the same rules.

`python -m benchmarks.checkers` runs PyTorch, JAX, autograd, Chainer and the way of the book beside check_gradient, where they are
installed, each with its defaults. The rules are tinygrad_ko's own formulas: as they are (at several scales, and at exact zeros), changed
in one place (every mutant of every formula), and off by a known relative error.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import median

from benchmarks.judges import JUDGES, Judge, ask, available, called
from benchmarks.report import duration, machine
from benchmarks.rules import ERRORS, LARGE_KIND, SCALES, Rule, off_by, quietly, right, wrong
from tests.ops.table import ROWS

PLACES = [*SCALES, "zeros"]
SIZES = [*ERRORS, LARGE_KIND]


@dataclass
class Answers:
    """What one checker said of the rules."""

    wrong: dict[str, list[str]] = field(default_factory=dict)  # of each kind: one answer for each rule, at one call
    at_last: dict[str, list[str]] = field(default_factory=dict)  # the same after all calls
    right: dict[str, list[str]] = field(default_factory=dict)  # of each scale: one answer for each call
    missed: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)
    evaluations: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    total: float = 0.0

    def note(self, answer: str, seconds: float) -> None:
        self.total += seconds
        if answer.startswith("error"):
            self.errors[answer] = self.errors.get(answer, 0) + 1


def of_wrong(judge: Judge, rules: Iterable[Rule], answers: Answers) -> None:
    """Ask about each rule until it is rejected, at one call after the other."""
    for rule in rules:
        said: list[str] = []
        for seed, case in enumerate(rule.cases):
            answer, _, seconds = ask(judge, case, seed)
            answers.note(answer, seconds)
            said.append(answer)
            if answer == "rejected":
                break
        else:
            answers.missed.append(f"{rule.name} ({rule.kind})" if rule.kind in SIZES else rule.name)
        answers.wrong.setdefault(rule.kind, []).append(said[0])
        doubtful = "undecided" in said and said[-1] != "rejected"
        answers.at_last.setdefault(rule.kind, []).append("undecided" if doubtful else said[-1])


def of_right(judge: Judge, rules: Iterable[Rule], answers: Answers) -> None:
    """Ask about each rule at every call."""
    for rule in rules:
        for seed, case in enumerate(rule.cases):
            answer, evaluations, seconds = ask(judge, case, seed)
            answers.note(answer, seconds)
            answers.right.setdefault(rule.kind, []).append(answer)
            if answer != "passed":
                answers.alarms.append(f"{rule.name} ({rule.kind}), call {seed}: {answer}")
            if rule.kind == "as drawn":
                answers.evaluations.append(evaluations)
                answers.seconds.append(seconds)


def share(said: Sequence[str]) -> str:
    """The percentage that was rejected. 100 % means all of them.

    >>> share(["rejected", "passed", "rejected"]), share(["rejected"] * 2000 + ["passed"]), share([])
    ('66.7 %', '99.9 %', '')
    """
    if not said:
        return ""
    rejected = sum(answer == "rejected" for answer in said)
    return "100 %" if rejected == len(said) else f"{min(99.9, 100 * rejected / len(said)):.1f} %"


def count(said: Sequence[str], answer: str) -> int:
    return sum(each.startswith(answer) for each in said)


def alarm(said: Sequence[str]) -> str:
    """How many right rules were not passed.

    >>> alarm(["passed", "rejected", "undecided"])
    '1 + 1 undecided'
    """
    kinds = [f"{n} {kind}" for kind in ("undecided", "error") if (n := count(said, kind))]
    return " + ".join([str(count(said, "rejected")), *kinds])


def of_wrong_rules(answers: Answers, mutants: Sequence[str]) -> list[str]:
    """How many of the mutants one checker rejects, and how small an error it sees."""
    first, last = ([a for kind in mutants for a in of.get(kind, [])] for of in (answers.wrong, answers.at_last))
    doubtful = count(last, "undecided") + count(last, "error")
    return [
        share(first),
        share(last),
        str(doubtful),
        *(share(answers.wrong.get(kind, [])) for kind in SIZES),
        duration(answers.total),
    ]


def of_right_rules(answers: Answers) -> list[str]:
    """How many right rules one checker does not pass, and what a check of one costs."""
    return [
        *(alarm(answers.right.get(kind, [])) for kind in PLACES),
        f"{median(answers.evaluations):g}",
        duration(median(answers.seconds)),
    ]


def heading(judges: Iterable[str]) -> list[str]:
    """Command, date, machine and versions."""
    versions = dict.fromkeys(called(JUDGES[name][0]) for name in judges)
    command = f"python -m benchmarks.checkers {' '.join(sys.argv[1:])}".rstrip()
    return [f"{command}, {date.today()}", *machine(), ", ".join(versions)]


def table(lines: Sequence[Sequence[str]], as_markdown: bool) -> str:
    """Columns, the first line their heads."""
    if as_markdown:
        head, *rest = ("| " + " | ".join(cells) + " |" for cells in lines)
        return "\n".join([head, "|" + " --- |" * len(lines[0]), *rest])
    width = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.ljust(n) for cell, n in zip(cells, width, strict=True)).rstrip() for cells in lines)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checkers", description=__doc__)
    parser.add_argument(
        "--ops", nargs="+", choices=[f.__name__ for f in ROWS], metavar="OP", help="only these ops (default: all)"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth mutant (default: all)")
    parser.add_argument("--calls", type=int, default=5, metavar="N", help="drawn calls of each op (default: 5)")
    parser.add_argument("--seed", type=int, default=0, help="which calls are drawn (default: 0)")
    parser.add_argument("--missed", action="store_true", help="name what was left out, missed, or rejected wrongly")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    return parser.parse_args()


def main() -> None:
    asked = options()
    names = asked.ops or [f.__name__ for f in ROWS]
    left_out: dict[str, list[str]] = {}
    print("drawing calls ...", file=sys.stderr)
    mutants = quietly(wrong(names, asked.calls, asked.seed, asked.every, left_out))
    bent = quietly(off_by(names, asked.calls, asked.seed))
    unchanged = quietly(right(names, asked.calls, asked.seed))

    judges, missing = available()
    results = {}
    for name, judge in judges.items():
        print(f"{name} ...", file=sys.stderr)
        results[name] = Answers()
        of_wrong(judge, [*mutants, *bent], results[name])
        of_right(judge, unchanged, results[name])

    kinds = sorted({rule.kind for rule in mutants})
    calls = {kind: sum(len(rule.cases) for rule in unchanged if rule.kind == kind) for kind in PLACES}
    wrong_heads = ["checker", "at 1 call", f"at up to {asked.calls}", "not decided", *SIZES, "time in all"]
    right_heads = ["checker", *(f"{kind} ({n})" for kind, n in calls.items()), "evaluations of f", "time of a check"]

    def rows(heads: Sequence[str], cells: Callable[[Answers], list[str]]) -> list[list[str]]:
        absent = {name: [why, *[""] * (len(heads) - 2)] for name, why in missing.items()}
        return [list(heads), *([n, *(cells(results[n]) if n in results else absent[n])] for n in JUDGES)]

    by_kind = [["kind", "mutants", *results]]
    for kind in kinds:
        shares = [share(answers.wrong[kind]) for answers in results.values()]
        by_kind.append([kind, str(sum(rule.kind == kind for rule in mutants)), *shares])

    print(*heading(judges), "", sep="\n\n" if asked.markdown else "\n")
    print(
        f"Wrong rules rejected, of {len(mutants)} mutants, each asked about at up to {asked.calls} calls at which it is wrong"
    )
    print(f"(left out: {'; '.join(f'{len(names)} {reason}' for reason, names in left_out.items()) or 'none'}),")
    print("and of rules that are off by a relative error, at 1 call:\n")
    print(table(rows(wrong_heads, lambda answers: of_wrong_rules(answers, kinds)), asked.markdown))
    print("\nRight rules not passed, of so many calls:\n")
    print(table(rows(right_heads, of_right_rules), asked.markdown))
    print("\nMutants rejected at 1 call, by kind:\n")
    print(table(by_kind, asked.markdown))
    for reason, left in left_out.items() if asked.missed else ():
        print(f"\nLeft out, {reason}:", *left, sep="\n  ")
    for name, answers in results.items():
        for error, n in answers.errors.items():
            print(f"\n{name}, {n} times: {error}")
        if asked.missed:
            print(f"\n{name} never rejected {len(answers.missed)} wrong ones:", *answers.missed, sep="\n  ")
            print(f"{name} did not pass {len(answers.alarms)} right ones:", *answers.alarms, sep="\n  ")


if __name__ == "__main__":
    main()
