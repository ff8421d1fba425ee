"""The rules of the house: what importing brings in, which way imports go, how long files are."""

import ast
import importlib.metadata
import io
import re
import shutil
import subprocess
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import tinygrad_ko

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "tinygrad_ko"


def rooms(readme: str) -> list[str]:
    """The files and folders of the package in the order of the table of a README; what starts the package comes last."""
    table = (ROOT / readme).read_text(encoding="utf-8").partition("`errors.py` |")
    return [*re.findall(r"^\| `(\w+)(?:\.py|/)` \|", f"| {table[1]}{table[2]}", re.MULTILINE), "__init__", "__main__"]


# An import goes to a room above its own in the table, or stays in its folder.
ROOMS = rooms("README.md")

# Written with [brackets] so that this file does not match itself.
SHARED_DATA = r"\.\./[s]hared\b"  # which .ci/run may name
FORBIDDEN = [
    r"(?<!\w)/[w]ork/",
    r"(?<!\w)/[r]oot/",
    r"(?<!\w)/[t]mp/w\b",
    SHARED_DATA,
    r"\b[p]ypi\.org\b",
    r"\b[p]ythonhosted\.org\b",
    r"\b[d]eb\.debian\.org\b",
    r"\b[r]egistry\.npmjs\.org\b",
]


def package_modules() -> dict[str, Path]:
    """The package's modules by dotted name; a folder's `__init__.py` goes by the folder's name."""
    modules = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return modules


def imported_names(tree: ast.AST, package: str) -> Iterator[tuple[str, str | None]]:
    """Every (module, name taken from it) that a file of `package` imports, wherever in the file."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((alias.name, None) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = package.split(".")[: len(package.split(".")) + 1 - level] if level else []
                origin = ".".join([*base, *([module] if module else [])])
                yield from ((origin, alias.name) for alias in names)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module, None


def arrows(source: str, package: str, modules: set[str]) -> set[str]:
    """The `modules` that a file of `package` imports; `from a import b` means a.b if that is a module."""
    reached = set()
    for module, name in imported_names(ast.parse(source), package):
        submodule = f"{module}.{name}"
        reached.add(submodule if submodule in modules else module)
    return reached & modules


def import_graph() -> dict[str, set[str]]:
    modules = package_modules()
    graph = {}
    for module, path in modules.items():
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        graph[module] = arrows(path.read_text(encoding="utf-8"), package, set(modules))
    return graph


def room(module: str) -> str:
    """The file or folder directly under the package that a module lives in."""
    return module.split(".")[1] if "." in module else "__init__"


def goes_up(importer: str, imported: str) -> bool:
    """Whether an import goes up the table of the README, or stays in its folder."""
    here, there = ROOMS.index(room(importer)), ROOMS.index(room(imported))
    return there < here or (there == here and (PACKAGE / room(importer)).is_dir())


def code_lines(source: str) -> int:
    """The number of lines that hold code: blank lines, comments and docstrings do not."""
    layout = {
        tokenize.COMMENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
        tokenize.INDENT,
        tokenize.NEWLINE,
        tokenize.NL,
    }
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in layout:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str()), lineno=first, end_lineno=last):
                lines.difference_update(range(first, (last or first) + 1))
    return len(lines)


def repository_files() -> list[Path]:
    """What git keeps or would keep; without git, everything but hidden folders, caches and builds."""
    if shutil.which("git"):
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listing = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False).stdout
        names = listing.split("\0")
        if "pyproject.toml" in names:
            return [ROOT / name for name in names if (ROOT / name).is_file()]
    unkept = re.compile(r"(^|/)(\.(?!ci/|gitignore)|__pycache__/|(build|dist|htmlcov|runs)/)")
    files = (path for path in ROOT.rglob("*") if path.is_file())
    return [path for path in files if not unkept.search(path.relative_to(ROOT).as_posix())]


def test_import_brings_in_only_numpy_and_the_standard_library() -> None:
    code = (
        "import sys, numpy, numpy.random\n"
        "before = set(sys.modules)\n"
        "import tinygrad_ko\n"
        "print(tinygrad_ko.__file__)\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})\n"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    origin, arrived = result.stdout.splitlines()
    assert Path(origin) == PACKAGE / "__init__.py"
    assert set(arrived.split()) - sys.stdlib_module_names - {"numpy"} == {"tinygrad_ko"}


def test_both_readmes_list_every_room_in_one_order() -> None:
    assert {room(module) for module in package_modules()} == set(ROOMS)
    assert len(ROOMS) == len(set(ROOMS))
    assert rooms("README.ko.md") == ROOMS


def test_a_room_imports_only_from_rooms_above_it() -> None:
    wrong = [
        f"{importer} -> {imported}"
        for importer, reached in import_graph().items()
        for imported in sorted(reached)
        if not goes_up(importer, imported)
    ]
    assert wrong == []


def test_imports_have_no_circle() -> None:
    try:
        TopologicalSorter(import_graph()).prepare()
    except CycleError as error:
        pytest.fail("import circle: " + " <- ".join(error.args[1]))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import p.a", {"p.a"}),
        ("import p.a as other, p.q.c", {"p.a", "p.q.c"}),
        ("import p", {"p"}),
        ("from p import a, something", {"p", "p.a"}),
        ("from p.a import something", {"p.a"}),
        ("from . import c", {"p.q.c"}),
        ("from .c import something", {"p.q.c"}),
        ("from .. import a", {"p.a"}),
        ("from ..a import something", {"p.a"}),
        ("def f():\n    from p import a", {"p.a"}),
        ("if TYPE_CHECKING:\n    from p import a", {"p.a"}),
        ("importlib.import_module('p.a')", {"p.a"}),
        ("import numpy, pathlib\nfrom another.p import a", set()),
    ],
)
def test_arrows_see_every_spelling_of_an_import(source: str, expected: set[str]) -> None:
    assert arrows(source, "p.q", {"p", "p.a", "p.q", "p.q.c"}) == expected


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("tinygrad_ko.tensor.tensor", "tinygrad_ko.ops.shape", True),
        ("tinygrad_ko.arrays.library", "tinygrad_ko.errors", True),
        ("tinygrad_ko.ops.linalg.products", "tinygrad_ko.ops.shape", True),
        ("tinygrad_ko", "tinygrad_ko.cli", True),
        ("tinygrad_ko.ops.shape", "tinygrad_ko.tensor", False),
        ("tinygrad_ko.data.digits", "tinygrad_ko.nn.layers", False),
        ("tinygrad_ko.optim", "tinygrad_ko.nn.layers", False),
        ("tinygrad_ko.cli", "tinygrad_ko", False),
    ],
)
def test_goes_up(importer: str, imported: str, allowed: bool) -> None:
    assert goes_up(importer, imported) is allowed


NAMESAKES = {
    "grad",
    "diagonal",
    "trace",
    "zeros_like",
    "empty",
    "softmax",
    "log_softmax",
    "logsumexp",
    *("Affine", "Dropout", "Relu", "Sigmoid", "SoftmaxWithLoss"),
    *("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam"),
}  # of a function and of a result; ours and NumPy's, which counts its axes otherwise; an op and the standard's function of it; a buffer of
# a program's, and a new Tensor; ours and SciPy's, over all axes; layers and optimizers on Tensors, and the book's on arrays


def definitions() -> dict[str, dict[str, ast.FunctionDef | ast.ClassDef]]:
    """The functions and classes of each file that do not begin with an underscore."""
    found = {}
    for module, path in package_modules().items():
        nodes = ast.parse(path.read_text(encoding="utf-8")).body
        definitions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        found[module] = {node.name: node for node in definitions if not node.name.startswith("_")}
    return found


def test_a_name_has_one_meaning() -> None:
    counts = Counter(name for names in definitions().values() for name in names)
    assert {name for name, count in counts.items() if count > 1} <= NAMESAKES


def test_helpers_of_one_file_begin_with_an_underscore() -> None:
    """Ops are named in the tables of the rule book, what formulas call in pictures, hooks by pytest; named tuples are results."""
    files = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.pyi"), *(ROOT / "benchmarks").glob("*.py")]
    used = Counter(word for path in files for word in set(re.findall(r"\w+", path.read_text(encoding="utf-8"))))
    wrong = []
    for module, names in definitions().items():
        decorators = [ast.unparse(decorator) for node in names.values() for decorator in node.decorator_list]
        in_formulas = set(re.findall(r"\w+", " ".join(decorators)))
        for name, node in names.items():
            is_op = any(ast.unparse(decorator).startswith("op(") for decorator in node.decorator_list)
            is_result = isinstance(node, ast.ClassDef) and "NamedTuple" in map(ast.unparse, node.bases)
            if used[name] == 1 and not (is_op or is_result or name in in_formulas or name.startswith("pytest_")):
                wrong.append(f"{module}.{name}")
    assert wrong == []


def test_no_file_names_this_machine_or_a_package_registry() -> None:
    files = repository_files()
    assert Path(__file__).resolve() in files
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files
        for pattern in FORBIDDEN
        if not (pattern == SHARED_DATA and path == ROOT / ".ci" / "run")
        for match in re.finditer(pattern, path.read_bytes().decode("utf-8", errors="replace"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "parts",
    [
        ("see /wo", "rk/main"),
        ("'/ro", "ot/.cache'"),
        ("/tm", "p/w/venv"),
        ("../sha", "red/data"),
        ("https://pypi.o", "rg/simple"),
        ("https://files.pyt", "honhosted.org/packages"),
    ],
    ids=lambda parts: parts[0],
)
def test_forbidden_patterns_catch(parts: tuple[str, str]) -> None:
    assert any(re.search(pattern, "".join(parts)) for pattern in FORBIDDEN)


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in package_modules().items()}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert tinygrad_ko.__version__ == project["version"]
    assert importlib.metadata.version("tinygrad_ko") == project["version"]


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_make_alone_tells_its_commands() -> None:
    told = subprocess.check_output(["make", "--no-print-directory"], cwd=ROOT, encoding="utf-8")
    commands = [line.split()[1] for line in told.splitlines()]
    assert commands == ["demo", "test", "quick", "fuzz", "coverage", "lint", "format", "bench", "docs", "clean"]


def test_the_engine_has_at_most_620_lines_of_code_and_the_readmes_say_how_many() -> None:
    sizes = {path.stem: code_lines(path.read_text(encoding="utf-8")) for path in (PACKAGE / "engine").glob("*.py")}
    assert sum(sizes.values()) <= 620, sizes
    assert f"in {sum(sizes.values())} lines of code" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"코드 {sum(sizes.values())}줄" in (ROOT / "README.ko.md").read_text(encoding="utf-8")


def test_code_lines_leave_out_comments_blanks_and_docstrings() -> None:
    source = '''"""Docstring
    of a module."""

# a comment
import math  # code

TEXT = """counted,
for it is a value"""


class A:
    """Docstring."""

    def f(self) -> float:
        """Docstring."""
        return math.pi
'''
    assert code_lines(source) == 1 + 2 + 1 + 2
