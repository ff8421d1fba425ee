"""What the folder `common` of the book has, with its names: its programs run with other imports, on the formulas of this package.

    from tinygrad_ko.nn.book import *

Layers have `forward` and `backward(dout)`, networks hold plain arrays in `params`, optimizers have `update(params, grads)`. Nothing here
knows a derivative: `forward` records operations of the rule book, and `backward` applies their formulas.

Source of the names: Koki Saitoh, "Deep Learning from Scratch" (2016), chapters 4 to 8.
"""

from tinygrad_ko.runtime.names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
