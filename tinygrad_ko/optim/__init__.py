"""Optimizers, schedules of the learning rate, and gradient clipping."""

from tinygrad_ko.runtime.names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
