"""The oracle: numerical differentiation, and the gradient check that compares every analytic gradient with it.

In the order of reading: `slopes` measures the slope of a function of one number, with an error estimate. `functions` makes one of what is
checked, a function of arrays restricted to a random line, and has its slope by the formulas beside it. `verdicts` compares the two,
`blame` looks for the formula that is wrong, and `reports` say what was found. `gradient` and `handwritten` are what users call.
"""

from tinygrad_ko.runtime.names import public_names

__getattr__, __dir__, __all__ = public_names(__name__)
