"""Output on a console, also on one that knows no Hangul, with a progress bar where tqdm is installed."""

import io
import os
import shlex
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any, TextIO

from tinygrad_ko.runtime.install import from_here, install


def replace_unknown_characters() -> None:
    """Print a question mark for a character that the console does not know, instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def speaks_korean(stream: TextIO | None) -> bool:
    """Whether a stream can write Hangul. One without an encoding is in memory and can."""
    try:
        "한글".encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _prefers_korean(stream: TextIO | None = None) -> bool:
    """Whether the user's locale is Korean, and the stream can show it."""
    named = (os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name))
    language = next(named, None)
    if language is None and sys.platform == "win32":
        import ctypes

        language = "ko" if ctypes.windll.kernel32.GetUserDefaultUILanguage() & 0x3FF == 0x12 else ""
    return (language or "").startswith("ko") and speaks_korean(stream or sys.stdout)


def say(english: str = "", *korean: str, file: TextIO | None = None) -> None:
    """Print a line, and below it the same in Korean where the console can show it; in a Korean locale the Korean alone."""
    stream = file or sys.stdout
    if korean and _prefers_korean(stream):
        print("\n" * (len(english) - len(english.lstrip("\n"))), end="", file=stream)
    else:
        print(english, file=stream)
    for line in korean if speaks_korean(stream) else ():
        print(line, file=stream)


def by_locale(english: str, korean: str) -> str:
    """One of two texts: the Korean one in a Korean locale."""
    return korean if _prefers_korean() else english


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """A text with as many blanks behind it, or before it, as make it so wide: Hangul takes two columns for a letter."""
    blanks = " " * (columns - sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text))
    return blanks + text if right else text + blanks


def program() -> str:
    """How the user called this program, for the commands that it suggests: they can be pasted as they stand."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{_for_a_shell(from_here(sys.executable or 'python'))} -m tinygrad_ko"
    installed = shutil.which("tinygrad-ko")
    if called.stem == "tinygrad-ko" and called.exists() and (installed is None or not called.samefile(installed)):
        return _for_a_shell(from_here(str(called)))
    return "tinygrad-ko"


def _for_a_shell(word: str) -> str:
    """A word as a shell needs it."""
    return subprocess.list2cmdline([word]) if os.name == "nt" else shlex.quote(word)


def resume_command(folder: Path) -> str:
    """The command that resumes the run in a folder, quoted as a shell needs it."""
    name = str(folder)
    if name.startswith("-"):  # an option, to the command
        name = os.path.join(os.curdir, name)
    return f"{program()} train --resume {_for_a_shell(name)}"


def duration(seconds: float) -> str:
    """A time in a unit that suits it.

    >>> duration(0.00021), duration(61.2), duration(6 * 3600)
    ('0.21 ms', '61 s', '6 h')
    """
    for unit, size, least in (("days", 86_400, 172_800), ("h", 3600, 7200), ("min", 60, 120), ("s", 1, 1)):
        if seconds >= least:
            return f"{float(f'{seconds / size:.2g}'):g} {unit}"
    return f"{float(f'{seconds * 1e3:.2g}'):g} ms"


class _NoBar:
    """In place of a bar of tqdm where there is none."""

    write = staticmethod(say)

    def update(self) -> None: ...

    def close(self) -> None: ...


def progress_bar(total: int, *, done: int = 0, wanted: bool = True) -> Any:
    """A bar on stderr where that is a terminal. Without tqdm there is none, and this says so."""
    if not wanted or not sys.stderr.isatty():
        return _NoBar()
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        cure = install("train")
        say(f"no progress bar: {cure}", f"진행 막대를 보려면 tqdm을 설치하십시오: {cure}", file=sys.stderr)
        return _NoBar()
    return tqdm(total=total, initial=done, leave=False, dynamic_ncols=True)
