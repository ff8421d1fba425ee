"""Checkpointing: a function's saved values are dropped, and computed once more in backward.

One node stands for all nodes that the function recorded. In backward it records the function anew, on its own parents, and the
gradient flows through what was recorded. So the gradients are those of a graph without checkpoints to the last bit, also for Tensors
that the function reads beside its inputs. (At the second order the terms of a sum may come in another order.) A gradient depends on the
saved values alone, so both calls must save the same ones, bit for bit: that is checked.
"""

from collections.abc import Callable, Iterator
from heapq import heappush
from typing import Any

import numpy as np
from numpy import asarray

from tinygrad_ko.arrays.memory import own
from tinygrad_ko.engine.graph import Handle, Mode, Node, Switch, behind, current, next_order, wrap
from tinygrad_ko.engine.rule import validated
from tinygrad_ko.errors import already_freed, explain
from tinygrad_ko.func.flattening import flatten
from tinygrad_ko.func.trees import in_one_row, is_tree
from tinygrad_ko.state.replay import generators_in, random_states, replayed


class _Segment(Node):
    """A node in place of those that a function recorded."""

    __slots__ = ("call", "mode", "parents", "states", "trace")

    op = validated(lambda *inputs: None, {"inputs": None}, False, (), "checkpoint")
    scope = property(lambda n: n.mode.scope)
    saved = property(lambda n: {"inputs": [n.call.inputs, n.call.options]} if n.call else {})

    def __init__(self, call: "_Call", mode: Mode, states: list[Any], root: Node, since: int) -> None:
        self.call: _Call | None = call
        self.mode, self.states = mode, states  # what is recorded when it is called, and where its random numbers start
        self.shape, self.dtype, self.order, self.live = root.shape, root.dtype, next_order(), True
        self.parents, self.trace = trace_of(root, since)

    def contributions(self, g: Any) -> Iterator[tuple[str, Node, Any]]:
        """Record the nodes again. All of the gradient goes to the newest of them, which is visited next."""
        if self.call is None:
            raise already_freed("checkpoint")
        since = next_order()
        then = Switch(record=self.mode.record, watch=self.mode.watch, scope=self.mode.scope)
        with then, replayed(self.call.generators, self.states):
            y = self.call()
        root = y._node if isinstance(y, Handle) else None
        if root is None or trace_of(root, since) != (self.parents, self.trace):
            raise _other_values(self.call.f)
        yield "inputs", root, g

    def propagate(self, g: Any, gradients: dict[Node, Any], pending: list[Any], free: bool) -> None:
        """Go on with the newest of the nodes that are recorded again."""
        for _, root, part in self.contributions(g):
            gradients[root] = part
            heappush(pending, (root.order, root))
        if free:
            self.live, self.call = False, None


class _Call:
    """A function and copies of its arguments, which nobody else can write to."""

    def __init__(self, f: Callable[..., Any], inputs: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.f, self.inputs = f, tuple(map(_owned, inputs))
        self.options = {name: _owned(value) for name, value in options.items()}
        self.generators = generators_in([f, inputs, options])
        self.unflatten: Any = None

    def __call__(self) -> Any:
        """What f returns, several Tensors in one row."""
        inputs, options = [*map(_owned, self.inputs)], {name: _owned(value) for name, value in self.options.items()}
        y = self.f(*inputs, **options)
        pairs = zip([*inputs, *options.values()], [*self.inputs, *self.options.values()], strict=True)
        if any(isinstance(x, Handle) and x._node is not given._node for x, given in pairs):
            raise _changes_inputs(self.f)
        if not is_tree(y):
            return y
        row, self.unflatten = in_one_row(y, "checkpoint: f"), flatten(y)[1]
        return row


def _owned(value: Any) -> Any:
    return wrap(type(value), value.stable_array(), value._node) if isinstance(value, Handle) else own(value)


def checkpoint(f: Callable[..., Any], /, *inputs: Any, **options: Any) -> Any:
    """f(*inputs, **options), without what f computes on the way: that is computed once more in backward.

    It saves memory and costs one more forward. f returns one Tensor, or several in dicts, lists and tuples. It may read
    Tensors beside its inputs, such as the parameters of a Module, and may draw random numbers: those of NumPy's global
    stream, and of Generators that f or its inputs hold, are drawn again. Later writes to the inputs change nothing. Side
    effects of f happen twice. Under `no_grad()`, and under `watch()`, which remembers everything, f is just called. A gradient
    that is itself recorded (`create_graph=True`) remembers what it was computed from, as always.

    `functools.partial(checkpoint, layer)` is a layer that forgets.

    Backward raises RuntimeError if the second call computes with other values than the first: because f draws from a
    Generator that it does not hold, or a Tensor that is not among the inputs was written to in between. TypeError if f
    returns several values of which one is no Tensor.

    Source: Griewank and Walther, "Algorithm 799: Revolve" (2000); Chen, Xu, Zhang and Guestrin, "Training deep nets with
    sublinear memory cost" (2016).

    >>> import tinygrad_ko as tg
    >>> w = tg.Tensor([0.5, -1.0], requires_grad=True)
    >>> y = tg.func.checkpoint(lambda x: tg.tanh(w * x) ** 2, tg.Tensor([1.0, 2.0]))
    >>> y.sum().backward()
    >>> w.grad
    array([ 0.72686198, -0.27243737])
    """
    mode = current.get()
    if not mode.record or mode.watch:
        return f(*inputs, **options)
    call = _Call(f, inputs, options)
    since, states = next_order(), random_states(call.generators)
    y = call()
    root = y._node if isinstance(y, Handle) else None
    if root is None or root.op is None or root.order > since:  # nothing was recorded inside
        return y if call.unflatten is None else call.unflatten(y)
    if _fingerprint(states[0]) == _fingerprint(random_states([])[0]):
        states[0] = None  # nothing was drawn from the global stream, and other threads may
    row = wrap(type(y), y.stable_array(), _Segment(call, mode, states, root, since))
    return row if call.unflatten is None else call.unflatten(row)


def trace_of(root: Node, since: int) -> tuple[tuple[Node, ...], int]:
    """The nodes outside that those made since then were computed from, and a number that tells what those made keep."""

    def is_inside(node: Node) -> bool:
        return node.op is not None and node.order < since

    inside = {node: i for i, node in enumerate(filter(is_inside, behind(root, through=is_inside)))}
    n, trace, outside = len(inside), 0, dict[Node, int]()
    for node in inside:
        origin = [p and (inside[p] if p in inside else n + outside.setdefault(p, len(outside))) for p in node.parents]
        saved = node.trace if isinstance(node, _Segment) else list(node.saved.values())
        trace = hash((trace, node.op.name, node.shape, node.dtype, tuple(origin), _fingerprint(saved)))
    return tuple(outside), trace


def _changes_inputs(f: Any) -> TypeError:
    name = getattr(f, "__name__", type(f).__name__)
    return explain(
        TypeError(
            f"checkpoint: {name} changes one of its inputs in place, which would not reach the caller; begin with x = x.copy()"
        ),
        f"checkpoint: 함수가 입력을 제자리에서 바꿉니다. 함수: {name}. 호출한 쪽에는 반영되지 않으므로 x = x.copy()로 시작하십시오.",
    )


def _other_values(f: Any) -> RuntimeError:
    name = getattr(f, "__name__", type(f).__name__)
    return explain(
        RuntimeError(
            f"checkpoint: {name} computes with other values in backward than before: it draws random numbers from a source that "
            "cannot be found (pass the Generator as an input, or draw with rng=None), or what it reads beside its inputs was changed "
            "in between (call backward() first, or pass it as an input)"
        ),
        f"checkpoint: 역전파에서 함수를 다시 호출했더니 처음과 다른 값으로 계산했습니다. 함수: {name}. 함수 안에서 쓰는 난수 생성기는 "
        "입력으로 넘기거나 rng=None으로 두고, 함수가 읽는 Tensor는 backward()를 호출한 뒤에 바꾸거나 입력으로 넘기십시오.",
    )


_Segment.op.function = checkpoint


_WEIGHTS = np.cumprod(np.full(512, 9, np.uint64))  # powers of 9 modulo 2**64: odd, and all different


def _fingerprint(value: Any) -> int:
    """A hash of arrays, bit for bit, and of dicts, lists and tuples of them; of what is no array and no number, of its type alone.

    The rows of a long array are first hashed to a number each, linearly: five times as fast as Python's `hash` alone.
    """
    if isinstance(value, dict | list | tuple):
        return hash(tuple(map(_fingerprint, value.items() if isinstance(value, dict) else value)))
    if not hasattr(value, "__array_namespace__") or isinstance(value, Handle):
        return hash(repr(value) if isinstance(value, str | int | float | slice | None) else type(value))
    value = asarray(value)
    shape, dtype, rows = value.shape, value.dtype, b""
    if dtype.itemsize > 8:
        value = value.astype(np.float64)  # longer floats hold padding
    if value.nbytes > 8 * _WEIGHTS.nbytes:
        words = value.ravel().view(np.uint8)
        whole = words.size // _WEIGHTS.nbytes * _WEIGHTS.nbytes
        rows = np.einsum("ij,j->i", words[:whole].view(np.uint64).reshape(-1, _WEIGHTS.size), _WEIGHTS).tobytes()
        value = words[whole:]
    return hash((shape, dtype, rows, value.tobytes()))
