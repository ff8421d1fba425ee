"""Expressions: the Python expression that computes a value, with parentheses only where they are needed."""

from typing import Any

import numpy as np

from tinygrad_ko.compiler.page.globals import PageGlobals, array_text, number_text
from tinygrad_ko.compiler.program import small
from tinygrad_ko.compiler.program.storage import SMALL
from tinygrad_ko.compiler.program.values import Called, Slot, Value, filled_with

# The precedence of Python's operators. An operand of a lower one than its place requires stands in parentheses.
_COMPARED, _OR, _XOR, _AND, _SHIFTED, _SUM, _PRODUCT, _SIGNED, _POWER, _ATOM = range(10)

SIGNS = {"add": ("+", _SUM), "subtract": ("-", _SUM), "multiply": ("*", _PRODUCT), "divide": ("/", _PRODUCT)}
SIGNS |= {"remainder": ("%", _PRODUCT), "floor_divide": ("//", _PRODUCT), "matmul": ("@", _PRODUCT)}
SIGNS |= {"left_shift": ("<<", _SHIFTED), "right_shift": (">>", _SHIFTED)}
SIGNS |= {"bitwise_and": ("&", _AND), "bitwise_or": ("|", _OR), "bitwise_xor": ("^", _XOR)}
SIGNS |= {"less": ("<", _COMPARED), "less_equal": ("<=", _COMPARED), "greater": (">", _COMPARED)}
SIGNS |= {"greater_equal": (">=", _COMPARED), "equal": ("==", _COMPARED), "not_equal": ("!=", _COMPARED)}
_PRECEDENCES = {**dict(SIGNS.values()), "**": _POWER}
_PREFIX = {"negative": "-", "invert": "~"}
_MANY = 2_000  # elements, from which on `_is_by_bits` pays
_METHODS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}
_SHORTER = {"absolute": "abs"}


_OF_NUMBERS = {"ufunc", "power", "where", "put", "number"}  # operations that take a number where they take an array


class Expressions:
    """Expressions for values. Those that are variables have the names `given`; `numbers` are the hoisted numbers (see `program.small`)."""

    def __init__(
        self, given: dict[Value, str], page_globals: PageGlobals, numbers: dict[Any, Any] | None = None
    ) -> None:
        self.given, self.page_globals, self.numbers = given, page_globals, numbers

    def use(self, x: Any, user: Value | None = None, least: int = _COMPARED) -> str:
        """The expression for an input of a value, in parentheses if its precedence is below `least`."""
        text, precedence = self._input(x, user)
        return text if precedence >= least else f"({text})"

    def _input(self, x: Any, user: Value | None) -> tuple[str, int]:
        if not isinstance(x, Value):
            ready = self.numbers.get(small.number_beside(x, user)) if self.numbers and user is not None else None
            return _number(x, user) if ready is None else (self.page_globals.constant(ready, x), _ATOM)
        if x in self.given:
            return self.given[x], _ATOM
        if x.operation == "full" and x.shape == () and user is not None and user.operation in _OF_NUMBERS:
            return _number(x.settings[0], user)
        if x.operation in ("full", "constant"):
            return self.page_globals.constant(filled_with(x) if x.operation == "full" else x.settings[0]), _ATOM
        return self.of(x)

    def of(self, value: Value) -> tuple[str, int]:
        """The expression that computes a value, and its precedence."""
        match value.operation, value.settings:
            case (("ufunc" | "matmul"), (function,)) if function in SIGNS:
                sign, precedence = SIGNS[function]
                a, b = value.inputs
                left = self.use(a, value, precedence + (precedence == _COMPARED))
                return f"{left} {sign} {self.use(b, value, precedence + 1)}", precedence
            case "ufunc", (function,) if function in _PREFIX:
                return _PREFIX[function] + self.use(value.inputs[0], value, _SIGNED), _SIGNED
            case "ufunc", (function,):
                return f"np.{_SHORTER.get(function, function)}({self.listed(value)})", _ATOM
            case "number", (sign,):
                return self._number(value, sign)
            case "power", ():
                base, exponent = value.inputs
                return f"{self.use(base, value, _ATOM)} ** {self.use(exponent, value, _SIGNED)}", _POWER
            case "where", () if _is_by_bits(value):
                condition, x, _ = value.inputs
                integer = f"np.int{8 * x.dtype.itemsize}"  # np.where branches for each element, which the processor mispredicts
                chosen = f"{self.use(condition, value, _ATOM)}.astype({integer})"
                return f"({chosen} * {self.use(x, value, _ATOM)}.view({integer})).view(np.{x.dtype})", _ATOM
            case "where", ():
                return f"np.where({self.listed(value)})", _ATOM
            case "astype", ():
                return f"{self.use(value.inputs[0], value, _ATOM)}.astype(np.{value.dtype})", _ATOM
            case "reduce", _:
                return self._reduction(value), _ATOM
            case "take", (template,):
                x, *inside = value.inputs
                return f"{self.use(x, value, _ATOM)}[{self.index(template, inside)}]", _ATOM
            case "put", _:
                x = value.inputs[0]
                if x.operation == "full":
                    return array_text(filled_with(x)), _ATOM
                order = "" if value.order is None else '"K"'
                return f"{self.use(x, value, _ATOM)}.copy({order})", _ATOM
            case "call", (call,):
                return self._called(call, value), _ATOM
            case "result", (i,):
                return f"{self.use(value.inputs[0], value, _ATOM)}[{i}]", _ATOM
            case "view", (how, to):
                return self._view(value, how, to), _ATOM
        raise AssertionError(value.operation)

    def listed(self, value: Value) -> str:
        """The inputs of a value, as arguments of a function."""
        return ", ".join([self.use(x, value) for x in value.inputs])

    def _number(self, value: Value, sign: str) -> tuple[str, int]:
        """An operator between Python numbers."""
        if sign == "abs":
            return f"abs({self.use(value.inputs[0])})", _ATOM
        if len(value.inputs) == 1:
            return f"{sign}{self.use(value.inputs[0], None, _SIGNED)}", _SIGNED
        (a, b), precedence = value.inputs, _PRECEDENCES[sign]
        first, second = (_ATOM, _SIGNED) if sign == "**" else (precedence + (precedence == _COMPARED), precedence + 1)
        return f"{self.use(a, None, first)} {sign} {self.use(b, None, second)}", precedence

    def _reduction(self, value: Value) -> str:
        function, axes, keepdims, by_rows = value.settings
        x = value.inputs[0]
        if by_rows:
            return f"np.{function}.reduce({self.use(x, value, _ATOM)}.T.copy(), axis=0)" + "[:, None]" * keepdims
        axis = "None" if len(axes) == len(x.shape) else str(axes[0] if len(axes) == 1 else axes)
        if x.nbytes <= SMALL or function not in _METHODS:
            return f"np.{function}.reduce({self.use(x, value)}, axis={axis}{', keepdims=True' * keepdims})"
        # The method does the same and reads better; its call takes half a microsecond more.
        options = [f"axis={axis}"] * (axis != "None") + ["keepdims=True"] * keepdims
        return f"{self.use(x, value, _ATOM)}.{_METHODS[function]}({', '.join(options)})"

    def _view(self, value: Value, how: str, to: Any) -> str:
        x = value.inputs[0]
        if how == "broadcast_to":
            return f"np.broadcast_to({self.use(x)}, {to})"
        text = self.use(x, None, _ATOM)
        if how == "transpose" and to == (1, 0):
            return f"{text}.T"
        if how == "index":
            return f"{text}[{self.index(to, [])}]"
        if how == "reshape" and value.shape == (*x.shape, 1):
            return f"{text}[:, None]" if len(x.shape) == 1 else f"{text}[..., None]"
        if how == "reshape" and (*value.shape, 1) == x.shape and len(x.shape) > 1:
            return f"{text}[..., 0]" if len(x.shape) > 2 else f"{text}[:, 0]"
        return f"{text}.{how}({', '.join(map(str, to)) if to else '()'})"

    def index(self, template: Any, inside: list[Any]) -> str:
        """The text in the brackets of an index."""

        def part(p: Any) -> str:
            if isinstance(p, Slot):
                return self.use(inside[p.number])
            if not isinstance(p, slice):
                return "..." if p is ... else repr(p)
            ends = ["" if x is None else str(x) for x in (p.start, p.stop, p.step)]
            return ":".join(ends if p.step is not None else ends[:2])

        return ", ".join(map(part, template)) or "()"

    def _called(self, call: Called, value: Value) -> str:
        name = self.page_globals.called(call)

        def text(part: Any) -> str:
            if isinstance(part, Slot):
                x = value.inputs[part.number]
                return self.page_globals.constant(filled_with(x)) if x.operation == "full" else self.use(x)
            if isinstance(part, list | tuple) and not hasattr(part, "_fields"):
                inner = ", ".join(map(text, part))
                return f"[{inner}]" if isinstance(part, list) else f"({inner}{',' * (len(part) == 1)})"
            if isinstance(part, dict):
                return f"{{{', '.join(f'{self.page_globals.argument(key)}: {text(x)}' for key, x in part.items())}}}"
            if isinstance(part, slice):
                return f"slice({text(part.start)}, {text(part.stop)}, {text(part.step)})"
            return self.page_globals.argument(part)

        parts = [*map(text, call.arguments), *(f"{key}={text(part)}" for key, part in call.options.items())]
        return f"{name}({', '.join(parts)})"


def _is_by_bits(value: Value) -> bool:
    """Whether np.where(condition, x, 0) is written as the condition times the bits of x, as `arrays.library` does with many elements: of
    plain arrays of one shape and memory order.
    """
    condition, x, y = value.inputs
    is_zero = type(y) in (int, float) and repr(y) in ("0", "0.0")
    if not (is_zero and isinstance(x, Value) and isinstance(condition, Value)):
        return False
    same = (x.shape, x.dtype) == (value.shape, value.dtype) and condition.shape == x.shape and condition.dtype == bool
    if not same or not value.order == x.order == condition.order:
        return False
    stretched = any(v.operation == "view" and v.settings[0] == "broadcast_to" for v in (x, condition))
    return not stretched and not x.is_number and x.dtype in (np.float32, np.float64) and value.size > _MANY


def _number(x: Any, user: Value | None) -> tuple[str, int]:
    """A number as a Python number, or as a NumPy scalar where that is needed for the dtype of the result."""
    plain = x.item() if isinstance(x, np.generic) else x
    text = number_text(plain)
    if isinstance(x, np.generic) and user is not None:
        arrays = [v.dtype for v in user.values]
        if np.result_type(*arrays, plain) != np.result_type(*arrays, x):
            return f"np.{x.dtype}({text})", _ATOM
    return text, _SIGNED if text.startswith("-") else _ATOM
