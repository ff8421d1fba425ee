"""`tg.linalg`: the linear algebra of the array API standard, by the names of its extension `linalg`."""

from tinygrad_ko.ops.linalg.determinants import det, slogdet
from tinygrad_ko.ops.linalg.diagonals import diagonal, trace
from tinygrad_ko.ops.linalg.factoring import cholesky, qr
from tinygrad_ko.ops.linalg.products import cross, matmul, outer, tensordot, vecdot
from tinygrad_ko.ops.linalg.solving import inv, matrix_power, solve
from tinygrad_ko.ops.linalg.spectral import eigh, eigvalsh, matrix_norm, matrix_rank, pinv, svd, svdvals
from tinygrad_ko.ops.reduction import vector_norm
from tinygrad_ko.ops.shape import matrix_transpose

__all__ = ["cross", "diagonal", "matmul", "matrix_transpose", "outer", "tensordot", "trace", "vecdot"]
__all__ += ["matrix_norm", "matrix_power", "matrix_rank", "vector_norm"]
__all__ += ["cholesky", "det", "eigh", "eigvalsh", "inv", "pinv", "qr", "slogdet", "solve", "svd", "svdvals"]
