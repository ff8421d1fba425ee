"""What decompositions require of their matrices. A matrix of the right shape is refused with a LinAlgError, as in NumPy."""

from numpy.linalg import LinAlgError

from tinygrad_ko.arrays.operands import floating
from tinygrad_ko.errors import explain
from tinygrad_ko.ops.inputs import as_operand


def as_matrix_stack(x, of):
    """A matrix or a stack of them; raises ValueError for fewer than two axes."""
    x = as_operand(x, of)
    if x.ndim < 2:
        raise explain(
            ValueError(f"{of}: x must be a matrix or a stack of matrices, (..., m, n), but its shape is {x.shape}"),
            f"{of}: x는 행렬이거나 행렬을 쌓은 배열 (..., m, n)이어야 합니다. 받은 형상: {x.shape}",
        )
    return x


def square_matrices(x):
    """Square matrices of floats; raises ValueError for any others."""
    if getattr(x, "ndim", 0) < 2 or x.shape[-1] != x.shape[-2]:
        raise explain(
            ValueError("it takes square matrices: the last two axes must have one length"),
            "정사각 행렬이 필요합니다. 마지막 두 축의 길이가 같아야 합니다.",
        )
    return floating(x)


def symmetric_part(x):
    """(x + x.mT) / 2 of square matrices."""
    x = square_matrices(x)
    return (x + x.mT) / 2


class refusing:
    """A block in which LAPACK may refuse a matrix, and its error."""

    def __init__(self, what, korean):
        self.what, self.korean = what, korean

    def __enter__(self):
        pass

    def __exit__(self, kind, error, trace):
        if kind is LinAlgError:
            raise explain(LinAlgError(self.what), self.korean) from error


def converging(of):
    """A block in which LAPACK iterates, which on NaN and infinity does not converge."""
    return refusing(
        f"{of}: LAPACK did not converge; are there NaNs or infinities in x?",
        f"{of}: LAPACK의 계산이 수렴하지 않았습니다. x에 NaN이나 무한대가 없는지 확인하십시오.",
    )
