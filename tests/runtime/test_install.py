"""The advice to install an extra is a command that works where it is read."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tinygrad_ko.runtime import install as module
from tinygrad_ko.runtime.install import install

ROOT = Path(module.__file__).parents[2]


@pytest.fixture(autouse=True)
def posix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "posix")


def test_in_a_clone_the_command_installs_the_clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "executable", str(ROOT / ".venv" / "bin" / "python"))
    assert install("mnist") == ".venv/bin/python -m pip install -e '.[mnist]'"
    monkeypatch.chdir(tmp_path)
    assert install("mnist") == f"{ROOT}/.venv/bin/python -m pip install -e '{ROOT}[mnist]'"
    monkeypatch.setattr(sys, "executable", "")
    assert install("mnist").startswith("python -m pip ")


def test_from_a_wheel_the_command_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "_ROOT", tmp_path)
    assert install("mnist") == "pip install 'tinygrad_ko[mnist]'"
    monkeypatch.setattr(os, "name", "nt")
    assert install("mnist") == 'pip install "tinygrad_ko[mnist]"'


@pytest.mark.skipif(not find_spec("pip"), reason="an environment made without pip")
def test_the_command_is_one_that_pip_understands() -> None:
    """Without the network: pip reads the requirement, and finds all of it installed or says what it would look for."""
    command = install("plots").replace("pip install", "pip --version", 1).partition(" -e ")[0]
    assert "pip " in subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout


def test_where_the_current_folder_is_gone_the_whole_path_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(path: str) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(os.path, "relpath", gone)
    assert install("all").endswith(f" -e '{ROOT}[all]'")
