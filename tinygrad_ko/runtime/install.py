"""The command that installs what an extra of the package needs, as the package itself was installed."""

import os
import sys
from pathlib import Path

# A clone, if it has a pyproject.toml; else the folder of installed packages.
_ROOT = Path(__file__).resolve().parents[2]


def install(extra: str) -> str:
    """The command to type for an extra: `pip install 'tinygrad_ko[plots]'`; in a clone `.venv/bin/python -m pip install -e '.[plots]'`."""
    quote = '"' if os.name == "nt" else "'"
    if not (_ROOT / "pyproject.toml").is_file():
        return f"pip install {quote}tinygrad_ko[{extra}]{quote}"
    return f"{from_here(sys.executable or 'python')} -m pip install -e {quote}{from_here(str(_ROOT))}[{extra}]{quote}"


def from_here(path: str) -> str:
    """A path as it is typed in the current folder: relative where that is shorter to read, else as it is."""
    try:
        near = os.path.relpath(path)
    except (OSError, ValueError):  # the current folder is gone, or on another drive
        return path
    return path if near.startswith(os.pardir) else near
