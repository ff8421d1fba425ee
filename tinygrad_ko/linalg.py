"""`tg.linalg`: linear algebra by the names of the array API standard's extension of that name.

The standard's functions that are not built yet are an AttributeError.
"""

from tinygrad_ko.ops.determinants import det, slogdet
from tinygrad_ko.ops.factoring import cholesky, qr
from tinygrad_ko.ops.linalg import matmul
from tinygrad_ko.ops.shape import matrix_transpose
from tinygrad_ko.ops.solving import inv, matrix_power, solve
from tinygrad_ko.ops.spectral import eigh, eigvalsh, matrix_norm, matrix_rank, pinv, svd, svdvals

__all__ = [
    "cholesky",
    "det",
    "eigh",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
]
