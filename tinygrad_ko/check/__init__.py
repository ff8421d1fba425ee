"""The oracle: numerical differentiation, and the judge that holds every analytic gradient against it.

The judge is imported when it is first asked for: a program that only trains does not wait for it.
"""

from typing import TYPE_CHECKING, Any

from tinygrad_ko.check.numerical import gradient_descent, numerical_diff, numerical_gradient

if TYPE_CHECKING:
    from tinygrad_ko.check.differentiation import derivative, directional_derivative
    from tinygrad_ko.check.gradient import check_gradient
    from tinygrad_ko.check.report import Blame, GradientMismatch, GradientUndecided, Projection, Report
    from tinygrad_ko.check.slope import Slope

HOMES = {
    "Blame": "report",
    "GradientMismatch": "report",
    "GradientUndecided": "report",
    "Projection": "report",
    "Report": "report",
    "Slope": "slope",
    "check_gradient": "gradient",
    "derivative": "differentiation",
    "directional_derivative": "differentiation",
}

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


def __getattr__(name: str) -> Any:
    """What belongs to the judge."""
    if name not in HOMES:
        raise AttributeError(f"module 'tinygrad_ko.check' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"tinygrad_ko.check.{HOMES[name]}"), name)
