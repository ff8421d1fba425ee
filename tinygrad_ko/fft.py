"""`tg.fft`: discrete Fourier transforms, by the names of the array API standard's extension `fft`."""

from tinygrad_ko.runtime.names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
