"""Another shape, the same numbers: the gradient goes back the way the numbers came."""

from tinygrad_ko.primitive import op


@op(x=lambda g, x_shape: reshape(g, x_shape))
def reshape(xp, x, /, shape):
    """The same numbers in another shape; one entry of the shape may be -1."""
    return xp.reshape(x, shape)


@op(x=lambda g, axes: permute_dims(g, inverse(axes)))
def permute_dims(xp, x, /, axes):
    """The axes in another order."""
    return xp.permute_dims(x, axes)


def inverse(axes):
    """The permutation that undoes `axes`."""
    order = [axis % len(axes) for axis in axes]
    return tuple(order.index(i) for i in range(len(order)))


@op(x=lambda g: matrix_transpose(g))
def matrix_transpose(xp, x):
    """The last two axes exchanged."""
    return xp.matrix_transpose(x)


@op(broadcasts=True, x=lambda g: g)
def broadcast_to(xp, x, /, shape):
    """x repeated along new axes and axes of length 1."""
    return xp.broadcast_to(x, shape)


@op(x=lambda g, x_shape: reshape(g, x_shape))
def expand_dims(xp, x, /, axis=0):
    """New axes of length 1, at the place or places `axis` of the result."""
    return xp.expand_dims(x, axis=axis)


@op(x=lambda g, x_shape: reshape(g, x_shape))
def squeeze(xp, x, /, axis=None):
    """Without the axes of length 1: all of them, or those named."""
    return xp.squeeze(x, axis=tuple([i for i, n in enumerate(x.shape) if n == 1]) if axis is None else axis)


@op(
    name="concat",
    xs=lambda g, xs_shape, axis: [g[along(axis, slice(start, stop))] for start, stop in spans(xs_shape, axis)],
)
def concatenate(xp, *xs, axis):
    """Arrays one after the other along an existing axis."""
    return xp.concat(xs, axis=axis)


@op(name="stack", xs=lambda g, xs_shape, axis: [g[along(axis, i)] for i in range(len(xs_shape))])
def pile(xp, *xs, axis):
    """Arrays of one shape, one after the other along a new axis."""
    return xp.stack(xs, axis=axis)


def along(axis, index):
    """The index that takes `index` along one axis and everything along the others."""
    return (slice(None),) * axis + (index, ...) if axis >= 0 else (..., index) + (slice(None),) * (-1 - axis)


def spans(shapes, axis):
    """Where each array begins and ends along the axis on which they were joined."""
    stop = 0
    for shape in shapes:
        start, stop = stop, stop + shape[axis]
        yield start, stop


def concat(arrays, /, *, axis=0):
    """Arrays one after the other along an existing axis; with `axis=None` each is flattened first."""
    if axis is None:
        return concatenate(*(reshape(x, (-1,)) for x in arrays), axis=0)
    return concatenate(*arrays, axis=axis)


def stack(arrays, /, *, axis=0):
    """Arrays of one shape, one after the other along a new axis."""
    return pile(*arrays, axis=axis)
