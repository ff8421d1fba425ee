"""`tg.special`: special functions by the names of `scipy.special`, whose values they have."""

from tinygrad_ko.runtime.names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
