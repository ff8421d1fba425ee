"""Triangles and diagonals of matrices, the last two axes of an array."""

from operator import index

from tinygrad_ko.arrays.dtypes import moves
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.inputs import as_int, as_operand
from tinygrad_ko.ops.reduction import sum


@op(x=lambda g, k: tril(g, k))
@moves
def tril(xp, x, /, k=0):
    """The lower triangle: zeros above the k-th diagonal, which lies above the main one for k > 0.

    >>> import tinygrad_ko as tg
    >>> tg.tril([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 0.],
           [3., 4.]])
    """
    return xp.tril(_matrices(x), k=k)


@op(x=lambda g, k: triu(g, k))
@moves
def triu(xp, x, /, k=0):
    """The upper triangle: zeros below the k-th diagonal, which lies above the main one for k > 0.

    >>> import tinygrad_ko as tg
    >>> tg.triu([[1.0, 2.0], [3.0, 4.0]], 1)
    array([[0., 2.],
           [0., 0.]])
    """
    return xp.triu(_matrices(x), k=k)


@op(x=lambda g, x_shape, offset: diagonal_matrix(g, shape=x_shape, offset=offset))
@moves
def diagonal(xp, x, /, offset=0):
    """The numbers on a diagonal: from (..., n, m) to (..., length). The main one for 0, those above it for an offset > 0."""
    return xp.linalg.diagonal(_matrices(x), offset=offset)


@op(values=lambda g, offset: diagonal(g, offset))
def diagonal_matrix(xp, values, *, shape, offset):
    """Zeros of a shape, with the values on a diagonal of the last two axes."""
    rows, columns = shape[-2:]
    offset = index(offset)
    out = xp.zeros((*shape[:-2], rows * columns), dtype=values.dtype)  # row after row
    if 0 not in values.shape:
        start, step = offset if offset > 0 else -offset * columns, columns + 1  # a row down and a column on
        out[..., start : start + step * (values.shape[-1] - 1) + 1 : step] = values
    return xp.reshape(out, shape)


def _matrices(x):
    if getattr(x, "ndim", 0) < 2:
        raise explain(
            ValueError("x needs two axes or more: it must be a matrix or a stack of matrices"),
            "x의 축은 둘 이상이어야 합니다. 행렬이나 행렬의 묶음을 넘기십시오.",
        )
    return x


def trace(x, /, offset=0, dtype=None):
    """The sum of a diagonal: from (..., n, m) to (...); with a `dtype`, of x in that dtype.

    >>> import tinygrad_ko as tg
    >>> float(tg.trace([[1.0, 2.0], [3.0, 4.0]]))
    5.0
    """
    return sum(diagonal(as_operand(x, "trace"), offset), axis=-1, dtype=dtype)


def diag(x, /, k=0):
    """Of a 1-d x the matrix with x on its k-th diagonal and zeros elsewhere; of a matrix its k-th diagonal.

    Raises ValueError for an x that is neither.

    >>> import tinygrad_ko as tg
    >>> tg.diag([1.0, 2.0], 1)
    array([[0., 1., 0.],
           [0., 0., 2.],
           [0., 0., 0.]])
    """
    x = as_operand(x, "diag")
    if x.ndim == 1:
        side = x.shape[0] + abs(as_int(k, "diag"))
        return diagonal_matrix(x, shape=(side, side), offset=k)
    if x.ndim == 2:
        return diagonal(x, k)
    raise explain(
        ValueError(f"diag: x must have one axis or two, not shape {x.shape}; of stacks of matrices take diagonal"),
        f"diag: x는 1차원 또는 2차원이어야 합니다. 행렬의 묶음에는 diagonal을 쓰십시오. 받은 형상: {x.shape}",
    )
