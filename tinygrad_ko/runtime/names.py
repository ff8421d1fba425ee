"""The public names of a package: its stub (`__init__.pyi`) lists them, for type checkers, for editors and for the program itself; and
the error for a name that is not among them, with what was probably meant.
"""

import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from tinygrad_ko.errors import explain
from tinygrad_ko.runtime.habits import CALLS, HABITS

_ROOMS = ("tg", "nn", "optim", "func", "linalg", "fft", "special", "data")  # where a name is looked for


@cache
def homes(package: str) -> dict[str, str]:
    """The public names of a package or module, and the module that each comes from."""
    module: Any = sys.modules[package]
    stub = module.__loader__.get_data(f"{module.__file__.rpartition('.')[0]}.pyi")  # in a folder or in a zip file
    lines = [line.split() for line in stub.decode().splitlines() if line.startswith("from ")]
    return {line[3]: line[1] for line in lines if line[4:] == ["as", line[3]]}  # how a stub says that a name is public


def public_names(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a package or module that imports each of its names when it is first asked for."""
    module, known = sys.modules[package], homes(package)

    def find(name: str) -> Any:
        if name not in known:
            raise _no_such_name(package, name)
        home = known[name]
        value = import_module(f"{package}.{name}") if home == package else getattr(import_module(home), name)
        setattr(module, name, value)
        return value

    return find, lambda: sorted({*vars(module), *known}), sorted(known)


def _no_such_name(module: str, name: str) -> AttributeError:
    if name.startswith("_"):  # a question of the interpreter's or of a tool's
        return AttributeError(f"module {module!r} has no attribute {name!r}", name=name)
    cure = korean = ""
    if name in CALLS:
        cure, korean = f"; write {CALLS[name]}", f" 다음과 같이 쓰십시오: {CALLS[name]}"
    elif near := [full.removeprefix("tg.") if module == "tinygrad_ko" else full for full in _meant(name, module)]:
        cure, korean = f"; did you mean {' or '.join(near)}?", f" 비슷한 이름: {', '.join(near)}"
    elif callable(getattr(np, name, None)) and not isinstance(getattr(np, name), type):
        cure = f"; np.{name} takes Tensors where it has a derivative here, and else x.numpy()"
        korean = f" np.{name}: 미분 공식이 있으면 Tensor를 넘길 수 있고, 없으면 x.numpy()로 값만 넘길 수 있습니다(기울기는 끊어집니다)."
    elif hasattr(np, name):
        cure, korean = f"; it is NumPy's: np.{name}", f" NumPy의 이름입니다: np.{name}"
    return explain(
        AttributeError(f"module {module!r} has no attribute {name!r}{cure}", name=name),
        f"{module}에 없는 이름입니다: {name}.{korean}",
    )


def _meant(name: str, module: str) -> list[str]:
    """The names, each with its room, that were probably meant."""
    own = module.replace("tinygrad_ko.", "").replace("tinygrad_ko", "tg")
    known = {
        f"{room}.{n}": n
        for room in dict.fromkeys([own, *(_ROOMS if own != "stats" else ())])
        for n in room_named(room).__all__
    }
    numpys = getattr(np, name, None)
    if name in HABITS:
        return [HABITS[name]]
    if same := [full for full, n in known.items() if n == name]:
        return same[:1]
    if name in room_named("nn.book").__all__:
        return [f"nn.book.{name}"]
    if numpys is not None and (same := [full for full, n in known.items() if getattr(np, n, None) is numpys]):
        return same[:1]
    if same := [full for full, n in known.items() if n.casefold() == name.casefold()]:
        return same
    from difflib import get_close_matches

    last = {n: full for full, n in reversed(known.items())}
    return [] if numpys is not None else [last[n] for n in get_close_matches(name, last, n=3, cutoff=0.7)]


def room_named(name: str) -> Any:
    """The package, as `tg`, or one of its rooms."""
    return import_module("tinygrad_ko" if name == "tg" else f"tinygrad_ko.{name}")
