"""`tg.stats`: distributions by the names of `scipy.stats`, whose values they have.

>>> import tinygrad_ko as tg
>>> tg.stats.norm.cdf([0.0]), tg.stats.beta.pdf([0.5], 2, 2)
(array([0.5]), array([1.5]))
"""

from tinygrad_ko.runtime.names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
