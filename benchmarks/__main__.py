"""Every figure beside its bar. `python -m benchmarks steps --peers` runs one part, with other engines; `python -m benchmarks --readme` all
that the READMEs show, and writes it there.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from datetime import date

from benchmarks import (
    compilation,
    elementwise,
    embedding,
    exam,
    functions,
    imports,
    memory,
    numerical_gradient,
    optimizers,
    oracle,
    readme,
    small_ops,
    training_step,
)
from benchmarks.contenders import versions
from benchmarks.report import Row, aligned, machine, markdown


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parts: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
        "steps": lambda a: training_step.rows(a.peers, a.rounds),
        "ops": lambda a: small_ops.rows(a.peers, a.rounds),
        "compiled": lambda a: compilation.rows(a.peers, a.rounds),
        "elementwise": lambda a: elementwise.rows(a.peers, a.rounds),
        "optimizers": lambda a: optimizers.rows(a.peers, a.rounds),
        "embedding": lambda a: embedding.rows(a.peers, a.rounds),
        "functions": lambda a: functions.rows(a.peers, a.rounds),
        "memory": lambda a: memory.rows(a.peers),
        "oracle": lambda a: oracle.rows(a.rounds),
        "judges": lambda a: exam.rows(a.peers),
        "numerical": lambda a: numerical_gradient.rows(a.full, a.rounds),
        "import": lambda a: imports.rows(a.peers, a.rounds),
    }
    parser.add_argument(
        "parts", nargs="*", choices=[*parts, []], default=[], metavar="PART", help=f"{', '.join(parts)} (default: all)"
    )
    parser.add_argument("--peers", action="store_true", help="also PyTorch, JAX, MyGrad and autograd, where installed")
    parser.add_argument("--full", action="store_true", help="perturb all 39,760 parameters, not a sample of them")
    parser.add_argument("--rounds", type=int, default=30, help="turns of each contender (default: 30)")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    parser.add_argument("--readme", action="store_true", help="with the peers: the tables of the READMEs, all of them")
    options = parser.parse_args()
    if options.readme and options.parts:
        parser.error("--readme writes all tables, on one day: it takes no parts")
    if options.rounds < 1:
        parser.error("--rounds takes 1 or more")
    options.peers |= options.readme

    found: dict[str, list[Row]] = {}
    command = f"python -m benchmarks {' '.join(sys.argv[1:])}".rstrip()
    head = [f"{command}, {options.rounds} rounds, {date.today()}", *machine(), *versions(options.peers)]
    for part in options.parts or (readme.TABLES if options.readme else parts):
        print(f"{part} ...", file=sys.stderr)
        found[part] = list(parts[part](options))
    if options.readme:
        readme.write(found, head)
    rows = [row for part in found.values() for row in part]
    missed = sum(row.met is False for row in rows)
    print(*head, "", sep="\n\n" if options.markdown else "\n")
    print(markdown(rows) if options.markdown else aligned(rows))
    print(f"\n{missed or 'No'} bar{'' if missed == 1 else 's'} missed.")


if __name__ == "__main__":
    main()
