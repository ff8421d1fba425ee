"""From a function to its source: the text of a formula, and the tree that it was compiled from.

The file is compiled once more: if it was edited, the function's code is not among what comes out, and there is no source.
"""

import ast
import dis
import linecache
import warnings
from copy import deepcopy
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

Definition = ast.Lambda | ast.FunctionDef


def formula_text(function: Any) -> str:
    """The expression of a lambda, such as "g * (1 - out * out)", or "..." if there is no source; the name of anything else."""
    name: str = getattr(function, "__name__", type(function).__name__)
    if name != "<lambda>":
        return name
    tree = definition(function) if isinstance(function, FunctionType) else None
    return ast.unparse(_Conditional().visit(tree.body)) if isinstance(tree, ast.Lambda) else "..."


class _Conditional(ast.NodeTransformer):
    """Shows `either(condition, lambda x: a, lambda x: b, (x,))` (see `arrays.opaque`) as the `a if condition else b` that it computes."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.Call(ast.Name("either"), [condition, ast.Lambda(body=then), ast.Lambda(body=otherwise), _]):
                return ast.IfExp(condition, then, otherwise)
        return node


def definition(function: Any) -> Definition | None:
    """A copy of the lambda or def that a function was compiled from; None if it cannot be found."""
    lines = linecache.getlines(function.__code__.co_filename, function.__globals__)
    return deepcopy(_definitions("".join(lines)).get(function.__code__))


@lru_cache(maxsize=64)
def _definitions(text: str) -> dict[CodeType, Definition]:
    """Every lambda and def in a text, by its code. The instruction that makes a function has the position of its source."""
    try:
        with warnings.catch_warnings(action="ignore"):
            module = ast.parse(text)
            codes = [compile(module, "", "exec", dont_inherit=True)]
    except (SyntaxError, ValueError):
        return {}
    nodes = [node for node in ast.walk(module) if isinstance(node, Definition)]
    places = {(node.lineno, node.end_lineno, node.col_offset, node.end_col_offset): node for node in nodes}
    found = {}
    for code in codes:
        for instruction in dis.get_instructions(code):
            if isinstance(made := instruction.argval, CodeType):
                codes.append(made)
                if instruction.positions in places:
                    found[made] = places[instruction.positions]
    return found


def compiled(node: Definition, like: CodeType) -> CodeType:
    """The code of a changed definition, with the same free variables as another."""
    room = ast.parse(f"def room({', '.join(like.co_freevars)}): pass")
    outer = room.body[0]
    assert isinstance(outer, ast.FunctionDef)
    outer.body = [node if isinstance(node, ast.FunctionDef) else ast.Return(node)]
    with warnings.catch_warnings(action="ignore"):  # a spoiled formula may look odd to the compiler
        module = compile(ast.fix_missing_locations(room), "<spoiled formula>", "exec", dont_inherit=True)
    for _ in range(2):  # into the room, into the definition: the last code, since defaults come first
        *_, module = (constant for constant in module.co_consts if isinstance(constant, CodeType))
    return module
