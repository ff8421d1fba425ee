"""Writing: a program as the text of a Python function that calls NumPy."""

import keyword
import linecache
from dataclasses import is_dataclass
from math import isfinite
from typing import Any

import numpy as np

from tinygrad_ko.compiler import small
from tinygrad_ko.compiler.blocks import Loop
from tinygrad_ko.compiler.program import Call, Place, Value, filled_with
from tinygrad_ko.compiler.storage import WORTH_IT, Storage

_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "less": "<", "less_equal": "<=", "greater": ">"}
_SIGNS |= {"greater_equal": ">=", "equal": "==", "not_equal": "!=", "bitwise_and": "&", "bitwise_or": "|"}
_ORDERED = {"subtract", "divide"}  # whose first input alone can be written over by an operator
_IN_PLACE = {"add", "subtract", "multiply", "divide"}
_RESERVED = {"np", *keyword.kwlist}


class Names:
    """Names of variables: each is given once."""

    def __init__(self) -> None:
        self._given = dict.fromkeys(_RESERVED, 1)  # and how often it was wanted

    def new(self, wanted: str) -> str:
        name = wanted
        while name in self._given:
            self._given[wanted] += 1
            name = f"{wanted}{'_' * wanted[-1:].isdigit()}{self._given[wanted]}"
        self._given[name] = 1
        return name


class Writer:
    """The text of a function. `lines` are its statements, each with the value that it computes."""

    def __init__(
        self, name: str, inputs: list[Value], values: list[Value], results: list[Value], around: "Writer | None" = None
    ) -> None:
        self.name, self.inputs, self.values, self.results = name, inputs, values, results
        sums = [v for v in values if around and v.operation == "reduce" and 0 in v.settings[1]]  # parts, one for each block
        worth_it = 0 if around else WORTH_IT
        self.storage = Storage([*(v for v in inputs if v not in values), *values], [*results, *inputs], sums, worth_it)
        self.places: dict[Value, str] = {}  # arrays that are there for values
        self.names = around.names if around else Names()
        self.given: dict[Value, str] = {} if around else {value: self.names.new(value.name or "x") for value in inputs}
        self.setup: list[str] = around.setup if around else []
        self.room: dict[str, Any] = around.room if around else {"np": np}
        if around:
            return
        self._take_numbers()
        self.write()

    def _take_numbers(self) -> None:
        users = dict[Value, list[Value]]()
        for value in self.values:
            for x in value.values:
                users.setdefault(x, []).append(value)
        self.numbers = [v for v in self.inputs if small.wants_scalars(v, users.get(v, []))]

    def write(self) -> None:
        """Write all values."""
        values = self.values
        self.lines: list[tuple[str, Value]] = []
        self.over = self.storage.over
        self.after = {into: value for value, into in self.over.items()}
        self.inner = {x for value in values for x in value.values if _same_call(x, value)}
        for value in values:
            self._write(value)

    def text(self) -> str:
        answers = ", ".join(self._answer(value) for value in self.results)
        head = [
            "import numpy as np",
            "",
            *self.setup,
            "",
            "",
            f"def {self.name}({', '.join(self.given[v] for v in self.inputs)}):",
        ]
        taken = [f"{self.given[v]} = {self.given[v]}[()]" for v in self.numbers]
        return "\n".join([*head, *(f"    {line}" for line in [*taken, *self.body()]), f"    return {answers}", ""])

    def body(self) -> list[str]:
        """The lines, with comments, inside blocks that say which floating-point errors are meant to happen."""
        body, section, ignored = list[str](), None, ()
        for line, value in self.lines:
            if (now := _section(value)) != section:
                section, ignored = now, ()
                body.append(f"# {now}")
            if value.origin.ignored != ignored:
                ignored = value.origin.ignored
                if ignored:
                    options = ", ".join(f'{kind}="ignore"' for kind in ignored)
                    body.append(f"with np.errstate({options}):")
            body.append("    " * bool(ignored) + line)
        return body

    def _answer(self, value: Value) -> str:
        text = self._use(value)
        if self.storage.is_view(value) or value in self.storage.shared or value.operation in ("input", "constant", "full"):
            return (
                f"np.array({text})"
                if value.operation != "full"
                else f"np.full({value.shape}, {text}, np.{value.dtype})"
            )
        return text if value.shape else f"np.asarray({text})"

    # ------------------------------------------------------------------ statements

    def _write(self, value: Value) -> None:
        if value.operation in ("input", "constant", "full") or self.storage.is_view(value):
            return
        if value.operation == "loop":
            self._write_loop(value)
            return
        if value.operation == "result" and value.inputs[0].operation == "loop":
            return  # the loop has given it a name
        into, wanted = self.over.get(value), self._wanted(value)
        target = self.places.get(value) if into is None else self.given[into]
        same = into in value.inputs and (self._wanted(into) == wanted or value.operation == "put")
        if target is not None and value.operation == "ufunc" and value.nbytes <= small.FEW and not self.places:
            function = value.settings[0]
            changed = value.inputs[:1] if function in _ORDERED else value.inputs
            if function in _SIGNS and not (same and function in _IN_PLACE and into in changed):
                target = None
        if target is not None and same:
            self.given[value] = target
            self._say(self._in_place(value, into, target), value)
            return
        expression = self._expression(value) if target is None else self._into(value, target)
        if value.dtype == object:  # a check
            self._say(expression, value)
            return
        self.given[value] = self.names.new(wanted)
        shape = f"  # {value.shape}" if value.shape else ""
        self._say(f"{self.given[value]} = {expression}{shape}", value)
        if value.operation == "put":
            self._say(self._assignment(value, self.given[value]), value)

    def _write_loop(self, value: Value) -> None:
        loop: Loop = value.settings[0]
        results = {v.settings[0]: v for v in self.values if v.operation == "result" and v.inputs[0] is value}
        inner = Writer("", loop.inputs, loop.values, loop.outputs, around=self)
        head, ends = list[str](), list[tuple[str, Value, str]]()
        places = inner.storage.places([x for x, is_sum in zip(loop.outputs, loop.is_sum, strict=True) if not is_sum])
        start = self.names.new("start")
        for outer, x in zip(value.inputs, loop.inputs, strict=True):
            inner.given[x] = self._use(outer)
            if x.settings[0]:
                name = self.names.new(f"{inner.given[x] if inner.given[x].isidentifier() else 'x'}_")
                head.append(f"{name} = {inner.given[x]}[{start} : {start} + {loop.rows}]")
                inner.given[x] = name
        rows = f"{start} : {start} + {loop.rows}"
        length = next((f"len({inner.given[x]})" for x in loop.inputs if x.settings[0]), f"min({loop.rows}, {loop.length} - {start})")
        whole = length if loop.length % loop.rows else ""
        after = list[tuple[str, Value]]()
        for i, (output, is_sum) in enumerate(zip(loop.outputs, loop.is_sum, strict=True)):
            result = results[i]
            name = self.given[result] = self.names.new(self._wanted(result))
            if is_sum:
                parts = self.names.new(f"{name}_parts")
                self._say(f"{parts} = []", value)
                ends.append((f"{parts}.append(", output, ")"))
                after.append((f"{name} = np.add.reduce({parts}, axis=0)", result))
                continue
            self._say(f"{name} = np.empty({result.shape}, np.{result.dtype})", value)
            if output in places.values():
                begin = next(v for v, end in places.items() if end is output)
                inner.places[begin] = self.names.new(f"{name}_")
                head.append(f"{inner.places[begin]} = {name}[{rows}]")
            else:
                ends.append((f"{name}[{rows}] = ", output, ""))
        scratch = dict[Any, list[Value]]()
        for begin, end in places.items():
            if end is None:
                scratch.setdefault((begin.shape, begin.dtype), []).append(begin)
        for (shape, dtype), same in scratch.items():
            names = [self.names.new("scratch") for _ in same]
            inner.places |= zip(same, names, strict=True)
            made = f"np.empty({(len(same), *shape)}, np.{dtype})"
            if whole:
                room = self.names.new("room")
                self._say(f"{room} = {made}", value)
                made = f"{room}[:, :{whole}]"
            line = f"{', '.join(names)}{',' * (len(names) == 1)} = {made}"
            head.append(line) if whole else self._say(line, value)
        inner.write()
        self._say(
            f"for {start} in range(0, {loop.length}, {loop.rows}):  # blocks that stay in the processor's cache", value
        )
        for line in [*head, *inner.body(), *(f"{begin}{inner._use(output)}{end}" for begin, output, end in ends)]:
            self._say(f"    {line}", value)
        self.lines += after

    def _say(self, line: str, value: Value) -> None:
        self.lines.append((line, value))

    def _in_place(self, value: Value, into: Value, target: str) -> str:
        if value.operation == "put":
            return self._assignment(value, target)
        (function,), inputs = value.settings, value.inputs
        if function in _IN_PLACE and (inputs[0] is into or function in ("add", "multiply")):
            other = inputs[1] if inputs[0] is into else inputs[0]
            return f"{target} {_SIGNS[function]}= {self._use(other, value)}"
        return self._into(value, target)

    def _into(self, value: Value, target: str) -> str:
        if value.operation == "put":
            raise AssertionError
        inputs, function = ", ".join(self._use(x, value) for x in value.inputs), value.settings[0]
        if value.operation == "reduce":
            return f"{self._expression(value).removesuffix(')')}, out={target})"
        return f"np.{function}({inputs}, out={target})"

    def _assignment(self, value: Value, target: str) -> str:
        _, new, *inside = value.inputs
        return f"{target}[{self._index(value.settings[0], inside)}] = {self._use(new, value)}"

    def _wanted(self, value: Value) -> str:
        """The name that a value would like: the user's own; for a gradient d and the name of what it is the gradient of; for what is
        on the way to one of these, in its memory, the same; else that of the op.
        """
        origin, after = value.origin, self.after.get(value)
        if value.name:
            return value.name
        if value in self.inner:
            follows = after is not None and _same_call(after, value)
            return self._wanted(after) if follows else origin.inner or "part"
        if origin.of is not None:
            return f"d{self.given.get(origin.of) or self._wanted(origin.of)}"
        if origin.name is None and after is not None and after.origin.line == origin.line and after.origin.of is None:
            return self._wanted(after)
        return origin.name or origin.op or "value"

    # ------------------------------------------------------------------ expressions

    def _use(self, x: Any, user: Value | None = None) -> str:
        """The expression for an input."""
        if not isinstance(x, Value):
            array = None if user is None else small.ready(x, user)
            return _number(x, user) if array is None else self._hoisted(array, small.name(x))
        if x in self.given:
            return self.given[x]
        if x.operation == "full":
            return _number(x.settings[0], user) if x.shape == () else self._hoisted(filled_with(x))
        if x.operation == "constant":
            return self._hoisted(x.settings[0])
        return self._view(x)

    def _view(self, value: Value) -> str:
        (x,), (how, to) = value.inputs, value.settings
        text = self._use(x)
        if how == "transpose" and to == (1, 0):
            return f"{text}.T"
        if how == "index":
            return f"{text}[{self._index(to, [])}]"
        if how == "reshape" and value.shape == (*x.shape, 1):
            return f"{text}[:, None]" if len(x.shape) == 1 else f"{text}[..., None]"
        if how == "broadcast_to":
            return f"np.broadcast_to({text}, {to})"
        return f"{text}.{how}({to})"

    def _index(self, template: Any, inside: list[Any]) -> str:
        def part(p: Any) -> str:
            if isinstance(p, Place):
                return self._use(inside[p.number])
            if not isinstance(p, slice):
                return "..." if p is ... else repr(p)
            ends = ["" if x is None else str(x) for x in (p.start, p.stop, p.step)]
            return ":".join(ends if p.step is not None else ends[:2])

        return ", ".join(map(part, template)) or "()"

    def _expression(self, value: Value) -> str:
        inputs = [self._use(x, value) for x in value.inputs]
        match value.operation, value.settings:
            case "ufunc", (function,):
                if function in _SIGNS:
                    return f"{inputs[0]} {_SIGNS[function]} {inputs[1]}"
                return f"-{inputs[0]}" if function == "negative" else f"np.{function}({', '.join(inputs)})"
            case "power", ():
                return f"{inputs[0]} ** {inputs[1]}"
            case "where", ():
                return f"np.where({', '.join(inputs)})"
            case "astype", ():
                return f"{inputs[0]}.astype(np.{value.dtype})"
            case "matmul", _:
                return f"{inputs[0]} @ {inputs[1]}"
            case "reduce", (function, axes, keepdims, by_rows):
                if by_rows:
                    return f"np.{function}.reduce({inputs[0]}.T.copy(), axis=0)" + "[:, None]" * keepdims
                axis = "None" if len(axes) == len(value.inputs[0].shape) else axes[0] if len(axes) == 1 else axes
                return f"np.{function}.reduce({inputs[0]}, axis={axis}{', keepdims=True' * keepdims})"
            case "take", (template,):
                return f"{inputs[0]}[{self._index(template, [*value.inputs[1:]])}]"
            case "put", _:
                x = value.inputs[0]
                return (
                    f"np.full({x.shape}, {_number(x.settings[0], None)}, np.{x.dtype})"
                    if x.operation == "full"
                    else f"{inputs[0]}.copy()"
                )
            case "call", (call,):
                return self._called(call, value)
            case "result", (i,):
                return f"{inputs[0]}[{i}]"
            case "view", _:
                return self._view(value)
        raise AssertionError(value.operation)

    def _called(self, call: Call, value: Value) -> str:
        name = call.name
        if not name.startswith("np."):
            name = next((n for n, f in self.room.items() if f is call.function), "") or self.names.new(name)
            self.room[name] = call.function

        def text(part: Any) -> str:
            if isinstance(part, Place):
                x = value.inputs[part.number]
                return self._hoisted(filled_with(x)) if x.operation == "full" else self._use(x)
            if isinstance(part, list | tuple):
                inner = ", ".join(map(text, part))
                return f"[{inner}]" if isinstance(part, list) else f"({inner}{',' * (len(part) == 1)})"
            if isinstance(part, np.dtype | type):
                return f"np.{np.dtype(part)}"
            if is_dataclass(part):
                self.room[type(part).__name__] = type(part)
            return "np" if part is np else repr(part)

        parts = [*map(text, call.arguments), *(f"{key}={text(part)}" for key, part in call.options.items())]
        return f"{name}({', '.join(parts)})"

    def _hoisted(self, array: Any, wanted: str = "K") -> str:
        """The name of an array that is made once, at the top."""
        bits, like = array.tobytes(), (array.dtype, array.shape, array.strides)
        for name, other in self.room.items():
            if type(other) is np.ndarray and (other.dtype, other.shape, other.strides) == like and other.tobytes() == bits:
                return name
        finite = array.dtype.kind != "f" or np.isfinite(array).all()
        if array.ndim == 1 and array.dtype.kind == "i" and np.array_equal(array, np.arange(array.size)):
            wanted, text = "rows", f"np.arange({array.size})"
        elif not array.size:
            text = f"np.empty({array.shape}, np.{array.dtype})"
        elif not finite:
            text = ""
        elif 0 in array.strides and np.full(array.shape, array.flat[0], array.dtype).tobytes() == bits:
            before = tuple(n if s else 1 for n, s in zip(array.shape, array.strides, strict=True))
            text = f"np.broadcast_to(np.full({before}, {array.flat[0].item()!r}, np.{array.dtype}), {array.shape})"
        elif array.ndim and np.full(array.shape, array.flat[0], array.dtype).tobytes() == bits:
            text = f"np.full({array.shape}, {array.flat[0].item()!r}, np.{array.dtype})"
        else:
            text = f"np.array({array.tolist()!r}, np.{array.dtype})" if array.size <= 16 else ""
        name = self.names.new(wanted)
        self.room[name] = array
        self.setup.append(f"{name} = {text}" if text else f"# {name}: an array of shape {array.shape}")
        return name


def _same_call(x: Value, y: Value) -> bool:
    """Whether two values were computed on the way to the output, or the gradient, of one call of an op."""
    a, b = x.origin, y.origin
    return bool(a.op) and (a.op, a.line, a.name, a.argument, a.of) == (b.op, b.line, b.name, b.argument, b.of)


def _section(value: Value) -> str:
    """The comment above the lines of a value: the line of the user's that it comes from, in backward with the formula."""
    origin = value.origin
    file, _, number = origin.line.rpartition(":")
    text = linecache.getline(file, int(number)).strip() if number else ""
    if not origin.argument:
        return text or origin.op
    return f"backward of {text or origin.op}: the gradient of {origin.argument} is {origin.formula}"


def _number(x: Any, user: Value | None) -> str:
    """A number as Python. One of NumPy's is written as such where it decides the dtype of the result."""
    plain = x.item() if isinstance(x, np.generic) else x
    text = (
        repr(plain)
        if not isinstance(plain, float) or isfinite(plain)
        else f"np.{plain}"
        if plain == plain
        else "np.nan"
    )
    text = text.replace("np.-inf", "-np.inf")
    if isinstance(x, np.generic) and user is not None:
        arrays = [v.dtype for v in user.values]
        if np.result_type(*arrays, plain) != np.result_type(*arrays, x):
            return f"np.{x.dtype}({text})"
    return text
