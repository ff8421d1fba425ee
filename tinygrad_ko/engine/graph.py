"""The graph: one node for every recorded operation, the handle that points to it, and the switches of recording.

A handle (`Tensor` is one) is an array and a node. A node points to its parent nodes, those of the op's arguments, and to saved arrays,
never to a handle: there is no reference cycle, and a graph is freed as soon as its last handle is.

Nodes are numbered in the order in which they are made, and the numbers count down: a node's number is smaller than those of its parents.
So the nodes with the smallest number first are in reverse topological order, the order in which backpropagation visits them.
"""

from collections.abc import Callable, Iterator
from contextlib import ContextDecorator
from contextvars import ContextVar
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from itertools import count
from operator import attrgetter
from types import MappingProxyType
from typing import Any, TypeVar

from tinygrad_ko.arrays.library import Array
from tinygrad_ko.arrays.memory import Holder
from tinygrad_ko.errors import called_too_late

next_order = count(0, -1).__next__
H = TypeVar("H", bound="Handle")
F = TypeVar("F", bound=Callable[..., Any])


class Node:
    """A value in a graph: its shape and dtype, and in a generated subclass for each op its parents and saved values."""

    __slots__ = ("dtype", "live", "order", "shape")

    op: Any = None  # the Op that made it; None for a leaf
    parents: Any = ()  # the nodes of its differentiable arguments, None for a constant
    saved: Any = MappingProxyType({})  # the values that its formulas need, by name
    scope: tuple["Call", ...] = ()  # the scopes and modules it was made in, outermost first
    seen: "DebugRecord | None" = None  # what it was computed from and to, if it was made under watch()

    shape: tuple[int, ...]
    dtype: Any
    order: int
    live: bool  # False once backward() has freed its saved values; of a leaf, once the transform that made it has ended

    def contributions(self, g: Any) -> Iterator[tuple[str, "Node", Any]]:
        """What the formulas give for each parent, if `g` is the gradient of this value: the argument, the parent, and its part of the
        gradient (a vector-Jacobian product, in the shape of the argument or of the broadcast output).
        """
        if (op := self.op) is None:
            return
        # The parents by argument: *args has all of them, and one formula for all; any other argument has one.
        values, grouped = {"g": g, **self.saved}, [self.parents] if op.variadic else zip(self.parents)
        for argument, parents in zip(op.differentiable, grouped, strict=True):
            if any(parents):
                parts = op.formulas[argument](*(values[word] for word in op.named_by[argument]))
                for parent, part in zip(parents, parts if op.variadic else [parts], strict=True):
                    if parent is not None:
                        yield argument, parent, part

    def propagate(self, g: Any, gradients: dict["Node", Any], pending: list[Any], free: bool) -> None:
        """Add the contributions to the gradients of the parents, make these `pending`, and `free` the saved values if told so.

        The code of this function is generated for each op.
        """

    def rebound(self, parents: Any, saved: dict[str, Any]) -> Any:
        """A copy with other parents and other saved values; a leaf, which has neither, returns itself."""
        return self


class Leaf(Node):
    """A tensor that was made with `requires_grad=True`: here `backward()` adds up the gradient."""

    __slots__ = ("grad", "name")

    def __init__(self, data: Array, name: str | None) -> None:
        self.shape, self.dtype, self.order, self.live = data.shape, data.dtype, next_order(), True
        self.grad: Array | None = None
        self.name = name


def behind(*roots: Node | None, through: Callable[[Node], bool] | None = None) -> list[Node]:
    """The roots and all their ancestors, oldest first: parents come before their children.

    The search goes on to the parents of a node only if `through(node)` is true, or if no `through` is given.
    """
    found, unread = set[Node](), list(roots)
    while unread:
        node = unread.pop()
        if node is not None and node not in found:
            found.add(node)
            if through is None or through(node):
                unread.extend(node.parents)
    return sorted(found, key=attrgetter("order"), reverse=True)


class Handle(Holder):
    """An array and the node that made it (None for a constant)."""

    __slots__ = ("__weakref__", "_detached_from", "_name", "_node", "_view_of")

    _node: Node | None  # and what was detached under watch() has in _detached_from its node, and the line that did so


def wrap(kind: type[H], value: Array, node: Node | None = None) -> H:
    """A new handle on an array, unchecked and not copied: nobody may write to that array any more."""
    made = object.__new__(kind)
    made._array, made._node, made._exposed = value, node, False
    return made


class Mode:
    """What is being recorded, in this thread or task. Never changed, only replaced."""

    # No dataclass, nor is any class that is needed at every import: that module alone takes a tenth of the import.
    __slots__ = ("block", "record", "scope", "watch")

    # watch may be "copies": remember copies of all arrays. scope: a tuple of Calls. block: the innermost open block, as the mode around it,
    # its switch, and what it added to the scope.
    def __init__(self, record: bool = True, watch: Any = False, scope: Any = (), block: Any = None) -> None:
        self.record, self.watch, self.scope, self.block = record, watch, scope, block


USUAL = Mode()
current: ContextVar[Mode] = ContextVar("mode", default=USUAL)


class Call(str):
    """A name in a scope, and by its identity one call: two calls of one layer have equal names and are different objects."""

    __slots__ = ()


class Switch(ContextDecorator):
    """A change of the mode inside a `with` block, in this thread or async task alone; also a decorator of functions."""

    def __init__(self, name: str | None = None, **changes: Any) -> None:
        self.name, self.changes = name, changes

    def __enter__(self) -> None:
        outer = current.get()
        try:
            current.set(_inside(outer, self, () if self.name is None else (Call(self.name),)))
        except BaseException:  # Ctrl-C, after the mode was set: the block is not entered
            current.set(outer)
            raise

    def __exit__(self, *exception: object) -> None:
        current.set(_without(current.get(), self))

    def __call__(self, function: F) -> F:
        if iscoroutinefunction(function) or isgeneratorfunction(function) or isasyncgenfunction(function):
            raise called_too_late(function.__name__)
        return super().__call__(function)


def _inside(outer: Mode, switch: Switch, call: tuple[Call, ...]) -> Mode:
    """The mode inside a block of a switch that is entered in the mode `outer`."""
    changed = switch.changes.get
    scope = changed("scope", outer.scope + call)
    return Mode(changed("record", outer.record), changed("watch", outer.watch), scope, (outer, switch, call))


def _without(mode: Mode, switch: Switch) -> Mode:
    """The mode when the block of a switch is left. It may not be the innermost one, for two generators may be closed in any order:
    then the blocks inside it are entered again without it.
    """
    if mode.block is None:
        return mode
    outer, inner, call = mode.block
    return outer if inner is switch else _inside(_without(outer, switch), inner, call)


def no_grad() -> Switch:
    """Record nothing inside the block, in this thread (or async task) alone; also a decorator: `@tg.no_grad()`.

    >>> import tinygrad_ko as tg
    >>> w = tg.Tensor([1.0, 2.0], requires_grad=True)
    >>> with tg.no_grad():
    ...     y = w * 3
    >>> y.requires_grad
    False
    """
    return Switch(record=False)


def watch() -> Switch:
    """Remember everything inside the block: each node also holds its inputs, output, gradient and the line that made it.

    For finding faults, and for pictures (`tg.draw`); it keeps all arrays alive. Reached through `tensor.node.seen`.

    >>> import tinygrad_ko as tg
    >>> with tg.watch():
    ...     y = tg.Tensor([1.0, 2.0], requires_grad=True) * 3
    >>> y.node.seen.output
    array([3., 6.])
    """
    return Switch(watch=True)


def scope(name: str) -> Switch:
    """Name the part of the graph that is recorded inside the block; blocks nest.

    >>> import tinygrad_ko as tg
    >>> with tg.scope("encoder"):
    ...     y = tg.Tensor(2.0, requires_grad=True) ** 2
    >>> y.node.scope
    ('encoder',)
    """
    return Switch(name=name)


class DebugRecord:
    """What a node made under `watch()` remembers: for finding faults and for pictures, not for gradients."""

    __slots__ = ("given", "gradient", "inputs", "line", "options", "output")

    # given: of each input as it was passed its identity, which tells one array from an equal one, and what it was detached from
    def __init__(self, inputs: Any, given: tuple[Any, ...], options: dict[str, Any], output: Array, line: str) -> None:
        self.inputs, self.given, self.options, self.output, self.line = inputs, given, options, output, line
        self.gradient: Array | None = None
