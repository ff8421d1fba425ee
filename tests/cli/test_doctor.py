"""`doctor` finds what is wrong and says what mends it, and never fails itself."""

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from tinygrad_ko.cli import blas, doctor, main
from tinygrad_ko.runtime.install import install

ROOT = Path(__file__).resolve().parents[2]


def lines(capsys):
    assert main(["doctor"]) == 0
    return capsys.readouterr().out.splitlines()


def line(capsys, text):
    (found,) = [each for each in lines(capsys) if text in each]
    return found


@pytest.fixture
def missing(monkeypatch):
    """Make packages look as if they were not installed."""
    gone: set[str] = set()
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(doctor, "find_spec", lambda name: None if name in gone else find_spec(name))

    def hide(*names):
        gone.update(names)
        for name in names:
            monkeypatch.setitem(sys.modules, name, None)

    return hide


def test_the_sections_and_the_versions(capsys):
    shown = lines(capsys)
    heads = [each for each in shown if not each.startswith(" ")]
    assert heads == ["versions", "extras", "graphviz", "data", "threads", "kernels", "console"]
    assert any(f"NumPy {np.__version__}" in each for each in shown)
    assert {each[2:10].strip() for each in shown if each.startswith("  ")} <= {"ok", "note", "problem", ""}


def test_in_a_korean_locale_it_speaks_korean(monkeypatch, capsys):
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    shown = lines(capsys)
    heads = [each for each in shown if not each.startswith(" ")]
    assert heads == ["버전", "추가 묶음", "Graphviz", "데이터", "스레드", "BLAS 커널", "콘솔"]
    assert {each[2:10].split(" ")[0] for each in shown if each.startswith("  ")} <= {"정상", "참고", "문제", ""}
    assert any("8x8 손글씨 숫자는 패키지에 들어 있습니다." in each for each in shown)


def test_the_extras_are_those_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {
        extra: {requirement.split(">")[0] for requirement in requirements}
        for extra, requirements in project["optional-dependencies"].items()
        if extra != "all"
    }
    assert {extra: set(packages) for extra, (packages, _) in doctor.EXTRAS.items()} == declared
    everything = project["optional-dependencies"]["all"]
    assert everything == [f"tinygrad_ko[{','.join(extra for extra in doctor.EXTRAS if extra != 'draw')}]"]


def test_an_extra_that_is_missing(missing, capsys):
    missing("matplotlib")
    found = line(capsys, "plots:")
    assert found.startswith("  note ")
    assert install("plots") in found


def test_everything_missing(missing, monkeypatch, capsys):
    missing(*(name for packages, _ in doctor.EXTRAS.values() for name in packages), "graphviz")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    shown = lines(capsys)
    assert len([each for each in shown if each.startswith("  note ") and "not installed" in each]) == len(doctor.EXTRAS)
    assert any(each.startswith("  problem the Python package graphviz is missing") for each in shown)
    (cure,) = [each for each in shown if "graphs cannot be drawn" in each]
    assert cure.startswith("  note ")
    assert "apt install graphviz" in cure
    assert install("draw") in cure


def test_a_section_that_fails_is_a_finding(monkeypatch, capsys):
    def fail():
        raise OSError("no such thing")

    monkeypatch.setattr(blas, "blas_library", fail)
    assert line(capsys, "could not look").strip() == "problem could not look: OSError: no such thing"


def test_the_version_of_dot(monkeypatch, capsys):
    answer = subprocess.CompletedProcess([], 0, b"<svg>", b"dot - graphviz version 9.9\n")
    monkeypatch.setattr(shutil, "which", lambda name: "/x/dot")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    shown = lines(capsys)
    assert "  ok      dot - graphviz version 9.9, /x/dot" in shown
    assert "  ok      graphs are drawn with dot" in shown


def test_what_draws_graphs_is_tried_out(monkeypatch, capsys):
    """The one that works is named, whatever is broken before it."""
    monkeypatch.setattr(doctor, "renderers", lambda kind: iter([("dot", ["broken"]), ("pygraphviz", ["works"])]))
    tried = {"broken": (b"", "exit status 1\nno fonts"), "works": (b"<svg>", "")}
    monkeypatch.setattr(doctor, "render_with", lambda command, source, kind: tried[command[0]])
    shown = lines(capsys)
    at = shown.index("  problem dot does not work: exit status 1")
    assert shown[at + 1 : at + 3] == ["          no fonts", "  ok      graphs are drawn with pygraphviz"]


def test_data_that_are_not_there(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TINYGRAD_KO_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    shown = lines(capsys)
    assert any(each.startswith("  problem TINYGRAD_KO_DATA") and "no folder" in each for each in shown)


def test_data_that_are_damaged_or_incomplete(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TINYGRAD_KO_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
    (tmp_path / "mnist" / "train-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2]))
    shown = lines(capsys)
    assert any(each.startswith("  ok ") and each.endswith("t10k-labels-idx1-ubyte: 3 labels") for each in shown)
    assert any(each.startswith("  problem ") and "train-labels-idx1-ubyte is damaged" in each for each in shown)
    assert any(each.startswith("  problem ") and "lacks train-images-idx3-ubyte" in each for each in shown)


@pytest.mark.parametrize(
    ("kernels", "avx512", "state"),
    [
        ("Haswell", True, "problem"),
        ("Zen", True, "problem"),
        ("SkylakeX", True, "ok"),
        ("Haswell", False, "ok"),
        ("neoversen1", False, "ok"),
        (None, True, "note"),
    ],
)
def test_slow_kernels(kernels, avx512, state, monkeypatch):
    monkeypatch.setattr(blas, "openblas_kernels", lambda: kernels)
    monkeypatch.setattr(blas, "has_avx512", lambda: avx512)
    ((found, text),) = doctor._kernels()
    assert found == state
    assert ("OPENBLAS_CORETYPE=auto" in text) is (state == "problem")


def test_the_kernels_are_those_that_openblas_was_told_to_run():
    if blas.openblas_kernels() is None or not blas.has_avx512():
        pytest.skip("needs OpenBLAS on a processor with AVX-512")
    code = "from tinygrad_ko.cli import blas; print(blas.openblas_kernels())"
    environment = {**os.environ, "OPENBLAS_CORETYPE": "Haswell"}
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=True
    )
    assert told.stdout == "Haswell\n"


def test_the_library_answers_as_threadpoolctl_does(monkeypatch):
    with_it = blas.openblas_kernels()
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    assert blas.loaded() == []
    assert blas.openblas_kernels() in (with_it, None)


def test_a_library_that_cannot_be_asked(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    monkeypatch.setattr(ctypes, "CDLL", lambda path: object())
    assert blas.openblas_kernels() is None


def test_avx512_is_known_by_both_names(monkeypatch):
    for found, expected in ((["X86_V4"], True), (["AVX512_SKX"], True), (["AVX2"], False)):
        answer = {"SIMD Extensions": {"baseline": ["SSE"], "found": found}}
        monkeypatch.setattr(np, "show_config", lambda mode, answer=answer: answer)
        assert blas.has_avx512() is expected
