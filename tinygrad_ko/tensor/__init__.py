"""`Tensor`: an array that records what is computed from it."""

from tinygrad_ko.tensor.tensor import Tensor, grad

__all__ = ["Tensor", "grad"]
