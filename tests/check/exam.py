"""Two exams for gradient checkers: functions of NumPy arrays with vector-Jacobian products written by hand, each with its right verdict.

`right`: the vjp gives the derivative of f at the inputs (at a kink or a tie any subgradient). `wrong`: it is off by more than 1e-5 of its
size, or by more than `rtol`. `undecided`: values of f cannot tell, for f rounds inside, draws random numbers, is not finite there, or has
kinks that cancel.

The cases, in exams/ and exams/second/, were written by two authors who had not seen the check, and verified with mpmath, complex steps and
long double; what the check said of each at first sight is in docs/oracle.md. `python -m benchmarks.exam` gives both to several checkers.
"""

from types import ModuleType

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
from tests.check.exams.second import arrays, kinks, physics, probability
from tests.check.exams.second import dynamics as second_dynamics
from tests.check.exams.second import layers as second_layers
from tests.check.exams.second import linear_algebra as second_linear_algebra
from tests.check.exams.second import signals as second_signals
from tests.check.exams.second import special_functions as second_special_functions
from tests.check.exams.second import undecided as second_undecided

Case = case.Case


def registered(*modules: ModuleType) -> list[Case]:
    """The cases of these modules."""
    before = len(case.CASES)
    for module in modules:
        module.cases()
    return case.CASES[before:]


FIRST = registered(
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
)
SECOND = registered(
    second_layers,
    probability,
    second_linear_algebra,
    second_special_functions,
    second_dynamics,
    second_signals,
    physics,
    kinks,
    second_undecided,
    arrays,
)
CASES = [*FIRST, *SECOND]
