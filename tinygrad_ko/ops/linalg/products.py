"""Products of vectors and matrices."""

from math import prod

from tinygrad_ko.arrays.library import NUMPYS
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import multiply
from tinygrad_ko.ops.inputs import as_int, as_operand
from tinygrad_ko.ops.reduction import sum
from tinygrad_ko.ops.shape import expand_dims, matrix_transpose, permute_dims, reshape

_DOT = 8192  # numbers: NumPy adds up by halves, which is more exact where there are more


@op(name="matmul", broadcasts=True, a=lambda g, b: g @ b.mT, b=lambda g, a: a.mT @ g)
def matrix_product(xp, a, b):
    """a @ b for matrices and stacks of matrices: (..., n, k) @ (..., k, m) gives (..., n, m), and stacks broadcast."""
    _check_columns(a, b)
    return xp.matmul(a, b)


def _check_columns(a, b):
    if a.ndim > 1 < b.ndim and a.shape[-1] != b.shape[-2]:
        raise explain(
            ValueError(f"the first has {a.shape[-1]} columns, but the second has {b.shape[-2]} rows"),
            f"첫째 배열의 열은 {a.shape[-1]}개인데 둘째 배열의 행은 {b.shape[-2]}개입니다.",
        )


def matmul(a, b):
    """a @ b as NumPy defines it: a 1-d a is a row, a 1-d b is a column, and more than two axes are stacks of matrices."""
    a, b = as_operand(a, "matmul"), as_operand(b, "matmul")
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


@op(name="affine", broadcasts=True, x=lambda g, W, x: matmul_as(x, g, W.mT), W=lambda g, x: x.mT @ g, b=lambda g: g)
def affine_batch(xp, x, W, b):
    """x @ W + b for a batch of rows, in one array."""
    out = xp.matmul(x, W)
    if b.dtype != out.dtype:
        return out + b
    out += b
    return out


def matmul_as(x, a, b):
    """a @ b, column by column in memory if the matrix x is: what works on both then reads them in one order."""
    if type(x) in NUMPYS and x.flags.f_contiguous and not x.flags.c_contiguous:
        return (b.mT @ a.mT).mT
    return a @ b


def affine(x, W, b):
    """x @ W + b, from (..., n) with W (n, m) and b (m,) to (..., m): the book's Affine layer in one step."""
    x, W, b = as_operand(x, "affine"), as_operand(W, "affine"), as_operand(b, "affine")
    shape, shape_W = x.shape, W.shape
    if not shape or len(shape_W) != 2:
        raise explain(
            ValueError(
                f"affine: x needs shape (..., n) and W (n, m), but they have {x.shape} and {W.shape}; a single sample is a row of n "
                "numbers, [x] if n is 1"
            ),
            f"affine: x의 형상은 (..., n), W의 형상은 (n, m)이어야 합니다. 받은 형상: {x.shape}, {W.shape}. "
            "표본 하나는 수 n개로 된 행이며, n이 1이면 [x]입니다.",
        )
    (n, m), k = shape_W, shape[-1]
    if k != n:
        raise explain(
            ValueError(
                f"affine: x has {k} columns, but W has {n} rows, in shapes {x.shape} and {W.shape}; reshape x, or make the layer for it, "
                f"Affine({k}, {m})"
            ),
            f"affine: x의 열은 {k}개인데 W의 행은 {n}개입니다. 받은 형상: {x.shape}, {W.shape}. x의 형상을 바꾸거나, x에 맞는 계층 "
            f"Affine({k}, {m})을 만드십시오.",
        )
    if b.shape != (m,):
        raise explain(
            ValueError(f"affine: W has shape {W.shape}, so b needs shape {(m,)}, not {b.shape}"),
            f"affine: W의 형상이 {W.shape}이므로 b의 형상은 {(m,)}이어야 합니다. 받은 형상은 {b.shape}입니다.",
        )
    if len(shape) == 2:
        return affine_batch(x, W, b)
    rows = shape[:-1]
    return reshape(affine_batch(reshape(x, (prod(rows), n)), W, b), (*rows, m))


def tensordot(x1, x2, /, *, axes=2):
    """The sum of products over pairs of axes: `axes=n` pairs the last n of x1 with the first n of x2, `axes=(of_x1, of_x2)` pairs them one
    by one. What is left are the other axes of x1, then those of x2.

    Raises ValueError for axes that are not there, are named twice or do not have one length, TypeError for what are no axes.

    >>> import tinygrad_ko as tg
    >>> tg.tensordot([[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]], axes=((0, 1), (1, 0)))
    array(5.)
    """
    x1, x2 = as_operand(x1, "tensordot"), as_operand(x2, "tensordot")
    first, second = _paired(x1.shape, x2.shape, axes)
    rest1 = tuple(i for i in range(x1.ndim) if i not in first)
    rest2 = tuple(i for i in range(x2.ndim) if i not in second)
    out = matrix_product(as_matrices(x1, (), rest1, first), as_matrices(x2, (), second, rest2))
    return reshape(out, (*(x1.shape[i] for i in rest1), *(x2.shape[i] for i in rest2)))


def _paired(shape1, shape2, axes):
    """The axes of each array that are summed over, counted from the front."""

    def refuse(what, korean):
        raise explain(
            ValueError(f"tensordot: {what}, for shapes {shape1} and {shape2} with axes={axes}"),
            f"tensordot: {korean} 받은 형상: {shape1}, {shape2}, axes={axes}",
        )

    if isinstance(axes, list | tuple):
        if len(axes) != 2:
            refuse(
                "axes must be an int, or of each array the axes",
                "axes에는 정수 하나 또는 두 배열의 축을 적어야 합니다.",
            )
        both = [[as_int(i, "tensordot") for i in (a if isinstance(a, list | tuple) else [a])] for a in axes]
    else:
        n = as_int(axes, "tensordot")
        if not 0 <= n <= min(len(shape1), len(shape2)):
            refuse(
                "axes must be 0 or more, and no more than either has",
                "axes는 0 이상이고 두 배열의 축 수 이하여야 합니다.",
            )
        both = [[*range(len(shape1) - n, len(shape1))], [*range(n)]]
    if len(both[0]) != len(both[1]):
        refuse("there must be as many axes of one as of the other", "두 배열의 축을 같은 개수만큼 적어야 합니다.")
    for wanted, shape in zip(both, (shape1, shape2), strict=True):
        n = len(shape)
        if not all(-n <= i < n for i in wanted) or len({i % n for i in wanted}) < len(wanted):
            refuse("an axis is not there or named twice", "없는 축이 있거나 같은 축을 두 번 적었습니다.")
    for i, j in zip(*both, strict=True):
        if shape1[i] != shape2[j]:
            refuse(
                f"axis {i} of the first has length {shape1[i]}, but axis {j} of the second {shape2[j]}",
                f"첫째 배열의 축 {i}의 길이는 {shape1[i]}인데 둘째 배열의 축 {j}의 길이는 {shape2[j]}입니다.",
            )
    return tuple(i % len(shape1) for i in both[0]), tuple(j % len(shape2) for j in both[1])


def as_matrices(x, stack, rows, columns):
    """x as a stack of matrices: the axes `stack` in front, the axes `rows` merged into one, and the axes `columns`."""
    own = tuple(range(x.ndim))
    if (*stack, *rows, *columns) != own == (*stack, *columns, *rows):  # they lie there the other way round
        return matrix_transpose(as_matrices(x, stack, columns, rows))
    return merged(x, *((i,) for i in stack), rows, columns)


def merged(x, *groups):
    """x with its axes in groups, each merged into one axis; a group of none is an axis of length 1."""
    order = tuple(i for group in groups for i in group)
    lengths = tuple(prod([x.shape[i] for i in group]) for group in groups)
    x = x if order == tuple(range(x.ndim)) else permute_dims(x, order)
    return x if x.shape == lengths else reshape(x, lengths)


def vecdot(x1, x2, /, *, axis=-1):
    """The sum of products along an axis: the dot product of vectors, for stacks of them, which broadcast.

    Raises ValueError if the axis is not there in both, or has not the same length.

    >>> import tinygrad_ko as tg
    >>> tg.vecdot([[1.0, 2.0], [3.0, 4.0]], [10.0, 1.0])
    array([12., 34.])
    """
    x1, x2 = as_operand(x1, "vecdot"), as_operand(x2, "vecdot")
    return dot_products(x1, x2, axis=_from_the_end(axis, x1.shape, x2.shape, "vecdot"))


@op(
    name="vecdot",
    broadcasts=True,
    a=lambda g, b, axis: expand_dims(g, axis=axis) * b,
    b=lambda g, a, axis: expand_dims(g, axis=axis) * a,
)
def dot_products(xp, a, b, /, *, axis):
    """`vecdot` along an axis that is counted from the end."""
    return xp.vecdot(a, b, axis=axis)


def dots(a, b, axis):
    """sum(a * b) along the axis or axes of a reduction, which stay with length 1: of a last axis dot products, a third of the time. (Not
    where a is one number stretched, as the gradient of a sum is: that NumPy does not hand to BLAS, but adds up one by one.)
    """
    repeated = type(a) in NUMPYS and a.ndim and not a.strides[-1]
    if axis in (-1, a.ndim - 1) and a.ndim and a.shape[-1] <= _DOT and not repeated:
        return dot_products(a, b, axis=-1)[..., None]
    return sum(a * b, axis=axis, keepdims=True)


def _from_the_end(axis, shape1, shape2, name):
    """An axis of two arrays that broadcast, counted from the end: there it is the same one."""
    place = axis - len(shape1) if axis >= 0 and len(shape1) == len(shape2) else axis
    if not -min(len(shape1), len(shape2)) <= place < 0:
        raise explain(
            ValueError(f"{name}: there is no axis {axis} that both have, {shape1} and {shape2}; count it from the end"),
            f"{name}: 두 배열에 공통된 축 {axis}번이 없습니다. -1처럼 뒤에서부터 세십시오. 받은 형상: {shape1}, {shape2}",
        )
    n, m = shape1[place], shape2[place]
    if n != m:
        raise explain(
            ValueError(f"{name}: axis {axis} has length {n} in the first, but {m} in the second"),
            f"{name}: 축 {axis}의 길이가 서로 다릅니다. 첫째 배열은 {n}, 둘째 배열은 {m}입니다.",
        )
    return place


def outer(x1, x2, /):
    """Every number of a vector times every number of another: (n,) and (m,) give (n, m).

    Raises ValueError for anything but vectors.

    >>> import tinygrad_ko as tg
    >>> tg.outer([1.0, 2.0], [3.0, 4.0, 5.0])
    array([[ 3.,  4.,  5.],
           [ 6.,  8., 10.]])
    """
    x1, x2 = as_operand(x1, "outer"), as_operand(x2, "outer")
    if x1.ndim != 1 or x2.ndim != 1:
        raise explain(
            ValueError(f"outer: two vectors are needed, got shapes {x1.shape} and {x2.shape}; flatten them first"),
            f"outer: 1차원 배열 두 개가 필요합니다. 먼저 한 축으로 펼치십시오. 받은 형상: {x1.shape}, {x2.shape}",
        )
    return multiply(reshape(x1, (x1.shape[0], 1)), x2)


def cross(x1, x2, /, *, axis=-1):
    """The cross product of vectors of three numbers along an axis, for stacks of them, which broadcast.

    Raises ValueError if the axis is not there in both, or has not length 3.

    >>> import tinygrad_ko as tg
    >>> tg.cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    array([0., 0., 1.])
    """
    x1, x2 = as_operand(x1, "cross"), as_operand(x2, "cross")
    axis = _from_the_end(axis, x1.shape, x2.shape, "cross")
    if x1.shape[axis] != 3:
        raise explain(
            ValueError(f"cross: vectors of 3 numbers are needed, but axis {axis} has length {x1.shape[axis]}"),
            f"cross: 축 {axis}의 길이는 3이어야 합니다. 받은 길이는 {x1.shape[axis]}입니다.",
        )
    return cross_products(x1, x2, axis=axis)


@op(
    name="cross",
    broadcasts=True,
    a=lambda g, b, axis: cross_products(b, g, axis=axis),
    b=lambda g, a, axis: cross_products(g, a, axis=axis),
)
def cross_products(xp, a, b, /, *, axis):
    """`cross` along an axis that is counted from the end."""
    return xp.linalg.cross(a, b, axis=axis)
