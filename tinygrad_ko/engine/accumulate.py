"""Gradient accumulation: un-broadcast a contribution to the shape and dtype of its parent, then add it to the others."""

from typing import Any

import numpy as np

from tinygrad_ko.arrays.dtypes import accumulation_dtype
from tinygrad_ko.arrays.indexing import IndexedGradient
from tinygrad_ko.arrays.library import ARRAYS, Array, cast, is_floating, is_real, method
from tinygrad_ko.arrays.memory import copied
from tinygrad_ko.engine.graph import Handle, Node
from tinygrad_ko.errors import described, no_gradient_through, wrong_shape


class Accumulator:
    """The gradient of a value with several contributions: they are added into one array that nobody else holds."""

    __slots__ = ("total",)

    def __init__(self, total: Array) -> None:
        self.total = total


def total(gradient: Any) -> Any:
    """The sum of all contributions."""
    return gradient.total if type(gradient) is Accumulator else gradient


def unbroadcast(part: Any, parent: Node, node: Node, argument: str, first: bool) -> Any:
    """A contribution in the shape and dtype of its parent. Summed over the axes along which the argument was stretched, if the op
    broadcasts; a sparse one that is the `first` fills an array of zeros.
    """
    # new: how many axes broadcasting has put in front
    new = part.ndim - len(parent.shape) if type(part) is np.ndarray and node.op.broadcasts else 0
    if new > 0 and part.shape[new:] == parent.shape and part.dtype == parent.dtype:  # usual: the bias of a batch
        return np.add.reduce(part, 0 if new == 1 else tuple(range(new)))
    if type(part) is IndexedGradient:
        return Accumulator(part.within(parent.shape, accumulation_dtype(parent.dtype))) if first else part
    if not is_real(part):
        raise wrong_shape(node.op.name, argument, f"dtype {part.dtype}", parent.shape, True)
    if not is_floating(parent.dtype):
        raise no_gradient_through(parent.op.name, parent.dtype)
    if part.shape != parent.shape:
        new = part.ndim - len(parent.shape)
        stretched = tuple([i for i, n in enumerate(part.shape) if i < new or n != parent.shape[i - new]])
        if new < 0 or not node.op.broadcasts or not all(i < new or parent.shape[i - new] == 1 for i in stretched):
            raise wrong_shape(node.op.name, argument, described(part), parent.shape, node.op.broadcasts)
        part = method(part, "sum")(axis=stretched)
        if part.shape != parent.shape:
            part = method(part, "reshape")(parent.shape)
    return cast(part, accumulation_dtype(parent.dtype))


def accumulated(old: Any, part: Any) -> Any:
    """The gradient after one more contribution."""
    if type(old) is Accumulator and type(part) in ARRAYS and type(old.total) in ARRAYS:  # the usual case
        old.total += part
        return old
    so_far = total(old)
    if isinstance(so_far, Handle) or isinstance(part, Handle):  # under create_graph
        return so_far + (part.within(so_far.shape, so_far.dtype) if type(part) is IndexedGradient else part)
    # In place, which keeps its memory order, only if nobody else holds the sum. (A NumPy scalar cannot be changed.)
    in_place = type(old) is Accumulator and not isinstance(so_far, np.generic)
    if type(part) is IndexedGradient:
        return Accumulator(part.added_to(so_far if in_place else copied(so_far)))
    if in_place:
        so_far += part  # a new array where a library's cannot be written to
    return Accumulator(so_far if in_place else so_far + part)
