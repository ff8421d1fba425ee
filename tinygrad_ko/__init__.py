"""tinygrad_ko: automatic differentiation on NumPy that proves its own gradients.

import tinygrad_ko as tg
x = tg.Tensor([1.0, 2.0], requires_grad=True)
tg.sum(x * tg.sin(x)).backward()
x.grad
"""

from tinygrad_ko.runtime.interrupts import may_end

may_end()  # before anything else is imported

from tinygrad_ko.runtime.names import public_names
from tinygrad_ko.tensor.tensor import (
    Tensor as Tensor,
)  # what every program needs; the other names when they are asked for

__version__ = "0.1.0"
__array_api_version__ = "2024.12"
__getattr__, __dir__, __all__ = public_names(__name__)
