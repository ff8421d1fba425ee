"""Kernels: the source of the functions that a program calls, and of everything that they use, for a file that needs NumPy alone."""

import ast
import builtins
import inspect
import sys
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

from tinygrad_ko.compiler.refusals import not_copied

_OURS = __name__.partition(".")[0]
_OP, _DROPPED = "op", {"op", "opaque", "may_alias"}  # decorators of the engine, which are not copied
_FUNCTION = ast.FunctionDef | ast.Lambda
_Edit = tuple[int, int, bytes]  # start and end in a text, and its replacement


@dataclass
class Kernels:
    """Definitions that are copied: `texts` by their names in the file, each after those that it uses."""

    taken: set[str]  # names that the file uses for something else
    imports: dict[str, None] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    _names: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, thing: Any, name: str) -> None:
        """Copy a function or a class, as `name`. Raises TypeError if it cannot be copied."""
        thing = inspect.unwrap(thing)
        module, qualified = getattr(thing, "__module__", None), getattr(thing, "__qualname__", type(thing).__name__)
        public = (module or "").lstrip("_")  # of Python's own library
        if public in sys.stdlib_module_names and getattr(sys.modules.get(public), qualified, None) is thing:
            self.imports[f"from {public} import {qualified}{f' as {name}' * (name != qualified)}"] = None
            return
        if module not in sys.modules or "." in qualified or not module.startswith(_OURS):
            raise not_copied(f"{module}.{qualified}")
        self._define(module, qualified, name)

    def _define(self, module: str, name: str, wanted: str | None = None) -> str:
        """Copy the definition of a global name of a module, and return its name in the file."""
        if (module, name) in self._names:
            return self._names[module, name]
        source = _source(module)
        node = source.definitions.get(name)
        if isinstance(node, ast.ImportFrom):
            alias = next(alias for alias in node.names if (alias.asname or alias.name) == name)
            if (node.module or "").startswith(_OURS):
                if isinstance(getattr(sys.modules.get(node.module or ""), alias.name, None), ModuleType):
                    raise not_copied(f"{node.module}.{alias.name}")
                return self._define(node.module or "", alias.name)
            self.imports[ast.unparse(ast.ImportFrom(node.module, [alias], 0))] = None
            return name
        if isinstance(node, ast.Import):
            alias = next(alias for alias in node.names if (alias.asname or alias.name) == name)
            if alias.name.startswith(_OURS):
                raise not_copied(alias.name)
            self.imports[ast.unparse(ast.Import([alias]))] = None
            return name
        if node is None or (wanted is None and _OP in map(_name, _decorators(node))):  # an op takes more than arrays
            raise not_copied(f"{module}.{name}")
        new = self._names[module, name] = wanted or self._free(name)
        names = {x: self._define(module, x) for x in _named(node, source, f"{module}.{name}")}
        self.texts[new] = source.text(node, {**names, name: new})
        return new

    def _free(self, wanted: str) -> str:
        name = wanted
        while name in self.taken or name in self.texts or name in self._names.values():
            name += "_"
        return name


@dataclass
class _Source:
    """The source of a module, and the statements that define its global names."""

    module: str
    bytes: bytes
    definitions: dict[str, ast.stmt]

    def __post_init__(self) -> None:
        self.starts = [0]
        for line in self.bytes.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def place(self, line: int | None, column: int | None) -> int:
        """The position in the text of a line and column of a tree."""
        assert line is not None
        assert column is not None
        return self.starts[line - 1] + column

    def text(self, node: ast.stmt, names: dict[str, str]) -> str:
        """The text of a definition with other names, without annotations and decorators of the engine, with the first paragraph of its
        docstring.
        """
        first, last = self.place(node.lineno, node.col_offset), self.place(node.end_lineno, node.end_col_offset)
        edits: list[_Edit] = []
        in_class = {id(x) for x in node.body} if isinstance(node, ast.ClassDef) else set[int]()
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and names.get(part.id, part.id) != part.id:
                edits.append((self._start(part), self._end(part), names[part.id].encode()))
            if isinstance(part, ast.AnnAssign) and id(part) not in in_class and part.value is not None:
                edits.append((self._end(part.target), self._end(part.annotation), b""))
            if isinstance(part, ast.arg) and part.annotation is not None:
                edits.append((self._start(part) + len(part.arg.encode()), self._end(part.annotation), b""))
            if isinstance(part, ast.FunctionDef | ast.ClassDef):
                edits += self._of_definition(part, names if part is node else {})
        decorators = "".join(
            f"@{self.bytes[self._start(d) : self._end(d)].decode()}\n"
            for d in _decorators(node)
            if _name(d) not in _DROPPED
        )
        text = self.bytes[first:last]
        for start, end, new in sorted(edits, reverse=True):
            if first <= start:
                text = text[: start - first] + new + text[end - first :]
        comment = self.bytes[last : self.starts[node.end_lineno or 0]].decode().rstrip()
        return decorators + text.decode() + (comment if comment.startswith("  #") else "")

    def _of_definition(self, node: ast.FunctionDef | ast.ClassDef, names: dict[str, str]) -> list[_Edit]:
        edits: list[_Edit] = []
        head = b"def " if isinstance(node, ast.FunctionDef) else b"class "
        at = self._start(node) + len(head)
        edits.append((at, at + len(node.name.encode()), names.get(node.name, node.name).encode()))
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            arrow = self.bytes.rindex(b"->", 0, self._start(node.returns))
            edits.append((len(self.bytes[:arrow].rstrip()), self._end(node.returns), b""))
        if ast.get_docstring(node) is not None:
            start, end = self._start(node.body[0]), self._end(node.body[0])
            before, more, _ = self.bytes[start:end].partition(b"\n\n")
            edits += [(start, end, before.rstrip() + b'"""')] if more else []
        return edits

    def _start(self, node: Any) -> int:
        return self.place(node.lineno, node.col_offset)

    def _end(self, node: Any) -> int:
        return self.place(node.end_lineno, node.end_col_offset)


@cache
def _source(module: str) -> _Source:
    try:
        text = inspect.getsource(sys.modules[module])
    except OSError as error:
        raise not_copied(module) from error
    definitions, several = dict[str, ast.stmt](), set[str]()
    for node in ast.parse(text).body:
        for name in _bound(node):
            several |= {name} & set(definitions)
            definitions[name] = node
    return _Source(module, text.encode(), {name: node for name, node in definitions.items() if name not in several})


def _bound(node: ast.stmt) -> list[str]:
    """The names that a statement of a module defines."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    return [x.id for x in ast.walk(node) if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)]


def _decorators(node: ast.stmt) -> list[ast.expr]:
    return node.decorator_list if isinstance(node, ast.FunctionDef | ast.ClassDef) else []


def _name(node: ast.expr) -> str:
    while isinstance(node, ast.Call | ast.Attribute):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _named(node: ast.stmt, source: _Source, what: str) -> list[str]:
    """The names of the module that a definition uses, when it is called or made."""
    annotations, in_class = set[int](), isinstance(node, ast.ClassDef)
    for part in ast.walk(node):
        if not (in_class and isinstance(part, ast.AnnAssign)):  # in a class they declare its fields
            of_part = [getattr(part, "annotation", None), getattr(part, "returns", None)]
            annotations |= {id(x) for annotation in of_part if annotation is not None for x in ast.walk(annotation)}
    for decorator in _decorators(node):
        if _name(decorator) in _DROPPED:
            annotations |= {id(x) for x in ast.walk(decorator)}
    used = [x for x in ast.walk(node) if isinstance(x, ast.Name) and id(x) not in annotations]
    own = {x.id for x in used if isinstance(x.ctx, ast.Store)} | {
        x.arg for x in ast.walk(node) if isinstance(x, ast.arg)
    }
    own |= {x.name for x in ast.walk(node) if isinstance(x, ast.FunctionDef | ast.ClassDef)}
    imports = [x for x in ast.walk(node) if isinstance(x, ast.Import | ast.ImportFrom) and x is not node]
    own |= {name for x in imports for name in _bound(x)}
    if not isinstance(node, ast.FunctionDef | ast.ClassDef):
        own -= set(_bound(node)) - {x.id for x in used if isinstance(x.ctx, ast.Store)}
    found = dict.fromkeys(x.id for x in used if isinstance(x.ctx, ast.Load) and x.id not in own)
    for name in found:
        if name not in source.definitions and not hasattr(builtins, name):
            raise not_copied(f"{what} ({name})")
    return [name for name in found if name in source.definitions]
