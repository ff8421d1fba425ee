"""Random programs of all ops, held against everything that is known of them, for as long as you like.

    python -m tests.fuzz --minutes 60 --seed 0
    python -m tests.fuzz --op softmax --op var
    python -m tests.fuzz --seed 0 --program 1234

A program calls some ops of the rule book with random options at random inputs, zeros, ties and far ends among them, and uses
values more than once. Its judges: the measured slope at orders 1 and 2; float32 and float16 against float64; what no gradient
may change; PyTorch, where it is installed. What is found is cut down to a few lines that run, and printed. Exit status 1: found.
"""

import argparse
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_ko as tg
from tests.fuzz.judges import JUDGES, is_explained
from tests.fuzz.programs import Program, drawn, shrunk, written
from tests.ops.table import ROWS

BATCH = 500  # so many programs share the calls that were drawn of an op
LONG = 10_000  # characters of a program that are not printed


class Fuzzer:
    """Draws programs, has them judged, and keeps count."""

    def __init__(self, seed: int, named: list[Callable[..., Any]], judges: list[str]) -> None:
        self.seed, self.named, self.judges = seed, named, judges
        self.programs = 0
        self.ops: Counter[str] = Counter()
        self.verdicts: Counter[tuple[str, str]] = Counter()
        self.found: Counter[tuple[str, ...]] = Counter()

    def run(self, seconds: float) -> None:
        """One program after another, until the time is over or Ctrl-C."""
        start = told = time.monotonic()
        try:
            while (now := time.monotonic()) < start + seconds:
                if now > told + 30:
                    told = now
                    print(f"{(now - start) / 60:.1f} min: {self.counts()}", file=sys.stderr, flush=True)
                self.judge(self.programs)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)

    def judge(self, k: int) -> None:
        """Draw the k-th program and tell what the judges find."""
        rng = np.random.default_rng([self.seed, k])
        program = drawn(rng, self.named, k // BATCH)
        self.programs += 1
        self.ops.update(program.ops)
        for name in self.judges:
            verdict, told = self.verdict(name, program, k)
            self.verdicts[name, verdict] += 1
            if verdict == "found":
                self.tell(name, program, k, told)

    def verdict(self, name: str, program: Program, k: int) -> tuple[str, str]:
        """agrees, undecided, refused or found, and what is told of it."""
        try:
            JUDGES[name](program, np.random.default_rng([self.seed, k, len(name)]))
        except tg.GradientUndecided:
            return "undecided", ""
        except AssertionError as error:
            if isinstance(error.__cause__, np.linalg.LinAlgError):  # where a decomposition has no gradient
                return "refused", str(error)
            return "found", f"{type(error).__name__}: {error}"
        except Exception as error:
            if is_explained(error):
                return "refused", str(error)
            return "found", "".join(traceback.format_exception(error)[-2:])
        return "agrees", ""

    def tell(self, name: str, program: Program, k: int, told: str) -> None:
        """Cut the program down and print it, unless its like was told already."""
        deadline, kind = time.monotonic() + 30, told.partition(":")[0]

        def fails(smaller: Program) -> bool:
            if time.monotonic() > deadline:
                return False
            verdict, said = self.verdict(name, smaller, k)
            return verdict == "found" and said.partition(":")[0] == kind

        small = shrunk(program, fails)
        key = (name, *small.ops)
        self.found[key] += 1
        if self.found[key] == 1:
            print(f"\n# ---- {name}: {', '.join(small.ops)} (python -m tests.fuzz --seed {self.seed} --program {k})")
            text = written(small)
            print(text if len(text) < LONG else f"# ({len(text):,} characters of Python)")
            print("\n".join(f"# {line}" for line in self.verdict(name, small, k)[1].rstrip().splitlines()), flush=True)

    def counts(self) -> str:
        """The state in a line."""
        return f"{self.programs:,} programs, {len(self.ops)} of {len(ROWS)} ops, {len(self.found)} kinds of findings"

    def summary(self) -> str:
        """What was tried and found."""
        lines = ["", self.counts()]
        for name in self.judges:
            counts = {v: self.verdicts[name, v] for v in ("agrees", "undecided", "refused", "found")}
            lines.append(f"{name}: " + ", ".join(f"{n:,} {verdict}" for verdict, n in counts.items()))
        return "\n".join([*lines, *(f"{n:,} x {' '.join(key)}" for key, n in self.found.most_common())])


def main() -> int:
    """What the command does; its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other programs (default: 0)")
    parser.add_argument("--program", type=int, help="only this one of the seed")
    parser.add_argument("--op", action="append", default=[], metavar="NAME", help="every program has one of these")
    parser.add_argument("--judge", action="append", default=[], choices=sorted(JUDGES), help="only these judges")
    options = parser.parse_args()
    named = [f for f in ROWS if not options.op or f.__name__ in options.op]
    if unknown := set(options.op) - {f.__name__ for f in named}:
        parser.error(
            f"no op of that name: {', '.join(sorted(unknown))}; there are {', '.join(sorted(f.__name__ for f in ROWS))}"
        )
    fuzzer = Fuzzer(options.seed, named, options.judge or list(JUDGES))
    if options.program is not None:
        fuzzer.judge(options.program)
    else:
        fuzzer.run(60 * options.minutes)
    print(fuzzer.summary())
    return 1 if fuzzer.found else 0


if __name__ == "__main__":
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sys.exit(main())
