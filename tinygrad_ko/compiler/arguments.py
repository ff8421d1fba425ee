"""Arguments: flattened into the arrays that a program takes and the cache key that finds the program; and replaced by symbolic arrays in a
trace.

Arrays, Tensors and Python floats are inputs of the program. Everything else is static and a part of the key: ints, strings, a model.
"""

from collections.abc import Callable
from enum import Enum
from functools import partial
from inspect import Parameter
from types import BuiltinFunctionType, EllipsisType, MethodType
from typing import Any

import numpy as np
from numpy import generic, ndarray

from tinygrad_ko.compiler.program.values import Value
from tinygrad_ko.compiler.refusals import changed_argument, no_argument
from tinygrad_ko.compiler.results import leaves_in
from tinygrad_ko.compiler.state.held import GENERATORS, is_followed
from tinygrad_ko.compiler.tracing.symbols import Symbol
from tinygrad_ko.compiler.tracing.trace import Trace
from tinygrad_ko.engine.graph import Handle, Node, wrap
from tinygrad_ko.func.trees import is_tree, mapped
from tinygrad_ko.runtime.signatures import signature

_USUAL = frozenset({int, bool, str, type(None)})
_FIXED = (
    int,
    complex,
    str,
    bytes,
    type(None),
    type,
    np.dtype,
    Enum,
    range,
    slice,
    EllipsisType,
    BuiltinFunctionType,
    np.ufunc,
)


def flattened(tree: Any, leaves: list[Any], key: list[Any], tensors: dict[int, Handle]) -> None:
    """Append the inputs in an argument to the `leaves`, and everything that a program depends on (structure, shapes, dtypes, static values)
    to the `key`. `tensors` gets the Tensors, by the numbers of their leaves.
    """
    kind = type(tree)
    if kind is ndarray:  # the strides decide whether a reshape is a view, and in which memory order results are
        leaves.append(tree)
        key += (tree.shape, tree.strides, tree.dtype)
    elif kind is float:
        leaves.append(tree)
        key.append(float)
    elif kind in _USUAL:
        key += (kind, tree)
    elif isinstance(tree, Handle):
        _flattened_tensor(tree, leaves, key, tensors)
    elif isinstance(tree, np.memmap | generic):
        leaves.append(np.asarray(tree) if isinstance(tree, np.memmap) else tree)
        key += (kind, tree.shape, tree.strides, tree.dtype)
    elif is_tree(tree):
        key += (kind, tuple(tree) if isinstance(tree, dict) else len(tree))
        for part in tree.values() if isinstance(tree, dict) else tree:
            flattened(part, leaves, key, tensors)
    elif isinstance(tree, list | tuple | slice):  # of numbers
        key += (kind, repr(tree))
    else:
        try:
            hash(tree)
        except TypeError:
            tree = object()  # equal to no other, so the function is compiled, and `checked` decides
        key += (kind, tree)


def leaves_and_key(
    arguments: tuple[Any, ...], options: dict[str, Any], record: bool
) -> tuple[list[Any], dict[int, Handle], Any]:
    """The leaves of the arguments, the Tensors among them by number, and the cache key."""
    leaves: list[Any] = []
    tensors: dict[int, Handle] = {}
    key: list[Any] = [record, len(arguments), *options]
    for tree in (*arguments, *options.values()) if options else arguments:
        if type(tree) is ndarray:  # as in `flattened`, without a call
            leaves.append(tree)
            key += (tree.shape, tree.strides, tree.dtype)
        else:
            flattened(tree, leaves, key, tensors)
    return leaves, tensors, tuple(key)


def _flattened_tensor(tensor: Handle, leaves: list[Any], key: list[Any], tensors: dict[int, Handle]) -> None:
    tensors[len(leaves)] = tensor
    array, grad = tensor.stable_array(), _gradient_of(tensor)
    leaves.append(array)
    key += (type(tensor), tensor._node is not None, grad is not None)
    key += (array.shape, array.strides, array.dtype) if isinstance(array, ndarray | generic) else (object(),)
    if grad is not None:
        leaves.append(grad)
        key.append(grad.strides if isinstance(grad, ndarray) else object())


def _gradient_of(tensor: Handle) -> Any:
    """The `.grad` of a Tensor that is a leaf of the graph, else None."""
    return getattr(tensor._node, "grad", None)


def is_input(leaf: Any) -> bool:
    """Whether a leaf of the arguments is an input of the program."""
    return type(leaf) is float or isinstance(leaf, Handle | ndarray | generic)


def checked(tree: Any, name: str) -> list[Any]:
    """The models and functions in an argument, which may hold state. Raises TypeError for a leaf that cannot be compiled."""
    held: list[Any] = []

    def check(leaf: Any, place: str) -> None:
        array = leaf.stable_array() if isinstance(leaf, Handle) else leaf
        if isinstance(array, ndarray | generic):
            if isinstance(array, ndarray) and type(array) not in (ndarray, np.memmap):
                raise no_argument(place, array, "subclass")
            if array.dtype.kind not in "biufc":
                raise no_argument(place, array, "dtype")
        elif isinstance(leaf, (float, list, tuple, *_FIXED)) or hasattr(leaf, "__code__"):
            held.extend([leaf] * (hasattr(leaf, "__code__") or isinstance(leaf, type)))
        elif any(hasattr(array, name) for name in ("__array_namespace__", "__dlpack__", "__array__")):
            raise no_argument(place, array, "library")
        elif isinstance(leaf, (*GENERATORS, partial)) or is_followed(leaf):
            if isinstance(leaf, MethodType) or vars(object)["__hash__"] is type(leaf).__hash__:
                held.append(leaf)
            else:
                raise no_argument(place, leaf, "equal")
        else:
            raise no_argument(place, leaf, "object")

    mapped(check, tree, name)
    return held


def in_words(tree: Any) -> str:
    """An argument in a few words, for the warning about many compilations: its shape and dtype, or its value."""
    if isinstance(tree, Handle | ndarray | generic):
        array: Any = tree
        return f"{array.dtype}{list(array.shape)}"
    if isinstance(tree, float):
        return "float"
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key!r}: {in_words(part)}" for key, part in tree.items()) + "}"
    if is_tree(tree):
        return f"({', '.join(map(in_words, tree))})"
    if isinstance(tree, list | tuple) and len(tree) > 4:
        return f"a {type(tree).__name__} of {len(tree)} numbers"
    return repr(tree) if isinstance(tree, (*_FIXED, list, tuple)) else f"a {type(tree).__name__}"


def parameters_of(f: Callable[..., Any]) -> list[Parameter]:
    """The parameters of a function; an empty list for a function written in C without a signature."""
    try:
        return [*signature(f).parameters.values()]
    except (TypeError, ValueError):
        return []


def parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the first `count` positional arguments."""
    parameters = parameters_of(f)
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "x")
    return [*names, *(f"{rest}[{i}]" for i in range(count - len(names)))][:count]


class TracedArguments:
    """The arguments of a trace: `trees`, with Symbols in place of arrays, also in Tensors. `inputs` are the values of the Symbols."""

    def __init__(self, trees: dict[str, Any], trace: Trace, stand_in: Callable[[Any], Any]) -> None:
        self._stand_in = stand_in  # for objects that hold state
        self._trace, self._leaves = trace, list[tuple[str, Any, Symbol, Symbol | None]]()
        self.inputs = list[Value]()
        self.byteswapped = list[int]()  # the numbers of inputs that are not in the byte order of this machine
        self.given = dict[int, int]()  # the numbers of the leaves, by their ids
        self.trees = {place: mapped(self._entered, tree, place) for place, tree in trees.items()}
        self._before = {place: leaves_in(tree) for place, tree in self.trees.items()}

    def _entered(self, leaf: Any, place: str) -> Any:
        if not is_input(leaf):
            return self._stand_in(leaf)
        number, grad = len(self.inputs), None
        symbol = self._symbol(leaf.stable_array() if isinstance(leaf, Handle) else leaf, _name_of(place))
        entered: Any = symbol
        if isinstance(leaf, Handle):
            entered = wrap(type(leaf), symbol)
            entered._exposed = True  # so that x.data is this very Symbol
            entered.name = getattr(leaf, "_name", None)
            entered.requires_grad = leaf._node is not None
            if (before := _gradient_of(leaf)) is not None:
                grad = entered._node.grad = self._symbol(before, f"d{_name_of(place)}")
        self.given[id(entered)] = number
        self._leaves.append((place, entered, symbol, grad))
        return entered

    def _symbol(self, array: Any, name: str) -> Symbol:
        if not isinstance(array, float | generic):  # isinstance tells one of NumPy's numbers from an array
            array = np.asarray(array)
            if not array.dtype.isnative:
                self.byteswapped.append(len(self.inputs))
                array = array.astype(array.dtype.newbyteorder("="))
        symbol = self._trace.input(name, array)
        self.inputs.append(symbol.value)
        return symbol

    @property
    def nodes(self) -> list[Node]:
        """The nodes of the Tensors that require a gradient."""
        return [leaf._node for _, leaf, _, _ in self._leaves if isinstance(leaf, Handle) and leaf._node is not None]

    def require_unchanged(self) -> None:
        """Raise TypeError if the function has changed its arguments, which belong to the caller."""
        for place, tree in self.trees.items():
            now, before = leaves_in(tree), self._before[place]
            if len(now) != len(before) or any(x is not y for x, y in zip(now, before, strict=True)):
                raise changed_argument(place, "items")
        numbers = iter(self.inputs)
        for place, leaf, symbol, grad in self._leaves:
            array = leaf._array if isinstance(leaf, Handle) else leaf
            if array is not symbol or symbol.value is not next(numbers):
                raise changed_argument(place, "numbers")
            if isinstance(leaf, Handle) and (
                _gradient_of(leaf) is not grad or (grad is not None and grad.value is not next(numbers))
            ):
                raise changed_argument(place, "gradient")


def _name_of(place: str) -> str:
    """The name of an input: the last key of its place, or the argument and the index in it."""
    head, *keys = place.replace("]", "").split("[")
    name = keys[-1].strip("'\"") if keys else head
    return name if name.isidentifier() else f"{head}_{name}" if f"{head}_{name}".isidentifier() else head
