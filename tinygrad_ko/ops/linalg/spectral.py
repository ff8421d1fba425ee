"""Eigenvalues of symmetric matrices, singular values, and what follows from them, of matrices and stacks of them.

Values and vectors are the parts of one array, so that an op has one result and LAPACK is called once: the values in the first row, the
vectors in the columns below. The sign of a vector (of both vectors of a singular value) may change from one matrix to the next: what is
computed from them should not depend on it.

Vectors whose values are equal (see `degenerate.py` for how near that is) or, for singular values, 0 have no gradient: a LinAlgError as soon
as one is asked for, and for a second derivative. The values alone have a kink there, and their gradient is a subgradient.
"""

from collections import namedtuple
from math import inf

from tinygrad_ko.arrays.library import namespace
from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.engine.op import op
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import abs, where
from tinygrad_ko.ops.inputs import gives_constants, require_one_of
from tinygrad_ko.ops.linalg.degenerate import full_rank, gaps, sizes_and_sums, vanishing, without_gradient
from tinygrad_ko.ops.linalg.lapack import as_matrix_stack, converging, symmetric_part
from tinygrad_ko.ops.reduction import max, min, sum, vector_norm
from tinygrad_ko.ops.shape import expand_dims, reshape

EighResult = namedtuple("EighResult", "eigenvalues eigenvectors")
SVDResult = namedtuple("SVDResult", "U S Vh")


@op(name="eigh", x=lambda g, out: _from_eigh(g, out))
def values_over_vectors(xp, x):
    """The eigenvalues of (x + x.mT) / 2 over its eigenvectors, in one array (..., 1 + n, n)."""
    with converging("eigh"):
        w, v = xp.linalg.eigh(symmetric_part(x))
    return xp.concat([w[..., None, :], v], axis=-2)


def _from_eigh(g, out):
    """V (diag(g_w) + K) V^T, where K[i, j] is the antisymmetric part of V^T g_V over w[j] - w[i]. Source: M. B. Giles, "Collected matrix
    derivative results for forward and reverse mode algorithmic differentiation" (2008), section 3.1, symmetrised.
    """
    gw, gv, w, v = g[..., :1, :], g[..., 1:, :], out[..., 0, :], out[..., 1:, :]
    k = _skew(v.mT @ gv) / gaps(w, gv, "eigh") / 2
    return (v * gw + v @ k) @ v.mT


def _skew(x):
    return x - x.mT


def eigh(x, /):
    """The eigenvalues (..., n), ascending, and the eigenvectors, in the columns of (..., n, n), of a symmetric x (..., n, n).

    They are those of the symmetric part (x + x.mT) / 2, which is x itself where x is symmetric: so the gradient is symmetric. The sign of
    an eigenvector is as LAPACK leaves it: do not depend on it. Eigenvalues that are equal have a kink, where the gradient is one of the
    subgradients. Where no gradient is wanted `eigvalsh` finds the eigenvalues alone in less than half of the time.

    Raises LinAlgError at backward if the gradient of an eigenvector is asked for whose eigenvalue is not the only one of its size, and for
    a second derivative if any two are equal; ValueError if x is not square.

    >>> import tinygrad_ko as tg
    >>> x = tg.Tensor([[2.0, 1.0], [1.0, 2.0]], requires_grad=True)
    >>> w, v = tg.linalg.eigh(x)
    >>> w[1].backward()  # the slope of an eigenvalue: its eigenvector times itself
    >>> w.tolist(), x.grad.round(12).tolist()
    ([1.0, 3.0], [[0.5, 0.5], [0.5, 0.5]])
    """
    out = values_over_vectors(x)
    return EighResult(out[..., 0, :], out[..., 1:, :])


@op(x=lambda g, x: _from_eigenvalues(g, eigh(x).eigenvectors))
def eigvalsh(xp, x):
    """The eigenvalues of a symmetric matrix, ascending: (..., n, n) to (..., n). The eigenvectors are computed at backward.

    As in `eigh` they are those of the symmetric part of x. Where some are equal they have a kink, and the gradient is one of the
    subgradients; the same for all of them (as in a sum) it is the derivative. Raises LinAlgError for a second derivative of those that are
    equal.

    >>> import tinygrad_ko as tg
    >>> tg.linalg.eigvalsh([[2.0, 1.0], [1.0, 2.0]])
    array([1., 3.])
    """
    with converging("eigvalsh"):
        return xp.linalg.eigvalsh(symmetric_part(x))


def _from_eigenvalues(g, v):
    return (v * expand_dims(g, axis=-2)) @ v.mT


@op(name="svd", x=lambda g, out, x_shape: _from_svd(g, out, x_shape[-2]))
def values_over_both(xp, x):
    """The singular values of x (..., m, n) over U over V, in one array (..., 1 + m + n, min(m, n))."""
    with converging("svd"):
        u, s, vh = xp.linalg.svd(floating(x), full_matrices=False)
    return xp.concat([s[..., None, :], u, vh.mT], axis=-2)


def _from_svd(g, out, m):
    """U (diag(g_S) + K) V^T, where for A = U^T g_U and B = V^T g_V the entry K[i, j] is the antisymmetric part of A + B over s[j] - s[i]
    and that of A - B over s[j] + s[i]; beside it the parts of g_U and g_V that are perpendicular to U and V, over S. Source: J. Townsend,
    "Differentiating the singular value decomposition" (2016), with s[j] / (s[j]^2 - s[i]^2) in two fractions.
    """
    s, g_vectors = out[..., 0, :], g[..., 1:, :]
    u, v = out[..., 1 : m + 1, :], out[..., m + 1 :, :]
    gs, gu, gv = where(vanishing(s), 0, g[..., 0, :]), g_vectors[..., :m, :], g_vectors[..., m:, :]
    gap, (size, total) = gaps(s, g_vectors, "svd"), sizes_and_sums(s, g_vectors, "svd")
    a, b = u.mT @ gu, v.mT @ gv
    k = (_skew(a + b) / gap + _skew(a - b) / total) / 2
    left, right = u * expand_dims(gs, axis=-2) + u @ k, v.mT
    if u.shape[-2] > u.shape[-1]:
        left = left + (gu - u @ a) / size
    if v.shape[-2] > v.shape[-1]:
        return left @ right + u @ ((gv - v @ b) / size).mT
    return left @ right


def svd(x, /, *, full_matrices=True):
    """U, S and Vh with U @ diag(S) @ Vh = x, where U and Vh.mT have perpendicular columns of length 1, and S descends.

    From (..., m, n), with k the smaller of the two: S is (..., k), U (..., m, m) and Vh (..., n, n), or with `full_matrices=False` U (...,
    m, k) and Vh (..., k, n). What the further columns of a full U or Vh are is left open, so they have no gradient. The sign of each pair
    of vectors is as LAPACK leaves it: do not depend on it. Singular values have the derivatives of `svdvals`, which is faster where no
    gradient is wanted.

    Raises LinAlgError at backward if the gradient of a vector is asked for whose singular value is 0 or equals another, and for a second
    derivative if any is so; at the call if a Tensor that requires a gradient is given with `full_matrices=True` and is not square.

    >>> import tinygrad_ko as tg
    >>> u, s, vh = tg.linalg.svd([[0.0, 2.0, 0.0], [3.0, 0.0, 0.0]], full_matrices=False)
    >>> s, ((u * s) @ vh).tolist()
    (array([3., 2.]), [[0.0, 2.0, 0.0], [3.0, 0.0, 0.0]])
    """
    x = as_matrix_stack(x, "svd")
    m, n = x.shape[-2:]
    if full_matrices and m != n:
        parts = without_gradient(
            x,
            lambda values: namespace(values).linalg.svd(floating(values), full_matrices=True),
            "svd: the further vectors of full matrices have no gradient; pass full_matrices=False",
            "svd: full_matrices=True가 덧붙이는 벡터에는 기울기가 없습니다. full_matrices=False를 쓰거나,",
        )
        return SVDResult(*parts)
    out = values_over_both(x)
    return SVDResult(out[..., 1 : m + 1, :], out[..., 0, :], out[..., m + 1 :, :].mT)


@op(x=lambda g, x: _from_singular_values(g, svd(x, full_matrices=False)))
def svdvals(xp, x):
    """The singular values, descending: (..., m, n) to (..., min(m, n)). The vectors are computed at backward.

    At a singular value of 0 the derivative is taken to be 0; where some are equal they have a kink, and the gradient is one of the
    subgradients. Raises LinAlgError for a second derivative of those that are equal.

    >>> import tinygrad_ko as tg
    >>> tg.linalg.svdvals([[0.0, 2.0, 0.0], [3.0, 0.0, 0.0]])
    array([3., 2.])
    """
    with converging("svdvals"):
        return xp.linalg.svdvals(floating(x))


def _from_singular_values(g, parts):
    return (parts.U * expand_dims(where(vanishing(parts.S), 0, g), axis=-2)) @ parts.Vh


@op(name="pinv", x=lambda g, x, out: _from_pinv(g, x, full_rank(out, x, "pinv")))
def pseudoinverse(xp, x, *, rtol):
    """The pseudoinverse."""
    with converging("pinv"):
        return xp.linalg.pinv(floating(x), rtol=rtol)


def _from_pinv(g, x, p):
    """As for an inverse, and for what of the transposed gradient h is perpendicular to the columns of x, or to its rows. Source: G. H.
    Golub, V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate", SIAM J.
    Numer. Anal. 10 (1973), for x of full rank.
    """
    h, inverse = g.mT, -p.mT @ g @ p.mT
    if x.shape[-2] > x.shape[-1]:
        return inverse + (h - x @ (p @ h)) @ p @ p.mT
    if x.shape[-2] < x.shape[-1]:
        return inverse + p.mT @ p @ (h - (h @ p) @ x)
    return inverse


def pinv(x, /, *, rtol=None):
    """The pseudoinverse: (..., m, n) to (..., n, m). pinv(a) @ b is the shortest x for which a @ x comes nearest to b.

    Singular values up to `rtol` times the largest are taken to be 0; by default max(m, n) units in the last place. Raises LinAlgError at
    backward if there are such: where the rank changes the pseudoinverse jumps.

    >>> import tinygrad_ko as tg
    >>> tg.linalg.pinv([[2.0, 0.0], [0.0, 4.0], [0.0, 0.0]])
    array([[0.5 , 0.  , 0.  ],
           [0.  , 0.25, 0.  ]])
    """
    return pseudoinverse(as_matrix_stack(x, "pinv"), rtol=rtol)


def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    """The norm of matrices: (..., m, n) to (...), or with `keepdims=True` to (..., 1, 1).

    "fro": the root of the sum of the squares, `vector_norm` with its derivatives; "nuc": the sum of the singular values; 2 and -2: the
    largest and the smallest of them; 1 and -1: the largest and the smallest sum of the sizes in a column; inf and -inf: in a row. Raises
    ValueError for another `ord`.

    >>> import tinygrad_ko as tg
    >>> [float(tg.linalg.matrix_norm([[3.0, 0.0], [0.0, -4.0]], ord=ord)) for ord in ("fro", "nuc", 2, 1)]
    [5.0, 7.0, 4.0, 4.0]
    """
    x = as_matrix_stack(x, "matrix_norm")
    require_one_of(("fro", "nuc", 1, -1, 2, -2, inf, -inf), ord, "matrix_norm", "ord")
    if ord == "fro":
        norm = vector_norm(x, axis=(-2, -1))
    elif ord == "nuc":
        norm = sum(svdvals(x), axis=-1)
    elif ord in (2, -2):
        if 0 in x.shape[-2:]:
            raise explain(
                ValueError(f"matrix_norm: shape {x.shape[-2:]} has no singular values, so no norm of ord={ord}"),
                f"matrix_norm: 형상이 {x.shape[-2:]}인 행렬에는 특잇값이 없으므로 ord={ord}인 노름을 구할 수 없습니다.",
            )
        norm = svdvals(x)[..., 0 if ord > 0 else -1]
    else:
        sums = sum(abs(x), axis=-2 if ord in (1, -1) else -1)
        norm = (max if ord > 0 else min)(sums, axis=-1)
    return reshape(norm, (*x.shape[:-2], 1, 1)) if keepdims else norm


def eig(x, /):
    """Refused with TypeError: eigenvalues of a matrix that is not symmetric are complex, and a Tensor holds real numbers."""
    raise _complex("eig", "eigh")


def eigvals(x, /):
    """Refused with TypeError, as `eig` is."""
    raise _complex("eigvals", "eigvalsh")


def _complex(name, symmetric):
    return explain(
        TypeError(
            f"linalg.{name} gives complex numbers, which have no gradient here; of a symmetric matrix write tg.linalg.{symmetric}(x), and "
            f"for the values alone np.linalg.{name}(x.numpy())"
        ),
        f"linalg.{name}: 결과가 복소수이므로 지원하지 않습니다. 대칭 행렬에는 tg.linalg.{symmetric}(x)를, 값만 필요하면 "
        f"np.linalg.{name}(x.numpy())를 쓰십시오.",
    )


@gives_constants
def matrix_rank(x, /, *, rtol=None):
    """How many singular values are above `rtol` times the largest, by default max(m, n) units in the last place: whole numbers,
    without a gradient.

    >>> import tinygrad_ko as tg
    >>> int(tg.linalg.matrix_rank([[1.0, 2.0], [2.0, 4.0]]))
    1
    """
    values = as_matrix_stack(x, "matrix_rank")
    with converging("matrix_rank"):
        return namespace(values).linalg.matrix_rank(floating(values), rtol=rtol)
