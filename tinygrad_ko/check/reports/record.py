"""How a check was made, and the script of a few lines that makes it again."""

import hashlib
import json
import platform
import re
import sys
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from inspect import getsource, isclass
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from tinygrad_ko.check.functions.function import argument_names, function_name
from tinygrad_ko.engine.graph import Handle

_MOST = 200  # numbers that stand in a script or a certificate; more are loaded from a file, or known by a hash
_USUAL = {"order": 1, "effort": "usual", "rtol": 0.0, "domain": None, "rng": 0}


@dataclass(frozen=True)
class CheckCall:
    """A call of a check: its name, the functions and the inputs it was given, and its options where they were not the usual ones."""

    check: str
    functions: tuple[Any, ...]
    inputs: tuple[Any, ...]
    wanted: dict[str, Any] = field(default_factory=dict)  # what is checked
    options: dict[str, Any] = field(default_factory=dict)  # and how

    def script(self) -> str:
        """The Python that makes this call: imports, the functions, the inputs, the call. What cannot be written is left open, with a
        comment.
        """
        imports = ["import numpy as np", "import tinygrad_ko as tg"]
        functions, lines, taken = [], list[str](), {"np", "tg"}
        for f in self.functions:
            name = _name(f, taken)
            functions.append(name)
            taken.add(name)
            brought = _origin(f, name)
            (imports if brought.startswith(("from ", "import ")) else lines).append(brought)
        names = argument_names(self.functions[0], len(self.inputs)) if not isclass(self.functions[0]) else []
        passed = []
        for i, x in enumerate(self.inputs):
            name = names[i] if i < len(names) and names[i].isidentifier() else f"x{i}"
            name = f"{name}_" if name in taken else name
            taken.add(name)
            passed.append(name)
            lines.append(f"{name} = {_written(x, name)}")
        usual = {**_USUAL, "float32": self.check == "check_gradient"}
        options = {
            name: value
            for name, value in self.options.items()
            if value != usual[name] and isinstance(value, int | float | str | dict)
        }
        keywords = [f"{name}={spelled(value)}" for name, value in options.items()]
        for name, value in self.wanted.items():
            plain = all(isinstance(part, int | str) for part in (value if isinstance(value, list | tuple) else [value]))
            lines += [] if plain else [f"{name} = ...  # {type(value).__name__}"]
            keywords.append(f"{name}={spelled(value) if plain else name}")
        for library, line in (("torch", "import torch"), ("jax", "import jax")):
            if any(re.search(rf"\b{library}\.", text) for text in lines):
                imports.append(line)
        prefix = "tg" if self.check == "check_gradient" else "tg.check"
        call = f"{prefix}.{self.check}({', '.join([*functions, *passed, *keywords])})"
        made_with = ", ".join(f"{name} {version}" for name, version in loaded_versions().items())
        return "\n".join([f"# {made_with}", *dict.fromkeys(imports), *filter(None, lines), call])


def loaded_versions() -> dict[str, str]:
    """What a check depends on, by name: Python, NumPy, this package, and PyTorch and JAX where they are loaded."""
    found = {"python": platform.python_version()}
    for name in ("tinygrad_ko", "numpy", "torch", "jax"):
        if version := getattr(sys.modules.get(name), "__version__", None):
            found[name] = str(version)
    return found


def point(x: Any) -> dict[str, Any]:
    """An input as a certificate states it: shape, dtype, and its numbers, or of many of them the SHA-256 of their bytes."""
    if not isinstance(x, np.ndarray):
        return {"value": repr(x)}
    found = {"shape": list(x.shape), "dtype": str(x.dtype)}
    if x.size <= _MOST:
        return found | {"values": x.tolist()}
    return found | {"sha256": hashlib.sha256(np.ascontiguousarray(x).tobytes()).hexdigest()}


def as_json(value: Any) -> Any:
    """The same as values that JSON has: numbers of NumPy as Python's, and a string in place of every number that JSON lacks; Python's float
    and JavaScript's Number read it.

    >>> as_json({"slope": np.inf, "shape": (3, np.float32(0.5))})
    {'slope': 'Infinity', 'shape': [3, 0.5]}
    """
    if isinstance(value, dict):
        return {str(key): as_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    value = value.item() if isinstance(value, np.generic) else value
    return json.dumps(value) if isinstance(value, float) and not np.isfinite(value) else value


def _name(f: Any, taken: set[str]) -> str:
    """How f is called in a script."""
    for prefix, module in (("tg", "tinygrad_ko"), ("np", "numpy")):
        name = getattr(f, "__name__", "")
        if f is not True and name and getattr(sys.modules.get(module), name, None) is f:
            return f"{prefix}.{name}"
    if f is True:
        return "True"
    name = function_name(f).rpartition(".")[2]
    name = name if name.isidentifier() and not name.startswith("_") else "f"
    return f"{name}_" if name in taken else name


def _origin(f: Any, name: str) -> str:
    """The line that imports f, or its source; else a comment that says where it stands."""
    if f is True or "." in name:
        return ""
    module, path = getattr(f, "__module__", None) or "__main__", getattr(f, "__qualname__", "<no name>")
    found = sys.modules.get(module) if module != "__main__" else None
    if found is not None and getattr(found, path, None) is f:
        return f"from {module} import {path}" + (f" as {name}" if path != name else "")
    of = f.op.forward if hasattr(f, "op") else f  # an op stands in the source with its formulas
    code = getattr(of, "__code__", None)
    with suppress(OSError, TypeError):
        if code and _is_complete(f, of):
            return textwrap.dedent(getsource(of)).rstrip()
    what = f"{code.co_filename}:{code.co_firstlineno}" if code else f"{type(f).__module__}.{type(f).__qualname__}"
    return f"{name} = ...  # {what}"


def _is_complete(f: Any, of: FunctionType) -> bool:
    """Whether the source of a function says all of it: it reads nothing but its arguments, NumPy and this package."""
    formulas = [formula for formula in f.op.formulas.values() if formula] if hasattr(f, "op") else []
    read = {name for part in (of, *formulas) for name in _names(getattr(part, "__code__", None))}
    known = {module: sys.modules[module] for module in ("numpy", "tinygrad_ko")}
    brought = [of.__globals__[name] for name in read if name in of.__globals__]
    return of.__name__ != "<lambda>" and not of.__code__.co_freevars and all(x in known.values() for x in brought)


def _names(code: CodeType | None) -> Iterator[str]:
    if code:
        yield from code.co_names
        for part in code.co_consts:
            yield from _names(part) if isinstance(part, CodeType) else ()


def _written(x: Any, name: str) -> str:
    numbers = sum(_sizes(x))
    if numbers > _MOST:
        shape = getattr(x, "shape", None)
        what = f"{numbers:,} numbers" if shape is None else f"shape {tuple(shape)}"
        return f"np.load({name + '.npy'!r})  # {what}; np.save({name + '.npy'!r}, ...) where the check was made"
    return spelled(x)


def _sizes(x: Any) -> Iterator[int]:
    if isinstance(x, dict | list | tuple):
        for part in x.values() if isinstance(x, dict) else x:
            yield from _sizes(part)
    else:
        yield int(np.prod(getattr(x, "shape", ())))


def spelled(value: Any) -> str:
    """A value as Python that can be copied; `np` is NumPy, `tg` this package.

    >>> spelled(np.array([0.5, -np.inf])), spelled(np.zeros((0, 3))), spelled(np.array(1, np.int8))
    ('np.array([0.5, -np.inf])', 'np.zeros((0, 3))', "np.array(1, dtype='int8')")
    >>> spelled({"W": np.ones(2), "more": [1, 2]})
    "{'W': np.array([1.0, 1.0]), 'more': [1, 2]}"
    """
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {spelled(part)}' for key, part in value.items())}}}"
    if isinstance(value, list | tuple) and any(
        hasattr(part, "shape") or isinstance(part, dict | list | tuple) for part in value
    ):
        parts = ", ".join(map(spelled, value))
        return f"[{parts}]" if isinstance(value, list) else f"({parts},)"
    if isinstance(value, Handle):
        return f"tg.Tensor({spelled(value.stable_array())})"
    library = type(value).__module__.partition(".")[0]
    if library == "torch" and hasattr(value, "tolist"):
        asked = ", requires_grad=True" if value.requires_grad else ""
        return f"torch.tensor({_numbers(value.tolist())}, dtype={value.dtype}{asked})"
    if library == "jaxlib" and hasattr(value, "tolist"):
        return f"jax.numpy.array({_numbers(value.tolist())}, dtype={str(value.dtype)!r})"
    if not isinstance(value, np.ndarray):
        return _numbers(value) if isinstance(value, float | np.floating | list) else repr(value)
    if value.size:
        text, dtype = f"np.array({_numbers(value.tolist())}", np.array(value.tolist()).dtype
    else:
        text, dtype = f"np.zeros({value.shape}", np.dtype(float)
    return text + (")" if value.dtype == dtype else f", dtype={value.dtype.name!r})")


def _numbers(value: Any) -> str:
    return re.sub(r"(?<![\w'.])(nan|inf)\b", r"np.\1", repr(value))
