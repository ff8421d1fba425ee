"""The public names of a package: its stub (`__init__.pyi`) lists them, for type checkers, for editors and for the program itself."""

import re
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

_PUBLIC = re.compile(r"^from (\S+) import (\w+) as \2$", re.MULTILINE)  # how a stub says that a name is public


@cache
def homes(package: str) -> dict[str, str]:
    """The public names of a package or module, and the module that each comes from."""
    path = str(sys.modules[package].__file__).rpartition(".")[
        0
    ]  # pathlib would take longer to import than the names do
    with open(f"{path}.pyi", encoding="utf-8") as stub:
        return {name: home for home, name in _PUBLIC.findall(stub.read())}


def public_names(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a package or module that imports each of its names when it is first asked for."""
    module, known = sys.modules[package], homes(package)

    def find(name: str) -> Any:
        if name not in known:
            from tinygrad_ko.runtime.suggestions import no_such_name

            raise no_such_name(package, name)
        home = known[name]
        value = import_module(f"{package}.{name}") if home == package else getattr(import_module(home), name)
        setattr(module, name, value)
        return value

    return find, lambda: sorted({*vars(module), *known}), sorted(known)
