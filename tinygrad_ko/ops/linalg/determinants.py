"""Determinants of matrices and stacks of them."""

from collections import namedtuple

from tinygrad_ko.arrays.library import namespace, quiet
from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.elementwise import where, zeros_like
from tinygrad_ko.ops.inputs import unwrapped
from tinygrad_ko.ops.linalg.degenerate import refuse_equal
from tinygrad_ko.ops.linalg.lapack import converging, square_matrices
from tinygrad_ko.ops.linalg.solving import inv
from tinygrad_ko.ops.linalg.spectral import svd
from tinygrad_ko.ops.reduction import sum
from tinygrad_ko.ops.shape import expand_dims

SlogdetResult = namedtuple("SlogdetResult", "sign logabsdet")


@op(x=lambda g, x: expand_dims(g, axis=(-2, -1)) * cofactors(x))
def det(xp, x):
    """The determinant: (..., n, n) to (...). It is a polynomial, so it has a gradient at singular matrices too, the cofactors.

    Exact at orders 1 and 2 for every matrix; of a third derivative LinAlgError is raised where singular values are equal or 0. The
    determinant of a large matrix may be too large for a number: see `slogdet`.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    >>> tg.linalg.det(x).backward()
    >>> x.grad.round(12).tolist()
    [[4.0, -2.0], [-2.0, 1.0]]
    """
    return xp.linalg.det(square_matrices(x))


@op(x=lambda g, x: _minors(g, x))
@opaque
def cofactors(xp, x):
    """det(x) * inv(x).mT, where x has an inverse; else, and where its digits would be lost, from x = U S V^T: those of S are the products
    of its other entries, those of U and V are U and V but for the sign. Source: G. W. Stewart, "On the adjugate matrix", Linear Algebra
    Appl. 283 (1998).
    """
    out = xp.linalg.det(x)
    if xp.all((xp.abs(out) > 1e-30) & (xp.abs(out) < 1e30)):
        inverse = xp.linalg.inv(x)  # an eighth of the time of the singular values
        with quiet(over="ignore"):
            condition = xp.sum(x * x, axis=(-2, -1)) * xp.sum(inverse * inverse, axis=(-2, -1))  # squared
        if xp.all(condition < float(xp.finfo(x.dtype).eps) ** -0.75):  # up to there it is as exact as they are
            return out[..., None, None] * inverse.mT
    with converging("det"):
        u, s, vh = xp.linalg.svd(x, full_matrices=False)
    i = xp.arange(x.shape[-1])
    others = xp.prod(xp.where(i[:, None] == i, 1, s[..., None, :]), axis=-1)
    turns = xp.linalg.slogdet(u)[0] * xp.linalg.slogdet(vh)[0]
    return turns[..., None, None] * ((u * others[..., None, :]) @ vh)


def _minors(g, x):
    """The second derivative of the determinant along g, as a gradient: with p[i, j] the product of all singular values but two, that of
    det(S) along G and H is the sum over i and j of p[i, j] (G[i, i] H[j, j] - G[i, j] H[j, i]).
    """
    u, s, vh = svd(x, full_matrices=False)
    gv, p = g @ vh.mT, _without_two(all_apart(s))
    inner = sum(u * gv, axis=-2, keepdims=True) @ p
    turns = expand_dims(slogdet(u).sign * slogdet(vh).sign, axis=(-2, -1))
    return turns * ((u * inner - u @ (p * (u.mT @ gv)).mT) @ vh)


@op(name="det", s=lambda g, s: refuse_equal(g, s, "det"))
def all_apart(s):
    """s, whose gradient is refused where two singular values are equal or one is 0: those of u and v would be missing."""
    return s


def _without_two(s):
    """p[i, j], the product of all s but s[i] and s[j]; 0 where i is j."""
    i = namespace(unwrapped(s)).arange(s.shape[-1])
    column = expand_dims(s, axis=-1)
    p = where(i == i[:, None], zeros_like(column), 1)
    for k in range(s.shape[-1]):
        p = p * where((i == k) | (i[:, None] == k), 1, column[..., k : k + 1, :])
    return p


@op(name="slogdet", x=lambda g, x: expand_dims(g[..., 1], axis=(-2, -1)) * inv(x).mT)
def sign_and_log(xp, x):
    """The sign of the determinant and the logarithm of its size, in one array (..., 2)."""
    return xp.stack(list(xp.linalg.slogdet(square_matrices(x))), axis=-1)


def slogdet(x, /):
    """The sign of the determinant, -1, 0 or 1, and the logarithm of its absolute value, where the determinant itself may be too large or
    too small for a number: (..., n, n) to two arrays (...).

    The derivative of the sign is 0. Raises LinAlgError at backward if a matrix is singular: the logarithm is -inf there.

    >>> import tinygrad_ko as tg
    >>> sign, logabsdet = tg.linalg.slogdet([[0.0, 2.0], [2.0, 0.0]])
    >>> float(sign), round(float(logabsdet), 6)
    (-1.0, 1.386294)
    """
    out = sign_and_log(x)
    return SlogdetResult(out[..., 0], out[..., 1])
