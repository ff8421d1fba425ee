"""Code generation: for every op the function that users call and the class of the nodes it records, as the text of Python code.

They are what one would write by hand for that op, without a loop over its arguments: `print(multiply.op.source())` shows them.

The function takes the arrays out of Tensors, calls the forward, and puts the result into a Tensor if there was one among the arguments.
If an argument requires a gradient, it records a node with its parents and the values that the wanted formulas name.

The node's `propagate` is the chain rule of that op: it evaluates the formulas as `Node.contributions` does, and accumulates what they
give. (A loop over `contributions` in place of that text takes about a tenth longer on small arrays.)

Names in the text that begin with an underscore are the engine's own; those of arguments and options do not. In the function:

    _kind                 the class of the Tensors among the arguments, None if there are none
    _bare                 whether an array of the caller's is among them, of which the output could be a view
    _value_a, _node_a     the array and the node of the argument a; without a Tensor, a itself and None
    _out, _keep_mask      what the forward returned
    _made                 the type of the output
    _tensor, _n           the result and its new node
    _like                 the first node among the arguments; None if nothing requires a gradient
    _shape_out            the shape of the output; where that node has an equal one, the new node shares it: a tuple less in each
    _noted                whether the node remembers its scope, or what it was computed from and to
"""

import linecache
from collections.abc import Callable, Iterable
from heapq import heappush
from inspect import Parameter, Signature
from itertools import repeat
from types import FunctionType
from typing import Any

import numpy as np

from tinygrad_ko import errors
from tinygrad_ko.arrays import dtypes, library, memory, operands
from tinygrad_ko.engine import accumulate, graph
from tinygrad_ko.engine.graph import Handle, Node
from tinygrad_ko.engine.rule import Op
from tinygrad_ko.runtime.callers import users_line
from tinygrad_ko.runtime.suggestions import wrong_argument

_FUNCTION = """\
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
        {returned}, = _in_own_memory(({returned},), ({values}))
    _tensor = _new(_kind)
    _tensor._array = _out
    _tensor._exposed = False
    if (_like := {wanted}) is not None and (_mode := _current()).record:
        _noted = _mode.scope or _mode.watch
        _tensor._node = _n = (_NotedNode if _noted else _OpNode)()
        if _noted:
            _n.scope = _mode.scope
            _n.seen = _debug_record(({inputs}), ({arguments}), {{{options}}}, _out) if _mode.watch else None
        _n.shape = _like.shape if (_shape_out := _out.shape) == _like.shape else _shape_out
        _n.dtype = _FLOAT64 if _made is _float64 else _out.dtype
        _n.order = _next_order()
        _n.live = True
{save}
    else:
        _tensor._node = None
    return _tensor
"""
_REFUSE = "    if _wrong:\n        raise _wrong_argument(_op.function, *_wrong)\n"
_UNWRAP = """\
    if _isinstance({a}, _Handle):
        _kind = _type({a})
        _node_{a} = {a}._node
        _value_{a} = {a}.stable_array() if {a}._exposed else {a}._array
        if (_dtype := _node_{a}.dtype if _node_{a} else _value_{a}.dtype) is not _FLOAT64 and _dtype is not _FLOAT32:
            return _in_any_dtype({call})
    else:
        _node_{a} = None
        _value_{a} = {a}
        if _type({a}) is _ndarray:
            _bare = True
            if (_dtype := {a}.dtype) is not _FLOAT64 and _dtype is not _FLOAT32:
                return _in_any_dtype({call})
        elif _type({a}) not in _PLAIN:
            return _in_any_dtype({call})"""
_UNWRAP_ANY_DTYPE = """\
    if _isinstance({a}, _Handle):
        _kind = _type({a})
        _node_{a} = {a}._node
        _value_{a} = _widened({a}.stable_array())
    else:
        _node_{a} = None
        _bare |= _type({a}) is _ndarray
        _value_{a} = _widened(_operand({a}, "{name}"))"""
_UNWRAP_CONSTANT = """\
    if _isinstance({a}, _Handle):
        _kind = _type({a})
        _value_{a} = _constant({a}, "{name}", "{a}")
    elif _type({a}) is _ndarray:
        _bare = True
        _value_{a} = {a} if (_dtype := {a}.dtype) is _BOOL or _dtype is _INT64 else _operand({a}, "{name}")
    else:
        _value_{a} = {a} if _type({a}) in _PLAIN else _operand({a}, "{name}")"""
_UNWRAP_VARIADIC = """\
    _node_{a} = _tuple([_x._node if _isinstance(_x, _Handle) else None for _x in {a}])
    _value_{a} = _tuple([_x if _type(_x) is _ndarray else _x.stable_array() if _isinstance(_x, _Handle) else
        _operand(_x, "{name}") for _x in {a}])
    for _x in {a}:
        if _isinstance(_x, _Handle):
            _kind = _type(_x)
        else:
            _bare = True
"""
_ANY_UNUSUAL = """\
    if _any_unusual(_value_{a}):
        return _in_any_dtype({call})"""
_WIDEN_ALL = '    _value_{a} = _tuple([_widened(_operand(_v, "{name}")) for _v in _value_{a}])'
_UNWRAP_OPTION = """\
    if {unless}_type({a}) not in _SETTINGS:
        {a} = _option({a}, "{name}", "{a}")"""

_NODE = """\
class _OpNode(_Node):
    __slots__ = ({slots})
    op = _op
    parents = _property(lambda n: {parents})
    saved = _property(lambda n: {{{saved}}})

    def propagate(n, g, gradients, pending, free):
        if not n.live:
            raise _already_freed("{name}")
{propagate}        if free:
            n.live = False
{free}
    def rebound(n, parents, saved):
        same = _OpNode()
        same.shape, same.dtype, same.order, same.live = n.shape, n.dtype, n.order, n.live
{rebound}        return same

class _NotedNode(_OpNode):
    __slots__ = ("scope", "seen")
"""
_PROPAGATE = """\
        if (parent := n.parent_{a}) is not None:
            part = {part}"""
_PROPAGATE_VARIADIC = """\
        for parent, part in _zip(n.parent_{a}, {part}, strict=True):
            if parent is None:
                continue"""
_ACCUMULATE = """
            if part.shape != parent.shape or part.dtype is not parent.dtype:
                part = _unbroadcast(part, parent, n, "{a}", parent not in gradients)
            if parent in gradients:
                gradients[parent] = _accumulated(gradients[parent], part)
            else:
                gradients[parent] = part
                if parent.op is not None:
                    _heappush(pending, (parent.order, parent))
"""


def generated(op: Op) -> Callable[..., Any]:
    """The function of an op. Its text is written and compiled when it is first called, so that the import of all ops takes little time."""
    formulas = {f"_formula_{a}": formula for a, formula in op.formulas.items() if formula}
    namespace: dict[str, Any] = {**_TOOLS, **formulas, "_op": op, "_forward": op.forward}

    def run(source: str, filename: str) -> None:
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)  # for tracebacks
        exec(compile(source, filename, "exec"), namespace)

    def write() -> Any:
        run(op.source(), f"<op {op.name}>")
        function.__code__ = namespace[op.name].__code__
        function.__defaults__, function.__kwdefaults__ = op.forward.__defaults__, op.forward.__kwdefaults__
        return function

    def in_any_dtype(*arguments: Any, **options: Any) -> Any:
        run(_function_text(op, any_dtype=True), f"<op {op.name} of any dtype>")
        differentiable = repeat(True) if op.variadic else [a in op.differentiable for a in op.arguments]
        widened, call = dtypes.in_any_dtype(op.forward, namespace["_any_dtype"], differentiable, _rounded)
        namespace["_widened"], namespace["_in_any_dtype"] = widened, call
        return call(*arguments, **options)

    namespace["_write"], namespace["_in_any_dtype"] = write, in_any_dtype
    function: Any = FunctionType(_first_call.__code__, namespace, op.forward.__name__)
    function.__doc__, function.__module__ = op.forward.__doc__, op.forward.__module__
    function.__qualname__, function.__signature__ = op.forward.__qualname__, op.signature
    op.source = lambda: f"{_node_text(op)}\n\n{_function_text(op)}"
    function.op, op.function = op, function
    return function


def _first_call(*arguments: Any, **options: Any) -> Any:
    """The code of every op's function until its first call."""
    return globals()["_write"]()(*arguments, **options)  # its globals are the namespace in `generated`


def _node_text(op: Op) -> str:
    """The class of the nodes of an op; nothing if no argument has a formula, for then no node is ever recorded."""
    if not op.differentiable:
        return ""

    def part(a: str) -> str:
        return f"_formula_{a}({', '.join('g' if w == 'g' else f'n.saved_{w}' for w in op.named_by[a])})"

    propagate = (_PROPAGATE_VARIADIC if op.variadic else _PROPAGATE) + _ACCUMULATE
    parents = f"n.parent_{op.arguments[0]}" if op.variadic else f"({_joined('n.parent_{}, ', op.differentiable)})"
    return _NODE.format(
        slots=_joined('"parent_{}", ', op.differentiable) + _joined('"saved_{}", ', op.saved),
        parents=parents,
        saved=_joined('"{0}": n.saved_{0}, ', op.saved),
        name=op.name,
        propagate="".join(propagate.format(a=a, part=part(a)) for a in op.differentiable),
        free="            if n.seen is None:\n" * bool(op.saved)
        + _joined("                n.saved_{} = None\n", op.saved),
        rebound=f"        {parents.replace('n.', 'same.')} = parents\n"
        + _joined('        same.saved_{0} = saved["{0}"]\n', op.saved),
    )


def _function_text(op: Op, any_dtype: bool = False) -> str:
    """The function of an op for float64 and float32; with `any_dtype` the one that it calls for anything else."""
    star, first = "*" * op.variadic, op.arguments[0]
    arguments, values = _joined(star + "{}, ", op.arguments), _joined(star + "_value_{}, ", op.arguments)
    options = _joined("{0}={0}, ", op.options)
    bare = [p.replace(annotation=Parameter.empty, default=Parameter.empty) for p in op.signature.parameters.values()]
    takes_wrong = "axis" in op.options  # so that dim=, PyTorch's word for it, gets an error that names axis
    bare += [Parameter("_wrong", Parameter.VAR_KEYWORD)] * takes_wrong

    def unwrap(a: str) -> str:
        if a in op.options:
            usual = op.signature.parameters[a].default  # None, True and False are quickly told from others
            template = _UNWRAP_OPTION.replace("{unless}", f"{a} is not {usual} and " * isinstance(usual, bool | None))
        elif a not in op.differentiable:
            template = _UNWRAP_CONSTANT
        elif op.variadic:
            template = _UNWRAP_VARIADIC + (_WIDEN_ALL if any_dtype else _ANY_UNUSUAL)
        else:
            template = _UNWRAP_ANY_DTYPE if any_dtype else _UNWRAP
        return template.format(a=a, name=op.name, call=arguments + options)

    def value(word: str) -> str:
        """The expression, in that function, for a value that a formula names. Arrays of the caller's are copied."""
        if word in op.arguments and op.variadic:
            return f"_tuple([_v if _isinstance(_x, _Handle) else _own(_v) for _x, _v in _zip({word}, _value_{word})])"
        if word in op.arguments:
            return f"_value_{word} if _value_{word} is not {word} else _own({word})"
        if word in op.options:
            return f"{word} if _type({word}) in _NUMBERS else _own({word})"
        if word == "out" or word in op.keeps:
            return "_out" if word == "out" else f"_keep_{word}"
        argument = word.removesuffix("_shape")
        return f"_tuple([_shape(_v) for _v in _value_{argument}])" if op.variadic else f"_shape(_value_{argument})"

    def save(word: str) -> str:
        """The statement that saves a value in the node: only if an argument whose formula names it requires a gradient."""
        users = " or ".join(f"_node_{a} is not None" for a in op.differentiable if word in op.saved_for[a])
        only = f" if {users} else None" if len(op.differentiable) > 1 else ""
        return f"        _n.saved_{word} = ({value(word)}){only}"

    # foreign: whether an argument is of another array library. (That of the first one shows in the type of the output.)
    if op.variadic:
        wanted = f"_next(_filter(None, _node_{first}), None)" if op.differentiable else "None"
        foreign = f" or not _PLAIN.issuperset(_map(_type, _value_{first}))"
    else:
        wanted = " or ".join(f"_node_{a}" for a in op.differentiable) or "None"
        foreign = _joined(" or _type(_value_{}) not in _PLAIN", op.arguments[1:])
    xp = f"_quick if _type(_value_{first}) in _ARRAYS else _namespace({values}), " * op.takes_xp

    def passed(p: Parameter) -> str:
        """How the forward is given an argument or an option: by its place where it can be, which takes less time than by its name."""
        given = f"{star}_value_{p.name}" if p.name in op.arguments else p.name
        return f"{p.name}={given}, " if p.kind is Parameter.KEYWORD_ONLY else f"{given}, "

    return _FUNCTION.format(
        name=op.name,
        function="_any_dtype" if any_dtype else op.name,
        signature=Signature(bare),
        refuse=_REFUSE * takes_wrong,
        unwrap="\n".join(map(unwrap, [*op.arguments, *op.options])),
        returned=", ".join(["_out", *(f"_keep_{k}" for k in op.keeps)]),
        taken=xp + "".join(map(passed, op.signature.parameters.values())),
        values=values,
        arguments=arguments,
        foreign=foreign,
        inputs="".join(f"{star}({value(a)}), " for a in op.arguments),
        options=_joined('"{0}": {0}, ', op.options),
        wanted=wanted,
        save="\n".join([f"        _n.parent_{a} = _node_{a}" for a in op.differentiable] + [save(w) for w in op.saved]),
    )


def _joined(template: str, names: Iterable[str]) -> str:
    return "".join(map(template.format, names))


def constant(tensor: Handle, op: str, argument: str) -> library.Array:
    """The array of a Tensor that stands where no gradient can be given."""
    if tensor._node is not None and graph.current.get().record:
        raise errors.not_differentiable(op, argument)
    return tensor.stable_array()


def _option(value: Any, op: str, name: str) -> Any:
    """An option that is not of one of the usual types: the array of a Tensor; arrays and numbers must be real."""
    if isinstance(value, Handle):
        return constant(value, op, name)
    return operands.operand(value, op) if isinstance(value, complex | np.ndarray | np.generic) else value


def _debug_record(inputs: Any, given: Any, options: dict[str, Any], out: Any) -> graph.DebugRecord:
    """What is remembered under `watch()`: the inputs in the dtypes in which they were given; copies of all, as they are now, if told so."""
    copies = graph.current.get().watch == "copies"
    inputs, out = dtypes.as_given(inputs, given, copies), np.array(out) if copies else out
    options = {name: memory.own(value) for name, value in options.items()}
    return graph.DebugRecord(inputs, tuple(map(memory.passed_as, given)), options, out, users_line())


def _rounded(out: Any) -> Any:
    """A result in float16; the saved values of its node are not rounded."""
    if not isinstance(out, Handle):
        return out.astype(np.float16)
    out._array = out._array.astype(np.float16)
    if out._node:
        out._node.dtype = out._array.dtype
        if out._node.seen:
            out._node.seen.output = out._array
    return out


_CALLED = (
    *(isinstance, filter, map, next, tuple, type, zip, property, heappush, np.float64, np.ndarray, Handle, Node),
    *(errors.already_freed, errors.refused, accumulate.accumulated, accumulate.unbroadcast, library.namespace),
    *(library.shape, memory.in_own_memory, memory.own, operands.operand, operands.result, dtypes.any_unusual),
    *(dtypes.widened, constant, _debug_record, _option, wrong_argument),
)
_USUAL = ("ARRAYS", "BOOL", "FLOAT32", "FLOAT64", "INT64", "NUMBERS", "PLAIN")
_TOOLS: dict[str, Any] = {
    **{f"_{tool.__name__.lstrip('_')}": tool for tool in _CALLED},
    **{f"_{name}": vars(library)[name] for name in _USUAL},
    "_SETTINGS": library.NUMBERS | {tuple, str, slice, type},
    "_current": graph.current.get,
    "_new": object.__new__,
    "_next_order": graph.next_order,
    "_quick": library.quick,
    "__name__": __name__,
}
