"""Writing: the statements of the Python function that computes a program, and the names of its variables."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_ko.compiler.page.comments import Comments, wrapped
from tinygrad_ko.compiler.page.expressions import SIGNS, Expressions
from tinygrad_ko.compiler.page.globals import PageGlobals, array_text
from tinygrad_ko.compiler.page.names import PageNames
from tinygrad_ko.compiler.page.nesting import with_nested
from tinygrad_ko.compiler.program import small
from tinygrad_ko.compiler.program.blocks import Loop
from tinygrad_ko.compiler.program.storage import REUSED_FROM, SMALL, Storage
from tinygrad_ko.compiler.program.values import Value

_IN_PLACE = {"add", "subtract", "multiply", "divide"}
_EITHER_WAY = {"add", "multiply"}
_NO_STATEMENT = ("input", "constant", "full")
_LONG = 100  # characters, from which on a line is broken


class Writer:
    """The text of a function. `lines` are its statements, each with the value that it computes; the body of a loop is written by another
    Writer, which shares the names of this one, its `outer`.
    """

    def __init__(
        self, name: str, inputs: list[Value], values: list[Value], results: list[Value], outer: "Writer | None" = None
    ) -> None:
        self.inputs, self.results, self.lines = inputs, results, list[tuple[Any, Value]]()
        self.values, self.nested = with_nested(values, results)
        # In a loop, sums of a block: a list collects them, so each needs memory of its own.
        parts = {v for v in values if outer and v.operation == "reduce" and 0 in v.settings[1]}
        stored = [*(v for v in inputs if v not in values), *self.values]
        self.storage = Storage(stored, [*results, *inputs], self.nested | parts, 0 if outer else REUSED_FROM)
        self.places: dict[
            Value, str
        ] = {}  # in a loop: arrays that are allocated before it, by the values written to them
        self.over = self.storage.over
        self.lost = dict[Value, Value]()  # of each value that is really written over another: that
        self.overwritten_by = {into: value for value, into in self.over.items()}
        self.input_names = {x.name for x in inputs}
        self.wanted = dict[str, str]()  # for each name, the one that was wanted (h for h2)
        self.used = {x for value in self.values for x in value.values} | {*results}
        self.inner = {x for value in self.values for x in value.values if _same_call(x, value)}
        self.names: PageNames = outer.names if outer else PageNames()
        self.page_globals: PageGlobals = outer.page_globals if outer else PageGlobals(self.names)
        self.name = name if outer else self.names.new(name)
        self.given = dict[Value, str]()  # the variable of each value
        # The same by rank, which values share with those that they were rewritten from: for comments, and for loops too.
        self.names_by_rank: dict[int, str] = outer.names_by_rank if outer else {}
        self.expressions = Expressions(self.given, self.page_globals)
        if outer is None:
            self.reserve_functions(values)
            for x in inputs:
                self._name(x, self.names.new(x.name or "x"))
            self.expressions = Expressions(self.given, self.page_globals, small.arrays_of_numbers(values))
            self.write()

    def reserve_functions(self, values: list[Value]) -> None:
        """Name the functions that are called first: a variable must not have the name of one."""
        for value in values:
            if value.operation == "loop":
                self.reserve_functions(value.settings[0].values)
            elif value.operation == "call":
                self.page_globals.called(value.settings[0])

    def write(self) -> None:
        """Write the statements of all values."""
        for value in self.values:
            self._write(value)
        self._returned = [self._result(value) for value in self.results]

    def text(self, language: str = "en") -> str:
        """The whole page."""
        constants = self.page_globals.lines()
        return "\n".join(
            ["import numpy as np", "", *constants, *[""] * bool(constants), "", *self.function(language), ""]
        )

    def function(self, language: str, start: list[str] | None = None, more: Sequence[str] = ()) -> list[str]:
        """The lines of the function, with comments. For an exported file its body begins with the lines `start`, it takes `more` arguments,
        and returns each array once.
        """
        comments = self.comments(language)
        head = in_parentheses(f"def {self.name}(", [*(self.given[x] for x in self.inputs), *more], "):")
        body = [*(start or comments.docstring(self.name, self.inputs)), *self.numbers(), *self.body(comments)]
        returned = (self._returned if start is None else [*dict.fromkeys(self._returned)]) or ["()"]
        text = f"return {', '.join(returned)}"
        body += [text] if len(text) < _LONG or len(returned) == 1 else in_parentheses("return (", returned, ")")
        return [*head, *(f"    {line}" if line else "" for line in body)]

    def comments(self, language: str) -> Comments:
        """What is said above the lines."""
        return Comments(language, self.names_by_rank, self.all_values())

    def numbers(self) -> list[str]:
        """The lines that unpack inputs of shape () to NumPy scalars."""
        users = dict[Value, list[Value]]()
        for value in self.values:
            for x in value.values:
                users.setdefault(x, []).append(value)
        names = [self.given[x] for x in self.inputs if small.wants_scalars(x, users.get(x, []))]
        return [f"{name} = {name}[()]" for name in names]

    @property
    def has_loops(self) -> bool:
        """Whether there are loops over blocks, so that large sums are added in another order."""
        return any(value.operation == "loop" for value in self.values)

    def single_results(self) -> dict[str, int]:
        """The results of an exported function, each array once: their names, and their positions among all results."""
        first = {text: i for i, text in reversed([*enumerate(self._returned)])}
        names = [self.given.get(value) or value.name or f"result{i}" for i, value in enumerate(self.results)]
        for i, value in enumerate(
            self.results
        ):  # a gradient that is a view, in the shape of its argument, has no statement
            wrt = self.differentiated(value)
            if value not in self.given and wrt and f"d{wrt}" not in {*names, *self.given.values()}:
                names[i] = f"d{wrt}"
        return {names[i]: i for i in sorted(first.values())}

    def differentiated(self, value: Value) -> str | None:
        """The argument of the function that a value is the gradient with respect to; None if it is no such gradient."""
        of = _differentiated(value)
        return next((self.given[x] for x in self.inputs if of is not None and x.rank == of.rank), None)

    def all_values(self) -> list[Value]:
        """The values in their order, those of loops too."""
        inside = [x for line, _ in self.lines if isinstance(line, list) for x in line if isinstance(x, Writer)]
        return [*self.values, *(value for writer in inside for value in writer.all_values())]

    def body(self, comments: Comments) -> list[str]:
        """The statements, with comments, in `with np.errstate(...)` where the op ignores floating-point errors."""
        body, ignored = list[str](), tuple[str, ...]()
        for line, value in self.lines:
            if isinstance(line, list):
                for part in line:
                    body += [f"    {text}" for text in ([part] if isinstance(part, str) else part.body(comments))]
                continue
            above = comments.above(value, line.partition("  #")[0])
            if value.operation == "loop" and line.startswith("for "):
                above = [*above, comments.blocks]
            # The body of a loop has statements of its own for that.
            now = () if value.operation == "loop" else value.origin.ignored
            if now and now != ignored:
                options = ", ".join(f'{kind}="ignore"' for kind in now)
                body += [*above, f"with np.errstate({options}):"]
                above = []
            ignored = now
            body += ["    " * bool(ignored) + text for text in [*above, line]]
            comments.written(value, self.lost.get(value))
        return body

    def _result(self, value: Value) -> str:
        """The expression that returns a value, as an array that nothing else refers to."""
        text = self.expressions.use(value)
        if value.is_number:
            return text
        if value.operation == "full":
            return array_text(np.full(value.shape, value.settings[0]))
        if self.storage.is_view(value) or value in self.storage.shared or value.operation in _NO_STATEMENT:
            return f"np.array({text})"
        return text if value.shape else f"np.asarray({text})"

    # ------------------------------------------------------------------ statements

    def _write(self, value: Value) -> None:
        if value.operation in _NO_STATEMENT or self.storage.is_view(value) or value in self.nested:
            return
        if value.operation == "loop":
            self._write_loop(value)
        elif value.operation == "call" and value.settings[0].results:
            self._write_call(value)
        elif value.operation != "result":  # results are named by the statement of their loop or call
            self._write_one(value)

    def _write_one(self, value: Value) -> None:
        into, wanted = self.over.get(value), self._wanted(value)
        target = self.places.get(value) if into is None else self.given[into]
        may_share_name = value.operation == "put" or self._is_nameless(value, into)
        same_name = may_share_name or (
            target and self.wanted.get(target) == wanted and into is not None and _is_of_the_same(into, value)
        )
        if into is not None and target is not None and into in value.inputs and same_name:
            self.lost[value] = into
            line = self._in_place(value, into, target)
            self._name(value, target)
            self._emit(line, value)
            return
        if into is not None and not self._is_by_operator(value):
            self.lost[value] = into
        target = None if self._is_by_operator(value) else target
        expression = self.expressions.of(value)[0] if target is None else self._into(value, target)
        if value not in self.used:  # an effect without a result, like a check
            self._emit(expression, value)
            return
        name = self._name(value, self.names.new(wanted))
        self.wanted[name] = wanted
        self._emit(f"{name} = {expression}{_shape(value)}", value)
        if value.operation == "put":
            self._emit(self._assignment(value, self.given[value]), value)

    def _write_call(self, value: Value) -> None:
        """A call that gives several results."""
        results = {v.settings[0]: v for v in self.values if v.operation == "result" and v.inputs[0] is value}
        targets = ["_"] * value.settings[0].results
        expression = self.expressions.of(value)[0]
        for i, result in results.items():
            targets[i] = self._name(result, self.names.new(self._wanted(result)))
        self._emit(f"{', '.join(targets)}{',' * (len(targets) == 1)} = {expression}", value)

    def _write_loop(self, value: Value) -> None:
        """The arrays of the results, `for start in range(...):`, the blocks of the inputs, the body, and the sums of what it collects."""
        loop: Loop = value.settings[0]
        results = {v.settings[0]: v for v in self.values if v.operation == "result" and v.inputs[0] is value}
        inner = Writer("", loop.inputs, loop.values, loop.outputs, outer=self)
        head, ends = list[str](), list[tuple[str, Value, str]]()
        start = self.names.new("start")
        for source, x in zip(value.inputs, loop.inputs, strict=True):
            given = inner.given[x] = self.expressions.use(source)
            if x.settings[0]:
                name = inner.given[x] = self.names.new(f"{given if given.isidentifier() else 'x'}_")
                head.append(f"{name} = {given}[{start} : {start} + {loop.rows}]")
        places = inner.storage.places([x for x, is_sum in zip(loop.outputs, loop.is_sum, strict=True) if not is_sum])
        head += self._arrays_of_blocks(places, inner, loop, value)
        after = list[tuple[str, Value]]()
        for i, (output, is_sum) in enumerate(zip(loop.outputs, loop.is_sum, strict=True)):
            result = results[i]
            name = self._name(result, self.names.new(self._wanted(result)))
            if is_sum:
                parts = self.names.new(f"{name}_parts")
                self._emit(f"{parts} = []", value)
                ends.append((f"{parts}.append(", output, ")"))
                after.append((f"{name} = np.add.reduce({parts}, axis=0)", result))
            else:
                self._emit(f"{name} = np.empty({result.shape}, np.{result.dtype})", value)
                block = f"{name}[{start} : {start} + {loop.rows}]"
                begin = next((v for v, end in places.items() if end is output), None)
                if begin is None:
                    ends.append((f"{block} = ", output, ""))
                else:
                    inner.places[begin] = self.names.new(f"{name}_")
                    head.append(f"{inner.places[begin]} = {block}")
        inner.write()
        self._emit(f"for {start} in range(0, {loop.length}, {loop.rows}):", value)
        said = [f"{before}{inner.expressions.use(output)}{behind}" for before, output, behind in ends]
        self.lines.append(([*head, inner, *said], value))
        self.lines += after

    def _arrays_of_blocks(
        self, places: dict[Value, Value | None], inner: "Writer", loop: Loop, value: Value
    ) -> list[str]:
        """Allocate, before a loop, the arrays of intermediate results. Returns the lines that shorten them to the last block, if it is
        shorter than the others.
        """
        by_kind, head = dict[Any, list[Value]](), list[str]()
        for begin, end in places.items():
            if end is None:
                by_kind.setdefault((begin.shape, begin.dtype), []).append(begin)
        sliced = next((inner.given[x] for x in loop.inputs if x.settings[0]), None)
        for (shape, dtype), begins in by_kind.items():
            names = [self.names.new("scratch") for _ in begins]
            inner.places |= zip(begins, names, strict=True)
            line = f"{', '.join(names)}{',' * (len(names) == 1)} = "
            made = f"np.empty({(len(names), *shape)}, np.{dtype})"
            if loop.length % loop.rows == 0:
                self._emit(line + made, value)
            else:
                buffers = self.names.new("buffers")
                self._emit(f"{buffers} = {made}", value)
                head.append(f"{line}{buffers}[:, : len({sliced})]")
        return head

    def _name(self, value: Value, name: str) -> str:
        self.given[value] = self.names_by_rank[value.rank] = name
        return name

    def _emit(self, line: str, value: Value) -> None:
        self.lines.append((line, value))

    def _in_place(self, value: Value, into: Value, target: str) -> str:
        """The statement that writes a value over one of its inputs."""
        if value.operation == "put":
            return self._assignment(value, target)
        (function,), inputs = value.settings, value.inputs
        if function in _IN_PLACE and (inputs[0] is into or function in _EITHER_WAY):
            other = inputs[1] if inputs[0] is into else inputs[0]
            return f"{target} {SIGNS[function][0]}= {self.expressions.use(other, value)}"
        if self._is_by_operator(value):
            return f"{target} = {self.expressions.of(value)[0]}"
        return self._into(value, target)

    def _is_by_operator(self, value: Value) -> bool:
        """Whether an operator that allocates a new array is faster than a ufunc with `out=`: for small arrays."""
        return not self.places and value.operation == "ufunc" and value.nbytes <= SMALL and value.settings[0] in SIGNS

    def _into(self, value: Value, target: str) -> str:
        """The call that computes a value with `out=`."""
        if value.operation == "reduce":
            text = self.expressions.of(value)[0].removesuffix(")")
            return f"{text}{', ' * (not text.endswith('('))}out={target})"
        return f"np.{value.settings[0]}({self.expressions.listed(value)}, out={target})"

    def _assignment(self, value: Value, target: str) -> str:
        _, new, *inside = value.inputs
        return f"{target}[{self.expressions.index(value.settings[0], inside)}] = {self.expressions.use(new, value)}"

    def _wanted(self, value: Value) -> str:
        """The best name for a value: the user's own; for a gradient `d` and the name of the value that it is with respect to; for an
        intermediate result in the memory of one of these, that name; otherwise the name of the op.
        """
        origin, after = value.origin, self.overwritten_by.get(value)
        if value.name:
            return f"new_{value.name}" if value.name in self.input_names else value.name
        if value in self.inner:
            follows = after is not None and _same_call(after, value)
            return self._wanted(after) if after is not None and follows else origin.inner or "part"
        if (of := _differentiated(value)) is not None:
            return f"d{self.names_by_rank.get(of.rank) or self._wanted(of)}"
        if origin.of is not None:
            return origin.inner or "part"
        if origin.name is None and after is not None and after.origin.line == origin.line and after.origin.of is None:
            return self._wanted(after)
        return origin.name or origin.op or "value"

    def _is_nameless(self, value: Value, into: Value | None) -> bool:
        """Whether a value may keep the name of the array that it is written over: it is an intermediate result, and the reader does not
        know that array by its name as something else.
        """
        origin = value.origin
        if value.name or value in self.results or into is None:
            return False
        is_inner = value in self.inner or not (origin.op or origin.name)
        return is_inner and (into in self.inner or _same_call(into, value))


def _same_call(x: Value, y: Value) -> bool:
    """Whether two values belong to one call of an op, or to one formula of its gradients."""
    a, b = x.origin, y.origin
    return bool(a.op) and (a.op, a.line, a.name, a.argument, a.of) == (b.op, b.line, b.name, b.argument, b.of)


def _differentiated(value: Value) -> Value | None:
    """What a value is the gradient of. A variadic op gives the gradients of all arguments at once: they differ in shape."""
    of, letters = value.origin.of, value.origin.letters
    if of is None or of.shape == value.shape:
        return of
    inputs = letters.get(value.origin.argument)
    alike = [x for x in inputs if x.shape == value.shape] if isinstance(inputs, tuple) else [of]
    return alike[0] if len(alike) == 1 else None


def _is_of_the_same(x: Value, y: Value) -> bool:
    """Whether two values are gradients of one value, or neither is a gradient."""
    a, b = x.origin.of, y.origin.of
    return a is b or (a is not None and b is not None and a.rank == b.rank)


def _shape(value: Value) -> str:
    return f"  # {value.shape}" if value.shape and value.operation != "put" else ""


def in_parentheses(head: str, items: Sequence[str], tail: str) -> list[str]:
    """A list in parentheses, on one line or broken."""
    text = head + ", ".join(items) + tail
    return [text] if len(text) < _LONG else [head, *(f"    {line}" for line in wrapped(", ".join(items), ",")), tail]
