"""tinygrad_ko: automatic differentiation on NumPy that proves its own gradients."""

from tinygrad_ko.backprop import grad
from tinygrad_ko.graph import no_grad, scope, watch
from tinygrad_ko.ops.elementwise import *
from tinygrad_ko.ops.linalg import matmul
from tinygrad_ko.ops.losses import cross_entropy_error, softmax_cross_entropy, sum_squares_error
from tinygrad_ko.ops.reduction import logsumexp, max, mean, min, sum
from tinygrad_ko.ops.shape import broadcast_to, concat, expand_dims, matrix_transpose, permute_dims, reshape, squeeze, stack
from tinygrad_ko.ops.softmax import log_softmax, softmax
from tinygrad_ko.primitive import op
from tinygrad_ko.tensor import Tensor

__version__ = "0.1.0"
