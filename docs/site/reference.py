"""The API reference: a page for each room, with every public name, its signature and its docstring as it stands in the code."""

import inspect
import re
import textwrap
from collections.abc import Iterator
from importlib import import_module
from typing import Any

ROOMS = {
    "tg": "the package itself: the Tensor, the functions, drawing, compiling",
    "tg.func": "derivatives of functions",
    "tg.check": "checking gradients",
    "tg.nn": "layers and networks",
    "tg.nn.book": "the names of the book: its layers, networks and optimizers",
    "tg.optim": "optimizers",
    "tg.data": "data",
    "tg.pictures": "pictures of learning",
    "tg.testing": "tests of ops",
    "tg.course": "the exercises of the course",
    "tg.linalg": "linear algebra",
    "tg.fft": "Fourier transforms",
    "tg.special": "special functions",
    "tg.stats": "probability distributions",
}


def pages() -> Iterator[tuple[str, str]]:
    """The name of each page and its text, in MyST Markdown; the index comes first."""
    links = "\n".join(f"- [`{room}`]({room}.md): {what}" for room, what in ROOMS.items())
    yield (
        "index",
        f"# API reference\n\nMade from the docstrings when this site was built.\n\n{links}\n\n{contents([*ROOMS])}",
    )
    for room, what in ROOMS.items():
        module = import_module(room.replace("tg", "tinygrad_ko", 1))
        described = [_described(room, name, getattr(module, name)) for name in module.__all__]
        yield room, f"# `{room}`: {what}\n\n" + "\n".join(filter(None, described))


def contents(names: list[str]) -> str:
    """What puts pages below another in the menu."""
    return "\n".join(["", "```{toctree}", ":hidden:", "", *names, "```", ""])


def _described(room: str, name: str, value: Any) -> str:
    """One name, and the methods of a class; nothing for another room, which has a page of its own, and for plain values."""
    if inspect.ismodule(value) or not callable(value):
        return ""
    text = _entry("##", f"{room}.{name}", value)
    if inspect.isclass(value):
        members = [(n, m) for n, m in vars(value).items() if not n.startswith("_") and _is_documented(m)]
        text += "".join(_entry("###", f"{room}.{name}.{n}", getattr(m, "__func__", m)) for n, m in members)
    return text


def _is_documented(member: Any) -> bool:
    is_method = callable(member) or isinstance(member, (property, classmethod, staticmethod))
    return bool(getattr(member, "__doc__", None)) and is_method


def _entry(level: str, name: str, documented: Any) -> str:
    call = f"```text\n{name}{_signature(documented)}\n```\n\n" if _signature(documented) else ""
    return f"{level} `{name}`\n\n{call}{_markdown(inspect.getdoc(documented) or '')}\n\n"


def _signature(value: Any) -> str:
    """How it is called, without types; empty where that is not known."""
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values() if p.name != "self"]
    shown = str(signature.replace(parameters=plain, return_annotation=inspect.Signature.empty))
    made_by = r"<function ([\w.]+?)(?:\.<locals>\S*)? at 0x[0-9a-f]+>"  # of init=normal(0.01) there remains normal
    shown = re.sub(made_by, r"\1", shown)
    return re.sub(r"<class '([\w.]+)'>", r"\1", shown)


def _markdown(doc: str) -> str:
    """A docstring as Markdown: its examples fenced, indented blocks as code, and nothing else taken for markup."""
    parts = []
    for block in re.split(r"\n\s*\n", doc):
        if block.lstrip().startswith(">>>"):
            parts.append(f"```pycon\n{textwrap.dedent(block)}\n```")
        elif all(line.startswith("    ") for line in block.splitlines()) and block.strip():
            parts.append(f"```text\n{textwrap.dedent(block)}\n```")
        else:
            parts.append(re.sub(r"(`[^`]*`)|([<>*_\[\]{}|$\\])", lambda m: m[1] or "\\" + m[2], block))
    return "\n\n".join(parts)
