"""What is a view of which Tensor: a part of its elements, or all in another shape or order. What is written to a view is written to
the Tensor as well.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from weakref import ref

import numpy as np

from tinygrad_ko.arrays.indexing import has_basic_parts
from tinygrad_ko.engine.graph import Handle, wrap
from tinygrad_ko.ops.inputs import unwrapped

# How a view was taken: the Tensor, its node as the view has seen it, and an op with its arguments, or None with an index.
Link = tuple[Callable[[], Any], Any, Any, Any]


def viewing(op: Any) -> Any:
    """Decorator of an op that gives a view of its first argument."""

    @wraps(op)
    def call(x: Any, *given: Any, **options: Any) -> Any:
        out = op(x, *given, **options)
        return mark(out, x, op, (given, options)) if isinstance(x, Handle) else out

    return call


def mark(view: Any, base: Any, op: Any, given: Any) -> Any:
    """A Tensor, marked as a view of another one: what an op gives of it, or what is at an index."""
    view._view_of = (_reference(base) if hasattr(base, "_view_of") else ref(base), base._node, op, given)
    return view


def _reference(base: Any) -> Callable[[], Any]:
    """What finds a view again: weakly, unless that of which it is a view is still there, to which what is written goes on."""
    return ref(base) if base._view_of[0]() is None else lambda: base


def unmarked(x: Any) -> Any:
    """The same Tensor under a handle of its own, that is no view."""
    return wrap(type(x), x.stable_array(), x._node) if hasattr(x, "_view_of") else x


def retaken(base: Any, view: Link) -> Any:
    """The view of a Tensor, or of an array of NumPy's, with whose memory it is shared if that can be."""
    *_, op, given = view
    if op is None:
        return base[unwrapped(given)]
    arguments, options = given
    if isinstance(base, Handle):
        return op(base, *arguments, **options)
    return op.op.forward(np, base, *arguments, **options)


def base_of(x: Any) -> Any:
    """The Tensor that x is a view of, if it is one and that Tensor is still there. (An index with arrays, and a shape that does not fit the
    memory, give copies.)
    """
    view: Any = getattr(x, "_view_of", None)
    base = view and view[0]()
    if base is None or (view[2] is None and not has_basic_parts(view[3])):
        return None
    array = base._array if isinstance(base._array, np.ndarray) else np.empty(base.shape, bool)
    part = retaken(array, view)
    return base if isinstance(part, np.ndarray) and np.may_share_memory(part, array) else None
