"""Products of matrices."""

from math import prod

from tinygrad_ko.arrays import as_array, operand
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.shape import reshape
from tinygrad_ko.primitive import op


@op(name="matmul", broadcasts=True, a=lambda g, b: g @ b.mT, b=lambda g, a: a.mT @ g)
def matrix_product(xp, a, b):
    """a @ b for matrices and stacks of matrices: (..., n, k) @ (..., k, m) gives (..., n, m), and stacks broadcast."""
    fitting(a, b)
    return xp.matmul(a, b)


def fitting(a, b):
    """Refuse matrices that cannot be multiplied."""
    if a.ndim > 1 < b.ndim and a.shape[-1] != b.shape[-2]:
        raise ValueError(f"the first has {a.shape[-1]} columns, but the second has {b.shape[-2]} rows")


def matmul(a, b):
    """a @ b as NumPy defines it: a 1-d a is a row, a 1-d b is a column, and more than two axes are stacks of
    matrices.
    """
    if not hasattr(a, "ndim"):
        a = as_array(operand(a))
    if not hasattr(b, "ndim"):
        b = as_array(operand(b))
    if a.ndim == 2 == b.ndim or a.ndim == 0 or b.ndim == 0:
        return matrix_product(a, b)
    if a.ndim == 1:
        return drop(matmul(reshape(a, (1, a.shape[0])), b), -1 if b.ndim == 1 else -2)
    if b.ndim == 1:
        return drop(matmul(a, reshape(b, (b.shape[0], 1))), -1)
    if b.ndim == 2:  # one product of large matrices instead of a stack of small ones
        out = matrix_product(reshape(a, (prod(a.shape[:-1]), a.shape[-1])), b)
        return reshape(out, (*a.shape[:-1], b.shape[-1]))
    return matrix_product(a, b)


def drop(x, axis):
    """x without an axis of length 1."""
    shape = list(x.shape)
    del shape[axis]
    return reshape(x, tuple(shape))


@op(name="affine", broadcasts=True, x=lambda g, W: g @ W.mT, W=lambda g, x: x.mT @ g, b=lambda g: g)
def affine_batch(xp, x, W, b):
    """x @ W + b for a batch of rows, in one array."""
    fitting(x, W)
    out = xp.matmul(x, W)
    if b.dtype != out.dtype:
        return out + b
    out += b
    return out


def affine(x, W, b):
    """x @ W + b, from (..., n) with W (n, m) and b (m,) to (..., m): the book's Affine layer in one step."""
    x, W, b = (v if hasattr(v, "shape") else as_array(operand(v, "affine")) for v in (x, W, b))
    if b.shape != W.shape[-1:]:
        raise explain(
            ValueError(f"affine: W has shape {W.shape}, so b needs shape {W.shape[-1:]}, not {b.shape}"),
            f"affine: W의 형상이 {W.shape}이므로 b의 형상은 {W.shape[-1:]}이어야 합니다. 받은 형상은 {b.shape}입니다.",
        )
    rows = x.shape[:-1]
    if len(rows) == 1:
        return affine_batch(x, W, b)
    return reshape(affine_batch(reshape(x, (prod(rows), *x.shape[-1:])), W, b), (*rows, *W.shape[-1:]))
