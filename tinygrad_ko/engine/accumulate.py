"""What a value is owed: gradients that fit their value, and how the parts of one add up."""

from typing import Any

import numpy as np

from tinygrad_ko.arrays.indexing import add_at
from tinygrad_ko.arrays.library import ARRAYS, Array, cast, is_floating, is_real, method, namespace
from tinygrad_ko.arrays.memory import copied
from tinygrad_ko.engine.dtypes import within_walk
from tinygrad_ko.engine.graph import Handle, Node
from tinygrad_ko.errors import described, no_gradient_through, wrong_shape


class IndexedGradient:
    """A gradient that is zero outside an index: what indexing pays, so that n rows cost n rows and not n arrays."""

    __slots__ = ("dtype", "index", "values")
    shape = None  # the shape of no argument: `fit` always sees it

    def __init__(self, values: Array, index: Any) -> None:
        self.values, self.index, self.dtype = values, index, values.dtype

    def within(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """The patch in an array of zeros."""
        return self.added_to(namespace(self.values).zeros(shape, dtype=dtype))

    def added_to(self, total: Array) -> Array:
        """`total`, with the patch added in place."""
        add_at(total, self.index, self.values)
        return total


class Accumulator:
    """What a value is due that was used more than once: all parts are added into one array that nobody else holds."""

    __slots__ = ("total",)

    def __init__(self, total: Array) -> None:
        self.total = total


def fit(part: Any, to: Node, node: Node, argument: str, due: dict[Node, Any]) -> Any:
    """A gradient has its argument's shape and dtype: undo a broadcast if the op declares one, and a change of dtype."""
    new = part.ndim - len(to.shape) if type(part) is np.ndarray and node.op.broadcasts else 0
    if new > 0 and part.shape[new:] == to.shape and part.dtype == to.dtype:  # the usual case: the bias of a batch
        return np.add.reduce(part, axis=tuple(range(new)))
    if type(part) is IndexedGradient:
        return part if to in due else Accumulator(part.within(to.shape, within_walk(to.dtype)))
    if not is_real(part):
        raise wrong_shape(node.op.name, argument, f"dtype {part.dtype}", to.shape, True)
    if not is_floating(to.dtype):
        raise no_gradient_through(to.op.name, to.dtype)
    if part.shape != to.shape:
        new = part.ndim - len(to.shape)
        stretched = tuple([i for i, n in enumerate(part.shape) if i < new or n != to.shape[i - new]])
        if new < 0 or not node.op.broadcasts or not all(i < new or to.shape[i - new] == 1 for i in stretched):
            raise wrong_shape(node.op.name, argument, described(part), to.shape, node.op.broadcasts)
        part = method(part, "sum")(axis=stretched)
        if part.shape != to.shape:
            part = method(part, "reshape")(to.shape)
    return cast(part, within_walk(to.dtype))


def add(old: Any, part: Any) -> Any:
    """What is due after one more part."""
    if type(old) is Accumulator and type(part) in ARRAYS and type(old.total) in ARRAYS:  # the usual case
        old.total += part
        return old
    total = old.total if type(old) is Accumulator else old
    if isinstance(total, Handle) or isinstance(part, Handle):  # being recorded
        return total + (part.within(total.shape, total.dtype) if type(part) is IndexedGradient else part)
    if type(part) is IndexedGradient:
        return Accumulator(
            part.added_to(total if type(old) is Accumulator and not isinstance(total, np.generic) else copied(total))
        )
    return Accumulator(total + part)
