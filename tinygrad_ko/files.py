"""Files on disk: written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import BinaryIO

from tinygrad_ko.errors import explain


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, beside `path`, that takes its place when all is written: being killed loses nothing.

    Raises FileNotFoundError, before anything is written, where the folder of `path` does not exist.
    """
    if not path.parent.is_dir():
        raise explain(FileNotFoundError(f"no such folder: {path.parent}"), f"폴더가 없습니다: {path.parent}")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{get_ident()}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
