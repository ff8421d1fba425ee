"""The oracle: numerical differentiation, and the gradient check that compares every analytic gradient with it.

What the gradient check needs is imported on first use: a program that only trains does not wait for it.
"""

from typing import TYPE_CHECKING, Any

from tinygrad_ko.check.numerical import gradient_descent, numerical_diff, numerical_gradient

if TYPE_CHECKING:
    from tinygrad_ko.check.differentiation import derivative, directional_derivative
    from tinygrad_ko.check.gradient import check_gradient
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

_FILES = {"Slope": "slope", "check_gradient": "gradient"}
_FILES |= dict.fromkeys(["derivative", "directional_derivative"], "differentiation")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'tinygrad_ko.check' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"tinygrad_ko.check.{_FILES.get(name, 'report')}"), name)
