"""Writes the compiled step into README.md, README.ko.md and the guide, which show what an example gives: `python -m docs.pages`."""

import re
from pathlib import Path

from examples.compile_the_step import page

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"README.md": "en", "README.ko.md": "ko", "docs/guide.md": "en"}  # and the language of each
_BLOCK = re.compile(r"(?<=```py\n)import numpy as np\n.*?(?=```)", re.DOTALL)


def with_page(text: str, language: str) -> str:
    """A text with the page in its place."""
    return _BLOCK.sub(lambda _: page(language), text)


if __name__ == "__main__":
    for name, language in PAGES.items():
        path = ROOT / name
        path.write_text(with_page(path.read_text(encoding="utf-8"), language), encoding="utf-8")
