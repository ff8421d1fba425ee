"""Where a decomposition has no gradient, and the errors there.

Where two eigenvalues are equal, any two perpendicular vectors of a plane are their eigenvectors, which so have no derivative. LAPACK's
values are off by a few units in the last place of the largest; those no further apart than 16 such units of the sum of all are taken to be
equal. (Of matrices made with equal eigenvalues, up to 150 x 150, these came out at most 12 units of the largest apart.) Farther apart there
is a gradient, but the nearer two are, the fewer of its digits are right.
"""

from numpy.linalg import LinAlgError

from tinygrad_ko.arrays.library import namespace
from tinygrad_ko.arrays.opaque import opaque
from tinygrad_ko.engine.graph import Handle, current, wrap
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.elementwise import where
from tinygrad_ko.ops.inputs import unwrapped
from tinygrad_ko.ops.shape import expand_dims


def _roundoff(w):
    """How far apart equal values may come out: (..., 1) for values (..., n)."""
    xp = namespace(w)
    return 16 * float(xp.finfo(w.dtype).eps) * xp.sum(xp.abs(w), axis=-1, keepdims=True)


def vanishing(s):
    """Which of some singular values are 0."""
    s = unwrapped(s)
    return s <= _roundoff(s)


def _columns_asked_for(g):
    """The columns in which a gradient is not 0; of a recorded one all, for its own derivative may not be 0 there."""
    values = unwrapped(g)
    return namespace(values).any((values != 0) | isinstance(g, Handle), axis=-2)


def gaps(w, g, of):
    """w[j] - w[i] of each pair, 1 where they are equal; raises LinAlgError if g, in columns, asks for a vector of equal values."""
    values = unwrapped(w)
    xp = namespace(values)
    near = xp.abs(values[..., None, :] - values[..., :, None]) <= _roundoff(values)[..., None]
    several = xp.count_nonzero(near, axis=-2) > 1
    _refuse_vectors(xp, several & _columns_asked_for(g), of, "equals another one", "다른 값과 같으므로")
    return where(near, 1, expand_dims(w, axis=-2) - expand_dims(w, axis=-1))


def sizes_and_sums(s, g, of):
    """Singular values (..., 1, n) and sums of pairs (..., n, n), 1 where they are 0; raises LinAlgError if g asks for a vector of 0."""
    zero = vanishing(s)
    _refuse_vectors(namespace(zero), zero & _columns_asked_for(g), of, "is 0", "0이므로")
    row, column = expand_dims(s, axis=-2), expand_dims(s, axis=-1)
    return where(zero[..., None, :], 1, row), where(zero[..., None, :] & zero[..., :, None], 1, row + column)


def refuse_equal(g, s, of):
    """g, a gradient of singular values. Raises LinAlgError if two of them are equal or one is 0, whatever g asks for."""
    everything = expand_dims(s, axis=-2) + 1
    gaps(s, everything, of)
    sizes_and_sums(s, everything, of)
    return g


@opaque
def _refuse_vectors(xp, bad, of, what, korean):
    if not xp.any(bad):
        return
    *stack, i = (int(places[0]) for places in xp.nonzero(bad))
    place, of_matrix = (f" of matrix {tuple(stack)}", f"행렬 {tuple(stack)}의 ") if stack else ("", "")
    kind, its, alone = ("eigenvalue", "고윳값", "eigvalsh") if of == "eigh" else ("singular value", "특잇값", "svdvals")
    raise explain(
        LinAlgError(
            f"{of}: {kind} {i}{place} {what} to round-off, so its vectors have no gradient "
            f"(and for a second derivative no {kind} may be so); use what needs no such vectors, as tg.linalg.{alone} does, or change the "
            "matrix a little"
        ),
        f"{of}: {of_matrix}{its} {i}번이 반올림 오차 안에서 {korean} 그 벡터에는 기울기가 없습니다. 2계 미분에서는 이런 값이 하나도 "
        f"없어야 합니다. tg.linalg.{alone}처럼 이 벡터가 필요 없는 함수를 쓰거나 행렬을 조금 바꾸십시오.",
    )


def independent(r, of):
    """r, the triangular factor of a matrix whose columns are independent. Raises LinAlgError if they are not."""
    xp = namespace(unwrapped(r))
    diagonal = xp.abs(xp.linalg.diagonal(unwrapped(r)))
    _require_independent(xp, diagonal <= _roundoff(diagonal), of)
    return r


@opaque
def _require_independent(xp, vanish, of):
    if xp.any(vanish):
        raise explain(
            LinAlgError(
                f"{of}: the columns of x are not independent (to round-off, an entry on the diagonal of R is 0), so Q and R have "
                "no gradient; leave out the columns that follow from others"
            ),
            f"{of}: x의 열이 선형 독립이 아니므로 Q와 R의 기울기가 없습니다. 다른 열로 나타낼 수 있는 열을 빼십시오.",
        )


def full_rank(p, x, of):
    """p, the pseudoinverse of x; raises LinAlgError unless x has full rank. The trace of p @ x counts the singular values above 0."""
    xp = namespace(unwrapped(x))
    rank = xp.sum(unwrapped(p).mT * unwrapped(x), axis=(-2, -1))
    _require_full_rank(xp, rank < min(x.shape[-2:]) - 0.5, of)
    return p


@opaque
def _require_full_rank(xp, less, of):
    if xp.any(less):
        raise explain(
            LinAlgError(
                f"{of}: x does not have full rank, and where the rank changes the pseudoinverse jumps: it has no gradient; "
                "tg.linalg.solve(x.mT @ x + small * identity, x.mT) is near it and has one"
            ),
            f"{of}: x의 랭크가 부족합니다. 랭크가 바뀌는 곳에서는 유사역행렬이 불연속이므로 기울기가 없습니다. "
            "대신 tg.linalg.solve(x.mT @ x + 작은 수 * 단위행렬, x.mT)를 쓸 수 있습니다.",
        )


def without_gradient(x, decompose, what, korean):
    """The parts of a decomposition without a gradient: arrays of an array, constants of a Tensor. Raises LinAlgError if x requires one."""
    if not isinstance(x, Handle):
        return decompose(x)
    if x._node is not None and current.get().record:
        raise explain(
            LinAlgError(f"{what}, or, where no gradient is wanted, x.detach()"),
            f"{korean} 기울기가 필요 없다면 x.detach()를 넘기십시오.",
        )
    return [wrap(type(x), part) for part in decompose(x.stable_array())]
