"""What a rule is: `@op` turns a forward on arrays and one formula per argument into an operation that works on arrays and on Tensors.

    @op(broadcasts=True, a=lambda g, b: g * b, b=lambda g, a: g * a)
    def multiply(a, b):
        return a * b

The parameter names of a formula are its save list. It may name

    g              the gradient of the output
    out            the output
    a, b, ...      the arguments
    a_shape, ...   the shape of an argument (a tuple; the array itself is let go)
    axis, ...      the op's options (keyword-only parameters, or those after a slash)
    mask, ...      the names in `keeps`: what the forward returns beside its output

and only what the wanted formulas name is kept until backward. `None` for a formula says that the argument is not differentiable.

For every op this file writes, once, two pieces of Python: the function that is called and the class of the nodes it leaves behind. They
are what one would write by hand for that op, with no loop over its arguments; `multiply.op.source` shows them.
"""

import linecache
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappush
from inspect import Parameter, Signature, signature
from typing import Any

import numpy as np

from tinygrad_ko import arrays, graph
from tinygrad_ko.arrays import Array
from tinygrad_ko.errors import explain
from tinygrad_ko.graph import Handle, Node

RESERVED = {"g", "out", "xp", "keeps", "broadcasts"}


@dataclass(eq=False)
class Op:
    """What is known of an operation; `function.op` is this record."""

    name: str
    forward: Callable[..., Any]
    formulas: dict[str, Callable[..., Any] | None]  # one per argument, and one per kept value that depends on the arguments
    broadcasts: bool
    keeps: tuple[str, ...]
    arguments: tuple[str, ...]
    variadic: bool  # its one argument is *args
    parameters: tuple[str, ...]  # keyword only: axis, shape, ...
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)  # what the formula of each argument names, `g` excepted
    source: str = ""  # the text of the function and of the node class

    @property
    def differentiable(self) -> tuple[str, ...]:
        """The arguments that have a formula."""
        return tuple(a for a in self.arguments if self.formulas[a] is not None)

    @property
    def kept(self) -> list[str]:
        """Every word that some formula names."""
        return sorted({w for a in self.differentiable for w in self.words[a]})

    @property
    def derivations(self) -> dict[str, Callable[..., Any]]:
        """How those kept values that are not constant follow from the arguments."""
        return {k: formula for k in self.keeps if (formula := self.formulas.get(k))}


def op(broadcasts: bool = False, keeps: tuple[str, ...] = (), **formulas: Callable[..., Any] | None) -> Callable[..., Any]:
    """Decorator: a new operation from a forward on arrays and one formula for each argument.

    The forward's arguments are its positional parameters (those before the slash, if there is one), the rest are its options, and if its first parameter is called `xp` it receives the
    namespace of its arrays there (for NumPy arrays: NumPy). Formulas are written with ordinary operators and with other ops; a gradient must
    have its argument's shape, and with `broadcasts=True` it is summed down to it. With `keeps` the forward returns its output and then
    those values, which must not depend on differentiable arguments, unless a formula of that name says how they do.

    Raises TypeError when the formulas do not fit the forward.

    >>> import numpy as np, tinygrad_ko as tg
    >>> @tg.op(x=lambda g, out: g * out * (1 - out))
    ... def logistic(xp, x):
    ...     return 1 / (1 + xp.exp(-x))
    >>> x = tg.Tensor([0.0, 1.0], requires_grad=True)
    >>> logistic(x).sum().backward()
    >>> x.grad
    array([0.25      , 0.19661193])
    >>> float(logistic(np.float64(0)))
    0.5
    """

    def define(forward: Callable[..., Any]) -> Callable[..., Any]:
        return written(examined(forward, formulas, broadcasts, keeps))

    return define


def examined(
    forward: Callable[..., Any], formulas: dict[str, Callable[..., Any] | None], broadcasts: bool, keeps: tuple[str, ...]
) -> Op:
    """The record of an op, after every check that can be made before it is used."""
    name = forward.__name__
    given = [p for p in signature(forward).parameters.values() if p.name != "xp"]
    variadic = any(p.kind is Parameter.VAR_POSITIONAL for p in given)
    slash = any(p.kind is Parameter.POSITIONAL_ONLY for p in given)  # then what follows the slash is an option
    options = (Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD) if slash else (Parameter.KEYWORD_ONLY,)
    arguments = tuple(p.name for p in given if p.kind not in options)
    parameters = tuple(p.name for p in given if p.kind in options)
    keeps = (keeps,) if isinstance(keeps, str) else tuple(keeps)

    def refuse(what: str, korean: str) -> None:
        raise explain(TypeError(f"op {name}: {what}"), f"연산 {name}의 정의가 올바르지 않습니다. {korean}")

    if not name.isidentifier():
        refuse("a lambda has no name; write the forward with def", "순전파 함수는 lambda가 아니라 def로 정의해야 합니다.")
    if not arguments:
        refuse("the forward has no argument", "순전파 함수에 인수가 하나 이상 있어야 합니다.")
    if variadic and len(arguments) > 1:
        refuse("*args must be its only argument", "*args는 다른 인수와 함께 쓸 수 없습니다.")
    if any(p.kind is Parameter.VAR_KEYWORD for p in given):
        refuse("**kwargs are not supported; name its keyword parameters", "**kwargs 대신 키워드 매개변수를 하나씩 적어야 합니다.")
    every = (*arguments, *parameters, *keeps)
    if bad := [w for w in every if w in RESERVED or w.startswith("_") or every.count(w) > 1]:
        refuse(f"the names {bad} are reserved, private or used twice", f"{bad}는 예약된 이름이거나 겹치는 이름입니다.")
    if missing := [a for a in arguments if a not in formulas]:
        refuse(f"no formula for {missing}; give one, or None if it is not differentiable", f"{missing}의 미분 공식이 없습니다.")
    if unknown := [f for f in formulas if f not in arguments and f not in keeps]:
        refuse(f"formulas for {unknown}, but its arguments are {list(arguments)}", f"{unknown}(이)라는 인수가 없습니다.")

    record = Op(name, forward, dict(formulas), broadcasts, keeps, arguments, variadic, parameters)
    vocabulary = {"g", "out", *every, *(f"{a}_shape" for a in arguments)}
    for target, formula in formulas.items():
        if formula is None:
            continue
        asked = signature(formula).parameters
        if wrong := [w for w, p in asked.items() if w not in vocabulary or p.kind is not Parameter.POSITIONAL_OR_KEYWORD]:
            refuse(
                f"the formula for {target!r} asks for {wrong}; it may name {sorted(vocabulary)}",
                f"{target!r}의 공식이 {wrong}을(를) 요구합니다. 쓸 수 있는 이름은 {sorted(vocabulary)}입니다.",
            )
        if target in keeps and not set(asked) <= {*arguments, *parameters}:
            refuse(f"the formula for {target!r} may name arguments and parameters only", f"{target!r}의 공식은 인수만 쓸 수 있습니다.")
        record.words[target] = tuple(w for w in asked if w != "g")
    for target, asked in record.words.items():  # a kept value that depends on the arguments needs them to be kept as well
        record.words[target] = tuple(dict.fromkeys([*asked, *(w for k in asked if k in keeps for w in record.words.get(k, ()))]))
    return record


CALL = '''\
def {name}{signature}:
    _kind = None
{unwrap}
    try:
        {returned} = _forward({given})
    except Exception as _error:
        raise _refusal(_error, _op, {values})
    if _kind is None:
        return _out
    if type(_out) is not _ndarray:
        _out = _as_array(_out)
    _tensor = _new(_kind)
    _tensor._data = _out
    _tensor._lent = False
    if ({wanted}) and (_mode := _current()).record:
        _tensor._node = _n = _new(_Watched if _mode.watch else _Record)
        _n.shape = _out.shape
        _n.dtype = _out.dtype
        _n.order = _next_order()
        _n.live = True
        _n.scope = _mode.scope
{save}
        if _mode.watch:
            _n.seen = _Seen(({values}), _out, _users_line())
    else:
        _tensor._node = None
    return _tensor
'''
UNWRAP = '''\
    if isinstance({a}, _Handle):
        _kind = type({a})
        _node_{a} = {a}._node
        _value_{a} = {a}.settled() if {a}._lent else {a}._data
    else:
        _node_{a} = None
        _value_{a} = {a} if type({a}) in _PLAIN else _operand({a})'''
UNWRAP_CONSTANT = '''\
    if isinstance({a}, _Handle):
        _kind = type({a})
        _value_{a} = _constant({a}, _op, "{a}")
    else:
        _value_{a} = {a} if type({a}) in _PLAIN else _operand({a})'''
UNWRAP_VARIADIC = '''\
    _node_{a} = tuple([_x._node if isinstance(_x, _Handle) else None for _x in {a}])
    _value_{a} = tuple([_x.settled() if isinstance(_x, _Handle) else _operand(_x) for _x in {a}])
    _kind = next((type(_x) for _x in {a} if isinstance(_x, _Handle)), None)'''

NODE = '''\
class _Record(_Node):
    __slots__ = ({slots})
    op = _op
    parents = property(lambda n: {parents})

    def back(n, g, due, waiting, free):
        if not n.live:
            raise _spent(n)
{pulls}
        if free:
            n.live = False
            {free}

class _Watched(_Record):
    __slots__ = ("seen",)

    def back(n, g, due, waiting, free):
        n.seen.gradient = g
        _Record.back(n, g, due, waiting, free)
'''
PULL = '''\
        if (to := n.from_{a}) is not None:
            part = _rule_{a}({asks})'''
PULL_VARIADIC = '''\
        for to, part in zip(n.from_{a}, _rule_{a}({asks}), strict=True):
            if to is None:
                continue'''
PAY = '''
            if part.shape != to.shape or part.dtype is not to.dtype:
                part = _fit(part, to, n, "{a}", due)
            if to in due:
                due[to] = _add(due[to], part)
            else:
                due[to] = part
                _push(waiting, (to.order, to))'''


def written(record: Op) -> Callable[..., Any]:
    """Write the function and the node class of an op, and run what was written."""
    name, words, differentiable = record.name, record.words, record.differentiable
    sign = signature(record.forward)
    takes_xp = "xp" in sign.parameters
    shown = sign.replace(parameters=[p.replace(annotation=Parameter.empty) for p in sign.parameters.values() if p.name != "xp"])
    shown = shown.replace(return_annotation=Signature.empty)

    def where_from(word: str) -> str:
        """The expression for a word when the op is called."""
        if word in record.arguments:
            if record.variadic:
                return f"tuple([_v if isinstance(_x, _Handle) else _own(_v) for _x, _v in zip({word}, _value_{word})])"
            return f"_value_{word} if _value_{word} is not {word} else _own({word})"
        if word == "out":
            return "_out"
        if word in record.keeps:
            return f"_keep_{word}"
        if word in record.parameters:
            return word
        argument = word.removesuffix("_shape")
        return f"tuple([_shape(_v) for _v in _value_{argument}])" if record.variadic else f"_shape(_value_{argument})"

    def save(word: str) -> str:
        askers = [a for a in differentiable if word in words[a]]
        always = len(differentiable) == 1
        wanted = " or ".join(f"_node_{a} is not None" for a in askers)
        return f"        _n.kept_{word} = " + (where_from(word) if always else f"({where_from(word)}) if {wanted} else None")

    def pull(a: str) -> str:
        asks = ", ".join("g" if w == "g" else f"n.kept_{w}" for w in signature(record.formulas[a] or (lambda: None)).parameters)
        return ((PULL_VARIADIC if record.variadic else PULL) + PAY).format(a=a, asks=asks)

    def unwrap(a: str) -> str:
        template = UNWRAP_CONSTANT if a not in differentiable else UNWRAP_VARIADIC if record.variadic else UNWRAP
        return template.format(a=a)

    values = "".join(f"*_value_{a}, " if record.variadic else f"_value_{a}, " for a in record.arguments)
    first = f"_value_{record.arguments[0]}"
    xp = f"_quick if type({first}) is _ndarray else _namespace({values})"
    wanted = [f"any(_x is not None for _x in _node_{a})" if record.variadic else f"_node_{a} is not None" for a in differentiable]
    call = CALL.format(
        name=name,
        signature=shown,
        unwrap="\n".join(map(unwrap, record.arguments)),
        returned="".join(f", _keep_{k}" for k in record.keeps).join(["_out", ""]),
        given=f"{xp}, " * takes_xp + values + "".join(f"{p}={p}, " for p in record.parameters),
        values=values,
        wanted=" or ".join(wanted) or "False",
        save="\n".join([f"        _n.from_{a} = _node_{a}" for a in differentiable] + [save(w) for w in record.kept]),
    )
    slots = [f"from_{a}" for a in differentiable] + [f"kept_{w}" for w in record.kept]
    parents = "(" + "".join(f"n.from_{a}, " for a in differentiable) + ")"
    node = NODE.format(
        slots="".join(f'"{s}", ' for s in slots),
        parents=f"n.from_{record.arguments[0]}" if record.variadic else parents,
        pulls="\n".join(map(pull, differentiable)) or "        pass",
        free="".join(f"n.kept_{w} = " for w in record.kept) + ("None" if record.kept else "pass"),
    )
    record.source = node + "\n\n" + call
    filename = f"<op {name}>"
    linecache.cache[filename] = (len(record.source), None, record.source.splitlines(keepends=True), filename)
    room = {**TOOLS, "_op": record, "_forward": record.forward, **{f"_rule_{a}": f for a, f in record.formulas.items() if f}}
    exec(compile(record.source, filename, "exec"), room)
    function: Callable[..., Any] = room[name]
    function.__doc__, function.__module__, function.__qualname__ = record.forward.__doc__, record.forward.__module__, name
    function.op = record  # type: ignore[attr-defined]
    return function


def shape(value: Any) -> tuple[int, ...]:
    return value.shape if hasattr(value, "shape") else np.shape(value)


def constant(tensor: Handle, record: Op, argument: str) -> Array:
    """The array of a Tensor that stands where no gradient can be given."""
    if tensor._node is not None and graph.current.get().record:
        raise explain(
            TypeError(f"{record.name}: no gradient can be given for {argument!r}; pass {argument}.detach()"),
            f"{record.name}의 인수 {argument!r}에 대해서는 미분할 수 없습니다. 기울기가 필요 없다면 {argument}.detach()를 넘기면 됩니다.",
        )
    return tensor.settled()


def described(value: Any) -> str:
    return f"{value.dtype}{list(value.shape)}" if hasattr(value, "dtype") else type(value).__name__


def refusal(error: Exception, record: Op, *values: Any) -> Exception:
    """The error of a forward, of the same kind, with the name of the op and the shapes it was given."""
    given = ", ".join(map(described, values))
    if type(error) in (ValueError, TypeError, IndexError, np.exceptions.AxisError):
        error = type(error)(f"{record.name}({given}): {error}")
    else:
        error.add_note(f"in {record.name}({given})")
    error.__cause__, error.__suppress_context__ = None, True
    return explain(error, f"{record.name} 연산을 계산할 수 없습니다. 입력의 자료형과 형상은 {given}입니다. 형상과 인수를 확인하십시오.")


def spent(node: Node) -> RuntimeError:
    return explain(
        RuntimeError(
            f"{node.op.name}: an earlier backward() has let go of what this one needs; compute the value again, or call the first "
            "one with keep_graph=True (or use tg.grad, which keeps the graph)"
        ),
        "이전 backward()가 이미 계산 그래프에 저장된 값을 지웠습니다. 순전파를 다시 계산하거나, 첫 번째 호출에 keep_graph=True를 주십시오.",
    )


def fit(part: Any, to: Node, node: Node, argument: str, due: dict[Node, Any]) -> Any:
    """A gradient has its argument's shape and dtype: undo a broadcast if the op declares one, and a change of dtype."""
    if type(part) is Patch:
        return part if to in due else Sum(part.added_to(np.zeros(to.shape, to.dtype)))
    new = part.ndim - len(to.shape)
    stretched = tuple(i for i, n in enumerate(part.shape) if i < new or n != to.shape[i - new])
    if stretched and node.op.broadcasts and new >= 0 and all(i < new or to.shape[i - new] == 1 for i in stretched):
        part = part.sum(axis=stretched, keepdims=True).reshape(to.shape)
    if part.shape != to.shape:
        raise explain(
            ValueError(
                f"{node.op.name}: the formula for {argument!r} gave a gradient of shape {part.shape}, but the argument has shape "
                f"{to.shape}" + ("" if node.op.broadcasts else " (declare broadcasts=True if the arguments of this op broadcast)")
            ),
            f"{node.op.name} 연산에서 {argument!r}의 미분 공식이 계산한 기울기의 형상은 {part.shape}인데 인수의 형상은 {to.shape}입니다.",
        )
    return part if part.dtype == to.dtype else part.astype(to.dtype)


class Patch:
    """A gradient that is zero outside an index: what indexing pays its argument, so that n rows cost n rows and not n arrays."""

    __slots__ = ("dtype", "index", "values")
    shape = None  # of no argument, so that `fit` sees it

    def __init__(self, values: Array, index: Any) -> None:
        self.values, self.index, self.dtype = values, index, values.dtype

    def added_to(self, total: Array) -> Array:
        arrays.add_at(total, self.index, self.values)
        return total


class Sum:
    """What a value is due that was used more than once: all parts are added into one array that nobody else holds."""

    __slots__ = ("total",)

    def __init__(self, total: Array) -> None:
        self.total = total


def add(old: Any, part: Any) -> Any:
    """What is due after one more part."""
    if isinstance(part, Handle):
        return old + part
    if type(part) is Patch:
        total = old.total if type(old) is Sum else np.array(old)
        return Sum(part.added_to(np.asarray(total)))
    if type(old) is Sum:
        old.total += part.total if type(part) is Sum else part
        return old
    return Sum(old + part)


TOOLS = {
    "_Handle": Handle,
    "_PLAIN": arrays.PLAIN,
    "_Node": Node,
    "_Seen": graph.Seen,
    "_add": add,
    "_as_array": arrays.as_array,
    "_constant": constant,
    "_current": graph.current.get,
    "_fit": fit,
    "_namespace": arrays.namespace,
    "_ndarray": np.ndarray,
    "_new": object.__new__,
    "_next_order": graph.next_order,
    "_operand": arrays.operand,
    "_own": arrays.own,
    "_push": heappush,
    "_quick": arrays.quick,
    "_refusal": refusal,
    "_shape": shape,
    "_spent": spent,
    "_users_line": graph.users_line,
}
