"""Data to learn from: bundled 8x8 digits, MNIST, and mini-batches. Plain NumPy arrays in and out."""

from tinygrad_ko.data.batches import minibatches, sample_minibatch
from tinygrad_ko.data.digits import load_digits
from tinygrad_ko.data.mnist import load_mnist

__all__ = ["load_digits", "load_mnist", "minibatches", "sample_minibatch"]
