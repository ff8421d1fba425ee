"""From a function to its source: the text of a formula, and the tree that it was compiled from.

The source is found by parsing the whole file (a lambda among the arguments of a decorator has no lines of its own)
and comparing what the lambdas and functions on the function's line compile to with the function's code.
"""

import ast
import linecache
import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import lru_cache
from types import CodeType
from typing import Any

Definition = ast.Lambda | ast.FunctionDef
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def formula_text(function: Callable[..., Any]) -> str:
    """The text of a formula: the expression of a lambda ("..." where its source cannot be found), the name of
    anything else.

    >>> from tinygrad_ko.ops.hyperbolic import tanh
    >>> formula_text(tanh.op.formulas["x"])
    'g * (1 - out * out)'
    """
    name: str = getattr(function, "__name__", type(function).__name__)
    if name != "<lambda>":
        return name
    code = getattr(function, "__code__", None)
    tree = definition(code, getattr(function, "__globals__", {})) if code else None
    return ast.unparse(tree.body) if isinstance(tree, ast.Lambda) else "..."


def definition(code: CodeType, names: dict[str, Any]) -> Definition | None:
    """A copy of the lambda or def that a code was compiled from; None if it cannot be found."""
    found, imports = definitions("".join(linecache.getlines(code.co_filename, names)))
    for node in found:
        if first_line(node) == code.co_firstlineno:
            try:
                if alike(compiled(node, code, imports), code):
                    return deepcopy(node)
            except (SyntaxError, ValueError):
                continue
    return None


@lru_cache(maxsize=64)
def definitions(text: str) -> tuple[list[Definition], list[ast.stmt]]:
    """Every lambda and def in a text, and its imports (a call of what is imported compiles to something else)."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError):
        return [], []
    outside = [node for top in module.body if not isinstance(top, SCOPES) for node in ast.walk(top)]
    imports: list[ast.stmt] = [node for node in outside if isinstance(node, ast.Import | ast.ImportFrom)]
    return [node for node in ast.walk(module) if isinstance(node, Definition)], imports


def first_line(node: Definition) -> int:
    """Where a function begins for Python: a def begins at its first decorator."""
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])


def compiled(node: Definition, like: CodeType, imports: Sequence[ast.stmt] = ()) -> CodeType:
    """The code of a definition, with the same free variables as another."""
    bare = deepcopy(node)
    for a in ast.walk(bare.args):
        if isinstance(a, ast.arg):
            a.annotation = None  # Python 3.14 makes a function of its own of annotations
    bare.args.defaults, bare.args.kw_defaults = [], []
    if isinstance(bare, ast.FunctionDef):
        bare.decorator_list, bare.returns = [], None
    room = ast.parse(f"def room({', '.join(like.co_freevars)}): pass")
    outer = room.body[0]
    assert isinstance(outer, ast.FunctionDef)
    outer.body = [bare if isinstance(bare, ast.FunctionDef) else ast.Return(bare)]
    room.body[:0] = imports
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a spoiled formula may look odd to the compiler
        module = compile(ast.fix_missing_locations(room), "<spoiled formula>", "exec", dont_inherit=True)
    return inner(inner(module))


def inner(code: CodeType) -> CodeType:
    """The one function that a code defines."""
    (found,) = [c for c in code.co_consts if isinstance(c, CodeType)]
    return found


def alike(a: CodeType, b: CodeType) -> bool:
    """Whether two codes do the same."""
    facts = ("co_code", "co_names", "co_varnames", "co_freevars")
    return (
        all(getattr(a, fact) == getattr(b, fact) for fact in facts)
        and len(a.co_consts) == len(b.co_consts)
        and all(
            alike(x, y) if isinstance(x, CodeType) and isinstance(y, CodeType) else repr(x) == repr(y)
            for x, y in zip(a.co_consts, b.co_consts, strict=True)
        )
    )
