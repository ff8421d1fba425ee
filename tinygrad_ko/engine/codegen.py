"""The text of an operation: two pieces of Python, written once for every op.

One is the function that is called, the other the class of the nodes it leaves behind. They are what one would write by hand for that op,
with no loop over its arguments; `multiply.op.source()` shows them.

The function works on arrays. If one of its arguments was a Tensor its result is a Tensor; if one of them requires a gradient, it leaves a
node with what the wanted formulas name. The node's `back` applies the formulas and pays each parent its part: a gradient in another
shape or dtype than its argument's goes through `fit`, a second part for the same parent through `add`.
"""

import linecache
import re
import sys
from collections.abc import Callable
from functools import partial
from heapq import heappush
from inspect import Parameter, Signature
from os.path import dirname, join
from types import FunctionType
from typing import Any

import numpy as np

from tinygrad_ko import errors
from tinygrad_ko.arrays import library, memory, operands
from tinygrad_ko.engine import accumulate as cotangent
from tinygrad_ko.engine import dtypes, graph
from tinygrad_ko.engine.graph import Handle, Node
from tinygrad_ko.engine.rule import Op
from tinygrad_ko.runtime.suggestions import wrong_argument

CALL = """\
def {function}{signature}:
{refuse}    _kind = None
    _bare = False
{unwrap}
    try:
        {returned} = _forward({taken})
    except Exception as _error:
        raise _refused(_error, "{name}", ({values}), ({arguments})) from None
    if _kind is None:
        return _out
    if ((_made := _type(_out)) is not _ndarray and _made not in _ARRAYS){foreign}:
        _out = _result(_out, "{name}", ({arguments}), ({values}))
    if _bare:
        {guard} = _guarded(({values}), {guard})
    _tensor = _new(_kind)
    _tensor._array = _out
    _tensor._exposed = False
    if ({wanted}) and ((_mode := _current()) is _USUAL or _mode.record):
        if _mode is _USUAL:
            _n = _new(_Record)
        else:
            _n = _new(_Noted)
            _n.scope = _mode.scope
            _n.seen = _seen(({inputs}), ({arguments}), {{{options}}}, _out) if _mode.watch else None
        _tensor._node = _n
        _n.shape = _out.shape
        _n.dtype = _FLOAT64 if _made is _float64 else _out.dtype
        _n.order = _next_order()
        _n.live = True
{save}
    else:
        _tensor._node = None
    return _tensor
"""
REFUSE_WORDS = """\
    if _wrong:
        raise _wrong_argument(_op.function, *_wrong)
"""
UNWRAP = """\
    if _isinstance({a}, _Handle):
        _kind = _type({a})
        _node_{a} = {a}._node
        _value_{a} = {a}.stable_array() if {a}._exposed else {a}._array
        if (_dtype := _node_{a}.dtype if _node_{a} else _value_{a}.dtype) is not _FLOAT64 and _dtype is not _FLOAT32:
            return _careful({call})
    else:
        _node_{a} = None
        _value_{a} = {a}
        if _type({a}) is _ndarray:
            _bare = True
            if (_dtype := {a}.dtype) is not _FLOAT64 and _dtype is not _FLOAT32:
                return _careful({call})
        elif _type({a}) not in _PLAIN:
            return _careful({call})"""
UNWRAP_CAREFULLY = """\
    if _isinstance({a}, _Handle):
        _kind = _type({a})
        _node_{a} = {a}._node
        _value_{a} = _wide({a}.stable_array())
    else:
        _node_{a} = None
        _bare |= _type({a}) is _ndarray
        _value_{a} = _wide(_operand({a}, "{name}"))"""
UNWRAP_CONSTANT = """\
    if _isinstance({a}, _Handle):
        _kind = _type({a})
        _value_{a} = _constant({a}, "{name}", "{a}")
    elif _type({a}) is _ndarray:
        _bare = True
        _value_{a} = {a} if (_dtype := {a}.dtype) is _BOOL or _dtype is _INT64 else _operand({a}, "{name}")
    else:
        _value_{a} = {a} if _type({a}) in _PLAIN else _operand({a}, "{name}")"""
UNWRAP_VARIADIC = """\
    _node_{a} = _tuple([_x._node if _isinstance(_x, _Handle) else None for _x in {a}])
    _value_{a} = _tuple([_x.stable_array() if _isinstance(_x, _Handle) else _operand(_x, "{name}") for _x in {a}])
    for _x in {a}:
        if _isinstance(_x, _Handle):
            _kind = _type(_x)
        else:
            _bare = True"""
LEAVE_VARIADIC = """
    if _odd_among(_value_{a}):
        return _careful({call})"""
WIDEN_VARIADIC = """
    _value_{a} = _tuple(_map(_wide, _value_{a}))"""
UNWRAP_OPTION = """\
    if _type({a}) not in _SETTINGS:
        {a} = _option({a}, "{name}", "{a}")"""

NODE = """\
class _Record(_Node):
    __slots__ = ({slots})
    op = _op
    parents = _property(lambda n: {parents})

    def back(n, g, due, waiting, free):
        if not n.live:
            raise _spent("{name}")
{pulls}
        if free:
            n.live = False
            {free}

class _Noted(_Record):
    __slots__ = ("scope", "seen")

    def back(n, g, due, waiting, free):
        if n.seen:
            n.seen.gradient = g
        _Record.back(n, g, due, waiting, free and not n.seen)
        n.live = not free
"""
PULL = """\
        if (to := n.from_{a}) is not None:
            part = _rule_{a}({asks})"""
PULL_VARIADIC = """\
        for to, part in _zip(n.from_{a}, _rule_{a}({asks}), strict=True):
            if to is None:
                continue"""
PAY = """
            if part.shape != to.shape or part.dtype is not to.dtype:
                part = _fit(part, to, n, "{a}", due)
            if to in due:
                due[to] = _add(due[to], part)
            else:
                due[to] = part
                if to.op is not None:
                    _push(waiting, (to.order, to))"""


def generated(record: Op) -> Callable[..., Any]:
    """The function of an op. Its text is written when it is first called, so that importing a rule book costs little."""
    rules = {f"_rule_{a}": formula for a, formula in record.formulas.items() if formula}
    room: dict[str, Any] = {**TOOLS, **rules, "_op": record, "_forward": record.forward}

    def enter(source: str, filename: str) -> None:
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)  # for tracebacks
        exec(compile(source, filename, "exec"), room)

    def careful(*arguments: Any, **options: Any) -> Any:
        enter(text(record, careful=True), f"<op {record.name} of any dtype>")
        room["_wide"], room["_careful"] = dtypes.careful(record, room["_any_dtype"])
        return room["_careful"](*arguments, **options)

    def write() -> Any:
        enter(text(record), f"<op {record.name}>")
        function.__code__ = room[record.name].__code__
        function.__defaults__, function.__kwdefaults__ = record.forward.__defaults__, record.forward.__kwdefaults__
        return function

    room["_write"], room["_careful"] = write, careful
    function: Any = FunctionType(first_call.__code__, room, record.forward.__name__)
    function.__doc__, function.__module__ = record.forward.__doc__, record.forward.__module__
    function.__qualname__ = record.forward.__qualname__
    function.__signature__ = record.signature
    function.op, record.source, record.function = record, partial(text, record), function
    return function


def first_call(*arguments: Any, **options: Any) -> Any:
    """The code of every op before it is written."""
    return globals()["_write"]()(*arguments, **options)  # the globals are the room of the op


def text(record: Op, careful: bool = False) -> str:
    """The Python that does what a record says: the class of the nodes, then the function. Or, `careful`, the function that takes
    arguments of any dtype.
    """
    name, words, differentiable = record.name, record.words, record.differentiable
    bare = [
        p.replace(annotation=Parameter.empty, default=p.default if p.default is Parameter.empty else None)
        for p in record.signature.parameters.values()
    ]
    named = "axis" in record.parameters
    if named:  # PyTorch calls it dim
        bare.append(Parameter("_wrong", Parameter.VAR_KEYWORD))

    def where_from(word: str) -> str:
        """The expression for a word when the op is called."""
        if word in record.arguments:
            if record.variadic:
                return (
                    f"_tuple([_v if _isinstance(_x, _Handle) else _own(_v) for _x, _v in _zip({word}, _value_{word})])"
                )
            return f"_value_{word} if _value_{word} is not {word} else _own({word})"
        if word == "out":
            return "_out"
        if word in record.keeps:
            return f"_keep_{word}"
        if word in record.parameters:
            return f"{word} if _type({word}) in _NUMBERS else _own({word})"
        argument = word.removesuffix("_shape")
        return f"_tuple([_shape(_v) for _v in _value_{argument}])" if record.variadic else f"_shape(_value_{argument})"

    def save(word: str) -> str:
        askers = [a for a in differentiable if word in words[a]]
        always = len(differentiable) == 1
        wanted = " or ".join(f"_node_{a} is not None" for a in askers)
        return f"        _n.kept_{word} = " + (
            where_from(word) if always else f"({where_from(word)}) if {wanted} else None"
        )

    def pull(a: str) -> str:
        asks = ", ".join("g" if w == "g" else f"n.kept_{w}" for w in record.asks[a])
        return ((PULL_VARIADIC if record.variadic else PULL) + PAY).format(a=a, asks=asks)

    def unwrap(a: str) -> str:
        if a in record.parameters:
            template = UNWRAP_OPTION
        elif a not in differentiable:
            template = UNWRAP_CONSTANT
        elif record.variadic:
            template = UNWRAP_VARIADIC + (WIDEN_VARIADIC if careful else LEAVE_VARIADIC)
        else:
            template = UNWRAP_CAREFULLY if careful else UNWRAP
        return template.format(a=a, name=name, call=arguments + options)

    star, first = "*" * record.variadic, f"_value_{record.arguments[0]}"
    arguments = "".join(f"{star}{a}, " for a in record.arguments)
    values = "".join(f"{star}_value_{a}, " for a in record.arguments)
    options = "".join(f"{p}={p}, " for p in record.parameters)
    xp = f"_quick if _type({first}) in _ARRAYS else _namespace({values})"
    if record.variadic:
        wanted = [f"_any([_x is not None for _x in _node_{a}])" for a in differentiable]
        foreign = [f"not _PLAIN.issuperset(_map(_type, {first}))"]
    else:
        wanted = [f"_node_{a} is not None" for a in differentiable]
        foreign = [f"_type(_value_{a}) not in _PLAIN" for a in record.arguments[1:]]
    returned = ", ".join(["_out", *(f"_keep_{k}" for k in record.keeps)])
    call = CALL.format(
        name=name,
        function="_any_dtype" if careful else name,
        signature=Signature(bare),
        refuse=REFUSE_WORDS if named else "",
        unwrap="\n".join(map(unwrap, [*record.arguments, *record.parameters])),
        returned=returned,
        guard=returned + "," * (not record.keeps),
        taken=f"{xp}, " * record.takes_xp + values + options,
        values=values,
        arguments=arguments,
        foreign="".join(f" or {test}" for test in foreign),
        inputs="".join(f"{star}({where_from(a)}), " for a in record.arguments),
        options=", ".join(f'"{p}": {p}' for p in record.parameters),
        wanted=" or ".join(wanted) or "False",
        save="\n".join([f"        _n.from_{a} = _node_{a}" for a in differentiable] + [save(w) for w in record.kept]),
    )
    if careful:
        return call
    slots = [f"from_{a}" for a in differentiable] + [f"kept_{w}" for w in record.kept]
    parents = "(" + "".join(f"n.from_{a}, " for a in differentiable) + ")"
    node = NODE.format(
        name=name,
        slots="".join(f'"{s}", ' for s in slots),
        parents=f"n.from_{record.arguments[0]}" if record.variadic else parents,
        pulls="\n".join(map(pull, differentiable)) or "        pass",
        free="".join(f"n.kept_{w} = " for w in record.kept) + ("None" if record.kept else "pass"),
    )
    return node + "\n\n" + call


INSIDE = (join(dirname(__file__), ""), "<op ")  # where the frames are that are not the user's
COMMAND_LINE = "tinygrad_ko.cli"  # what calls that is the script that pip wrote
OTHERS = re.compile(r"(numpy|runpy|contextlib|hypothesis|hypothesis_temporary_module\w*)(\.|$)")


def shape(value: Any) -> tuple[int, ...]:
    """The shape of an array or a number."""
    return value.shape if hasattr(value, "shape") else np.shape(value)


def constant(tensor: Handle, op: str, argument: str) -> library.Array:
    """The array of a Tensor that stands where no gradient can be given."""
    if tensor._node is not None and graph.current.get().record:
        raise errors.not_differentiable(op, argument)
    return tensor.stable_array()


def option(value: Any, op: str, name: str) -> Any:
    """An option of an op, if it is not one of the usual settings: the array of a Tensor; numbers must be real."""
    if isinstance(value, Handle):
        return constant(value, op, name)
    return operands.operand(value, op) if isinstance(value, complex | np.ndarray | np.generic) else value


def result(out: Any, op: str, given: tuple[Any, ...], values: tuple[Any, ...]) -> library.Array:
    """The output of a forward, which must be an array of real numbers or a number, in the library of its arguments."""
    if isinstance(out, tuple | list) or not library.is_real(out := library.as_array(out)):
        raise errors.no_array(op, out)
    held = [
        v
        for x, v in zip(given, values, strict=True)
        if hasattr(v, "shape") and not (x is v and isinstance(v, np.generic))
    ]
    if len(libraries := sorted({library.library_name(array) for array in [out, *held]})) > 1:
        raise errors.mixed(op, libraries, values)
    return out


def odd_among(values: tuple[Any, ...]) -> bool:
    """Whether an array among some values is neither float64 nor float32."""
    return any(
        hasattr(v, "dtype") and v.dtype is not library.FLOAT64 and v.dtype is not library.FLOAT32 for v in values
    )


def guarded(values: tuple[Any, ...], *results: Any) -> tuple[Any, ...]:
    """The results of a forward, where bare arrays of the user's stood beside Tensors: apart from their memory."""
    for result in results:
        if type(result) is np.ndarray and (result.base is not None or any(result is value for value in values)):
            return tuple([memory.apart(result, values) for result in results])
    return results


def seen(
    inputs: tuple[Any, ...], given: tuple[Any, ...], options: dict[str, Any], out: library.Array
) -> graph.DebugRecord:
    """What is remembered under `watch()`: the inputs in the dtypes in which they were given."""
    halves = [dtypes.is_half(dtypes.numpy_dtype(x)) for x in given]
    inputs = tuple([v.astype(np.float16) if half else v for v, half in zip(inputs, halves, strict=True)])
    return graph.DebugRecord(
        inputs, tuple(map(id, given)), {k: memory.own(v) for k, v in options.items()}, out, users_line()
    )


def users_line() -> str:
    """`file:line` of the nearest caller outside this package; nothing if there is none."""
    frame: Any = sys._getframe(1)
    while frame and (frame.f_code.co_filename.startswith(INSIDE) or OTHERS.match(frame.f_globals.get("__name__", ""))):
        frame = None if frame.f_globals.get("__name__") == COMMAND_LINE else frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else ""


OURS = (
    library.namespace,
    operands.operand,
    memory.own,
    cotangent.add,
    cotangent.fit,
    errors.refused,
    errors.spent,
    wrong_argument,
)
HERE = (constant, guarded, odd_among, option, result, seen, shape)
PYTHONS = (any, isinstance, map, property, tuple, type, zip)
TOOLS: dict[str, Any] = {
    **{f"_{tool.__name__}": tool for tool in (*OURS, *HERE, *PYTHONS)},
    "__name__": __name__,
    "_ARRAYS": library.ARRAYS,
    "_BOOL": library.BOOL,
    "_FLOAT32": library.FLOAT32,
    "_FLOAT64": library.FLOAT64,
    "_Handle": Handle,
    "_INT64": library.INT64,
    "_NUMBERS": library.NUMBERS,
    "_Node": Node,
    "_PLAIN": library.PLAIN,
    "_SETTINGS": library.NUMBERS | {tuple, str, slice, type},
    "_USUAL": graph.USUAL,
    "_current": graph.current.get,
    "_float64": np.float64,
    "_ndarray": np.ndarray,
    "_new": object.__new__,
    "_next_order": graph.next_order,
    "_push": heappush,
    "_quick": library.quick,
}
