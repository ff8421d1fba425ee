"""Mutants of a formula from its source: one change of one expression at a time, each compiled to a function again.

A plain function of the same module that a formula calls belongs to the formula: its body is changed too. Where no source
can be found (see `source.py`), there are no mutants of this kind.
"""

import ast
import builtins
from collections.abc import Callable, Iterator
from copy import deepcopy
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from tinygrad_ko.engine.rule import Op
from tinygrad_ko.ops.reduction import mean
from tinygrad_ko.runtime.signatures import signature
from tinygrad_ko.runtime.source import Definition, compiled, definition

Version = tuple[str, str, Callable[..., Any]]  # what kind of mistake, its text, the spoiled formula

# An error message is no formula, a loop may not end, and the rest does not change values.
_NOT_SPOILED = (ast.Raise, ast.Assert, ast.JoinedStr, ast.While, ast.arguments, ast.keyword, ast.Delete, ast.Import)
_FACTS = {"dtype", "ndim", "shape", "size"}
_REDUCTIONS = {"all", "any", "cumsum", "max", "mean", "min", "prod", "sum"}
_OPPOSITES: list[tuple[type[ast.cmpop], type[ast.cmpop]]] = [
    *((ast.Gt, ast.Lt), (ast.GtE, ast.LtE), (ast.Eq, ast.NotEq), (ast.In, ast.NotIn), (ast.Is, ast.IsNot))
]
_REVERSED = dict(_OPPOSITES) | {b: a for a, b in _OPPOSITES}


def versions(formula: Any, record: Op) -> list[Version]:
    """Every spoiled version of a formula that its source gives; none if there is no source."""
    if type(formula) is not FunctionType or vars(formula):  # what is wrapped has another signature than its code
        return []
    made: dict[str, Version] = {}
    helpers = _helpers_of(formula)
    for name, function in [("", formula), *helpers.items()]:
        tree = definition(function)
        if tree is None or function.__kwdefaults__:  # an option may choose a branch that the formula never takes
            continue
        words = () if name else tuple(w for w in signature(formula).parameters if w != "g" and _is_array(w, record))
        right = ast.unparse(tree)
        spoiled = [*_edits(tree, words, function.__globals__), *([] if name else _renamed(tree, words, record))]
        for kind, text, version in spoiled:
            whole = f"{name}: {ast.unparse(version)}"
            if whole == f"{name}: {right}" or whole in made:
                continue
            try:
                code = compiled(version, function.__code__)
            except (SyntaxError, ValueError):
                continue
            text = f"in {name}: {text}" if name else text.removeprefix("return ")
            made[whole] = kind, text, _rebuilt(formula, helpers, name, code)
    return list(made.values())


def _is_array(word: str, record: Op) -> bool:
    return word == "out" or word in record.arguments or word in record.keeps


# A formula and its helpers with other code


def _helpers_of(formula: FunctionType) -> dict[str, FunctionType]:
    """The plain functions of its module that a formula calls by name, and those that they call."""
    found: dict[str, FunctionType] = {}
    waiting = [formula.__code__]
    while waiting:
        code = waiting.pop(0)
        waiting += [c for c in code.co_consts if isinstance(c, CodeType)]
        for name in code.co_names:
            value: Any = formula.__globals__.get(name)
            plain = type(value) is FunctionType and not vars(value)  # an op, or what is wrapped, has attributes
            if plain and value.__globals__ is formula.__globals__ and name not in found and value is not formula:
                found[name] = value
                waiting.append(value.__code__)
    return found


def _rebuilt(
    formula: FunctionType, helpers: dict[str, FunctionType], spoiled: str, code: CodeType
) -> Callable[..., Any]:
    """The formula with the code of one function exchanged: its own, or that of a helper."""
    names = {"mean": mean, **formula.__globals__}
    for name, helper in helpers.items():
        names[name] = _with_code(helper, code if name == spoiled else helper.__code__, names)
    return _with_code(formula, formula.__code__ if spoiled else code, names)


def _with_code(function: FunctionType, code: CodeType, names: dict[str, Any]) -> FunctionType:
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    closure = tuple(cells[v] for v in code.co_freevars)
    other = FunctionType(code, names, function.__name__, function.__defaults__, closure)
    other.__kwdefaults__ = function.__kwdefaults__
    return other


# What is changed


def _edits(tree: Definition, words: tuple[str, ...], names: dict[str, Any]) -> Iterator[tuple[str, str, Definition]]:
    """Every change of one expression or statement of a definition: its kind, the changed line, the new definition."""
    often = sum(isinstance(node, ast.Name) and node.id == "g" for node in ast.walk(tree)) > 1
    for line, place, index, node in list(_places(tree, tree)):
        for kind, new in _changes(node, names, words, often):
            _put(place, index, new)
            if isinstance(new, ast.Pass):
                yield kind, f"without {_one_line(node)}", deepcopy(tree)
            else:
                yield kind, _one_line(new if isinstance(new, ast.stmt) else line), deepcopy(tree)
            _put(place, index, node)


def _places(node: ast.AST, line: ast.AST) -> Iterator[tuple[ast.AST, Any, Any, ast.AST]]:
    """What may be changed inside a node: its line, what holds it, where there, and itself."""
    for field, value in ast.iter_fields(node):
        if field in ("decorator_list", "returns", "type_params", "annotation"):
            continue
        holder, children = (value, enumerate(value)) if isinstance(value, list) else (node, [(field, value)])
        for index, child in children:
            if isinstance(child, ast.keyword) and child.arg != "dtype":
                yield line, child, "value", child.value
                yield from _places(child.value, line)
            elif isinstance(child, ast.AST) and not isinstance(child, _NOT_SPOILED) and not _is_fact(child):
                own = child if isinstance(child, ast.stmt) else line
                yield own, holder, index, child
                yield from _places(child, own)


def _is_fact(node: ast.AST) -> bool:
    """Whether a node is x.shape or the like, or isinstance(x, ...): with another x it would be the same."""
    match node:
        case ast.Attribute(ast.Name(), attribute):
            return attribute in _FACTS
        case ast.Call(ast.Name("isinstance")):
            return True
    return False


def _put(holder: Any, index: Any, node: ast.AST) -> None:
    if isinstance(holder, list):
        holder[index] = node
    else:
        setattr(holder, index, node)


def _one_line(node: ast.AST) -> str:
    return ast.unparse(node.body if isinstance(node, ast.Lambda) else node).splitlines()[0]


def _changes(
    node: ast.AST, names: dict[str, Any], words: tuple[str, ...], often: bool
) -> Iterator[tuple[str, ast.AST]]:
    """What may stand by mistake where a node stands, and the name of the mistake."""
    match node:
        case ast.UnaryOp(ast.USub(), x):
            yield "sign flip", x
        case ast.UnaryOp(ast.Not() | ast.Invert(), x):
            yield "reversed condition", x
        case ast.BinOp(a, ast.Add(), b):
            yield from (("dropped term", kept) for kept, lost in ((a, b), (b, a)) if not _is_epsilon(lost))
        case ast.BinOp(a, ast.Sub(), b):
            if not _is_epsilon(b):
                yield "N for N - 1" if _is_one(b) else "dropped term", a
            yield "dropped term", b
            yield "sign flip", ast.BinOp(a, ast.Add(), b)
        case ast.BinOp(a, ast.Mult(), b):
            yield "missing factor", a
            yield "missing factor", b
        case ast.BinOp(a, ast.Div(), b):
            yield "missing factor", a
            yield "times for divided by", ast.BinOp(a, ast.Mult(), b)
        case ast.BinOp(a, ast.FloorDiv() | ast.Mod(), _):
            yield "missing factor", a
        case ast.BinOp(a, ast.Pow(), b):
            yield "wrong power", a
            if not isinstance(b, ast.Constant):
                yield "wrong power", ast.BinOp(a, ast.Pow(), ast.BinOp(b, ast.Add(), ast.Constant(1)))
        case ast.BinOp(a, ast.MatMult(), b):
            yield "swapped operands", ast.BinOp(b, ast.MatMult(), a)
        case ast.BinOp(a, ast.BitAnd() | ast.BitOr(), b):
            yield "dropped condition", a
            yield "dropped condition", b
        case ast.BoolOp(joined, values):
            for i in range(len(values)):
                rest = values[:i] + values[i + 1 :]
                yield "dropped condition", rest[0] if len(rest) == 1 else ast.BoolOp(joined, rest)
        case ast.IfExp(_, a, b):
            yield "one branch alone", a
            yield "one branch alone", b
        case ast.Compare(left, signs, rights):
            for i, sign in enumerate(signs):
                turned = [*signs[:i], _REVERSED[type(sign)](), *signs[i + 1 :]]
                yield "reversed comparison", ast.Compare(left, turned, rights)
        case ast.Constant(bool(value)):
            yield "wrong constant", ast.Constant(not value)
        case ast.Constant(float(value)) if _is_epsilon(node):
            yield "epsilon dropped", ast.Constant(0 * value)
        case ast.Constant(int(value) | float(value)):
            yield "wrong constant", ast.Constant(value + 1)
        case ast.Attribute(x, "T" | "mT"):
            yield "transposed", x
        case ast.Name("g", ast.Load()) if often:
            yield "ignored cotangent", ast.parse("g * 0 + 1", mode="eval").body
        case ast.Name("axis", ast.Load()):
            yield "wrong axis", ast.Constant(0)
        case ast.Name(word, ast.Load()) if word in words:
            yield from (("wrong operand", ast.Name(other, ast.Load())) for other in words if other != word)
        case ast.Call():
            yield from _changed_calls(node, names)
        case ast.AugAssign(target, symbol, value):
            yield "dropped statement", ast.Pass()
            if isinstance(symbol, ast.Add | ast.Sub):
                other = ast.Sub() if isinstance(symbol, ast.Add) else ast.Add()
                yield "sign flip", ast.AugAssign(target, other, value)
        case ast.Assign([ast.Subscript()], _):
            yield "dropped statement", ast.Pass()


def _changed_calls(node: ast.Call, names: dict[str, Any]) -> Iterator[tuple[str, ast.AST]]:
    function, arguments = node.func, node.args
    called = ast.unparse(function).split(".")[-1]
    method = isinstance(function, ast.Attribute) and not isinstance(_meant(function.value, names), ModuleType)
    if isinstance(function, ast.Attribute) and method:
        if called in _REDUCTIONS or (not arguments and called != "copy"):
            yield "missing function", function.value
    elif len(arguments) == 1 and (called in names or not hasattr(builtins, called) or "." in ast.unparse(function)):
        yield "missing function", arguments[0]
    if called == "sum" and (method or _meant(function, names) is not None):
        other = ast.parse(ast.unparse(function).removesuffix("sum") + "mean", mode="eval").body
        yield "mean for sum", ast.Call(other, arguments, node.keywords)
    if any(k.arg == "axis" for k in node.keywords):
        yield "wrong axis", ast.Call(function, arguments, [k for k in node.keywords if k.arg != "axis"])
    is_op = hasattr(_meant(function, names), "op") or isinstance(_meant(function, names), np.ufunc)
    if called == "where" and len(arguments) == 3:
        yield "swapped operands", ast.Call(function, [arguments[0], *arguments[:0:-1]], node.keywords)
    elif is_op and len(arguments) == 2:
        yield "swapped operands", ast.Call(function, arguments[::-1], node.keywords)


def _meant(node: ast.AST, names: dict[str, Any]) -> Any:
    """What a name, or an attribute of a module, stands for; None if that is not known."""
    match node:
        case ast.Name(word):
            return names.get(word)
        case ast.Attribute(x, attribute) if isinstance(module := _meant(x, names), ModuleType):
            return getattr(module, attribute, None)  # which also loads what the module loads when it is asked for
    return None


def _is_one(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and not isinstance(node.value, bool) and node.value == 1


def _is_epsilon(node: ast.AST) -> bool:
    """Whether a node is a very small number, which keeps a divisor from being 0."""
    return isinstance(node, ast.Constant) and isinstance(node.value, float) and 0 < node.value < 1e-3


def _renamed(tree: Definition, words: tuple[str, ...], record: Op) -> Iterator[tuple[str, str, Definition]]:
    """One array in the place of another throughout a formula: x for out, b for a."""
    others = [w for w in (*record.arguments, "out") if not record.variadic and w not in words]
    for old in words:
        for new in others:
            other = deepcopy(tree)
            for node in ast.walk(other):
                if isinstance(node, ast.arg) and node.arg == old:
                    node.arg = new
                elif isinstance(node, ast.Name) and node.id == old:
                    node.id = new
            last = other.body if isinstance(other, ast.Lambda) else other.body[-1]
            yield "wrong operand", f"{_one_line(last)}, {new} for {old}", other


def is_zero(formula: Any) -> bool:
    """Whether a formula is nothing but zeros_like(...): an honest zero, whose sign or size cannot be wrong."""
    tree = definition(formula) if type(formula) is FunctionType else None
    body = tree.body if isinstance(tree, ast.Lambda) else None
    return isinstance(body, ast.Call) and ast.unparse(body.func).split(".")[-1] == "zeros_like"
