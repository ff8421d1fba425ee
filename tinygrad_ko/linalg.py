"""`tg.linalg`: the linear algebra of the array API standard, by the names of its extension `linalg`."""

from tinygrad_ko.ops.determinants import det, slogdet
from tinygrad_ko.ops.diagonals import diagonal, trace
from tinygrad_ko.ops.factoring import cholesky, qr
from tinygrad_ko.ops.linalg import cross, matmul, outer, tensordot, vecdot
from tinygrad_ko.ops.reduction import vector_norm
from tinygrad_ko.ops.shape import matrix_transpose
from tinygrad_ko.ops.solving import inv, matrix_power, solve
from tinygrad_ko.ops.spectral import eigh, eigvalsh, matrix_norm, matrix_rank, pinv, svd, svdvals

__all__ = [
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]
