"""Files on disk, written whole or not at all."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import get_ident
from typing import IO, BinaryIO

from tinygrad_ko.errors import explain

if sys.platform != "win32":
    import fcntl


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path`, renamed to `path` when all is written: being killed loses nothing. What a killed process has left there is
    removed first. Raises FileNotFoundError before anything is written if there is no such folder, and an OSError that names
    `path` if it cannot be written.
    """
    if not path.parent.is_dir():
        raise explain(FileNotFoundError(f"no such folder: {path.parent}"), f"폴더가 없습니다: {path.parent}")
    _remove_leftovers(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{get_ident()}")
    try:
        with _opened(temporary) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if sys.platform == "win32":
                file.close()  # an open file cannot be renamed there
            os.replace(temporary, path)  # while it is locked: once it is not, it may be taken for a leftover
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno and str(error.filename) in ("None", str(temporary)):
            raise explain(
                OSError(error.errno, error.strerror, str(path)),
                f"{path} 파일을 쓰지 못했습니다. 이전 파일은 그대로 있습니다. 원인: {error.strerror}",
            ) from error
        raise


def _opened(temporary: Path) -> BinaryIO:
    """A new file, locked as long as this process lives and has it open."""
    while True:
        file = temporary.open("wb")
        with suppress(OSError):  # a file system without locks
            _lock(file)
        if temporary.exists():  # or it was taken for a leftover before it was locked
            return file
        file.close()


def _lock(file: IO[bytes], *, wait: bool = True) -> None:
    if sys.platform != "win32":
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_leftovers(path: Path) -> None:
    """Remove temporary files that nobody has locked. The process number in a name tells nothing: it may be another's by now."""
    name = re.compile(rf"\.{re.escape(path.name)}\.\d+\.\d+")
    with suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if name.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):
                    _remove(entry.path)


def _remove(leftover: str) -> None:
    if sys.platform == "win32":  # where a file that is open cannot be removed
        os.unlink(leftover)
    else:
        with open(leftover, "r+b") as file:
            _lock(file, wait=False)
            same = os.path.samestat(os.fstat(file.fileno()), os.stat(leftover))
            if same:  # else it has been renamed meanwhile, and its name is that of the next one
                os.unlink(leftover)
