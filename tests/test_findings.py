"""The scripts in findings/ install packages and so are run by hand; what can be read off them is checked here."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "findings"
SCRIPTS = sorted(FOLDER.glob("*.sh"))
PARTS = ["Version", "Behaviour", "Output seen", "What to do"]


def head(text: str) -> str:
    """The comment that a script begins with, after its first line."""
    lines = text.splitlines()
    end = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return "\n".join(lines[1:end])


def installed(text: str) -> list[str]:
    """What the script asks pip to install."""
    calls = re.findall(r"^.*\bpip\b.* install (.*)", text, re.M)
    return [word for call in calls for word in shlex.split(call) if not word.startswith("-")]


def faults(text: str) -> list[str]:
    """What a script lacks of the form that all have."""
    parts = re.findall(r"^# ([A-Z][a-z ]+): \S", head(text), re.M)
    wanted = installed(text)
    found = {
        f"its head has the parts {parts}, not {PARTS}": parts != PARTS,
        "it does not stop at the first error": "\nset -euo pipefail\n" not in text,
        "it makes its folder in another way than mktemp -d": "\nroom=$(mktemp -d)\n" not in text,
        "it leaves its folder behind": "\ntrap 'rm -rf \"$room\"' EXIT\n" not in text,
        "it makes no environment in its folder": '\npython3 -m venv "$room/venv"\n' not in text,
        "it installs nothing": not wanted,
        "it does not say when the behaviour has changed": "changed: " not in text,
        "it uses this project": "tinygrad_ko" in text,
    }
    unpinned = [f"{word} has no version" for word in wanted if not re.fullmatch(r"[\w.-]+==\d[\w.]*", word)]
    unnamed = [f"{word} is not in its head" for word in wanted[:1] if word.partition("==")[2] not in head(text)]
    return [fault for fault, is_there in found.items() if is_there] + unpinned + unnamed


def test_there_are_findings():
    assert len(SCRIPTS) >= 8


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_finding_has_the_form_of_all(script):
    assert faults(script.read_text(encoding="utf-8")) == []
    assert os.access(script, os.X_OK)


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_findings_are_shell():
    for script in SCRIPTS:
        subprocess.run(["bash", "-n", script], check=True)


def test_the_table_names_every_finding_and_its_version():
    rows = re.findall(r"^\| `([\w-]+)` \| ([^|]+) \|", (FOLDER / "README.md").read_text(encoding="utf-8"), re.M)
    assert [name for name, _ in rows] == [script.stem for script in SCRIPTS]
    for script, (_, versions) in zip(SCRIPTS, rows, strict=True):
        text = script.read_text(encoding="utf-8")
        stated = re.findall(r"\d[\d.]*\d", versions)
        assert stated
        assert [version for version in stated if f"=={version}'" not in text] == [], script.stem


WHOLE = """#!/usr/bin/env bash
# Version: numpy 2.4.6.
# Behaviour: b.
# Output seen: o.
# What to do: w.
set -euo pipefail
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
python3 -m venv "$room/venv"
"$room/venv/bin/pip" install -q 'numpy==2.4.6'
"$room/venv/bin/python" -c 'raise SystemExit("changed: 1")'
"""


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("# Output seen: o.\n", "", "its head has the parts"),
        ("# Output seen: o.\n", "# Output seen:\n", "its head has the parts"),
        ("set -euo pipefail\n", "", "does not stop"),
        ("$(mktemp -d)", "somewhere", "another way than mktemp"),
        ("trap 'rm -rf \"$room\"' EXIT\n", "", "leaves its folder"),
        ("'numpy==2.4.6'", "numpy", "numpy has no version"),
        ("'numpy==2.4.6'", "'numpy==2.4.6' 'scipy>=1'", "scipy>=1 has no version"),
        ("numpy 2.4.6.", "numpy 2.", "is not in its head"),
        ("changed: 1", "1", "does not say when"),
        ("-c '", "-c 'import tinygrad_ko;", "uses this project"),
    ],
)
def test_a_fault_of_form_is_found(old, new, fault):
    assert faults(WHOLE) == []
    assert [told for told in faults(WHOLE.replace(old, new)) if fault in told]
