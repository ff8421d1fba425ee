"""The oracle: numerical differentiation, and the check that holds every analytic gradient against it."""

from tinygrad_ko.check.gradient import GradientMismatch, GradientUndecided, check_gradient
from tinygrad_ko.check.numerical import gradient_descent, numerical_diff, numerical_gradient

__all__ = [
    "GradientMismatch",
    "GradientUndecided",
    "check_gradient",
    "gradient_descent",
    "numerical_diff",
    "numerical_gradient",
]
