"""The oracle: numerical differentiation, and the check that holds every analytic gradient against it."""

from tinygrad_ko.check.differentiation import derivative, directional_derivative
from tinygrad_ko.check.gradient import check_gradient
from tinygrad_ko.check.numerical import gradient_descent, numerical_diff, numerical_gradient
from tinygrad_ko.check.report import Blame, GradientMismatch, GradientUndecided, Projection, Report
from tinygrad_ko.check.slope import Slope

__all__ = [
    "Blame",
    "GradientMismatch",
    "GradientUndecided",
    "Projection",
    "Report",
    "Slope",
    "check_gradient",
    "derivative",
    "directional_derivative",
    "gradient_descent",
    "numerical_diff",
    "numerical_gradient",
]
