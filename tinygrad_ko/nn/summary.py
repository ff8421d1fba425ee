"""The summary of a network: its layers in the order in which they are called, what they return and what they hold.

The network is really called, with a hook on every layer in it, and afterwards everything is as it was before.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from tinygrad_ko.arrays.library import Array, is_floating, quiet
from tinygrad_ko.arrays.memory import bytes_of
from tinygrad_ko.check.functions.function import function_name
from tinygrad_ko.engine.graph import Handle, Switch, behind
from tinygrad_ko.nn.hooks import CallRecorder, call_inputs, deeper_recursion, writable_input
from tinygrad_ko.nn.inspection import layer_calls, recorded_scores
from tinygrad_ko.nn.table import Output, Row, aligned, call_text, cells, outputs_of
from tinygrad_ko.runtime.inlining import inlining
from tinygrad_ko.state.preserve import preserving_state
from tinygrad_ko.state.saved import leaves_of, saved_bytes

_FIRST, _LAST = 45, 15  # so many rows are printed of a table that is longer
_COUNTS = ("parameters", "bytes")


@dataclass
class Summary:
    """What `summary()` returns: the rows and the totals. It prints as a table.

    `parameters` is how many numbers the network holds in all, `trained` how many of them require a gradient, `bytes` what they take in
    memory. `kept` is how many bytes beside them and the inputs the graph of the result keeps until `backward()`; None without a call, and
    where the result hides its Tensors in an object. `shared` names the Tensors that are found a second time, which is not counted.
    """

    title: str
    columns: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    parameters: int = 0
    trained: int = 0
    bytes: int = 0
    kept: int | None = None
    shared: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        rows = list(cells(self.rows))
        hidden = len(rows) - _FIRST - _LAST
        lines = aligned(self.columns, rows if hidden <= 0 else rows[:_FIRST] + rows[-_LAST:])
        if hidden > 0:
            lines.insert(1 + _FIRST, f"... {hidden:,} rows are not shown; .rows has all {len(rows):,}")
        rest = self.parameters - self.trained
        trained = f"{self.trained:,} trained and {rest:,} not" if rest else "all trained"
        whole = f"{self.parameters:,} parameters, {trained}; {self.bytes:,} bytes"
        lines.append(whole if self.parameters else "no parameters")
        if self.kept is not None:
            lines.append(f"the graph of the result keeps {self.kept:,} bytes more until backward()")
        lines += [f"counted once: {shared}" for shared in self.shared[:_LAST]]
        if len(self.shared) > _LAST:
            lines.append(f"... and {len(self.shared) - _LAST:,} more; .shared has all {len(self.shared):,}")
        return "\n".join([self.title, *(f"  {line}" for line in lines)])

    __repr__ = __str__


def of_module(
    model: Any, walk: Callable[[Any], Iterator[Any]], inputs: tuple[Any, ...], dtype: Any, options: dict[str, Any]
) -> Summary:
    """The summary of a module with the parts that `walk` finds, called with these inputs; without any, as it stands."""
    with preserving_state(model, inputs, options):  # from here on, for other threads may be at it
        parts, title = list(walk(model)), type(model).__name__
        layers = [part for part in parts if not isinstance(part.value, Handle)]
        held = [part for part in parts if isinstance(part.value, Handle)]
        summary = Summary(f"{title}, not called: summary(x) also shows what each layer returns", ("layer", *_COUNTS))
        summary.rows = _uncalled_rows(layers)
        _count_tensors(summary, held)
        if not inputs and not options and dtype is None:
            return summary
        tensors = [part.value for part in held]
        usual = next((t._array.dtype for t in tensors if is_floating(t._array.dtype)), np.float64)
        given, named = call_inputs(inputs, dtype, usual), {key: writable_input(x) for key, x in options.items()}
        mode = "in training" if model.training else "after eval()"
        summary.title = f"{title} called with {call_text(given, named) or 'nothing'}, {mode}"
        summary.columns = ("layer", "output shape", "dtype", *_COUNTS)
        recorder = CallRecorder()
        for part, row in zip(layers, summary.rows, strict=True):  # preserving_state takes all of these hooks away again
            if _is_module(part.value):
                name = part.value._computes
                vars(part.value)[name] = recorder.hooked(getattr(part.value, name), row)
            else:
                part.holder[part.key] = recorder.hooked(part.value, row)
        deeper = deeper_recursion(max(row.depth for row in summary.rows))
        with Switch(record=True), quiet(all="ignore"), inlining(), deeper:
            y = model(*given, **named)
            summary.kept = _saved_behind(y, [tensors, given, named])
    idle = [row for row in summary.rows if not row.call]
    for row in idle:
        row.depth = 1
    summary.rows = [*recorder.rows, *idle]
    return summary


def of_arrays(name: str, params: dict[str, Array]) -> Summary:
    """The summary of a network whose parameters are a dict of plain arrays, and whose layers are not known."""
    summary = Summary(name, ("name", "shape", "dtype", *_COUNTS))
    for key, array in params.items():
        array = np.asarray(array)
        summary.rows.append(Row(key, "", call=1, outputs=outputs_of(array)))
        _count(summary, summary.rows[-1], array, is_floating(array.dtype))
    return summary


def of_network(net: Any, x: Any, dtype: Any) -> Summary:
    """The summary of a network of the book: of its arrays or, with an input, of the layers that its scores are computed by."""
    summary = of_arrays(type(net).__name__, net.params)
    if x is None and dtype is None:
        return summary
    arrays = {name: np.asarray(array) for name, array in net.params.items()}
    usual = next((array.dtype for array in arrays.values() if is_floating(array.dtype)), np.dtype(float))
    (x,) = call_inputs((x,), dtype, usual)
    with quiet(all="ignore"):
        y = recorded_scores(net, x)
    summary.title = f"{summary.title} called with {call_text((x,), {})}"
    summary.columns, summary.rows = ("layer", "output shape", "dtype", *_COUNTS), []
    counted: set[str] = set()
    for name, kind, result, parameters in layer_calls(net, y):
        label = kind if name else f"{kind}({', '.join(parameters)})" if parameters else kind
        row = Row(name, label, call=1, outputs=[Output("", tuple(result.shape), str(result.dtype))])
        for each in parameters:
            if each not in counted:
                row.parameters += arrays[each].size
                row.bytes += bytes_of(arrays[each])
        counted.update(parameters)
        summary.rows.append(row)
    summary.kept = _saved_behind(y, [list(arrays.values()), x])
    return summary


def _uncalled_rows(layers: list[Any]) -> list[Row]:
    """A row for each layer, as deep as it stands in the others."""
    modules: dict[str, Row] = {}
    rows: list[Row] = []
    for path, value, _, _ in layers:
        depth = _holder(path, modules).depth + 1 if modules else 0
        rows.append(Row(path, type(value).__name__ if _is_module(value) else function_name(value), depth))
        if _is_module(value):
            modules.setdefault(path, rows[-1])
    return rows


def _is_module(layer: Any) -> bool:
    return hasattr(layer, "named_tensors")


def _holder(path: str, rows: dict[str, Row]) -> Row:
    """The row of the innermost module that holds what stands at a path."""
    while (path := path.rpartition(".")[0]) not in rows:
        pass
    return rows[path]


def _count_tensors(summary: Summary, parts: list[Any]) -> None:
    rows = {row.path: row for row in summary.rows}
    first: dict[int, str] = {}
    for path, tensor, _, _ in parts:
        if id(tensor) in first:
            summary.shared.append(f"{path} is {first[id(tensor)]}")
        else:
            first[id(tensor)] = path
            _count(summary, _holder(path, rows), tensor._array, tensor.requires_grad)


def _count(summary: Summary, row: Row, array: Array, trained: bool) -> None:
    size, taken = prod(array.shape), bytes_of(array)
    row.parameters, row.bytes = row.parameters + size, row.bytes + taken
    summary.parameters, summary.bytes = summary.parameters + size, summary.bytes + taken
    summary.trained += size * trained


def _saved_behind(y: Any, beside: Any) -> int | None:
    """How many bytes the graph of y keeps until backward, beside arrays that are there anyway; None if y may hide Tensors."""
    if not all(isinstance(x, Handle | np.ndarray | np.generic | int | float | str | None) for x in leaves_of(y)):
        return None
    nodes = behind(*[x._node for x in leaves_of(y) if isinstance(x, Handle)])
    return saved_bytes(nodes, beside)
