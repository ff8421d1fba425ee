"""Would the tests notice a mistake in this file? Mutants of any file of the package, against the file's own tests.

    python -m tests.mutants tinygrad_ko/engine/backprop.py
    python -m tests.mutants tinygrad_ko/engine/codegen.py --tests tests/engine tests/tensor --number 100 --seed 1

A mutant is the file with one mistake in its syntax tree: a comparison turned, `and` for `or`, a `not` dropped, a constant changed, a
branch taken always or never, a statement left out, a minus for a plus, a line of a long text left out. Each one is written into a copy
of the repository, never here, and the tests run there in a process of their own, with few examples, until one fails. Printed is each
that lives: that no test notices. Those in `equivalent.py` are right too, for the reason given there. Exit status 1: some live.
"""

import argparse
import ast
import compileall
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from difflib import unified_diff
from pathlib import Path
from py_compile import PycInvalidationMode
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tests.mutants.equivalent import EQUIVALENT

ROOT = Path(__file__).resolve().parents[2]
PYTEST = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=short", "-p", "no:cacheprovider"]
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "build", "dist", "runs")

TURNED: dict[type[ast.AST], list[Callable[[], ast.AST]]] = {
    **{ast.Lt: [ast.LtE, ast.GtE], ast.LtE: [ast.Lt, ast.Gt], ast.Gt: [ast.GtE, ast.LtE], ast.GtE: [ast.Gt, ast.Lt]},
    **{ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.Is: [ast.IsNot], ast.IsNot: [ast.Is]},
    **{ast.In: [ast.NotIn], ast.NotIn: [ast.In], ast.And: [ast.Or], ast.Or: [ast.And]},
    **{ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.FloorDiv], ast.Div: [ast.Mult], ast.FloorDiv: [ast.Mult]},
    **{ast.Mod: [ast.FloorDiv], ast.Pow: [ast.Mult], ast.BitAnd: [ast.BitOr], ast.BitOr: [ast.BitAnd]},
    **{ast.Break: [ast.Continue], ast.Continue: [ast.Break]},
}
LEFT_OUT = (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete, ast.Raise, ast.Return, ast.Assert)
NOT_CHANGED = (ast.Import, ast.ImportFrom, ast.JoinedStr)
TYPES = ("annotation", "returns", "type_params")


class Mutant(NamedTuple):
    """Where a mistake was made, and the lines before and after it; `text` tells it from the others of the file."""

    line: int
    text: str
    source: str = ""


def mutants(tree: ast.Module) -> Iterator[Mutant]:
    """Every mutant of a tree, one after the other: while it is handed out, the tree is the mutant."""
    for scope, statement, holder, index, node in list(places(tree, "", tree)):
        for new in changes(node, index if isinstance(index, str) else ""):
            whole = node if isinstance(node, ast.stmt) else statement
            before = readable(whole)
            put(holder, index, new)
            after = readable(new if whole is node else whole)
            changed = [line[1:].strip() for line in unified_diff(before, after, n=0, lineterm="")][3:]
            yield Mutant(getattr(node, "lineno", whole.lineno), f"{scope}: {' -> '.join(changed)}")
            put(holder, index, node)


def places(node: ast.AST, scope: str, statement: ast.AST) -> Iterator[tuple[str, Any, Any, Any, ast.AST]]:
    """All inside a node that may be changed: its scope and statement, what holds it and where there, and itself."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        scope = f"{scope}.{node.name}" if scope else node.name
    for field, value in ast.iter_fields(node):
        holder, children = (value, enumerate(value)) if isinstance(value, list) else (node, [(field, value)])
        for index, child in children if field not in TYPES else ():
            if isinstance(child, ast.AST) and not isinstance(child, NOT_CHANGED) and not is_told_only(child):
                own = child if isinstance(child, ast.stmt) else statement
                yield scope or "module", own, holder, index, child
                if not (isinstance(child, ast.UnaryOp) and isinstance(child.operand, ast.Constant)):  # -1 has one sign
                    yield from places(child, scope, own)


def is_told_only(node: ast.AST) -> bool:
    """Whether a statement is a docstring, a declaration or for type checkers alone."""
    match node:
        case ast.Expr(ast.Constant()) | ast.AnnAssign(value=None) | ast.If(ast.Name("TYPE_CHECKING")):
            return True
    return False


def changes(node: ast.AST, field: str) -> Iterator[ast.AST]:
    """What may stand by mistake where a node stands."""
    yield from (other() for other in TURNED.get(type(node), []))
    if isinstance(node, ast.expr) and field == "test":
        yield from (ast.Constant(taken) for taken in (True, False))
    match node:
        case ast.UnaryOp(ast.Not() | ast.USub() | ast.Invert(), operand):
            yield operand
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value) | float(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(str(value)) if "\n" in value:
            lines = value.splitlines(keepends=True)
            yield from (
                ast.Constant("".join(lines[:i] + lines[i + 1 :])) for i in range(len(lines)) if lines[i].strip()
            )
        case ast.stmt() if isinstance(node, LEFT_OUT):
            yield ast.Pass()


def put(holder: Any, index: Any, node: ast.AST) -> None:
    if isinstance(holder, list):
        holder[index] = node
    else:
        setattr(holder, index, node)


def readable(node: ast.AST) -> list[str]:
    return ast.unparse(node).replace("\\n", "\n").splitlines()


def own_tests(file: Path, root: Path) -> list[str]:
    """The test file of a file, or else the nearest folder of tests; and the file itself, for its doctests."""
    inside = file.relative_to("tinygrad_ko")
    mirrored = [inside.parent / f"test_{file.stem}.py", *inside.parents]
    return [next(str("tests" / place) for place in mirrored if (root / "tests" / place).exists()), str(file)]


def fails(copy: Path, tests: list[str], timeout: float | None = None) -> str:
    """What pytest says where the tests fail, or do not end in time; nothing where they pass."""
    settings = {"PYTHONPATH": str(copy), "HYPOTHESIS_PROFILE": "few", "CI": "true"}
    environment = {**os.environ, **settings, "OPENBLAS_NUM_THREADS": "1"}
    streams: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8"}
    process = subprocess.Popen([*PYTEST, *tests], cwd=copy, env=environment, start_new_session=True, **streams)
    try:
        said = process.communicate(timeout=timeout)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # and what the tests have started
        said = process.communicate()[0]
    return f"{said}\npytest ended with status {process.returncode}" if process.returncode else ""


def main(argv: list[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Mutants of a file of the package.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--tests", nargs="+", help="what pytest runs; by default the test file of the file")
    parser.add_argument("--number", type=int, default=70, help="how many mutants, chosen at random (70)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args(argv)
    file = (root / asked.file).resolve().relative_to(root.resolve())
    tests = asked.tests or own_tests(file, root)
    tree = ast.parse((root / file).read_text(encoding="utf-8"))
    right, reasons = ast.unparse(tree), EQUIVALENT.get(file.as_posix(), {})
    total = sum(1 for _ in mutants(tree))
    some = set(random.Random(asked.seed).sample(range(total), min(total, asked.number)))
    chosen = [m._replace(source=ast.unparse(tree)) for i, m in enumerate(mutants(tree)) if i in some]
    wrong = [m for m in chosen if m.text not in reasons]
    copies: SimpleQueue[Path] = SimpleQueue()

    def lives(mutant: Mutant) -> bool:
        copy = copies.get()
        (copy / file).write_text(mutant.source, encoding="utf-8")
        failed = fails(copy, tests, timeout)
        copies.put(copy)
        if not failed:
            print(f"{file}:{mutant.line} lives\n  {mutant.text}", flush=True)
        return not failed

    with TemporaryDirectory() as folder:
        for k in range(asked.processes):
            copies.put(copy := Path(shutil.copytree(root, Path(folder) / str(k) / "copy", ignore=NOT_COPIED)))
            compileall.compile_dir(copy, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
        (copy / file).write_text(right, encoding="utf-8")
        start = time.monotonic()
        if failed := fails(copy, tests):
            raise SystemExit(f"{failed}\nthe tests fail on the file as it is")
        timeout = 10 + 3 * (time.monotonic() - start)
        with ThreadPoolExecutor(asked.processes) as pool:
            living = sum(pool.map(lives, wrong))
    print(
        f"{file}: {len(wrong)} of {total} mutants, {len(wrong) - living} killed, {living} live "
        f"({1 - living / max(1, len(wrong)):.1%} killed); {len(chosen) - len(wrong)} more are equivalent"
    )
    return living > 0


if __name__ == "__main__":
    sys.exit(main())
