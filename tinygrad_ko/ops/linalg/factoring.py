"""A matrix as a product with a triangular one: Cholesky's and the QR decomposition, of matrices and stacks of them."""

from collections import namedtuple

from tinygrad_ko.arrays.library import namespace
from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.engine.op import op
from tinygrad_ko.ops.inputs import require_one_of
from tinygrad_ko.ops.linalg.degenerate import independent, without_gradient
from tinygrad_ko.ops.linalg.diagonals import tril
from tinygrad_ko.ops.linalg.lapack import as_matrix_stack, refusing, symmetric_part
from tinygrad_ko.ops.linalg.solving import solution
from tinygrad_ko.ops.shape import concat, matrix_transpose

QRResult = namedtuple("QRResult", "Q R")


@op(name="cholesky", x=lambda g, out: _from_cholesky(g, out))
def lower_cholesky(xp, x):
    """L, lower triangular with a positive diagonal, with L @ L.mT = (x + x.mT) / 2."""
    with refusing(
        "cholesky: x is not positive definite, so it has no such factor; x + small * identity may be, and "
        "tg.linalg.eigvalsh(x) shows how far it is from it",
        "cholesky: x가 양의 정부호가 아니므로 분해할 수 없습니다. 대각선에 작은 수를 더하거나, "
        "tg.linalg.eigvalsh(x)로 고윳값이 모두 0보다 큰지 확인하십시오.",
    ):
        return xp.linalg.cholesky(symmetric_part(x))


def _from_cholesky(g, lower):
    """L^-T S L^-1 / 2, where S is the lower triangle of L^T g, copied to the upper. Source: I. Murray, "Differentiation of the Cholesky
    decomposition" (2016), arXiv:1602.07527, the symbolic reverse mode.
    """
    return solution(lower.mT, solution(lower.mT, mirrored(lower.mT @ g) / 2).mT)


def mirrored(x):
    """The lower triangle of x, copied to the upper."""
    return tril(x) + tril(x, -1).mT


def cholesky(x, /, *, upper=False):
    """The lower triangular L with L @ L.mT = x, or with `upper=True` L.mT, of a symmetric positive definite x (..., n, n).

    It is that of the symmetric part (x + x.mT) / 2, which is x itself where x is symmetric: so the gradient is symmetric. Raises
    LinAlgError if a matrix is not positive definite, ValueError if it is not square.

    >>> import tinygrad_ko as tg
    >>> tg.linalg.cholesky([[4.0, 2.0], [2.0, 5.0]])
    array([[2., 0.],
           [1., 2.]])
    """
    lower = lower_cholesky(x)
    return matrix_transpose(lower) if upper else lower


@op(name="qr", x=lambda g, out: _from_qr(g, out))
def tall_qr(xp, x):
    """Q over R in one array (..., m + n, n), of x (..., m, n) with m >= n."""
    q, r = xp.linalg.qr(floating(x), mode="reduced")
    return xp.concat([q, r], axis=-2)


def _from_qr(g, out):
    """(g_Q + Q S) R^-T, where S is the lower triangle of R g_R^T - g_Q^T Q, copied to the upper. Source: M. Seeger, A. Hetzel, Z. Dai, E.
    Meissner, N. D. Lawrence, "Auto-differentiating linear algebra" (2017), arXiv:1710.08717, transposed.
    """
    (gq, gr), (q, r) = _unpacked(g), _unpacked(out)
    s = mirrored(r @ gr.mT - gq.mT @ q)
    return solution(independent(r, "qr"), (gq + q @ s).mT).mT


def _unpacked(packed):
    m = packed.shape[-2] - packed.shape[-1]
    return packed[..., :m, :], packed[..., m:, :]


def qr(x, /, *, mode="reduced"):
    """Q with perpendicular columns of length 1 and R upper triangular with Q @ R = x: from (..., m, n) to (..., m, k) and (..., k, n),
    where k is the smaller of m and n. The signs of R's rows, and so of Q's columns, are as LAPACK leaves them, and may change from one x to
    the next: what is computed from Q and R should not depend on them.

    With `mode="complete"` and m > n, Q is (..., m, m); what its further columns are is left open, so there is no gradient.

    Raises LinAlgError at backward if the columns of x (of a wide x: the first m) are not independent, and at the call if a Tensor that
    requires a gradient is given with `mode="complete"` and m > n; ValueError for another mode.

    >>> import tinygrad_ko as tg
    >>> q, r = tg.linalg.qr([[3.0, 1.0], [4.0, 2.0]])
    >>> (q @ r).round(12).tolist(), float(abs(r[0, 0]))
    ([[3.0, 1.0], [4.0, 2.0]], 5.0)
    """
    x = as_matrix_stack(x, "qr")
    m, n = x.shape[-2:]
    require_one_of(("reduced", "complete"), mode, "qr", "mode")
    if mode == "complete" and m > n:
        parts = without_gradient(
            x,
            lambda values: namespace(values).linalg.qr(floating(values), mode="complete"),
            "qr: the further columns of a complete Q have no gradient; pass mode='reduced'",
            "qr: mode='complete'가 Q에 덧붙이는 열에는 기울기가 없습니다. mode='reduced'를 쓰거나,",
        )
        return QRResult(*parts)
    if m < n:  # the first columns make Q, which turns the others
        q, r = qr(x[..., :m])
        return QRResult(q, concat([r, q.mT @ x[..., m:]], axis=-1))
    return QRResult(*_unpacked(tall_qr(x)))
