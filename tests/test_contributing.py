"""What CONTRIBUTING says of a new op is done, in a copy of the repository; and both languages show the same."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = ["CONTRIBUTING.md", "CONTRIBUTING.ko.md"]


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.S)


def commands(name: str) -> list[str]:
    """What is typed, without the comments."""
    return [line.partition(" # ")[0].rstrip() for block in blocks(name, "sh") for line in block.splitlines()]


def written(block: str, copy: Path) -> None:
    """Put a block where its first line says: at the end of a file, or first in a dict."""
    place, text = block.split("\n", 1)
    path, where = re.fullmatch(r"# (\S+), (at the end|in \w+)", place).groups()  # type: ignore[union-attr]
    before = (copy / path).read_text(encoding="utf-8")
    if where == "at the end":
        after = f"{before.rstrip()}\n\n\n{text}"
    else:
        after = re.sub(rf"^({where[3:]}\b.*{{\n)", lambda start: start[0] + text, before, count=1, flags=re.MULTILINE)
    assert after != before
    (copy / path).write_text(after, encoding="utf-8")


def test_both_languages_show_the_same() -> None:
    english, korean = LANGUAGES
    assert blocks(english, "python") == blocks(korean, "python")
    assert commands(english) == commands(korean)
    assert [line for line in commands(english) if "softsign" in line]


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_file_that_is_named_is_there(name: str) -> None:
    named = re.findall(r"`([\w./]+/[\w./]*)`", (ROOT / name).read_text(encoding="utf-8"))
    assert len(named) > 5
    there = [path for path in named if (ROOT / path).exists() or (ROOT / "tinygrad_ko" / path).exists()]
    assert [path for path in named if path not in there and not path.startswith(".venv")] == []


@pytest.mark.slow
def test_an_op_is_added_as_it_says(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(ROOT, tmp_path / "copy", ignore=shutil.ignore_patterns(".*", "__pycache__", "runs")))
    for block in blocks(LANGUAGES[0], "python"):
        written(block, copy)
    told = ""
    for command in (line for line in commands(LANGUAGES[0]) if "softsign" in line or "docs.rules" in line):
        words = [sys.executable if word == ".venv/bin/python" else word for word in shlex.split(command)]
        environment = {**os.environ, "PYTHONPATH": str(copy), "HYPOTHESIS_PROFILE": "few"}
        done = subprocess.run(words, cwd=copy, env=environment, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        told += done.stdout
    assert int(re.findall(r"(\d+) passed", told)[0]) >= 5
    assert "| `tg.softsign(x)` | x / (1 + abs(x)), between -1 and 1. |" in (copy / "docs" / "rules.md").read_text(
        "utf-8"
    )
