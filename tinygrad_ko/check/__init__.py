"""The oracle: numerical differentiation, and the gradient check that compares every analytic gradient with it."""

from tinygrad_ko.runtime.names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
