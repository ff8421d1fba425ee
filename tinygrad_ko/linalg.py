"""`tg.linalg`: the linear algebra of the array API standard, by the names of its extension `linalg`."""

from tinygrad_ko.runtime.names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
