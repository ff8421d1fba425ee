"""Mutants of files are made, run and told of; and those that are called equivalent are still there to be judged."""

import ast
from pathlib import Path

import pytest

from tests.mutants.__main__ import ROOT, main, mutants, own_tests
from tests.mutants.equivalent import EQUIVALENT

CLAMP = '''"""Made up."""


def clamp(x: int, low: int = 0) -> int:
    """Not a mutant."""
    if x < low:
        return low
    return x
'''


def texts(source: str) -> list[str]:
    return [mutant.text for mutant in mutants(ast.parse(source))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", ["a < b -> pass", "a < b -> a <= b", "a < b -> a >= b"]),
        ("a and (not b)", ["a and (not b) -> pass", "a and (not b) -> a or not b", "a and (not b) -> a and b"]),
        ("x = True", ["x = True -> pass", "x = True -> x = False"]),
        ("return -1", ["return -1 -> pass", "return -1 -> return 1"]),
        ("x += 1", ["x += 1 -> pass", "x += 1 -> x -= 1", "x += 1 -> x += 2"]),
        ("if a:\n    return", ["if a: -> if True:", "if a: -> if False:", "return -> pass"]),
        ("x = 'a\\nb'", ["x = 'a -> b' -> pass", "x = 'a -> b' -> x = 'b'", "b' -> '"]),
        ("for x in y:\n    break", ["break -> continue"]),
        ('"""Told."""\nimport a\nx: int\nf: "1 < 2" = f"{1}"', ["f: '1 < 2' = f'{1}' -> pass"]),
    ],
)
def test_the_mistakes_of_a_statement(source: str, expected: list[str]) -> None:
    assert [text.removeprefix("module: ") for text in texts(source)] == expected


def test_a_mutant_is_one_change_of_the_tree_and_leaves_it_as_it_was() -> None:
    tree = ast.parse(CLAMP)
    right = ast.unparse(tree)
    wrong = [ast.unparse(tree) for _ in mutants(tree)]
    assert len(set(wrong)) == len(wrong)
    assert right not in wrong
    assert ast.unparse(tree) == right
    assert "clamp: if x < low: -> if x <= low:" in texts(CLAMP)
    assert [m.line for m in mutants(tree)] == [4, 6, 6, 6, 6, 7, 8]


def test_what_the_tests_miss_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they would be most of the time
    (tmp_path / "made_up.py").write_text(CLAMP, encoding="utf-8")
    test = "from made_up import clamp\n\n\ndef test_clamp():\n    assert clamp(-3) == 0\n"
    (tmp_path / "test_clamp.py").write_text(test, encoding="utf-8")
    command = ["made_up.py", "--tests", "test_clamp.py", "--processes", "1"]
    assert main(command, root=tmp_path) == 1
    told = capsys.readouterr().out
    assert "made_up.py:6 lives\n  clamp: if x < low: -> if True:\n" in told
    assert "made_up.py:8 lives\n  clamp: return x -> pass\n" in told
    assert "made_up.py: 7 of 7 mutants, 4 killed, 3 live (57.1% killed); 0 more are equivalent" in told
    assert (tmp_path / "made_up.py").read_text(encoding="utf-8") == CLAMP

    reasons = dict.fromkeys(texts(CLAMP)[:-1], "x < low or x == low: clamp gives low")
    monkeypatch.setitem(EQUIVALENT, "made_up.py", reasons)
    (tmp_path / "test_clamp.py").write_text(f"{test}    assert clamp(3) == 3\n", encoding="utf-8")
    assert main(command, root=tmp_path) == 0
    assert "1 of 7 mutants, 1 killed, 0 live (100.0% killed); 6 more are equivalent" in capsys.readouterr().out


def test_a_file_that_fails_its_tests_has_no_mutants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "made_up.py").write_text(CLAMP, encoding="utf-8")
    (tmp_path / "test_clamp.py").write_text("def test_clamp():\n    assert False\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="the tests fail on the file as it is"):
        main(["made_up.py", "--tests", "test_clamp.py", "--processes", "1"], root=tmp_path)


@pytest.mark.parametrize(
    ("file", "tests"),
    [
        ("tinygrad_ko/engine/graph.py", "tests/engine/test_graph.py"),
        ("tinygrad_ko/engine/codegen.py", "tests/engine"),
        ("tinygrad_ko/ops/networks/losses.py", "tests/ops/networks/test_losses.py"),
        ("tinygrad_ko/linalg.py", "tests"),
    ],
)
def test_a_file_has_its_own_tests(file: str, tests: str) -> None:
    assert own_tests(Path(file), ROOT) == [str(Path(tests)), file]


@pytest.mark.parametrize("file", EQUIVALENT)
def test_what_is_called_equivalent_is_a_mutant_and_has_a_reason(file: str) -> None:
    made = set(texts((ROOT / file).read_text(encoding="utf-8")))
    assert set(EQUIVALENT[file]) <= made, "judge these again: the code has changed"
    assert all(EQUIVALENT[file].values())
