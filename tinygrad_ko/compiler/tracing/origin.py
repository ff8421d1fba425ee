"""Where a value comes from: the op, the user's line and the user's variable, found by walking Python's stack."""

import sys
from functools import cache
from os.path import dirname, join
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_ko.compiler.program.values import Origin
from tinygrad_ko.compiler.tracing.unreadable import other_warnings
from tinygrad_ko.compiler.tracing.variables import RETURNED, stored_in
from tinygrad_ko.engine.graph import Handle, current
from tinygrad_ko.runtime.callers import users_line
from tinygrad_ko.runtime.source import formula_text

_HERE = join(dirname(dirname(__file__)), "")
_PACKAGE = join(dirname(dirname(_HERE)), "")
_BOOK = join(_PACKAGE, "nn", "networks.py")  # the book's networks are read as if they were the user's
_OP = "<op "
_MODES = {"call", "ignore", "warn"}  # of np.errstate: what a program repeats
_NAMELESS = {"out", "_out"}  # names of variables in ops that say nothing to a reader


def origin(number: int | None = None) -> Origin:
    """The origin of the operation that is being recorded; of several results, of that with a number."""
    op = inner = ""
    ignored = tuple(kind for kind, how in warning_modes().items() if how == "ignore" and kind != "under")
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        filename = frame.f_code.co_filename
        if filename.startswith(_OP):
            if frame.f_code.co_name == "propagate":
                return _backward(frame, ignored, inner or op)
            op = filename.removeprefix(_OP).removesuffix(">").removesuffix(" of any dtype")
        elif filename.startswith(_PACKAGE) and filename != _BOOK:
            stored = "" if inner or filename.startswith(_HERE) else _variable(frame, number)
            inner = inner or ("" if stored in _NAMELESS else stored) or ""
        else:
            line = f"{filename}:{frame.f_lineno}" if filename == _BOOK else users_line()
            return Origin(op, line, _users_name(frame, number), inner or op, ignored, current.get().scope)
        frame = frame.f_back
    return Origin(op, users_line(), None, inner or op, ignored, current.get().scope)


def warning_modes() -> Any:
    """The modes of np.errstate. Raises TypeError for one that a program does not repeat."""
    modes = np.geterr()
    if not _MODES.issuperset(modes.values()):
        raise other_warnings(next(f"{kind}={how!r}" for kind, how in modes.items() if how not in _MODES))
    return modes


def _variable(frame: FrameType, number: int | None) -> str | None:
    """The variable that the result of the current call in a frame is stored in."""
    name = stored_in(frame.f_code, frame.f_lasti, number)
    return name if name != RETURNED else None


def _users_name(frame: FrameType | None, number: int | None) -> str | None:
    """The user's variable that the result of the current call in a frame is stored in; where it is returned, that of the caller."""
    while frame is not None and (
        frame.f_code.co_filename == _BOOK or not frame.f_code.co_filename.startswith(_PACKAGE)
    ):
        if (name := stored_in(frame.f_code, frame.f_lasti, number)) != RETURNED:
            return name
        if frame.f_code.co_filename == _BOOK:
            return frame.f_code.co_name  # a method of the book's networks names what it returns: predict, loss
        frame = frame.f_back
    return None


def _backward(frame: FrameType, ignored: tuple[str, ...], inner: str) -> Origin:
    """The origin of what is computed in the generated `propagate` of a node, which was recorded under `watch()`."""
    parent, node = frame.f_locals.get("parent"), _visited(frame)
    place = next((i for i, p in enumerate(frame.f_locals["n"].parents) if p is parent and p is not None), 0)
    op, seen = node.op, node.seen
    argument = op.arguments[0] if op.variadic else op.differentiable[place]
    inputs = [*map(_value, seen.inputs)]
    of, call = inputs[place if op.variadic else op.arguments.index(argument)], _value(seen.output)
    named = {argument: tuple(inputs)} if op.variadic else dict(zip(op.arguments, inputs, strict=False))
    options = {letter: _value(x) for letter, x in seen.options.items()}
    kept = {letter: _value(x) for letter, x in node.saved.items()}
    meant = {**named, **options, **kept, "out": call, "g": _value(frame.f_locals["g"])}
    letters = {
        letter: x
        for letter, x in meant.items()
        if hasattr(x, "origin") or isinstance(x, int | float | tuple | np.ndarray)
    }
    line = call.origin.line if hasattr(call, "origin") else seen.line
    of, call = [x if hasattr(x, "origin") else None for x in (of, call)]
    return Origin(
        op.name,
        line,
        None,
        inner,
        ignored,
        node.scope,
        op.broadcasts,
        argument,
        _text(op.formulas[argument]),
        of,
        call,
        letters,
    )


def _value(x: Any) -> Any:
    """The value of a Symbol, or of one in a Tensor or tuple; anything else as it is."""
    kind = type(x)  # isinstance would ask a Symbol, which asks who asks
    if issubclass(kind, list | tuple):
        return tuple(map(_value, x))
    return getattr(x._array if issubclass(kind, Handle) else x, "value", x)


def _visited(frame: FrameType) -> Any:
    """The recorded node: under create_graph backpropagation works on a copy of it, in the frame outside."""
    around = frame.f_back
    return around.f_locals["node"] if around else frame.f_locals["n"]


_text = cache(formula_text)
