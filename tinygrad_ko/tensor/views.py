"""Writing to views: `y[0][1] = 3`, `y.T[0] = 3`, `for row in y: row *= 2` change y, as NumPy means it.

A view is a Tensor of its own. Read, it keeps the values that it was taken with; before it is written to, it is taken again if the Tensor
has changed, and afterwards the Tensor is written to.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_ko.ops import indexing, shape
from tinygrad_ko.ops.views import base_of, retaken
from tinygrad_ko.runtime.atomic import at_once


def is_written(base: Any, index: Any, value: Any) -> bool:
    """Whether base[index] = value has nothing to do: in `base[index] *= 2` the operator has written to the base already."""
    to, node, op, given = value._view_of
    return op is None and given is index and to() is base and node is base._node and base_of(value) is base


@contextmanager
def written_through(x: Any, store: Callable[[Any, Any, Any], None]) -> Iterator[None]:
    """Around what writes to x: if x is a view, `store` writes it to its Tensor."""
    base = base_of(x)
    if base is None:
        yield
        return
    renew(x)
    yield
    to, _, op, given = x._view_of
    if op is None:
        store(base, given, x)
    else:
        places = retaken(np.arange(base.size).reshape(base.shape), x._view_of)
        store(base, ..., shape.reshape(indexing.assigned(shape.reshape(base, (-1,)), places, x), base.shape))
    x._view_of = (to, base._node, op, given)


def renew(x: Any) -> None:
    """Let a view, of a Tensor that may be a view itself, see what has been written to that."""
    base = base_of(x)
    if base is None:
        return
    renew(base)
    to, node, op, given = x._view_of
    if node is not base._node or node is None:
        new = retaken(base, x._view_of)
        at_once(
            setattr, [*x.replacing(new._array), (x, "_node", new._node), (x, "_view_of", (to, base._node, op, given))]
        )()
