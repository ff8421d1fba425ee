"""Arrays that are not followed: memmaps, masked arrays, arrays of text and of objects. A program would not see them change."""

from typing import Any

from tinygrad_ko.compiler.tracing.unreadable import unsupported


class Unfollowed:
    """Stands for such an array while a function is traced: whatever the function does with it is refused."""

    def __init__(self, array: Any) -> None:
        self._kind = type(array).__name__ if array.dtype.kind in "biufc" else f"array of {array.dtype}"

    def __getattr__(self, name: str) -> Any:
        raise unsupported(f"the {self._kind} that the function holds")


def _refused(self: Unfollowed, *_: Any, **__: Any) -> Any:
    raise unsupported(f"the {self._kind} that the function holds")


_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor")
_NAMES = [f"{side}{name}" for name in _BINARY for side in ("", "r", "i")]
_NAMES += ["lt", "le", "gt", "ge", "eq", "ne", "neg", "abs", "invert", "getitem", "setitem", "len", "iter", "contains"]
_NAMES += ["bool", "float", "int", "index", "array", "array_ufunc", "array_function"]
for _name in _NAMES:
    setattr(Unfollowed, f"__{_name}__", _refused)
Unfollowed.__hash__ = object.__hash__  # type: ignore[method-assign]
