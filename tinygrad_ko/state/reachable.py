"""Reachable state: the Tensors, layers and random generators that a call of a function or a model may change."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from tinygrad_ko.engine.graph import Handle

CONTAINERS = (list, tuple, dict)


def reachable(value: Any) -> Iterator[Any]:
    """The value itself and everything it holds, each once: in a list, tuple or dict, a partial, the attributes of an
    object that computes, the owner of a method, the variables and defaults of a function.

    Of the global variables that a function names these are followed: Tensors, Generators, objects that compute,
    containers, and functions of the same file.
    """
    seen: dict[int, Any] = {}
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if id(value) not in seen:
            seen[id(value)] = value
            yield value
            waiting += _parts(value)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, CONTAINERS):
        return [*(value.values() if isinstance(value, dict) else value), *attributes(value).values()]
    if isinstance(value, partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, MethodType):
        return [value.__self__, value.__func__, *attributes(value.__self__).values()]
    if isinstance(value, FunctionType):
        return _variables(value)
    return [*attributes(value).values(), *_methods(value)] if computes(value) else []


def _variables(function: FunctionType) -> list[Any]:
    found = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # a variable that has no value yet
            found.append(cell.cell_contents)
    codes, here = [function.__code__], function.__globals__
    for code in codes:
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        for x in map(here.get, code.co_names):
            neighbour = isinstance(x, FunctionType) and x.__globals__ is here
            if neighbour or isinstance(x, (Handle, np.random.Generator, *CONTAINERS)) or computes(x):
                found.append(x)
    return found


def computes(value: Any) -> bool:
    """Whether a value is a layer, a network of the book, or another object that can be called."""
    if isinstance(value, type | ModuleType | FunctionType | Handle):
        return False
    return bool(_methods(value)) or any(hasattr(value, name) for name in ("forward", "named_tensors", "params"))


def _methods(value: Any) -> list[FunctionType]:
    found = [getattr(type(value), name, None) for name in ("__call__", "forward")]
    return [method for method in found if isinstance(method, FunctionType)]


def attributes(value: Any) -> dict[str, Any]:
    """The attributes of an object; none of a class or a module, nor of an object without a `__dict__`."""
    found = None if isinstance(value, type | ModuleType) else getattr(value, "__dict__", None)
    return found if isinstance(found, dict) else {}
