"""NumPy's products of arrays and what numpy.linalg composes of decompositions."""

from math import prod
from typing import Any

import numpy as np

from tinygrad_ko.arrays.lists import taking_lists
from tinygrad_ko.engine.graph import Handle
from tinygrad_ko.errors import explain
from tinygrad_ko.ops import elementwise, padding, reduction, shape
from tinygrad_ko.ops.inputs import as_floating, as_operand, constants, first_handle, unwrapped
from tinygrad_ko.ops.linalg import factoring, products, solving, spectral
from tinygrad_ko.ops.linalg.einsum import einsum as einsum_of_letters
from tinygrad_ko.tensor.numpys.table import Table, Unsupported, named

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # in the order in which results have them


def _dot(a: Any, b: Any) -> Any:
    """A product of matrices, of numbers if one of the two is a number; else over the last axis of a and the last but one of b."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return elementwise.multiply(a, b)
    if np.ndim(b) > 2:
        return products.tensordot(a, b, axes=((np.ndim(a) - 1,), (np.ndim(b) - 2,)))
    return products.matmul(a, b)


def _inner(a: Any, b: Any) -> Any:
    a, b = as_operand(a, "inner"), as_operand(b, "inner")
    if a.ndim == 0 or b.ndim == 0:
        return elementwise.multiply(a, b)
    return products.tensordot(a, b, axes=((a.ndim - 1,), (b.ndim - 1,)))


def _einsum(*operands: Any, optimize: Any = False) -> Any:
    """By letters, or by lists of numbers behind each operand and at the end. (The order of products is that of `tg.einsum`.)"""
    if isinstance(operands[0], str):
        return einsum_of_letters(*operands)
    arrays, lists = operands[0 : 2 * (len(operands) // 2) : 2], operands[1::2]
    spelled = [_spelled(places) for places in lists]
    result = [_spelled(operands[-1])] if len(operands) % 2 else []
    return einsum_of_letters("->".join([",".join(spelled), *result]), *arrays)


def _spelled(places: Any) -> str:
    return "".join("..." if p is Ellipsis else _LETTERS[p] for p in places)


def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """Of vectors of length 3. Where one has 2, its third number is 0; where both have, the result is the third number alone."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = as_operand(a, "cross"), as_operand(b, "cross")
    a, b = shape.moveaxis(a, axisa, -1), shape.moveaxis(b, axisb, -1)
    if a.shape[-1] == b.shape[-1] == 2:
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = (padding.pad(x, (*(((0, 0),) * (x.ndim - 1)), (0, 1))) if x.shape[-1] == 2 else x for x in (a, b))
    return shape.moveaxis(products.cross(a, b, axis=-1), -1, axisc)


def _multi_dot(arrays: Any) -> Any:
    """The product of several matrices in the order that needs the fewest multiplications; the first and the last may be vectors."""
    arrays = [as_operand(x, "multi_dot") for x in arrays]
    if len(arrays) == 2:
        return _dot(*arrays)
    if len(arrays) < 2 or any(x.ndim != 2 for x in arrays[1:-1]) or any(x.ndim not in (1, 2) for x in arrays):
        np.linalg.multi_dot([unwrapped(x) for x in arrays])  # which says what is wrong
    sizes = [1 if arrays[0].ndim == 1 else arrays[0].shape[0], *(x.shape[0] for x in arrays[1:])]
    if arrays[0].ndim == 1:
        sizes[1] = arrays[0].shape[0]
    sizes.append(1 if arrays[-1].ndim == 1 else arrays[-1].shape[-1])
    found: dict[tuple[int, int], tuple[int, int]] = {(i, i): (0, i) for i in range(len(arrays))}
    for length in range(1, len(arrays)):
        for i in range(len(arrays) - length):
            j = i + length
            found[i, j] = min(
                (found[i, k][0] + found[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )

    def product(i: int, j: int) -> Any:
        k = found[i, j][1]
        return arrays[i] if i == j else products.matmul(product(i, k), product(k + 1, j))

    return product(0, len(arrays) - 1)


def _tensorinv(a: Any, ind: int = 2) -> Any:
    a = as_operand(a, "tensorinv")
    if ind <= 0:
        np.linalg.tensorinv(unwrapped(a), ind)  # which says what is wrong
    return shape.reshape(solving.inv(shape.reshape(a, (prod(a.shape[ind:]), -1))), (*a.shape[ind:], *a.shape[:ind]))


def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    a, b = as_operand(a, "tensorsolve"), as_operand(b, "tensorsolve")
    if axes is not None:
        last = [i % a.ndim for i in axes]
        a = shape.permute_dims(a, (*(i for i in range(a.ndim) if i not in last), *last))
    found = a.shape[b.ndim :]
    return shape.reshape(solving.solve(shape.reshape(a, (-1, prod(found))), shape.reshape(b, (-1,))), found)


def _cond(x: Any, p: Any = None) -> Any:
    """The condition of matrices: the largest singular value over the smallest, or the norm of the matrix times that of its inverse."""
    x = as_floating(x, "cond")
    if p in (None, 2, -2):
        s = spectral.svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return spectral.matrix_norm(x, ord=p) * spectral.matrix_norm(solving.inv(x), ord=p)


def _eig(a: Any) -> Any:
    raise _complex("eig", "eigh")


def _eigvals(a: Any) -> Any:
    raise _complex("eigvals", "eigvalsh")


def _complex(name: str, instead: str) -> TypeError:
    return explain(
        TypeError(
            f"np.linalg.{name} is not supported on a Tensor: its results may be complex; for a symmetric matrix take np.linalg.{instead}, "
            "or, where no gradient is wanted, compute on x.numpy()"
        ),
        f"np.linalg.{name}: 결과가 복소수일 수 있으므로 Tensor에서 지원하지 않습니다. 대칭 행렬이라면 다음과 같이 쓰십시오: "
        f"np.linalg.{instead}. 기울기가 필요 없다면 x.numpy()로 배열을 꺼내 쓰십시오.",
    )


def _lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Any, Any, Any, Any]:
    """The solution of least squares, of all of them the shortest, by the pseudo-inverse; the sums of the squares that are left, if the
    columns of a are independent and there are more rows; the rank, and the singular values.
    """
    a, b = as_floating(a, "lstsq"), as_floating(b, "lstsq")
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0] or 0 in (*a.shape, *b.shape):
        np.linalg.lstsq(unwrapped(a), unwrapped(b), rcond)  # which says what is wrong
        raise Unsupported
    m, n = a.shape
    eps = float(np.finfo(np.result_type(a.dtype, b.dtype)).eps)
    least = eps * max(m, n) if rcond is None else eps if rcond < 0 else rcond
    x = products.matmul(spectral.pinv(a, rtol=least), b)
    rank, sizes = np.linalg.lstsq(unwrapped(a), unwrapped(b), rcond)[2:]
    s = spectral.svdvals(a) if isinstance(a, Handle) else sizes
    left = reduction.sum(elementwise.square(b - products.matmul(a, x)), axis=0, keepdims=b.ndim == 1)
    return constants(type(first_handle((a, b))), (x, left if rank == n < m else left[:0], rank, s))


def _pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    if hermitian:
        raise Unsupported
    return spectral.pinv(a, rtol=rcond if rtol is None else rtol)


def _eigh(a: Any, UPLO: str = "L") -> Any:
    """(The signs of the eigenvectors are those that NumPy finds from that triangle.)"""
    w, v = spectral.eigh(one_triangle(a, UPLO in "uU"))
    if UPLO not in "uU":
        return spectral.EighResult(w, v)
    agree = reduction.sum(unwrapped(v) * np.linalg.eigh(unwrapped(a), "U")[1], axis=-2, keepdims=True)
    return spectral.EighResult(w, v * np.where(agree < 0, -1, 1).astype(v.dtype))


def one_triangle(x: Any, upper: bool) -> Any:
    """The symmetric matrix that NumPy reads from one triangle of x."""
    return factoring.mirrored(x.mT if upper else x)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """With an ord, of vectors along one axis or of matrices along two; else the root of the sum of squares."""
    axes = np.ndim(x) if axis is None else len(axis) if isinstance(axis, tuple) else 1
    if ord is not None and axes == 2:
        places = (-2, -1) if axis is None else axis
        out = spectral.matrix_norm(shape.moveaxis(x, places, (-2, -1)), ord=ord)
        return shape.expand_dims(out, axis=places) if keepdims else out
    if ord is not None and axes != 1:
        raise explain(
            TypeError(f"np.linalg.norm: with ord={ord!r} name one axis, of vectors, or two, of matrices"),
            f"np.linalg.norm: ord={ord!r}에는 벡터이면 축 하나, 행렬이면 축 두 개를 axis로 지정해야 합니다.",
        )
    return reduction.vector_norm(x, axis=axis, keepdims=bool(keepdims), ord=2 if ord is None else ord)


FUNCTIONS: Table = {
    **named(np, (_inner, _einsum, _cross)),
    np.dot: taking_lists(_dot),
    **named(np.linalg, (_multi_dot, _tensorinv, _tensorsolve, _cond, _lstsq, _pinv, _eigh, _eig, _eigvals, _norm)),
}
