"""What all commands share: exit statuses, errors without tracebacks, consoles that know no Hangul."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_ko
from tinygrad_ko.cli import demo, doctor, main
from tinygrad_ko.cli.console import _NoBar, _prefers_korean, duration, program, progress_bar, say
from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.install import install

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """`python -m tinygrad_ko` in another process."""
    return subprocess.run(
        [sys.executable, "-m", "tinygrad_ko", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["demo", "--help"], ["check", "--help"], ["draw", "--help"]]
)
def test_help_is_a_success(arguments, capsys):
    assert main(arguments) == 0
    assert "usage: tinygrad-ko" in capsys.readouterr().out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tinygrad_ko {tinygrad_ko.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "COMMAND"),
        (["walk"], "walk"),
        (["demo", "--seed", "-1"], "--seed: must be at least 0, not -1"),
        (["demo", "--seed", "x"], "must be a whole number, not 'x'"),
    ],
)
def test_wrong_arguments(arguments, named, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("tinygrad-ko: error: ")
    assert named in err
    assert "명령행 인수가 올바르지 않습니다." in err
    assert "Traceback" not in err


@pytest.mark.parametrize("kind", [ValueError, TypeError, FileNotFoundError, ModuleNotFoundError])
def test_an_error_that_explains_itself_is_told_in_both_languages(kind, monkeypatch, capsys):
    def fail(args):
        raise explain(kind("too blue"), "너무 파랗습니다.")

    monkeypatch.setattr(demo, "_run", fail)
    assert main(["demo"]) == 2
    assert capsys.readouterr().err == "tinygrad-ko: error: too blue\n너무 파랗습니다.\n"


def test_an_error_of_the_operating_system_is_told(monkeypatch, capsys):
    def fail(args):
        raise PermissionError(13, "Permission denied", "runs")

    monkeypatch.setattr(demo, "_run", fail)
    assert main(["demo"]) == 2
    assert "Permission denied: 'runs'" in capsys.readouterr().err


def test_a_defect_of_ours_keeps_its_traceback(monkeypatch):
    def fail(args):
        raise ValueError("not meant for a user")

    monkeypatch.setattr(demo, "_run", fail)
    with pytest.raises(ValueError, match="not meant"):
        main(["demo"])


def test_ctrl_c(monkeypatch, capsys):
    def fail(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "_run", fail)
    assert main(["demo"]) == 130
    assert capsys.readouterr().err == "tinygrad-ko: interrupted\n실행을 중단했습니다.\n"


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "ascii"])
def test_every_console_is_spoken_to(encoding):
    result = run("doctor", PYTHONIOENCODING=encoding)
    assert (result.returncode, result.stderr) == (0, b"")
    assert f"output is {encoding}" in result.stdout.decode(encoding)


@pytest.mark.parametrize(("encoding", "korean"), [("utf-8", True), ("cp949", True), ("ascii", False)])
def test_an_error_in_the_encoding_of_the_console(encoding, korean):
    result = run("check", "파일.py:함수", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert result.returncode == 2
    message = result.stderr.decode(encoding)
    assert message.startswith("tinygrad-ko: error: no such file: ")
    assert ("파일이 없습니다" in message) is korean
    assert message.count("\n") == (2 if korean else 1)


def test_a_reader_that_stops_reading():
    code = "import sys; from tinygrad_ko.cli import main; sys.exit(main(['doctor']))"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_say_in_a_stream_without_an_encoding():
    stream = io.StringIO()
    say("one", "하나", file=stream)
    assert stream.getvalue() == "one\n하나\n"


@pytest.mark.skipif(os.name == "nt", reason="the shells there quote in another way")
def test_commands_are_suggested_so_that_they_can_be_pasted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    python = tmp_path / "my env" / "bin" / "python"
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(sys, "argv", ["/x/__main__.py"])
    assert program() == "'my env/bin/python' -m tinygrad_ko"
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    assert program() == "/usr/bin/python3 -m tinygrad_ko"
    script = tmp_path / ".venv" / "bin" / "tinygrad-ko"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setenv("PATH", "")
    assert program() == ".venv/bin/tinygrad-ko"
    monkeypatch.setenv("PATH", str(script.parent))
    assert program() == "tinygrad-ko"


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ({"LANG": "ko_KR.UTF-8"}, "\n하나\n"),
        ({"LC_ALL": "ko_KR.UTF-8", "LANG": "C"}, "\n하나\n"),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "ko_KR.UTF-8"}, "\none\n하나\n"),
        ({"LANG": "C.UTF-8"}, "\none\n하나\n"),
    ],
    ids=str,
)
def test_a_korean_locale_gets_korean_alone(locale, shown, monkeypatch):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in locale.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    say("\none", "하나", file=stream)
    say("no Korean", file=stream)
    assert stream.getvalue() == shown + "no Korean\n"


def test_a_console_without_hangul_gets_english_in_every_locale(monkeypatch):
    monkeypatch.setenv("LC_ALL", "ko_KR")
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert not _prefers_korean(stream)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0000312, "0.031 ms"),
        (0.25, "250 ms"),
        (1.26, "1.3 s"),
        (119, "120 s"),
        (121, "2 min"),
        (7200, "2 h"),
        (9e5, "10 days"),
    ],
)
def test_duration(seconds, expected):
    assert duration(seconds) == expected


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_is_shown_on_a_terminal_only(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(progress_bar(3), _NoBar)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert isinstance(progress_bar(3, wanted=False), _NoBar)
    bar = progress_bar(3)
    bar.update()
    bar.close()
    assert "0/3" in terminal.getvalue()


def test_without_tqdm_one_line_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert isinstance(progress_bar(3), _NoBar)
    assert terminal.getvalue().count(install("train")) == 2  # once in each language


def test_doctor_is_run_by_its_name(monkeypatch):
    monkeypatch.setattr(doctor, "_run", lambda args: 7)
    assert main(["doctor"]) == 7
