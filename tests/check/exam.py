"""An exam for gradient checkers: functions of NumPy arrays with vector-Jacobian products written by hand, each with its right verdict.

`right`: the vjp gives the derivative of f at the inputs (at a kink or a tie any subgradient). `wrong`: it is off by more than 1e-5 of its
size, or by more than `rtol`. `undecided`: values of f cannot tell, for f rounds inside, draws random numbers, is not finite there, or has
kinks that cancel.

The cases, in exams/, were written by an author who had not seen the check, and verified with mpmath, complex steps and long double.
`python -m benchmarks.exam` gives them to several checkers.
"""

from tests.check.exams import (
    case,
    convolution,
    dynamics,
    layers,
    linear_algebra,
    signals,
    small_errors,
    special_functions,
    state,
    statistics,
    undecided,
)

for module in (
    layers,
    convolution,
    linear_algebra,
    special_functions,
    dynamics,
    signals,
    statistics,
    state,
    small_errors,
    undecided,
):
    module.cases()
CASES, Case = case.CASES, case.Case
