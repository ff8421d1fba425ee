"""The variable that a value was assigned to, where its line of Python is `name = ...`: pictures call it what its author does."""

import ast
import linecache
from functools import lru_cache

from tinygrad_ko.engine.graph import Node

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.MatMult: "matmul",
    ast.Pow: "pow",
    ast.USub: "negative",
}


def code_of(node: Node) -> str:
    """The line of Python that a value was computed in, if it is known and its file is there."""
    line = node.seen.line if node.seen else ""
    file, _, number = line.rpartition(":")
    return linecache.getline(file, int(number)).strip() if file and number.isdigit() else ""


def assigned_name(node: Node) -> str:
    """The variable that the value of an operation was assigned to, if that is certain: in `z = x * w + b` the sum is `z`."""
    if node.op is None:
        return ""
    variable, operations = _assignment(code_of(node))
    return variable if operations[:1] == [node.op.name] and operations.count(node.op.name) == 1 else ""


@lru_cache(maxsize=1024)
def _assignment(code: str) -> tuple[str, list[str]]:
    """Of `name = expression` the name, and the operations of the expression, the outermost first."""
    try:
        statement = ast.parse(code).body[0]
    except (SyntaxError, ValueError, IndexError):
        return "", []
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=(ast.BinOp() | ast.UnaryOp() | ast.Call()) as value):
            return name, [operation for node in ast.walk(value) if (operation := _operation(node))]
    return "", []


def _operation(node: ast.AST) -> str:
    match node:
        case ast.BinOp(op=operator) | ast.UnaryOp(op=operator):
            return _OPERATORS.get(type(operator), type(operator).__name__)
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return name
    return ""
