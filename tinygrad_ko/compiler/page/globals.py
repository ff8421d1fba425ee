"""The global names of a page, above its function: imports, constants, and functions that are called as they are."""

import json
from collections.abc import Callable
from dataclasses import is_dataclass
from types import ModuleType
from typing import Any

import numpy as np

from tinygrad_ko.compiler.page.names import PageNames
from tinygrad_ko.compiler.program.values import Called, memory_order

_INLINE = 16  # elements; the numbers of a larger array are not shown on a page


class PageGlobals:
    """The global names of a page: `objects` by name, and for constants the expressions that make them."""

    def __init__(self, names: PageNames) -> None:
        self.names = names
        self.objects: dict[str, Any] = {"np": np}
        self._constants = dict[Any, str]()
        self.texts: dict[str, str] = {}  # the expression for each constant; empty if it is too large to show

    def lines(self) -> list[str]:
        """The imports, and the assignments of the constants."""
        homes, unwritten = dict[str, list[str]](), list[str]()
        for name, x in self.functions.items():
            if callable(x) and getattr(x, "__qualname__", ".").isidentifier():
                homes.setdefault(x.__module__, []).append(x.__name__ + f" as {name}" * (name != x.__name__))
            else:
                unwritten.append(f"# {name}: {_told(x)}")
        return [
            *(f"from {home} import {', '.join(names)}" for home, names in homes.items()),
            *[""] * bool(homes and (self.texts or unwritten)),
            *unwritten,
            *(
                f"{name} = {text}" if text else f"# {name}: an array of shape {self.objects[name].shape}"
                for name, text in self.texts.items()
            ),
        ]

    @property
    def functions(self) -> dict[str, Any]:
        """The functions and other objects that the page does not define."""
        return {name: x for name, x in self.objects.items() if name not in self.texts and x is not np}

    def called(self, call: Called) -> str:
        """The expression for the function of a call: `np.name`, a method of a random generator, or a global name."""
        source = getattr(call.function, "__self__", None)
        if call.name.startswith("np."):
            return call.name
        if isinstance(source, np.random.Generator | np.random.RandomState):
            stream, _, method = call.name.rpartition(".")
            return f"{self.named(source, stream)}.{method}"
        return self.function(call.function)

    def function(self, function: Callable[..., Any]) -> str:
        """The name of a function or a class."""
        return self.named(function, getattr(function, "__name__", type(function).__name__).strip("_"))

    def argument(self, x: Any) -> str:
        """The expression for an argument of a call that is not an array."""
        if isinstance(x, ModuleType) or getattr(x, "__name__", "") == "numpy":
            return "np"
        if isinstance(x, np.dtype) or (isinstance(x, type) and issubclass(x, np.generic | int | float | bool)):
            return f"np.{np.dtype(x)}"
        if isinstance(x, np.ufunc):
            return f"np.{x.__name__}"
        if isinstance(x, float) and not isinstance(x, np.generic):
            return number_text(x)
        if isinstance(x, str):
            return json.dumps(x, ensure_ascii=False)
        if x is None or x is ... or isinstance(x, int | np.generic):
            return "..." if x is ... else repr(x)
        if is_dataclass(x) and not isinstance(x, type):
            return self._setting(x)
        return self.function(x) if callable(x) else self.named(x, type(x).__name__.lower())

    def _setting(self, x: Any) -> str:
        """The name of a dataclass of settings, like the windows of a convolution, as a constant."""
        kind, text = self.function(type(x)), repr(x)
        name = next((name for name, other in self.texts.items() if other == text), None)
        if name is None:
            name = self.names.new(kind.lower())
            self.objects[name], self.texts[name] = x, text
        return name

    def named(self, x: Any, wanted: str) -> str:
        """The name of an object, as like as possible to the one wanted."""
        name = next((name for name, other in self.objects.items() if other is x), None)
        if name is None:
            name = self.names.new(wanted)
            self.objects[name] = x
        return name

    def constant(self, array: Any, number: Any = None) -> str:
        """The name of a constant array; with `number` it is written as an array of that."""
        key = array.shape, array.dtype, array.strides, array.tobytes()
        if key not in self._constants:
            text = array_text(array) if number is None else f"np.array({number_text(number)}, np.{array.dtype})"
            by_function = _WANTED.get(text.partition("(")[0], "constant")
            wanted = by_function if number is None else _NUMBERS.get(number, "number")
            name = self._constants[key] = self.names.new(wanted)
            self.objects[name], self.texts[name] = array, text
        return self._constants[key]


def _told(x: Any) -> str:
    """What something is that can be neither written nor imported: a generator, a function inside of another."""
    kind = x if hasattr(x, "__qualname__") else type(x)
    return f"{kind.__module__}.{kind.__qualname__}".replace("numpy.random._generator", "np.random").replace(
        "numpy.", "np."
    )


def number_text(number: Any) -> str:
    """A number as Python."""
    text = repr(number)
    return {"nan": "np.nan", "inf": "np.inf", "-inf": "-np.inf"}.get(text, text)


def array_text(array: Any, most: int = _INLINE) -> str:
    """The expression that makes an array: from one number if all are equal, else from a list. Empty if it has more than `most` elements."""
    shape, kind = str(array.shape[0] if array.ndim == 1 else array.shape), f", np.{array.dtype}"
    kind_if_unusual = "" if array.dtype == np.float64 else kind
    if not array.size:
        return f"np.empty({shape}{kind_if_unusual})"
    if order := memory_order(array):
        back = tuple(order.index(axis) for axis in range(len(order)))
        text = array_text(array.transpose(order))
        return text and f"{text}.transpose({back})"
    first = array.flat[0].item()
    if 0 in array.strides and array.size > 1:
        before = tuple(n if step else 1 for n, step in zip(array.shape, array.strides, strict=True))
        return f"np.broadcast_to({array_text(np.full(before, first, array.dtype))}, {shape})"
    if not array.flags.c_contiguous:
        return ""  # it lies in memory with gaps
    if array.ndim and array.tobytes() == np.full_like(array, first).tobytes():
        if repr(first) in ("0.0", "1.0", "0", "1"):
            return f"np.{'ones' if first else 'zeros'}({shape}{kind_if_unusual})"
        return f"np.full({shape}, {number_text(first)}{kind})"
    if array.ndim == 1 and array.dtype == np.int64 and np.array_equal(array, np.arange(array.size)):
        return f"np.arange({array.size})"

    def listed(part: Any) -> str:
        return f"[{', '.join(map(listed, part))}]" if isinstance(part, list) else number_text(part)

    return f"np.array({listed(array.tolist())}{kind})" if array.size <= most else ""


_WANTED = {
    "np.arange": "rows",
    "np.zeros": "zeros",
    "np.ones": "ones",
    "np.full": "filled",
    "np.broadcast_to": "filled",
}
_NUMBERS = {0.0: "zero", 1.0: "one", 2.0: "two", 0.5: "half", -1.0: "minus_one"}
