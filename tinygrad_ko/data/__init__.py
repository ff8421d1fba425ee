"""Data to learn from: bundled 8x8 digits, MNIST, and mini-batches. Plain NumPy arrays in and out."""

from tinygrad_ko.runtime.names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
