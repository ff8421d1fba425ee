from tinygrad_ko.ops.linalg.determinants import det as det
from tinygrad_ko.ops.linalg.determinants import slogdet as slogdet
from tinygrad_ko.ops.linalg.diagonals import diagonal as diagonal
from tinygrad_ko.ops.linalg.diagonals import trace as trace
from tinygrad_ko.ops.linalg.factoring import cholesky as cholesky
from tinygrad_ko.ops.linalg.factoring import qr as qr
from tinygrad_ko.ops.linalg.products import cross as cross
from tinygrad_ko.ops.linalg.products import matmul as matmul
from tinygrad_ko.ops.linalg.products import outer as outer
from tinygrad_ko.ops.linalg.products import tensordot as tensordot
from tinygrad_ko.ops.linalg.products import vecdot as vecdot
from tinygrad_ko.ops.linalg.solving import inv as inv
from tinygrad_ko.ops.linalg.solving import matrix_power as matrix_power
from tinygrad_ko.ops.linalg.solving import solve as solve
from tinygrad_ko.ops.linalg.spectral import eigh as eigh
from tinygrad_ko.ops.linalg.spectral import eigvalsh as eigvalsh
from tinygrad_ko.ops.linalg.spectral import matrix_norm as matrix_norm
from tinygrad_ko.ops.linalg.spectral import matrix_rank as matrix_rank
from tinygrad_ko.ops.linalg.spectral import pinv as pinv
from tinygrad_ko.ops.linalg.spectral import svd as svd
from tinygrad_ko.ops.linalg.spectral import svdvals as svdvals
from tinygrad_ko.ops.reduction import vector_norm as vector_norm
from tinygrad_ko.ops.shape import matrix_transpose as matrix_transpose

__all__: list[str]
