"""Taking parts of an array and putting them back: each is the other's formula."""

import operator

import numpy as np

from tinygrad_ko import arrays
from tinygrad_ko.cotangent import Patch
from tinygrad_ko.graph import Handle
from tinygrad_ko.primitive import op


@op(x=lambda g, x_shape, index: put_back(g, x_shape, index))
def getitem(x, *, index):
    """x[index]: ints, slices, None, ..., integer arrays (with repeats) and boolean masks. What is taken twice gets
    two gradients.
    """
    return x[index]


@op(values=lambda g, index: g[index])
def scatter(xp, values, *, shape, index):
    """Zeros of a shape, with the values added at an index; where the index repeats they add up."""
    out = xp.zeros(shape, dtype=values.dtype)
    arrays.add_at(out, index, values)
    return out


def put_back(g, shape, index):
    """The gradient of x[index]: as a Tensor when it is recorded, else as a patch that the walk adds into one array."""
    return scatter(g, shape=shape, index=index) if isinstance(g, Handle) else Patch(g, index)


def plain(index):
    """An index of Python and NumPy alone: sequences and Tensors as arrays, the ends of slices as ints."""
    return tuple(map(plain_part, index)) if isinstance(index, tuple) else plain_part(index)


def plain_part(part):
    """One part of an index."""
    if isinstance(part, slice):
        ends = (part.start, part.stop, part.step)
        return slice(*(None if end is None else operator.index(end) for end in ends))
    if isinstance(part, Handle):
        return part.settled()
    return np.asarray(part, None if len(part) else np.intp) if isinstance(part, list | tuple | range) else part
